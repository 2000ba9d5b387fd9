//! Random histories, played against a model of workers and owner.

use ostler_wire::node::outgoing::Sockname;
use proptest::prelude::*;

use super::model::{How, Peer, Place, World};
use crate::{ConnId, Policy, WorkerId, WorkerOptions};

#[derive(Clone, Debug)]
enum Step {
    Add(u32),
    /// Something about one of the workers that are there.
    Worker(usize, Deed),
    Open(bool),
    Accept(u64),
    Policy(u8),
    Time(u64),
    /// With this many of the connections in the queue noted as sent.
    Reborn(usize),
}

#[derive(Clone, Debug)]
enum Deed {
    Query(u16),
    Answer(How),
    Close,
    Leave,
    Eof,
    Block(bool),
    Noise(u8),
}

const POLICIES: [Policy; 4] = [Policy::RoundRobin, Policy::Sticky, Policy::Least, Policy::Shared];

/// Lines that mean nothing, or nothing here.
const NOISE: [&str; 6] = [
    "{",
    r#"{"cmd":"NODE_CLUSTER","ack":999999999999,"accepted":false,"seq":1}"#,
    r#"{"cmd":"NODE_CLUSTER","act":"close","key":"77777","seq":1}"#,
    r#"{"cmd":"NODE_CLUSTER","ack":-5,"accepted":true,"seq":1}"#,
    r#"{"cmd":"NODE_SOCKET_GET_COUNT","key":"x"}"#,
    "1",
];

fn step() -> impl Strategy<Value = Step> {
    let how = prop_oneof![6 => Just(How::Take), 3 => Just(How::Refuse), 1 => Just(How::Nack)];
    let is_open = prop_oneof![4 => Just(true), 1 => Just(false)];
    let nth = 0..6_usize;
    // Regressions are stored as seeds: another order would make other histories of them.
    prop_oneof![
        2 => (0..3_u32).prop_map(Step::Add),
        4 => (nth.clone(), 80..82_u16).prop_map(|(n, port)| Step::Worker(n, Deed::Query(port))),
        4 => is_open.prop_map(Step::Open),
        12 => (0..9_u64).prop_map(Step::Accept),
        10 => (nth.clone(), how).prop_map(|(n, how)| Step::Worker(n, Deed::Answer(how))),
        1 => nth.clone().prop_map(|n| Step::Worker(n, Deed::Close)),
        1 => nth.clone().prop_map(|n| Step::Worker(n, Deed::Leave)),
        1 => nth.clone().prop_map(|n| Step::Worker(n, Deed::Eof)),
        1 => (nth.clone(), any::<bool>()).prop_map(|(n, on)| Step::Worker(n, Deed::Block(on))),
        1 => (0..4_u8).prop_map(Step::Policy),
        4 => (1..400_u64).prop_map(Step::Time),
        1 => (nth, 0..6_u8).prop_map(|(n, what)| Step::Worker(n, Deed::Noise(what))),
        1 => (0..3_usize).prop_map(Step::Reborn),
    ]
}

impl World {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Add(slot) if self.peers.len() < 6 => {
                self.next += 1;
                let options = WorkerOptions::node(*slot);
                self.peers.insert(self.next, Peer { options: Some(options), ..Peer::default() });
                self.primary.handle_worker_added(WorkerId(self.next), options);
            }
            Step::Add(_) => {}
            Step::Worker(nth, deed) => {
                if let Some(id) = self.nth(*nth) {
                    self.deed(id, deed);
                }
            }
            Step::Open(is_open) => self.opened(*is_open),
            Step::Accept(peer) => {
                let Some(listener) = self.accepting.iter().min().copied() else { return };
                self.next += 1;
                let conn = ConnId(self.next);
                self.conns.insert(conn, Place::Queue);
                self.accepted.insert(conn, listener);
                self.primary.handle_accepted(self.now, listener, conn, *peer, &mut self.out);
            }
            Step::Policy(n) => {
                self.config.policy = POLICIES[usize::from(*n)];
                self.primary.set_policy(self.config.policy, &mut self.out);
            }
            Step::Time(ms) => {
                self.now += ms;
                if self.primary.deadline().is_some_and(|at| at <= self.now) {
                    self.primary.handle_deadline(self.now, &mut self.out);
                    let next = self.primary.deadline();
                    assert!(next.is_none_or(|at| at > self.now), "a deadline in the past");
                }
            }
            Step::Reborn(doubted) => self.reborn(*doubted),
        }
        self.drive();
        self.check();
    }

    fn opened(&mut self, is_open: bool) {
        let Some(listener) = self.opening.pop_front() else { return };
        let name = Sockname { address: "::".parse().unwrap(), port: 80 };
        if is_open {
            self.open.insert(listener);
        }
        let result = if is_open { Ok(Some(name)) } else { Err(-98) };
        self.primary.handle_opened(listener, result, &mut self.out);
    }

    fn deed(&mut self, id: u64, deed: &Deed) {
        let peer = self.peers.get_mut(&id).unwrap();
        match deed {
            Deed::Query(port) => {
                self.query += 1;
                let seq = self.query;
                if !peer.leaving {
                    peer.asked.insert(seq);
                }
                let head = r#"{"cmd":"NODE_CLUSTER","act":"queryServer","address":null"#;
                self.says(id, &format!(r#"{head},"port":{port},"addressType":4,"seq":{seq}}}"#));
            }
            Deed::Answer(how) => self.answer(id, *how),
            Deed::Close => {
                let Some(key) = peer.keys.iter().min().copied() else { return };
                peer.keys.remove(&key);
                let head = r#"{"cmd":"NODE_CLUSTER","act":"close""#;
                self.says(id, &format!(r#"{head},"key":"{key}","seq":1}}"#));
            }
            Deed::Leave => {
                peer.leaving = true;
                peer.asked.clear();
                self.primary.handle_leaving(WorkerId(id), &mut self.out);
            }
            Deed::Eof => {
                self.die(id);
                self.primary.handle_worker_gone(self.now, WorkerId(id), &mut self.out);
            }
            Deed::Block(on) => {
                self.primary.handle_backpressure(WorkerId(id), *on, &mut self.out);
            }
            Deed::Noise(what) => self.says(id, NOISE[usize::from(*what)]),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_shrink_iters: 20_000,
        ..ProptestConfig::with_cases(400)
    })]

    #[test]
    fn every_connection_is_in_one_place(
        policy in prop_oneof![
            Just(Policy::RoundRobin),
            Just(Policy::Sticky),
            Just(Policy::Least),
            Just(Policy::Shared)
        ],
        window in 1..4_usize,
        steps in proptest::collection::vec(step(), 0..120),
    ) {
        let mut world = World::new(policy, window);
        for step in &steps {
            world.step(step);
        }
        // When everybody who is there takes what comes, nothing is left over but what has no taker.
        let ids: Vec<_> = world.peers.keys().copied().collect();
        for _ in 0..200 {
            for id in &ids {
                let nth = usize::try_from(*id).unwrap();
                world.step(&Step::Worker(nth, Deed::Block(false)));
                world.answer(*id, How::Take);
            }
            world.step(&Step::Time(1500));
        }
        let is_out = |place: &Place| matches!(place, Place::Worker(_) | Place::Doubt(_));
        prop_assert!(!world.conns.values().any(is_out));
    }
}
