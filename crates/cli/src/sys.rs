//! System calls that no safe library offers. The only unsafe code of the crate.

#![expect(unsafe_code, reason = "signals cannot be read otherwise")]

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

/// Signals by which a program is asked to end.
pub(crate) const ENDING: [libc::c_int; 2] = [libc::SIGTERM, libc::SIGINT];

/// Signals that a command takes which stays.
pub(crate) const TAKEN: [libc::c_int; 6] =
    [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGUSR2, libc::SIGCHLD];

/// Blocks these signals, and returns a descriptor to read them from. To be called before any thread
/// is started, which would not have them blocked. Programs that the standard library starts begin
/// without blocked signals.
pub(crate) fn signal_fd(signals: &[libc::c_int]) -> io::Result<OwnedFd> {
    // SAFETY: plain calls on a local signal set; signalfd returns a new descriptor that nobody else
    // owns.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        let fd = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd)) }
    }
}

/// Returns these signals without those that whoever started this program has it ignore: `nohup`
/// SIGHUP, a shell SIGINT and SIGQUIT of a job in the background. Of what ends a program at once
/// that stays so.
pub(crate) fn heard(signals: &[libc::c_int]) -> Vec<libc::c_int> {
    let may_stay = [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP];
    let is_heard = |signal: &libc::c_int| !may_stay.contains(signal) || !is_ignored(*signal);
    signals.iter().copied().filter(is_heard).collect()
}

fn is_ignored(signal: libc::c_int) -> bool {
    // SAFETY: a plain call that writes what it finds into a local value, and changes nothing.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut now) == 0
            && now.sa_sigaction == libc::SIG_IGN
    }
}

/// Holds back SIGINT, SIGTERM and SIGHUP while something is drawn on the terminal, which is to be
/// left clean. When it is dropped, what came meanwhile is let in. What is ignored is left so.
pub(crate) struct Interrupts {
    before: libc::sigset_t,
    held: libc::sigset_t,
}

/// What ends a command that a person has in front of them.
const INTERRUPTS: [libc::c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

impl Interrupts {
    /// Begins to hold them back.
    pub(crate) fn hold() -> io::Result<Self> {
        // SAFETY: plain calls on local signal sets; the second one is written before it is read.
        unsafe {
            let mut held: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut held);
            for signal in heard(&INTERRUPTS) {
                libc::sigaddset(&raw mut held, signal);
            }
            if libc::sigprocmask(libc::SIG_BLOCK, &raw const held, &raw mut before) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(Self { before, held })
        }
    }

    /// Whether one of them came. Who holds them back further out is asked instead of this one.
    pub(crate) fn came(&self) -> bool {
        // SAFETY: plain calls on local signal sets.
        unsafe {
            let mut pending: libc::sigset_t = std::mem::zeroed();
            let is_mine = libc::sigismember(&raw const self.before, libc::SIGTERM) != 1;
            let is_held = |signal| libc::sigismember(&raw const self.held, signal) == 1;
            is_mine
                && libc::sigpending(&raw mut pending) == 0
                && INTERRUPTS.iter().any(|signal| {
                    is_held(*signal) && libc::sigismember(&raw const pending, *signal) == 1
                })
        }
    }

    /// Lets in what came, which ends this process unless the caller ignores it.
    pub(crate) fn let_in(&self) {
        // SAFETY: plain calls on signal sets that were written when this was made.
        unsafe {
            libc::sigprocmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut());
            libc::sigprocmask(libc::SIG_BLOCK, &raw const self.held, std::ptr::null_mut());
        }
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        // SAFETY: a plain call on a signal set that was written when this was made.
        unsafe {
            libc::sigprocmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut());
        }
    }
}

/// Does something while a descriptor has this number too. What has it otherwise gets it back: only
/// for a program of one thread.
pub(crate) fn with_number<T>(
    descriptor: BorrowedFd<'_>,
    number: RawFd,
    act: impl FnOnce(BorrowedFd<'_>) -> T,
) -> io::Result<T> {
    // SAFETY: plain calls on numbers. Whoever owns what had the number finds it there again, as
    // nothing else runs meanwhile; `act` borrows a descriptor that is open until it returns.
    unsafe {
        let flags = libc::fcntl(number, libc::F_GETFD);
        let kept = if flags < 0 {
            None
        } else {
            Some(check(libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3))?)
        };
        let put = check(libc::dup3(descriptor.as_raw_fd(), number, libc::O_CLOEXEC));
        let done = put.map(|number| act(BorrowedFd::borrow_raw(number)));
        match kept {
            Some(kept) => {
                let back = libc::dup3(kept, number, libc::O_CLOEXEC);
                let flagged =
                    check(back).and_then(|_| check(libc::fcntl(number, libc::F_SETFD, flags)));
                libc::close(kept);
                flagged?;
            }
            None if done.is_ok() => {
                libc::close(number);
            }
            None => {}
        }
        done
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_descriptor_has_another_number_for_a_moment_and_whose_it_is_gets_it_back() {
        let (mut here, mut there) = UnixStream::pair().unwrap();
        let (other, _peer) = UnixStream::pair().unwrap();
        let taken = here.as_raw_fd();
        let number = with_number(other.as_fd(), taken, |fd| fd.as_raw_fd()).unwrap();
        assert_eq!(number, taken);
        here.write_all(b"x").unwrap();
        there.read_exact(&mut [0]).unwrap();
        let free = 400;
        assert_eq!(with_number(other.as_fd(), free, |fd| fd.as_raw_fd()).unwrap(), free);
        // SAFETY: a plain call on a number.
        assert_eq!(unsafe { libc::fcntl(free, libc::F_GETFD) }, -1, "it is free again");
    }
}
