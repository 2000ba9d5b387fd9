//! What is shown of processes: the list, PM2's `jlist`, the details, the environment.

use std::collections::BTreeMap;
use std::fmt::Write;

use ostler_core::spec::ExecMode;
use ostler_core::{Exit, Phase, ProcId, RunId};
use ostler_wire::control::{Details, HEAD, ListenerView, ProcView};
use serde_json::{Map, Value};

use crate::book::{LastExit, Proc, Version};
use crate::clock;
use crate::daemon::Daemon;
use crate::environment::{self, Particulars};
use crate::gauge::Usage;

/// A CPU figure younger than this is not measured again, ms: two looks in a row would measure
/// noise.
const SAMPLE_INTERVAL: u64 = 200;

/// PM2's word for a phase.
pub fn status(phase: Phase) -> &'static str {
    match phase {
        Phase::Stopped => "stopped",
        Phase::Errored => "errored",
        Phase::Starting { .. } => "launching",
        Phase::Online { .. } => "online",
        Phase::Stopping(_) => "stopping",
        Phase::Backoff { .. } => "waiting restart",
    }
}

impl Daemon {
    /// Every process, by id.
    pub fn list(&mut self) -> Vec<ProcView> {
        let now = clock::monotonic();
        let ids: Vec<ProcId> = self.book.procs.keys().copied().collect();
        ids.into_iter().filter_map(|id| self.view(id, now)).collect()
    }

    /// The processes of this name or id.
    pub fn find(&self, word: &str) -> Vec<u32> {
        let number = word.parse().ok().filter(|number: &u32| number.to_string() == word);
        let wanted =
            self.book.procs.iter().filter(|(id, proc)| Some(id.0) == number || proc.name == word);
        wanted.map(|(id, _)| id.0).collect()
    }

    fn view(&mut self, id: ProcId, now: u64) -> Option<ProcView> {
        let phase = self.core.slot(id)?.process().phase();
        let run = self.core.slot(id)?.process().run();
        let (cpu, memory) = run.map_or((0.0, 0), |run| self.measure(run, now));
        let slot = self.core.slot(id)?;
        let proc = self.book.procs.get(&id)?;
        let spec = &self.book.versions.get(&slot.process().spec())?.spec;
        let held = run.and_then(|run| self.runs.get(&run));
        Some(ProcView {
            id: id.0,
            name: proc.name.clone(),
            namespace: spec.namespace.clone(),
            version: spec.version.clone(),
            cluster: spec.exec_mode == ExecMode::Cluster,
            pid: held.map_or(0, |held| held.pid),
            since: held.map_or(0, |held| held.since_wall),
            restarts: slot.process().restarts(),
            status: status(phase).to_owned(),
            cpu,
            memory,
            user: spec.username.clone(),
            watching: spec.passthrough.get("watch").is_some_and(|watch| watch != "false"),
            rollout: proc.rollout.map(str::to_owned),
            script: spec.script.display().to_string(),
            logs: environment::log_files(spec, id)
                .map(|path| path.map(|path| path.display().to_string())),
        })
    }

    /// CPU use since the last look, percent of a core, and resident memory, bytes.
    pub fn measure(&mut self, run: RunId, now: u64) -> (f32, u64) {
        let Some(held) = self.runs.get_mut(&run) else { return (0.0, 0) };
        let Some(Usage { cpu, memory }) = held.usage() else { return (0.0, 0) };
        let elapsed = now.saturating_sub(held.sample.1);
        if SAMPLE_INTERVAL <= elapsed {
            // Tenths of a percent fit a float exactly.
            let busy = cpu.saturating_sub(held.sample.0) / 1000 / elapsed;
            held.cpu = u16::try_from(busy).map_or(f32::MAX, f32::from) / 10.0;
            held.sample = (cpu, now);
        }
        (held.cpu, memory)
    }

