//! Random histories against a model of the workers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::peer::Peer;
use crate::balance::{Balance, Decision, Policy, Recovered, Standing};
use crate::{ConnId, ListenerId, WorkerId};

#[derive(Clone, Debug)]
enum Step {
    Add(u32, bool),
    /// Something about one of the workers that are there.
    Worker(usize, Deed),
    Listen(u64),
    Unlisten(u64),
    Accept(u64),
    Policy(usize),
    Time(u64),
    /// All but one of the workers answer again and again.
    Overtake(usize),
    /// The balance is lost; of the connections that wait, so many may be with a worker.
    Reborn(usize),
}

#[derive(Clone, Debug)]
enum Deed {
    Admit,
    Retire,
    Die,
    Block(bool),
    Join(u64),
    Leave(u64),
    Pin(u64),
    Answer(bool),
    Miss,
    Unsure,
    Settle(usize),
}

const POLICIES: [Policy; 3] = [Policy::RoundRobin, Policy::Sticky, Policy::Shared];
const LISTENERS: std::ops::Range<u64> = 7..9;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3_u32, any::<bool>()).prop_map(|(slot, new)| Step::Add(slot, new)),
        28 => (0..6_usize, deed()).prop_map(|(nth, deed)| Step::Worker(nth, deed)),
        2 => LISTENERS.prop_map(Step::Listen),
        1 => LISTENERS.prop_map(Step::Unlisten),
        14 => (0..9_u64).prop_map(Step::Accept),
        1 => (0..4_usize).prop_map(Step::Policy),
        4 => (1..400_u64).prop_map(Step::Time),
        1 => (0..6_usize).prop_map(Step::Overtake),
        1 => (0..3_usize).prop_map(Step::Reborn),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        2 => Just(Deed::Admit),
        1 => Just(Deed::Retire),
        1 => Just(Deed::Die),
        2 => any::<bool>().prop_map(Deed::Block),
        6 => LISTENERS.prop_map(Deed::Join),
        1 => LISTENERS.prop_map(Deed::Leave),
        1 => LISTENERS.prop_map(Deed::Pin),
        12 => prop::bool::weighted(0.7).prop_map(Deed::Answer),
        1 => Just(Deed::Miss),
        1 => Just(Deed::Unsure),
        1 => (0..3_usize).prop_map(Deed::Settle),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Queue,
    Worker(WorkerId),
    Closed,
}

#[derive(Clone, Copy, Debug)]
struct Conn {
    listener: ListenerId,
    place: Place,
    pinned: bool,
}

struct World {
    balance: Balance,
    policy: Policy,
    window: usize,
    now: u64,
    next: u64,
    peers: BTreeMap<WorkerId, Peer>,
    listeners: BTreeMap<ListenerId, Policy>,
    accepting: BTreeSet<ListenerId>,
    conns: BTreeMap<ConnId, Conn>,
}

impl World {
    fn new(policy: Policy, window: usize) -> Self {
        Self {
            balance: Balance::new(window),
            policy,
            window,
            now: 0,
            next: 0,
            peers: BTreeMap::new(),
            listeners: BTreeMap::new(),
            accepting: BTreeSet::new(),
            conns: BTreeMap::new(),
        }
    }

