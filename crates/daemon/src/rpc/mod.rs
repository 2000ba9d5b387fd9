//! PM2's socket of calls: who may connect, what is called, what is answered.
//!
//! A client of PM2's may have many calls open, and takes their answers in any order by their
//! numbers. In a turn each client has one call worked on, so that nobody waits for all that another
//! one asks. A call that the model works on is a client of it, under a number of its own.

mod conn;
mod plan;
mod report;
mod then;

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_core::{Millis, RunId};
use ostler_pm2::rpc::{Answer, Call};
use ostler_poll::{Interest, Poll};
use ostler_wire::control::{Event, Reply};

use crate::daemon_log;
use crate::door::{Door, RPC};
use crate::model::{ClientId, Model};
use crate::reports::{Report, Reports};
use crate::tokens::Polled;
use conn::{Conn, Incoming};
pub use plan::{Deed, Plan, line, plan, run_of};
pub use report::report;
pub use then::Then;

/// An app is asked for an action so much later than whoever triggers it is answered, ms: PM2's
/// client waits for ever for a reply that comes before it has read the answer.
const SEND_LATER: Millis = 20;
/// A client that does not take its answer for so long is waited for no more, ms.
const READ_LIMIT: Millis = 10_000;
/// What may wait for all clients together, bytes.
const ALL_QUEUED: usize = 128 << 20;

/// All clients of PM2's, and the socket at which they come in.
pub struct Rpc {
    door: Door,
    connected: BTreeMap<usize, Conn>,
    next: usize,
    /// Who may have sent a whole call.
    unread: VecDeque<usize>,
    /// Who had a call worked on in this turn and may have sent another.
    later: VecDeque<usize>,
    /// Who may have something to be sent, or has left.
    touched: Vec<usize>,
    open: BTreeMap<usize, Open>,
    next_call: usize,
    /// What is sent to apps, the next first.
    sends: VecDeque<Sending>,
    /// Processes that are told of our end.
    told: Vec<u32>,
    poll: Rc<Poll<Polled>>,
}

/// What apps are sent when a client has read its answer.
#[derive(Debug)]
struct Sending {
    client: usize,
    runs: Vec<RunId>,
    bytes: Vec<u8>,
    /// When it is sent, or the client is looked at again.
    at: Millis,
    /// When it is sent all the same.
    until: Millis,
}

/// A call that the model works on.
#[derive(Debug)]
struct Open {
    client: usize,
    id: String,
    then: Then,
}

impl Rpc {
    /// Clients come in at this socket; `kept`: what the keeper held of it.
    pub fn new(kept: Option<(Vec<u8>, OwnedFd)>, poll: &Rc<Poll<Polled>>) -> Self {
        Self {
            door: Door::new(RPC, Polled::Rpc, kept, poll),
            connected: BTreeMap::new(),
            next: 0,
            unread: VecDeque::new(),
            later: VecDeque::new(),
            touched: Vec::new(),
            open: BTreeMap::new(),
            next_call: 0,
            sends: VecDeque::new(),
            told: Vec::new(),
            poll: Rc::clone(poll),
        }
    }

    /// The socket at which clients come in.
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// The same, to look after it.
    pub fn door_mut(&mut self) -> &mut Door {
        &mut self.door
    }

    /// Takes in clients that want in.
    pub fn accept(&mut self) {
        while let Some(stream) = self.door.accept(self.connected.len()) {
            let number = self.next;
            self.next += 1;
            let interest = Interest::READ.edge() | Interest::WRITE;
            match self.poll.watch(stream, Polled::Caller(number), interest) {
                Ok(stream) => _ = self.connected.insert(number, Conn::new(stream)),
                Err(error) => daemon_log::error(format!("a client cannot be polled: {error}")),
            }
        }
    }

    /// Whether a further turn has something to do.
    pub fn want_turn(&self) -> bool {
        !self.later.is_empty()
    }

    /// Everybody else had a turn: each client may have its next call worked on.
    pub fn begin_turn(&mut self) {
        self.unread.append(&mut self.later);
    }

    /// A client said something, left, or takes bytes again.
    pub fn on_ready(&mut self, number: usize, readable: bool) {
        if let Some(conn) = self.connected.get_mut(&number) {
            if readable {
                conn.fill();
            }
            self.unread.push_back(number);
            self.touched.push(number);
        }
    }

    /// Returns the next call, with the number of who calls.
    pub fn next_call(&mut self) -> Option<(usize, Box<Call>)> {
        while let Some(number) = self.unread.pop_front() {
            let conn = self.connected.get_mut(&number);
            let Some(conn) = conn.filter(|conn| !conn.is_held()) else { continue };
            match conn.next() {
                Incoming::Call(call) => {
                    conn.fill();
                    self.later.push_back(number);
                    self.touched.push(number);
                    return Some((number, call));
                }
                Incoming::Garbage(why) => {
                    conn.answer("", Answer::Error(why));
                    conn.close();
                }
                Incoming::Nothing => {}
            }
        }
        None
    }

