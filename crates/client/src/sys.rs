//! The one thing that needs unsafe code: what the new keeper does between fork and exec.

#![expect(unsafe_code, reason = "what happens between fork and exec cannot be said otherwise")]

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::io::FdFlags;

/// Makes the command a session of its own (no terminal, no signals of the caller's) that inherits
/// `ready`, and the child of nobody that is known: the process that is spawned forks once more and
/// ends. The caller may be a descendant of an app, which is stopped with all its descendants.
pub(crate) fn detach(command: &mut Command, ready: OwnedFd) {
    let prepare = move || {
        let flags = libc::c_long::from(libc::SIGCHLD);
        // SAFETY: a fork past the C library, whose handlers may want locks that a thread of the
        // caller's held. The parent ends without running anything of the caller's.
        match unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } {
            -1 => return Err(io::Error::last_os_error()),
            0 => {}
            // SAFETY: ends the process, and does nothing before.
            _ => unsafe { libc::_exit(0) },
        }
        // A process group leader cannot make a session, but a child that was just forked never is
        // one.
        rustix::process::setsid()?;
        rustix::io::fcntl_setfd(ready.as_fd(), FdFlags::empty())?;
        Ok(())
    };
    // SAFETY: between fork and exec only system calls are made; nothing is allocated and no lock is
    // taken.
    unsafe { command.pre_exec(prepare) };
}
