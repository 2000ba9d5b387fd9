//! The manager's end of one application's IPC channel: bytes and descriptors in and
//! out, without blocking.
//!
//! What is read stays in the socket, of which the keeper holds a duplicate, until it was handled:
//! lines are looked at, handled, and taken out then. A daemon that dies in between leaves them to
//! its successor, who handles them again; so whatever a line brings about, it must be the same when
//! it is brought about twice.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;

use ostler_poll::Watched;
use ostler_wire::node::{Framer, LARGE_HANDLE_MESSAGE};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recv, recvmsg, sendmsg,
};

/// How often a read of what a dead application left is tried that the system lacks something for.
const DRAIN_TRIES: u32 = 8;

/// Bytes looked at at once. More than a socket usually queues, so that a whole message
/// is seen whole.
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

/// What a look at a channel saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Bytes of whole lines.
    pub take: usize,
    /// The other end is closed.
    pub closed: bool,
    /// There may be more behind it.
    pub more: bool,
}

impl Seen {
    const NOTHING: Self = Self { take: 0, closed: false, more: false };
    /// The system lacks something for a moment, of whose end nobody tells.
    const AGAIN: Self = Self { take: 0, closed: false, more: true };
}

/// How many bytes are there, and the descriptors with them.
type Looked = (usize, Vec<Option<OwnedFd>>);

/// Our end of one channel.
#[derive(Debug)]
pub struct Channel {
    fd: Watched<Arc<OwnedFd>>,
    /// What was read and not yet handled.
    pub framer: Framer<OwnedFd>,
    /// Bytes at the front of the socket that were handled, and could not be taken out yet.
    handled: usize,
    output: VecDeque<Outgoing>,
    queued: usize,
    broken: bool,
    /// The other end is closed: what is in the socket is all that comes, and no event follows.
    hung_up: bool,
}

#[derive(Debug)]
struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
    fd: Option<Rc<OwnedFd>>,
}

impl Channel {
    /// Takes our end, which does not block.
    pub fn new(fd: Watched<Arc<OwnedFd>>) -> Self {
        Self {
            fd,
            framer: Framer::default(),
            handled: 0,
            output: VecDeque::new(),
            queued: 0,
            broken: false,
            hung_up: false,
        }
    }

    /// The other end is closed. What it said before is still to be read, and then its end.
    pub fn note_hangup(&mut self) {
        self.hung_up = true;
    }

    /// Looks at what came: whole lines are in the framer then, and still in the socket. When they
    /// were handled, they are to be taken out by [`Channel::consume`].
    pub fn peek(&mut self, buffer: &mut Vec<u8>) -> Seen {
        if !self.take_out_handled(buffer) {
            return Seen::AGAIN;
        }
        let (seen, fds) = match self.look(buffer, WINDOW) {
            Ok(Some(looked)) => looked,
            Ok(None) => return Seen::NOTHING,
            Err(_) => return Seen::AGAIN,
        };
        if seen == 0 {
            return Seen { closed: true, ..Seen::NOTHING };
        }
        let whole =
            buffer.get(..seen).and_then(|bytes| memchr::memrchr(b'\n', bytes)).map(|at| at + 1);
        let Some(take) = whole else {
            // No line end in sight: wait for more, unless so much is there that no more can come.
            let full = WINDOW / 2 < seen;
            let closed = if full { !self.take(buffer, seen).unwrap_or(true) } else { self.hung_up };
            return Seen { closed, more: full, ..Seen::NOTHING };
        };
        let any = !fds.is_empty();
        let fds = if any && take < seen {
            // Descriptors come with the first byte of a line: whether that line is among the whole
            // ones, the kernel knows.
            match self.look(buffer, take) {
                Ok(Some((again, fds))) if again == take => fds,
                Ok(Some(_) | None) => return Seen { closed: true, ..Seen::NOTHING },
                Err(_) => return Seen::AGAIN,
            }
        } else {
            fds
        };
        for fd in fds {
            match fd {
                Some(fd) => self.framer.push_fd(fd),
                None => self.framer.push_missing(),
            }
        }
        self.framer.push(buffer.get(..take).unwrap_or_default());
        // A look ends behind descriptors, and at the window's end. What came since is told by
        // another event.
        Seen { take, closed: false, more: any || seen == WINDOW || self.hung_up }
    }

    /// Takes out what was looked at and handled.
    pub fn consume(&mut self, buffer: &mut Vec<u8>, seen: Seen) {
        self.handled += seen.take;
        if !self.take_out_handled(buffer) {
            // Nobody tells when the system has what it lacks: the next turn tries. Where even that
            // cannot be had, the next event of the channel does.
            _ = self.fd.look_again();
        }
    }

