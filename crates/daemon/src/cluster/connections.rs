//! Connections between the kernel's queue and a worker's answer.

use std::collections::BTreeMap;
use std::os::fd::AsRawFd;

use ostler_cluster::{ConnId, ListenerId, Output, Recovered, WorkerId};
use ostler_core::AppId;
use rustix::io::Errno;

use super::{ACCEPT_PAUSE, app_of, sockets};
use crate::daemon::Daemon;
use crate::guard::Left;
use crate::{clock, logbook};

impl Daemon {
    /// Somebody waits at a listening socket.
    pub fn on_listener(&mut self, number: u64) {
        if let Some(listener) = self.cluster.listeners.get_mut(&number) {
            listener.ready = true;
        }
        self.accept_connections(number);
    }

    /// Takes connections while some worker has a free slot. The rest waits in the kernel, where our
    /// death loses nothing.
    pub fn accept_connections(&mut self, number: u64) {
        loop {
            let Some(listener) = self.cluster.listeners.get_mut(&number) else { return };
            if !(listener.ready && listener.accepting) {
                return;
            }
            let app = listener.app;
            let ledger = &self.guard.ledger;
            ledger.asking(listener.fd.as_raw_fd(), number);
            let accepted = sockets::accept(&listener.fd);
            if let Ok((fd, _)) = &accepted {
                ostler_keeper::failpoint::hit("accept.unnoted");
                ledger.hold(fd.as_raw_fd(), number);
            }
            ledger.asked();
            match accepted {
                Ok((fd, peer)) => {
                    ostler_keeper::failpoint::hit("accept.noted");
                    let conn = self.cluster.add_conn(fd);
                    let mut out = self.cluster.spare.pop().unwrap_or_default();
                    if let Some(primary) = self.cluster.primaries.get_mut(&app) {
                        primary.handle_accepted(
                            clock::monotonic(),
                            ListenerId(number),
                            conn,
                            peer,
                            &mut out,
                        );
                    }
                    self.do_cluster(app, out);
                }
                Err(Errno::AGAIN) => {
                    listener.ready = false;
                    return;
                }
                // It gave up while it waited.
                Err(Errno::INTR | Errno::CONNABORTED | Errno::PROTO) => {}
                Err(error) => {
                    logbook::error(format!(
                        "could not accept a connection: {error}; trying again in {ACCEPT_PAUSE} ms"
                    ));
                    self.cluster.accept_at = Some(clock::monotonic() + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    /// Closes our copy of a connection.
    pub fn close_conn(&mut self, conn: ConnId) {
        if let Some(fd) = self.cluster.conns.remove(&conn) {
            self.guard.ledger.clear(fd.as_raw_fd());
        }
    }

    /// Gives the connections that dead daemons had accepted to the primaries of their apps.
    pub fn give_recovered(&mut self, left: Vec<Left>) {
        let mut by_app: BTreeMap<AppId, Vec<Recovered>> = BTreeMap::new();
        for Left { fd, note } in left {
            let Some(app) =
                app_of(note.listener).filter(|app| self.cluster.primaries.contains_key(app))
            else {
                // It was stopped; so are its clients.
                self.guard.ledger.clear(fd.as_raw_fd());
                continue;
            };
            let peer = sockets::peer(&fd);
            let sent = note.sent.map(|(run, seq)| (WorkerId(run), seq));
            let conn = self.cluster.add_conn(fd);
            by_app.entry(app).or_default().push(Recovered {
                conn,
                listener: ListenerId(note.listener),
                peer,
                sent,
            });
        }
        for (app, conns) in by_app {
            logbook::log(format!(
                "{} connections of app [{}] were recovered",
                conns.len(),
                self.model.registry().app_name(app)
            ));
            let mut out = Output::new();
            if let Some(primary) = self.cluster.primaries.get_mut(&app) {
                primary.handle_recovered(clock::monotonic(), &conns, &mut out);
            }
            self.pending_cluster.push((app, out));
        }
    }
}
