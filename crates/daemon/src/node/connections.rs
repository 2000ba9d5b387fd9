//! Connections between the kernel's queue and a worker's answer.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_cluster::{ListenerId, Recovered, WorkerId};
use ostler_core::{AppId, RunId};
use ostler_keeper::failpoint::hit;
use rustix::io::Errno;

use super::{Node, Parts, opener, sockets};
use crate::guard::{Ledger, Left};
use crate::{clock, daemon_log};

/// Pause after an `accept` that failed for lack of file descriptors, ms.
const ACCEPT_PAUSE: u64 = 50;

impl Node {
    /// Somebody waits at a listening socket.
    pub fn on_listener(&mut self, number: u64, parts: &mut Parts<'_>) {
        if let Some(listener) = self.listeners.get_mut(&number) {
            listener.ready = true;
            if !listener.accepting && !self.sleeping.is_empty() {
                self.call_on(ListenerId(number), parts);
            }
        }
        self.accept_later(number);
        self.work(parts);
    }

    /// Takes a connection of this listener when all that was decided is done.
    pub(super) fn accept_later(&mut self, number: u64) {
        if let Some(listener) = self.listeners.get_mut(&number)
            && !std::mem::replace(&mut listener.queued, true)
        {
            self.accept_from.push_back(number);
        }
    }

    /// Takes one connection, if some worker has a free slot. The rest waits in the kernel, where
    /// our death loses nothing.
    pub(super) fn accept(&mut self, number: u64) {
        let Some(listener) = self.listeners.get_mut(&number) else { return };
        listener.queued = false;
        if !(listener.ready && listener.accepting) {
            return;
        }
        let id = ListenerId(number);
        let accepted = self.connections.accepted(id, &listener.socket, |socket| {
            let (fd, peer) = sockets::accept(socket)?;
            hit("accept.unnoted");
            Ok((Rc::new(fd), peer))
        });
        match accepted {
            Ok((conn, peer)) => {
                hit("accept.noted");
                let now = clock::monotonic();
                self.primary.handle_accepted(now, id, conn, peer, &mut self.queue);
                self.accept_later(number);
            }
            Err(Errno::AGAIN) => listener.ready = false,
            // It gave up while it waited.
            Err(Errno::INTR | Errno::CONNABORTED | Errno::PROTO) => self.accept_later(number),
            Err(error) => {
                daemon_log::error(format!(
                    "could not accept a connection: {error}; trying again in {ACCEPT_PAUSE} ms"
                ));
                self.accept_at = Some(clock::monotonic() + ACCEPT_PAUSE);
            }
        }
    }

    /// A connection for this worker only.
    pub fn send_probe_connection(
        &mut self,
        run: RunId,
        listener: ListenerId,
        fd: OwnedFd,
        parts: &mut Parts<'_>,
    ) {
        let conn = self.connections.unnoted(Rc::new(fd));
        let mut sent = false;
        self.ask(run, |primary, worker, out| {
            sent = primary.send_probe_connection(worker, listener, conn, out);
        });
        if !sent && let Err(error) = self.connections.closed(conn) {
            daemon_log::error(format!("could not close the connection of a health check: {error}"));
        }
        self.work(parts);
    }

    /// What is known about accepted connections, for what dead daemons had accepted.
    pub fn ledger(&self) -> &Ledger {
        &self.guard.ledger
    }

    /// Gives the connections that dead daemons had accepted to the primary; returns how many each
    /// app got, by who opened the listener. Those of apps that were stopped are closed.
    pub fn recover(&mut self, left: Vec<Left>) -> Vec<(AppId, usize)> {
        let mut by_app: BTreeMap<AppId, usize> = BTreeMap::new();
        let mut conns = Vec::with_capacity(left.len());
        for Left { fd, note } in left {
            let peer = sockets::peer(&fd);
            let sent = note.sent.map(|(run, seq)| (WorkerId(run), seq));
            let conn = self.connections.recovered(Rc::new(fd), sent.is_some());
            let listener = ListenerId(note.listener);
            conns.push(Recovered { conn, listener, peer, sent });
            *by_app.entry(opener(listener)).or_default() += 1;
        }
        self.primary.handle_recovered(clock::monotonic(), &conns, &mut self.queue);
        by_app.into_iter().collect()
    }
}
