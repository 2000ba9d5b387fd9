//! What is shown of processes: the list, PM2's `jlist`, the details, the environment.

use ostler_core::spec::ExecMode;
use ostler_core::{Phase, ProcId, RunId};
use ostler_wire::control::{Details, ListenerView, ProcView};

use crate::book::{LastExit, Proc};
use crate::clock;
use crate::daemon::Daemon;
use crate::environment::{self, Particulars};
use crate::gauge::Usage;

/// A CPU figure younger than this is not measured again, ms: two looks in a row would measure
/// noise.
const SAMPLE_INTERVAL: u64 = 200;

pub use ostler_pm2::words::status;

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
        let mut list = ostler_pm2::List::new(ids.len());
        for id in ids {
            let run = self.core.slot(id).and_then(|slot| slot.process().run());
            let usage = run.map_or((0.0, 0), |run| self.measure(run, now));
            if let Some(facts) = self.facts(id, usage) {
                list.push(&facts);
            }
        }
        list.finish()
    }

    fn facts(&self, id: ProcId, (cpu, memory): (f32, u64)) -> Option<ostler_pm2::Facts<'_>> {
        let process = self.core.slot(id)?.process();
        let proc = self.book.procs.get(&id)?;
        let version = self.book.versions.get(&process.spec())?;
        let held = process.run().and_then(|run| self.runs.get(&run));
        Some(ostler_pm2::Facts {
            id,
            name: &proc.name,
            spec: &version.spec,
            shared: version.face.get_or_init(|| ostler_pm2::SharedText::new(&version.spec)),
            phase: process.phase(),
            pid: held.map_or(0, |held| held.pid),
            since: held.map(|held| held.since_wall),
            created_at: proc.created_at,
            restarts: process.restarts(),
            unstable: process.unstable(),
            instance: proc.instance,
            unique_id: &proc.unique_id,
            last_exit: proc.last_exit.as_ref().map(|last| last.exit),
            rollout: proc.rollout,
            memory,
            cpu,
        })
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
            max_memory: spec.max_memory,
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
            proc,
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