    /// Answers a call of a client.
    pub fn answer(&mut self, number: usize, id: &str, answer: Answer) {
        if let Some(conn) = self.connected.get_mut(&number) {
            conn.answer(id, answer);
        }
    }

    /// The model works on a call. Returns as whom it knows it.
    pub fn begin(&mut self, client: usize, id: String, then: Then) -> ClientId {
        self.next_call += 1;
        self.open.insert(self.next_call, Open { client, id, then });
        if let Some(conn) = self.connected.get_mut(&client) {
            conn.open += 1;
        }
        ClientId::of_call(self.next_call)
    }

    /// The model tells something on the way to the end of a call.
    pub fn event(&mut self, call: usize, event: &Event) {
        if let Some(open) = self.open.get_mut(&call) {
            open.then.on_event(event);
        }
    }

    /// The model is done with a call: it is answered, if it has an answer.
    pub fn end(&mut self, call: usize, reply: &Reply, model: &Model) {
        self.close_call(call, |then| then.answer(reply, model));
    }

    fn close_call(&mut self, call: usize, answer: impl FnOnce(Then) -> Option<Answer>) {
        let Some(Open { client, id, then }) = self.open.remove(&call) else { return };
        let answer = answer(then);
        if let Some(conn) = self.connected.get_mut(&client) {
            conn.open -= 1;
            if let Some(answer) = answer {
                conn.answer(&id, answer);
            }
            self.touched.push(client);
            if conn.has_more() {
                self.later.push_back(client);
            }
        }
    }

    /// Bytes are sent to runs when the client has read what it was answered, but not at once.
    pub fn send_later(&mut self, now: Millis, client: usize, runs: Vec<RunId>, bytes: Vec<u8>) {
        if !runs.is_empty() {
            let (at, until) = (now + SEND_LATER, now + READ_LIMIT);
            self.sends.push_back(Sending { client, runs, bytes, at, until });
        }
    }

    /// When [`take_sends`](Self::take_sends) is due.
    pub fn sends_at(&self) -> Option<Millis> {
        self.sends.front().map(|first| first.at)
    }

    /// Returns what is to be sent now, and to whom.
    pub fn take_sends(&mut self, now: Millis) -> Vec<(Vec<RunId>, Vec<u8>)> {
        let count = self.sends.iter().take_while(|send| send.at <= now).count();
        let mut due = Vec::new();
        for mut send in self.sends.drain(..count).collect::<Vec<_>>() {
            let is_reading = |conn: &Conn| !conn.has_read_all();
            if now < send.until && self.connected.get(&send.client).is_some_and(is_reading) {
                send.at = now + SEND_LATER;
                self.sends.push_back(send);
            } else {
                due.push((send.runs, send.bytes));
            }
        }
        due
    }

    fn close(&mut self, number: usize, reports: &mut Reports) {
        self.connected.remove(&number);
        self.open.retain(|call, open| {
            let stays = open.client != number;
            if !stays {
                let client = ClientId::of_call(*call).0;
                reports.push_back(Report::ClientGone { client, watched: false });
            }
            stays
        });
    }

    /// The process of a client is told by a signal when everything has ended, if its number is
    /// the one that it gives.
    pub fn tell_end(&mut self, number: usize, pid: Option<u32>) {
        let peer = self.connected.get(&number).and_then(Conn::peer);
        self.told.extend(peer.filter(|peer| pid == Some(*peer)));
    }

    /// Tells who is to be told that everything has ended.
    pub fn say_end(&mut self) {
        for pid in self.told.drain(..) {
            let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
            // It may have left.
            _ = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::QUIT));
        }
    }

    /// Sends what was said to clients in this round.
    pub fn flush(&mut self, reports: &mut Reports) {
        if self.touched.is_empty() {
            return;
        }
        let mut gone = Vec::new();
        for number in std::mem::take(&mut self.touched) {
            let Some(conn) = self.connected.get_mut(&number) else { continue };
            let was_held = conn.is_held();
            if !conn.flush() || conn.is_over() {
                gone.push(number);
            } else if was_held && !conn.is_held() {
                self.later.push_back(number);
            }
        }
        let queued: usize = self.connected.values().map(Conn::queued).sum();
        if ALL_QUEUED < queued {
            // Who does not read, and for whom most waits.
            let most = self.connected.iter().max_by_key(|(_, conn)| conn.queued());
            gone.extend(most.map(|(number, _)| *number));
            daemon_log::error(format!(
                "cut a client off that does not read: {queued} bytes wait for all"
            ));
        }
        for number in gone {
            self.close(number, reports);
        }
    }
}

#[cfg(test)]
mod tests;
