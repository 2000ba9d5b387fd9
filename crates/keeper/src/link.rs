//! The stream between keeper and daemon: whole messages over a socket that never blocks.
//!
//! A stream hands out bytes in pieces of its own choosing, and descriptors with whichever piece
//! their byte is in. This end puts frames together again, gives each frame the descriptors that
//! came with its first byte, queues what the socket does not take yet, and sets bounds to all of
//! it. Both sides use it, each in its own event loop.
//!
//! It works with edge-triggered polling: [`Endpoint::receive`] until `None`, [`Endpoint::send`] at
//! any time, [`Endpoint::flush`] whenever the socket is writable.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::config::{KEEPER_FD_VAR, READY_FD_VAR};
use crate::proto::{DecodeError, FromKeeper, MAX_FDS, Message, ToKeeper, encode, split};
use crate::sys;

/// The daemon's end, with its socket as it is or as a poll watches it.
pub type Link<F = OwnedFd> = Endpoint<ToKeeper, FromKeeper, F>;

/// The keeper's end.
pub type KeeperEnd<F = OwnedFd> = Endpoint<FromKeeper, ToKeeper, F>;

/// Most bytes that wait to be written; more is refused.
const MAX_QUEUED: usize = 16 << 20;

/// Most descriptor deliveries that wait for their frame to be complete.
const MAX_BATCHES: usize = 64;

/// Bytes read at once.
const CHUNK: usize = 16 << 10;

/// An input buffer that grew beyond this is given back when it is empty.
const KEEP_CAPACITY: usize = 64 << 10;

/// One end of the stream, sending `S` and receiving `R`.
#[derive(Debug)]
pub struct Endpoint<S, R, F = OwnedFd> {
    socket: F,
    input: Vec<u8>,
    /// Where the unread part of `input` begins.
    start: usize,
    /// The place in the stream of the first unread byte.
    position: u64,
    batches: VecDeque<Batch>,
    output: VecDeque<Outgoing>,
    queued: usize,
    starved: bool,
    eof: bool,
    types: PhantomData<fn(S) -> R>,
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

#[derive(Debug)]
struct Outgoing {
    bytes: Vec<u8>,
    written: usize,
    fds: Vec<Arc<OwnedFd>>,
}

/// One frame, as it came.
#[derive(Debug)]
pub enum Received<R> {
    /// A message.
    Message {
        /// The message.
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
        /// What is wrong with it.
        error: DecodeError,
    },
}

impl<S: Message, R: Message, F: AsFd> Endpoint<S, R, F> {
    /// Takes one end of a stream socket pair; makes it non-blocking and close-on-exec.
    pub fn new(socket: F) -> io::Result<Self> {
        sys::set_nonblocking(socket.as_fd())?;
        sys::set_cloexec(socket.as_fd(), true)?;
        Ok(Self {
            socket,
            input: Vec::new(),
            start: 0,
            position: 0,
            batches: VecDeque::new(),
            output: VecDeque::new(),
            queued: 0,
            starved: false,
            eof: false,
            types: PhantomData,
        })
    }

    /// The socket, to be polled.
    pub fn fd(&self) -> RawFd {
        self.socket.as_fd().as_raw_fd()
    }

    /// Queues a message and writes as much as the socket takes. The descriptors are closed when
    /// they were sent.
    ///
    /// # Errors
    /// The message is longer than a frame may be, more than [`MAX_FDS`] descriptors, too much is
    /// queued already (the other side does not read), or the socket is broken.
    pub fn send(&mut self, message: &S, fds: Vec<OwnedFd>) -> io::Result<()> {
        self.send_shared(message, fds.into_iter().map(Arc::new).collect())
    }

    /// Like [`send`](Self::send), for descriptors that stay in use on this side.
    pub fn send_shared(&mut self, message: &S, fds: Vec<Arc<OwnedFd>>) -> io::Result<()> {
        if fds.len() > MAX_FDS {
            return Err(invalid("too many descriptors for one message"));
        }
        let count =
            u8::try_from(fds.len()).map_err(|_| invalid("too many descriptors for one message"))?;
        let bytes =
            encode(message, count).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        if self.queued + bytes.len() > MAX_QUEUED {
            return Err(io::Error::other("the other side does not read: too much is queued"));
        }
        self.queued += bytes.len();
        self.output.push_back(Outgoing { bytes, written: 0, fds });
        self.flush().map(|_| ())
    }

