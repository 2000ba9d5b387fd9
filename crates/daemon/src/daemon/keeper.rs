//! What the keeper reports, and another keeper for one that died, with our copies of everything.

use std::os::fd::OwnedFd;

use ostler_core::RunId;
use ostler_keeper::failpoint::hit;
use ostler_keeper::proto::{FromKeeper, RunFds, SpawnStage as Stage, ToKeeper, version};

use super::Daemon;
use crate::driver::exit_of;
use crate::keeper::{self, Welcome};
use crate::mailbox::{FromThread, Sender};
use crate::tree::{self, Held};
use crate::{clock, logbook};

impl Daemon {
    /// Everything the keeper has to say.
    pub fn on_keeper(&mut self) {
        loop {
            match self.keeper.receive() {
                Ok(None) => return,
                Ok(Some((message, fds))) => self.on_keeper_message(message, fds),
                Err(error) => return self.replace_keeper(&error),
            }
        }
    }

    fn on_keeper_message(&mut self, message: FromKeeper, fds: Vec<OwnedFd>) {
        match message {
            FromKeeper::Spawned { run, pid, start_time, mask } => {
                hit("report.spawned");
                self.keeper.spawn_answered();
                self.on_spawned(RunId(run), pid, start_time, mask, fds);
            }
            FromKeeper::SpawnFailed { run, stage, errno } => {
                self.keeper.spawn_answered();
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
            FromKeeper::Welcome { pid, nofile, .. } => {
                self.keeper.welcomed(Welcome { pid, nofile });
                self.keeper.on_upgraded(None, &mut self.reports);
            }
            FromKeeper::UpgradeFailed { errno } => {
                self.keeper.on_upgraded(Some(errno), &mut self.reports);
            }
            FromKeeper::Refused { what, why } => {
                logbook::error(format!("the keeper refused `{what}`: {why}"));
            }
            // Parts of an inventory, which is asked for and taken in before the loop begins.
            FromKeeper::Run { .. } | FromKeeper::Item { .. } | FromKeeper::InventoryEnd => {}
        }
    }

    /// A client asks for another program. It is tried in a thread of its own, since it may hang.
    pub fn on_update(&mut self, client: usize, exe: String) {
        if !self.keeper.begin_update(client, exe.clone(), &mut self.reports) {
            return;
        }
        let tried = move |sender: &Sender<FromThread>| {
            sender.send(FromThread::Tried(keeper::try_program(&exe)));
        };
        if let Err(error) = self.mailbox.start("update", tried) {
            self.keeper.fail_update(&format!("it could not be tried: {error}"), &mut self.reports);
        }
    }

    /// The keeper runs another program: the daemon goes, for one of that program.
    pub fn make_room(&mut self, client: usize) {
        self.reply(client, &ostler_wire::control::Reply::Done);
        self.flush_clients();
        self.save_now();
        self.model.go();
    }

    /// The keeper is gone. The apps live on; a new keeper gets our copies of everything.
    pub fn replace_keeper(&mut self, error: &std::io::Error) {
        if self.model.is_gone() || self.keeper.is_lost() {
            return;
        }
        self.keeper.lose(error, &mut self.reports);
        self.start_due_keeper(clock::monotonic());
    }

    /// Starts a keeper when it is time.
    pub fn start_due_keeper(&mut self, now: u64) {
        if self.keeper.start_due_process(now, &self.config) {
            self.hand_over();
        }
    }

    /// Gives a new keeper everything that it must hold.
    fn hand_over(&mut self) {
        self.keeper.send(&ToKeeper::Hello { version: version() }, Vec::new());
        let lock = self.keeper.lock_copy();
        match self.guard.for_keeper() {
            Ok((message, copy)) => self.keeper.send(&message, vec![copy]),
            Err(error) => {
                logbook::error(format!(
                    "out of descriptors for the keeper, connections are not guarded: {error}"
                ));
            }
        }
        self.keeper.put(crate::start::LOCK.to_owned(), Vec::new(), lock);
        let control = self.clients.listener_copy();
        self.keeper.put(crate::start::CONTROL.to_owned(), Vec::new(), control);
        for (name, copy) in self.logs.copies() {
            self.keeper.put(name, Vec::new(), copy);
        }
        let listeners: Vec<(ostler_core::AppId, u64)> =
            self.cluster.listeners.iter().map(|(id, listener)| (listener.app, *id)).collect();
        for (app, id) in listeners {
            self.keep_listener(app, ostler_cluster::ListenerId(id), true);
        }
        let open: Vec<RunId> = self
            .runs
            .iter()
            .filter(|(_, run)| run.pid == 0 && run.exit.is_none())
            .map(|(run, _)| *run)
            .collect();
        let known: Vec<RunId> =
            self.runs.keys().copied().filter(|run| !open.contains(run)).collect();
        for run in known {
            self.hand_over_run(run);
        }
        self.spawn_again(&open);
        // Last: if we die before, what the keeper did not get is looked for.
        self.keeper.set_meta(crate::start::LOCK.to_owned(), crate::start::SWEPT.to_vec());
    }

    fn hand_over_run(&mut self, run: RunId) {
        let Some(held) = self.runs.get(&run) else { return };
        let [out, err] = &held.pipes;
        let copy = |fd: &Option<OwnedFd>| fd.as_ref().and_then(|fd| fd.try_clone().ok());
        let status = held.exit.map(crate::driver::status_of);
        let fds = RunFds {
            pidfd: copy(&held.pidfd).filter(|_| status.is_none()),
            out: copy(out),
            err: copy(err),
            ipc: held.channel.as_ref().and_then(|channel| channel.duplicate().ok()),
        };
        let (pid, start_time) = (held.pid, held.start_time);
        let meta = self.meta_of_run(run);
        self.keeper.adopt(run, (pid, start_time), meta, status, &fds);
    }

    /// Starts that a dead keeper left open. Nobody knows how far it came: what it began dies first.
    fn spawn_again(&mut self, runs: &[RunId]) {
        if runs.is_empty() {
            return;
        }
        let strays: Vec<Held> = tree::marked(&self.mark)
            .into_iter()
            .filter(|(run, _)| runs.contains(run))
            .map(|(_, held)| held)
            .collect();
        tree::end_strays(&strays);
        for run in runs {
            if let (Some(groups), Some(held)) = (&self.groups, self.runs.get_mut(run)) {
                held.grouped = held.grouped && groups.renew(*run);
            }
            self.send_spawn(*run);
        }
    }
}
