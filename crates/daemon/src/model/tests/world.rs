//! A world around the model: runs that obey or do not, a disk, clients that wait, and a daemon that
//! dies at any effect.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ostler_core::{Action, Event, Exit, Phase, ProcId, Role, RunId, SeenRun};
use ostler_wire::control::{self, ListenerView, Reply, Request};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::{ClientId, Effect, FoundRun, Input, Model, Moment, Settings, State};

/// How the runs of a script behave; the script's name says which.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nature {
    /// Exits with this code as soon as it is spawned.
    pub exits: Option<i32>,
    /// Cannot be spawned at all.
    pub missing: bool,
    /// Listens on this port, if it is a worker.
    pub port: Option<u16>,
    /// Sends `ready`.
    pub says_ready: bool,
    /// Ignores every request to end but SIGKILL.
    pub stubborn: bool,
    /// Its health check fails.
    pub sick: bool,
    /// Hangs in the kernel: SIGKILL has no effect.
    pub hangs: bool,
}

impl Nature {
    fn of(script: &str) -> Self {
        let good = Self { port: Some(3000), says_ready: true, ..Self::default() };
        match script {
            "good" | "better" => good,
            "exits" => Self { exits: Some(1), ..good },
            "ends" => Self { exits: Some(0), ..good },
            "missing" => Self { missing: true, ..good },
            "mute" => Self { port: None, says_ready: false, ..good },
            "elsewhere" => Self { port: Some(4000), ..good },
            "stubborn" => Self { stubborn: true, ..good },
            "sick" => Self { sick: true, ..good },
            "hangs" => Self { stubborn: true, hangs: true, ..good },
            other => panic!("no nature is called `{other}`"),
        }
    }
}

/// A run as the keeper and the kernel know it.
#[derive(Clone, Debug)]
pub struct SimRun {
    pub seen: SeenRun,
    pub pid: u32,
    pub since: u64,
    pub counters: (u32, u32),
    pub nature: Nature,
    pub cluster: bool,
    pub alive: bool,
    pub memory: u64,
}

/// What a client asked and was told.
#[derive(Clone, Debug, Default)]
pub struct Talk {
    /// The request, to be asked again when the daemon dies and it has a ticket.
    pub again: Option<String>,
    /// Everything that was said, in order; the reply is last.
    pub heard: Vec<String>,
    /// The reply has come.
    pub over: bool,
    /// The daemon died, and the client does not ask again.
    pub cut: bool,
}

pub struct World {
    pub model: Model,
    pub at: Moment,
    pub runs: BTreeMap<RunId, SimRun>,
    pub reports: VecDeque<Input>,
    pub talks: BTreeMap<usize, Talk>,
    pub log: Vec<String>,
    /// Things that happened to processes, as watchers are told.
    pub lifecycle: Vec<String>,
    /// What was saved last.
    pub disk: Option<String>,
    /// The saved list.
    pub dump: Option<Vec<u8>>,
    /// Saves fail.
    pub full: bool,
    /// Saves so far.
    pub saves: usize,
    /// Effects carried out so far.
    pub steps: usize,
    /// Lose the memory before the effect of this number is carried out.
    pub crash_at: Option<usize>,
    /// Listening sockets that were closed: app and which.
    pub closed: Vec<String>,
}

fn settings(seed: u64) -> Settings {
    Settings {
        home: "/home".into(),
        mark: "mark".to_owned(),
        boot: "boot".to_owned(),
        dump_path: "/home/dump.pm2".into(),
        memory_interval: 30_000,
        seed,
    }
}

impl World {
    pub fn new() -> Self {
        Self {
            model: Model::new(settings(1)),
            at: Moment { now: 1000, wall: 1_000_000 },
            runs: BTreeMap::new(),
            reports: VecDeque::new(),
            talks: BTreeMap::new(),
            log: Vec::new(),
            lifecycle: Vec::new(),
            disk: None,
            dump: None,
            full: false,
            saves: 0,
            steps: 0,
            crash_at: None,
            closed: Vec::new(),
        }
    }

    /// A client asks; its number is for [`heard`](Self::heard).
    pub fn request(&mut self, request: Request) -> usize {
        let client = self.talks.len();
        let again = match &request {
            Request::Reload { ticket: Some(_), .. } | Request::Promote { ticket: Some(_), .. } => {
                Some(serde_json::to_string(&request).unwrap())
            }
            _ => None,
        };
        self.talks.insert(client, Talk { again, ..Talk::default() });
        self.input(Input::Request { client: ClientId(client), request });
        client
    }

