//! What is around the model carries out its effects: runs that obey or do not, as the keeper and
//! the kernel know them.

use std::collections::BTreeSet;

use ostler_core::spec::Hook;
use ostler_core::{Action, Event, Exit, Preparation, ProcId, Role, RunId, SeenRun, SpecId};
use ostler_wire::control::{Code, Failure, ListenerView};

use super::super::{ClientId, Counters, Effect, FoundRun, HookRun, Input, Unneeded};
use super::nature::{Nature, signal};
use super::words::{event_text, reply_text};
use super::world::{Talk, World};
use crate::budget::{Budget, Full};

/// A run as the keeper and the kernel know it.
#[derive(Clone, Debug)]
pub struct SimRun {
    pub seen: SeenRun,
    pub pid: u32,
    pub since: u64,
    pub counters: Counters,
    pub nature: Nature,
    pub cluster: bool,
    /// Its first process lives.
    pub alive: bool,
    /// A descendant lives.
    pub child: bool,
    /// It was sent SIGKILL.
    pub killed: bool,
    pub memory: u64,
}

impl SimRun {
    pub fn found(&self) -> FoundRun {
        let pid = if self.alive { self.pid } else { 0 };
        FoundRun { seen: self.seen, pid, since: self.since, counters: self.counters }
    }

    /// Anything of it lives.
    pub fn is_there(&self) -> bool {
        self.alive || self.child
    }
}

impl World {
    /// Does what the model asks for; what is known at once is given back.
    pub fn carry_out(&mut self, effect: Effect) -> Option<Input> {
        self.untold.take(&effect);
        match effect {
            Effect::Core(action) => self.act_on(action),
            Effect::Reply { client, reply } => self.answer(client, reply_text(&reply)),
            Effect::List { client, which } => {
                let text = serde_json::to_string(&self.model.known().list_reply(&which)).unwrap();
                self.answer(client, text);
            }
            Effect::Raw { client, text } => self.answer(client, text),
            Effect::Event { client, event } => {
                let talk = self.talk(client);
                assert!(!talk.over, "told {event:?} after the reply");
                talk.heard.push(event_text(&event));
            }
            Effect::Lifecycle { id, name, what, .. } => {
                self.lifecycle.push(format!("{name}:{} {}", id.0, what.as_str()));
            }
            Effect::Log(line) | Effect::Complain(line) => self.log.push(line),
            Effect::Alert { number, alert } => {
                self.alerts.push((number, alert.text));
                self.reports.push_back(Input::Alerted(number));
            }
            Effect::SeenTo(number) => self.seen_to.push(number),
            Effect::Told { id, end } => _ = self.told.insert(id, end),
            Effect::RemovePidFile(path) => self.removed.push(path.display().to_string()),
            Effect::LookForCallers { app, runs, seen, pause } => {
                self.look_for_callers(app, runs, seen, pause);
            }
            Effect::Unpause(runs) => self.unpause(&runs),
            Effect::AwaitCaller(app) => self.await_caller(app),
            Effect::Admit(run) => self.parts.push(format!("admit run {}", run.0)),
            Effect::SetBalance { app, spec } => {
                self.parts.push(format!("balance app {} by version {}", app.0, spec.0));
            }
            Effect::CloseListeners { app, which: Unneeded::All } => {
                self.parts.push(format!("close all of app {}", app.0));
            }
            Effect::CloseListeners { app, which: Unneeded::Unused } => {
                self.parts.push(format!("close unused of app {}", app.0));
            }
            Effect::ForgetApp(app) => self.parts.push(format!("forget app {}", app.0)),
            Effect::Measure(runs) => {
                let known = runs.iter().filter_map(|(run, _)| self.runs.get_key_value(run));
                let measured = known.map(|(run, sim)| (*run, sim.memory)).collect::<Vec<_>>();
                self.reports.push_back(Input::Measured(measured));
            }
            Effect::Prelude(of) => {
                let fails = of.spec.hook(Hook::PreStart) == Some("fail");
                let result = if fails { Err("`pre_start` failed".to_owned()) } else { Ok(()) };
                self.note_hook(&of);
                self.reports.push_back(Input::PreludeOver { run: of.run, result });
            }
            Effect::Hook(of) => {
                self.note_hook(&of);
                let (label, run, hook) = (of.label, of.run, of.hook);
                self.reports.push_back(Input::HookOver { label, run, hook, result: Ok(()) });
            }
            Effect::EndHooks(run) => self.parts.push(format!("end hooks of run {}", run.0)),
            Effect::ForgetPrelude(_) => {}
            Effect::CheckHealth(run) => {
                if let Some(sim) = self.runs.get(&run) {
                    let sick = sim.nature.sick || sim.nature.stuck;
                    let result = if sick { Err("it is sick".to_owned()) } else { Ok(()) };
                    self.reports.push_back(Input::Checked { run, result });
                }
            }
            Effect::ReadStderrTail(run) => {
                let lines = vec!["it is broken".to_owned()];
                return self.soon(Input::StderrTail { run, lines });
            }
            Effect::Watch(list) => self.watched = list,
            Effect::WriteDump { client, count, text } => {
                let result = if self.full {
                    let message = "could not save the list".to_owned();
                    Err(Failure::new(Code::System, message))
                } else {
                    self.dumps += 1;
                    self.dump = Some(text);
                    Ok("/home/dump.pm2".into())
                };
                return self.soon(Input::DumpWritten { client, count, result });
            }
            Effect::ReadDump { client, told } => {
                let elements = match &self.dump {
                    Some(text) => Ok(serde_json::from_slice(text).unwrap()),
                    None => Err("no saved list at `/home/dump.pm2`".to_owned()),
                };
                let warnings = self.dump_warnings.clone();
                return self.soon(Input::DumpRead {
                    client,
                    told,
                    warnings,
                    elements,
                    before: false,
                });
            }
        }
        None
    }

