//! Random histories against a model of the owner, the kernel and the workers.

use std::collections::{HashMap, HashSet, VecDeque};

use ostler_wire::node::Incoming;
use ostler_wire::node::outgoing::Sockname;
use proptest::prelude::*;

use super::harness::ack;
use crate::{
    Action, Config, ConnId, ListenerId, ListenerMeta, Output, Policy, Primary, Received, Recovered,
    WorkerId, WorkerOptions,
};

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

#[derive(Clone, Copy, Debug)]
enum How {
    Take,
    Refuse,
    Nack,
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

/// A worker as it is, not as the primary believes.
#[derive(Default)]
struct Peer {
    options: Option<WorkerOptions>,
    /// Messages with a descriptor, unread.
    inbox: VecDeque<Unread>,
    keys: HashSet<u64>,
    asked: HashSet<i64>,
    leaving: bool,
    /// It was there before the primary was, and has not answered this one yet.
    inherited: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Queue,
    Worker(u64),
    /// Noted by the dead primary as sent to that worker; it was not.
    Doubt(u64),
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unread {
    Conn(u64, ConnId),
    Fence(u64),
    Listener,
}

impl Peer {
    fn unread(&self) -> impl Iterator<Item = (u64, ConnId)> {
        self.inbox.iter().filter_map(|unread| match unread {
            Unread::Conn(seq, conn) => Some((*seq, *conn)),
            Unread::Fence(_) | Unread::Listener => None,
        })
    }
}

struct World {
    primary: Primary,
    out: Output,
    now: u64,
    config: Config,
    peers: HashMap<u64, Peer>,
    next: u64,
    query: i64,
    opening: VecDeque<ListenerId>,
    open: HashSet<ListenerId>,
    accepting: HashSet<ListenerId>,
    meta: HashMap<ListenerId, Vec<u8>>,
    conns: HashMap<ConnId, Place>,
    accepted: HashMap<ConnId, ListenerId>,
}

impl World {
    fn new(policy: Policy, window: usize) -> Self {
        let config = Config { policy, window, ..Config::default() };
        Self {
            primary: Primary::new(config.clone()),
            out: Output::new(),
            now: 0,
            config,
            peers: HashMap::new(),
            next: 0,
            query: 0,
            opening: VecDeque::new(),
            open: HashSet::new(),
            accepting: HashSet::new(),
            meta: HashMap::new(),
            conns: HashMap::new(),
            accepted: HashMap::new(),
        }
    }

    fn nth(&self, n: usize) -> Option<u64> {
        let mut ids: Vec<_> = self.peers.keys().copied().collect();
        ids.sort_unstable();
        ids.get(n % ids.len().max(1)).copied()
    }

    fn says(&mut self, worker: u64, line: &str) {
        let incoming = Incoming::parse(line.as_bytes());
        self.primary.handle_message(
            self.now,
            WorkerId(worker),
            &incoming,
            Received::Nothing,
            &mut self.out,
        );
        self.drive();
    }

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

