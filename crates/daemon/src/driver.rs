//! Runs begun through the keeper, and what the keeper reports.

use std::os::fd::OwnedFd;

use ostler_core::spec::ExecMode;
use ostler_core::{Exit, Millis, ProcId, Role, RunId, SpecId};
use ostler_keeper::proto::{ExitStatus, FdMask, RunFds, SpawnStage as Stage};
use ostler_logs::Stream;
use ostler_poll::Interest;

use crate::channel::Channel;
use crate::daemon::Daemon;
use crate::environment::{self, Particulars};
use crate::model::Input;
use crate::runs::{Meta, Pending, Run};
use crate::tokens::Source;
use crate::{clock, logbook};

/// What failed for want of descriptors is tried again after this, ms.
const RETRY: u64 = 250;

impl Daemon {
    /// Begins a run.
    pub fn spawn(&mut self, now: Millis, id: ProcId, run: RunId, spec: SpecId) {
        let registry = self.model.registry();
        let (Some(version), Some(proc)) = (registry.version(spec), registry.proc(id)) else {
            let why = format!("specification {} of process {} is not known", spec.0, id.0);
            return self.spawn_failed(run, why);
        };
        let spec_of = version.spec.clone();
        let wall = self.model.model().particulars(id, run).map_or(0, |of| of.since);
        let mut held = Run::new(id, spec, version.is_cluster(), now, wall);
        // Only the last lines of candidates are quoted.
        let slot = self.model.core().slot(id);
        if slot.is_some_and(|slot| slot.candidate().is_some_and(|(of, _)| of == run)) {
            let [_, err, _] = environment::log_files(&spec_of, id);
            held.err_mark =
                err.and_then(|path| std::fs::metadata(path).ok()).map_or(0, |meta| meta.len());
        }
        let mode = mode_word(spec_of.exec_mode);
        logbook::log(format!("App [{}:{}] starting in -{mode} mode-", proc.name, id.0));
        held.grouped = spec_of.policy.tree_kill && self.make_group(run);
        self.runs.insert(run, held);
        self.send_spawn(run);
    }

    /// Makes the control group of a run; `false` where there is none.
    fn make_group(&mut self, run: RunId) -> bool {
        match self.groups.as_mut().map(|groups| groups.create(run)) {
            Some(Ok(_)) => true,
            Some(Err(error)) => {
                let run = run.0;
                logbook::error(format!(
                    "no control group for run {run}: {error}; using process groups"
                ));
                false
            }
            None => false,
        }
    }

    /// Asks the keeper for a run. It may be asked again: a run that is there already is answered as
    /// it is.
    pub fn send_spawn(&mut self, run: RunId) {
        let Some(id) = self.runs.get(&run).map(|held| held.proc) else { return };
        let prepared = self.prepared.remove(&id);
        let Some(held) = self.runs.get(&run) else { return };
        let Some(version) = self.model.registry().version(held.spec) else { return };
        let Some(particulars) = self.model.model().particulars(id, run) else { return };
        let particulars = Particulars { since: held.since_wall, ..particulars };
        let group = self.groups.as_ref().filter(|_| held.grouped).map(|groups| groups.path(run));
        let template = prepared
            .and_then(|prepared| prepared.take(held.spec, particulars.given))
            .unwrap_or_else(|| environment::template(&version.spec, particulars));
        let meta = self.meta_of_run(run);
        let request =
            environment::complete(template, &version.spec, particulars, group.as_deref(), meta);
        self.keeper.spawn(request);
    }

