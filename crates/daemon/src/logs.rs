//! Between the daemon and the log engine: what to read, where to write it, who listens.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use ostler_core::spec::LogFormat;
use ostler_core::{ProcId, RunId, SpecId};
use ostler_keeper::proto::{RunFd, ToKeeper};
use ostler_logs::{Format, Line, Sink, Stream};
use ostler_wire::control::{self, Lifecycle, LogLine, Reply};

use crate::control::conn::Watching;
use crate::daemon::Daemon;
use crate::environment;
use crate::logbook;

/// Pause before the keeper is told that an output is at its end, ms.
const CLOSE_LATER: u64 = 5;

impl Daemon {
    /// Reads a run's output from now on.
    pub fn attach_logs(
        &mut self,
        run: RunId,
        id: ProcId,
        spec: SpecId,
        out: Option<OwnedFd>,
        err: Option<OwnedFd>,
    ) {
        let Some(version) = self.model.book.versions.get(&spec) else { return };
        let files = environment::log_files(&version.spec, id);
        let logs = &version.spec.logs;
        let [stdout, stderr, combined] = files;
        let sink = Arc::new(Sink {
            proc_id: id.0,
            name: version.spec.name.clone(),
            out: stdout,
            err: stderr,
            combined,
            format: match logs.format {
                LogFormat::Raw => Format::Raw,
                LogFormat::Json => Format::Json,
            },
            date_format: logs.date_format.clone(),
            disabled: logs.disabled,
        });
        for (stream, pipe) in [(Stream::Out, out), (Stream::Err, err)] {
            if let Some(pipe) = pipe {
                self.engine.attach(run.0, stream, pipe, &sink);
            }
        }
    }

    /// Everything the engine has to say.
    pub fn on_log_events(&mut self) {
        while let Some(event) = self.engine.try_recv() {
            match event {
                ostler_logs::Event::Drained(source) => self.on_drained(RunId(source)),
                ostler_logs::Event::Eof { source, stream } => {
                    self.on_output_closed(RunId(source), stream);
                }
                ostler_logs::Event::Flushed(token) => {
                    if let Some(conn) = self.flushes.remove(&token) {
                        self.reply(conn, &Reply::Done);
                    }
                }
                ostler_logs::Event::Lines { subscriber, lines } => self.on_lines(subscriber, lines),
                ostler_logs::Event::FileError { path, error } => logbook::error(format!(
                    "could not write the log file `{}`: {error}; the output waits in the app's pipe, trying again",
                    path.display()
                )),
                ostler_logs::Event::FileOk { path } => {
                    logbook::log(format!("the log file `{}` is written again", path.display()));
                }
                ostler_logs::Event::Keep { name, fd } => {
                    match fd.try_clone() {
                        Ok(copy) => _ = self.kept_logs.insert(name.clone(), copy),
                        Err(error) => {
                            logbook::error(format!("out of descriptors for `{name}`: {error}"));
                        }
                    }
                    self.keeper_send(
                        &ToKeeper::Put { name: format!("log/{name}"), meta: Vec::new() },
                        vec![fd],
                    );
                }
                ostler_logs::Event::Unkeep { name } => {
                    self.kept_logs.remove(&name);
                    self.keeper_send(&ToKeeper::Del { name: format!("log/{name}") }, Vec::new());
                }
            }
        }
    }

    /// Nobody holds the other end of a pipe any more.
    fn on_output_closed(&mut self, run: RunId, stream: Stream) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        let [out, err] = &mut held.pipes;
        let (copy, which) = match stream {
            Stream::Out => (out, RunFd::Out),
            Stream::Err => (err, RunFd::Err),
        };
        *copy = None;
        // Mostly its process is at its end too, and the keeper drops all of it in a moment.
        self.closed.0.push((run, which));
        self.closed.1.get_or_insert(crate::clock::monotonic() + CLOSE_LATER);
    }

    /// Tells the keeper of pipes that nobody writes to any more, of runs that go on.
    pub fn close_outputs(&mut self) {
        self.closed.1 = None;
        for (run, which) in std::mem::take(&mut self.closed.0) {
            if self.runs.contains_key(&run) {
                self.keeper_send(&ToKeeper::CloseRunFd { run: run.0, which }, Vec::new());
            }
        }
    }

    /// Tells who watches what happened to a process.
    pub fn tell_lifecycle(&mut self, id: ProcId, name: &str, what: Lifecycle) {
        let at = crate::clock::wall();
        for conn in self.conns.values_mut() {
            let wants = |watching: &Watching| {
                watching.events && watching.ids.as_ref().is_none_or(|ids| ids.contains(&id.0))
            };
            if conn.watching.as_ref().is_some_and(wants) {
                conn.stream(&control::Event::Process { id: id.0, name: name.to_owned(), what, at });
            }
        }
    }

    /// As [`tell_lifecycle`](Self::tell_lifecycle), of a process that is still known.
    pub fn lifecycle(&mut self, id: ProcId, what: Lifecycle) {
        if let Some(name) = self.model.book.procs.get(&id).map(|proc| proc.name.clone()) {
            self.tell_lifecycle(id, &name, what);
        }
    }

    /// Passes on what was written into the daemon's own log in this round.
    pub fn tell_own(&mut self) {
        let fresh = logbook::take_fresh();
        if fresh.is_empty() {
            return;
        }
        let mut watched = false;
        for conn in
            self.conns.values_mut().filter(|conn| conn.watching.as_ref().is_some_and(|of| of.own))
        {
            watched = true;
            for (at, text) in &fresh {
                conn.stream(&control::Event::Own { at: *at, text: text.clone() });
            }
        }
        logbook::watch(watched);
    }

    fn on_lines(&mut self, subscriber: u64, lines: Vec<Line>) {
        let Some(number) = self.subscribers.get(&subscriber).copied() else { return };
        let Some(conn) = self.conns.get_mut(&number) else { return };
        let mut dropped = 0;
        for line in lines {
            if conn.is_slow() {
                // Only a reader that does not read loses lines, and it is told how many.
                dropped += 1 + line.dropped;
                continue;
            }
            let missed = std::mem::take(&mut conn.missed);
            conn.event(&control::Event::Log(LogLine {
                id: line.proc_id,
                name: line.name.to_string(),
                err: line.stream == Stream::Err,
                at: line.at_ms,
                text: line.text.to_string(),
                dropped: line.dropped + missed,
            }));
        }
        conn.missed += dropped;
    }
}
