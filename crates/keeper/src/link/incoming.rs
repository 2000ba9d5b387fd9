//! The receiving half of a link: bytes become frames again, and each gets its descriptors.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, recvmsg};

use super::broken::is_broken;
use crate::proto::{DecodeError, MAX_FDS, Message, split};

/// Most descriptor deliveries that wait for their frame to be complete.
const MAX_BATCHES: usize = 64;

/// Bytes read at once.
const CHUNK: usize = 16 << 10;

/// An input buffer that grew beyond this is given back when it is empty.
const KEEP_CAPACITY: usize = 64 << 10;

/// One frame, as it came.
#[derive(Debug)]
pub enum Received<R> {
    /// A message that was understood.
    Message {
        /// The message itself.
        message: R,
        /// The descriptors that rode on it.
        fds: Vec<OwnedFd>,
        /// Whether this process had no room for all of them.
        lost: bool,
    },
    /// A frame that is not understood; the next one may be.
    Bad {
        /// The frame's type byte.
        kind: u8,
        /// The number that its body begins with, which is a run's in most types; 0 when
        /// it is shorter.
        number: u64,
        /// What is wrong with it.
        error: DecodeError,
    },
}

/// What was received and is not read yet.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    pub(super) input: Vec<u8>,
    /// Where the unread part of `input` begins.
    start: usize,
    /// The place in the stream of the first unread byte.
    position: u64,
    batches: VecDeque<Batch>,
    eof: bool,
    starved: bool,
}

/// Descriptors that came with some byte in this range of the stream.
#[derive(Debug)]
struct Batch {
    range: Range<u64>,
    fds: Vec<OwnedFd>,
}

/// Descriptors that wait for their frame, and the range of unread bytes that they came with.
pub(crate) type Came<'a> = (Range<u64>, &'a [OwnedFd]);

/// What an end had received but not read when its program was replaced.
pub(crate) struct Leftover {
    pub(crate) input: Vec<u8>,
    pub(crate) batches: Vec<(Range<u64>, Vec<OwnedFd>)>,
}

impl Incoming {
    /// Returns whether there was no memory for what can be read.
    pub(super) fn starved(&self) -> bool {
        self.starved
    }

    /// Returns whether the other side has closed and everything was received.
    pub(super) fn is_at_end(&self) -> bool {
        self.eof
    }

    pub(super) fn leftover(&self) -> (&[u8], Vec<Came<'_>>) {
        let range = |range: &Range<u64>| {
            range.start.saturating_sub(self.position)..range.end.saturating_sub(self.position)
        };
        let batches =
            self.batches.iter().map(|batch| (range(&batch.range), batch.fds.as_slice())).collect();
        (self.input.get(self.start..).unwrap_or_default(), batches)
    }

    pub(super) fn restore(&mut self, leftover: Leftover) {
        self.input = leftover.input;
        self.batches =
            leftover.batches.into_iter().map(|(range, fds)| Batch { range, fds }).collect();
    }

    /// Takes the next frame, if it is whole.
    pub(super) fn take_frame<R: Message>(&mut self) -> io::Result<Option<Received<R>>> {
        let unread = self.input.get(self.start..).unwrap_or_default();
        let frame = match split(unread) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        };
        let (size, expected) = (frame.size(), usize::from(frame.fds));
        let number = frame.body.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let kind = frame.kind;
        let decoded = frame.decode::<R>();
        let fds = self.take_fds(expected);
        self.consume(size);
        let lost = fds.len() < expected;
        Ok(Some(match decoded {
            Ok(message) => Received::Message { message, fds, lost },
            Err(error) => Received::Bad { kind, number, error },
        }))
    }

    /// Returns the descriptors of the frame at `position`; fewer than announced when this process
    /// had no room for them.
    fn take_fds(&mut self, expected: usize) -> Vec<OwnedFd> {
        while self.batches.front().is_some_and(|batch| batch.range.end <= self.position) {
            self.batches.pop_front();
        }
        let ours = expected > 0
            && self.batches.front().is_some_and(|batch| batch.range.start <= self.position);
        if ours {
            self.batches.pop_front().map(|batch| batch.fds).unwrap_or_default()
        } else {
            Vec::new()
        }
    }

    fn consume(&mut self, size: usize) {
        self.start += size;
        self.position += size as u64;
        if self.start >= self.input.len() {
            self.input.clear();
            self.start = 0;
            if self.input.capacity() > KEEP_CAPACITY {
                self.input = Vec::new();
            }
        }
    }

    /// Reads once; returns `false` when there is nothing to read now.
    pub(super) fn fill(&mut self, socket: BorrowedFd<'_>) -> io::Result<bool> {
        if self.batches.len() > MAX_BATCHES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "descriptors without frames"));
        }
        if self.start > 0 {
            self.input.drain(..self.start);
            self.start = 0;
        }
        // What is not read yet stays in the socket until there is memory for it.
        self.starved = self.input.try_reserve(CHUNK).is_err();
        if self.starved {
            return Ok(false);
        }
        let mut chunk = [0_u8; CHUNK];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let message = loop {
            let mut parts = [IoSliceMut::new(&mut chunk)];
            match recvmsg(
                socket,
                &mut parts,
                &mut control,
                RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT,
            ) {
                Ok(message) => break message,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                // The other side died with unread input: for us that is its end.
                Err(Errno::CONNRESET) => {
                    self.eof = true;
                    return Ok(true);
                }
                Err(error) if is_broken(error) => return Err(error.into()),
                Err(_) => {
                    self.starved = true;
                    return Ok(false);
                }
            }
        };
        let mut fds = Vec::new();
        for part in control.drain() {
            if let RecvAncillaryMessage::ScmRights(list) = part {
                fds.extend(list);
            }
        }
        if message.bytes == 0 {
            self.eof = true;
            return Ok(true);
        }
        let begin = self.position + self.input.len() as u64;
        self.input.extend(chunk.iter().take(message.bytes));
        if !fds.is_empty() || message.flags.contains(ReturnFlags::CTRUNC) {
            self.batches.push_back(Batch { range: begin..begin + message.bytes as u64, fds });
        }
        Ok(true)
    }
}
