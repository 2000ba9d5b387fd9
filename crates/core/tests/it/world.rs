//! A world of runs that obey or do not, and what a keeper would remember of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ostler_core::spec::Policy;
use ostler_core::{
    Action, AppId, Event, Exit, Goal, Millis, Notice, Phase, ProcId, Role, RunId, SavedProcess,
    SavedReload, SeenRun, SpecId, Supervisor,
};

pub const APP: AppId = AppId(1);

/// How the runs of a specification behave.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nature {
    /// Exits with this code as soon as it is spawned.
    pub exits: Option<i32>,
    /// Has a listener after it was spawned.
    pub listens: bool,
    /// Sends `ready`.
    pub says_ready: bool,
    /// Ignores every request to end but SIGKILL.
    pub stubborn: bool,
    /// Its health check passes.
    pub healthy: bool,
    /// Exits when asked to disconnect.
    pub drains: bool,
    /// Leaves a descendant behind that only SIGKILL ends.
    pub litters: bool,
    /// Listens on less than the run it replaces.
    pub partial: bool,
    /// Its health check never comes to an end.
    pub mute: bool,
    /// Hangs in the kernel: SIGKILL has no effect yet.
    pub hangs: bool,
}

/// A run as one would wish it.
pub const GOOD: Nature = Nature {
    exits: None,
    listens: true,
    says_ready: false,
    stubborn: false,
    healthy: true,
    drains: true,
    litters: false,
    partial: false,
    mute: false,
    hangs: false,
};

#[derive(Clone, Debug)]
pub struct SimRun {
    pub seen: SeenRun,
    /// Counters of its slot, noted with it.
    pub counters: (u32, u32),
    pub leader: bool,
    pub child: bool,
}

impl SimRun {
    pub fn alive(&self) -> bool {
        self.leader || self.child
    }
}

#[derive(Clone)]
pub struct World {
    pub supervisor: Supervisor,
    pub now: Millis,
    pub runs: BTreeMap<RunId, SimRun>,
    pub versions: BTreeMap<SpecId, (Arc<Policy>, Nature)>,
    pub reports: VecDeque<Event>,
    pub said: Vec<String>,
    /// Actions carried out so far.
    pub steps: usize,
    /// Lose the memory before the action of this number is carried out.
    pub crash_at: Option<usize>,
    /// What was saved last, and whether what must survive has changed since.
    disk: Disk,
    dirty: bool,
}

/// What a daemon has on its disk.
#[derive(Clone, Default)]
struct Disk {
    processes: Vec<SavedProcess>,
    reloads: Vec<SavedReload>,
    last_run: u64,
}