    fn note_hook(&mut self, of: &HookRun) {
        self.hooks.push(format!("{} {} {}", of.label, of.hook.as_str(), of.run.0));
    }

    fn soon(&mut self, input: Input) -> Option<Input> {
        if self.slow {
            self.reports.push_back(input);
            return None;
        }
        Some(input)
    }

    fn talk(&mut self, client: ClientId) -> &mut Talk {
        let talk = self.talks.get_mut(&client.0).unwrap();
        assert!(!talk.cut || talk.by_disk, "told a client that left: {talk:?}");
        talk
    }

    fn answer(&mut self, client: ClientId, text: String) {
        let talk = self.talk(client);
        assert!(!std::mem::replace(&mut talk.over, true), "answered twice: {talk:?} {text}");
        talk.heard.push(text);
    }

    fn act_on(&mut self, action: Action) {
        match action {
            Action::Spawn { proc, run, spec } => self.spawn(proc, run, spec),
            Action::Prepare { proc, preparation } => {
                if self.runs.get(&preparation.after).is_some_and(|sim| sim.alive) {
                    let counters = self.counters_of(proc, &preparation);
                    self.prepared.insert(preparation.after, (proc, preparation, counters));
                }
            }
            Action::Revoke { after } => _ = self.prepared.remove(&after),
            Action::Begun { .. } => {}
            Action::Disconnect(run) => {
                self.mark_ending(run);
                if !self.nature(run).busy {
                    self.reports.push_back(Input::Core(Event::Disconnected(run)));
                    self.end(run, Exit::Code(0));
                }
            }
            Action::Terminate(run) => {
                self.mark_ending(run);
                self.count_connections(run);
                let nature = self.nature(run);
                if nature.foreign {
                    self.refuse_signal(run);
                } else if !nature.stubborn {
                    self.end(run, if nature.polite { Exit::Code(0) } else { signal(2) });
                }
            }
            Action::Kill(run) => {
                self.mark_ending(run);
                self.count_connections(run);
                if self.nature(run).foreign {
                    return self.refuse_signal(run);
                }
                if let Some(sim) = self.runs.get_mut(&run) {
                    sim.killed = true;
                }
                self.die_of_sigkill(run);
            }
            Action::Sweep(run) => {
                if self.runs.get(&run).is_some_and(|sim| !sim.alive) {
                    self.end_child(run);
                }
            }
            Action::Probe(run) => match self.nature(run) {
                Nature { stuck: true, .. } => {}
                Nature { sick, .. } => {
                    let result = if sick { Err("answered 500".to_owned()) } else { Ok(()) };
                    self.reports.push_back(Input::Probed { run, result });
                }
            },
            Action::Note { run } => self.note(run),
            Action::Tell(notice) => panic!("a notice got out: {notice:?}"),
        }
    }

    fn refuse_signal(&mut self, run: RunId) {
        let (pid, user) = (7, "root (uid 0)".to_owned());
        self.reports.push_back(Input::Unsignalable { run, pid, user });
    }

