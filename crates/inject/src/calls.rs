//! What can fail, how, and whose.

use anyhow::{Context, Result};

/// Whose calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The process that holds.
    Keeper,
    /// The process that decides.
    Daemon,
}

impl Role {
    /// The role of this name, which is also the first argument of a process in it.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "keeper" => Some(Self::Keeper),
            "daemon" => Some(Self::Daemon),
            _ => None,
        }
    }
}

/// One call that is to fail.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Number of the call.
    pub call: i64,
    /// Which of the role's calls of this number, counted from 1.
    pub nth: u64,
    /// The error that it gets.
    pub errno: i64,
}

impl Fault {
    /// The fault in these words.
    pub fn of(call: &str, nth: &str, error: &str) -> Result<Self> {
        let number = |list: &[(&str, i64)], name: &str| {
            list.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
        };
        Ok(Self {
            call: number(CALLS, call).with_context(|| format!("no call is called `{call}`"))?,
            nth: nth.parse().with_context(|| format!("`{nth}` is not a number"))?,
            errno: number(&ERRORS, error)
                .with_context(|| format!("no error is called `{error}`"))?,
        })
    }
}

/// The name of a call; `None` for those that are not made to fail.
pub fn name(call: i64) -> Option<&'static str> {
    CALLS.iter().find(|(_, number)| *number == call).map(|(name, _)| *name)
}

/// What a call can answer on a machine that is short of something.
const ERRORS: [(&str, i64); 6] = [
    ("EIO", libc::EIO as i64),
    ("ENOSPC", libc::ENOSPC as i64),
    ("EMFILE", libc::EMFILE as i64),
    ("ENOMEM", libc::ENOMEM as i64),
    ("EAGAIN", libc::EAGAIN as i64),
    ("EINTR", libc::EINTR as i64),
];

macro_rules! calls {
    ($($name:literal $number:ident)*) => { &[$(($name, libc::$number)),*] };
}

/// The calls that are made to fail. Not among them: those that cannot fail in a way that a program
/// could act on (`futex`, `munmap`, `exit`), and `close`, which has closed also when it fails.
const CALLS: &[(&str, i64)] = calls! {
    "accept4" SYS_accept4
    "bind" SYS_bind
    "chdir" SYS_chdir
    "clone" SYS_clone
    "clone3" SYS_clone3
    "connect" SYS_connect
    "dup3" SYS_dup3
    "epoll_create1" SYS_epoll_create1
    "epoll_ctl" SYS_epoll_ctl
    "epoll_wait" SYS_epoll_wait
    "epoll_pwait" SYS_epoll_pwait
    "eventfd2" SYS_eventfd2
    "fchmod" SYS_fchmod
    "fchmodat" SYS_fchmodat
    "fcntl" SYS_fcntl
    "fdatasync" SYS_fdatasync
    "flock" SYS_flock
    "fstat" SYS_fstat
    "fsync" SYS_fsync
    "ftruncate" SYS_ftruncate
    "getdents64" SYS_getdents64
    "getsockname" SYS_getsockname
    "getsockopt" SYS_getsockopt
    "inotify_add_watch" SYS_inotify_add_watch
    "inotify_init1" SYS_inotify_init1
    "ioctl" SYS_ioctl
    "kill" SYS_kill
    "listen" SYS_listen
    "lseek" SYS_lseek
    "memfd_create" SYS_memfd_create
    "mkdir" SYS_mkdir
    "mkdirat" SYS_mkdirat
    "mmap" SYS_mmap
    "newfstatat" SYS_newfstatat
    "openat" SYS_openat
    "pidfd_open" SYS_pidfd_open
    "pidfd_send_signal" SYS_pidfd_send_signal
    "pipe2" SYS_pipe2
    "poll" SYS_poll
    "ppoll" SYS_ppoll
    "prctl" SYS_prctl
    "pread64" SYS_pread64
    "pwrite64" SYS_pwrite64
    "read" SYS_read
    "readlink" SYS_readlink
    "readlinkat" SYS_readlinkat
    "recvfrom" SYS_recvfrom
    "recvmsg" SYS_recvmsg
    "rename" SYS_rename
    "renameat" SYS_renameat
    "renameat2" SYS_renameat2
    "rmdir" SYS_rmdir
    "sendmsg" SYS_sendmsg
    "sendto" SYS_sendto
    "setsockopt" SYS_setsockopt
    "shutdown" SYS_shutdown
    "signalfd4" SYS_signalfd4
    "socket" SYS_socket
    "socketpair" SYS_socketpair
    "splice" SYS_splice
    "statx" SYS_statx
    "timerfd_settime" SYS_timerfd_settime
    "unlink" SYS_unlink
    "unlinkat" SYS_unlinkat
    "wait4" SYS_wait4
    "waitid" SYS_waitid
    "write" SYS_write
    "writev" SYS_writev
};