    /// Writes what is queued; `true` when nothing is left. With `false`, call again when the socket
    /// is writable or, if [`starved`](Self::starved), after a short time.
    pub fn flush(&mut self) -> io::Result<bool> {
        self.starved = false;
        while let Some(front) = self.output.front_mut() {
            match front.write(self.socket.as_fd()) {
                Ok(count) => {
                    front.written += count;
                    self.queued -= count;
                    if front.written >= front.bytes.len() {
                        self.output.pop_front();
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::TOOMANYREFS | Errno::NOBUFS | Errno::NOMEM) => {
                    self.starved = true;
                    return Ok(false);
                }
                Err(error) => {
                    // The other side is gone; what it said before can still be read.
                    self.output.clear();
                    self.queued = 0;
                    return Err(error.into());
                }
            }
        }
        Ok(true)
    }

    /// Bytes that wait to be written.
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// Returns the socket.
    pub fn socket(&self) -> &F {
        &self.socket
    }

    /// Returns the socket, for what a poll does with it.
    pub fn socket_mut(&mut self) -> &mut F {
        &mut self.socket
    }

    /// Puts the socket into something that owns it from now on, as a poll's `Watched`.
    ///
    /// # Errors
    /// Those of `wrap`; the link is closed then.
    pub fn map_socket<G: AsFd>(
        self,
        wrap: impl FnOnce(F) -> io::Result<G>,
    ) -> io::Result<Endpoint<S, R, G>> {
        Ok(Endpoint {
            socket: wrap(self.socket)?,
            input: self.input,
            start: self.start,
            position: self.position,
            batches: self.batches,
            output: self.output,
            queued: self.queued,
            starved: self.starved,
            eof: self.eof,
            types: PhantomData,
        })
    }

    /// What was received and is not read yet: bytes, and descriptors with the range of those bytes
    /// that they came with.
    pub(crate) fn leftover(&self) -> (&[u8], Vec<Came<'_>>) {
        let range = |range: &Range<u64>| {
            range.start.saturating_sub(self.position)..range.end.saturating_sub(self.position)
        };
        let batches =
            self.batches.iter().map(|batch| (range(&batch.range), batch.fds.as_slice())).collect();
        (self.input.get(self.start..).unwrap_or_default(), batches)
    }

    /// Puts back what an earlier program had received. For a new end only.
    pub(crate) fn restore(&mut self, leftover: Leftover) {
        self.input = leftover.input;
        self.batches =
            leftover.batches.into_iter().map(|(range, fds)| Batch { range, fds }).collect();
    }

    /// Whether the last write failed for want of something that no poll reports (memory,
    /// descriptors in flight).
    pub fn starved(&self) -> bool {
        self.starved
    }

    /// The next frame; `None` when there is no whole one yet.
    ///
    /// # Errors
    /// `UnexpectedEof` when the other side has closed and everything was received; `InvalidData`
    /// when the stream holds no frames; whatever the socket says.
    pub fn receive_frame(&mut self) -> io::Result<Option<Received<R>>> {
        loop {
            if let Some(received) = self.take_frame()? {
                return Ok(Some(received));
            }
            if self.eof {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The next message; `None` when there is no whole one yet. Messages of types that were
    /// invented after this version are passed over. When this process is at its limit of open
    /// files, fewer descriptors come than the message's mask announces.
    ///
    /// # Errors
    /// As [`receive_frame`](Self::receive_frame), and `InvalidData` for a message of a known type
    /// that makes no sense.
    pub fn receive(&mut self) -> io::Result<Option<(R, Vec<OwnedFd>)>> {
        loop {
            match self.receive_frame()? {
                None => return Ok(None),
                Some(Received::Message { message, fds, lost: _ }) => {
                    return Ok(Some((message, fds)));
                }
                Some(Received::Bad { error: DecodeError::UnknownKind(_), .. }) => {}
                Some(Received::Bad { error, .. }) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            }
        }
    }

    fn take_frame(&mut self) -> io::Result<Option<Received<R>>> {
        let unread = self.input.get(self.start..).unwrap_or_default();
        let frame = match split(unread) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        };
        let (size, expected) = (frame.size(), usize::from(frame.fds));
        let decoded = frame.decode::<R>().map_err(|error| (frame.kind, error));
        let fds = self.take_fds(expected);
        self.consume(size);
        let lost = fds.len() < expected;
        Ok(Some(match decoded {
            Ok(message) => Received::Message { message, fds, lost },
            Err((kind, error)) => Received::Bad { kind, error },
        }))
    }

    /// The descriptors of the frame at `position`. Fewer than announced come when this process had
    /// no room for them.
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

    /// Reads once; `false` when there is nothing to read now.
    fn fill(&mut self) -> io::Result<bool> {
        if self.batches.len() > MAX_BATCHES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "descriptors without frames"));
        }
        if self.start > 0 {
            self.input.drain(..self.start);
            self.start = 0;
        }
        let mut chunk = [0_u8; CHUNK];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let message = loop {
            let mut parts = [IoSliceMut::new(&mut chunk)];
            match recvmsg(
                &self.socket,
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
                Err(error) => return Err(error.into()),
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

impl Outgoing {
    fn write(&self, socket: BorrowedFd<'_>) -> Result<usize, Errno> {
        let rest = self.bytes.get(self.written..).unwrap_or_default();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds: Vec<BorrowedFd<'_>> = self.fds.iter().map(|fd| fd.as_fd()).collect();
        if self.written == 0
            && !fds.is_empty()
            && !control.push(SendAncillaryMessage::ScmRights(&fds))
        {
            return Err(Errno::INVAL);
        }
        sendmsg(
            socket,
            &[IoSlice::new(rest)],
            &mut control,
            SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
        )
    }
}

impl<S, R, F: AsFd> AsRawFd for Endpoint<S, R, F> {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_fd().as_raw_fd()
    }
}

impl<S, R, F: AsFd> AsFd for Endpoint<S, R, F> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The daemon's end that its keeper passed, named by the environment; `None` when no keeper started
/// this process. To be called once, early.
pub fn from_env() -> io::Result<Option<Link>> {
    sys::take_env_fd(KEEPER_FD_VAR)?.map(Link::new).transpose()
}

/// The descriptor to close (or write to) when the daemon answers for the first time, named by the
/// environment. To be called once, early.
pub fn ready_fd_from_env() -> io::Result<Option<OwnedFd>> {
    sys::take_env_fd(READY_FD_VAR)
}

/// Takes a descriptor that another program left open for this one under a known number (a
/// `--resume` or an adopted link); close-on-exec from now on. To be called once for a number.
pub fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    sys::own_fd(number)
}

/// A new stream: the keeper's end as a descriptor to pass on, and the daemon's end.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    Ok(socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

#[cfg(test)]
mod tests;