impl World {
    pub fn new() -> Self {
        Self {
            supervisor: Supervisor::new(),
            now: 1000,
            runs: BTreeMap::new(),
            versions: BTreeMap::new(),
            reports: VecDeque::new(),
            said: Vec::new(),
            steps: 0,
            crash_at: None,
            disk: Disk::default(),
            dirty: false,
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

    pub fn reload(&mut self, count: u32, spec: SpecId, options: ostler_core::ReloadOptions) {
        let policy = Arc::clone(&self.versions[&spec].0);
        let procs = (0..count).map(ProcId).collect();
        self.event(Event::Reload { app: APP, procs, spec, policy, options });
    }

    pub fn event(&mut self, event: Event) {
        let mut out = Vec::new();
        self.dirty |= is_wish(&event);
        let is_measure = matches!(event, Event::Measured { .. });
        self.supervisor.handle(self.now, event, &mut out);
        self.dirty |= is_measure && !out.is_empty();
        self.save();
        self.carry_out(out);
        self.save();
    }

    /// Saves what must survive, as the daemon does: after wishes and notices that change it, before
    /// actions.
    fn save(&mut self) {
        if std::mem::take(&mut self.dirty) {
            self.disk = Disk {
                processes: self.supervisor.saved_processes(),
                reloads: self.supervisor.saved_reloads(),
                last_run: self.supervisor.last_run(),
            };
        }
    }

    /// What the daemon reads back: what was saved, and newer counters where a run has them.
    fn read(&self) -> Disk {
        let mut disk = self.disk.clone();
        for saved in &mut disk.processes {
            let of_slot = self.runs.values().filter(|sim| sim.seen.proc == saved.id);
            let uncounted =
                of_slot.filter(|sim| sim.seen.exit.is_none() || Some(sim.seen.run) > saved.ended);
            if let Some((restarts, unstable)) = uncounted.map(|sim| sim.counters).max() {
                saved.restarts = saved.restarts.max(restarts);
                saved.unstable = unstable;
            }
        }
        disk
    }

    fn counters(&self, id: ProcId) -> (u32, u32) {
        self.supervisor
            .slot(id)
            .map_or((0, 0), |slot| (slot.process().restarts(), slot.process().unstable()))
    }

    /// The next report is delivered, and will be once more.
    pub fn double(&mut self) {
        if let Some(event) = self.reports.front().cloned() {
            self.event(event);
        }
    }

    /// A later report overtakes those of other runs. Of one run they come in their order, but for a
    /// probe's result and for an end that is heard before the start (a daemon died over the start).
    pub fn delay(&mut self, by: usize) {
        let Some(event) = self.reports.get(by) else { return };
        let Some(run) = run_of(event) else { return };
        let is_end = matches!(event, Event::Exited { .. });
        let may_pass = |earlier: &Event| {
            run_of(earlier) != Some(run) || (is_end && matches!(earlier, Event::Spawned(_)))
        };
        if self.reports.iter().take(by).all(may_pass) {
            let event = self.reports.remove(by).unwrap();
            self.reports.push_front(event);
        }
    }

    /// Carries out actions in order; where the memory is lost, what is left of them is lost with
    /// it.
    fn carry_out(&mut self, out: Vec<Action>) {
        for action in out {
            if self.crash_at.is_some_and(|at| at <= self.steps) {
                self.crash_at = None;
                self.forget();
                return;
            }
            self.steps += 1;
            self.act(action);
        }
    }

    /// The daemon dies and another takes up the work.
    pub fn forget(&mut self) {
        // Reports on their way are not lost: what they say is in the keeper's table.
        self.reports.clear();
        let Disk { processes, reloads, last_run } = self.read();
        self.dirty = true;
        let seen: Vec<SeenRun> = self
            .runs
            .values()
            .filter(|run| run.alive() || run.seen.exit.is_some())
            .map(|run| run.seen)
            .collect();
        let versions = self.versions.clone();
        let version_of = |spec: SpecId| Some((spec, Arc::clone(&versions.get(&spec)?.0)));
        let mut out = Vec::new();
        self.supervisor = Supervisor::recover(
            self.now, last_run, &processes, reloads, &seen, version_of, &mut out,
        );
        self.save();
        self.carry_out(out);
        self.save();
        // The driver asks again what is true of every run.
        let runs: Vec<SimRun> = self.runs.values().cloned().collect();
        for run in runs {
            let id = run.seen.run;
            if run.leader {
                self.reports.push_back(Event::Spawned(id));
                self.announce(id, run.seen.spec);
            } else if !run.child {
                self.reports.push_back(Event::TreeGone(id));
            }
        }
    }

    fn announce(&mut self, run: RunId, spec: SpecId) {
        let nature = self.versions[&spec].1;
        self.reports.push_back(Event::RuntimeOnline(run));
        if nature.says_ready {
            self.reports.push_back(Event::ReadyMessage(run));
        }
        if nature.listens {
            self.reports.push_back(Event::Listening(run));
            if !nature.partial {
                self.reports.push_back(Event::Covers(run));
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Spawn { proc, run, spec } => {
                let holders = self.runs.values().filter(|other| {
                    other.leader
                        && other.seen.proc == proc
                        && self
                            .supervisor
                            .owner(other.seen.run)
                            .is_some_and(|o| o.1 == Role::Current)
                });
                let current = holders.count();
                let is_current =
                    self.supervisor.owner(run).is_some_and(|owner| owner.1 == Role::Current);
                assert!(!is_current || current == 0, "two runs of {proc:?} alive");
                assert!(!self.runs.contains_key(&run), "run number used twice");
                let role = self.supervisor.owner(run).map_or(Role::Leaving, |owner| owner.1);
                let seen = SeenRun {
                    run,
                    proc,
                    spec,
                    role,
                    since: self.now,
                    ready: false,
                    listening: false,
                    ending: false,
                    exit: None,
                };
                let nature = self.versions[&spec].1;
                let counters = self.counters(proc);
                self.runs
                    .insert(run, SimRun { seen, counters, leader: true, child: nature.litters });
                self.said.push(format!("spawn {} v{}", proc.0, spec.0));
                self.reports.push_back(Event::Spawned(run));
                match nature.exits {
                    Some(code) => self.end(run, Exit::Code(code)),
                    None => self.announce(run, spec),
                }
            }
            Action::Disconnect(run) => {
                self.said.push(format!("disconnect {}", run.0));
                self.expect_alive(run, "disconnect");
                if self.nature(run).drains {
                    self.reports.push_back(Event::Disconnected(run));
                    self.end(run, Exit::Code(0));
                }
            }
            Action::Terminate(run) => {
                self.said.push(format!("ask {}", run.0));
                self.expect_alive(run, "ask");
                if !self.nature(run).stubborn {
                    self.end(run, Exit::Signal { number: 2, core: false });
                }
            }
            Action::Kill(run) => {
                self.said.push(format!("kill {}", run.0));
                self.expect_alive(run, "kill");
                if self.nature(run).hangs {
                    return;
                }
                if let Some(sim) = self.runs.get_mut(&run) {
                    sim.child = false;
                }
                self.end(run, Exit::Signal { number: 9, core: false });
            }
            Action::Sweep(run) => {
                if let Some(sim) = self.runs.get_mut(&run) {
                    assert!(!sim.leader, "swept a live run");
                    if std::mem::take(&mut sim.child) {
                        self.reports.push_back(Event::TreeGone(run));
                    }
                }
            }
            Action::Probe(run) => {
                let Nature { healthy, mute, .. } = self.nature(run);
                if mute {
                    return;
                }
                self.reports.push_back(Event::Probed { run, healthy });
            }
            Action::Note { run } => {
                let counters =
                    self.supervisor.owner(run).map_or((0, 0), |owner| self.counters(owner.0));
                if let (Some((id, role)), Some(sim)) =
                    (self.supervisor.owner(run), self.runs.get_mut(&run))
                {
                    sim.seen.role = role;
                    sim.counters = counters;
                    sim.seen.listening = self.supervisor.is_listening(run);
                    let slot = self.supervisor.slot(id).unwrap();
                    sim.seen.ready = match role {
                        Role::Current => matches!(slot.process().phase(), Phase::Online { .. }),
                        Role::Candidate => slot.candidate_is_ready(),
                        Role::Leaving => true,
                    };
                }
            }
            Action::Tell(notice) => {
                self.dirty |= must_survive(&notice);
                self.said.push(self.sentence(&notice));
            }
        }
    }

    fn expect_alive(&mut self, run: RunId, what: &str) {
        let Some(sim) = self.runs.get_mut(&run) else { panic!("{what} of a run never spawned") };
        sim.seen.ending = true;
        // A dead leader whose end was not yet reported may still be asked: the driver finds nobody
        // there.
    }

    fn nature(&self, run: RunId) -> Nature {
        self.runs.get(&run).map_or_else(Nature::default, |sim| self.versions[&sim.seen.spec].1)
    }

    /// The leader ends now; who watches hears of it later.
    pub fn end(&mut self, run: RunId, exit: Exit) {
        let Some(sim) = self.runs.get_mut(&run) else { return };
        if std::mem::take(&mut sim.leader) {
            sim.seen.exit = Some(exit);
            self.reports.push_back(Event::Exited { run, exit });
        }
        if !self.runs[&run].child {
            self.reports.push_back(Event::TreeGone(run));
        }
    }

    /// Delivers one report that is on its way.
    pub fn deliver(&mut self) -> bool {
        let Some(event) = self.reports.pop_front() else { return false };
        self.event(event.clone());
        // A memory that was lost over it is told again.
        if let Event::TreeGone(run) = event
            && !self
                .reports
                .iter()
                .any(|again| matches!(again, Event::TreeGone(other) if *other == run))
        {
            self.runs.retain(|id, sim| *id != run || sim.alive());
        }
        true
    }

    /// Lets everything happen that happens within `ms`.
    pub fn wait(&mut self, ms: Millis) {
        let until = self.now + ms;
        loop {
            while self.deliver() {}
            match self.supervisor.deadline().filter(|at| *at <= until) {
                Some(at) => {
                    self.now = self.now.max(at);
                    self.event(Event::Deadline);
                }
                None => break,
            }
        }
        self.now = until;
    }

    /// Lets time go by while reports are on their way: all that is due is told before them, or in
    /// the same moment.
    pub fn late(&mut self, ms: Millis) {
        let until = self.now + ms;
        while let Some(at) = self.supervisor.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.event(Event::Deadline);
        }
        self.now = until;
    }

    /// The end state of every slot, in words.
    pub fn state(&self) -> String {
        let slots = self.supervisor.slots().map(|(id, slot)| {
            let process = slot.process();
            let phase = match process.phase() {
                Phase::Stopped => "stopped",
                Phase::Errored => "errored",
                Phase::Starting { .. } => "starting",
                Phase::Online { .. } => "online",
                Phase::Stopping(_) => "stopping",
                Phase::Backoff { .. } => "pausing",
            };
            let goal = if process.goal() == Goal::Up { "up" } else { "down" };
            let extra = slot.leaving().count() + usize::from(slot.candidate().is_some());
            format!("{}:{goal} {phase} v{}{}", id.0, process.spec().0, "+".repeat(extra))
        });
        slots.collect::<Vec<_>>().join(", ")
    }

    fn sentence(&self, notice: &Notice) -> String {
        match notice {
            Notice::Online { proc, late, .. } => {
                format!("{} online{}", proc.0, if *late { " late" } else { "" })
            }
            Notice::Ended { proc, exit, .. } => format!("{} ended {}", proc.0, end(*exit)),
            Notice::WillRestart { proc, delay } => format!("{} restarts in {delay}", proc.0),
            Notice::OverMemory { proc, memory, limit, .. } => {
                format!("{} over memory {memory} > {limit}", proc.0)
            }
            Notice::GaveUp { proc, unstable } => format!("{} gave up after {unstable}", proc.0),
            Notice::Stopped { proc } => format!("{} stopped", proc.0),
            Notice::Removed { proc } => format!("{} removed", proc.0),
            Notice::Verifying { proc, .. } => format!("{} verifying", proc.0),
            Notice::Replaced { proc, .. } => format!("{} replaced", proc.0),
            Notice::Failed { proc, why, .. } => format!("{} failed {why:?}", proc.0),
            Notice::Left { proc, .. } => format!("{} left", proc.0),
            Notice::CanaryWaits { proc, .. } => format!("{} canary", proc.0),
            Notice::RollingBack { procs, .. } => {
                format!("back {:?}", procs.iter().map(|id| id.0).collect::<Vec<_>>())
            }
            Notice::ReloadEnded { spec, failure, .. } => {
                format!(
                    "reload ended v{}{}",
                    spec.0,
                    if failure.is_some() { " failed" } else { "" }
                )
            }
        }
    }
}

fn end(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("code {code}"),
        Exit::Signal { number, core: false } => format!("signal {number}"),
        Exit::Signal { number, core: true } => format!("signal {number} with a core dump"),
        Exit::Unknown => "unknown".to_owned(),
        Exit::NotSpawned => "not spawned".to_owned(),
    }
}

/// A wish of the user's is saved before it has any effect.
fn is_wish(event: &Event) -> bool {
    matches!(
        event,
        Event::Add { .. }
            | Event::Start(_)
            | Event::Stop(_)
            | Event::Restart { .. }
            | Event::Delete(_)
            | Event::Retire(_)
            | Event::Reset(_)
            | Event::Reload { .. }
            | Event::Promote { .. }
    )
}

/// Notices after which the daemon saves.
fn must_survive(notice: &Notice) -> bool {
    match notice {
        Notice::WillRestart { delay, .. } => 0 < *delay,
        Notice::OverMemory { .. }
        | Notice::GaveUp { .. }
        | Notice::Stopped { .. }
        | Notice::Removed { .. }
        | Notice::Replaced { .. }
        | Notice::CanaryWaits { .. }
        | Notice::RollingBack { .. }
        | Notice::ReloadEnded { .. } => true,
        Notice::Online { .. }
        | Notice::Ended { .. }
        | Notice::Verifying { .. }
        | Notice::Failed { .. }
        | Notice::Left { .. } => false,
    }
}

fn run_of(report: &Event) -> Option<RunId> {
    match report {
        Event::Spawned(run)
        | Event::RuntimeOnline(run)
        | Event::ReadyMessage(run)
        | Event::Listening(run)
        | Event::Covers(run)
        | Event::Disconnected(run)
        | Event::TreeGone(run)
        | Event::Probed { run, .. }
        | Event::Measured { run, .. }
        | Event::Exited { run, .. } => Some(*run),
        _ => None,
    }
}
