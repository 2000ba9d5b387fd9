//! What the keeper reports, and another keeper for one that died, with our copies of everything.

use ostler_core::RunId;
use ostler_keeper::failpoint::hit;
use ostler_keeper::proto::{FromKeeper, ToKeeper, version};

use super::Daemon;
use crate::exit::exit_of;
use crate::keeper::{LOCK, SWEPT, Welcome};
use crate::notify::NOTIFY;
use crate::{clock, daemon_log};

impl Daemon {
    /// Everything the keeper has to say.
    pub(super) fn on_keeper(&mut self) {
        loop {
            let (message, fds) = match self.keeper.receive() {
                Ok(None) => return,
                Ok(Some(received)) => received,
                Err(error) => return self.replace_keeper(&error),
            };
            match message {
                FromKeeper::Spawned { run, pid, start_time, mask } => {
                    hit("report.spawned");
                    self.keeper.spawn_answered();
                    self.driver().on_spawned(RunId(run), (pid, start_time), mask, fds);
                }
                FromKeeper::SpawnFailed { run, stage, errno } => {
                    self.keeper.spawn_answered();
                    self.driver().on_spawn_failed(RunId(run), stage, errno);
                }
                FromKeeper::Exited { run, status, next } => {
                    hit("report.exited");
                    self.driver().on_exited(RunId(run), exit_of(status), next.map(RunId));
                }
                FromKeeper::Welcome { version, pid, nofile, .. } => {
                    self.keeper.welcomed(Welcome { version, pid, nofile });
                    self.keeper.on_upgraded(None, &mut self.reports);
                }
                FromKeeper::Ping => self.keeper.send(&ToKeeper::Pong, Vec::new()),
                FromKeeper::UpgradeFailed { errno } => {
                    self.keeper.on_upgraded(Some(errno), &mut self.reports);
                }
                FromKeeper::Synced { number } => {
                    let mut driver = self.driver();
                    let (node, mut parts) = driver.node();
                    node.on_synced(number, &mut parts);
                }
                FromKeeper::Refused { what, why } => {
                    daemon_log::error(format!("the keeper refused `{what}`: {why}"));
                }
                // Parts of an inventory, which is asked for and taken in before the loop begins.
                FromKeeper::Run { .. } | FromKeeper::Item { .. } | FromKeeper::InventoryEnd => {}
            }
        }
    }

    /// The keeper is gone. The apps live on; a new keeper gets our copies of everything.
    pub(super) fn replace_keeper(&mut self, error: &std::io::Error) {
        if self.model.is_gone() || self.keeper.is_lost() {
            return;
        }
        self.keeper.lose(error, &mut self.reports);
        // What it was to close it has closed now.
        let mut driver = self.driver();
        let (node, mut parts) = driver.node();
        node.on_synced(u64::MAX, &mut parts);
        self.start_due_keeper(clock::monotonic());
    }

    /// Starts a keeper when it is time.
    pub(super) fn start_due_keeper(&mut self, now: u64) {
        if self.keeper.start_due().is_some_and(|due| due <= now) {
            self.clients.release_reserve();
        }
        if self.keeper.start_due_process(now, &self.config) {
            self.keeper.send(&ToKeeper::Hello { version: version() }, Vec::new());
            self.give_everything();
            self.driver().spawn_again();
        }
    }

    /// Gives the keeper everything that it must hold. What it holds already stays as it is.
    pub(super) fn give_everything(&mut self) {
        self.keeper.begin_giving();
        let lock = self.keeper.lock_copy();
        match self.node.guard_for_keeper() {
            Ok((message, copy)) => self.keeper.send(&message, vec![copy]),
            Err(error) => self.keeper.lacks("the guard's socket", &error),
        }
        self.keeper.put(LOCK.to_owned(), Vec::new(), lock);
        self.keeper.put_old_locks();
        self.home.give_control(&mut self.keeper, &self.clients);
        self.rpc.door().keep(&mut self.keeper);
        self.bus.door().keep(&mut self.keeper);
        if let Some(copy) = self.notify.copy() {
            self.keeper.put(NOTIFY.to_owned(), Vec::new(), copy);
        }
        for (name, copy) in self.state.copies() {
            self.keeper.put(name.to_owned(), Vec::new(), copy);
        }
        for (name, copy) in self.logs.copies() {
            self.keeper.put(name, Vec::new(), copy);
        }
        self.node.keep_listeners(&mut self.keeper);
        self.driver().give_runs();
        self.driver().give_starts();
        // Last: if we die before, what the keeper did not get is looked for.
        if self.keeper.end_giving() && !self.runs.has_open_starts() {
            self.keeper.set_meta(LOCK.to_owned(), SWEPT.to_vec());
        }
    }
}
