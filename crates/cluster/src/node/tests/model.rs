//! The model of the owner and the workers that random histories are played against.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ostler_wire::node::Incoming;

use super::harness::ack;
use super::kernel::{IN_USE, Kernel};
use super::peer::{How, Peer, Place, Unread};
use crate::{
    Command, Config, ConnId, GroupId, GroupOptions, Key, ListenerId, ListenerKind, ListenerMeta,
    Output, Policy, Primary, Received, Recovered, WorkerId, WorkerOptions,
};

pub(super) struct World {
    pub(super) primary: Primary,
    pub(super) out: Output,
    pub(super) now: u64,
    pub(super) config: Config,
    pub(super) peers: BTreeMap<u64, Peer>,
    pub(super) next: u64,
    pub(super) query: i64,
    pub(super) opening: VecDeque<(ListenerId, ListenerKind)>,
    pub(super) kernel: Kernel,
    /// The apps that want each listener.
    pub(super) wanted: BTreeMap<ListenerId, BTreeSet<u32>>,
    pub(super) policies: [Policy; 2],
    /// After so many more commands we die.
    pub(super) life: Option<usize>,
    pub(super) accepting: BTreeSet<ListenerId>,
    pub(super) meta: BTreeMap<ListenerId, Vec<u8>>,
    pub(super) conns: BTreeMap<ConnId, Place>,
    pub(super) accepted: BTreeMap<ConnId, ListenerId>,
}

