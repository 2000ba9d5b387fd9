//! The system calls that no safe library offers. The only unsafe code of the crate.
//!
//! Making a process from Rust with its usual library has a price here: it hands a blocked signal
//! mask on to programs that never clear it, and learns of a failed `exec` through a pipe. A process
//! of one thread may do what `posix_spawn` does inside: the child borrows the parent's memory until
//! it executes, so a failure is two words in that memory.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};

use rustix::fs::OFlags;
use rustix::io::{Errno, FdFlags};

use crate::cstrings::CStrings;
use crate::proto::Stage;

/// Signals that must not end the keeper. They are blocked, not ignored: what is ignored stays so in
/// programs unless each is set back between birth and program, while the mask is cleared there
/// anyway.
const IGNORED: [c_int; 11] = [
    libc::SIGHUP,
    libc::SIGPIPE,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGIO,
];

const LAST_SIGNAL: c_int = 64;

/// Signals that are read from a descriptor.
const READ: [c_int; 3] = [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT];

/// Makes reads and writes return at once.
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(fd)?;
    Ok(rustix::fs::fcntl_setfl(fd, flags | OFlags::NONBLOCK)?)
}

/// Sets whether the descriptor closes when another program is executed.
pub(crate) fn set_cloexec(fd: BorrowedFd<'_>, on: bool) -> io::Result<()> {
    let flags = if on { FdFlags::CLOEXEC } else { FdFlags::empty() };
    Ok(rustix::io::fcntl_setfd(fd, flags)?)
}

/// As [`set_cloexec`], for a descriptor that its owner keeps open meanwhile.
pub(crate) fn set_cloexec_raw(raw: RawFd, on: bool) -> io::Result<()> {
    // SAFETY: sets a flag of a number; one that is not open fails with EBADF.
    let result = unsafe { libc::fcntl(raw, libc::F_SETFD, if on { libc::FD_CLOEXEC } else { 0 }) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Keeps every descriptor above the standard ones from programs, also those that we know nothing
/// of.
pub(crate) fn keep_fds_to_ourselves() {
    // SAFETY: sets a flag. A kernel before 5.11 refuses, then what our starter left open is passed
    // on as it was to us.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

/// Takes the inherited descriptor whose number the variable holds; close-on-exec from now on.
pub(crate) fn take_env_fd(variable: &str) -> io::Result<Option<OwnedFd>> {
    let Some(value) = std::env::var_os(variable) else { return Ok(None) };
    let wrong = || {
        let text = format!(
            "environment variable `{variable}` holds `{}`, not an open descriptor",
            value.display()
        );
        io::Error::new(io::ErrorKind::InvalidInput, text)
    };
    let raw: RawFd =
        value.to_str().and_then(|v| v.parse().ok()).filter(|raw| *raw > 2).ok_or_else(wrong)?;
    own_fd(raw).map(Some).map_err(|_| wrong())
}

/// Takes an inherited descriptor; close-on-exec from now on. For descriptors that an earlier
/// program left for us.
pub(crate) fn own_fd(raw: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: fcntl on a number that is not a descriptor fails with EBADF and does nothing.
    if raw < 0 || unsafe { libc::fcntl(raw, libc::F_GETFD) } < 0 {
        return Err(Errno::BADF.into());
    }
    // SAFETY: it is open, and by the contract of the callers it was left for us and nobody else in
    // this process owns it.
    let fd = unsafe { OwnedFd::from_raw_fd(raw) };
    set_cloexec(fd.as_fd(), true)?;
    Ok(fd)
}

/// Sets the keeper's signals up, and returns the descriptor that reads the ones it acts on.
pub(crate) fn take_signals() -> io::Result<OwnedFd> {
    // SAFETY: plain signal calls on a zeroed set of our own; no handler is installed.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in READ {
            libc::sigaddset(&raw mut set, signal);
        }
        let mut blocked = set;
        for signal in IGNORED {
            libc::sigaddset(&raw mut blocked, signal);
        }
        // Before their effects are reset: an earlier keeper's program may have ignored what must
        // not end us now.
        if libc::sigprocmask(libc::SIG_SETMASK, &raw const blocked, ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        for signal in 1..=LAST_SIGNAL {
            // Past the C library, which does not touch the signals that it uses itself; they may be
            // ignored too. All zero is the default effect. That it fails for SIGKILL and SIGSTOP is
            // as it should be.
            let default = [0_u64; 4];
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                ptr::null_mut::<u64>(),
                8,
            );
        }
        let fd = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd)) }
    }
}

