//! The control socket: who may connect, what is asked, what is answered.

pub mod conn;
mod requests;
mod specs;

pub use specs::{failure_of, unique_id};

use std::collections::BTreeSet;

use ostler_keeper::failpoint::hit;
use ostler_poll::Interest;
use ostler_wire::control::{Event, Failure, Reply};

use crate::daemon::Daemon;
use crate::tokens::Source;
use crate::{clock, logbook, reserve};
use conn::{Conn, Incoming};

/// A client that has asked nothing for so long, ms, gives way when there is no room for another.
const IDLE: u64 = 100;

impl Daemon {
    /// Clients that want in. Only we and root may: whoever controls the daemon runs programs as us.
    pub fn accept_clients(&mut self) {
        loop {
            if reserve::most_clients() <= self.conns.len() && !self.send_idle_away() {
                return self.retry_soon();
            }
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                // Out of descriptors, mostly.
                Err(_) if self.reserve.release() || self.send_idle_away() => continue,
                Err(error) => {
                    // Who waits in the queue is taken a little later.
                    logbook::error(format!("could not accept a client: {error}"));
                    return self.retry_soon();
                }
            };
            let own = rustix::process::geteuid();
            match rustix::net::sockopt::socket_peercred(&stream) {
                Ok(peer) if peer.uid == own || peer.uid.is_root() => {}
                Ok(peer) => {
                    logbook::error(format!("turned away a client of user {}", peer.uid.as_raw()));
                    continue;
                }
                Err(error) => {
                    logbook::error(format!("turned away a client that cannot be known: {error}"));
                    continue;
                }
            }
            if let Err(error) = stream.set_nonblocking(true) {
                logbook::error(format!("turned away a client: {error}"));
                continue;
            }
            let number = self.next_conn;
            self.next_conn += 1;
            let interest = Interest::READ.edge() | Interest::WRITE;
            match self.poll.watch(stream, Source::Client(number), interest) {
                Ok(stream) => {
                    self.conns.insert(number, Conn::new(stream, clock::monotonic()));
                }
                Err(error) => logbook::error(format!("turned away a client: {error}")),
            }
        }
    }

    /// Ends the connection of the oldest client that asks nothing. `false`: there is none.
    fn send_idle_away(&mut self) -> bool {
        let before = clock::monotonic().saturating_sub(IDLE);
        let subscribed: BTreeSet<usize> = self.subscribers.values().copied().collect();
        let idle = self.conns.iter_mut().find_map(|(number, conn)| {
            if before < conn.since || subscribed.contains(number) {
                return None;
            }
            // What it has asked just now may not have been read.
            conn.fill();
            conn.is_idle().then_some(*number)
        });
        let Some(number) = idle else { return false };
        self.close_client(number);
        true
    }

    /// A client said something, left, or takes bytes again.
    pub fn on_client(&mut self, number: usize, readable: bool) {
        let Some(conn) = self.conns.get_mut(&number) else { return };
        if readable {
            conn.fill();
        }
        self.serve(number);
        self.flush_client(number);
    }

    /// Works on a client's requests, one after the other.
    fn serve(&mut self, number: usize) {
        while let Some(conn) = self.conns.get_mut(&number) {
            match conn.next() {
                Incoming::Request(request) => {
                    hit("request.before");
                    self.on_request(number, request);
                    hit("request.after");
                }
                Incoming::Nothing => return,
                Incoming::Garbage(text) => {
                    let failure = Failure {
                        message: text,
                        hint: Some("is the client of another version?".to_owned()),
                    };
                    conn.reply(&Reply::Error(failure));
                    conn.closing = true;
                    return;
                }
                Incoming::Closed => return self.close_client(number),
            }
        }
    }

    fn close_client(&mut self, number: usize) {
        self.conns.remove(&number);
        let gone: Vec<u64> = self
            .subscribers
            .iter()
            .filter(|(_, conn)| **conn == number)
            .map(|(id, _)| *id)
            .collect();
        for subscriber in gone {
            self.subscribers.remove(&subscriber);
            self.engine.unsubscribe(subscriber);
        }
        self.drop_jobs(number);
    }

    fn flush_client(&mut self, number: usize) {
        if self.conns.get_mut(&number).is_some_and(|conn| !conn.flush()) {
            self.close_client(number);
        }
    }

    /// Sends what was said to clients in this round.
    pub fn flush_clients(&mut self) {
        let numbers: Vec<usize> = self.conns.keys().copied().collect();
        for number in numbers {
            self.flush_client(number);
        }
    }

    /// Tells a client something on the way to its reply.
    pub fn event(&mut self, number: usize, event: &Event) {
        if let Some(conn) = self.conns.get_mut(&number) {
            conn.event(event);
        }
    }

    /// Ends a client's request, and begins its next one if that waits.
    pub fn reply(&mut self, number: usize, reply: &Reply) {
        hit("reply.before");
        if let Some(conn) = self.conns.get_mut(&number) {
            conn.reply(reply);
            self.serve_later(number);
        }
        hit("reply.after");
    }

    /// Requests that wait behind one that has ended are taken by the next round.
    fn serve_later(&mut self, number: usize) {
        if self.conns.get(&number).is_some_and(Conn::has_more) {
            self.serve(number);
        }
    }
}
