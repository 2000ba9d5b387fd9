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

mod alerting;
mod alerts;
mod announced;
mod apps;
mod changes;
mod closing;
mod connections;
mod counters;
mod depends;
mod doing;
mod dropped_lines;
mod due;
mod dump;
mod facts;
mod failures;
mod free_ports;
mod happened;
mod health;
mod hooking;
mod hooks;
mod input;
mod jlist;
mod known;
mod lifecycle;
mod listed;
mod liveness;
mod log_names;
mod memory;
mod memory_limits;
mod notices;
mod notified;
mod operations;
mod outcome;
mod progress;
mod registry;
mod reload_failures;
mod reloads;
mod requests;
mod resumed;
mod room;
mod rule_found;
mod schedule;
mod scheduled;
mod schedules;
mod settings;
mod settling;
mod sizes;
mod sleepers;
mod sleeping;
mod snapshot;
mod state;
mod steps;
mod targets;
mod tickets;
mod to_watch;
mod traffic;
mod unaccepted;
mod unhealthy;
mod unneeded;
mod unsaved;
mod unwritten;
mod version;
mod view;
mod watchdogs;
mod watches;
mod watching;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};

use ostler_core::{Action, Event, Exit, Millis, ProcId, Role, RunId, Supervisor};
use ostler_wire::control::{ListenerView, UnwrittenFile};

use alerts::Alerts;
use depends::Dependents;
use hooks::HooksUnderWay;
use liveness::Liveness;
use memory_limits::MemoryLimits;
use operations::Operations;
use reload_failures::ReloadFailures;
use schedules::Schedules;
use settling::Settling;
use sleepers::Sleepers;
use tickets::Tickets;
use unwritten::Unwritten;
use watchdogs::Watchdogs;
use watches::Watches;

pub use counters::Counters;
pub use dropped_lines::DroppedLines;
pub use input::{ClientId, Effect, HookRun, Input, Moment, Unneeded, Usage};
pub use known::Known;
pub use outcome::signal_name;
pub use registry::Registry;
pub use requests::{closing, is_answered_to_the_end};
pub use rule_found::RuleFound;
pub use settings::Settings;
pub use snapshot::FoundRun;
pub use state::{SavedProc, State, VERSION, saved_serial};
pub use to_watch::ToWatch;
pub use traffic::{Callers, Traffic};
pub use unsaved::told;

/// The machine of the daemon's decisions.
#[derive(Debug)]
pub struct Model {
    known: Known,
    seed: u64,
    operations: Operations,
    /// Reloads whose client may ask again.
    tickets: Tickets,
    /// Slots about which something was said since operations were last looked at.
    changed: BTreeSet<ProcId>,
    /// Operations are to be looked at although no slot has changed.
    look_again: bool,
    /// What the supervision machine decided and what is not let out yet.
    actions: VecDeque<Action>,
    /// Why reloads failed, as far as it is known.
    failures: ReloadFailures,
    /// When to save what may wait, or to try again what failed.
    save_by: Option<Millis>,
    /// When memory limits are looked at.
    memory: MemoryLimits,
    /// Which runs are asked for their health.
    liveness: Liveness,
    /// Which runs are to say that they are alive.
    watchdogs: Watchdogs,
    /// What is under way before and after runs and reloads.
    hooks: HooksUnderWay,
    /// When the clock restarts what.
    schedules: Schedules,
    /// What is watched, and what has changed.
    watches: Watches,
    /// Apps whose workers begin to listen.
    settling: Settling,
    /// Apps that sleep when nobody wants them.
    sleepers: Sleepers,
    /// Files of apps that cannot be written.
    unwritten: Unwritten,
    /// Who waits for what.
    dependents: Dependents,
    /// What somebody should know.
    alerts: Alerts,
    /// What whoever asks for the list next is told.
    announced: Option<String>,
    /// The list is being written before that is begun.
    writes_last: bool,
    /// Everything is being ended, and something was not asked to end yet.
    deletes_left: bool,
}