/// The numbers of the signals that wait in the descriptor of [`take_signals`].
pub(crate) fn read_signals(fd: BorrowedFd<'_>) -> Vec<i32> {
    const RECORD: usize = size_of::<libc::signalfd_siginfo>();
    let mut buffer = [0_u8; RECORD * 8];
    let mut signals = Vec::new();
    // An error means that there is nothing to read; what comes later makes the descriptor readable
    // again.
    while let Ok(count) = rustix::io::read(fd, &mut buffer) {
        for record in buffer.get(..count).unwrap_or_default().chunks_exact(RECORD) {
            // The number is the first field.
            signals.extend(record.first_chunk::<4>().map(|number| i32::from_ne_bytes(*number)));
        }
        if count < buffer.len() {
            break;
        }
    }
    signals
}

/// Everything that a child does between its birth and its program, prepared.
pub(crate) struct Plan<'a> {
    pub(crate) program: &'a CStr,
    pub(crate) argv: CStrings,
    pub(crate) envp: CStrings,
    /// Whether the last variable is [`LISTEN_PID`](crate::cstrings::LISTEN_PID).
    pub(crate) listen_pid: bool,
    pub(crate) cwd: &'a CStr,
    /// What becomes 0, 1, 2, …; all of them above 2 here.
    pub(crate) fds: Vec<RawFd>,
    /// The folder of a control group.
    pub(crate) cgroup: Option<BorrowedFd<'a>>,
    /// The child joins its control group by itself, because it was not born in it.
    pub(crate) join: bool,
    pub(crate) nofile: Option<(u64, u64)>,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
}

struct Shared<'a> {
    plan: Plan<'a>,
    argv: *const *const c_char,
    envp: *const *const c_char,
    fds: *mut RawFd,
    digits: *mut u8,
    parent: libc::pid_t,
    stage: AtomicU8,
    errno: AtomicI32,
}

/// The memory that children run on until they execute.
pub(crate) struct Stack {
    base: *mut c_void,
}

const STACK: usize = 64 << 10;
const GUARD: usize = 16 << 10;

impl Stack {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: a new anonymous mapping, and its lowest pages made inaccessible. Never unmapped.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
            let base = libc::mmap(
                ptr::null_mut(),
                STACK,
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                -1,
                0,
            );
            if base == libc::MAP_FAILED || libc::mprotect(base, GUARD, libc::PROT_NONE) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(Self { base })
        }
    }

    /// Makes a child that does as planned: its pid and pidfd. Returns when the child executes its
    /// program or has failed. The caller must be the only thread of its process.
    pub(crate) fn spawn(&mut self, mut plan: Plan<'_>) -> Result<(u32, OwnedFd), (Stage, i32)> {
        let digits = if plan.listen_pid { plan.envp.last_digits() } else { ptr::null_mut() };
        let fds = plan.fds.as_mut_ptr();
        let (argv, envp) = (plan.argv.as_ptr(), plan.envp.as_ptr());
        // SAFETY: it always succeeds.
        let parent = unsafe { libc::getpid() };
        let (stage, errno) = (AtomicU8::new(0), AtomicI32::new(0));
        let shared = Shared { plan, argv, envp, fds, digits, parent, stage, errno };
        let mut pidfd: c_int = -1;
        let mut shared = shared;
        let mut pid = -1;
        if let Some(cgroup) = shared.plan.cgroup {
            pid = self.clone_into(cgroup, &raw const shared, &mut pidfd);
            // Where that cannot be done (an old kernel, a sandbox), the child joins by itself,
            // which is slow.
            shared.plan.join = pid < 0;
        }
        if pid < 0 {
            let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
            // SAFETY: the child runs `child` on a stack of its own while this thread, the only one,
            // is suspended by CLONE_VFORK; `shared` and `pidfd` outlive that. The stack's top is
            // aligned as the mapping is.
            pid = unsafe {
                let top = self.base.byte_add(STACK);
                libc::clone(
                    child,
                    top,
                    flags,
                    (&raw const shared).cast_mut().cast(),
                    &raw mut pidfd,
                )
            };
        }
        let error = Errno::from_io_error(&io::Error::last_os_error());
        // `from_raw` takes no negative number, which is what a failure gives.
        let Some(pid) = rustix::process::Pid::from_raw(pid.max(0)) else {
            return Err((Stage::Fork, error.map_or(libc::EAGAIN, Errno::raw_os_error)));
        };
        // SAFETY: clone succeeded, so it stored a new descriptor there.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        if let Some(stage) = Stage::from_u8(shared.stage.load(Ordering::Acquire)) {
            // It has already exited; only an interruption can make this fail.
            while let Err(Errno::INTR) =
                rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty())
            {
            }
            return Err((stage, shared.errno.load(Ordering::Acquire)));
        }
        Ok((pid.as_raw_nonzero().get().unsigned_abs(), pidfd))
    }
}

