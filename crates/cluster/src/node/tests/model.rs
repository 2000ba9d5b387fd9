//! The model of the owner, the kernel and the workers that random histories are played against.

use std::collections::{HashMap, HashSet, VecDeque};

use ostler_wire::node::Incoming;

use super::harness::ack;
use crate::{
    Command, Config, ConnId, ListenerId, ListenerMeta, Output, Policy, Primary, Received,
    Recovered, WorkerId, WorkerOptions,
};

/// How a worker reads its oldest message.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    Take,
    Refuse,
    Nack,
}

/// A worker as it is, not as the primary believes.
#[derive(Default)]
pub(super) struct Peer {
    pub(super) options: Option<WorkerOptions>,
    /// Messages with a descriptor, unread.
    pub(super) inbox: VecDeque<Unread>,
    pub(super) keys: HashSet<u64>,
    pub(super) asked: HashSet<i64>,
    pub(super) leaving: bool,
    /// It was there before the primary was, and has not answered this one yet.
    pub(super) inherited: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Queue,
    Worker(u64),
    /// Noted by the dead primary as sent to that worker; it was not.
    Doubt(u64),
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    Conn(u64, ConnId),
    Fence(u64),
    Listener,
}

impl Peer {
    pub(super) fn unread(&self) -> impl Iterator<Item = (u64, ConnId)> {
        self.inbox.iter().filter_map(|unread| match unread {
            Unread::Conn(seq, conn) => Some((*seq, *conn)),
            Unread::Fence(_) | Unread::Listener => None,
        })
    }
}

pub(super) struct World {
    pub(super) primary: Primary,
    pub(super) out: Output,
    pub(super) now: u64,
    pub(super) config: Config,
    pub(super) peers: HashMap<u64, Peer>,
    pub(super) next: u64,
    pub(super) query: i64,
    pub(super) opening: VecDeque<ListenerId>,
    pub(super) open: HashSet<ListenerId>,
    pub(super) accepting: HashSet<ListenerId>,
    pub(super) meta: HashMap<ListenerId, Vec<u8>>,
    pub(super) conns: HashMap<ConnId, Place>,
    pub(super) accepted: HashMap<ConnId, ListenerId>,
}

impl World {
    pub(super) fn new(policy: Policy, window: usize) -> Self {
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

    pub(super) fn nth(&self, n: usize) -> Option<u64> {
        let mut ids: Vec<_> = self.peers.keys().copied().collect();
        ids.sort_unstable();
        ids.get(n % ids.len().max(1)).copied()
    }

    pub(super) fn says(&mut self, worker: u64, line: &str) {
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

    /// The worker reads its oldest message.
    pub(super) fn answer(&mut self, id: u64, how: How) {
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

    pub(super) fn die(&mut self, id: u64) {
        for (_, conn) in self.peers.remove(&id).unwrap().unread() {
            self.conns.insert(conn, Place::Queue);
        }
        self.doubt_ends(id);
    }

    pub(super) fn doubt_ends(&mut self, id: u64) {
        for place in self.conns.values_mut().filter(|place| **place == Place::Doubt(id)) {
            *place = Place::Queue;
        }
    }

    /// The primary dies. Its connections are held for its successor, with what was noted of them.
    pub(super) fn reborn(&mut self, mut doubted: usize) {
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

    pub(super) fn drive(&mut self) {
        while let Some(command) = self.out.pop() {
            match command {
                Command::OpenListener { listener, .. } => self.opening.push_back(listener),
                Command::CloseListener { listener, .. } => {
                    assert!(self.open.remove(&listener), "closed what is not open");
                    self.meta.remove(&listener);
                    self.accepting.remove(&listener);
                }
                Command::SetAccepting { listener, accepting } => {
                    let changed = if accepting {
                        assert!(self.open.contains(&listener));
                        self.accepting.insert(listener)
                    } else {
                        self.accepting.remove(&listener)
                    };
                    assert!(changed, "said twice");
                }
                Command::ListenerMetaChanged { listener } => {
                    if let Some(meta) = self.primary.listener_meta(listener) {
                        self.meta.insert(listener, meta.to_bytes());
                    }
                }
                Command::Send { worker, bytes } => {
                    let line = self.out.text(bytes).to_owned();
                    self.read(worker, &line, false);
                }
                Command::SendWithListener { worker, listener, bytes } => {
                    assert!(self.open.contains(&listener));
                    let line = self.out.text(bytes).to_owned();
                    self.read(worker, &line, true);
                    self.peers.get_mut(&worker.0).unwrap().inbox.push_back(Unread::Listener);
                }
                Command::SendFence { worker, bytes } => {
                    let line = self.out.text(bytes).trim_end();
                    let seq = field(line, "\"seq\":").trim_end_matches('}').parse().unwrap();
                    let peer = self.peers.get_mut(&worker.0).expect("sent to a dead worker");
                    peer.inbox.push_back(Unread::Fence(seq));
                }
                Command::SendWithConn { worker, conn, seq, bytes } => {
                    let key = field(self.out.text(bytes), "\"key\":\"");
                    let key = key.split('"').next().unwrap().parse().unwrap();
                    self.handed(worker, conn, seq, key);
                }
                Command::CloseConn { conn, taken } => {
                    let before = if taken { Place::Closed } else { Place::Queue };
                    assert_eq!(self.conns.insert(conn, Place::Closed), Some(before), "{conn:?}");
                }
                Command::SendWithHandle { .. }
                | Command::CloseHandle { .. }
                | Command::UserHandle { .. } => unreachable!(),
                Command::WorkerOnline { .. }
                | Command::WorkerListening { .. }
                | Command::Voluntary { .. }
                | Command::UserMessage { .. }
                | Command::Noise { .. } => {}
            }
        }
    }

    /// A connection is on its way to a worker.
    fn handed(&mut self, worker: WorkerId, conn: ConnId, seq: u64, key: u64) {
        let before = self.conns.insert(conn, Place::Worker(worker.0));
        assert_eq!(before, Some(Place::Queue), "{conn:?}");
        let peer = self.peers.get_mut(&worker.0).expect("sent to a dead worker");
        assert!(!peer.leaving, "sent to a worker that leaves");
        assert!(peer.keys.contains(&key), "connection before the answer");
        peer.inbox.push_back(Unread::Conn(seq, conn));
        assert!(peer.unread().count() <= self.config.window, "more than the window");
    }

    /// A worker reads an answer (or that it is to leave).
    pub(super) fn read(&mut self, worker: WorkerId, line: &str, shared: bool) {
        let peer = self.peers.get_mut(&worker.0).expect("sent to a dead worker");
        let Some((_, rest)) = line.split_once("\"ack\":") else { return };
        let ack: i64 = rest.split([',', '}']).next().unwrap().parse().unwrap();
        assert!(peer.asked.remove(&ack), "answered what was not asked");
        let key = line.split_once("\"key\":\"").unwrap().1.split_once('"').unwrap().0;
        if shared || line.contains("\"errno\":null") {
            assert!(peer.keys.insert(key.parse().unwrap()), "a key that the worker has already");
        }
    }

    pub(super) fn check(&self) {
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
        self.primary.balance.check();
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

/// Returns what follows `name` in the line.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    line.rsplit_once(name).unwrap().1
}