    fn place(&mut self, conn: ConnId, place: Place) {
        self.conns.get_mut(&conn).unwrap().place = place;
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Worker(nth, deed) => {
                let worker = self.peers.keys().nth(nth % self.peers.len().max(1)).copied();
                if let Some(worker) = worker {
                    self.deed(worker, deed);
                }
            }
            Step::Add(slot, new) if self.peers.len() < 6 => {
                self.next += 1;
                let standing = if *new { Standing::Quarantined } else { Standing::Active };
                self.balance.add_worker(WorkerId(self.next), standing);
                self.peers.insert(WorkerId(self.next), Peer::new(*slot, standing));
            }
            Step::Listen(listener) => {
                self.listeners.entry(ListenerId(*listener)).or_insert(self.policy);
                self.balance.add_listener(ListenerId(*listener), self.policy);
            }
            Step::Unlisten(listener) => self.unlisten(ListenerId(*listener)),
            Step::Accept(peer) => {
                let Some(listener) = self.accepting.first().copied() else { return };
                self.next += 1;
                let conn = ConnId(self.next);
                self.conns.insert(conn, Conn { listener, place: Place::Queue, pinned: false });
                self.balance.handle_accepted(self.now, listener, conn, *peer);
            }
            Step::Policy(nth) => {
                self.policy = POLICIES[nth % POLICIES.len()];
                // The others keep theirs.
                if let Some(first) = self.listeners.first_entry() {
                    self.balance.set_policy(*first.key(), self.policy);
                    *first.into_mut() = self.policy;
                }
            }
            Step::Time(ms) => {
                self.now += ms;
                if self.balance.deadline().is_some_and(|at| at <= self.now) {
                    self.balance.handle_deadline(self.now);
                }
                let next = self.balance.deadline();
                assert!(next.is_none_or(|at| at > self.now), "a deadline in the past");
            }
            Step::Overtake(nth) => self.overtake(nth % self.peers.len().max(1)),
            Step::Reborn(out) => self.reborn(*out),
            Step::Add(..) => {}
        }
        self.drive();
        self.check();
    }

    fn deed(&mut self, id: WorkerId, deed: &Deed) {
        let peer = self.peers.get_mut(&id).unwrap();
        match deed {
            Deed::Admit => {
                if peer.standing == Standing::Quarantined {
                    peer.standing = Standing::Active;
                }
                self.balance.admit(id);
            }
            Deed::Retire => {
                peer.standing = Standing::Leaving;
                self.balance.retire(id);
            }
            Deed::Die => {
                let peer = self.peers.remove(&id).unwrap();
                self.come_back(&peer.conns);
                self.balance.remove_worker(self.now, id);
            }
            Deed::Block(blocked) => {
                peer.blocked = *blocked;
                self.balance.set_blocked(id, *blocked);
            }
            Deed::Join(listener) => {
                if self.listeners.contains_key(&ListenerId(*listener)) {
                    peer.listeners.insert(ListenerId(*listener));
                }
                let place = u64::from(peer.slot);
                self.balance.join(ListenerId(*listener), id, place);
            }
            Deed::Leave(listener) => {
                peer.listeners.remove(&ListenerId(*listener));
                self.balance.leave(ListenerId(*listener), id);
            }
            Deed::Pin(listener) => self.pin(id, ListenerId(*listener)),
            Deed::Answer(took) => self.answer(id, *took),
            Deed::Miss => {
                let Some(conn) = peer.take(1, self.window).pop() else { return };
                peer.hear();
                self.come_back(&[conn]);
                self.balance.handle_missed(self.now, id, conn);
            }
            Deed::Unsure => {
                peer.unsure += 1;
                peer.saturated = false;
                peer.hear();
                self.balance.handle_unsure(id);
            }
            Deed::Settle(count) => {
                peer.unsure = 0;
                peer.hear();
                let missed = peer.take(*count, self.window);
                self.come_back(&missed);
                self.balance.handle_settled(self.now, id, &missed);
            }
        }
    }

    fn pin(&mut self, id: WorkerId, listener: ListenerId) {
        self.next += 1;
        let conn = ConnId(self.next);
        let peer = self.peers.get_mut(&id).unwrap();
        let possible = peer.standing != Standing::Leaving
            && !peer.blocked
            && peer.listeners.contains(&listener)
            && peer.conns.len() < 16;
        assert_eq!(self.balance.pin(id, listener, conn), possible);
        if possible {
            peer.give(conn, self.window);
            self.conns.insert(conn, Conn { listener, place: Place::Worker(id), pinned: true });
        }
    }

    /// The worker answers for its oldest connection.
    fn answer(&mut self, id: WorkerId, took: bool) {
        let peer = self.peers.get_mut(&id).unwrap();
        let Some(conn) = peer.take(1, self.window).pop() else { return };
        peer.hear();
        let listener = self.conns[&conn].listener;
        let is_member = |peer: &Peer| peer.listeners.contains(&listener);
        let limit = 8 * self.peers.values().filter(|peer| is_member(peer)).count();
        for (other, peer) in &mut self.peers {
            if *other != id && is_member(peer) && peer.unsure < peer.conns.len() {
                peer.overtaken += 1;
                peer.silent |= limit <= peer.overtaken;
            }
        }
        self.place(conn, if took { Place::Closed } else { Place::Queue });
        self.balance.handle_answered(self.now, id, conn, took);
    }

    fn overtake(&mut self, silent: usize) {
        for _ in 0..20 {
            self.step(&Step::Accept(0));
            let others = (0..self.peers.len()).filter(|nth| *nth != silent);
            others.for_each(|nth| self.step(&Step::Worker(nth, Deed::Answer(true))));
        }
    }

    fn unlisten(&mut self, listener: ListenerId) {
        _ = (self.listeners.remove(&listener), self.accepting.remove(&listener));
        for peer in self.peers.values_mut() {
            peer.listeners.remove(&listener);
        }
        self.balance.remove_listener(listener);
    }

    fn come_back(&mut self, conns: &[ConnId]) {
        for conn in conns {
            self.place(*conn, Place::Queue);
        }
    }

    /// All is lost but who was there, and the connections.
    fn reborn(&mut self, mut out: usize) {
        self.accepting.clear();
        self.balance = Balance::new(self.window);
        for (id, peer) in &mut self.peers {
            peer.blocked = false;
            peer.unsure = 0;
            peer.hear();
            self.balance.add_worker(*id, peer.standing);
        }
        for (listener, policy) in &self.listeners {
            self.balance.add_listener(*listener, *policy);
            for (id, peer) in &self.peers {
                if peer.listeners.contains(listener) {
                    self.balance.join(*listener, *id, u64::from(peer.slot));
                }
            }
        }
        let first = self.peers.keys().next().copied();
        let mut recovered = Vec::new();
        for (conn, known) in &mut self.conns {
            if let (Place::Queue, Some(first), 1..) = (known.place, first, out) {
                out -= 1;
                known.place = Place::Worker(first);
                self.peers.get_mut(&first).unwrap().conns.push(*conn);
            }
            let worker = match known.place {
                Place::Closed => continue,
                Place::Worker(id) => Some(id),
                Place::Queue => None,
            };
            // A successor does not know that one was pinned; it belongs to anybody then.
            known.pinned = false;
            let (conn, listener) = (*conn, known.listener);
            recovered.push(Recovered { conn, listener, peer: 0, worker });
        }
        for peer in self.peers.values_mut() {
            peer.saturated = self.window <= peer.conns.len();
        }
        self.balance.handle_recovered(self.now, &recovered);
    }

    fn drive(&mut self) {
        while let Some(decision) = self.balance.poll_decision() {
            match decision {
                Decision::Hand { worker, listener, conn } => {
                    let known = self.conns[&conn];
                    assert_eq!((known.listener, known.place), (listener, Place::Queue), "{conn:?}");
                    assert!(!known.pinned, "handed to another worker");
                    self.place(conn, Place::Worker(worker));
                    let peer = self.peers.get_mut(&worker).expect("handed to a dead worker");
                    assert_eq!((peer.standing, peer.blocked), (Standing::Active, false));
                    assert!(peer.listeners.contains(&listener), "handed to no member");
                    assert!(!peer.silent, "handed to one that does not answer");
                    assert!(!peer.saturated, "its window is not half empty");
                    peer.give(conn, self.window);
                    assert!(peer.conns.len() <= self.window + peer.unsure, "above the window");
                }
                Decision::SetAccepting { listener, accepting } => {
                    let changed = if accepting {
                        self.accepting.insert(listener)
                    } else {
                        self.accepting.remove(&listener)
                    };
                    assert!(changed, "said twice");
                    assert!(self.listeners.contains_key(&listener));
                }
                Decision::Close { conn, taken } => {
                    let known = self.conns[&conn];
                    if taken {
                        assert_eq!(known.place, Place::Closed);
                    } else {
                        assert_eq!(known.place, Place::Queue);
                        let lost = !self.listeners.contains_key(&known.listener);
                        assert!(lost || known.pinned, "turned away without need");
                    }
                    self.place(conn, Place::Closed);
                }
            }
        }
    }

    fn check(&self) {
        self.balance.check();
        let queued = self.conns.values().filter(|conn| conn.place == Place::Queue).count();
        assert_eq!(queued, self.balance.waiting(), "a connection was lost");
        for (id, peer) in &self.peers {
            assert_eq!(peer.conns.len(), self.balance.in_flight(*id));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_shrink_iters: 20_000,
        ..ProptestConfig::with_cases(500)
    })]

    #[test]
    fn every_connection_is_in_one_place(
        policy in prop::sample::select(POLICIES.as_slice()),
        window in 1..4_usize,
        steps in prop::collection::vec(step(), 0..150),
    ) {
        let mut world = World::new(policy, window);
        for step in &steps {
            world.step(step);
        }
        // When everybody who is there takes what comes, nothing is left but what has no taker.
        for _ in 0..100 {
            for nth in 0..world.peers.len() {
                world.step(&Step::Worker(nth, Deed::Block(false)));
                world.step(&Step::Worker(nth, Deed::Answer(true)));
            }
            world.step(&Step::Time(1500));
        }
        prop_assert!(world.peers.values().all(|peer| peer.conns.is_empty()));
    }
}
