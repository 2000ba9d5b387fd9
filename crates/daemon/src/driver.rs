//! Carrying out what the machine decides, and telling it what became of it.

use std::os::fd::{AsRawFd, OwnedFd};

use mio::Interest;
use ostler_core::spec::ExecMode;
use ostler_core::{Action, Event, Exit, Millis, ProcId, Role, RunId, SpecId};
use ostler_keeper::failpoint::hit;
use ostler_keeper::proto::{ExitStatus, FdMask, FromKeeper, RunFds, SpawnStage as Stage, ToKeeper};

use crate::channel::Channel;
use crate::daemon::{CHORES_WAIT, Daemon};
use crate::environment::{self, Particulars};
use crate::runs::{Meta, Pending, Run};
use crate::tokens::Source;
use crate::{clock, logbook};

/// What failed for want of descriptors is tried again after this, ms.
const RETRY: u64 = 250;

impl Daemon {
    /// Carries out one action.
    pub fn carry_out(&mut self, now: Millis, action: Action) {
        let (before, after) = places(&action);
        hit(before);
        self.act(now, action);
        hit(after);
    }

    fn act(&mut self, now: Millis, action: Action) {
        match action {
            Action::Spawn { proc, run, spec } => self.spawn(now, proc, run, spec),
            Action::Disconnect(run) => self.disconnect(run),
            Action::Terminate(run) => self.terminate(run),
            Action::Kill(run) => self.kill(run),
            Action::Sweep(run) => self.sweep(run),
            Action::Probe(run) => self.probe(run),
            Action::Note { run } => self.note(run),
            Action::Tell(notice) => self.tell(notice),
        }
    }

    /// Sends to the keeper. A keeper that does not take it is about to be found dead by the poll.
    pub fn keeper_send(&mut self, message: &ToKeeper, fds: Vec<OwnedFd>) {
        if self.keeper_process.due.is_some() {
            return; // The next one is given everything as it is then.
        }
        hit("send.before");
        if let Err(error) = self.link.send(message, fds) {
            logbook::error(format!("could not send to the keeper: {error}"));
        }
        hit("send.after");
    }

    fn spawn(&mut self, now: Millis, id: ProcId, run: RunId, spec: SpecId) {
        let (Some(version), Some(proc)) = (self.book.versions.get(&spec), self.book.procs.get(&id))
        else {
            self.spawn_failed(
                run,
                format!("specification {} of process {} is not known", spec.0, id.0),
            );
            return;
        };
        let spec_of = version.spec.clone();
        let wall = clock::wall();
        let mut held = Run::new(id, spec, spec_of.exec_mode == ExecMode::Cluster, now, wall);
        // Only the last words of candidates are quoted.
        let candidate = self
            .core
            .slot(id)
            .is_some_and(|slot| slot.candidate().is_some_and(|(of, _)| of == run));
        if candidate {
            let [_, err, _] = environment::log_files(&spec_of, id);
            held.err_mark =
                err.and_then(|path| std::fs::metadata(path).ok()).map_or(0, |meta| meta.len());
        }
        let group = match &mut self.groups {
            Some(groups) if spec_of.policy.tree_kill => match groups.create(run) {
                Ok(path) => Some(path),
                Err(error) => {
                    logbook::error(format!(
                        "no control group for run {}: {error}; using process groups",
                        run.0
                    ));
                    None
                }
            },
            _ => None,
        };
        held.grouped = group.is_some();
        logbook::log(format!(
            "App [{}:{}] starting in -{} mode-",
            proc.name,
            id.0,
            mode_word(spec_of.exec_mode)
        ));
        self.runs.insert(run, held);
        self.send_spawn(run);
    }

