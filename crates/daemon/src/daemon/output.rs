//! What the log engine tells: output that was written, lines for who reads them, what is
//! to be kept.

use std::io;
use std::path::{Path, PathBuf};

use ostler_core::supervisor::Slot;
use ostler_core::{ProcId, RunId, Supervisor};
use ostler_logs::{Event, Fate, Stream};
use ostler_wire::control::LogStart;

use super::Daemon;
use crate::daemon_log;
use crate::hooks::Hooks;
use crate::logs::{self, BUS};
use crate::model::Input;
use crate::runs::Runs;

/// What could not be done with a log.
const EMPTY: &str = "could not empty the log file";
const ROTATE: &str = "could not rotate the log file";
const KEEP_TIMES: &str = "could not keep the times of the log file";
/// What becomes of a log that cannot be rotated, and of one whose times cannot be kept.
const WRITTEN_ON: &str = "; it is written on, and tried again each minute";
const UNKNOWN: &str = "; `logs --since` is less exact for it";

impl Daemon {
    /// Everything the engine has to say.
    pub(super) fn on_log_events(&mut self) {
        while let Some(event) = self.logs.try_recv() {
            match event {
                Event::Drained(source) if Hooks::is_source(source) => {
                    self.logs.engine().detach(source);
                }
                Event::Drained(source) => self.on_drained(RunId(source)),
                Event::Eof { source, stream } => {
                    // Nobody holds the other end of the pipe any more.
                    if let Some(which) = self.runs.output_closed(RunId(source), stream) {
                        self.keeper.close_output(RunId(source), which);
                    }
                }
                Event::Flushed(token) => {
                    // It has done everything that it was told before.
                    self.model.decide();
                    let files = |ids: &[u32]| self.model.model().unwritten(ids);
                    if let Some((client, reply)) = self.clients.end_flush(token, files) {
                        self.reply(client, &reply);
                    }
                }
                Event::Subscribed(subscriber) => {
                    let starts = |of: Option<&[u32]>| log_starts(self.model.core(), &self.runs, of);
                    if let Ok(client) = usize::try_from(subscriber) {
                        self.clients.confirm(client, starts);
                    }
                }
                Event::Lines { subscriber, lines } => {
                    if subscriber == BUS {
                        self.bus.lines(self.model.model(), &lines);
                    } else if let Some(run) = logs::run_of(subscriber) {
                        self.driver().on_lines(run, &lines);
                    } else if let Ok(client) = usize::try_from(subscriber) {
                        self.clients.lines(client, lines);
                    }
                }
                Event::FileError { path, error, fate } => {
                    self.model.push(on_unwritten(path, &error.to_string(), fate));
                }
                Event::NotEmptied { path, error } => not_done(EMPTY, &path, &error, ""),
                Event::Rotated { path, to } => self.on_rotated(&path, &to),
                Event::NotRotated { path, error } => not_done(ROTATE, &path, &error, WRITTEN_ON),
                Event::TimesNotKept { path, error } => not_done(KEEP_TIMES, &path, &error, UNKNOWN),
                Event::Grown => self.logs.on_grown(),
                Event::Dropped { source, stream, proc_id, lines } => {
                    self.model.push(on_dropped((ProcId(proc_id), RunId(source)), stream, lines));
                }
                Event::FileOk { path } => self.model.push(on_written_again(path)),
                Event::FileOpened { path } => self.model.push(Input::Written { path, error: None }),
                Event::Keep { name, fd } => {
                    self.logs.keep(&name, &fd);
                    self.keeper.put(of_engine(&name), Vec::new(), Ok(fd));
                }
                Event::Unkeep { name } => {
                    self.logs.forget(&name);
                    self.keeper.forget(of_engine(&name));
                }
            }
        }
    }
}

impl Daemon {
    /// Everything that a run wrote is in its files.
    fn on_drained(&mut self, run: RunId) {
        self.logs.on_end();
        self.driver().on_drained(run);
        self.last_lines.tell(&self.runs, &mut self.clients);
    }

    fn on_rotated(&mut self, path: &Path, to: &Path) {
        let (from, to) = (path.display(), to.display());
        daemon_log::remark(format!("rotated the log file `{from}` to `{to}`"));
        self.runs.rotated(path);
        self.logs.on_rotated();
    }
}

/// The keeper's name of what it holds for the log engine.
fn of_engine(name: &str) -> String {
    format!("{}{name}", logs::PREFIX)
}

/// Something could not be done with a log file.
fn not_done(what: &str, path: &Path, error: &io::Error, then: &str) {
    daemon_log::error(format!("{what} `{}`: {error}{then}", path.display()));
}

/// A log file cannot be written.
fn on_unwritten(path: PathBuf, error: &str, fate: Fate) -> Input {
    daemon_log::error(format!(
        "could not write the log file `{}`: {error}; trying again, and meanwhile {}",
        path.display(),
        meanwhile(fate)
    ));
    Input::Written { path, error: Some(error.to_owned()) }
}

fn on_written_again(path: PathBuf) -> Input {
    daemon_log::remark(format!("the log file `{}` is written again", path.display()));
    Input::Written { path, error: None }
}

/// Where the lines of these slots begin, or of all: a client reads them from now on.
fn log_starts(core: &Supervisor, runs: &Runs, ids: Option<&[u32]>) -> Vec<LogStart> {
    let wanted = |id: u32| ids.is_none_or(|ids| ids.contains(&id));
    let slots = core.slots().filter(|(id, _)| wanted(id.0));
    let start = |(id, slot): (ProcId, &Slot)| {
        let [out, err] = runs.log_start(id, slot.process().run())?;
        Some(LogStart { id: id.0, out, err })
    };
    slots.filter_map(start).collect()
}

/// Files of a run have not got lines of an output.
fn on_dropped((id, run): (ProcId, RunId), stream: Stream, lines: u64) -> Input {
    Input::Dropped { id, run, stream: usize::from(stream == Stream::Err), lines }
}

/// Says what becomes of output while its file cannot be written, and what decides that.
fn meanwhile(fate: Fate) -> &'static str {
    match fate {
        Fate::Dropped => "lines that do not fit into memory are dropped (`log_full`)",
        Fate::Waits => "the app waits when it writes (`log_full` is `block`)",
        Fate::Both => {
            "by `log_full` of each app that writes into it, lines that do not fit into memory are \
             dropped or the app waits"
        }
    }
}
