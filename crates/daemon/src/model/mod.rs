//! The daemon's decisions as a pure machine: what a request means, who is told what, what
//! must be saved.
//!
//! The supervision machine (`ostler_core`) knows runs and slots. Clients know names, files,
//! versions of specifications and requests that take time. Between the two stands the [`Model`]:
//! requests, reports and the time come in as [`Input`], and everything to be done goes out as
//! [`Effect`]s, in order. It does no I/O and reads no clock, so that a test plays any history with
//! it, also one in which the daemon dies at each effect.
//!
//! # Invariants
//! - Whoever asked is answered exactly once. Test: `every_request_is_answered_once`.
//! - After the loss of the daemon at any effect the end is the
//!   same. Test: `the_daemon_may_die_at_every_effect`.

mod announced;
mod apps;
mod awaited;
mod closing;
mod connections;
mod counters;
mod dump;
mod facts;
mod failures;
mod input;
mod jlist;
mod listed;
mod log_names;
mod memory;
mod notices;
mod operations;
mod outcome;
mod progress;
mod registry;
mod reloads;
mod requests;
mod resumed;
mod room;
mod schedule;
mod scheduled;
mod settling;
mod snapshot;
mod state;
mod steps;
mod tickets;
mod unaccepted;
mod unneeded;
mod unsaved;
mod unwritten;
mod view;
mod watches;
mod watching;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use jiff::tz::TimeZone;
use ostler_core::{Action, AppId, Event, Exit, Millis, Phase, ProcId, Role, RunId, Supervisor};

use crate::budget::Capacity;
use awaited::AwaitedTail;
use facts::RunFacts;
use operations::Operations;
use ostler_wire::control::Failure;
use scheduled::Schedules;
use settling::Settling;
use tickets::Tickets;
use watches::Watches;

pub use counters::Counters;
pub use input::{ClientId, Effect, Input, Moment, Unneeded, Usage};
pub use outcome::signal_name;
pub use registry::Registry;
pub use requests::{closing, is_answered_to_the_end};
pub use snapshot::FoundRun;
pub use state::{SavedProc, State, VERSION, saved_serial};
pub use unsaved::told;
pub use watches::ToWatch;

/// What does not change while a daemon lives.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The home directory.
    pub home: PathBuf,
    /// Marks processes of this home in their environment.
    pub mark: String,
    /// Which boot of the machine this is.
    pub boot: String,
    /// How many processes `max` means.
    pub cpus: u32,
    /// Where the saved list is.
    pub dump_path: PathBuf,
    /// Time between two looks at memory limits, ms, where it is fixed.
    pub memory_interval: Option<Millis>,
    /// Begins the sequence of random identifiers.
    pub seed: u64,
    /// The time zone that a `TZ` names, or that of the machine.
    pub zone: fn(Option<&str>) -> TimeZone,
}

/// The machine of the daemon's decisions.
#[derive(Debug)]
pub struct Model {
    settings: Settings,
    capacity: Capacity,
    at: Moment,
    seed: u64,
    core: Supervisor,
    registry: Registry,
    operations: Operations,
    /// Reloads whose client may ask again.
    tickets: Tickets,
    facts: BTreeMap<RunId, RunFacts>,
    /// Slots about which something was said since operations were last looked at.
    changed: BTreeSet<ProcId>,
    /// Operations are to be looked at although no slot has changed.
    look_again: bool,
    /// What the supervision machine decided and what is not let out yet.
    actions: VecDeque<Action>,
    /// Last lines on standard error of failed candidates, until their reload has ended.
    tails: BTreeMap<RunId, (AppId, Vec<String>)>,
    /// Ways back that failed too, of reloads that are under way.
    not_back: BTreeMap<AppId, Vec<Failure>>,
    /// Failures whose last lines are being read.
    awaited: BTreeMap<RunId, AwaitedTail>,
    /// Something that must survive has changed.
    unsaved: bool,
    /// When to save what may wait, or to try again what failed.
    save_by: Option<Millis>,
    /// When memory limits are looked at next.
    memory_at: Option<Millis>,
    /// When the clock restarts what.
    schedules: Schedules,
    /// What is watched, and what has changed.
    watches: Watches,
    /// Apps whose workers begin to listen.
    settling: Settling,
    /// Files of apps that could not be written the last time, and why not.
    unwritten: BTreeMap<PathBuf, String>,
    /// What whoever asks for the list next is told.
    announced: Option<String>,
    /// Everything is being ended.
    closing: bool,
    /// The list is being written before that is begun.
    writes_last: bool,
}