    /// Asks the keeper for a run. It may be asked again: a run that is there already is answered as
    /// it is.
    pub fn send_spawn(&mut self, run: RunId) {
        let Some(id) = self.runs.get(&run).map(|held| held.proc) else { return };
        let prepared = self.prepared.remove(&id);
        let Some(held) = self.runs.get(&run) else { return };
        let (Some(version), Some(proc)) =
            (self.book.versions.get(&held.spec), self.book.procs.get(&id))
        else {
            return;
        };
        let group = self.groups.as_ref().filter(|_| held.grouped).map(|groups| groups.path(run));
        let particulars = self.particulars(id, proc, run, held.since_wall);
        let template = prepared
            .and_then(|prepared| prepared.take(held.spec, proc))
            .unwrap_or_else(|| environment::template(&version.spec, particulars));
        let meta = self.meta_of_run(run);
        let request =
            environment::complete(template, &version.spec, particulars, group.as_deref(), meta);
        self.keeper_send(&ToKeeper::Spawn(request), Vec::new());
        self.spawning = Some(clock::monotonic() + CHORES_WAIT);
    }

    fn particulars<'a>(
        &'a self,
        id: ProcId,
        proc: &'a crate::book::Proc,
        run: RunId,
        since: u64,
    ) -> Particulars<'a> {
        let (restarts, unstable) = self
            .core
            .slot(id)
            .map_or((0, 0), |slot| (slot.process().restarts(), slot.process().unstable()));
        Particulars {
            id,
            proc,
            run,
            since,
            restarts,
            unstable,
            home: &self.config.home,
            mark: &self.mark,
        }
    }

    /// Has at hand what tells of a run's remains, where the last run crashed: another crash is
    /// likely.
    fn open_events(&mut self, run: RunId) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        let restarts = self.core.slot(held.proc).map_or(0, |slot| slot.process().restarts());
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
        let Some(spec) = self.core.slot(id).map(|slot| slot.process().spec()) else { return };
        let (Some(version), Some(proc)) = (self.book.versions.get(&spec), self.book.procs.get(&id))
        else {
            return;
        };
        let prepared =
            environment::Prepared::new(spec, &version.spec, self.particulars(id, proc, run, 0));
        self.prepared.retain(|id, _| self.book.procs.contains_key(id));
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
        self.accept_clients();
    }

    /// A run never came to be.
    pub fn spawn_failed(&mut self, run: RunId, why: String) {
        self.note_failure(run, why);
        self.remember_gone(run);
        if let Some(held) = self.runs.remove(&run)
            && held.grouped
            && let Some(groups) = &self.groups
        {
            groups.remove(run);
        }
        self.events.push_back(Event::Exited { run, exit: Exit::SpawnFailed });
        self.events.push_back(Event::TreeGone(run));
    }

    /// Remembers in words why a run failed, for whoever asks for its slot.
    pub fn note_failure(&mut self, run: RunId, why: String) {
        let Some((id, _)) = self.core.owner(run) else { return };
        if let Some(proc) = self.book.procs.get_mut(&id) {
            logbook::error(format!("App [{}:{}] {why}", proc.name, id.0));
            proc.last_exit =
                Some(crate::book::LastExit { exit: Exit::SpawnFailed, reason: Some(why) });
        }
    }

    /// Everything the keeper has to say.
    pub fn on_keeper(&mut self) {
        loop {
            match self.link.receive() {
                Ok(None) => break,
                Ok(Some((message, fds))) => self.on_keeper_message(message, fds),
                Err(error) => {
                    self.replace_keeper(&error);
                    return;
                }
            }
        }
        if let Err(error) = self.link.flush() {
            self.replace_keeper(&error);
        }
    }

    fn on_keeper_message(&mut self, message: FromKeeper, fds: Vec<OwnedFd>) {
        match message {
            FromKeeper::Spawned { run, pid, start_time, mask } => {
                hit("report.spawned");
                self.spawning = None;
                self.on_spawned(RunId(run), pid, start_time, mask, fds);
            }
            FromKeeper::SpawnFailed { run, stage, errno } => {
                self.spawning = None;
                let run = RunId(run);
                // A group that was made in advance may have been taken away since.
                let vanished = stage == Stage::Cgroup && errno == libc::ENOENT;
                if vanished && self.groups.as_ref().is_some_and(|groups| groups.make_again(run)) {
                    return self.send_spawn(run);
                }
                let why = self.spawn_error(run, stage, errno);
                self.spawn_failed(run, why);
            }
            FromKeeper::Exited { run, status, .. } => {
                hit("report.exited");
                self.on_exited(RunId(run), exit_of(status));
            }
            FromKeeper::Welcome { pid, daemons, nofile, .. } => {
                self.keeper = (pid, daemons);
                self.nofile = nofile;
                self.on_keeper_upgraded(None);
            }
            FromKeeper::UpgradeFailed { errno } => self.on_keeper_upgraded(Some(errno)),
            FromKeeper::Refused { what, why } => {
                logbook::error(format!("the keeper refused `{what}`: {why}"));
            }
            // Parts of an inventory, which is asked for and taken in before the loop begins.
            FromKeeper::Run { .. } | FromKeeper::Item { .. } | FromKeeper::InventoryEnd => {}
        }
    }

    fn on_spawned(
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
        if self.core.owner(run).is_some_and(|owner| owner.1 == Role::Candidate) {
            self.courtesy.begin(run, pid);
        }
        self.write_pid_file(run);
        self.open_events(run);
        self.events.push_back(Event::Spawned(run));
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
            let channel = Channel::new(ipc);
            let raw = channel.as_raw_fd();
            held.channel = Some(channel);
            if let Err(error) =
                self.register(raw, Source::Channel(run), Interest::READABLE | Interest::WRITABLE)
            {
                logbook::error(format!("the channel of run {} cannot be watched: {error}", run.0));
            }
            if cluster {
                self.add_worker(run, id, spec);
            }
        }
        let copy = |fd: &Option<OwnedFd>| fd.as_ref().and_then(|fd| fd.try_clone().ok());
        let pipes = [copy(&fds.out), copy(&fds.err)];
        if let Some(held) = self.runs.get_mut(&run) {
            held.pipes = pipes;
        }
        self.attach_logs(run, id, spec, fds.out, fds.err);
    }

    fn write_pid_file(&self, run: RunId) {
        let Some(held) = self.runs.get(&run) else { return };
        let Some(version) = self.book.versions.get(&held.spec) else { return };
        let path = environment::pid_file(&version.spec, held.proc);
        if let Some(folder) = path.parent()
            && let Err(error) = std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&path, held.pid.to_string()))
        {
            logbook::error(format!("could not write the pid file `{}`: {error}", path.display()));
        }
    }

    fn spawn_error(&self, run: RunId, stage: Stage, errno: i32) -> String {
        let error = std::io::Error::from_raw_os_error(errno);
        if errno == libc::EMFILE || errno == libc::ENFILE {
            return format!("could not be started: {error} (out of descriptors? see `ulimit -n`)");
        }
        let spec = self
            .runs
            .get(&run)
            .and_then(|held| self.book.versions.get(&held.spec))
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
        ExitStatus::Signal(signal, _) => Exit::Signal(signal),
        ExitStatus::Unknown => Exit::Unknown,
    }
}

/// Where a test may kill this process.
fn places(action: &Action) -> (&'static str, &'static str) {
    match action {
        Action::Spawn { .. } => ("spawn.before", "spawn.after"),
        Action::Disconnect(_) => ("disconnect.before", "disconnect.after"),
        Action::Terminate(_) | Action::Kill(_) | Action::Sweep(_) => {
            ("terminate.before", "terminate.after")
        }
        Action::Probe(_) | Action::Note { .. } => ("note.before", "note.after"),
        Action::Tell(_) => ("tell.before", "tell.after"),
    }
}

/// The core's word in the keeper's.
pub fn status_of(exit: Exit) -> ExitStatus {
    match exit {
        Exit::Code(code) => ExitStatus::Code(code),
        Exit::Signal(signal) => ExitStatus::Signal(signal, false),
        Exit::Unknown | Exit::SpawnFailed => ExitStatus::Unknown,
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
