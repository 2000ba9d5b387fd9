//! Waiting for something to become true.
//!
//! A sleep is either too short on a busy machine or too long on every other one. Here a wait ends
//! with the event where the kernel reports one (inotify, pidfd, a connection), and asks again after
//! a short `poll` timeout where it does not. Every wait has a limit, and says what it waited for
//! when the limit is reached.

use std::fmt::Display;
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// First pause between two questions where no event can be had; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// Longest pause between two questions.
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

/// Asks until the answer is `Some`, or panics after `limit` saying `what` was awaited.
///
/// For facts that no descriptor reports (the state shown by a command, `/proc`). Prefer [`wait_in`]
/// for files, [`wait_exit`] for processes, [`wait_connect`] for ports.
#[track_caller]
pub fn wait_for<T>(what: impl Display, limit: Duration, ask: impl FnMut() -> Option<T>) -> T {
    match try_for(limit, None, ask) {
        Some(answer) => answer,
        None => panic!("waited {limit:?} in vain for {what}"),
    }
}

/// As [`wait_for`]; `None` when the limit is reached.
pub fn try_wait<T>(limit: Duration, ask: impl FnMut() -> Option<T>) -> Option<T> {
    try_for(limit, None, ask)
}

/// As [`wait_for`], asking again whenever something changes in the folder `dir` (which must exist).
#[track_caller]
pub fn wait_in<T>(
    dir: impl AsRef<Path>,
    what: impl Display,
    limit: Duration,
    ask: impl FnMut() -> Option<T>,
) -> T {
    let dir = dir.as_ref();
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    let flags = WatchFlags::CREATE
        | WatchFlags::MODIFY
        | WatchFlags::CLOSE_WRITE
        | WatchFlags::DELETE
        | WatchFlags::MOVED_TO
        | WatchFlags::MOVED_FROM
        | WatchFlags::ATTRIB;
    if let Err(e) = inotify::add_watch(&watch, dir, flags) {
        panic!("cannot watch `{}`: {e}", dir.display());
    }
    match try_for(limit, Some(&watch), ask) {
        Some(answer) => answer,
        None => panic!("waited {limit:?} in vain for {what} in `{}`", dir.display()),
    }
}

/// Waits until the process `pid` has ended (a zombie has ended), at most `limit`. Returns `false`
/// when it still lives.
pub fn wait_exit(pid: u32, limit: Duration) -> bool {
    let Some(fd) = pidfd(pid) else { return true };
    poll_in(Some(fd.as_fd()), limit)
}

/// Waits until something listens at `addr`, and gives the connection.
#[track_caller]
pub fn wait_connect(addr: SocketAddr, limit: Duration) -> TcpStream {
    wait_for(format_args!("a listener at {addr}"), limit, || {
        TcpStream::connect_timeout(&addr, limit).ok()
    })
}

/// Waits until `fd` is readable or hung up, at most `limit`; without a descriptor it is a pause.
pub(crate) fn poll_in(fd: Option<BorrowedFd<'_>>, limit: Duration) -> bool {
    let end = Instant::now() + limit;
    loop {
        let mut fds: Vec<PollFd<'_>> =
            fd.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        let left = timespec(end.saturating_duration_since(Instant::now()));
        match poll(&mut fds, Some(&left)) {
            Ok(ready) => return 0 < ready,
            Err(Errno::INTR) => {}
            Err(e) => panic!("poll: {e}"),
        }
    }
}

/// A descriptor of the process, `None` when there is no such process any more.
pub(crate) fn pidfd(pid: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) => Some(fd),
        Err(Errno::SRCH) => None,
        Err(e) => panic!("pidfd_open {}: {e}", pid.as_raw_nonzero()),
    }
}

pub(crate) fn timespec(d: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(d.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(d.subsec_nanos()),
    }
}

/// The loop behind the waits: asks once more after the limit, so that a slow machine does not fail
/// a true answer.
fn try_for<T>(
    limit: Duration,
    watch: Option<&OwnedFd>,
    mut ask: impl FnMut() -> Option<T>,
) -> Option<T> {
    let end = Instant::now() + limit;
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return ask();
        }
        if poll_in(watch.map(AsFd::as_fd), pause.min(left)) {
            watch.into_iter().for_each(forget_events);
        } else {
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn forget_events(watch: &OwnedFd) {
    let mut space = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(watch, &mut space);
    while events.next().is_ok() {}
}
