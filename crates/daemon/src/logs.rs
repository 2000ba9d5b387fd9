//! The log engine, and our copies of what it wants kept.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use ostler_core::spec::{Alerts, AppSpec, LogFormat, LogFull};
use ostler_core::{Goal, ProcId, RunId};
use ostler_logs::{Engine, Event, Filter, Format, Names, OnFull, Sink, Stream};
use ostler_pm2::rotation;
use ostler_poll::Waker;
use ostler_sinks::{Found, Hears};

use crate::app_files::AppFiles;
use crate::log_care::{Cared, LogCare};
use crate::log_sinks::LogSinks;
use crate::mailbox::Mailbox;
use crate::model::Model;
use crate::{clock, daemon_log, environment, sys};

/// Names of what the keeper holds for the engine begin so.
pub const PREFIX: &str = "log/";

/// As whom the engine knows PM2's bus.
pub const BUS: u64 = u64::MAX;

/// As whom the engine knows those who wait for a line of a run: this and the run's number.
const WAITS: u64 = 1 << 62;

/// Returns the run for one of whose lines this subscriber waits, if it does.
pub fn run_of(subscriber: u64) -> Option<RunId> {
    (subscriber & WAITS != 0).then_some(RunId(subscriber & !WAITS))
}

/// Lines that are taken from the engine in a turn of the loop, bytes.
const LINES: usize = 256 << 10;

/// How long a combined file keeps part of a line back, ms.
const HOLD: u64 = 500;

/// The log engine as the daemon sees it.
pub struct Logs {
    engine: Engine,
    files: AppFiles,
    kept: BTreeMap<String, OwnedFd>,
    care: LogCare,
    /// Bytes of lines that were taken from the engine in this turn.
    taken: usize,
    /// Whether the module that rotates log files runs is to be looked at again.
    look_at_module: Cell<bool>,
    sinks: LogSinks,
    /// Whose lines are passed on is to be looked at again.
    look_at_sinks: Cell<bool>,
}

impl Logs {
    /// Starts the engine with what the keeper held for it, by the engine's names.
    ///
    /// # Errors
    /// Out of file descriptors, processes or memory.
    pub fn start(waker: Waker, held: Vec<(String, OwnedFd)>, care: LogCare) -> io::Result<Self> {
        let copy = |(name, fd): &(String, OwnedFd)| Ok((name.clone(), fd.try_clone()?));
        let kept = held.iter().map(copy).collect::<io::Result<_>>()?;
        let wake = Box::new(move || waker.wake());
        // Its thread is woken by the pipes of an application that ends, and must not keep that one
        // from ending.
        let files = AppFiles::default();
        let opener = Arc::new(files.clone());
        let times = Some(care.times());
        let engine = sys::start_background(|| Engine::start(wake, held, opener, times))?;
        let (look_at_module, look_at_sinks) = (Cell::new(true), Cell::new(true));
        let sinks = LogSinks::new(care.home());
        Ok(Self { engine, files, kept, care, taken: 0, look_at_module, sinks, look_at_sinks })
    }

    /// Returns the engine, for what concerns nobody else.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns how files are opened where apps say.
    pub fn files(&self) -> &AppFiles {
        &self.files
    }

    /// Lines of all runs are for PM2's bus, or no more.
    pub fn set_heard(&self, heard: bool) {
        if heard {
            self.engine.subscribe(BUS, Filter::all());
        } else {
            self.engine.unsubscribe(BUS);
        }
    }

    /// The next lines of a run are told, and it waits for us rather than that one is missed.
    pub fn hear(&self, run: RunId, id: ProcId) {
        let ids = Some(vec![id.0]);
        let filter = Filter { ids, out: true, err: true, patient: true, places: false };
        self.engine.subscribe(WAITS | run.0, filter);
    }

    /// Lines of a run were looked at.
    pub fn heard(&self, run: RunId) {
        self.engine.taken(WAITS | run.0);
    }

    /// Lines of a run need not be told any more.
    pub fn hear_no_more(&self, run: RunId) {
        self.engine.unsubscribe(WAITS | run.0);
    }

