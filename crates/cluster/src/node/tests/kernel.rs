//! Who has a duplicate of a listening socket, and which addresses are therefore in use.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ListenerId, ListenerKind};

/// `EADDRINUSE` as workers are told it.
pub(super) const IN_USE: i32 = -98;

/// The duplicates of one socket.
#[derive(Debug, Default)]
struct Duplicates {
    port: u16,
    ours: bool,
    keeper: bool,
    /// Workers that have one, and those that said that they close it and did not yet.
    workers: BTreeSet<u64>,
    lagging: BTreeSet<u64>,
}

impl Duplicates {
    fn exists(&self) -> bool {
        self.ours || self.keeper || !self.workers.is_empty() || !self.lagging.is_empty()
    }
}

/// All sockets, and what the keeper was told and has not read yet.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    sockets: BTreeMap<ListenerId, Duplicates>,
    told: Vec<ListenerId>,
}

impl Kernel {
    /// Binds a socket: no other may have the port, however few duplicates of it are left.
    pub(super) fn open(&mut self, listener: ListenerId, kind: &ListenerKind) -> Result<(), i32> {
        let port = match kind {
            ListenerKind::Tcp { port, .. } | ListenerKind::Udp { port, .. } => *port,
            ListenerKind::Unix { .. } | ListenerKind::Abstract { .. } | ListenerKind::Fd { .. } => {
                unreachable!()
            }
        };
        if self.sockets.values().any(|socket| socket.port == port && socket.exists()) {
            return Err(IN_USE);
        }
        let socket = Duplicates { port, ours: true, keeper: true, ..Duplicates::default() };
        assert!(self.sockets.insert(listener, socket).is_none(), "a name used twice");
        Ok(())
    }

    pub(super) fn is_open(&self, listener: ListenerId) -> bool {
        self.sockets.get(&listener).is_some_and(|socket| socket.ours)
    }

    /// Whether it was open and is not.
    pub(super) fn is_closed(&self, listener: ListenerId) -> bool {
        self.sockets.get(&listener).is_some_and(|socket| !socket.ours)
    }

    pub(super) fn open_ones(&self) -> impl Iterator<Item = (ListenerId, u16)> {
        let ours = self.sockets.iter().filter(|(_, socket)| socket.ours);
        ours.map(|(id, socket)| (*id, socket.port))
    }

    /// We close it, and tell the keeper to.
    pub(super) fn close(&mut self, listener: ListenerId) {
        // One that was not opened yet will not be.
        if let Some(socket) = self.sockets.get_mut(&listener) {
            assert!(socket.ours, "closed twice");
            socket.ours = false;
        }
        self.told.push(listener);
    }

    /// The keeper reads what it was told. Returns what it closed.
    pub(super) fn keeper_reads(&mut self) -> Vec<ListenerId> {
        let told = std::mem::take(&mut self.told);
        for listener in &told {
            if let Some(socket) = self.sockets.get_mut(listener) {
                socket.keeper = false;
            }
        }
        told
    }

    /// We are dead; the successor has what the keeper holds.
    pub(super) fn reborn(&mut self) {
        self.keeper_reads();
        for socket in self.sockets.values_mut() {
            socket.ours = socket.keeper;
        }
    }

    /// A worker got the socket itself.
    pub(super) fn hand_out(&mut self, listener: ListenerId, worker: u64) {
        let socket = self.sockets.get_mut(&listener).unwrap();
        assert!(socket.ours, "sent what is closed");
        socket.workers.insert(worker);
    }

    /// A worker says that it closes it, and does so a little later.
    pub(super) fn worker_closes(&mut self, listener: ListenerId, worker: u64) {
        if let Some(socket) = self.sockets.get_mut(&listener)
            && socket.workers.remove(&worker)
        {
            socket.lagging.insert(worker);
        }
    }

    pub(super) fn worker_dies(&mut self, worker: u64) {
        for socket in self.sockets.values_mut() {
            socket.workers.remove(&worker);
            socket.lagging.remove(&worker);
        }
    }

    /// Workers do what they said.
    pub(super) fn workers_run(&mut self) {
        self.sockets.values_mut().for_each(|socket| socket.lagging.clear());
    }
}