    /// Every process in the form of PM2's `jlist` (wire protocol §5).
    pub fn jlist(&mut self) -> String {
        let now = clock::monotonic();
        let ids: Vec<ProcId> = self.book.procs.keys().copied().collect();
        let mut text = String::from("[");
        for id in ids {
            let run = self.core.slot(id).and_then(|slot| slot.process().run());
            let (cpu, memory) = run.map_or((0.0, 0), |run| self.measure(run, now));
            let before = text.len();
            if 1 < before {
                text.push(',');
            }
            if self.write_element(id, cpu, memory, &mut text).is_none() {
                text.truncate(before);
            }
            if before == 1 {
                // Elements are about as long as the first.
                text.reserve(HEAD + (text.len() + text.len() / 16) * self.book.procs.len());
            }
        }
        text.push(']');
        text
    }

    fn write_element(&self, id: ProcId, cpu: f32, memory: u64, out: &mut String) -> Option<()> {
        let slot = self.core.slot(id)?;
        let process = slot.process();
        let proc = self.book.procs.get(&id)?;
        let version = self.book.versions.get(&process.spec())?;
        let held = process.run().and_then(|run| self.runs.get(&run));
        let pid = held.map_or(0, |held| held.pid);
        let name = json(&proc.name);
        // Writing to a string cannot fail.
        _ = write!(out, "{{\"pid\":{pid},\"name\":{name},\"pm2_env\":{{{}", face(version));
        let [stdout, stderr, combined] = environment::log_files(&version.spec, id);
        let path = |path: Option<std::path::PathBuf>| {
            json(&path.map_or_else(|| "/dev/null".to_owned(), |path| path.display().to_string()))
        };
        _ = write!(
            out,
            "\"name\":{name},\"pm_out_log_path\":{},\"pm_err_log_path\":{},\"pm_pid_path\":{}",
            path(stdout),
            path(stderr),
            json(&environment::pid_file(&version.spec, id).display().to_string()),
        );
        if let Some(combined) = combined {
            _ = write!(out, ",\"pm_log_path\":{}", json(&combined.display().to_string()));
        }
        _ = write!(out, ",{}:{}", json(&version.spec.instance_var), proc.instance);
        _ = write!(
            out,
            ",\"status\":\"{}\",\"pm_uptime\":{},\"created_at\":{},\"pm_id\":{},\"restart_time\":{},\
             \"unstable_restarts\":{},\"unique_id\":{},\"version\":{},\"axm_actions\":[],\"axm_monitor\":{{}},\
             \"axm_options\":{{}},\"axm_dynamic\":{{}},\"km_link\":false,\"vizion_running\":false",
            status(process.phase()),
            held.map_or(proc.created_at, |held| held.since_wall),
            proc.created_at,
            id.0,
            process.restarts(),
            process.unstable(),
            json(&proc.unique_id),
            json(version.spec.version.as_deref().unwrap_or("N/A")),
        );
        match proc.last_exit.as_ref().map(|last| last.exit) {
            Some(Exit::Code(code)) => _ = write!(out, ",\"exit_code\":{code}"),
            // Beyond PM2, which shows 0 for a process that a signal killed: the signal.
            Some(Exit::Signal { number: signal, .. }) => {
                _ = write!(
                    out,
                    ",\"exit_code\":0,\"exit_signal\":\"{}\"",
                    crate::book::signal_name(signal)
                );
            }
            Some(Exit::Unknown | Exit::NotSpawned) | None => {}
        }
        if let Some(rollout) = proc.rollout {
            _ = write!(out, ",\"rollout\":\"{rollout}\"");
        }
        _ = write!(out, "}},\"pm_id\":{},\"monit\":{{\"memory\":{memory},\"cpu\":{cpu}}}}}", id.0);
        Some(())
    }

