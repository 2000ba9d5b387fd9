//! System calls that no safe library offers. The only unsafe code of the crate.

#![expect(unsafe_code, reason = "signals cannot be read otherwise")]

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};

/// Blocks SIGTERM, SIGINT, SIGQUIT, SIGHUP and SIGCHLD, and returns a descriptor to read them
/// from. To be called before any thread is started and after the last program is: these would
/// inherit the blocked signals.
pub(crate) fn signal_fd() -> io::Result<OwnedFd> {
    // SAFETY: plain calls on a local signal set; signalfd returns a new descriptor that nobody else
    // owns.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGCHLD] {
            libc::sigaddset(&raw mut set, signal);
        }
        if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        let fd = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd)) }
    }
}