    /// Starts an app of this many instances: `start("api", "good", 2)` is a cluster of two,
    /// `start("job", "exits", 0)` a plain process.
    pub fn start(&mut self, name: &str, script: &str, instances: u32) -> usize {
        self.request(Request::Start { apps: vec![record(name, script, instances, json!({}))] })
    }

    /// The same with more keys in the record.
    pub fn start_with(&mut self, name: &str, script: &str, instances: u32, more: Value) -> usize {
        self.request(Request::Start { apps: vec![record(name, script, instances, more)] })
    }

    pub fn act(&mut self, action: control::Action, ids: &[u32]) -> usize {
        let change = control::Change::default();
        self.request(Request::Act { action, ids: ids.to_vec(), change })
    }

    pub fn stop(&mut self, ids: &[u32]) -> usize {
        self.act(control::Action::Stop, ids)
    }

    pub fn restart(&mut self, ids: &[u32]) -> usize {
        self.act(control::Action::Restart, ids)
    }

    pub fn delete(&mut self, ids: &[u32]) -> usize {
        self.act(control::Action::Delete, ids)
    }

    /// Reloads these slots to another script, under a ticket of its own.
    pub fn reload(&mut self, ids: &[u32], name: &str, script: &str) -> usize {
        self.reload_with(ids, name, script, control::ReloadOptions::default())
    }

    pub fn reload_with(
        &mut self,
        ids: &[u32],
        name: &str,
        script: &str,
        options: control::ReloadOptions,
    ) -> usize {
        let ticket = Some(format!("ticket {}", self.talks.len()));
        let records = vec![record(name, script, 1, json!({}))];
        let change = control::Change { records, ..control::Change::default() };
        self.request(Request::Reload { ids: ids.to_vec(), change, options, ticket })
    }

    /// What a client heard, one thing a line.
    pub fn heard(&self, client: usize) -> String {
        self.talks[&client].heard.join("\n")
    }

    /// The last thing that a client heard, which must be a reply.
    #[track_caller]
    pub fn reply(&self, client: usize) -> &str {
        let talk = &self.talks[&client];
        assert!(talk.over, "no reply yet: {:?}", talk.heard);
        talk.heard.last().unwrap()
    }

