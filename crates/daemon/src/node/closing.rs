//! Listening sockets that nobody wants any more.
//!
//! The problem: the keeper has a duplicate of each, so an address is in use until the keeper
//! has read that it is to close it; and a question of a worker that waits for the address
//! must outlive us.
//!
//! The rule: a closed socket is *closing* until the keeper answers that everything before was done;
//! then the primary is told. Messages of a channel stay in it until the questions among them are
//! answered, and nothing behind them is read before.

use ostler_cluster::{GroupId, ListenerId, WorkerId};
use ostler_core::{AppId, RunId};

use super::listeners::listener_name;
use super::{Node, Parts, opener, sockets};
use crate::clock;
use crate::keeper::Keeper;
use crate::rights::Rights;

impl Node {
    /// Closes a socket here and in the keeper.
    pub(super) fn close_listener(
        &mut self,
        id: ListenerId,
        unlink: Option<&str>,
        keeper: &mut Keeper,
    ) {
        let mut held = false;
        if let Some(listener) = self.listeners.remove(&id.0) {
            match (unlink, sockets::path_of(&listener.socket)) {
                (Some(path), _) => {
                    let rights = self.rights_of(opener(id)).of_maker(&listener.socket);
                    sockets::unlink(path, &rights);
                }
                // The machine knows it by a number only. The operator said where it is.
                (None, Some(path)) => sockets::unlink(&path, &Rights::default()),
                (None, None) => {}
            }
            // Another manager may go on serving it.
            if !self.sharing.forget(id, sockets::address_of(&listener.socket)) {
                sockets::shut(&listener.socket);
            }
            drop(listener);
            keeper.forget(listener_name(id));
            self.closing.last += 1;
            held = keeper.sync(self.closing.last);
            self.update_turn();
        }
        if held {
            self.closing.held.push_back((self.closing.last, id));
        } else {
            self.primary.handle_listener_closed(id, &mut self.queue);
        }
    }

    /// The keeper has done everything up to the question of this number.
    pub fn on_synced(&mut self, number: u64, parts: &mut Parts<'_>) {
        while let Some((_, id)) = self.closing.held.front().copied().filter(|one| one.0 <= number) {
            self.closing.held.pop_front();
            self.primary.handle_listener_closed(id, &mut self.queue);
        }
        self.work(parts);
    }

    /// Takes the messages out of the channels whose questions are answered, and reads on.
    pub fn read_on(&mut self, parts: &mut Parts<'_>) {
        let answered = |run: &RunId| !self.primary.is_asking(WorkerId(run.0));
        let runs: Vec<RunId> = self.unanswered.keys().copied().filter(answered).collect();
        for run in runs {
            self.take_out(run, parts);
            self.read_channel(run, parts);
        }
    }

    /// Takes out of a channel what was read of it and left in it.
    pub(super) fn take_out(&mut self, run: RunId, parts: &mut Parts<'_>) {
        if let Some(seen) = self.unanswered.remove(&run)
            && let Some(channel) = parts.runs.channel(run)
        {
            channel.consume(&mut self.read_buffer, seen);
        }
    }

    /// Closes the sockets of an app that is at rest.
    pub fn close_all(&mut self, app: AppId, parts: &mut Parts<'_>) {
        self.primary.close_all(clock::monotonic(), GroupId(app.0), &mut self.queue);
        self.work(parts);
    }

    /// Closes the sockets of an app that no worker of it uses any more.
    pub fn close_unused(&mut self, app: AppId, parts: &mut Parts<'_>) {
        self.primary.close_unused(clock::monotonic(), GroupId(app.0), &mut self.queue);
        self.work(parts);
    }

    /// Forgets an app that has no processes any more.
    pub fn forget_app(&mut self, app: AppId, parts: &mut Parts<'_>) {
        self.primary.forget_group(clock::monotonic(), GroupId(app.0), &mut self.queue);
        self.work(parts);
        self.fds.remove(&app);
        self.rights.remove(&app);
    }
}
