//! Who passes the lines of apps on to others, or holds them against rules: a thread for each app
//! and receiver, which reads the log files and keeps in the home how far it is. What the threads do
//! is in `ostler_sinks`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_core::ProcId;
use ostler_core::spec::{AppSpec, LogRule, LogSink, SinkTarget};
use ostler_logs::{Names, Place};
use ostler_sinks::{Around, Form, Forwarder, Hears, Log, Passes, RULES, Runs, Sink};

use crate::app_files::AppFiles;
use crate::{daemon_log, environment, sys};

/// The threads that pass lines on.
pub struct LogSinks {
    home: PathBuf,
    host: String,
    companion: Option<PathBuf>,
    forwarders: BTreeMap<PathBuf, Passing>,
    /// Where logs were when somebody wanted to hold their lines against rules for the first time:
    /// what was before that is history.
    begins: RefCell<BTreeMap<PathBuf, Option<Place>>>,
    /// That a thread could not be started is told.
    has_failed: bool,
}

/// A thread, and what it was told.
struct Passing {
    forwarder: Forwarder,
    with: With,
    /// Its app does not want it any more.
    ends: bool,
}

/// What a thread needs to know.
#[derive(Clone, PartialEq)]
struct With {
    app: (String, String),
    of: Task,
    form: Form,
    runs: Runs,
}

/// What is done with lines.
#[derive(Clone, PartialEq)]
enum Task {
    Sink(LogSink),
    Rules(Vec<LogRule>),
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sink(of) => of.target.fmt(f),
            Self::Rules(_) => f.write_str(RULES),
        }
    }
}