    /// One input, and everything that follows from it at once.
    pub fn input(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut out = Vec::new();
            self.model.handle(self.at, input, &mut out);
            if self.model.take_unsaved() && !self.save() {
                inputs.push_back(Input::SaveFailed);
            }
            for effect in out {
                if self.crash_at.is_some_and(|at| at <= self.steps) {
                    self.crash_at = None;
                    return self.forget();
                }
                self.steps += 1;
                inputs.extend(self.carry_out(effect));
            }
            self.model.check();
        }
    }

    fn save(&mut self) -> bool {
        let state = self.model.snapshot();
        if !self.full {
            self.saves += 1;
            self.disk = Some(serde_json::to_string(&state).unwrap());
        }
        !self.full
    }

    /// The daemon dies, and another takes up the work; clients with a ticket ask again.
    pub fn forget(&mut self) {
        self.reports.clear();
        self.model = Model::new(settings(self.steps as u64 + 7));
        let state = match &self.disk {
            Some(text) => serde_json::from_str(text).unwrap(),
            None => State::empty("boot".to_owned()),
        };
        let found: Vec<FoundRun> = self.runs.values().map(SimRun::found).collect();
        let mut out = Vec::new();
        self.model.recover(self.at, state, &found, &mut out);
        if self.model.take_unsaved() {
            self.save();
        }
        let mut inputs = Vec::new();
        for effect in out {
            self.steps += 1;
            inputs.extend(self.carry_out(effect));
        }
        for input in inputs {
            self.input(input);
        }
        for run in self.runs.values().cloned().collect::<Vec<_>>() {
            let id = run.seen.run;
            if run.alive {
                self.reports.push_back(Input::Spawned { run: id, pid: run.pid });
                self.announce(&run);
            } else {
                self.reports.push_back(Input::Core(Event::TreeGone(id)));
            }
        }
        let waiting = self.talks.iter_mut().filter(|(_, talk)| !talk.over && !talk.cut);
        let mut again = Vec::new();
        for (client, talk) in waiting {
            match &talk.again {
                Some(request) => again.push((*client, request.clone())),
                None => talk.cut = true,
            }
        }
        for (client, request) in again {
            let request = serde_json::from_str(&request).unwrap();
            self.input(Input::Request { client: ClientId(client), request });
        }
    }

    fn carry_out(&mut self, effect: Effect) -> Vec<Input> {
        match effect {
            Effect::Core(action) => self.act_on(action),
            Effect::Reply { client, reply } => {
                let talk = self.talks.get_mut(&client.0).unwrap();
                assert!(!std::mem::replace(&mut talk.over, true), "answered twice: {talk:?}");
                talk.heard.push(reply_text(&reply));
            }
            Effect::Raw { client, text } => {
                let talk = self.talks.get_mut(&client.0).unwrap();
                assert!(!std::mem::replace(&mut talk.over, true), "answered twice: {talk:?}");
                talk.heard.push(text);
            }
            Effect::Event { client, event } => {
                let talk = self.talks.get_mut(&client.0).unwrap();
                assert!(!talk.over, "told {event:?} after the reply");
                talk.heard.push(event_text(&event));
            }
            Effect::Lifecycle { id, name, what } => {
                self.lifecycle.push(format!("{name}:{} {}", id.0, what.as_str()));
            }
            Effect::Log(line) | Effect::Complain(line) => self.log.push(line),
            Effect::RemovePidFile(_) | Effect::Admit(_) | Effect::SetBalance { .. } => {}
            Effect::CloseListeners { app, which } => {
                self.closed.push(format!("{} {which:?}", app.0));
            }
            Effect::ForgetApp(app) => self.closed.push(format!("{} Forgotten", app.0)),
            Effect::Measure(runs) => {
                let of =
                    |run: RunId| Some(Input::Measured { run, memory: self.runs.get(&run)?.memory });
                return runs.into_iter().filter_map(of).collect();
            }
            Effect::ReadStderrTail(run) => {
                let lines = vec![format!("last line of run {}", run.0)];
                return vec![Input::StderrTail { run, lines }];
            }
            Effect::WriteDump { client, count, text } => {
                self.dump = Some(text);
                let written =
                    |client| Input::DumpWritten { client, count, result: Ok("/dump".into()) };
                return client.map(written).into_iter().collect();
            }
            Effect::ReadDump { client } => {
                let elements = match &self.dump {
                    Some(text) => Ok(serde_json::from_slice(text).unwrap()),
                    None => Err("no saved list at `/home/dump.pm2`".to_owned()),
                };
                return vec![Input::DumpRead { client, warnings: Vec::new(), elements }];
            }
        }
        Vec::new()
    }

    fn act_on(&mut self, action: Action) {
        match action {
            Action::Spawn { proc, run, spec } => {
                let version = self.model.registry().version(spec).unwrap();
                let script = version.spec.script.file_stem().unwrap().to_string_lossy();
                let (nature, cluster) = (Nature::of(&script), version.is_cluster());
                assert!(!self.runs.contains_key(&run), "run number used twice");
                if nature.missing {
                    let why = "could not execute `missing`".to_owned();
                    self.reports.push_back(Input::NotSpawned { run, why });
                    return;
                }
                let mut sim = SimRun {
                    seen: SeenRun {
                        run,
                        proc,
                        spec,
                        role: Role::Current,
                        since: self.at.now,
                        ready: false,
                        listening: false,
                        ending: false,
                        exit: None,
                    },
                    pid: 100 + u32::try_from(run.0).unwrap(),
                    since: self.at.wall,
                    counters: (0, 0),
                    nature,
                    cluster,
                    alive: true,
                    memory: 1,
                };
                self.note(&mut sim);
                self.reports.push_back(Input::Spawned { run, pid: sim.pid });
                self.runs.insert(run, sim.clone());
                match nature.exits {
                    Some(code) => self.end(run, Exit::Code(code)),
                    None => self.announce(&sim),
                }
            }
            Action::Disconnect(run) => {
                self.mark_ending(run);
                if !self.nature(run).stubborn {
                    self.reports.push_back(Input::Core(Event::Disconnected(run)));
                    self.end(run, Exit::Code(0));
                }
            }
            Action::Terminate(run) => {
                self.mark_ending(run);
                if !self.nature(run).stubborn {
                    self.end(run, Exit::Signal { number: 2, core: false });
                }
            }
            Action::Kill(run) => {
                self.mark_ending(run);
                if !self.nature(run).hangs {
                    self.end(run, Exit::Signal { number: 9, core: false });
                }
            }
            Action::Sweep(_) => {}
            Action::Probe(run) => {
                let result =
                    if self.nature(run).sick { Err("answered 500".to_owned()) } else { Ok(()) };
                self.reports.push_back(Input::Probed { run, result });
            }
            Action::Note { run } => {
                if let Some(mut sim) = self.runs.remove(&run) {
                    self.note(&mut sim);
                    self.runs.insert(run, sim);
                }
            }
            Action::Tell(notice) => panic!("a notice got out: {notice:?}"),
        }
    }

    /// What the daemon keeps with a run in the keeper.
    fn note(&self, sim: &mut SimRun) {
        let core = self.model.core();
        let Some((id, role)) = core.owner(sim.seen.run) else { return };
        let slot = core.slot(id).unwrap();
        let process = slot.process();
        sim.seen.role = role;
        sim.counters = (process.restarts(), process.unstable());
        sim.seen.listening = core.is_listening(sim.seen.run);
        let is_it = |run: RunId| run == sim.seen.run;
        sim.seen.ready |= match role {
            Role::Current => matches!(process.phase(), Phase::Online { run, .. } if is_it(run)),
            Role::Candidate => slot.candidate_is_ready(),
            Role::Leaving => true,
        };
    }

    fn announce(&mut self, sim: &SimRun) {
        let run = sim.seen.run;
        if sim.nature.says_ready {
            self.reports.push_back(Input::Core(Event::ReadyMessage(run)));
        }
        if !sim.cluster {
            return;
        }
        self.reports.push_back(Input::Core(Event::RuntimeOnline(run)));
        if let Some(port) = sim.nature.port {
            let listeners = vec![ListenerView {
                address: format!("*:{port}"),
                balance: "round-robin".to_owned(),
                handed: 0,
                refused: 0,
                redistributed: 0,
            }];
            self.reports.push_back(Input::Listeners { run, listeners });
            self.reports.push_back(Input::Core(Event::Listening(run)));
            if port == 3000 {
                self.reports.push_back(Input::Core(Event::Covers(run)));
            }
        }
    }

    fn mark_ending(&mut self, run: RunId) {
        if let Some(sim) = self.runs.get_mut(&run) {
            sim.seen.ending = true;
        }
    }

    fn nature(&self, run: RunId) -> Nature {
        self.runs.get(&run).map(|sim| sim.nature).unwrap_or_default()
    }

    /// The run ends now; the daemon hears of it later.
    pub fn end(&mut self, run: RunId, exit: Exit) {
        let Some(sim) = self.runs.get_mut(&run) else { return };
        if std::mem::take(&mut sim.alive) {
            sim.seen.exit = Some(exit);
            let candidate = matches!(self.model.core().owner(run), Some((_, Role::Candidate)));
            let stderr_tail =
                if candidate { vec![format!("last line of run {}", run.0)] } else { Vec::new() };
            self.reports.push_back(Input::Exited { run, exit, stderr_tail });
            self.reports.push_back(Input::Core(Event::TreeGone(run)));
        }
    }

    /// The current run of a slot crashes.
    pub fn crash(&mut self, id: u32, exit: Exit) {
        let run = self.model.core().slot(ProcId(id)).and_then(|slot| slot.process().run());
        self.end(run.unwrap(), exit);
    }

    /// Delivers one report that is on its way.
    pub fn deliver(&mut self) -> bool {
        let Some(input) = self.reports.pop_front() else { return false };
        let gone = if let Input::Core(Event::TreeGone(run)) = input { Some(run) } else { None };
        let before = self.steps;
        self.input(input);
        let lost = before <= self.steps
            && self.reports.iter().any(
                |again| matches!(again, Input::Core(Event::TreeGone(run)) if Some(*run) == gone),
            );
        if let Some(run) = gone.filter(|_| !lost) {
            self.runs.retain(|id, sim| *id != run || sim.alive);
        }
        true
    }

    /// Lets everything happen that happens within `ms`.
    pub fn wait(&mut self, ms: u64) {
        let until = self.at.now + ms;
        loop {
            while self.deliver() {}
            match self.model.deadline().filter(|at| *at <= until) {
                Some(at) => {
                    self.advance_to(self.at.now.max(at));
                    self.input(Input::Deadline);
                }
                None => break,
            }
        }
        self.advance_to(until);
    }

    fn advance_to(&mut self, now: u64) {
        self.at.wall += now - self.at.now;
        self.at.now = now;
    }

    /// Every slot in words: `api:0 online good, job:1 errored exits`.
    pub fn state(&self) -> String {
        let core = self.model.core();
        let slots = core.slots().map(|(id, slot)| {
            let process = slot.process();
            let registry = self.model.registry();
            let name = registry.proc(id).map_or("?", |proc| proc.name.as_str());
            let phase = match process.phase() {
                Phase::Stopped => "stopped",
                Phase::Errored => "errored",
                Phase::Starting { .. } => "starting",
                Phase::Online { .. } => "online",
                Phase::Stopping(_) => "stopping",
                Phase::Backoff { .. } => "pausing",
            };
            let version = registry.version(process.spec()).unwrap();
            let script = version.spec.script.file_stem().unwrap().to_string_lossy().into_owned();
            let extra = slot.leaving().count() + usize::from(slot.candidate().is_some());
            format!("{name}:{} {phase} {script}{}", id.0, "+".repeat(extra))
        });
        slots.collect::<Vec<_>>().join(", ")
    }

    /// Pids of the slots' current runs.
    pub fn pids(&self) -> Vec<u32> {
        let core = self.model.core();
        let runs = core.slots().filter_map(|(_, slot)| slot.process().run());
        runs.filter_map(|run| self.runs.get(&run)).map(|sim| sim.pid).collect()
    }

    /// Clients that still wait for their reply.
    pub fn waiting(&self) -> BTreeSet<usize> {
        let waits = |talk: &&Talk| !talk.over && !talk.cut;
        self.talks.iter().filter(|(_, talk)| waits(talk)).map(|(client, _)| *client).collect()
    }
}