    fn count_connections(&mut self, run: RunId) {
        if self.model.counted(run).is_some() {
            let open = self.open;
            self.reports.push_back(Input::Counted { run, open });
        }
    }

    fn spawn(&mut self, proc: ProcId, run: RunId, spec: SpecId) {
        let is_current = self.model.core().owner(run) == Some((proc, Role::Current));
        assert!(!is_current || !self.has_current_run(proc), "two current runs of {proc:?}");
        if let Err(full) = self.room_for(proc) {
            self.refused.push(run);
            return self.reports.push_back(Input::Refused { run, why: full.to_string() });
        }
        if self.begin(proc, run, spec, Counters::default()) {
            self.note(run);
            self.go(run);
        }
    }

    /// Whether the descriptors of all runs fit with another one of this slot, as the part that
    /// holds them counts.
    fn room_for(&self, proc: ProcId) -> Result<(), Full> {
        let alive = || self.runs.values().filter(|sim| sim.alive);
        let slots: BTreeSet<ProcId> = alive().map(|sim| sim.seen.proc).chain([proc]).collect();
        let extras = alive().count() + 1 - slots.len();
        let limit = self.limit.unwrap_or(usize::MAX);
        Budget { limit, slots: slots.len(), extras, listeners: 1, caches: 0 }.check()
    }

    /// A run is begun by the keeper alone, with the counters that were noted for it.
    pub(super) fn begin_prepared(&mut self, proc: ProcId, of: &Preparation, counters: Counters) {
        self.begun += 1;
        if self.begin(proc, of.run, of.spec, counters) {
            self.go(of.run);
        }
    }

    /// Whether a run begins.
    fn begin(&mut self, proc: ProcId, run: RunId, spec: SpecId, counters: Counters) -> bool {
        let version = self.model.registry().version(spec).unwrap();
        let script = version.spec.script.file_stem().unwrap().to_string_lossy();
        let (nature, cluster) = (Nature::of(&script), version.is_cluster());
        assert!(!self.runs.contains_key(&run), "run number used twice");
        if nature.missing {
            let why = "could not execute `missing`".to_owned();
            self.reports.push_back(Input::NotSpawned { run, why });
            return false;
        }
        let seen = SeenRun {
            run,
            proc,
            spec,
            role: Role::Current,
            since: self.at.now,
            ready: false,
            listening: false,
            ending: false,
            exit: None,
            next: None,
        };
        let sim = SimRun {
            seen,
            pid: 100 + u32::try_from(run.0).unwrap(),
            since: self.at.wall,
            counters,
            nature,
            cluster,
            alive: true,
            child: nature.litters,
            killed: false,
            memory: 1,
        };
        self.reports.push_back(Input::Spawned { run, pid: sim.pid });
        self.runs.insert(run, sim);
        true
    }

    /// A run that has begun does what its nature is.
    fn go(&mut self, run: RunId) {
        let sim = self.runs[&run].clone();
        match sim.nature.exits {
            Some(exit) => self.end(run, exit),
            None => self.announce(&sim),
        }
    }

    /// Whether a run lives that a slot shows; a candidate is none.
    fn has_current_run(&self, proc: ProcId) -> bool {
        let core = self.model.core();
        let is_current = |run: RunId| core.owner(run) == Some((proc, Role::Current));
        self.runs.values().any(|sim| sim.alive && is_current(sim.seen.run))
    }

    /// What a run tells by itself once it is spawned.
    pub fn announce(&mut self, sim: &SimRun) {
        let run = sim.seen.run;
        if sim.nature.says_ready {
            self.reports.push_back(Input::Core(Event::ReadyMessage(run)));
        }
        if !sim.cluster {
            return;
        }
        self.reports.push_back(Input::Core(Event::RuntimeOnline(run)));
        let Some(port) = sim.nature.port else { return };
        let listeners = vec![ListenerView {
            address: format!("*:{port}"),
            balance: "round-robin".to_owned(),
            handed: 0,
            refused: 0,
            redistributed: 0,
        }];
        self.reports.push_back(Input::Listeners { run, listeners });
        self.reports.push_back(Input::Core(Event::Listening(run)));
        let slot = self.model.core().slot(sim.seen.proc);
        let replaced = slot.and_then(|slot| self.runs.get(&slot.process().run()?));
        if replaced.and_then(|sim| sim.nature.port).is_none_or(|wanted| wanted == port) {
            self.reports.push_back(Input::Core(Event::Covers(run)));
        }
    }
}
