//! What the world holds and what clients hear, in words that a test can compare.

use ostler_core::{Phase, ProcId};
use ostler_wire::control::{self, Reply, Request};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::world::World;

impl World {
    /// Every slot in words: `api:0 online good, job:1 errored exits`; a `+` for each further run.
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
                Phase::Held => "waiting",
                Phase::Sleeping { .. } => "sleeping",
            };
            let version = registry.version(process.spec()).unwrap();
            let script = version.spec.script.file_stem().unwrap().to_string_lossy().into_owned();
            let extra = slot.leaving().count() + usize::from(slot.candidate().is_some());
            format!("{name}:{} {phase} {script}{}", id.0, "+".repeat(extra))
        });
        slots.collect::<Vec<_>>().join(", ")
    }

    /// Restarts, short runs in a row and last pause of every slot, and its part in a reload.
    pub fn counters(&self) -> Vec<(u32, u32, u64, Option<&str>)> {
        let rollout = |id: ProcId| self.model.registry().proc(id)?.rollout.map(|of| of.as_str());
        let slots = self.model.core().slots();
        let of_slot = slots.map(|(id, slot)| {
            let process = slot.process();
            (process.restarts(), process.unstable(), process.backoff(), rollout(id))
        });
        of_slot.collect()
    }

    /// Restarts of each slot.
    pub fn restarts(&self) -> Vec<u32> {
        self.counters().into_iter().map(|(restarts, ..)| restarts).collect()
    }

    /// Pids of the slots' current runs.
    pub fn pids(&self) -> Vec<u32> {
        let core = self.model.core();
        let runs = core.slots().filter_map(|(_, slot)| slot.process().run());
        runs.filter_map(|run| self.runs.get(&run)).map(|sim| sim.pid).collect()
    }

    /// Processes of which anything lives.
    pub fn alive(&self) -> usize {
        self.runs.values().filter(|sim| sim.is_there()).count()
    }

    /// A fact about each slot.
    pub fn each<T>(&self, fact: impl Fn(&super::super::registry::Proc) -> T) -> Vec<T> {
        self.model.registry().procs().map(|(_, proc)| fact(proc)).collect()
    }

    /// Versions of specifications that the slots run, and how many are known in all.
    pub fn versions(&mut self) -> (Vec<u32>, usize) {
        let of_slots = self.model.core().slots().map(|(_, slot)| slot.process().spec().0).collect();
        (of_slots, self.model.snapshot().specs.len())
    }

    /// Forgets what was told so far.
    pub fn quiet(&mut self) {
        self.log.clear();
        self.lifecycle.clear();
        self.parts.clear();
        self.removed.clear();
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
    let Value::Object(more) = more else { panic!("more keys are an object") };
    record.as_object_mut().unwrap().extend(more);
    RawValue::from_string(record.to_string()).unwrap()
}

/// Text as raw JSON.
/// A request that starts these apps.
pub fn starting(apps: Vec<Box<RawValue>>, ticket: Option<String>) -> Request {
    Request::Start { apps, only_new: false, each: false, doing: false, ticket }
}

pub fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

pub fn event_text(event: &control::Event) -> String {
    let error = |error: &Option<control::Failure>| {
        error.as_ref().map_or_else(String::new, |error| format!(": {}", error.message))
    };
    match event {
        control::Event::Started { name, ids, late } => {
            format!("started {name} {ids:?}{}", if *late { " late" } else { "" })
        }
        control::Event::Starting { id, name, up } => {
            format!("{} {name}:{id}", if *up { "up" } else { "starting" })
        }
        control::Event::Failed { name, error } => format!("failed {name}: {}", error.message),
        control::Event::Acted { id, name, error: why, added, connections } => {
            let connections = match connections {
                control::Connections::Unknown => String::new(),
                known => format!(" {known:?}"),
            };
            let added = if *added { " added" } else { "" };
            format!("acted {name}:{id}{added}{}{connections}", error(why))
        }
        control::Event::Step { name, id, step } => {
            format!("step {name}:{id} {}", step.sentence(*id, name))
        }
        control::Event::Restored { name, script, error: why } => {
            format!("restored {name} {script}{}", error(why))
        }
        control::Event::Warning { text } => format!("warning {text}"),
        other => format!("{other:?}"),
    }
}

pub fn reply_text(reply: &Reply) -> String {
    match reply {
        Reply::Done => "done".to_owned(),
        Reply::Error(failure) => match &failure.hint {
            Some(hint) => format!("error: {}\nhint: {hint}", failure.message),
            None => format!("error: {}", failure.message),
        },
        Reply::Saved { path, count } => format!("saved {count} to {path}"),
        Reply::Found { ids } => format!("found {ids:?}"),
        Reply::Listens { addresses } => format!("listens {addresses:?}"),
        other => serde_json::to_string(other).unwrap(),
    }
}
