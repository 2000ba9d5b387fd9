//! Random histories, played against a model of workers and owner.

use ostler_wire::node::outgoing::Sockname;
use proptest::prelude::*;

use super::model::World;
use super::peer::{Ask, How, Peer, Place};
use crate::{ConnId, GroupId, Key, ListenerId, Policy, WorkerId, WorkerOptions};

#[derive(Clone, Debug)]
enum Step {
    /// A worker of an app, in a slot.
    Add(u32, u32),
    /// Something about one of the workers that are there.
    Worker(usize, Deed),
    Open(bool),
    Accept(u64),
    Policy(u32, u8),
    Time(u64),
    /// The keeper does what it was told.
    Keeper,
    /// The app has no workers any more.
    Stop(u32),
    /// The app is at rest.
    Rest(u32),
    /// With this many of the connections in the queue noted as sent.
    Reborn(usize),
    /// A worker says something, and we die after so many commands that follow from it, with all of
    /// it still in the channel.
    Dies(usize, Vec<Deed>, usize),
}

#[derive(Clone, Debug)]
enum Deed {
    /// On a port of one of two addresses that exclude each other.
    Query(u16, bool),
    Answer(How),
    Close(usize),
    Leave,
    Eof,
    Block(bool),
    Noise(u8),
}

const POLICIES: [Policy; 3] = [Policy::RoundRobin, Policy::Sticky, Policy::Shared];

/// The one of the two ports that is no TCP port.
const UDP: u16 = 81;

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
    let app = 0..2_u32;
    let listens = prop_oneof![
        3 => (80..82_u16, proptest::bool::weighted(0.2)).prop_map(|(p, any)| Deed::Query(p, any)),
        2 => (0..3_usize).prop_map(Deed::Close),
    ];
    let worker = |deed: BoxedStrategy<Deed>| {
        (nth.clone(), deed).prop_map(|(n, deed)| Step::Worker(n, deed)).boxed()
    };
    prop_oneof![
        2 => (app.clone(), 0..3_u32).prop_map(|(app, slot)| Step::Add(app, slot)),
        8 => worker(listens.clone().boxed()),
        6 => is_open.prop_map(Step::Open),
        12 => (0..9_u64).prop_map(Step::Accept),
        10 => worker(how.prop_map(Deed::Answer).boxed()),
        1 => worker(Just(Deed::Leave).boxed()),
        1 => worker(Just(Deed::Eof).boxed()),
        1 => worker(any::<bool>().prop_map(Deed::Block).boxed()),
        1 => worker((0..6_u8).prop_map(Deed::Noise).boxed()),
        1 => (app.clone(), 0..3_u8).prop_map(|(app, policy)| Step::Policy(app, policy)),
        4 => (1..400_u64).prop_map(Step::Time),
        6 => Just(Step::Keeper),
        1 => app.clone().prop_map(Step::Stop),
        1 => app.prop_map(Step::Rest),
        1 => (0..3_usize).prop_map(Step::Reborn),
        2 => (nth.clone(), proptest::collection::vec(listens, 1..4), 0..9_usize)
            .prop_map(|(n, deeds, life)| Step::Dies(n, deeds, life)),
    ]
}