    /// Reads and writes nothing more; what is in the pipes is for a successor.
    pub fn stop(&mut self) {
        self.sinks.stop();
        self.engine.stop();
    }

    /// Reads a run's output from now on.
    pub fn attach(
        &self,
        run: RunId,
        id: ProcId,
        spec: &AppSpec,
        pipes: [(Stream, Option<Arc<OwnedFd>>); 2],
    ) {
        self.files.note(spec, id);
        self.sinks.note_begin(spec, id);
        if self.sinks.concerns(Some(spec)) {
            self.look_at_sinks.set(true);
        }
        if spec.name == rotation::MODULE {
            self.look_at_module.set(true);
        }
        let [out, err, combined] = environment::log_files(spec, id);
        let sink = Arc::new(Sink {
            proc_id: id.0,
            name: spec.name.clone(),
            out,
            err,
            combined,
            format: match spec.logs.format {
                LogFormat::Raw => Format::Raw,
                LogFormat::Json => Format::Json,
                LogFormat::Logfmt => Format::Logfmt,
            },
            date_format: spec.logs.date_format.clone(),
            disabled: spec.logs.disabled,
            full: match spec.logs.full {
                LogFull::DropNewest => OnFull::DropNewest,
                LogFull::DropOldest => OnFull::DropOldest,
                LogFull::Block => OnFull::Block,
            },
            hold: Some(HOLD),
            rotation: self.care.rules.rotation(spec),
            buffer: self.care.rules.buffer(spec),
        });
        for (stream, pipe) in pipes {
            if let Some(pipe) = pipe {
                self.engine.attach(run.0, stream, pipe, &sink);
            }
        }
    }

    /// Empties the files of these slots, or of all when none is named; that is told with the token.
    pub fn flush(&self, model: &Model, ids: &[u32], token: u64) {
        let mut paths = Vec::new();
        for (id, slot) in model.core().slots() {
            if !ids.is_empty() && !ids.contains(&id.0) {
                continue;
            }
            if let Some(version) = model.registry().version(slot.process().spec()) {
                self.files.note(&version.spec, id);
                paths.extend(environment::log_files(&version.spec, id).into_iter().flatten());
            }
        }
        paths.sort();
        paths.dedup();
        self.engine.flush(paths, token);
    }

    /// When rotated log files are to be looked at.
    pub fn care_due(&self) -> Option<u64> {
        let is_now = self.look_at_module.get() || self.look_at_sinks.get();
        if is_now { Some(0) } else { self.care.deadline() }
    }

