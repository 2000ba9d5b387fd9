//! The system calls that no safe library offers. The only unsafe code of the crate.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// Signals the daemon reads from a descriptor instead of being interrupted.
pub const READ: [i32; 5] = [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGUSR2, libc::SIGHUP];

/// Blocks [`READ`] for the whole process (call before any thread starts) and returns a descriptor to read them from.
/// SIGPIPE is ignored: a broken connection is an error of that connection.
pub fn signal_fd() -> io::Result<OwnedFd> {
    // SAFETY: plain calls on a local signal set; signalfd returns a new descriptor that nobody else owns.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in READ {
            libc::sigaddset(&raw mut set, signal);
        }
        if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        // A file size limit is an error of the write that hits it, not the end of the daemon.
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        let fd = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd)) }
    }
}

/// Whether this thread, when it is woken, lets who runs run on (`SCHED_BATCH`). Threads and programs that it starts are not
/// affected.
///
/// # Errors
/// The system does not allow it.
pub fn set_batch(on: bool) -> io::Result<()> {
    let policy = if on { libc::SCHED_BATCH } else { libc::SCHED_OTHER };
    // SAFETY: changes the scheduling of the calling thread only; the parameters are read during the call.
    let result = unsafe {
        let mut parameters: libc::sched_param = std::mem::zeroed();
        parameters.sched_priority = 0;
        libc::sched_setscheduler(0, policy | libc::SCHED_RESET_ON_FORK, &raw const parameters)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Runs `start`; threads that it starts are background work (`SCHED_BATCH`): when they are woken they push nobody aside who
/// runs.
pub fn start_background<T>(start: impl FnOnce() -> T) -> T {
    // SAFETY: asks for a number.
    if unsafe { libc::sched_getscheduler(0) } != libc::SCHED_OTHER {
        return start(); // Whoever started us has chosen.
    }
    // What fails here costs speed only.
    set_policy(libc::SCHED_BATCH);
    let started = start();
    set_policy(libc::SCHED_OTHER);
    started
}

fn set_policy(policy: i32) {
    // SAFETY: changes the scheduling of the calling thread only; the parameters are read during the call.
    unsafe {
        let mut parameters: libc::sched_param = std::mem::zeroed();
        parameters.sched_priority = 0;
        libc::sched_setscheduler(0, policy, &raw const parameters);
    }
}

/// The clock of a process's CPU time; `None` when there is no such process.
pub fn cpu_clock(pid: u32) -> Option<libc::clockid_t> {
    let pid = libc::pid_t::try_from(pid).ok()?;
    let mut clock = 0;
    // SAFETY: writes one number.
    (unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) } == 0).then_some(clock)
}

/// What a clock of [`cpu_clock`] shows, ns; `None` when its process is gone.
pub fn cpu_time(clock: libc::clockid_t) -> Option<u64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one `timespec`.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
        return None;
    }
    Some(u64::try_from(time.tv_sec).ok()? * 1_000_000_000 + u64::try_from(time.tv_nsec).ok()?)
}

/// One allocator arena is enough for a process whose work is done by one thread; each further one costs memory.
pub fn limit_arenas() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets two parameters of the allocator before any thread is started.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 256 << 10);
    }
}

/// Lets the command, and nothing else that this process starts, have the descriptor, and begin a session of its own.
/// Gives the number it has there.
pub fn pass_on(command: &mut std::process::Command, fd: OwnedFd) -> std::os::fd::RawFd {
    use std::os::fd::AsRawFd;
    use std::os::unix::process::CommandExt;
    let raw = fd.as_raw_fd();
    let last = move || {
        // SAFETY: system calls that are safe between fork and exec; the closure owns the descriptor, so it is open.
        unsafe {
            libc::setsid();
            if libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, 0) < 0 {
                return Err(io::Error::last_os_error());
            }
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        }
        Ok(())
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(last) };
    raw
}