    /// The worker reads its oldest message.
    fn answer(&mut self, id: u64, how: How) {
        let peer = self.peers.get_mut(&id).unwrap();
        let Some(oldest) = peer.inbox.pop_front() else { return };
        let (seq, conn) = match oldest {
            Unread::Listener => return self.says(id, r#"{"cmd":"NODE_HANDLE_ACK"}"#),
            Unread::Fence(seq) => {
                let ours = seq >= self.config.first_seq;
                peer.inherited = peer.inherited && !ours;
                self.says(id, r#"{"cmd":"NODE_HANDLE_ACK"}"#);
                if ours {
                    self.doubt_ends(id);
                }
                return self.says(id, &ack(seq, false));
            }
            Unread::Conn(seq, conn) => (seq, conn),
        };
        // What a NACK means before the first answer has a story of its own.
        let how = if peer.inherited { How::Take } else { how };
        if seq >= self.config.first_seq {
            peer.inherited = false;
        }
        match how {
            How::Nack => {
                self.conns.insert(conn, Place::Queue);
                self.says(id, r#"{"cmd":"NODE_HANDLE_NACK"}"#);
            }
            How::Take | How::Refuse => {
                self.says(id, r#"{"cmd":"NODE_HANDLE_ACK"}"#);
                let taken = matches!(how, How::Take);
                self.conns.insert(conn, if taken { Place::Closed } else { Place::Queue });
                self.says(id, &ack(seq, taken));
            }
        }
    }

    fn die(&mut self, id: u64) {
        for (_, conn) in self.peers.remove(&id).unwrap().unread() {
            self.conns.insert(conn, Place::Queue);
        }
        self.doubt_ends(id);
    }

    fn doubt_ends(&mut self, id: u64) {
        for place in self.conns.values_mut().filter(|place| **place == Place::Doubt(id)) {
            *place = Place::Queue;
        }
    }

    /// The primary dies. What it had accepted is held for its successor, with what was noted about
    /// it.
    fn reborn(&mut self, mut doubted: usize) {
        self.opening.clear();
        self.accepting.clear();
        let ids: Vec<_> = self.peers.keys().copied().collect();
        for id in ids {
            // Those that wait for an answer would wait for ever, so they are replaced.
            if !self.peers[&id].asked.is_empty() {
                self.die(id);
                continue;
            }
            self.peers.get_mut(&id).unwrap().inherited = true;
        }
        self.config.first_seq += 1 << 20;
        let metas =
            self.meta.values().map(|bytes| ListenerMeta::from_bytes(bytes).unwrap()).collect();
        let workers: Vec<_> = self
            .peers
            .iter()
            .map(|(id, peer)| {
                (WorkerId(*id), WorkerOptions { leaving: peer.leaving, ..peer.options.unwrap() })
            })
            .collect();
        self.primary = Primary::restore(self.config.clone(), metas, &workers, &mut self.out);
        let mut conns: Vec<ConnId> = self
            .conns
            .iter()
            .filter(|(_, place)| **place != Place::Closed)
            .map(|(conn, _)| *conn)
            .collect();
        conns.sort_unstable();
        let mut recovered = Vec::new();
        for conn in conns {
            let unread =
                |peer: &Peer| peer.unread().find(|(_, other)| *other == conn).map(|(seq, _)| seq);
            let mut sent =
                self.peers.iter().find_map(|(id, peer)| Some((WorkerId(*id), unread(peer)?)));
            if let Place::Doubt(id) = self.conns[&conn] {
                // Again, before the doubt was settled.
                sent = Some((WorkerId(id), (1 << 40) + conn.0));
            } else if let (None, 1.., Some(id)) = (sent, doubted, self.peers.keys().min().copied())
            {
                doubted -= 1;
                sent = Some((WorkerId(id), (1 << 40) + conn.0));
                self.conns.insert(conn, Place::Doubt(id));
            }
            recovered.push(Recovered { conn, listener: self.accepted[&conn], peer: 0, sent });
        }
        self.primary.handle_recovered(self.now, &recovered, &mut self.out);
    }

    fn drive(&mut self) {
        let actions = self.out.actions().to_vec();
        for action in actions {
            match action {
                Action::OpenListener { listener, .. } => self.opening.push_back(listener),
                Action::CloseListener { listener, .. } => {
                    assert!(self.open.remove(&listener), "closed what is not open");
                    self.meta.remove(&listener);
                    self.accepting.remove(&listener);
                }
                Action::SetAccepting { listener, accepting } => {
                    assert_eq!(self.accepting.contains(&listener), !accepting, "said twice");
                    if accepting {
                        assert!(self.open.contains(&listener));
                        self.accepting.insert(listener);
                    } else {
                        self.accepting.remove(&listener);
                    }
                }
                Action::ListenerMetaChanged { listener } => {
                    if let Some(meta) = self.primary.listener_meta(listener) {
                        self.meta.insert(listener, meta.to_bytes());
                    }
                }
                Action::Send { worker, bytes } => {
                    let line = self.out.text(bytes).to_owned();
                    self.read(worker, &line, false);
                }
                Action::SendWithListener { worker, listener, bytes } => {
                    assert!(self.open.contains(&listener));
                    let line = self.out.text(bytes).to_owned();
                    self.read(worker, &line, true);
                    self.peers.get_mut(&worker.0).unwrap().inbox.push_back(Unread::Listener);
                }
                Action::SendFence { worker, bytes } => {
                    let line = self.out.text(bytes).trim_end();
                    let seq = line
                        .rsplit_once("\"seq\":")
                        .unwrap()
                        .1
                        .trim_end_matches('}')
                        .parse()
                        .unwrap();
                    self.peers
                        .get_mut(&worker.0)
                        .expect("sent to a dead worker")
                        .inbox
                        .push_back(Unread::Fence(seq));
                }
                Action::SendWithConn { worker, conn, seq, bytes } => {
                    let line = self.out.text(bytes).trim_end();
                    let key = line
                        .split_once("\"key\":\"")
                        .unwrap()
                        .1
                        .split_once('"')
                        .unwrap()
                        .0
                        .parse()
                        .unwrap();
                    assert_eq!(
                        self.conns.insert(conn, Place::Worker(worker.0)),
                        Some(Place::Queue),
                        "{conn:?}"
                    );
                    let peer = self.peers.get_mut(&worker.0).expect("sent to a dead worker");
                    assert!(!peer.leaving, "sent to a worker that leaves");
                    assert!(peer.keys.contains(&key), "connection before the answer");
                    peer.inbox.push_back(Unread::Conn(seq, conn));
                    assert!(peer.unread().count() <= self.config.window, "more than the window");
                }
                Action::CloseConn { conn, taken } => {
                    let place = self.conns.insert(conn, Place::Closed);
                    assert_eq!(
                        place,
                        Some(if taken { Place::Closed } else { Place::Queue }),
                        "{conn:?}"
                    );
                }
                Action::SendWithHandle { .. }
                | Action::CloseHandle { .. }
                | Action::UserHandle { .. } => {
                    unreachable!()
                }
                Action::WorkerOnline { .. }
                | Action::WorkerListening { .. }
                | Action::Voluntary { .. } => {}
                Action::UserMessage { .. } | Action::Noise { .. } => {}
            }
        }
        self.out.clear();
    }

    /// A worker reads an answer (or that it is to leave).
    fn read(&mut self, worker: WorkerId, line: &str, shared: bool) {
        let peer = self.peers.get_mut(&worker.0).expect("sent to a dead worker");
        let Some((_, rest)) = line.split_once("\"ack\":") else { return };
        let ack: i64 = rest.split([',', '}']).next().unwrap().parse().unwrap();
        assert!(peer.asked.remove(&ack), "answered what was not asked");
        let key = line.split_once("\"key\":\"").unwrap().1.split_once('"').unwrap().0;
        if shared || line.contains("\"errno\":null") {
            assert!(peer.keys.insert(key.parse().unwrap()), "a key that the worker has already");
        }
    }

    fn check(&self) {
        for (conn, place) in &self.conns {
            if let Place::Worker(id) = place {
                let peer = self.peers.get(id).expect("with a dead worker");
                assert_eq!(peer.unread().filter(|(_, other)| other == conn).count(), 1);
            }
        }
        let queued = self.conns.values().filter(|place| **place == Place::Queue).count();
        assert_eq!(queued, self.primary.waiting(), "a connection was lost");
        for peer in self.peers.values() {
            assert!(peer.asked.is_empty() || !self.opening.is_empty(), "a query was forgotten");
        }
        self.primary.check_accepting();
        for listener in &self.open {
            if let Some(meta) = self.primary.listener_meta(*listener) {
                assert_eq!(
                    self.meta.get(listener),
                    Some(&meta.to_bytes()),
                    "what is stored is old"
                );
            }
        }
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