    /// Takes out what was handled, so that nobody handles it again. `false`: the system lacks
    /// something for it.
    fn take_out_handled(&mut self, buffer: &mut Vec<u8>) -> bool {
        buffer.resize(WINDOW, 0);
        while 0 < self.handled {
            let room = self.handled.min(WINDOW);
            let room = buffer.get_mut(..room).unwrap_or_default();
            match recv(&self.fd, room, RecvFlags::DONTWAIT) {
                Ok((_, 0)) | Err(Errno::AGAIN) => self.handled = 0,
                Ok((_, read)) => self.handled -= read.min(self.handled),
                Err(Errno::INTR) => {}
                // It is at its end; the next look says so.
                Err(error) if is_final(error) => self.handled = 0,
                Err(_) => return false,
            }
        }
        true
    }

    /// Up to `room` bytes from the front and the descriptors with them, at most one set; `None` for
    /// one that could not be had. All of it stays. `None`: nothing is there. No bytes: the other
    /// end is closed.
    ///
    /// # Errors
    /// The system lacks something.
    fn look(&self, buffer: &mut [u8], room: usize) -> Result<Option<Looked>, Errno> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::PEEK | RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let room = buffer.get_mut(..room).unwrap_or_default();
        let message = loop {
            match recvmsg(&self.fd, &mut [IoSliceMut::new(room)], &mut control, flags) {
                Ok(message) => break message,
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(error) if is_final(error) => return Ok(Some((0, Vec::new()))),
                Err(error) => return Err(error),
            }
        };
        Ok(Some((message.bytes, descriptors(&mut control, message.flags))))
    }

    /// Reads what is left, whole lines or not, of an application that is dead.
    pub fn drain(&mut self, buffer: &mut Vec<u8>) {
        let mut failed = 0;
        while failed < DRAIN_TRIES {
            if !self.take_out_handled(buffer) {
                failed += 1;
                continue;
            }
            match self.take(buffer, WINDOW) {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) => failed += 1,
            }
        }
    }

    /// Consumes up to `take` bytes; each read ends where descriptors begin. `false`: nothing was
    /// left or it is broken.
    ///
    /// # Errors
    /// The system lacks something; what was consumed until then is in the framer.
    fn take(&mut self, buffer: &mut [u8], take: usize) -> Result<bool, Errno> {
        let mut left = take;
        while 0 < left {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let Some(room) = buffer.get_mut(..left) else { return Ok(false) };
            let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
            let message = match recvmsg(&self.fd, &mut [IoSliceMut::new(room)], &mut control, flags)
            {
                Ok(message) if message.bytes == 0 => return Ok(false),
                Ok(message) => message,
                Err(Errno::INTR) => continue,
                Err(error) if error == Errno::AGAIN || is_final(error) => return Ok(false),
                Err(error) => return Err(error),
            };
            for fd in descriptors(&mut control, message.flags) {
                match fd {
                    Some(fd) => self.framer.push_fd(fd),
                    None => self.framer.push_missing(),
                }
            }
            self.framer.push(buffer.get(..message.bytes).unwrap_or_default());
            left -= message.bytes;
        }
        Ok(true)
    }

    /// Queues a message, with the descriptor that travels with its first byte, and writes what
    /// the socket takes.
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
                Err(error) if is_final(error) => {
                    self.broken = true;
                    return Err(SendError::Closed);
                }
                Err(_) => {}
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
                Err(error) if is_final(error) => {
                    self.broken = true;
                    self.output.clear();
                    self.queued = 0;
                }
                Err(_) => {
                    // Nobody tells when the system has what it lacks: the next turn asks. Where
                    // even that cannot be had, the next event of the channel does.
                    _ = self.fd.look_again();
                    return;
                }
            }
        }
    }

    /// Returns our end, for a keeper to hold.
    pub fn shared(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.fd)
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

/// What came beside bytes. One message carries one descriptor; a second one belongs to nobody.
fn descriptors(control: &mut RecvAncillaryBuffer<'_>, flags: ReturnFlags) -> Vec<Option<OwnedFd>> {
    let mut all = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = part {
            all.extend(fds.map(Some));
        }
    }
    all.truncate(1);
    if all.is_empty() && flags.contains(ReturnFlags::CTRUNC) {
        all.push(None);
    }
    all
}

/// Whether the other end is gone, which its end is about to tell, too. Any other error is a want of
/// the system's (memory, descriptors in flight), and what was to be sent waits: a channel given up
/// for that would keep the connections that were sent before.
fn is_final(error: Errno) -> bool {
    matches!(error, Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN | Errno::BADF | Errno::INVAL)
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

#[cfg(test)]
mod tests;
