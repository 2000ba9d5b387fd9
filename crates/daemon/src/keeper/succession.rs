//! One daemon makes room for another, and the keeper may die at any instant.
//!
//! Problem: a daemon that goes leaves everything with the keeper alone until the next one has been
//! told of it, a tenth of a second later. A keeper that dies then takes everything along.
//!
//! Rule: the daemon that makes room decides nothing any more, and holds what it holds until its
//! successor says, through a socket of theirs, that it has all of it. When the keeper dies before,
//! it takes everything back: it starts another keeper and makes room again. Which of the two was
//! first is decided by the socket: what is written to it before it is shut down can be read.

use std::io;
use std::os::fd::OwnedFd;

use ostler_keeper::failpoint::hit;
use ostler_keeper::proto::ToKeeper;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType, recv, send, shutdown,
    socketpair,
};

use super::Keeper;
use crate::{clock, daemon_log};

/// The name that the keeper holds the successor's end under.
pub const SUCCESSION: &str = "succession";
/// The first version of a keeper that starts a daemon beside another.
const SINCE: u8 = 3;
/// How long the keeper may take to be dead once its descriptors are closed, ms.
const DYING: u64 = 1000;

/// The end of the daemon that makes room.
#[derive(Debug)]
pub struct Claim(OwnedFd);

/// What became of the wait for a successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The successor has everything, or nobody is there who could say so.
    Over,
    /// The keeper died, and everything is ours again.
    TakenBack,
    /// Nothing happened in time.
    Late,
}

impl Claim {
    /// Returns our end and the successor's.
    ///
    /// # Errors
    /// Out of file descriptors.
    pub fn new() -> io::Result<(Self, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        Ok((Self(ours), theirs))
    }

    /// Whether the successor has everything.
    fn is_taken(&self) -> bool {
        said(&self.0)
    }

    /// Takes everything back, unless the successor was first.
    fn take_back(&self) -> bool {
        // First the word: whoever finds the socket shut down must find it.
        let told = send(&self.0, b"back", SendFlags::NOSIGNAL);
        let shut = shutdown(&self.0, Shutdown::Read);
        // Without a successor there is nobody who reads it.
        _ = (told, shut);
        !self.is_taken()
    }
}

/// The successor has everything, and says so. `false`: the daemon before was first and has
/// taken it back.
pub fn take(end: &OwnedFd) -> bool {
    // Otherwise the daemon before has gone, or has taken everything back and said so.
    send(end, b"taken", SendFlags::NOSIGNAL).is_ok() || !said(end)
}

/// Whether the other end has said something.
fn said(end: &OwnedFd) -> bool {
    let mut buffer = [0; 8];
    let heard = retry_on_intr(|| recv(end, &mut buffer[..], RecvFlags::DONTWAIT));
    matches!(heard, Ok((length, _)) if 0 < length)
}

impl Keeper {
    /// Whether the keeper starts a daemon beside this one.
    pub fn knows_succession(&self) -> bool {
        SINCE <= self.welcome.version && self.process.fd().is_some()
    }

    /// Asks for a successor; nothing else can be asked of the keeper from now on.
    ///
    /// # Errors
    /// Out of file descriptors.
    pub fn succeed(&mut self) -> io::Result<Claim> {
        let (claim, end) = Claim::new()?;
        self.put(SUCCESSION.to_owned(), Vec::new(), Ok(end));
        self.send(&ToKeeper::Succeed, Vec::new());
        self.flush_link();
        Ok(claim)
    }

    /// Waits for the successor, or for the keeper's death, until `until` (monotonic ms).
    pub fn await_successor(&self, claim: &Claim, until: Option<u64>) -> Waited {
        hit("succession.awaited");
        let Some(keeper) = self.process.fd() else { return Waited::Over };
        let (mut fds, limit) =
            ([PollFd::new(&claim.0, PollFlags::IN), PollFd::new(keeper, PollFlags::IN)], until);
        match wait(&mut fds, limit) {
            Err(error) => {
                daemon_log::error(format!("could not wait for the successor: {error}"));
                return Waited::Over;
            }
            Ok(0) => return Waited::Late,
            Ok(_) if claim.is_taken() => return Waited::Over,
            Ok(_) => {}
        }
        // The other end is closed, by the keeper's death or because it refused to hold it.
        let dying = Some(clock::monotonic() + DYING);
        match wait(&mut [PollFd::new(keeper, PollFlags::IN)], dying) {
            Ok(1..) if claim.take_back() => Waited::TakenBack,
            Ok(_) | Err(_) => Waited::Over,
        }
    }

    /// Waits until the next keeper is due.
    pub fn await_due(&self) {
        let due = Some(self.process.due.unwrap_or_default());
        if let Err(error) = wait(&mut [], due) {
            daemon_log::error(format!("could not wait: {error}"));
        }
    }
}

/// Waits until `until`, monotonic ms; `None` = for ever.
fn wait(fds: &mut [PollFd<'_>], until: Option<u64>) -> Result<usize, Errno> {
    retry_on_intr(|| {
        let left = until.map(|until| until.saturating_sub(clock::monotonic()));
        let left = left.map(std::time::Duration::from_millis);
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        poll(fds, left.as_ref())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_two_has_everything_whoever_is_first() {
        let (claim, end) = Claim::new().unwrap();
        assert!(!claim.is_taken(), "nobody has said so");
        assert!(take(&end));
        assert!(!claim.take_back(), "the successor was first");

        let (claim, end) = Claim::new().unwrap();
        assert!(claim.take_back());
        assert!(!take(&end), "it was taken back");

        let (claim, end) = Claim::new().unwrap();
        drop(end);
        assert!(claim.take_back(), "there is no successor");

        let (claim, end) = Claim::new().unwrap();
        assert!(take(&end));
        drop(claim);
        assert!(take(&end), "the next one has it, too: the daemon before has gone");
    }
}