impl Stack {
    /// Makes a child that is born in a control group. Moving it there later waits for a grace
    /// period of the kernel, some ten milliseconds, during which its parent is suspended. Negative:
    /// it could not be done, or not on this machine.
    #[cfg(target_arch = "x86_64")]
    fn clone_into(
        &mut self,
        cgroup: BorrowedFd<'_>,
        shared: *const Shared<'_>,
        pidfd: &mut c_int,
    ) -> c_int {
        const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD;
        let mut args = [0_u64; 11];
        let [of_flags, of_pidfd, _, _, of_signal, of_stack, of_size, _, _, _, of_cgroup] =
            &mut args;
        *of_flags = u64::from(flags.unsigned_abs()) | CLONE_INTO_CGROUP;
        *of_pidfd = (&raw mut *pidfd) as u64;
        *of_signal = u64::from(libc::SIGCHLD.unsigned_abs());
        *of_stack = self.base as u64;
        *of_size = STACK as u64;
        *of_cgroup = u64::from(cgroup.as_raw_fd().unsigned_abs());
        let mut result = libc::SYS_clone3;
        // SAFETY: as with `clone` in `spawn`: the kernel gives the child the stack in `args`, where
        // it calls `child`, which never returns; this thread is suspended until the child executes
        // or exits. The kernel changes rcx and r11 only.
        unsafe {
            std::arch::asm!(
                "syscall",
                "test rax, rax",
                "jnz 2f",
                "xor ebp, ebp",
                "mov rdi, r12",
                "call r13",
                "ud2",
                "2:",
                inlateout("rax") result,
                in("rdi") args.as_ptr(),
                in("rsi") size_of_val(&args),
                in("r12") shared,
                in("r13") child as extern "C" fn(*mut c_void) -> c_int,
                lateout("rcx") _,
                lateout("r11") _,
            );
        }
        c_int::try_from(result).unwrap_or(-1)
    }

    /// Known for one kind of processor only; elsewhere the child joins by itself.
    #[cfg(not(target_arch = "x86_64"))]
    fn clone_into(
        &mut self,
        _cgroup: BorrowedFd<'_>,
        _shared: *const Shared<'_>,
        _pidfd: &mut c_int,
    ) -> c_int {
        -1
    }
}

/// The child. It shares its parent's memory: no allocation, no lock, no unwinding, only calls into
/// the kernel.
extern "C" fn child(arg: *mut c_void) -> c_int {
    // SAFETY: `spawn` passes a `Shared` that outlives the child's stay here, and is suspended
    // meanwhile.
    unsafe {
        let shared = &*arg.cast::<Shared<'_>>();
        let (stage, errno) = prepare(shared);
        shared.errno.store(errno, Ordering::Release);
        shared.stage.store(stage as u8, Ordering::Release);
        libc::_exit(127)
    }
}

/// Goes through the plan; returns only when something failed.
///
/// # Safety
/// Only in the child of [`Stack::spawn`].
unsafe fn prepare(shared: &Shared<'_>) -> (Stage, i32) {
    let plan = &shared.plan;
    // SAFETY: system calls with pointers into `shared`, which was prepared by `spawn` and is alive;
    // no handler exists that could run in the parent's memory.
    unsafe {
        libc::setsid();
        if let (Some(cgroup), true) = (plan.cgroup, plan.join) {
            let procs = libc::openat(
                cgroup.as_raw_fd(),
                c"cgroup.procs".as_ptr(),
                libc::O_WRONLY | libc::O_CLOEXEC,
            );
            if procs < 0 || libc::write(procs, c"0".as_ptr().cast(), 1) < 0 {
                return (Stage::Cgroup, errno());
            }
        }
        if !place_fds(shared.fds, plan.fds.len()) {
            return (Stage::Fds, errno());
        }
        if let Some((soft, hard)) = plan.nofile {
            let limit =
                libc::rlimit { rlim_cur: soft as libc::rlim_t, rlim_max: hard as libc::rlim_t };
            if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) != 0 {
                return (Stage::Limits, errno());
            }
        }
        if let Err(failed) = become_user(plan.uid, plan.gid) {
            return failed;
        }
        if libc::chdir(plan.cwd.as_ptr()) != 0 {
            return (Stage::Cwd, errno());
        }
        if !shared.digits.is_null() {
            write_pid(shared.digits);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
        // A keeper that was killed meanwhile knows nothing of this child, and whoever takes its
        // place must not either.
        if libc::getppid() != shared.parent {
            libc::_exit(127);
        }
        libc::execve(plan.program.as_ptr(), shared.argv, shared.envp);
        (Stage::Exec, errno())
    }
}

