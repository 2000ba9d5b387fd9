//! A balance and what it decided, as short words.

use crate::balance::{Balance, Decision, Policy, Recovered, Standing};
use crate::{ConnId, ListenerId, WorkerId};

pub(super) struct World {
    pub(super) balance: Balance,
    pub(super) now: u64,
}

/// The listener of most stories.
pub(super) const MAIN: ListenerId = ListenerId(7);

/// `count` workers, each in the slot of its number, that are members of listener 7.
pub(super) fn serving(policy: Policy, window: usize, count: u32) -> World {
    let mut world = World { balance: Balance::new(window), now: 1000 };
    world.balance.add_listener(MAIN, policy);
    for worker in 0..count {
        world.add(u64::from(worker), worker);
    }
    world.take();
    world
}

impl World {
    /// The decisions since the last time: `1>0` is connection 1 for worker 0, `+7` and `-7` begin
    /// and end accepting, `1 taken` and `1 dropped` close it.
    pub(super) fn take(&mut self) -> String {
        let mut words = Vec::new();
        while let Some(decision) = self.balance.poll_decision() {
            words.push(match decision {
                Decision::Hand { worker, conn, .. } => format!("{}>{}", conn.0, worker.0),
                Decision::SetAccepting { listener, accepting: true } => format!("+{}", listener.0),
                Decision::SetAccepting { listener, .. } => format!("-{}", listener.0),
                Decision::Close { conn, taken: true } => format!("{} taken", conn.0),
                Decision::Close { conn, .. } => format!("{} dropped", conn.0),
            });
        }
        self.balance.check();
        words.join(", ")
    }

    pub(super) fn add(&mut self, worker: u64, slot: u32) -> String {
        self.balance.add_worker(WorkerId(worker), Standing::Active);
        self.balance.join(MAIN, WorkerId(worker), u64::from(slot));
        self.take()
    }

    pub(super) fn accepted(&mut self, conn: u64) -> String {
        self.accepted_from(conn, 0)
    }

    pub(super) fn accepted_from(&mut self, conn: u64, peer: u64) -> String {
        self.balance.handle_accepted(self.now, MAIN, ConnId(conn), peer);
        self.take()
    }

    /// The worker that gets a connection at once; every decision but that is left out.
    pub(super) fn give(&mut self, conn: u64, peer: u64) -> u64 {
        let words = self.accepted_from(conn, peer);
        let hand = words.split(", ").find_map(|word| word.strip_prefix(&format!("{conn}>")));
        hand.unwrap_or_else(|| panic!("not handed: {words}")).parse().unwrap()
    }

    pub(super) fn takes(&mut self, worker: u64, conn: u64) -> String {
        self.balance.handle_answered(self.now, WorkerId(worker), ConnId(conn), true);
        self.take()
    }

    pub(super) fn refuses(&mut self, worker: u64, conn: u64) -> String {
        self.balance.handle_answered(self.now, WorkerId(worker), ConnId(conn), false);
        self.take()
    }

    pub(super) fn misses(&mut self, worker: u64, conn: u64) -> String {
        self.balance.handle_missed(self.now, WorkerId(worker), ConnId(conn));
        self.take()
    }

    pub(super) fn dies(&mut self, worker: u64) -> String {
        self.balance.remove_worker(self.now, WorkerId(worker));
        self.take()
    }

    pub(super) fn retires(&mut self, worker: u64) -> String {
        self.balance.retire(WorkerId(worker));
        self.take()
    }

    pub(super) fn blocked(&mut self, worker: u64, blocked: bool) -> String {
        self.balance.set_blocked(WorkerId(worker), blocked);
        self.take()
    }

    pub(super) fn recovered(&mut self, conns: &[Recovered]) -> String {
        self.balance.handle_recovered(self.now, conns);
        self.take()
    }

    /// Goes on to the next deadline.
    pub(super) fn wait(&mut self) -> String {
        self.now = self.balance.deadline().expect("something to wait for");
        self.balance.handle_deadline(self.now);
        self.take()
    }

    /// The same, if there is something to wait for.
    pub(super) fn wait_if_due(&mut self) -> String {
        if self.balance.deadline().is_some() { self.wait() } else { String::new() }
    }

    pub(super) fn handed(&self, worker: u64) -> u64 {
        self.balance.counters(MAIN, WorkerId(worker)).unwrap().handed
    }
}
