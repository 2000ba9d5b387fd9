//! A world of runs that obey or do not, and what a keeper would remember of them.

mod disk;
mod keeper;
mod nature;
mod reports;
mod words;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use disk::{Disk, is_wish};
pub use keeper::SimRun;
pub use nature::{GOOD, Nature};
use ostler_core::spec::Policy;
use ostler_core::{
    Action, AppId, Event, Millis, Preparation, ProcId, ReloadOptions, RunId, SpecId, Supervisor,
};

pub const APP: AppId = AppId(1);

#[derive(Clone)]
pub struct World {
    pub supervisor: Supervisor,
    pub now: Millis,
    pub runs: BTreeMap<RunId, SimRun>,
    /// Runs that were asked for, and for which there was no room.
    refused: BTreeSet<RunId>,
    /// What the keeper begins when a run ends.
    pub prepared: BTreeMap<RunId, (ProcId, Preparation)>,
    pub versions: BTreeMap<SpecId, (Arc<Policy>, Nature)>,
    pub reports: VecDeque<Event>,
    pub said: Vec<String>,
    /// Actions carried out so far.
    pub steps: usize,
    /// Lose the memory before the action of this number is carried out.
    pub crash_at: Option<usize>,
    /// When that happens, all runs end before anybody takes up the work.
    pub end_in_crash: bool,
    /// The last save, and whether something that must survive has changed since.
    disk: Disk,
    dirty: bool,
    /// A moment, and how much has happened in it.
    moment: (Millis, u32),
}

impl World {
    pub fn new() -> Self {
        Self {
            supervisor: Supervisor::new(),
            now: 1000,
            runs: BTreeMap::new(),
            refused: BTreeSet::new(),
            prepared: BTreeMap::new(),
            versions: BTreeMap::new(),
            reports: VecDeque::new(),
            said: Vec::new(),
            steps: 0,
            crash_at: None,
            end_in_crash: false,
            disk: Disk::default(),
            dirty: false,
            moment: (0, 0),
        }
    }

    pub fn version(
        &mut self,
        number: u32,
        nature: Nature,
        change: impl FnOnce(&mut Policy),
    ) -> SpecId {
        let mut policy =
            Policy { drain_timeout: 50, ready_timeout: 30, stop_grace: 16, ..Policy::default() };
        policy.verify_timeout = 300;
        policy.max_unstable = 3;
        policy.min_uptime = 10;
        change(&mut policy);
        self.versions.insert(SpecId(number), (Arc::new(policy), nature));
        SpecId(number)
    }

    pub fn add(&mut self, count: u32, spec: SpecId) {
        for id in 0..count {
            let policy = Arc::clone(&self.versions[&spec].0);
            self.event(Event::Add { proc: ProcId(id), app: APP, spec, policy, cluster: true });
            self.event(Event::Start(ProcId(id)));
        }
    }

    /// Adds and starts one process that is no cluster worker.
    pub fn add_plain(&mut self, spec: SpecId) {
        let policy = Arc::clone(&self.versions[&spec].0);
        let proc = ProcId(0);
        self.event(Event::Add { proc, app: APP, spec, policy, cluster: false });
        self.event(Event::Start(proc));
    }

    pub fn reload(&mut self, count: u32, spec: SpecId, options: ReloadOptions) {
        let policy = Arc::clone(&self.versions[&spec].0);
        let procs = (0..count).map(ProcId).collect();
        self.event(Event::Reload { app: APP, procs, spec, policy, options });
    }

    pub fn event(&mut self, event: Event) {
        self.moment = (self.now, if self.moment.0 == self.now { self.moment.1 + 1 } else { 0 });
        assert!(self.moment.1 < 1000, "a moment that does not pass: {:?}", self.supervisor);
        let mut out = Vec::new();
        if let Event::ReadyMessage(run) = event {
            self.runs.entry(run).and_modify(|sim| sim.said_ready = true);
        }
        self.dirty |= is_wish(&event);
        let is_measure = matches!(event, Event::Measured { .. } | Event::Unhealthy(_));
        self.supervisor.handle(self.now, event, &mut out);
        self.dirty |= is_measure && !out.is_empty();
        self.save();
        self.carry_out(out);
        self.save();
    }

    /// Carries out actions in order. Where the memory is lost, those that are left
    /// are lost with it.
    fn carry_out(&mut self, out: Vec<Action>) {
        for action in out {
            if self.crash_at.is_some_and(|at| at <= self.steps) {
                self.crash_at = None;
                if std::mem::take(&mut self.end_in_crash) {
                    self.end_all();
                }
                self.forget();
                return;
            }
            self.steps += 1;
            self.act(action);
        }
    }

    /// Lets everything happen that happens within `ms`.
    pub fn wait(&mut self, ms: Millis) {
        let until = self.now + ms;
        while self.deliver() {}
        while self.pass_deadline(until) {
            while self.deliver() {}
        }
        self.now = until;
    }

    /// Lets time go by while reports are on their way: all that is due is told before them, or in
    /// the same moment.
    pub fn late(&mut self, ms: Millis) {
        let until = self.now + ms;
        while self.pass_deadline(until) {}
        self.now = until;
    }

    /// Goes to the next deadline, if it is not after `until`.
    fn pass_deadline(&mut self, until: Millis) -> bool {
        let Some(at) = self.supervisor.deadline().filter(|at| *at <= until) else { return false };
        self.now = self.now.max(at);
        self.event(Event::Deadline);
        true
    }

    fn counters(&self, id: ProcId) -> (u32, u32) {
        self.supervisor
            .slot(id)
            .map_or((0, 0), |slot| (slot.process().restarts(), slot.process().unstable()))
    }
}