/// Makes the descriptor at place `n` of the list descriptor `n`.
///
/// # Safety
/// As [`prepare`]; `fds` points to `count` descriptors.
unsafe fn place_fds(fds: *mut RawFd, count: usize) -> bool {
    let end = count as c_int;
    // SAFETY: every access is below `count`.
    unsafe {
        // What lies where another one must go moves out of the way first.
        for place in 0..count {
            let fd = fds.add(place);
            if *fd < end {
                *fd = libc::fcntl(*fd, libc::F_DUPFD_CLOEXEC, end);
            }
            if *fd < 0 {
                return false;
            }
        }
        for place in 0..count {
            if libc::dup2(*fds.add(place), place as c_int) < 0 {
                return false;
            }
        }
    }
    true
}

/// Takes on the group and the user. The C library's functions would do so in all threads of the
/// parent: raw calls.
///
/// # Safety
/// As [`prepare`].
unsafe fn become_user(uid: Option<u32>, gid: Option<u32>) -> Result<(), (Stage, i32)> {
    #[cfg(not(any(target_arch = "x86", target_arch = "arm")))]
    use libc::{SYS_setgid as SET_GID, SYS_setgroups as SET_GROUPS, SYS_setuid as SET_UID};
    #[cfg(any(target_arch = "x86", target_arch = "arm"))]
    use libc::{SYS_setgid32 as SET_GID, SYS_setgroups32 as SET_GROUPS, SYS_setuid32 as SET_UID};

    // SAFETY: plain system calls; the list of groups is one local value.
    unsafe {
        if uid.is_some() || gid.is_some() {
            let group = gid.unwrap_or(0);
            let count = libc::c_long::from(gid.is_some());
            // An ordinary user may become itself but may not change its groups: not an error.
            if libc::syscall(SET_GROUPS, count, &raw const group) != 0 && errno() != libc::EPERM {
                return Err((Stage::Gid, errno()));
            }
        }
        if let Some(gid) = gid
            && libc::syscall(SET_GID, libc::c_long::from(gid)) != 0
        {
            return Err((Stage::Gid, errno()));
        }
        if let Some(uid) = uid
            && libc::syscall(SET_UID, libc::c_long::from(uid)) != 0
        {
            return Err((Stage::Uid, errno()));
        }
    }
    Ok(())
}

/// Writes the own pid in decimal and a NUL.
///
/// # Safety
/// `place` has room for [`LISTEN_PID_DIGITS`](crate::cstrings::LISTEN_PID_DIGITS) + 1 bytes.
unsafe fn write_pid(place: *mut u8) {
    // SAFETY: a pid has at most ten digits.
    unsafe {
        let pid = libc::getpid();
        let mut digits = 1;
        let mut rest = pid / 10;
        while rest > 0 {
            digits += 1;
            rest /= 10;
        }
        *place.add(digits) = 0;
        rest = pid;
        while digits > 0 {
            digits -= 1;
            *place.add(digits) = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    }
}

fn errno() -> i32 {
    // SAFETY: the C library always has this place.
    unsafe { *libc::__errno_location() }
}

/// Replaces this process's program; returns only the reason of the failure.
pub(crate) fn exec(program: &CString, argv: &CStrings, envp: &CStrings) -> i32 {
    // SAFETY: the lists end with a null pointer and live.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    errno()
}

/// `struct pidfd_info` of `linux/pidfd.h`, first version.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroupid: u64,
    ids: [u32; 11],
    exit_code: i32,
}

const PIDFD_INFO_EXIT: u64 = 1 << 3;
/// `_IOWR(0xFF, 11, struct pidfd_info)`.
const PIDFD_GET_INFO: u32 = (3 << 30) | ((size_of::<PidfdInfo>() as u32) << 16) | (0xff << 8) | 11;

/// How a process that is not our child ended, as `waitpid` would tell its parent. `None` when the
/// kernel does not tell, which it does from version 6.15, and only after the process was reaped.
pub(crate) fn pidfd_exit_status(pidfd: BorrowedFd<'_>) -> Option<i32> {
    let mut info = PidfdInfo { mask: PIDFD_INFO_EXIT, ..PidfdInfo::default() };
    // SAFETY: the kernel writes at most the size that the request number holds.
    let result = unsafe { libc::ioctl(pidfd.as_raw_fd(), PIDFD_GET_INFO as _, &raw mut info) };
    (result == 0 && info.mask & PIDFD_INFO_EXIT != 0).then_some(info.exit_code)
}