impl World {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Add(app, slot) if self.peers.len() < 6 => {
                self.next += 1;
                let options = WorkerOptions::node(GroupId(*app), *slot);
                self.peers.insert(self.next, Peer { options: Some(options), ..Peer::default() });
                self.primary.handle_worker_added(WorkerId(self.next), options);
            }
            Step::Add(..) => {}
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
            Step::Policy(app, n) => {
                let policy = POLICIES[usize::from(*n)];
                self.policies[usize::try_from(*app).unwrap()] = policy;
                self.primary.set_policy(GroupId(*app), policy, &mut self.out);
            }
            Step::Time(ms) => {
                self.now += ms;
                self.kernel.workers_run();
                if self.primary.deadline().is_some_and(|at| at <= self.now) {
                    self.primary.handle_deadline(self.now, &mut self.out);
                    let next = self.primary.deadline();
                    assert!(next.is_none_or(|at| at > self.now), "a deadline in the past");
                }
            }
            Step::Keeper => self.keeper_reads(),
            Step::Stop(app) => {
                let is_of = |peer: &Peer| peer.options.unwrap().group == GroupId(*app);
                let ids = self.peers.iter().filter(|(_, peer)| is_of(peer)).map(|(id, _)| *id);
                for id in ids.collect::<Vec<_>>() {
                    self.deed(id, &Deed::Eof);
                    self.drive();
                }
                self.wanted.values_mut().for_each(|apps| _ = apps.remove(app));
                self.primary.close_all(self.now, GroupId(*app), &mut self.out);
            }
            Step::Rest(app) => self.rest(*app),
            Step::Reborn(doubted) => {
                self.peers.values_mut().for_each(|peer| peer.said.clear());
                self.reborn(*doubted);
            }
            Step::Dies(nth, deeds, life) => {
                let Some(id) = self.nth(*nth) else { return };
                self.peers.values_mut().for_each(|peer| peer.said.clear());
                self.life = Some(*life);
                // What it asks for it cannot close before the question is out of the channel.
                let (asks, closes): (Vec<_>, Vec<_>) =
                    deeds.iter().partition(|deed| matches!(deed, Deed::Query(..)));
                for deed in closes.into_iter().chain(asks) {
                    self.deed(id, deed);
                    self.drive();
                }
                self.life = None;
                self.reborn(0);
            }
        }
        self.drive();
        self.note_wanted();
        self.check();
    }

    fn keeper_reads(&mut self) {
        for listener in self.kernel.keeper_reads() {
            self.primary.handle_listener_closed(listener, &mut self.out);
            self.drive();
        }
    }

    fn rest(&mut self, app: u32) {
        let uses = |peer: &Peer, key: u64| {
            let of_app = peer.options.unwrap().group == GroupId(app);
            of_app && !peer.leaving && peer.keys.contains_key(&key)
        };
        for (listener, apps) in &mut self.wanted {
            let opening = !self.kernel.is_open(*listener);
            if !opening && !self.peers.values().any(|peer| uses(peer, listener.0)) {
                apps.remove(&app);
            }
        }
        self.primary.close_unused(self.now, GroupId(app), &mut self.out);
    }

    fn opened(&mut self, is_open: bool) {
        let Some((listener, kind)) = self.opening.pop_front() else { return };
        let name = Sockname { address: "::".parse().unwrap(), port: 80 };
        let opened = if is_open { self.kernel.open(listener, &kind) } else { Err(-13) };
        self.primary.handle_opened(self.now, listener, opened.map(|()| Some(name)), &mut self.out);
        if let Some(meta) = self.primary.listener_meta(listener) {
            self.meta.insert(listener, meta.to_bytes());
        }
    }

    /// A worker calls `listen`.
    fn query(&mut self, id: u64, port: u16, any: bool) {
        self.query += 1;
        let seq = self.query;
        let address = if any { "\"0.0.0.0\"" } else { "null" };
        let kind = if port == UDP { "\"udp4\"" } else { "4" };
        let key = Key { address: any.then(|| "0.0.0.0".to_owned()), ..key_of(port) };
        let known: Vec<_> = self.primary.listeners().map(|(id, key)| (id, key.clone())).collect();
        for ask in self.peers.values_mut().flat_map(|peer| peer.asked.values_mut()) {
            ask.may_fail |= ask.key.port == key.port && ask.key != key;
        }
        let peer = self.peers.get_mut(&id).unwrap();
        let has = |listener: &ListenerId| peer.keys.contains_key(&listener.0);
        let second = known.iter().any(|(listener, other)| *other == key && has(listener))
            || peer.asked.values().any(|ask| ask.key == key);
        let index = i32::from(second);
        let line = format!(
            r#"{{"cmd":"NODE_CLUSTER","act":"queryServer","address":{address},"port":{port},{}}}"#,
            format_args!(r#""addressType":{kind},"index":{index},"seq":{seq}"#)
        );
        // Another address on the same port excludes this one.
        let excluded = known.iter().any(|(_, other)| other.port == key.port && *other != key);
        if !peer.leaving {
            let may_fail = second || excluded;
            let ask = Ask { line: line.clone(), key, may_fail };
            peer.asked.insert(seq, ask);
            peer.said.push(line.clone());
        }
        self.says(id, &line);
    }

    /// A worker closes one of its servers.
    fn close(&mut self, id: u64, nth: usize) {
        let peer = self.peers.get_mut(&id).unwrap();
        let Some(key) = peer.keys.keys().nth(nth).copied() else { return };
        if peer.keys.remove(&key) == Some(true) {
            self.kernel.worker_closes(ListenerId(key), id);
        }
        peer.closed.insert(key);
        self.query += 1;
        let seq = self.query;
        let line = format!(r#"{{"cmd":"NODE_CLUSTER","act":"close","key":"{key}","seq":{seq}}}"#);
        peer.said.push(line.clone());
        self.let_go(id, key);
        self.says(id, &line);
    }

    fn deed(&mut self, id: u64, deed: &Deed) {
        let peer = self.peers.get_mut(&id).unwrap();
        match deed {
            Deed::Query(port, any) => self.query(id, *port, *any),
            Deed::Answer(how) => self.answer(id, *how),
            Deed::Close(nth) => self.close(id, *nth),
            Deed::Leave => {
                peer.leaving = true;
                peer.asked.clear();
                peer.said.clear();
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

/// A port of all addresses.
fn key_of(port: u16) -> Key {
    let address_type = if port == UDP { "udp4" } else { "4" }.to_owned();
    let port = Some(i64::from(port));
    Key { address: None, port, address_type, fd: None, index: None }
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_shrink_iters: 3_000,
        ..ProptestConfig::with_cases(400)
    })]

    #[test]
    fn every_connection_is_in_one_place(
        policy in prop_oneof![
            Just(Policy::RoundRobin),
            Just(Policy::Sticky),
            Just(Policy::Shared)
        ],
        window in 1..4_usize,
        steps in proptest::collection::vec(step(), 0..120),
    ) {
        let mut world = World::new(policy, window);
        for step in &steps {
            world.step(step);
        }
        // Who leaves ends some time. When everybody who is there takes what comes, nothing is left
        // over but what has no taker, and everybody who asked has an answer.
        let leaving = world.peers.iter().filter(|(_, peer)| peer.leaving).map(|(id, _)| *id);
        for id in leaving.collect::<Vec<_>>() {
            world.deed(id, &Deed::Eof);
            world.drive();
        }
        let ids: Vec<_> = world.peers.keys().copied().collect();
        for _ in 0..60 {
            for id in &ids {
                let nth = usize::try_from(*id).unwrap();
                world.step(&Step::Worker(nth, Deed::Block(false)));
                world.answer(*id, How::Take);
            }
            world.step(&Step::Keeper);
            world.step(&Step::Open(true));
            world.step(&Step::Time(1500));
        }
        let is_out = |place: &Place| matches!(place, Place::Worker(_) | Place::Doubt(_));
        prop_assert!(!world.conns.values().any(is_out));
        prop_assert!(world.peers.values().all(|peer| peer.asked.is_empty()), "no answer");
    }
}