    /// Everything about one process.
    pub fn details(&mut self, id: ProcId) -> Option<Details> {
        let view = self.view(id, clock::monotonic())?;
        let slot = self.core.slot(id)?;
        let process = slot.process();
        let proc = self.book.procs.get(&id)?;
        let spec = &self.book.versions.get(&process.spec())?.spec;
        let listeners = process.run().map_or_else(Vec::new, |run| self.listeners_of(run));
        Some(Details {
            args: spec.args.clone(),
            pid_file: environment::pid_file(spec, id).display().to_string(),
            interpreter: spec.interpreter.clone().unwrap_or_else(|| "none".to_owned()),
            interpreter_args: spec.interpreter_args.clone(),
            cwd: spec.cwd.display().to_string(),
            unstable: process.unstable(),
            created_at: proc.created_at,
            last_exit: proc.last_exit.as_ref().map(LastExit::text),
            explain: self.explain(process.phase(), proc),
            max_memory: spec.policy.max_memory,
            node_env: spec.env.get("NODE_ENV").cloned(),
            env: spec.env.clone(),
            listeners,
            view,
        })
    }

    /// Why it is not running, or what is awaited.
    fn explain(&self, phase: Phase, proc: &Proc) -> String {
        let last =
            proc.last_exit.as_ref().map_or_else(|| "it never ran".to_owned(), LastExit::text);
        match phase {
            Phase::Stopped => {
                format!("stopped on request, or it ended and is not to be restarted (last: {last})")
            }
            Phase::Errored => format!("given up after too many short runs in a row (last: {last})"),
            Phase::Starting { .. } => "started, waiting for it to be ready".to_owned(),
            Phase::Online { .. } => "running".to_owned(),
            Phase::Stopping(_) => {
                "asked to end; what ignores it is killed after `kill_timeout`".to_owned()
            }
            Phase::Backoff { until } => {
                let left = until.saturating_sub(clock::monotonic());
                format!("ended ({last}); started again in {left} ms")
            }
        }
    }

    /// The environment of a process, newest variable first, as PM2's `env`.
    pub fn env_of(&self, id: ProcId) -> Option<Vec<(String, String)>> {
        let slot = self.core.slot(id)?;
        let process = slot.process();
        let proc = self.book.procs.get(&id)?;
        let spec = &self.book.versions.get(&process.spec())?.spec;
        let run = process.run().unwrap_or(RunId(0));
        let particulars = Particulars {
            id,
            given: proc.given(),
            run,
            since: self.runs.get(&run).map_or(0, |held| held.since_wall),
            restarts: process.restarts(),
            unstable: process.unstable(),
            home: &self.config.home,
            mark: &self.mark,
        };
        let mut env = environment::environment(spec, particulars);
        env.insert("status".to_owned(), status(process.phase()).to_owned());
        Some(env.into_iter().rev().collect())
    }

    /// What a run listens on.
    fn listeners_of(&self, run: RunId) -> Vec<ListenerView> {
        self.cluster.listeners_of(run)
    }
}

/// The part of the record that all processes of a version share: its keys and, beside them, every
/// variable. Made once.
fn face(version: &Version) -> &str {
    version.face.get_or_init(|| {
        let record = ostler_config::record::to_record(&version.spec);
        let keys: Map<String, Value> = serde_json::from_str(&record).unwrap_or_default();
        let mut all: BTreeMap<&str, std::borrow::Cow<'_, Value>> = BTreeMap::new();
        for (name, value) in &version.spec.env {
            all.insert(name, std::borrow::Cow::Owned(Value::String(value.clone())));
        }
        for (name, value) in &keys {
            all.insert(name, std::borrow::Cow::Borrowed(value));
        }
        let own = [
            "name",
            "pm_out_log_path",
            "pm_err_log_path",
            "pm_log_path",
            "pm_pid_path",
            "version",
            "km_link",
        ];
        let own = own.iter().chain(["vizion_running", "unique_id", "status", "pm_id"].iter());
        for name in own.copied().chain([version.spec.instance_var.as_str()]) {
            all.remove(name);
        }
        let mut text = String::new();
        for (name, value) in all {
            _ = write!(text, "{}:{value},", json(name));
        }
        text
    })
}

fn json(text: &str) -> String {
    // Text can always be written as JSON.
    serde_json::to_string(text).unwrap_or_default()
}