/// A save that failed is tried again after this, ms.
const SAVE_AGAIN: Millis = 2000;

impl Model {
    /// A model without apps.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            seed: settings.seed,
            known: Known::new(settings),
            operations: Operations::default(),
            tickets: Tickets::default(),
            changed: BTreeSet::new(),
            look_again: false,
            actions: VecDeque::new(),
            failures: ReloadFailures::default(),
            save_by: None,
            memory: MemoryLimits::default(),
            liveness: Liveness::default(),
            watchdogs: Watchdogs::default(),
            hooks: HooksUnderWay::default(),
            schedules: Schedules::default(),
            watches: Watches::default(),
            settling: Settling::default(),
            sleepers: Sleepers::default(),
            unwritten: Unwritten::default(),
            dependents: Dependents::default(),
            alerts: Alerts::default(),
            announced: None,
            writes_last: false,
            deletes_left: false,
        }
    }

    /// What is known, to be looked at.
    #[must_use]
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// The time of the calendar at which the clock restarts something next, ms since 1970.
    pub fn scheduled_for(&self) -> Option<u64> {
        self.schedules.first()
    }

    /// Returns what a run listens on through us, if somebody wants to know how many connections
    /// end with it.
    #[must_use]
    pub fn counted(&self, run: RunId) -> Option<&[ListenerView]> {
        self.operations.counted(&self.known, run)
    }

    /// The files of these processes that cannot be written, each once.
    pub fn unwritten(&self, ids: &[u32]) -> Vec<UnwrittenFile> {
        self.unwritten.of_all(&self.known, ids)
    }

    /// The supervision machine, to be looked at.
    #[must_use]
    pub fn core(&self) -> &Supervisor {
        &self.known.core
    }

    /// Apps, versions and slots, to be looked at.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.known.registry
    }

    /// Whether [`snapshot`](Self::snapshot) must be saved before the effects are carried out. Asked
    /// once; a save that fails is reported by [`Input::SaveFailed`].
    pub fn take_unsaved(&mut self) -> bool {
        let unsaved = std::mem::take(&mut self.known.unsaved);
        if unsaved {
            self.save_by = None;
        }
        unsaved
    }

    /// Forgets what can be made again, and room for more than is usual.
    pub fn forget_caches(&mut self) {
        self.known.registry.forget_shared_texts();
        self.actions.shrink_to_fit();
    }

    /// The only way anything changes. Effects are to be carried out in their order.
    pub fn handle(&mut self, at: Moment, input: Input, out: &mut Vec<Effect>) {
        self.known.at = at;
        match input {
            Input::Request { client, request } => self.on_request(client, request, out),
            Input::ClientGone(client) => self.operations.forget_client(client),
            Input::Core(event) => self.on_report(event, out),
            Input::Spawned { run, pid } => {
                if let Some(facts) = self.known.facts.get_mut(&run) {
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
                self.known.capacity = capacity;
                self.begin_queued_reloads();
            }
            Input::Counted { run, open } => self.known.on_counted(run, open),
            Input::Exited { run, exit, next, stderr_tail } => {
                self.known.note_dropped(run, exit);
                if !stderr_tail.is_empty()
                    && let Some((id, Role::Candidate)) = self.known.core.owner(run)
                    && let Some(app) = self.known.registry.app_of(id)
                {
                    self.failures.tails.insert(run, (app, stderr_tail));
                }
                self.ask(Event::Exited { run, exit, next });
            }
            Input::OutOfMemory(run) => {
                if let Some(facts) = self.known.facts.get_mut(&run) {
                    facts.out_of_memory = true;
                }
            }
            Input::Unsignalable { run, pid, user } => {
                if let Some(facts) = self.known.facts.get_mut(&run) {
                    facts.unsignalable = Some((pid, user));
                    // Nothing more can be done about it: nobody waits in vain.
                    self.operations.stop_waiting_for(facts.proc, at.now);
                }
            }
            Input::Probed { run, result } => self.on_probed(run, result, out),
            Input::Usage(all) => self.known.on_usage(all),
            Input::Measured(all) => {
                for (run, memory) in self.memory.on_measured(&self.known, &all) {
                    self.ask(Event::Measured { run, memory });
                }
            }
            Input::Checked { run, result } => self.on_checked(run, result),
            Input::Notified { run, message } => self.on_notified(run, message, out),
            Input::PreludeOver { run, result } => self.on_prelude_over(run, result, out),
            Input::HookOver { label, run, hook, result } => {
                self.on_hook_over((label, run), hook, result, out);
            }
            Input::NodeVersion { run, version } => self.known.on_node_version(run, version),
            Input::Kept { run, kept } => self.on_kept(run, kept),
            Input::Monitored { id, on } => {
                if let Some(proc) = self.known.registry.proc_mut(id) {
                    proc.monitored = Some(on);
                    self.known.unsaved = true;
                }
            }
            Input::Watch { id, how } => self.on_watch(id, how),
            Input::Changed { spec, path } => self.watches.on_changed(&self.known, spec, path),
            Input::WatchLimited { spec, folders, most } => {
                self.on_watch_limited(spec, folders, most, out);
            }
            Input::Watching => self.watches.on_watching(out),
            Input::WatchEnded { why } => self.watches.on_ended(&self.known, why, out),
            Input::Rejections { run, count } => self.known.on_rejections(run, count),
            Input::Listeners { run, listeners } => {
                if let Some(facts) = self.known.facts.get_mut(&run) {
                    facts.listeners = listeners;
                    self.changed.insert(facts.proc);
                }
                self.settling.begin(&self.known, run);
            }
            Input::Traffic { app, traffic } => self.on_looked(app, traffic, out),
            Input::Asleep { app, addresses } => self.on_asleep(app, addresses),
            Input::Wanted(app) => self.on_wanted(app),
            Input::Dropped { id, run, stream, lines } => {
                self.on_dropped_lines(id, run, stream, lines);
            }
            Input::Written { path, error } => self.on_written(&path, error),
            Input::HomeTold(is_told) => self.on_home_told(is_told),
            Input::Found { number, found } => self.on_found(number, found, out),
            Input::Alerted(number) => self.on_alerted(number),
            Input::StderrTail { run, lines } => self.on_stderr_tail(run, lines),
            Input::DumpRead { client, told, warnings, elements, before } => {
                self.on_dump_read((client, told), before, warnings, elements, out);
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
        self.alerts.tell(out);
        if self.known.unsaved {
            self.watches.arm(&self.known, out);
        }
    }

    /// A report for the supervision machine.
    fn on_report(&mut self, event: Event, out: &mut Vec<Effect>) {
        if let Event::ReadyMessage(run) = event
            && let Some(facts) = self.known.facts.get_mut(&run)
        {
            facts.said_ready = true;
        }
        let gone = if let Event::TreeGone(run) = event { Some(run) } else { None };
        if let Some(run) = gone {
            // While its slot is known.
            self.after_run(run, out);
        }
        self.ask(event);
        if let Some(run) = gone {
            // Its going is told before the facts about it are forgotten.
            self.settle(out);
            self.known.facts.remove(&run);
            self.liveness.forget(run);
            self.watchdogs.forget(run);
        }
    }

    /// Lets the supervision machine take one event at once, so that what is looked at next is true.
    fn ask(&mut self, event: Event) {
        if let Event::Start(id) | Event::Restart { proc: id, .. } = event
            && let Some(proc) = self.known.registry.proc_mut(id)
        {
            proc.dependency_lost = false;
        }
        let mut actions = Vec::new();
        self.known.core.handle(self.known.at.now, event, &mut actions);
        self.actions.extend(actions);
        self.dependents.stale = true;
    }
}
