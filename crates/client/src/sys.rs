//! The one thing that needs unsafe code: what the new keeper does between fork and exec.

#![expect(unsafe_code, reason = "what happens between fork and exec cannot be said otherwise")]

use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::io::FdFlags;

/// Makes the command a session of its own (no terminal, no signals of the caller's)
/// that inherits `ready`.
pub(crate) fn detach(command: &mut Command, ready: OwnedFd) {
    let prepare = move || {
        // A process group leader cannot make a session, but a child that was just forked never is
        // one.
        rustix::process::setsid()?;
        rustix::io::fcntl_setfd(ready.as_fd(), FdFlags::empty())?;
        Ok(())
    };
    // SAFETY: between fork and exec only two system calls are made; nothing is allocated and no
    // lock is taken.
    unsafe { command.pre_exec(prepare) };
}
