//! The stream between keeper and daemon: whole messages over a socket that never blocks.
//!
//! A stream hands out bytes in pieces of its own choosing, and descriptors with whichever piece
//! their byte is in. This end puts frames together again, gives each frame the descriptors that
//! came with its first byte, queues what the socket does not take yet, and sets bounds to all of
//! it. Both sides use it, each in its own event loop.
//!
//! It works with edge-triggered polling: [`Endpoint::receive`] until `None`, [`Endpoint::send`] at
//! any time, [`Endpoint::flush`] whenever the socket is writable.

mod broken;
mod incoming;
mod outgoing;

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

use crate::config::{KEEPER_FD_VAR, READY_FD_VAR};
use crate::proto::{DecodeError, FrameError, FromKeeper, MAX_FDS, Message, ToKeeper, encode};
use crate::sys;

use incoming::Incoming;
pub use incoming::Received;
pub(crate) use incoming::{Came, Leftover};
use outgoing::Outgoing;

/// The daemon's end, with its socket as it is or as a poll watches it.
pub type Link<F = OwnedFd> = Endpoint<ToKeeper, FromKeeper, F>;

/// The keeper's end.
pub type KeeperEnd<F = OwnedFd> = Endpoint<FromKeeper, ToKeeper, F>;

/// One end of the stream, sending `S` and receiving `R`.
#[derive(Debug)]
pub struct Endpoint<S, R, F = OwnedFd> {
    socket: F,
    incoming: Incoming,
    outgoing: Outgoing,
    types: PhantomData<fn(S) -> R>,
}

impl<S: Message, R: Message, F: AsFd> Endpoint<S, R, F> {
    /// Takes one end of a stream socket pair; makes it non-blocking and close-on-exec.
    pub fn new(socket: F) -> io::Result<Self> {
        sys::set_nonblocking(socket.as_fd())?;
        sys::set_cloexec(socket.as_fd(), true)?;
        Ok(Self {
            socket,
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            types: PhantomData,
        })
    }

    /// Returns the number of the socket, to be polled.
    pub fn fd(&self) -> RawFd {
        self.socket.as_fd().as_raw_fd()
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
        let (incoming, outgoing) = (self.incoming, self.outgoing);
        Ok(Endpoint { socket: wrap(self.socket)?, incoming, outgoing, types: PhantomData })
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
        let count = u8::try_from(fds.len()).ok().filter(|_| fds.len() <= MAX_FDS);
        let count = count.ok_or_else(|| invalid("too many descriptors for one message"))?;
        let bytes = encode(message, count).map_err(|error| {
            let kind = match error {
                FrameError::NoMemory => io::ErrorKind::OutOfMemory,
                FrameError::TooLong(_) | FrameError::TooShort(_) => io::ErrorKind::InvalidInput,
            };
            io::Error::new(kind, error)
        })?;
        self.outgoing.push(bytes, fds)?;
        self.flush().map(|_| ())
    }

    /// Writes what is queued; returns `true` when nothing is left. With `false`, call again when
    /// the socket is writable or, if [`starved`](Self::starved), after a short time.
    pub fn flush(&mut self) -> io::Result<bool> {
        self.outgoing.flush(self.socket.as_fd())
    }

    /// Returns how many bytes wait to be written.
    pub fn queued(&self) -> usize {
        self.outgoing.queued()
    }

    /// Returns whether the last read or write failed for something that no poll reports (memory,
    /// descriptors in flight). It is to be tried again after a short time.
    pub fn starved(&self) -> bool {
        self.outgoing.starved() || self.incoming.starved()
    }

    /// Returns what was received and is not read yet: bytes, and descriptors with the range of
    /// those bytes that they came with.
    pub(crate) fn leftover(&self) -> (&[u8], Vec<Came<'_>>) {
        self.incoming.leftover()
    }

    /// Puts back what an earlier program had received. For a new end only.
    pub(crate) fn restore(&mut self, leftover: Leftover) {
        self.incoming.restore(leftover);
    }

    /// Returns the next frame; `None` when there is no whole one yet.
    ///
    /// # Errors
    /// `UnexpectedEof` when the other side has closed and everything was received; `InvalidData`
    /// when the stream holds no frames; whatever the socket says.
    pub fn receive_frame(&mut self) -> io::Result<Option<Received<R>>> {
        loop {
            if let Some(received) = self.incoming.take_frame()? {
                return Ok(Some(received));
            }
            if self.incoming.is_at_end() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if !self.incoming.fill(self.socket.as_fd())? {
                return Ok(None);
            }
        }
    }

    /// Returns the next message; `None` when there is no whole one yet. Messages of types that were
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

/// Returns the daemon's end that its keeper passed, named by the environment; `None` when no keeper
/// started this process. To be called once, early.
pub fn from_env() -> io::Result<Option<Link>> {
    sys::take_env_fd(KEEPER_FD_VAR)?.map(Link::new).transpose()
}

/// Returns the descriptor to close (or write to) when the daemon answers for the first time, named
/// by the environment. To be called once, early.
pub fn ready_fd_from_env() -> io::Result<Option<OwnedFd>> {
    sys::take_env_fd(READY_FD_VAR)
}

/// Takes a descriptor that another program left open for this one under a known number (a
/// `--resume` or an adopted link); close-on-exec from now on. To be called once for a number.
pub fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    sys::own_fd(number)
}

/// Makes a stream: the keeper's end as a descriptor to pass on, and the daemon's end.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    Ok(socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

#[cfg(test)]
mod tests;
