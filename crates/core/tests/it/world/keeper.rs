//! The keeper: carries out actions, and remembers of each run what a daemon may ask for again.

use ostler_core::{Action, Event, Exit, Phase, Preparation, ProcId, Role, RunId, SeenRun, SpecId};

use super::disk::must_survive;
use super::{Nature, World};

/// A run as the keeper knows it.
#[derive(Clone, Debug)]
pub struct SimRun {
    pub seen: SeenRun,
    /// Counters of its slot, noted with it.
    pub counters: (u32, u32),
    pub leader: bool,
    /// Its `ready` was delivered: it does not come twice.
    pub said_ready: bool,
    pub child: bool,
}

impl SimRun {
    pub fn alive(&self) -> bool {
        self.leader || self.child
    }
}

impl World {
    /// Carries out one action.
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Spawn { proc, run, spec } => self.spawn(proc, run, spec),
            Action::Prepare { proc, preparation } => {
                assert!(preparation.after < preparation.run, "{preparation:?}");
                if self.runs.get(&preparation.after).is_some_and(|sim| sim.leader) {
                    self.prepared.insert(preparation.after, (proc, preparation));
                }
            }
            Action::Revoke { after } => _ = self.prepared.remove(&after),
            Action::Begun { proc, run, spec } => {
                assert!(self.runs.contains_key(&run), "it was not begun");
                self.said.push(format!("begun {} v{}", proc.0, spec.0));
            }
            Action::Disconnect(run) => {
                self.said.push(format!("disconnect {}", run.0));
                self.note_ending(run);
                if self.nature(run).drains {
                    self.reports.push_back(Event::Disconnected(run));
                    self.end(run, Exit::Code(0));
                }
            }
            Action::Terminate(run) => {
                self.said.push(format!("ask {}", run.0));
                self.note_ending(run);
                if !self.nature(run).stubborn {
                    self.end(run, Exit::Signal { number: 2, core: false });
                }
            }
            Action::Kill(run) => {
                self.said.push(format!("kill {}", run.0));
                self.note_ending(run);
                if !self.nature(run).hangs {
                    self.runs.entry(run).and_modify(|sim| sim.child = false);
                    self.end(run, Exit::Signal { number: 9, core: false });
                }
            }
            Action::Sweep(run) => self.sweep(run),
            Action::Probe(run) => {
                let Nature { healthy, mute, .. } = self.nature(run);
                self.reports.extend((!mute).then_some(Event::Probed { run, healthy }));
            }
            Action::Note { run } => self.note(run),
            Action::Tell(notice) => {
                self.dirty |= must_survive(&notice);
                self.said.push(self.sentence(&notice));
            }
        }
    }

    fn spawn(&mut self, proc: ProcId, run: RunId, spec: SpecId) {
        let role = |run: RunId| self.supervisor.owner(run).map(|owner| owner.1);
        let is_current = |sim: &&SimRun| {
            sim.leader && sim.seen.proc == proc && role(sim.seen.run) == Some(Role::Current)
        };
        let others = self.runs.values().filter(is_current).count();
        assert!(role(run) != Some(Role::Current) || others == 0, "two runs of {proc:?} alive");
        let role = role(run).unwrap_or(Role::Leaving);
        let of_slot = self.supervisor.slot(proc).map(|slot| slot.process());
        let held = of_slot.is_some_and(|process| process.is_held());
        assert!(!held || role != Role::Current, "{proc:?} is held, and spawned");
        self.said.push(format!("spawn {} v{}", proc.0, spec.0));
        self.begin((proc, run, spec), role, self.counters(proc));
    }

    /// A run begins; its counters are noted with it.
    fn begin(
        &mut self,
        (proc, run, spec): (ProcId, RunId, SpecId),
        role: Role,
        counters: (u32, u32),
    ) {
        assert!(!self.runs.contains_key(&run), "run number used twice");
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
            next: None,
        };
        let nature = self.versions[&spec].1;
        if nature.has_no_room {
            self.refused.insert(run);
            let exit = Exit::Refused;
            self.reports.push_back(Event::Exited { run, exit, next: None });
            return self.reports.push_back(Event::TreeGone(run));
        }
        let child = nature.litters;
        self.runs.insert(run, SimRun { seen, counters, leader: true, said_ready: false, child });
        self.reports.push_back(Event::Spawned(run));
        match nature.exits {
            Some(code) => self.end(run, Exit::Code(code)),
            None => self.announce(run, spec),
        }
    }

    fn sweep(&mut self, run: RunId) {
        let Some(sim) = self.runs.get_mut(&run) else { return };
        assert!(!sim.leader, "swept a live run");
        if std::mem::take(&mut sim.child) {
            self.reports.push_back(Event::TreeGone(run));
        }
    }

    /// Keeps with the run what is known of it now.
    fn note(&mut self, run: RunId) {
        let Some((id, role)) = self.supervisor.owner(run) else { return };
        let counters = self.counters(id);
        let slot = self.supervisor.slot(id).unwrap();
        let Some(sim) = self.runs.get_mut(&run) else { return };
        sim.counters = counters;
        sim.seen.role = role;
        sim.seen.listening = self.supervisor.is_listening(run);
        sim.seen.ready = match role {
            Role::Current => matches!(slot.process().phase(), Phase::Online { .. }),
            Role::Candidate => slot.candidate_is_ready(),
            Role::Leaving => true,
        };
    }

    /// It is about to be asked to end. A leader that is dead, which was not yet reported, may still
    /// be asked: the driver finds nobody there.
    fn note_ending(&mut self, run: RunId) {
        match self.runs.get_mut(&run) {
            Some(sim) => sim.seen.ending = true,
            None => assert!(self.refused.contains(&run), "asked a run that was never spawned"),
        }
    }

    pub(super) fn announce(&mut self, run: RunId, spec: SpecId) {
        let nature = self.versions[&spec].1;
        let slot = self.runs.get(&run).and_then(|sim| self.supervisor.slot(sim.seen.proc));
        if slot.is_some_and(|slot| slot.process().is_cluster()) {
            self.reports.push_back(Event::RuntimeOnline(run));
        }
        if nature.says_ready && !self.runs[&run].said_ready {
            self.reports.push_back(Event::ReadyMessage(run));
        }
        if nature.listens {
            self.reports.push_back(Event::Listening(run));
            if nature.elsewhere {
                self.reports.push_back(Event::Elsewhere(run));
            } else if !nature.partial {
                self.reports.push_back(Event::Covers(run));
            }
        }
    }

    fn nature(&self, run: RunId) -> Nature {
        self.runs.get(&run).map_or_else(Nature::default, |sim| self.versions[&sim.seen.spec].1)
    }

    /// All leaders end now, also those that begin by it.
    pub fn end_all(&mut self) {
        let alive = |(run, sim): (&RunId, &SimRun)| sim.leader.then_some(*run);
        while let Some(run) = self.runs.iter().find_map(alive) {
            self.end(run, Exit::Code(1));
        }
    }

    /// The leader ends now; who watches hears of it later.
    pub fn end(&mut self, run: RunId, exit: Exit) {
        let Some(sim) = self.runs.get_mut(&run) else { return };
        if !std::mem::take(&mut sim.leader) {
            if !sim.child {
                self.reports.push_back(Event::TreeGone(run));
            }
            return;
        }
        sim.seen.exit = Some(exit);
        let child = sim.child;
        let prepared = self.prepared.remove(&run).filter(|(_, of)| holds(of, self.now, exit));
        let next = prepared.as_ref().map(|(_, of)| of.run);
        self.runs.entry(run).and_modify(|sim| sim.seen.next = next);
        self.reports.push_back(Event::Exited { run, exit, next });
        if !child {
            self.reports.push_back(Event::TreeGone(run));
        }
        if let Some((proc, of)) = prepared {
            let counters = (of.restarts, of.unstable);
            self.begin((proc, of.run, of.spec), Role::Current, counters);
        }
    }
}

/// Whether the keeper begins what was prepared for such an end at that time.
fn holds(of: &Preparation, now: u64, exit: Exit) -> bool {
    let meant = match exit {
        Exit::Code(code) => !of.except_codes.contains(&code),
        Exit::Signal { .. } => true,
        Exit::Unknown | Exit::NotSpawned | Exit::Refused => false,
    };
    meant && (of.not_before..of.not_after).contains(&now)
}
