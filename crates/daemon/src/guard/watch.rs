//! The guard's whole life. It is a copy of a process that may have had several threads, so nothing
//! here allocates, takes a lock or panics.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, RawDir, open};
use rustix::io::Errno;
use rustix::net::{
    RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrAny, SocketType,
    getsockname, recv, sendmsg, sockopt,
};

use super::ledger::{Ledger, Note};
use crate::sys;

/// Words of a record: version, listener, run + 1 or 0, number of the message.
pub const RECORD: usize = 4;
/// Version of the record.
pub const VERSION: u64 = 1;
/// Records, each with its descriptor, in one message; the kernel takes up to 253.
pub const MOST: usize = 64;

/// Records that are about to be sent.
struct Batch {
    fds: [RawFd; MOST],
    bytes: [u8; MOST * RECORD * 8],
    count: usize,
}

impl Batch {
    fn add(&mut self, to: RawFd, fd: RawFd, note: Note) {
        if self.count == MOST {
            self.send(to);
        }
        let (run, seq) = note.sent.map_or((0, 0), |(run, seq)| (run.saturating_add(1), seq));
        let words = [VERSION, note.listener, run, seq];
        let places = self.bytes.chunks_exact_mut(8).skip(self.count * RECORD);
        for (place, word) in places.zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        if let Some(place) = self.fds.get_mut(self.count) {
            *place = fd;
            self.count += 1;
        }
    }

    fn send(&mut self, to: RawFd) {
        let count = std::mem::take(&mut self.count);
        let (Some(bytes), Some(numbers)) =
            (self.bytes.get(..count * RECORD * 8), self.fds.get(..count))
        else {
            return;
        };
        if count == 0 {
            return;
        }
        let mut fds = [sys::borrowed(to); MOST];
        for (fd, number) in fds.iter_mut().zip(numbers) {
            *fd = sys::borrowed(*number);
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if control.push(SendAncillaryMessage::ScmRights(fds.get(..count).unwrap_or_default())) {
            loop {
                // What cannot be sent is lost, and nobody is left whom it could be told.
                let sent = sendmsg(
                    sys::borrowed(to),
                    &[IoSlice::new(bytes)],
                    &mut control,
                    SendFlags::NOSIGNAL,
                );
                if sent != Err(Errno::INTR) {
                    return;
                }
            }
        }
    }
}

/// Why connections are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The daemon is dead.
    Death,
    /// The daemon asked for it.
    Release,
}

/// Waits for the end of the process `ourselves`, or for a word that comes out of `to`, then sends
/// its connections to `to`.
pub fn watch(ourselves: RawFd, to: RawFd, ledger: &Ledger) -> Reason {
    sys::name_process(c"ostler-guard");
    let reason = wait(ourselves, to);
    // A word left unread is an error to the reader of the other end, who would find that before
    // anything that was sent to it.
    _ = recv(sys::borrowed(to), &mut [0_u8; 8], RecvFlags::DONTWAIT);
    let mut batch = Batch { fds: [0; MOST], bytes: [0; MOST * RECORD * 8], count: 0 };
    for (fd, note) in ledger.notes() {
        batch.add(to, fd, note);
    }
    if let Some((socket, listener)) = ledger.asks() {
        find_unnoted(socket, ledger, |fd| batch.add(to, fd, Note { listener, sent: None }));
    }
    batch.send(to);
    reason
}

fn wait(ourselves: RawFd, word: RawFd) -> Reason {
    let (ended, word) = (sys::borrowed(ourselves), sys::borrowed(word));
    loop {
        let mut fds = [PollFd::new(&ended, PollFlags::IN), PollFd::new(&word, PollFlags::IN)];
        let [has_ended, said] = match poll(&mut fds, None) {
            Err(Errno::INTR) => continue,
            Ok(_) | Err(_) => fds.map(|fd| fd.revents()),
        };
        match (has_ended.is_empty(), said.contains(PollFlags::IN)) {
            (false, _) => return Reason::Death,
            (true, true) => return Reason::Release,
            // Nobody is there to say a word, and it would be reported again and again.
            (true, false) => break,
        }
    }
    while poll(&mut [PollFd::new(&ended, PollFlags::IN)], None) == Err(Errno::INTR) {}
    Reason::Death
}

/// The connection that was taken from the socket and not noted, if there is one.
fn find_unnoted(socket: RawFd, ledger: &Ledger, mut found: impl FnMut(RawFd)) {
    let Ok(own) = getsockname(sys::borrowed(socket)) else { return };
    let Ok(folder) =
        open(c"/proc/self/fd", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    else {
        return;
    };
    let mut space = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(&folder, &mut space);
    while let Some(Ok(entry)) = entries.next() {
        let Some(fd) = entry.file_name().to_str().ok().and_then(|name| name.parse::<RawFd>().ok())
        else {
            continue;
        };
        let is_other = fd != socket && fd != folder.as_raw_fd();
        if is_other && ledger.note(fd).is_none() && is_from(sys::borrowed(fd), &own) {
            found(fd);
        }
    }
}

/// Whether a descriptor is a connection to the address of a listening socket.
fn is_from(fd: BorrowedFd<'_>, listener: &SocketAddrAny) -> bool {
    if sockopt::socket_acceptconn(fd) != Ok(false)
        || sockopt::socket_type(fd) != Ok(SocketType::STREAM)
    {
        return false;
    }
    let Ok(name) = getsockname(fd) else { return false };
    let port = |name: &SocketAddrAny| {
        std::net::SocketAddr::try_from(name.clone()).ok().map(|name| name.port())
    };
    match (port(&name), port(listener)) {
        (Some(port), Some(other)) => port == other,
        (None, None) => name == *listener,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