    /// Has at hand what tells of a run's remains, where the last run crashed: another crash is
    /// likely.
    fn open_events(&mut self, run: RunId) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        let restarts =
            self.model.core().slot(held.proc).map_or(0, |slot| slot.process().restarts());
        if held.grouped && 0 < restarts {
            // It is opened when it is needed, if it cannot be opened now.
            let events = self.groups.as_ref().and_then(|groups| groups.open_events(run).ok());
            held.events = events.filter(crate::reserve::is_plentiful);
        }
    }

    /// Makes what can be made of the next run of a slot whose run has crashed: another crash is
    /// likely.
    pub fn prepare_next(&mut self, run: RunId) {
        let Some(id) = self.runs.get(&run).map(|held| held.proc) else { return };
        let Some(spec) = self.model.core().slot(id).map(|slot| slot.process().spec()) else {
            return;
        };
        let Some(version) = self.model.registry().version(spec) else { return };
        let Some(particulars) = self.model.model().particulars(id, run) else { return };
        let particulars = Particulars { since: 0, ..particulars };
        let prepared = environment::Prepared::new(spec, &version.spec, particulars);
        self.prepared.retain(|id, _| self.model.registry().proc(*id).is_some());
        self.prepared.extend(prepared.map(|prepared| (id, prepared)));
    }

    /// There was no room for a run's descriptors: the keeper is asked for them again a little
    /// later.
    pub fn fetch_again(&mut self, run: RunId) {
        self.refetch.insert(run);
        self.retry_soon();
    }

    /// Tries again what fails for want of descriptors.
    pub fn retry_soon(&mut self) {
        self.retry_at.get_or_insert(clock::monotonic() + RETRY);
    }

    /// It is time to try again.
    pub fn retry(&mut self) {
        self.retry_at = None;
        for run in std::mem::take(&mut self.refetch) {
            self.send_spawn(run);
        }
        for run in std::mem::take(&mut self.relook) {
            self.look_at_tree(run);
        }
    }

    /// A run never came to be.
    pub fn spawn_failed(&mut self, run: RunId, why: String) {
        if let Some(held) = self.runs.remove(&run)
            && held.grouped
            && let Some(groups) = &self.groups
        {
            groups.remove(run);
        }
        self.model.push(Input::NotSpawned { run, why });
    }

    pub fn on_spawned(
        &mut self,
        run: RunId,
        pid: u32,
        start_time: u64,
        mask: FdMask,
        fds: Vec<OwnedFd>,
    ) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        if held.pid != 0 {
            return; // Said before.
        }
        let Some(fds) = RunFds::from_list(mask, fds) else {
            logbook::error(format!(
                "no room for the descriptors of run {} (see `ulimit -n`); trying again",
                run.0
            ));
            return self.fetch_again(run);
        };
        held.pid = pid;
        held.start_time = start_time;
        self.take_fds(run, fds);
        if self.model.core().owner(run).is_some_and(|owner| owner.1 == Role::Candidate) {
            self.courtesy.begin(run, pid);
        }
        self.write_pid_file(run);
        self.open_events(run);
        self.model.push(Input::Spawned { run, pid });
        match self.runs.get_mut(&run).and_then(|held| held.pending.take()) {
            Some(Pending::Terminate) => self.terminate(run),
            Some(Pending::Kill) => self.kill(run),
            None => {}
        }
    }

    /// Begins to read a run's output and channel.
    pub fn take_fds(&mut self, run: RunId, fds: RunFds<OwnedFd>) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        held.pidfd = fds.pidfd;
        let (id, spec, cluster) = (held.proc, held.spec, held.cluster);
        if let Some(ipc) = fds.ipc {
            let mut ipc = self.poll.unwatched(ipc, Source::Channel(run));
            if let Err(error) = ipc.set(Interest::READ.edge() | Interest::WRITE) {
                logbook::error(format!("the channel of run {} cannot be watched: {error}", run.0));
            }
            held.channel = Some(Channel::new(ipc));
            if cluster {
                self.add_worker(run, id, spec);
            }
        }
        let copy = |fd: &Option<OwnedFd>| fd.as_ref().and_then(|fd| fd.try_clone().ok());
        let pipes = [copy(&fds.out), copy(&fds.err)];
        if let Some(held) = self.runs.get_mut(&run) {
            held.pipes = pipes;
        }
        if let Some(version) = self.model.registry().version(spec) {
            let pipes = [(Stream::Out, fds.out), (Stream::Err, fds.err)];
            self.logs.attach(run, id, &version.spec, pipes);
        }
    }

    fn write_pid_file(&self, run: RunId) {
        let Some(held) = self.runs.get(&run) else { return };
        let Some(version) = self.model.registry().version(held.spec) else { return };
        let path = environment::pid_file(&version.spec, held.proc);
        if let Some(folder) = path.parent()
            && let Err(error) = std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&path, held.pid.to_string()))
        {
            logbook::error(format!("could not write the pid file `{}`: {error}", path.display()));
        }
    }

    pub fn spawn_error(&self, run: RunId, stage: Stage, errno: i32) -> String {
        let error = std::io::Error::from_raw_os_error(errno);
        if errno == libc::EMFILE || errno == libc::ENFILE {
            return format!("could not be started: {error} (out of descriptors? see `ulimit -n`)");
        }
        let spec = self
            .runs
            .get(&run)
            .and_then(|held| self.model.registry().version(held.spec))
            .map(|version| &version.spec);
        let Some(spec) = spec else { return format!("could not be started: {error}") };
        let program = spec.interpreter.clone().unwrap_or_else(|| spec.script.display().to_string());
        match stage {
            Stage::Exec if errno == libc::ENOEXEC => {
                format!(
                    "could not execute `{program}`: it is neither a binary nor a script with a `#!` line"
                )
            }
            Stage::Exec => format!("could not execute `{program}`: {error}"),
            Stage::Cwd => {
                format!("could not enter the working directory `{}`: {error}", spec.cwd.display())
            }
            Stage::Uid | Stage::Gid => {
                format!("could not become user `{}`: {error}", spec.username)
            }
            Stage::Cgroup => format!("could not join its control group: {error}"),
            Stage::Fds => format!("could not get its pipes: {error}"),
            Stage::Fork => format!(
                "could not be forked: {error} (out of memory or processes? see `ulimit -u`)"
            ),
            Stage::Limits | Stage::Spec => format!("could not be started: {error}"),
        }
    }
}

/// The keeper's word in the core's.
pub fn exit_of(status: ExitStatus) -> Exit {
    match status {
        ExitStatus::Code(code) => Exit::Code(code),
        ExitStatus::Signal(number, core) => Exit::Signal { number, core },
        ExitStatus::Unknown => Exit::Unknown,
    }
}

/// The core's word in the keeper's.
pub fn status_of(exit: Exit) -> ExitStatus {
    match exit {
        Exit::Code(code) => ExitStatus::Code(code),
        Exit::Signal { number, core } => ExitStatus::Signal(number, core),
        Exit::Unknown | Exit::NotSpawned => ExitStatus::Unknown,
    }
}

/// What the keeper kept with a run.
pub fn meta_of(bytes: &[u8]) -> Option<Meta> {
    serde_json::from_slice(bytes).ok()
}

fn mode_word(mode: ExecMode) -> &'static str {
    match mode {
        ExecMode::Fork => "fork",
        ExecMode::Cluster => "cluster",
    }
}
