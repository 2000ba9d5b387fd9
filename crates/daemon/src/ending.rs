//! A run's end: asked for, forced, reported, and what is done about what it leaves.

use std::os::fd::OwnedFd;

use ostler_core::{Exit, Role, RunId};
use ostler_keeper::failpoint::hit;
use ostler_keeper::proto::ToKeeper;

use crate::daemon::Daemon;
use crate::model::Input;
use crate::runs::{Pending, Run, Tree};
use crate::tree::{self, Held};
use crate::{drain, logbook};

impl Daemon {
    pub fn on_exited(&mut self, run: RunId, exit: Exit) {
        let Some(held) = self.runs.get_mut(&run) else {
            // Nobody knows it any more: the keeper need not either.
            self.keeper.release(run);
            return;
        };
        if held.exit.is_some() {
            return; // Said before.
        }
        held.end(exit);
        self.courtesy.forget(run);
        self.close_channel(run);
        if self.model.core().owner(run).is_some_and(|owner| owner.1 == Role::Candidate) {
            self.logs.engine().ended(run.0);
            // Why it failed is in its last words: the machine hears of the end when they are
            // written.
            if let Some(held) = self.runs.get_mut(&run) {
                held.untold = Some(exit);
            }
            return;
        }
        self.model.push(Input::Exited { run, exit, stderr_tail: Vec::new() });
        self.dead.push(run);
    }

    /// Sees to what dead runs left: their last output, their descendants. The next run of the slot
    /// does not wait for it.
    pub fn bury(&mut self) {
        for run in std::mem::take(&mut self.dead) {
            self.logs.engine().ended(run.0);
            self.prepare_next(run);
            self.look_at_tree(run);
            if let Some(groups) = &mut self.groups {
                groups.prepare(RunId(self.model.core().last_run() + 1));
            }
        }
    }

    /// A run that the inventory says is dead: as if it were reported now, for what is ours; the
    /// core knows already.
    pub fn on_found_dead(&mut self, run: RunId, exit: Exit) {
        if let Some(held) = self.runs.get_mut(&run) {
            held.end(exit);
        }
        self.close_channel(run);
        self.logs.engine().ended(run.0);
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
        if let Some(held) = self.runs.get_mut(&run) {
            held.channel = None;
        }
        self.worker_gone(run);
    }

    /// All output of a dead run is written.
    pub fn on_drained(&mut self, run: RunId) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        held.drained = true;
        if let Some(exit) = held.untold.take() {
            let stderr_tail = self.stderr_tail(run);
            self.model.push(Input::Exited { run, exit, stderr_tail });
            self.look_at_tree(run);
        }
        self.release(run);
    }

    /// Forgets a run of which nothing is left, here and in the keeper.
    pub fn release(&mut self, run: RunId) {
        let over =
            |held: &Run| held.exit.is_some() && held.drained && matches!(held.tree, Tree::Gone);
        if self.runs.get(&run).is_some_and(over) {
            self.runs.remove(&run);
            self.logs.engine().detach(run.0);
            hit("release.before");
            self.keeper.release(run);
        }
    }

    pub fn disconnect(&mut self, run: RunId) {
        self.mark_ending(run);
        let version = self.runs.get(&run).and_then(|held| self.model.registry().version(held.spec));
        if let Some(spec) =
            version.map(|version| &version.spec).filter(|spec| drain::is_wanted(spec))
        {
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

    pub fn terminate(&mut self, run: RunId) {
        self.mark_ending(run);
        self.worker_leaving(run, false);
        let Some(held) = self.runs.get_mut(&run) else { return };
        if held.pid == 0 {
            held.pending.get_or_insert(Pending::Terminate);
            return;
        }
        let Some(version) = self.model.registry().version(held.spec) else { return };
        let (signal, tree_kill) = (version.spec.policy.stop_signal, version.spec.policy.tree_kill);
        if let Some(held) = self.runs.get_mut(&run) {
            held.terminated = true;
        }
        if self.stops_by_message(run)
            && self.runs.get(&run).is_some_and(|held| held.channel.is_some())
        {
            self.send_user(run, "\"shutdown\"");
            return;
        }
        let below = if tree_kill { self.descendants_of(run) } else { Vec::new() };
        // The first process first: the other way round it would see its children die, and might
        // replace them.
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
        let Some(signal) =
            self.model.registry().version(held.spec).map(|version| version.spec.policy.stop_signal)
        else {
            return;
        };
        let new: Vec<&Held> = descendants.iter().filter(|one| held.asked.insert(one.pid)).collect();
        for one in new {
            self.signal(&one.fd, signal, one.pid);
        }
    }

    fn stops_by_message(&self, run: RunId) -> bool {
        let version = self.runs.get(&run).and_then(|held| self.model.registry().version(held.spec));
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

    pub fn kill(&mut self, run: RunId) {
        self.mark_ending(run);
        let Some(held) = self.runs.get_mut(&run) else { return };
        if held.pid == 0 {
            held.pending = Some(Pending::Kill);
            return;
        }
        let tree_kill = self
            .model
            .registry()
            .version(held.spec)
            .is_none_or(|version| version.spec.policy.tree_kill);
        match (&self.groups, held.grouped, tree_kill) {
            (Some(groups), true, true) => {
                if let Err(error) = groups.kill(run) {
                    logbook::error(format!(
                        "could not kill the control group of run {}: {error}",
                        run.0
                    ));
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
    pub fn sweep(&mut self, run: RunId) {
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
        let Some((id, role)) = self.model.core().owner(run) else { return };
        let Some(slot) = self.model.core().slot(id) else { return };
        let online = matches!(slot.process().phase(), ostler_core::Phase::Online { run: online, .. } if online == run);
        let ready = online || (role == Role::Candidate && slot.candidate_is_ready());
        let Some(held) = self.runs.get_mut(&run) else { return };
        held.ready |= ready;
        let meta = self.meta_of_run(run);
        self.keeper.send(&ToKeeper::SetRunMeta { run: run.0, meta }, Vec::new());
        if role == Role::Candidate {
            self.compare_listeners(run);
        }
    }

    /// What is to be kept with a run.
    pub fn meta_of_run(&self, run: RunId) -> Vec<u8> {
        let owner = self.model.core().owner(run);
        let slot = owner.and_then(|(id, _)| self.model.core().slot(id));
        let counters =
            slot.map_or((0, 0), |slot| (slot.process().restarts(), slot.process().unstable()));
        let role = owner.map_or(Role::Leaving, |owner| owner.1);
        let listening = self.model.core().is_listening(run);
        self.runs
            .get(&run)
            .map_or_else(Vec::new, |held| held.meta(role, listening, counters).to_bytes())
    }
}