impl World {
    pub(super) fn new(policy: Policy, window: usize) -> Self {
        let config = Config { window, ..Config::default() };
        let (mut primary, mut out) = (Primary::new(config), Output::new());
        for app in 0..2 {
            primary.set_policy(GroupId(app), policy, &mut out);
        }
        Self {
            primary,
            out,
            now: 0,
            config,
            peers: BTreeMap::new(),
            next: 0,
            query: 0,
            opening: VecDeque::new(),
            kernel: Kernel::default(),
            wanted: BTreeMap::new(),
            policies: [policy; 2],
            life: None,
            accepting: BTreeSet::new(),
            meta: BTreeMap::new(),
            conns: BTreeMap::new(),
            accepted: BTreeMap::new(),
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
        self.kernel.worker_dies(id);
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
        self.kernel.reborn();
        for peer in self.peers.values_mut() {
            peer.inherited = true;
        }
        self.config.first_seq += 1 << 20;
        self.config.first_listener += 1 << 10;
        self.meta.retain(|listener, _| self.kernel.is_open(*listener));
        let metas: Vec<_> =
            self.meta.values().map(|bytes| ListenerMeta::from_bytes(bytes).unwrap()).collect();
        let apps = |meta: &ListenerMeta| meta.groups.iter().map(|group| group.0).collect();
        self.wanted = metas.iter().map(|meta| (meta.listener, apps(meta))).collect();
        let options = |policy: &Policy| GroupOptions { policy: *policy, ..GroupOptions::default() };
        let groups = (0..2).map(GroupId).zip(self.policies.iter().map(options)).collect();
        let workers: Vec<_> = self
            .peers
            .iter()
            .map(|(id, peer)| {
                (WorkerId(*id), WorkerOptions { leaving: peer.leaving, ..peer.options.unwrap() })
            })
            .collect();
        self.primary = Primary::restore(self.config, groups, metas, &workers, &mut self.out);
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
        self.drive();
        self.read_again();
    }

    /// What was not taken out of the channels is read by the successor.
    fn read_again(&mut self) {
        let ids: Vec<_> = self.peers.keys().copied().collect();
        // Of two that exclude each other, either may be read first.
        let asks = self.peers.values().flat_map(|peer| peer.asked.values());
        let keys: Vec<Key> = asks.map(|ask| ask.key.clone()).collect();
        for ask in self.peers.values_mut().flat_map(|peer| peer.asked.values_mut()) {
            let excludes = |key: &Key| key.port == ask.key.port && *key != ask.key;
            ask.may_fail |= keys.iter().any(excludes);
        }
        for id in ids {
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            let mut lines: Vec<_> = peer.asked.values().map(|ask| ask.line.clone()).collect();
            for line in std::mem::take(&mut peer.said) {
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
            // As they were said.
            let number = |line: &String| -> i64 {
                field(line, "\"seq\":").trim_end_matches('}').parse().unwrap()
            };
            lines.sort_by_key(number);
            for line in lines {
                if let Some((_, rest)) = line.split_once("\"act\":\"close\",\"key\":\"") {
                    self.let_go(id, rest.split('"').next().unwrap().parse().unwrap());
                }
                self.says(id, &line);
            }
        }
    }

    pub(super) fn drive(&mut self) {
        while let Some(command) = self.out.pop() {
            if let Some(life) = &mut self.life {
                if *life == 0 {
                    continue;
                }
                *life -= 1;
            }
            match command {
                Command::OpenListener { listener, kind } => {
                    self.opening.push_back((listener, kind));
                }
                Command::CloseListener { listener, .. } => {
                    self.kernel.close(listener);
                    self.opening.retain(|(opening, _)| *opening != listener);
                    self.meta.remove(&listener);
                    self.accepting.remove(&listener);
                }
                Command::SetAccepting { listener, accepting } => {
                    let changed = if accepting {
                        assert!(self.kernel.is_open(listener));
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
                    self.kernel.hand_out(listener, worker.0);
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
                Command::Disagrees { worker, .. } => {
                    let peer = self.peers.get_mut(&worker.0).unwrap();
                    peer.asked.values_mut().for_each(|ask| ask.may_fail = true);
                }
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
        // It refuses what comes after it closed the server.
        let known = peer.keys.contains_key(&key) || peer.closed.contains(&key);
        // And what a successor sends before it reads the question again.
        let known = known || !peer.asked.is_empty();
        assert!(known, "connection before the answer");
        peer.inbox.push_back(Unread::Conn(seq, conn));
        assert!(peer.unread().count() <= self.config.window, "more than the window");
    }

    /// A worker reads an answer (or that it is to leave).
    pub(super) fn read(&mut self, worker: WorkerId, line: &str, shared: bool) {
        let peer = self.peers.get_mut(&worker.0).expect("sent to a dead worker");
        let Some((_, rest)) = line.split_once("\"ack\":") else { return };
        let ack: i64 = rest.split([',', '}']).next().unwrap().parse().unwrap();
        let Some(ask) = peer.asked.remove(&ack) else {
            assert!(peer.answered.contains(&ack), "answered what was not asked");
            return;
        };
        peer.answered.insert(ack);
        let key = line.split_once("\"key\":\"").unwrap().1.split_once('"').unwrap().0;
        if shared || line.contains("\"errno\":null") {
            let before = peer.keys.insert(key.parse().unwrap(), shared);
            assert!(before.is_none(), "a key that the worker has already");
            return;
        }
        // Asked again it may be another answer, which the worker would not expect.
        peer.said.retain(|line| *line != ask.line);
        let in_use = line.contains(&format!("\"errno\":{IN_USE}"));
        assert!(!in_use || ask.may_fail, "told that {} is in use, which nobody wants", ask.key);
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
        for (id, peer) in &self.peers {
            let is_asking = self.primary.is_asking(WorkerId(*id));
            assert!(peer.asked.is_empty() || is_asking, "a query was forgotten");
        }
        self.primary.balance.check();
        self.check_open();
        for (listener, _) in self.kernel.open_ones() {
            if let Some(meta) = self.primary.listener_meta(listener) {
                assert_eq!(
                    self.meta.get(&listener),
                    Some(&meta.to_bytes()),
                    "what is stored is old"
                );
            }
        }
    }
}

impl World {
    /// A socket is open as long as an app wants it, or a worker that leaves has it, and no longer.
    fn check_open(&self) {
        for (listener, _) in self.kernel.open_ones() {
            let wanted = self.wanted.get(&listener).is_some_and(|apps| !apps.is_empty());
            let has = |peer: &Peer| peer.keys.get(&listener.0) == Some(&true);
            let leaves = self.peers.values().any(has);
            assert!(wanted || leaves, "open, and nobody wants it: {listener:?}");
        }
        for (listener, apps) in &self.wanted {
            assert!(apps.is_empty() || !self.kernel.is_closed(*listener), "closed: {listener:?}");
        }
    }

    /// An app wants what its workers have or ask for.
    pub(super) fn note_wanted(&mut self) {
        for peer in self.peers.values().filter(|peer| !peer.leaving) {
            let app = peer.options.unwrap().group.0;
            for (listener, key) in self.primary.listeners() {
                let asks = peer.asked.values().any(|ask| ask.key == *key);
                if asks || peer.keys.contains_key(&listener.0) {
                    self.wanted.entry(listener).or_default().insert(app);
                }
            }
        }
    }

    /// A worker does not use the listener any more, by its own will.
    pub(super) fn let_go(&mut self, id: u64, key: u64) {
        let (listener, app) = (ListenerId(key), self.peers[&id].options.unwrap().group);
        let uses = |peer: &Peer| {
            !peer.leaving && peer.options.unwrap().group == app && peer.keys.contains_key(&key)
        };
        if !self.peers[&id].leaving
            && !self.peers.values().any(uses)
            && let Some(apps) = self.wanted.get_mut(&listener)
        {
            apps.remove(&app.0);
        }
    }
}

/// Returns what follows `name` in the line.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    line.rsplit_once(name).unwrap().1
}
