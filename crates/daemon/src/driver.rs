//! Carrying out what the machine decides, and telling it what became of it.

use std::os::fd::{AsRawFd, OwnedFd};

use mio::Interest;
use ostler_core::spec::ExecMode;
use ostler_core::{Action, Event, Exit, Millis, ProcId, Role, RunId, SpecId};
use ostler_keeper::failpoint::hit;
use ostler_keeper::proto::{ExitStatus, FdMask, FromKeeper, RunFds, Stage, ToKeeper};

use crate::channel::Channel;
use crate::daemon::{CHORES_WAIT, Daemon};
use crate::environment::{self, Particulars};
use crate::runs::{Meta, Pending, Run, Tree};
use crate::tokens::Source;
use crate::tree::{self, Held};
use crate::{clock, drain, logbook};

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

    // ------------------------------------------------------------------------------------------ spawning

    fn spawn(&mut self, now: Millis, id: ProcId, run: RunId, spec: SpecId) {
        let (Some(version), Some(proc)) = (self.book.versions.get(&spec), self.book.procs.get(&id)) else {
            self.spawn_failed(run, format!("specification {} of process {} is not known", spec.0, id.0));
            return;
        };
        let spec_of = version.spec.clone();
        let wall = clock::wall();
        let mut held = Run::new(id, spec, spec_of.exec_mode == ExecMode::Cluster, now, wall);
        // Only the last words of candidates are quoted.
        let candidate = self.core.slot(id).is_some_and(|slot| slot.candidate().is_some_and(|(of, _)| of == run));
        if candidate {
            let [_, err, _] = environment::log_files(&spec_of, id);
            held.err_mark = err.and_then(|path| std::fs::metadata(path).ok()).map_or(0, |meta| meta.len());
        }
        let group = match &mut self.groups {
            Some(groups) if spec_of.policy.tree_kill => match groups.create(run) {
                Ok(path) => Some(path),
                Err(error) => {
                    logbook::error(format!("no control group for run {}: {error}; using process groups", run.0));
                    None
                }
            },
            _ => None,
        };
        held.grouped = group.is_some();
        logbook::log(format!("App [{}:{}] starting in -{} mode-", proc.name, id.0, mode_word(spec_of.exec_mode)));
        self.runs.insert(run, held);
        self.send_spawn(run);
    }

    /// Asks the keeper for a run. It may be asked again: a run that is there already is answered as it is.
    pub fn send_spawn(&mut self, run: RunId) {
        let Some(id) = self.runs.get(&run).map(|held| held.proc) else { return };
        let prepared = self.prepared.remove(&id);
        let Some(held) = self.runs.get(&run) else { return };
        let (Some(version), Some(proc)) = (self.book.versions.get(&held.spec), self.book.procs.get(&id)) else {
            return;
        };
        let group = self.groups.as_ref().filter(|_| held.grouped).map(|groups| groups.path(run));
        let particulars = self.particulars(id, proc, run, held.since_wall);
        let template = prepared
            .and_then(|prepared| prepared.take(held.spec, proc))
            .unwrap_or_else(|| environment::template(&version.spec, particulars));
        let meta = self.meta_of_run(run);
        let request = environment::complete(template, &version.spec, particulars, group.as_deref(), meta);
        self.keeper_send(&ToKeeper::Spawn(request), Vec::new());
        self.spawning = Some(clock::monotonic() + CHORES_WAIT);
    }

    fn particulars<'a>(&'a self, id: ProcId, proc: &'a crate::book::Proc, run: RunId, since: u64) -> Particulars<'a> {
        let (restarts, unstable) =
            self.core.slot(id).map_or((0, 0), |slot| (slot.process().restarts(), slot.process().unstable()));
        Particulars { id, proc, run, since, restarts, unstable, home: &self.config.home, mark: &self.mark }
    }

    /// Has at hand what tells of a run's remains, where the last run crashed: another crash is likely.
    fn open_events(&mut self, run: RunId) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        let restarts = self.core.slot(held.proc).map_or(0, |slot| slot.process().restarts());
        if held.grouped && 0 < restarts {
            // It is opened when it is needed, if it cannot be opened now.
            let events = self.groups.as_ref().and_then(|groups| groups.open_events(run).ok());
            held.events = events.filter(crate::reserve::is_plentiful);
        }
    }

    /// Makes what can be made of the next run of a slot whose run has crashed: another crash is likely.
    fn prepare_next(&mut self, run: RunId) {
        let Some(id) = self.runs.get(&run).map(|held| held.proc) else { return };
        let Some(spec) = self.core.slot(id).map(|slot| slot.process().spec()) else { return };
        let (Some(version), Some(proc)) = (self.book.versions.get(&spec), self.book.procs.get(&id)) else { return };
        let prepared = environment::Prepared::new(spec, &version.spec, self.particulars(id, proc, run, 0));
        self.prepared.retain(|id, _| self.book.procs.contains_key(id));
        self.prepared.extend(prepared.map(|prepared| (id, prepared)));
    }

    /// There was no room for a run's descriptors: the keeper is asked for them again a little later.
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
            proc.last_exit = Some(crate::book::LastExit { exit: Exit::SpawnFailed, reason: Some(why) });
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
            FromKeeper::Exited { run, status } => {
                hit("report.exited");
                self.on_exited(RunId(run), exit_of(status));
            }
            FromKeeper::Welcome { pid, daemons, nofile, .. } => {
                self.keeper = (pid, daemons);
                self.nofile = nofile;
                self.on_keeper_upgraded(None);
            }
            FromKeeper::UpgradeFailed { errno } => self.on_keeper_upgraded(Some(errno)),
            FromKeeper::Refused { what, why } => logbook::error(format!("the keeper refused `{what}`: {why}")),
            // Parts of an inventory, which is asked for and taken in before the loop begins.
            FromKeeper::Run { .. } | FromKeeper::Item { .. } | FromKeeper::InventoryEnd => {}
        }
    }

    fn on_spawned(&mut self, run: RunId, pid: u32, start_time: u64, mask: FdMask, fds: Vec<OwnedFd>) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        if held.pid != 0 {
            return; // Said before.
        }
        let Some(fds) = RunFds::from_list(mask, fds) else {
            logbook::error(format!("no room for the descriptors of run {} (see `ulimit -n`); trying again", run.0));
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
            if let Err(error) = self.register(raw, Source::Channel(run), Interest::READABLE | Interest::WRITABLE) {
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
            && let Err(error) =
                std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, held.pid.to_string()))
        {
            logbook::error(format!("could not write the pid file `{}`: {error}", path.display()));
        }
    }

    fn spawn_error(&self, run: RunId, stage: Stage, errno: i32) -> String {
        let error = std::io::Error::from_raw_os_error(errno);
        if errno == libc::EMFILE || errno == libc::ENFILE {
            return format!("could not be started: {error} (out of descriptors? see `ulimit -n`)");
        }
        let spec = self.runs.get(&run).and_then(|held| self.book.versions.get(&held.spec)).map(|version| &version.spec);
        let Some(spec) = spec else { return format!("could not be started: {error}") };
        let program = spec.interpreter.clone().unwrap_or_else(|| spec.script.display().to_string());
        match stage {
            Stage::Exec if errno == libc::ENOEXEC => {
                format!("could not execute `{program}`: it is neither a binary nor a script with a `#!` line")
            }
            Stage::Exec => format!("could not execute `{program}`: {error}"),
            Stage::Cwd => format!("could not enter the working directory `{}`: {error}", spec.cwd.display()),
            Stage::Uid | Stage::Gid => format!("could not become user `{}`: {error}", spec.username),
            Stage::Cgroup => format!("could not join its control group: {error}"),
            Stage::Fds => format!("could not get its pipes: {error}"),
            Stage::Fork => format!("could not be forked: {error} (out of memory or processes? see `ulimit -u`)"),
            Stage::Limits | Stage::Spec => format!("could not be started: {error}"),
        }
    }

    // ------------------------------------------------------------------------------------------ ending

    fn on_exited(&mut self, run: RunId, exit: Exit) {
        let Some(held) = self.runs.get_mut(&run) else {
            // Nobody knows it any more: the keeper need not either.
            self.keeper_send(&ToKeeper::Release { run: run.0 }, Vec::new());
            return;
        };
        if held.exit.is_some() {
            return; // Said before.
        }
        held.end(exit);
        self.courtesy.forget(run);
        self.close_channel(run);
        if self.core.owner(run).is_some_and(|owner| owner.1 == Role::Candidate) {
            self.engine.ended(run.0);
            // Why it failed is in its last words: the machine hears of the end when they are written.
            if let Some(held) = self.runs.get_mut(&run) {
                held.untold = Some(exit);
            }
            return;
        }
        self.events.push_back(Event::Exited { run, exit });
        self.dead.push(run);
    }

    /// Sees to what dead runs left: their last output, their descendants. The next run of the slot does not wait for it.
    pub fn bury(&mut self) {
        for run in std::mem::take(&mut self.dead) {
            self.engine.ended(run.0);
            self.prepare_next(run);
            self.look_at_tree(run);
            if let Some(groups) = &mut self.groups {
                groups.prepare(RunId(self.core.last_run() + 1));
            }
        }
    }

    fn tell_exited(&mut self, run: RunId, exit: Exit) {
        self.events.push_back(Event::Exited { run, exit });
        self.look_at_tree(run);
    }

    /// A run that the inventory says is dead: as if it were reported now, for what is ours; the core knows already.
    pub fn on_found_dead(&mut self, run: RunId, exit: Exit) {
        if let Some(held) = self.runs.get_mut(&run) {
            held.end(exit);
        }
        self.close_channel(run);
        self.engine.ended(run.0);
        self.look_at_tree(run);
    }

    /// Reads what an application said last, and closes the channel.
    fn close_channel(&mut self, run: RunId) {
        if let Some(channel) = self.runs.get_mut(&run).and_then(|held| held.channel.as_mut()) {
            let mut window = std::mem::take(&mut self.window);
            channel.drain(&mut window);
            self.window = window;
            self.handle_channel(run);
        }
        if let Some(channel) = self.runs.get_mut(&run).and_then(|held| held.channel.take()) {
            self.deregister(channel.as_raw_fd());
        }
        self.worker_gone(run);
    }

    /// All output of a dead run is written.
    pub fn on_drained(&mut self, run: RunId) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        held.drained = true;
        if let Some(exit) = held.untold.take() {
            let (mark, spec, id) = (held.err_mark, held.spec, held.proc);
            if let Some(app) = self.book.procs.get(&id).map(|proc| proc.app) {
                self.words.insert(run, (app, self.last_words(mark, spec, id)));
            }
            self.tell_exited(run, exit);
        }
        self.release(run);
    }

    /// Forgets a run of which nothing is left, here and in the keeper.
    pub fn release(&mut self, run: RunId) {
        let over = |held: &Run| held.exit.is_some() && held.drained && matches!(held.tree, Tree::Gone);
        if self.runs.get(&run).is_some_and(over) {
            self.runs.remove(&run);
            self.engine.detach(run.0);
            hit("release.before");
            self.keeper_send(&ToKeeper::Release { run: run.0 }, Vec::new());
            self.end_if_empty();
        }
    }

    fn disconnect(&mut self, run: RunId) {
        self.mark_ending(run);
        let version = self.runs.get(&run).and_then(|held| self.book.versions.get(&held.spec));
        if let Some(spec) = version.map(|version| &version.spec).filter(|spec| drain::is_wanted(spec)) {
            // Before anything that makes the app close its servers.
            let word = drain::word(spec.policy.drain_timeout);
            self.send_bytes(run, word.as_bytes());
        }
        let by_message = self.stops_by_message(run);
        if by_message {
            self.send_user(run, "\"shutdown\"");
        }
        self.worker_leaving(run, true);
    }

    fn terminate(&mut self, run: RunId) {
        self.mark_ending(run);
        self.worker_leaving(run, false);
        let Some(held) = self.runs.get_mut(&run) else { return };
        if held.pid == 0 {
            held.pending.get_or_insert(Pending::Terminate);
            return;
        }
        let Some(version) = self.book.versions.get(&held.spec) else { return };
        let (signal, tree_kill) = (version.spec.policy.stop_signal, version.spec.policy.tree_kill);
        if let Some(held) = self.runs.get_mut(&run) {
            held.terminated = true;
        }
        if self.stops_by_message(run) && self.runs.get(&run).is_some_and(|held| held.channel.is_some()) {
            self.send_user(run, "\"shutdown\"");
            return;
        }
        let below = if tree_kill { self.descendants_of(run) } else { Vec::new() };
        // The first process first: the other way round it would see its children die, and might replace them.
        if let Some(held) = self.runs.get(&run)
            && let Some(pidfd) = &held.pidfd
        {
            self.signal(pidfd, signal, held.pid);
        }
        self.ask_to_end(run, &below);
    }

    /// Asks those descendants to end that were not asked before.
    pub fn ask_to_end(&mut self, run: RunId, descendants: &[Held]) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        let Some(signal) = self.book.versions.get(&held.spec).map(|version| version.spec.policy.stop_signal) else {
            return;
        };
        let new: Vec<&Held> = descendants.iter().filter(|one| held.asked.insert(one.pid)).collect();
        for one in new {
            self.signal(&one.fd, signal, one.pid);
        }
    }

    fn stops_by_message(&self, run: RunId) -> bool {
        let version = self.runs.get(&run).and_then(|held| self.book.versions.get(&held.spec));
        version.is_some_and(|version| version.spec.policy.stop_by_message)
    }

    fn signal(&self, pidfd: &OwnedFd, signal: i32, pid: u32) {
        if let Err(error) = tree::signal(pidfd, signal) {
            logbook::error(format!("could not signal process {pid}: {error}"));
        }
    }

    pub fn descendants_of(&self, run: RunId) -> Vec<Held> {
        let Some(held) = self.runs.get(&run) else { return Vec::new() };
        match &self.groups {
            Some(groups) if held.grouped => {
                // A lone process, which most are, needs no walk.
                let members = groups.members(run);
                if members.iter().all(|pid| *pid == held.pid) {
                    return Vec::new();
                }
                tree::hold_members(groups, run, held.pid)
            }
            _ => tree::descendants(held.pid, &self.mark, run).unwrap_or_else(|error| {
                logbook::error(format!("could not look for descendants of run {}: {error}", run.0));
                Vec::new()
            }),
        }
    }

    fn kill(&mut self, run: RunId) {
        self.mark_ending(run);
        let Some(held) = self.runs.get_mut(&run) else { return };
        if held.pid == 0 {
            held.pending = Some(Pending::Kill);
            return;
        }
        let tree_kill = self.book.versions.get(&held.spec).is_none_or(|version| version.spec.policy.tree_kill);
        match (&self.groups, held.grouped, tree_kill) {
            (Some(groups), true, true) => {
                if let Err(error) = groups.kill(run) {
                    logbook::error(format!("could not kill the control group of run {}: {error}", run.0));
                }
            }
            (_, _, true) => {
                for one in self.descendants_of(run) {
                    self.signal(&one.fd, libc::SIGKILL, one.pid);
                }
            }
            (_, _, false) => {}
        }
        if let Some(held) = self.runs.get(&run)
            && let Some(pidfd) = &held.pidfd
        {
            self.signal(pidfd, libc::SIGKILL, held.pid);
        }
        if self.runs.get(&run).is_some_and(|held| held.exit.is_some()) {
            self.look_at_tree(run);
        }
    }

    /// Ends what a dead run left behind.
    fn sweep(&mut self, run: RunId) {
        let Some(held) = self.runs.get(&run) else { return };
        let empty = held.grouped && !self.is_populated(run);
        if held.exit.is_none() || empty || matches!(held.tree, Tree::Gone) {
            return;
        }
        self.kill(run);
    }

    fn mark_ending(&mut self, run: RunId) {
        if let Some(held) = self.runs.get_mut(&run)
            && !held.ending
        {
            held.ending = true;
            self.note(run);
        }
    }

    /// Puts what a run is now where it survives.
    pub fn note(&mut self, run: RunId) {
        let Some((id, role)) = self.core.owner(run) else { return };
        let Some(slot) = self.core.slot(id) else { return };
        let online = matches!(slot.process().phase(), ostler_core::Phase::Online { run: online, .. } if online == run);
        let ready = online || (role == Role::Candidate && slot.candidate_is_ready());
        let Some(held) = self.runs.get_mut(&run) else { return };
        held.ready |= ready;
        let meta = self.meta_of_run(run);
        self.keeper_send(&ToKeeper::SetRunMeta { run: run.0, meta }, Vec::new());
        if role == Role::Candidate {
            self.compare_listeners(run);
        }
    }

    /// What is to be kept with a run.
    pub fn meta_of_run(&self, run: RunId) -> Vec<u8> {
        let owner = self.core.owner(run);
        let slot = owner.and_then(|(id, _)| self.core.slot(id));
        let counters = slot.map_or((0, 0), |slot| (slot.process().restarts(), slot.process().unstable()));
        let role = owner.map_or(Role::Leaving, |owner| owner.1);
        let listening = self.core.is_listening(run);
        self.runs.get(&run).map_or_else(Vec::new, |held| held.meta(role, listening, counters).to_bytes())
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
        Action::Terminate(_) | Action::Kill(_) | Action::Sweep(_) => ("terminate.before", "terminate.after"),
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
