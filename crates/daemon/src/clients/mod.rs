//! The control socket: who may connect, what is asked, what is answered.

mod conn;
mod watchers;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::rc::Rc;

use ostler_keeper::failpoint::hit;
use ostler_poll::{Interest, Poll, Watched};
use ostler_wire::control::{Code, Event, Failure, Reply, Request, UnwrittenFile};
use serde::Serialize;

use crate::reports::{Report, Reports};
use crate::reserve::{self, Reserve};
use crate::tokens::Polled;
use crate::{clock, daemon_log};
pub use conn::Watching;
use conn::{Conn, Incoming};

/// A client that has asked nothing for so long, ms, gives way when there is no room for another.
const IDLE: u64 = 100;
/// What may wait for all clients together, bytes.
const ALL_QUEUED: usize = 128 << 20;
/// Who could not be taken in is tried again after this, ms.
const RETRY: u64 = 250;

/// What the engine does for a client before that is answered.
#[derive(Debug)]
enum Flushing {
    /// It empties files.
    Files,
    /// Nothing but what it was told before: then files of these processes are asked about.
    Nothing { ids: Vec<u32> },
}

/// All clients, and the socket at which they come in.
pub struct Clients {
    listener: Watched<UnixListener>,
    connected: BTreeMap<usize, Conn>,
    next: usize,
    /// Who may have sent a whole request.
    unread: VecDeque<usize>,
    /// Who had a request worked on in this turn and may have sent another.
    later: VecDeque<usize>,
    /// In a turn each client has one request worked on: nobody waits for all that another one asks.
    turn: u64,
    /// Who waits until log files are emptied, by the engine's token.
    flushes: BTreeMap<u64, (usize, Flushing)>,
    next_flush: u64,
    /// Descriptors held back for a client that must be let in.
    reserve: Reserve,
    /// When those are taken in for whom there was no room.
    accept_at: Option<u64>,
    /// When a reader for whom apps wait has taken bytes last.
    took_at: Option<u64>,
    poll: Rc<Poll<Polled>>,
}

impl Clients {
    /// Clients come in at this socket, which does not block.
    pub fn new(listener: Watched<UnixListener>, reserve: Reserve, poll: Rc<Poll<Polled>>) -> Self {
        Self {
            listener,
            connected: BTreeMap::new(),
            next: 0,
            unread: VecDeque::new(),
            later: VecDeque::new(),
            turn: 1,
            flushes: BTreeMap::new(),
            next_flush: 0,
            reserve,
            accept_at: None,
            took_at: None,
            poll,
        }
    }

    /// Returns a duplicate of the socket, for a keeper.
    ///
    /// # Errors
    /// Out of file descriptors.
    pub fn listener_copy(&self) -> io::Result<OwnedFd> {
        self.listener.try_clone().map(OwnedFd::from)
    }

    /// Clients come in at this socket from now on, and no more at the one before.
    ///
    /// # Errors
    /// It cannot be polled; all is as before.
    pub fn listen_at(&mut self, listener: UnixListener) -> io::Result<()> {
        self.listener = self.poll.watch(listener, Polled::Control, Interest::READ.edge())?;
        Ok(())
    }

    /// When [`accept`](Self::accept) is due again.
    pub fn deadline(&self) -> Option<u64> {
        self.accept_at
    }

    /// Lets go what is held back for clients: there is something more urgent.
    pub fn release_reserve(&mut self) {
        self.reserve.release();
    }

    /// Whether a further turn has something to do.
    pub fn want_turn(&self) -> bool {
        !self.later.is_empty()
    }

    /// Everybody else had a turn: each client may have its next request worked on.
    pub fn begin_turn(&mut self) {
        self.turn += 1;
        self.unread.append(&mut self.later);
    }

