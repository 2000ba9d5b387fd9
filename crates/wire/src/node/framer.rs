//! Bytes and descriptors of a channel in, messages out.
//!
//! A read may end anywhere, even inside a character, so lines are cut on the byte `\n` and decoded
//! afterwards. A descriptor comes with the first byte of its message; reads keep the order of both,
//! so a queue pairs them.

use std::collections::VecDeque;

use super::{Incoming, Mark, Nonsense};

/// Bytes that tell, in a message that was thrown away, whether a descriptor belonged to it.
const HEAD: &[u8] = br#"{"cmd":"NODE_HANDLE","#;
/// Descriptors that may wait for their messages. Beyond that somebody is pouring them in.
const MAX_WAITING: usize = 256;
/// An empty buffer above this size, bytes, is given back.
const KEEP: usize = 256 << 10;

/// A descriptor, or the news that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<F> {
    /// The descriptor itself.
    Fd(F),
    /// The kernel had to drop it, because we had no number free (`MSG_CTRUNC`).
    Missing,
}

/// One item of a channel.
#[derive(Debug, PartialEq, Eq)]
pub struct Message<'a, F> {
    /// The message, understood.
    pub incoming: Incoming<'a>,
    /// The descriptor of an [`Incoming::Handle`]. `None` there: it was announced and never came.
    ///
    /// Beside [`Incoming::Garbage`] when the line that was thrown away had announced it: the sender
    /// waits for a NACK.
    pub fd: Option<Received<F>>,
    /// The line began as a handle message, so its sender is waiting for an acknowledgement.
    pub wants_ack: bool,
}

/// Cuts the messages out of one channel. `F` is a descriptor that closes itself when dropped.
#[derive(Debug)]
pub struct Framer<F> {
    buffer: Vec<u8>,
    /// Where the first message that was not handed out begins.
    start: usize,
    /// Up to here there is no newline.
    scanned: usize,
    fds: VecDeque<Received<F>>,
    limit: usize,
    mark: Mark,
    /// In a message above the limit: whether it had announced a descriptor.
    skipping: Option<bool>,
}

/// A line that was taken off the buffer.
enum Cut {
    Line(std::ops::Range<usize>),
    TooLong { wants_ack: bool },
}

impl<F> Default for Framer<F> {
    fn default() -> Self {
        Self::new(super::DEFAULT_LIMIT)
    }
}

impl<F> Framer<F> {
    /// For messages of up to `limit` bytes; longer ones become [`Nonsense::TooLong`].
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            fds: VecDeque::new(),
            limit: limit.max(HEAD.len() + 1),
            mark: Mark::Plain,
            skipping: None,
        }
    }

    /// Takes bytes that were read. A descriptor of the same read goes in before them, by
    /// the method [`Framer::push_fd`].
    pub fn push(&mut self, bytes: &[u8]) {
        self.tidy();
        self.buffer.extend_from_slice(bytes);
    }

    /// Takes a descriptor. If more wait than any honest sender has in flight, it is closed and
    /// counts as missing.
    pub fn push_fd(&mut self, fd: F) {
        if self.fds.len() < MAX_WAITING {
            self.fds.push_back(Received::Fd(fd));
        } else {
            self.push_missing();
        }
    }

    /// Notes that a descriptor was lost on its way to us (`MSG_CTRUNC`), so that the others stay
    /// with their own messages.
    pub fn push_missing(&mut self) {
        if self.fds.len() < 2 * MAX_WAITING {
            self.fds.push_back(Received::Missing);
        }
    }

    /// Returns how this peer marks its internal messages, and wants ours to be marked.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// Bytes of a message that is not complete yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// The next message, or `None` until more bytes come.
    ///
    /// A descriptor is closed here as soon as no message is left that could claim it.
    pub fn next_message(&mut self) -> Option<Message<'_, F>> {
        let line = match self.cut()? {
            Cut::Line(line) => line,
            Cut::TooLong { wants_ack } => {
                let fd = if wants_ack { self.fds.pop_front() } else { None };
                return Some(Message {
                    incoming: Incoming::Garbage(Nonsense::TooLong),
                    fd,
                    wants_ack,
                });
            }
        };
        let line = self.buffer.get(line).unwrap_or_default();
        let incoming = Incoming::parse(line);
        let wants_ack = match &incoming {
            Incoming::Handle(_) => true,
            Incoming::Garbage(_) => line.starts_with(HEAD),
            _ => false,
        };
        let fd = if wants_ack { self.fds.pop_front() } else { None };
        Some(Message { incoming, fd, wants_ack })
    }

    /// Takes the next whole line off the buffer.
    fn cut(&mut self) -> Option<Cut> {
        let Some(end) = self.find_newline() else {
            self.starve();
            return None;
        };
        let mut from = std::mem::replace(&mut self.start, end + 1);
        if let Some(wants_ack) = self.skipping.take() {
            return Some(Cut::TooLong { wants_ack });
        }
        if self.buffer.get(from) == Some(&2) {
            self.mark = Mark::Bun;
            from += 1;
        }
        if end - from > self.limit {
            let line = self.buffer.get(from..end).unwrap_or_default();
            return Some(Cut::TooLong { wants_ack: line.starts_with(HEAD) });
        }
        Some(Cut::Line(from..end))
    }

    fn find_newline(&mut self) -> Option<usize> {
        let from = self.scanned.max(self.start);
        let rest = self.buffer.get(from..).unwrap_or_default();
        match memchr::memchr(b'\n', rest) {
            Some(offset) => {
                self.scanned = from + offset;
                Some(from + offset)
            }
            None => {
                self.scanned = self.buffer.len();
                None
            }
        }
    }

    /// No complete message is left: keep within the limit, and let no descriptor wait for nothing.
    fn starve(&mut self) {
        if self.skipping.is_none() && self.pending() > self.limit {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            let rest = rest.strip_prefix(&[2]).unwrap_or(rest);
            self.skipping = Some(rest.starts_with(HEAD));
        }
        if self.skipping.is_some() {
            self.start = self.buffer.len();
        } else if self.pending() == 0 {
            // The first byte of a message comes with its descriptor, so these belonged to none.
            self.fds.clear();
        }
        self.tidy();
    }

    /// Frees the room of what was handed out, without moving bytes for every message.
    fn tidy(&mut self) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            if self.buffer.capacity() > KEEP {
                self.buffer.shrink_to(KEEP);
            }
        } else if self.start >= KEEP && self.start * 2 >= self.buffer.len() {
            self.buffer.drain(..self.start);
        } else {
            return;
        }
        self.scanned = self.scanned.saturating_sub(self.start).min(self.buffer.len());
        self.start = 0;
    }
}