impl LogSinks {
    /// Nobody receives anything yet.
    pub fn new(home: &Path) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let (forwarders, begins) = (BTreeMap::new(), RefCell::default());
        let (home, companion) = (home.to_owned(), ostler_sinks::companion());
        Self { home, host, companion, forwarders, begins, has_failed: false }
    }

    /// A run of this process begins, and its lines are written from now on.
    pub fn note_begin(&self, spec: &AppSpec, id: ProcId) {
        if spec.logs.rules.is_empty() {
            return;
        }
        for path in environment::log_files(spec, id).into_iter().flatten() {
            self.begins.borrow_mut().entry(path).or_insert_with_key(|path| {
                // Without a file all that will be in it is new.
                let file = std::fs::File::open(path).ok()?;
                file.metadata().ok().filter(std::fs::Metadata::is_file)?;
                Place::end_of(&file, true).ok()
            });
        }
    }

    /// Has the lines of these processes passed on as their apps want it now.
    pub fn reconcile<'a>(
        &mut self,
        processes: impl Iterator<Item = (ProcId, &'a AppSpec)>,
        files: &AppFiles,
        names: &[Names],
        hears: &Hears,
    ) {
        let mut wanted: BTreeMap<PathBuf, (With, Vec<Log>)> = BTreeMap::new();
        for (id, spec) in processes.filter(|(_, spec)| !spec.logs.disabled) {
            let sinks = spec.logs.sinks.iter().cloned().map(Task::Sink);
            let rules = (!spec.logs.rules.is_empty()).then(|| spec.logs.rules.clone());
            for task in sinks.chain(rules.map(Task::Rules)) {
                let mut logs = logs_of(spec, id, names);
                match &task {
                    Task::Sink(sink) => files.note_sink(spec, &sink.target),
                    Task::Rules(_) => logs.iter_mut().for_each(|log| {
                        log.begin = self.begins.borrow().get(&log.path).copied().flatten();
                    }),
                }
                let with = With::of(spec, task);
                let (_, all) = wanted.entry(self.kept(&with)).or_insert_with(|| (with, Vec::new()));
                all.extend(logs);
            }
        }
        self.forwarders.retain(|kept, passing| {
            if passing.forwarder.is_over() {
                return false;
            }
            if !passing.ends && !wanted.contains_key(kept) {
                passing.ends = true;
                passing.forwarder.finish();
            }
            true
        });
        for (kept, (with, logs)) in wanted {
            self.pass(&kept, &with, logs, (files, hears));
        }
    }

    /// Whether the begin or the end of a run with this specification may change anything.
    pub fn concerns(&self, spec: Option<&AppSpec>) -> bool {
        !self.forwarders.is_empty()
            || spec.is_some_and(|spec| !spec.logs.sinks.is_empty() || !spec.logs.rules.is_empty())
    }

    /// Threads end as soon as they can: a successor goes on.
    pub fn stop(&mut self) {
        self.forwarders.clear();
    }

    fn pass(&mut self, kept: &Path, with: &With, logs: Vec<Log>, around: (&AppFiles, &Hears)) {
        let passing = self.forwarders.get(kept).filter(|of| !of.forwarder.is_over());
        let is_changed = passing.is_some_and(|of| of.with != *with || of.ends);
        if passing.is_none() {
            let sink = self.sink(kept, with, around);
            match sys::start_background(|| Forwarder::start(sink)) {
                Ok(forwarder) => {
                    let passing = Passing { forwarder, with: with.clone(), ends: false };
                    self.forwarders.insert(kept.to_owned(), passing);
                }
                Err(error) if !std::mem::replace(&mut self.has_failed, true) => {
                    daemon_log::error(format!(
                        "could not begin to pass on lines of app [{}] ({}): {error}",
                        with.app.1, with.of
                    ));
                }
                Err(_) => {}
            }
        }
        let changed = is_changed.then(|| self.sink(kept, with, around));
        let Some(passing) = self.forwarders.get_mut(kept) else { return };
        if let Some(sink) = changed {
            passing.forwarder.change(sink);
            (passing.with, passing.ends) = (with.clone(), false);
        }
        for log in logs {
            passing.forwarder.follow(log);
        }
    }

    fn sink(&self, kept: &Path, with: &With, (files, hears): (&AppFiles, &Hears)) -> Sink {
        Sink {
            app: with.app.clone(),
            of: match &with.of {
                Task::Sink(of) => Passes::Sink(of.clone()),
                Task::Rules(rules) => Passes::Rules(rules.clone(), Arc::clone(hears)),
            },
            form: with.form.clone(),
            around: Around {
                host: self.host.clone(),
                opener: Arc::new(files.clone()),
                runs: with.runs.clone(),
                companion: self.companion.clone(),
            },
            kept: kept.to_owned(),
        }
    }

    /// The file in which it is kept how far a receiver of an app is.
    fn kept(&self, with: &With) -> PathBuf {
        let text = format!("{}\0{}\0{}", with.app.0, with.app.1, with.of);
        ostler_sinks::folder(&self.home).join(ostler_sinks::file_name(&text))
    }
}

impl With {
    fn of(spec: &AppSpec, of: Task) -> Self {
        Self {
            app: (spec.namespace.clone(), spec.name.clone()),
            form: Form { date: spec.logs.date_format.clone(), of: spec.logs.format },
            runs: match &of {
                Task::Sink(LogSink { target: SinkTarget::Command { .. }, .. }) => Runs::of(spec),
                Task::Sink(_) | Task::Rules(_) => Runs::default(),
            },
            of,
        }
    }
}

/// The log files of a process, each once.
fn logs_of(spec: &AppSpec, id: ProcId, names: &[Names]) -> Vec<Log> {
    let [out, err, _] = environment::log_files(spec, id);
    let is_file = |path: &PathBuf| path.as_os_str() != "/dev/null";
    let err = err.filter(|err| out.as_ref() != Some(err));
    let both = [(out, false), (err, true)];
    let log = |(path, err): (Option<PathBuf>, bool)| {
        let path = path.filter(is_file)?;
        Some(Log { path, id: id.0, err, names: names.to_vec(), begin: None })
    };
    both.into_iter().filter_map(log).collect()
}