    /// Takes in clients that want in. Only we and root may: whoever controls the daemon runs
    /// programs as us.
    pub fn accept(&mut self, reports: &mut Reports) {
        self.accept_at = None;
        loop {
            if reserve::most_clients() <= self.connected.len() && !self.send_idle_away(reports) {
                return self.accept_later();
            }
            match self.listener.accept() {
                Ok((stream, _)) => {
                    if let Err(why) = self.admit(stream) {
                        daemon_log::error(format!("rejected a client: {why}"));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Out of file descriptors, mostly.
                Err(_) if self.reserve.release() || self.send_idle_away(reports) => {}
                Err(error) => {
                    // Who waits in the queue is taken a little later.
                    daemon_log::error(format!("could not accept a client: {error}"));
                    return self.accept_later();
                }
            }
        }
    }

    fn accept_later(&mut self) {
        self.accept_at = Some(clock::monotonic() + RETRY);
    }

    fn admit(&mut self, stream: UnixStream) -> Result<(), String> {
        match rustix::net::sockopt::socket_peercred(&stream) {
            Ok(peer) if peer.uid == rustix::process::geteuid() || peer.uid.is_root() => {}
            Ok(peer) => return Err(format!("it is of user {}", peer.uid.as_raw())),
            Err(error) => return Err(format!("peer credentials unavailable: {error}")),
        }
        let number = self.next;
        self.next += 1;
        let interest = Interest::READ.edge() | Interest::WRITE;
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| self.poll.watch(stream, Polled::Client(number), interest))
            .map_err(|error| format!("it cannot be polled: {error}"))?;
        self.connected.insert(number, Conn::new(stream, clock::monotonic()));
        Ok(())
    }

    /// Ends the connection of the oldest client that asks nothing. `false`: there is none.
    fn send_idle_away(&mut self, reports: &mut Reports) -> bool {
        let before = clock::monotonic().saturating_sub(IDLE);
        let idle = self.connected.iter_mut().find_map(|(number, conn)| {
            if before < conn.since || conn.watching.is_some() {
                return None;
            }
            // What it has asked just now may not have been read.
            conn.fill();
            conn.is_idle().then_some(*number)
        });
        let Some(number) = idle else { return false };
        self.close(number, reports);
        true
    }

    /// A client said something, left, or takes bytes again.
    pub fn on_ready(&mut self, number: usize, readable: bool) {
        if let Some(conn) = self.connected.get_mut(&number) {
            if readable {
                conn.fill();
            }
            self.unread.push_back(number);
        }
    }

    /// Returns the next request, of a client none of whose requests is being worked on or was
    /// in this turn.
    pub fn next_request(&mut self, reports: &mut Reports) -> Option<(usize, Request)> {
        while let Some(number) = self.unread.front().copied() {
            let turn = self.turn;
            let incoming = self.connected.get_mut(&number).and_then(|conn| {
                if conn.has_more() && conn.served == turn {
                    self.later.push_back(number);
                    return None;
                }
                conn.held = conn.has_more() && conn.is_slow();
                (!conn.held).then(|| conn.next())
            });
            if let Some(Incoming::Request(request)) = incoming {
                if let Some(conn) = self.connected.get_mut(&number) {
                    conn.served = turn;
                }
                // It is looked at once more: it may have left.
                return Some((number, request));
            }
            self.unread.pop_front();
            match incoming {
                Some(Incoming::Garbage(message)) => self.refuse(number, message),
                Some(Incoming::Closed) => self.close(number, reports),
                Some(Incoming::Nothing | Incoming::Request(_)) | None => {}
            }
        }
        None
    }

    fn refuse(&mut self, number: usize, message: String) {
        let hint = Some("is the client of another version?".to_owned());
        if let Some(conn) = self.connected.get_mut(&number) {
            conn.reply(&Reply::Error(Failure { code: Code::Invalid, message, hint }));
            conn.closing = true;
        }
    }

    fn close(&mut self, number: usize, reports: &mut Reports) {
        if let Some(conn) = self.connected.remove(&number) {
            let watched = conn.watching.is_some();
            reports.push_back(Report::ClientGone { client: number, watched });
        }
    }

    /// Whether a reader for whom apps wait has not taken all yet.
    pub fn has_unread(&self) -> bool {
        self.connected.values().any(|conn| conn.is_patient() && 0 < conn.queued())
    }

    /// When a reader for whom apps wait has taken bytes last, on the monotonic clock.
    pub fn took_at(&self) -> Option<u64> {
        self.took_at
    }

    /// Sends one client what was said to it.
    pub fn flush_one(&mut self, number: usize, reports: &mut Reports) {
        let Some(conn) = self.connected.get_mut(&number) else { return };
        let before = conn.queued();
        let goes_on = conn.flush();
        if conn.is_patient() && conn.queued() < before {
            self.took_at = Some(clock::monotonic());
        }
        if !goes_on {
            return self.close(number, reports);
        }
        if conn.has_taken() {
            reports.push_back(Report::LinesTaken(number));
        }
        if conn.held && !conn.is_slow() {
            conn.held = false;
            self.later.push_back(number);
        }
    }

    /// Sends what was said to clients in this round.
    pub fn flush(&mut self, reports: &mut Reports) {
        let numbers: Vec<usize> = self.connected.keys().copied().collect();
        for number in numbers {
            self.flush_one(number, reports);
        }
        self.bound_all(reports);
        if self.connected.is_empty() {
            self.reserve.refill();
        }
    }

    /// Cuts those off that do not read, from the one for whom most waits, when too much waits for
    /// all clients together.
    fn bound_all(&mut self, reports: &mut Reports) {
        loop {
            let queued = self.connected.iter().map(|(number, conn)| (conn.queued(), *number));
            let (all, most) =
                queued.fold((0, None), |(all, most), one| (all + one.0, most.max(Some(one))));
            match most {
                Some((bytes, number)) if ALL_QUEUED < all => {
                    daemon_log::error(format!(
                        "cut a client off that does not read: {bytes} bytes wait for it"
                    ));
                    self.close(number, reports);
                }
                Some(_) | None => return,
            }
        }
    }

    /// Tells a client something on the way to its reply.
    pub fn event(&mut self, number: usize, event: &Event) {
        if let Some(conn) = self.connected.get_mut(&number) {
            conn.event(event);
        }
    }

    /// Ends a client's request; its next one may wait already.
    pub fn reply(&mut self, number: usize, reply: &Reply) {
        self.answer(number, |conn| conn.reply(reply));
    }

    /// Ends a client's request with the list.
    pub fn reply_list(&mut self, number: usize, list: &impl Serialize) {
        self.answer(number, |conn| conn.reply(list));
    }

    /// Ends a client's request with text.
    pub fn reply_raw(&mut self, number: usize, text: String) {
        self.answer(number, |conn| conn.raw(text));
    }

    fn answer(&mut self, number: usize, answer: impl FnOnce(&mut Conn)) {
        hit("reply.before");
        if let Some(conn) = self.connected.get_mut(&number) {
            answer(conn);
            if conn.has_more() {
                self.unread.push_back(number);
            }
        }
        hit("reply.after");
    }

    /// A client waits until log files are emptied; returns the token by which that is told.
    pub fn begin_flush(&mut self, number: usize) -> u64 {
        self.wait_for_engine(number, Flushing::Files)
    }

    /// A client waits until the engine has done what it was told, and asks about these processes.
    pub fn begin_look(&mut self, number: usize, ids: Vec<u32>) -> u64 {
        self.wait_for_engine(number, Flushing::Nothing { ids })
    }

    fn wait_for_engine(&mut self, number: usize, what: Flushing) -> u64 {
        self.next_flush += 1;
        self.flushes.insert(self.next_flush, (number, what));
        self.next_flush
    }

    /// The engine has come to a token: returns who waits for it, and what to answer. `unwritten`:
    /// which log files of these processes cannot be written.
    pub fn end_flush(
        &mut self,
        token: u64,
        unwritten: impl FnOnce(&[u32]) -> Vec<UnwrittenFile>,
    ) -> Option<(usize, Reply)> {
        Some(match self.flushes.remove(&token)? {
            (client, Flushing::Files) => (client, Reply::Done),
            (client, Flushing::Nothing { ids }) => {
                (client, Reply::Unwritten { files: unwritten(&ids) })
            }
        })
    }
}

#[cfg(test)]
mod tests;
