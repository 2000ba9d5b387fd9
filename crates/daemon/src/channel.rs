//! The manager's end of one application's IPC channel: bytes and descriptors in and out, without blocking.
//!
//! What is read is consumed in whole lines only, as far as they fit: the rest stays in the socket, of which the keeper
//! holds a duplicate, so that a daemon that dies in between loses no half message.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;

use ostler_wire::node::{Framer, LARGE_HANDLE_MESSAGE};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recv, recvmsg, sendmsg,
};

/// Bytes looked at at once. More than a socket usually queues, so that a whole message is seen whole.
const WINDOW: usize = 64 << 10;
/// Bytes that may wait for an application that does not read; more is refused.
const MAX_QUEUED: usize = 16 << 20;

/// Why something was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The other end is closed.
    Closed,
    /// The application does not read, and too much waits already.
    Full,
}

/// One channel.
#[derive(Debug)]
pub struct Channel {
    fd: OwnedFd,
    /// What was read and not yet handled.
    pub framer: Framer<OwnedFd>,
    output: VecDeque<Outgoing>,
    queued: usize,
    broken: bool,
}

#[derive(Debug)]
struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
    fd: Option<Rc<OwnedFd>>,
}

impl Channel {
    /// Takes our end, which does not block.
    pub fn new(fd: OwnedFd) -> Self {
        Self { fd, framer: Framer::default(), output: VecDeque::new(), queued: 0, broken: false }
    }

    /// Reads until nothing is left, at most so many rounds that others get their turn. `true`: the other end is closed.
    pub fn fill(&mut self, window: &mut Vec<u8>) -> bool {
        window.resize(WINDOW, 0);
        loop {
            let seen = match recv(&self.fd, window.as_mut_slice(), RecvFlags::PEEK | RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return true,
                Ok((_, seen)) => seen.min(WINDOW),
                Err(Errno::AGAIN) => return false,
                Err(Errno::INTR) => continue,
                Err(_) => return true,
            };
            let whole = window.get(..seen).and_then(|bytes| memchr::memrchr(b'\n', bytes)).map(|at| at + 1);
            // No line end in sight: wait for more, unless so much is there that no more can come.
            let Some(take) = whole.or((seen > WINDOW / 2).then_some(seen)) else { return false };
            if !self.take(window, take) {
                return true;
            }
            if seen < WINDOW && take == seen {
                // All that was there. What came since is told by another event.
                return false;
            }
        }
    }

    /// Reads what is left, whole lines or not, of an application that is dead.
    pub fn drain(&mut self, window: &mut Vec<u8>) {
        window.resize(WINDOW, 0);
        while self.take(window, WINDOW) {}
    }

    /// Consumes up to `take` bytes; each read ends where descriptors begin. `false`: nothing was left or it is broken.
    fn take(&mut self, window: &mut [u8], take: usize) -> bool {
        let mut left = take;
        while 0 < left {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let Some(room) = window.get_mut(..left) else { return false };
            let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
            let message = match recvmsg(&self.fd, &mut [IoSliceMut::new(room)], &mut control, flags) {
                Ok(message) if message.bytes == 0 => return false,
                Ok(message) => message,
                Err(Errno::INTR) => continue,
                Err(_) => return false,
            };
            let mut came = 0;
            for part in control.drain() {
                if let RecvAncillaryMessage::ScmRights(fds) = part {
                    for fd in fds {
                        // One message carries one descriptor; a second one belongs to nobody.
                        came += 1;
                        if came == 1 {
                            self.framer.push_fd(fd);
                        }
                    }
                }
            }
            if came == 0 && message.flags.contains(ReturnFlags::CTRUNC) {
                self.framer.push_missing();
            }
            self.framer.push(window.get(..message.bytes).unwrap_or_default());
            left -= message.bytes;
        }
        true
    }

    /// Queues a message, with the descriptor that travels with its first byte, and writes what the socket takes.
    ///
    /// # Errors
    /// [`SendError`]; nothing was queued then.
    pub fn send(&mut self, bytes: &[u8], fd: Option<&Rc<OwnedFd>>) -> Result<(), SendError> {
        if self.broken {
            return Err(SendError::Closed);
        }
        if MAX_QUEUED < self.queued + bytes.len() {
            return Err(SendError::Full);
        }
        if self.output.is_empty() && bytes.len() < LARGE_HANDLE_MESSAGE {
            // Nothing waits, and it is small: it goes whole or not at all, without being copied.
            match write(self.fd.as_fd(), bytes, fd.map(|fd| fd.as_fd())) {
                Ok(sent) if sent == bytes.len() => return Ok(()),
                Ok(sent) => {
                    self.push(bytes.get(sent..).unwrap_or_default(), None);
                    return Ok(());
                }
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(_) => {
                    self.broken = true;
                    return Err(SendError::Closed);
                }
            }
        }
        self.push(bytes, fd);
        self.flush();
        Ok(())
    }

    /// Writes what waits, as far as the socket takes it.
    pub fn flush(&mut self) {
        while let Some(front) = self.output.front_mut() {
            let rest = front.bytes.get(front.sent..).unwrap_or_default();
            match write(self.fd.as_fd(), rest, front.fd.as_ref().map(|fd| fd.as_fd())) {
                Ok(sent) => {
                    front.fd = None;
                    front.sent += sent;
                    self.queued -= sent;
                    if front.bytes.len() <= front.sent {
                        self.output.pop_front();
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => {
                    self.broken = true;
                    self.output.clear();
                    self.queued = 0;
                }
            }
        }
    }

    /// Another descriptor for the same end.
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn duplicate(&self) -> io::Result<OwnedFd> {
        self.fd.try_clone()
    }

    /// Whether something waits for the application to read.
    pub fn is_blocked(&self) -> bool {
        !self.output.is_empty()
    }

    fn push(&mut self, bytes: &[u8], fd: Option<&Rc<OwnedFd>>) {
        self.queued += bytes.len();
        self.output.push_back(Outgoing { bytes: bytes.to_vec(), sent: 0, fd: fd.map(Rc::clone) });
    }
}

impl AsRawFd for Channel {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

fn write(socket: BorrowedFd<'_>, bytes: &[u8], fd: Option<BorrowedFd<'_>>) -> Result<usize, Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds: Option<[BorrowedFd<'_>; 1]> = fd.map(|fd| [fd]);
    if let Some(fds) = &fds
        && !control.push(SendAncillaryMessage::ScmRights(fds))
    {
        return Err(Errno::INVAL);
    }
    sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
}

/// The error as the system's.
impl From<SendError> for io::Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Closed => io::ErrorKind::BrokenPipe.into(),
            SendError::Full => io::ErrorKind::OutOfMemory.into(),
        }
    }
}
