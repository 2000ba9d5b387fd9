//! Random histories.

use ostler_wire::node::outgoing::Sockname;
use proptest::prelude::*;

use super::model::{How, Peer, Place, World};
use crate::{ConnId, Policy, WorkerId, WorkerOptions};

#[derive(Clone, Debug)]
enum Step {
    Add(u32),
    Query {
        worker: usize,
        port: u16,
    },
    Open {
        ok: bool,
    },
    Accept {
        peer: u64,
    },
    Answer {
        worker: usize,
        how: How,
    },
    Close {
        worker: usize,
    },
    Leave(usize),
    Eof(usize),
    Block(usize, bool),
    Policy(u8),
    Time(u64),
    Noise(usize, u8),
    /// With this many of the connections in the queue noted as sent.
    Reborn(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let how = prop_oneof![6 => Just(How::Take), 3 => Just(How::Refuse), 1 => Just(How::Nack)];
    prop_oneof![
        2 => (0..3_u32).prop_map(Step::Add),
        4 => (0..6_usize, 80..82_u16).prop_map(|(worker, port)| Step::Query { worker, port }),
        4 => prop_oneof![4 => Just(true), 1 => Just(false)].prop_map(|ok| Step::Open { ok }),
        12 => (0..9_u64).prop_map(|peer| Step::Accept { peer }),
        10 => (0..6_usize, how).prop_map(|(worker, how)| Step::Answer { worker, how }),
        1 => (0..6_usize).prop_map(|worker| Step::Close { worker }),
        1 => (0..6_usize).prop_map(Step::Leave),
        1 => (0..6_usize).prop_map(Step::Eof),
        1 => (0..6_usize, any::<bool>()).prop_map(|(worker, on)| Step::Block(worker, on)),
        1 => (0..4_u8).prop_map(Step::Policy),
        4 => (1..400_u64).prop_map(Step::Time),
        1 => (0..6_usize, 0..6_u8).prop_map(|(worker, what)| Step::Noise(worker, what)),
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
            Step::Query { worker, port } => {
                let Some(id) = self.nth(*worker) else { return };
                self.query += 1;
                let seq = self.query;
                let peer = self.peers.get_mut(&id).unwrap();
                if !peer.leaving {
                    peer.asked.insert(seq);
                }
                self.says(id, &format!(
                    r#"{{"cmd":"NODE_CLUSTER","act":"queryServer","address":null,"port":{port},"addressType":4,"seq":{seq}}}"#
                ));
            }
            Step::Open { ok } => {
                let Some(listener) = self.opening.pop_front() else { return };
                let name = Sockname { address: "::".parse().unwrap(), port: 80 };
                if *ok {
                    self.open.insert(listener);
                }
                self.primary.handle_opened(
                    listener,
                    if *ok { Ok(Some(name)) } else { Err(-98) },
                    &mut self.out,
                );
            }
            Step::Accept { peer } => {
                let mut listeners: Vec<_> = self.accepting.iter().copied().collect();
                listeners.sort_unstable();
                let Some(listener) = listeners.first().copied() else { return };
                self.next += 1;
                let conn = ConnId(self.next);
                self.conns.insert(conn, Place::Queue);
                self.accepted.insert(conn, listener);
                self.primary.handle_accepted(self.now, listener, conn, *peer, &mut self.out);
            }
            Step::Answer { worker, how } => {
                if let Some(id) = self.nth(*worker) {
                    self.answer(id, *how);
                }
            }
            Step::Close { worker } => {
                let Some(id) = self.nth(*worker) else { return };
                let peer = self.peers.get_mut(&id).unwrap();
                let Some(key) = peer.keys.iter().min().copied() else { return };
                peer.keys.remove(&key);
                self.says(
                    id,
                    &format!(r#"{{"cmd":"NODE_CLUSTER","act":"close","key":"{key}","seq":1}}"#),
                );
            }
            Step::Leave(worker) => {
                let Some(id) = self.nth(*worker) else { return };
                let peer = self.peers.get_mut(&id).unwrap();
                peer.leaving = true;
                peer.asked.clear();
                self.primary.handle_leaving(WorkerId(id), &mut self.out);
            }
            Step::Eof(worker) => {
                let Some(id) = self.nth(*worker) else { return };
                self.die(id);
                self.primary.handle_worker_gone(self.now, WorkerId(id), &mut self.out);
            }
            Step::Block(worker, on) => {
                let Some(id) = self.nth(*worker) else { return };
                self.primary.handle_backpressure(WorkerId(id), *on, &mut self.out);
            }
            Step::Policy(n) => {
                let policy = [Policy::RoundRobin, Policy::Sticky, Policy::Least, Policy::Shared]
                    [usize::from(*n)];
                self.config.policy = policy;
                self.primary.set_policy(policy, &mut self.out);
            }
            Step::Time(ms) => {
                self.now += ms;
                if self.primary.deadline().is_some_and(|at| at <= self.now) {
                    self.primary.handle_deadline(self.now, &mut self.out);
                    assert!(
                        self.primary.deadline().is_none_or(|at| at > self.now),
                        "a deadline in the past"
                    );
                }
            }
            Step::Noise(worker, what) => {
                let Some(id) = self.nth(*worker) else { return };
                let lines = [
                    "{",
                    r#"{"cmd":"NODE_CLUSTER","ack":999999999999,"accepted":false,"seq":1}"#,
                    r#"{"cmd":"NODE_CLUSTER","act":"close","key":"77777","seq":1}"#,
                    r#"{"cmd":"NODE_CLUSTER","ack":-5,"accepted":true,"seq":1}"#,
                    r#"{"cmd":"NODE_SOCKET_GET_COUNT","key":"x"}"#,
                    "1",
                ];
                self.says(id, lines[usize::from(*what)]);
            }
            Step::Reborn(doubted) => self.reborn(*doubted),
        }
        self.drive();
        self.check();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn every_connection_is_in_one_place(
        policy in prop_oneof![Just(Policy::RoundRobin), Just(Policy::Sticky), Just(Policy::Least), Just(Policy::Shared)],
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
                world.step(&Step::Block(usize::try_from(*id).unwrap(), false));
                world.answer(*id, How::Take);
            }
            world.step(&Step::Time(1500));
        }
        prop_assert!(!world.conns.values().any(|place| matches!(place, Place::Worker(_) | Place::Doubt(_))));
    }
}
