//! Apps without workers whose listening sockets wait for somebody.
//!
//! Problem: the connection that wakes an app must not be lost, also when it comes in the moment in
//! which the app falls asleep. Rule: nobody accepts it. It waits in the kernel's queue, of which
//! the poll tells anyway; when an app falls asleep, or a daemon takes over one that does, the queue
//! is looked at once, for whoever came before. What was accepted already and given back by a worker
//! that leaves wakes the app as well.

use ostler_cluster::{GroupId, ListenerId, WorkerId};
use ostler_core::{AppId, RunId};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Node, Parts};
use crate::daemon_log;
use crate::model::Input;
use crate::reports::Report;

impl Node {
    /// An app sleeps: it is told when somebody waits for it, once.
    pub fn await_caller(&mut self, app: AppId, parts: &mut Parts<'_>) {
        self.sleeping.insert(app);
        let places = self.primary.places_of_group(GroupId(app.0));
        let addresses = places.map(|(key, name)| super::place(key, name)).collect();
        parts.reports.push_back(Report::Model(Input::Asleep { app, addresses }));
        let of_app: Vec<ListenerId> = self.primary.listeners_of_group(GroupId(app.0)).collect();
        let mut called = of_app.is_empty();
        for id in of_app {
            called |= self.primary.has_waiting(id) || self.is_called(id);
        }
        if called {
            self.call(app, parts);
        }
    }

    /// Workers get no connections while somebody looks whether they have any, or get some again.
    pub fn pause(&mut self, runs: &[RunId], paused: bool, parts: &mut Parts<'_>) {
        for run in runs {
            self.ask(*run, |primary, worker, out| primary.handle_paused(worker, paused, out));
        }
        self.work(parts);
    }

    /// What the workers of an app were handed in all, and whether anything of it is unanswered.
    pub fn handed(&self, runs: &[RunId]) -> (u64, bool) {
        let (mut handed, mut owed) = (0, false);
        for worker in runs.iter().map(|run| WorkerId(run.0)) {
            owed |= 0 < self.primary.in_flight(worker);
            for used in self.primary.listeners_of(worker) {
                handed += used.counters.handed;
                owed |= self.primary.has_waiting(used.listener);
            }
        }
        (handed, owed)
    }

    /// Somebody waits at a listener, and nobody accepts.
    pub(super) fn call_on(&mut self, listener: ListenerId, parts: &mut Parts<'_>) {
        let apps: Vec<AppId> =
            self.primary.groups_of(listener).map(|group| AppId(group.0)).collect();
        for app in apps {
            if self.sleeping.contains(&app) {
                self.call(app, parts);
            }
        }
    }

    /// Connections were accepted that no worker can take.
    pub(super) fn call_who_is_waited_for(&mut self, parts: &mut Parts<'_>) {
        let is_waited_for = |app: &&AppId| {
            let mut of_app = self.primary.listeners_of_group(GroupId(app.0));
            of_app.any(|listener| self.primary.has_waiting(listener))
        };
        let apps: Vec<AppId> = self.sleeping.iter().filter(is_waited_for).copied().collect();
        for app in apps {
            self.call(app, parts);
        }
    }

    fn call(&mut self, app: AppId, parts: &mut Parts<'_>) {
        self.sleeping.remove(&app);
        parts.reports.push_back(Report::Model(Input::Wanted(app)));
    }

    /// Whether somebody waits at a listener from which nobody accepts.
    fn is_called(&mut self, id: ListenerId) -> bool {
        let Some(listener) = self.listeners.get_mut(&id.0) else { return false };
        if listener.accepting {
            return false;
        }
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut fds = [PollFd::new(&*listener.socket, PollFlags::IN)];
        match poll(&mut fds, Some(&now)) {
            Ok(0) => {
                // Whoever comes from now on is told of.
                listener.ready = false;
                false
            }
            Ok(_) => true,
            Err(error) => {
                // Better awake than deaf.
                daemon_log::error(format!("a listening socket cannot be looked at: {error}"));
                true
            }
        }
    }
}