    /// Looks after rotated log files.
    pub fn look_after<T: From<Cared> + From<Found> + Send + 'static>(
        &mut self,
        model: &Model,
        mailbox: &Mailbox<T>,
    ) {
        if self.look_at_module.replace(false) {
            self.look_at_module(model);
        }
        if self.look_at_sinks.replace(false) {
            let names = [Names::clone(self.care.rules.names()), Names::default()];
            let specs = model.core().slots().filter_map(|(id, slot)| {
                let version = model.registry().version(slot.process().spec())?;
                Some((id, &*version.spec))
            });
            let sender = mailbox.sender();
            let hears: Hears = Arc::new(move |found| sender.send(found.into()));
            self.sinks.reconcile(specs, &self.files, &names, &hears);
        }
        if self.care.deadline().is_some_and(|due| due <= clock::monotonic()) {
            self.care.begin(files_of_all(model, &self.files), &self.files, mailbox);
        }
    }

    /// PM2's module that rotates log files may have begun or ended to run: then the files are its
    /// own, or ours again.
    fn look_at_module(&mut self, model: &Model) {
        let runs = model.core().slots().any(|(_, slot)| {
            let version = model.registry().version(slot.process().spec());
            slot.process().goal() == Goal::Up
                && version.is_some_and(|of| of.is_module && of.spec.name == rotation::MODULE)
        });
        if self.care.rules.module_runs != runs {
            self.care.rules.module_runs = runs;
            let whose = if runs { "the module pm2-logrotate" } else { "what is built in" };
            daemon_log::log(format!("log files are rotated by {whose} from now on"));
            self.set_rules(model);
        }
    }

    /// Who is told of alerts of all apps.
    pub fn alerts(&self) -> &Alerts {
        &self.care.rules.alerts
    }

    /// Reads the settings of the home again.
    pub fn read_settings(&mut self, model: &Model) {
        self.care.read_settings();
        self.set_rules(model);
    }

    /// The engine rotates by the rules that are in force now.
    fn set_rules(&self, model: &Model) {
        let of = |(path, spec): (PathBuf, &AppSpec)| (path, self.care.rules.rotation(spec));
        self.engine.set_rotation(files_of_all(model, &self.files).map(of).collect());
    }

    /// A thread has done something for rotated log files.
    pub fn on_cared<T: From<Cared> + Send + 'static>(&mut self, done: Cared, mailbox: &Mailbox<T>) {
        let due = self.care.on_done(done, mailbox);
        if !due.is_empty() {
            let names = self.care.rules.names();
            self.engine.rotate(due.into_iter().map(|path| (path, Arc::clone(names))).collect());
        }
    }

    /// When rotated log files are to be looked at by the calendar, ms since 1970.
    pub fn period(&self) -> Option<u64> {
        self.care.period()
    }

    /// A time of the calendar has come, or the clock was set.
    pub fn on_calendar(&mut self, is_set: bool) {
        self.care.on_calendar(is_set);
    }

    /// A log was rotated.
    pub fn on_rotated(&mut self) {
        self.care.on_rotated();
    }

    /// Logs have grown.
    pub fn on_grown(&mut self) {
        self.care.on_grown();
    }

    /// A run has ended.
    pub fn on_end(&self) {
        if self.sinks.concerns(None) {
            self.look_at_sinks.set(true);
        }
        if self.care.rules.module_runs {
            self.look_at_module.set(true);
        }
    }

    /// Returns what the engine has to say next, until it has told of [`LINES`] in this turn: it
    /// may have more each time, and everything else would wait.
    pub fn try_recv(&mut self) -> Option<Event> {
        if self.want_turn() {
            return None;
        }
        let event = self.engine.try_recv()?;
        if let Event::Lines { lines, .. } = &event {
            self.taken += lines.iter().map(|line| line.text.len()).sum::<usize>();
        }
        Some(event)
    }

    /// Whether the engine may have more to say, for which there was no time in this turn.
    pub fn want_turn(&self) -> bool {
        LINES <= self.taken
    }

    /// Everybody else had a turn. Returns whether the engine may have more to say.
    pub fn begin_turn(&mut self) -> bool {
        LINES <= std::mem::take(&mut self.taken)
    }

    /// Keeps a copy of what the keeper is given for the engine.
    pub fn keep(&mut self, name: &str, fd: &OwnedFd) {
        match fd.try_clone() {
            Ok(copy) => _ = self.kept.insert(name.to_owned(), copy),
            Err(error) => {
                daemon_log::error(format!("out of file descriptors for `{name}`: {error}"));
            }
        }
    }

    /// Drops the copy of what need not be kept any more.
    pub fn forget(&mut self, name: &str) {
        self.kept.remove(name);
    }

    /// Returns copies of all that is kept, by the keeper's names.
    pub fn copies(&self) -> impl Iterator<Item = (String, io::Result<OwnedFd>)> {
        self.kept.iter().map(|(name, fd)| (format!("{PREFIX}{name}"), fd.try_clone()))
    }
}

/// The log files of all slots, also those that do not run.
fn files_of_all<'a>(
    model: &'a Model,
    files: &'a AppFiles,
) -> impl Iterator<Item = (PathBuf, &'a AppSpec)> {
    model.core().slots().flat_map(move |(id, slot)| {
        let version = model.registry().version(slot.process().spec());
        version.into_iter().flat_map(move |version| {
            files.note(&version.spec, id);
            let paths = environment::log_files(&version.spec, id).into_iter().flatten();
            paths.map(|path| (path, &*version.spec))
        })
    })
}
