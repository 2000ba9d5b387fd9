//! Connections between the kernel's queue and a worker's answer.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;

use ostler_cluster::{ListenerId, Recovered, WorkerId};
use ostler_core::{AppId, RunId};
use ostler_keeper::failpoint::hit;
use rustix::io::Errno;

use super::{Node, Parts, app_of, sockets};
use crate::guard::{Ledger, Left};
use crate::{clock, daemon_log};

/// Pause after an `accept` that failed for lack of file descriptors, ms.
const ACCEPT_PAUSE: u64 = 50;

impl Node {
    /// Somebody waits at a listening socket.
    pub fn on_listener(&mut self, number: u64, parts: &mut Parts<'_>) {
        if let Some(listener) = self.listeners.get_mut(&number) {
            listener.ready = true;
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
        let (app, id) = (listener.app, ListenerId(number));
        let accepted = self.connections.accepted(id, &listener.socket, |socket| {
            let (fd, peer) = sockets::accept(socket)?;
            hit("accept.unnoted");
            Ok((Rc::new(fd), peer))
        });
        match accepted {
            Ok((conn, peer)) => {
                hit("accept.noted");
                if let Some(primary) = self.primaries.get_mut(&app) {
                    let now = clock::monotonic();
                    primary.handle_accepted(now, id, conn, peer, &mut self.queue);
                }
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

    /// Gives the connections that dead daemons had accepted to the primaries of their apps; returns
    /// how many each app got.
    pub fn recover(&mut self, left: Vec<Left>) -> Vec<(AppId, usize)> {
        let mut by_app: BTreeMap<AppId, Vec<Recovered>> = BTreeMap::new();
        for Left { fd, note } in left {
            let Some(app) = app_of(note.listener).filter(|app| self.primaries.contains_key(app))
            else {
                // It was stopped; so are its clients.
                self.guard.ledger.clear(fd.as_raw_fd());
                continue;
            };
            let peer = sockets::peer(&fd);
            let sent = note.sent.map(|(run, seq)| (WorkerId(run), seq));
            let conn = self.connections.recovered(Rc::new(fd), sent.is_some());
            let listener = ListenerId(note.listener);
            by_app.entry(app).or_default().push(Recovered { conn, listener, peer, sent });
        }
        for (app, conns) in &by_app {
            if let Some(primary) = self.primaries.get_mut(app) {
                primary.handle_recovered(clock::monotonic(), conns, &mut self.queue);
            }
        }
        by_app.into_iter().map(|(app, conns)| (app, conns.len())).collect()
    }
}
