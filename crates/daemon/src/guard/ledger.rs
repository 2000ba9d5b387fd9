//! What is known about the connections in the descriptor table, in memory that daemon
//! and guard share.
//!
//! One writer, and a reader that begins when the writer is dead: the order of the stores is
//! all that matters.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use ostler_cluster::{ListenerId, WorkerId};

use crate::sys;

/// Descriptors with a place. Connections with higher numbers have none, and die with us.
const PLACES: usize = 1 << 16;
/// Words at the head: the listening socket that is being asked (its number + 1, or 0), its
/// listener, places in use.
const HEAD: usize = 4;
/// Words of a place: listener (0: no connection of ours), run + 1 (0: not sent), number
/// of the message.
const PLACE: usize = 4;

/// What is known about one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where it was accepted.
    pub listener: u64,
    /// The run that it was about to be sent to, and the number of that message.
    pub sent: Option<(u64, u64)>,
}

/// All notes, in shared memory.
#[derive(Clone, Copy, Debug)]
pub struct Ledger {
    words: &'static [AtomicU64],
}

impl Ledger {
    /// An empty one. Its memory stays until the process ends.
    ///
    /// # Errors
    /// The system refuses the memory (2 MiB, of which only what is used is taken).
    pub fn new() -> io::Result<Self> {
        Ok(Self { words: sys::shared_words(HEAD + PLACES * PLACE)? })
    }

    fn set(&self, at: usize, value: u64) {
        if let Some(word) = self.words.get(at) {
            word.store(value, Ordering::Release);
        }
    }

    fn word(&self, at: usize) -> u64 {
        self.words.get(at).map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// A connection is about to be taken from a listening socket.
    pub fn asking(&self, socket: RawFd, listener: u64) {
        self.set(1, listener);
        self.set(0, u64::try_from(socket).map_or(0, |socket| socket + 1));
    }

    /// None was there, or it was noted.
    pub fn asked(&self) {
        self.set(0, 0);
    }

    /// The socket that was being asked, and its listener.
    pub fn asks(&self) -> Option<(RawFd, u64)> {
        let socket = RawFd::try_from(self.word(0).checked_sub(1)?).ok()?;
        Some((socket, self.word(1)))
    }

    /// A connection is ours.
    pub fn hold(&self, conn: RawFd, listener: u64) {
        let Some(place) = place(conn) else { return };
        self.set(place + 1, 0);
        self.set(place, listener);
        let used = place / PLACE + 1;
        if self.word(2) < used as u64 {
            self.set(2, used as u64);
        }
    }

    /// It is about to be sent. (One that is not held is not public, and nobody's
    /// but that worker's.)
    pub fn send(&self, conn: RawFd, run: u64, seq: u64) {
        let Some(place) = place(conn) else { return };
        self.set(place + 1, 0);
        self.set(place + 2, seq);
        self.set(place + 1, run.saturating_add(1));
    }

    /// It is about to be closed here.
    pub fn clear(&self, conn: RawFd) {
        if let Some(place) = place(conn) {
            self.set(place, 0);
        }
    }

    /// What is known about a descriptor.
    pub fn note(&self, conn: RawFd) -> Option<Note> {
        let place = place(conn)?;
        let listener = self.word(place);
        let sent = self.word(place + 1).checked_sub(1).map(|run| (run, self.word(place + 2)));
        (listener != 0).then_some(Note { listener, sent })
    }

    /// All connections that are held, by descriptor.
    pub fn notes(&self) -> impl Iterator<Item = (RawFd, Note)> {
        let used = usize::try_from(self.word(2)).unwrap_or(0).min(PLACES);
        (0..used).filter_map(|fd| {
            let fd = RawFd::try_from(fd).ok()?;
            Some((fd, self.note(fd)?))
        })
    }
}

impl ostler_cluster::Ledger<Rc<OwnedFd>> for Ledger {
    fn asking(&self, socket: &Rc<OwnedFd>, listener: ListenerId) {
        Self::asking(self, socket.as_raw_fd(), listener.0);
    }

    fn asked(&self) {
        Self::asked(self);
    }

    fn hold(&self, conn: &Rc<OwnedFd>, listener: ListenerId) {
        Self::hold(self, conn.as_raw_fd(), listener.0);
    }

    fn send(&self, conn: &Rc<OwnedFd>, worker: WorkerId, seq: u64) {
        Self::send(self, conn.as_raw_fd(), worker.0, seq);
    }

    fn clear(&self, conn: &Rc<OwnedFd>) {
        Self::clear(self, conn.as_raw_fd());
    }
}

/// Where the words of a descriptor begin.
fn place(fd: RawFd) -> Option<usize> {
    usize::try_from(fd).ok().filter(|fd| *fd < PLACES).map(|fd| HEAD + fd * PLACE)
}