impl SimRun {
    fn found(&self) -> FoundRun {
        let pid = if self.alive { self.pid } else { 0 };
        FoundRun { seen: self.seen, pid, since: self.since, counters: self.counters }
    }
}

/// A record of an app, as the command sends it. 0 instances: a plain process.
pub fn record(name: &str, script: &str, instances: u32, more: Value) -> Box<RawValue> {
    let mode = if instances == 0 { "fork_mode" } else { "cluster_mode" };
    let mut record = json!({
        "name": name, "namespace": "default", "pm_exec_path": format!("/srv/{script}.js"),
        "pm_cwd": "/srv", "exec_mode": mode, "exec_interpreter": "node",
        "instances": instances.max(1), "kill_timeout": 16, "listen_timeout": 300,
        "min_uptime": 100, "max_restarts": 3,
    });
    for (key, value) in more.as_object().unwrap() {
        record[key] = value.clone();
    }
    RawValue::from_string(record.to_string()).unwrap()
}

fn event_text(event: &control::Event) -> String {
    let error = |error: &Option<control::Failure>| {
        error.as_ref().map_or_else(String::new, |error| format!(": {}", error.message))
    };
    match event {
        control::Event::Started { name, ids, late } => {
            format!("started {name} {ids:?}{}", if *late { " late" } else { "" })
        }
        control::Event::Failed { name, error } => format!("failed {name}: {}", error.message),
        control::Event::Acted { id, name, error: why, added } => {
            format!("acted {name}:{id}{}{}", if *added { " added" } else { "" }, error(why))
        }
        control::Event::Step { name, id, text } => format!("step {name}:{id} {text}"),
        control::Event::Restored { name, script, error: why } => {
            format!("restored {name} {script}{}", error(why))
        }
        control::Event::Warning { text } => format!("warning {text}"),
        other => format!("{other:?}"),
    }
}

fn reply_text(reply: &Reply) -> String {
    match reply {
        Reply::Done => "done".to_owned(),
        Reply::Error(failure) => match &failure.hint {
            Some(hint) => format!("error: {}\nhint: {hint}", failure.message),
            None => format!("error: {}", failure.message),
        },
        Reply::Saved { count, .. } => format!("saved {count}"),
        Reply::Found { ids } => format!("found {ids:?}"),
        Reply::Listens { addresses } => format!("listens {addresses:?}"),
        other => serde_json::to_string(other).unwrap(),
    }
}