/// A save that failed is tried again after this, ms.
const SAVE_AGAIN: Millis = 2000;

impl Model {
    /// A model without apps.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            capacity: Capacity::default(),
            at: Moment::default(),
            seed: settings.seed,
            settings,
            core: Supervisor::new(),
            registry: Registry::default(),
            operations: Operations::default(),
            tickets: Tickets::default(),
            facts: BTreeMap::new(),
            changed: BTreeSet::new(),
            look_again: false,
            actions: VecDeque::new(),
            tails: BTreeMap::new(),
            not_back: BTreeMap::new(),
            awaited: BTreeMap::new(),
            unsaved: false,
            save_by: None,
            memory_at: None,
            schedules: Schedules::default(),
            watches: Watches::default(),
            settling: Settling::default(),
            unwritten: BTreeMap::new(),
            announced: None,
            closing: false,
            writes_last: false,
        }
    }

    /// The supervision machine, to be looked at.
    #[must_use]
    pub fn core(&self) -> &Supervisor {
        &self.core
    }

    /// Apps, versions and slots, to be looked at.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The process of a slot that may not be signalled, if there is one, and its user.
    fn unsignalable(&self, id: ProcId) -> Option<&(u32, String)> {
        let mut facts = self.facts.values().filter(|facts| facts.proc == id);
        facts.find_map(|facts| facts.unsignalable.as_ref())
    }

    /// Slots whose current run is online.
    #[must_use]
    pub fn count_online(&self) -> usize {
        let online = |phase| matches!(phase, Phase::Online { .. });
        self.core.slots().filter(|(_, slot)| online(slot.process().phase())).count()
    }

    /// When to call [`handle`](Self::handle) with [`Input::Deadline`] if nothing happens first.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        self.memory_at.into_iter().chain(self.others_at()).min()
    }

    /// The same without memory limits.
    fn others_at(&self) -> Option<Millis> {
        let due = [self.core.deadline(), self.operations.deadline(), self.save_by];
        due.into_iter()
            .chain([self.settled_at(), self.scheduled_at(), self.changed_at()])
            .flatten()
            .min()
    }

    /// Whether [`snapshot`](Self::snapshot) must be saved before the effects are carried out. Asked
    /// once; a save that fails is reported by [`Input::SaveFailed`].
    pub fn take_unsaved(&mut self) -> bool {
        let unsaved = std::mem::take(&mut self.unsaved);
        if unsaved {
            self.save_by = None;
        }
        unsaved
    }

    /// Forgets what can be made again, and room for more than is usual.
    pub fn forget_caches(&mut self) {
        self.registry.forget_shared_texts();
        self.actions.shrink_to_fit();
    }

    /// The only way anything changes. Effects are to be carried out in their order.
    pub fn handle(&mut self, at: Moment, input: Input, out: &mut Vec<Effect>) {
        self.at = at;
        match input {
            Input::Request { client, request } => self.on_request(client, request, out),
            Input::ClientGone(client) => self.operations.forget_client(client),
            Input::Core(event) => self.on_report(event, out),
            Input::Spawned { run, pid } => {
                if let Some(facts) = self.facts.get_mut(&run) {
                    (facts.pid, facts.unfetched) = (pid, false);
                }
                self.ask(Event::Spawned(run));
            }
            Input::NotSpawned { run, why } => {
                self.on_not_spawned(run, why, Exit::NotSpawned, out);
            }
            Input::Refused { run, why } => self.on_not_spawned(run, why, Exit::Refused, out),
            Input::Unfetched(run) => self.on_unfetched(run),
            Input::Capacity(capacity) => {
                self.capacity = capacity;
                self.begin_queued_reloads();
            }
            Input::Counted { run, open } => self.on_counted(run, open),
            Input::Exited { run, exit, next, stderr_tail } => {
                self.note_dropped(run, exit);
                if !stderr_tail.is_empty()
                    && let Some((id, Role::Candidate)) = self.core.owner(run)
                    && let Some(app) = self.registry.app_of(id)
                {
                    self.tails.insert(run, (app, stderr_tail));
                }
                self.ask(Event::Exited { run, exit, next });
            }
            Input::OutOfMemory(run) => {
                if let Some(facts) = self.facts.get_mut(&run) {
                    facts.out_of_memory = true;
                }
            }
            Input::Unsignalable { run, pid, user } => {
                if let Some(facts) = self.facts.get_mut(&run) {
                    facts.unsignalable = Some((pid, user));
                    // Nothing more can be done about it: nobody waits in vain.
                    self.operations.stop_waiting_for(facts.proc, at.now);
                }
            }
            Input::Probed { run, result } => self.on_probed(run, result, out),
            Input::Usage(all) => {
                for (run, usage) in all {
                    if let Some(facts) = self.facts.get_mut(&run) {
                        facts.usage = usage;
                    }
                }
            }
            Input::Measured(all) => self.on_measured(&all),
            Input::NodeVersion { run, version } => {
                let proc = self.facts.get(&run).map(|facts| facts.proc);
                if let Some(proc) = proc.and_then(|id| self.registry.proc_mut(id))
                    && proc.node_version.as_ref() != Some(&version)
                {
                    proc.node_version = Some(version);
                    self.unsaved = true;
                }
            }
            Input::Kept { run, kept } => self.on_kept(run, kept),
            Input::Monitored { id, on } => {
                if let Some(proc) = self.registry.proc_mut(id) {
                    proc.monitored = Some(on);
                    self.unsaved = true;
                }
            }
            Input::Watch { id, how } => self.on_watch(id, how),
            Input::Changed { spec, path } => self.on_changed(spec, path),
            Input::WatchLimited { spec, limit } => self.on_watch_limited(spec, &limit, out),
            Input::Rejections { run, count } => {
                if let Some(facts) = self.facts.get_mut(&run) {
                    facts.rejections = facts.rejections.max(count);
                }
            }
            Input::Listeners { run, listeners } => {
                if let Some(facts) = self.facts.get_mut(&run) {
                    facts.listeners = listeners;
                    self.changed.insert(facts.proc);
                }
                self.begin_settling(run);
            }
            Input::Written { path, error } => self.on_written(path, error),
            Input::StderrTail { run, lines } => self.on_stderr_tail(run, lines),
            Input::DumpRead { client, warnings, elements } => {
                self.on_dump_read(client, warnings, elements, out);
            }
            Input::DumpWritten { client, count, result } => {
                self.on_dump_written(client, count, result, out);
            }
            Input::SaveFailed => self.save_by = Some(at.now + SAVE_AGAIN),
            Input::Shutdown => self.on_shutdown(out),
            Input::Abandoned => self.on_abandoned(),
            Input::ClockSet => self.on_clock_set(out),
            Input::Deadline => self.on_deadline(out),
        }
        self.settle(out);
        if self.unsaved {
            self.arm_watches(out);
        }
    }

    /// A report for the supervision machine.
    fn on_report(&mut self, event: Event, out: &mut Vec<Effect>) {
        let gone = if let Event::TreeGone(run) = event { Some(run) } else { None };
        self.ask(event);
        if let Some(run) = gone {
            // Its going is told before the facts about it are forgotten.
            self.settle(out);
            self.facts.remove(&run);
        }
    }

    fn on_deadline(&mut self, out: &mut Vec<Effect>) {
        let now = self.at.now;
        if self.core.deadline().is_some_and(|at| at <= now) {
            self.ask(Event::Deadline);
        }
        if self.save_by.is_some_and(|at| at <= now) {
            self.unsaved = true;
        }
        self.tidy_settled(out);
        self.look_at_memory(out);
        self.restart_scheduled(out);
        self.restart_changed(out);
        self.expire(out);
    }

    /// Lets the supervision machine take one event at once, so that what is looked at next is true.
    fn ask(&mut self, event: Event) {
        let mut actions = Vec::new();
        self.core.handle(self.at.now, event, &mut actions);
        self.actions.extend(actions);
    }
}
