//! System calls that no safe library offers. The only unsafe code of the crate.

#![expect(unsafe_code, reason = "signals cannot be read otherwise")]

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};

/// Signals that a command takes which stays.
const TAKEN: [libc::c_int; 6] =
    [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGUSR2, libc::SIGCHLD];

/// Blocks SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2 and SIGCHLD, and returns a descriptor to read them
/// from. To be called before any thread is started, which would not have them blocked. Programs that
/// the standard library starts begin without blocked signals.
pub(crate) fn signal_fd() -> io::Result<OwnedFd> {
    // SAFETY: plain calls on a local signal set; signalfd returns a new descriptor that nobody else
    // owns.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in TAKEN {
            libc::sigaddset(&raw mut set, signal);
        }
        if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        let fd = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd)) }
    }
}

/// Holds back SIGINT, SIGTERM and SIGHUP while something is drawn on the terminal, which is to be
/// left clean. When it is dropped, what came meanwhile is let in.
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
            for signal in INTERRUPTS {
                libc::sigaddset(&raw mut held, signal);
            }
            if libc::sigprocmask(libc::SIG_BLOCK, &raw const held, &raw mut before) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(Self { before, held })
        }
    }

    /// Whether one of them came.
    pub(crate) fn came(&self) -> bool {
        // SAFETY: plain calls on local signal sets.
        unsafe {
            let mut pending: libc::sigset_t = std::mem::zeroed();
            libc::sigpending(&raw mut pending) == 0
                && INTERRUPTS
                    .iter()
                    .any(|signal| libc::sigismember(&raw const pending, *signal) == 1)
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
