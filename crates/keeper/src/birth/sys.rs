//! The birth itself: `clone`, and the calls of the child until it executes.

#![expect(unsafe_code, reason = "a child that borrows its parent's memory")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};

use rustix::io::Errno;

use super::plan::Plan;
use crate::cstrings::PID_VARIABLES;
use crate::proto::SpawnStage;
use crate::sys::errno;

struct Shared<'a> {
    plan: Plan<'a>,
    argv: *const *const c_char,
    envp: *const *const c_char,
    fds: *mut RawFd,
    digits: [*mut u8; PID_VARIABLES],
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
    pub(crate) fn spawn(&mut self, plan: Plan<'_>) -> Result<(u32, OwnedFd), (SpawnStage, i32)> {
        let digits = plan.envp.last_digits(plan.pids);
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
            return Err((SpawnStage::Fork, error.map_or(libc::EAGAIN, Errno::raw_os_error)));
        };
        // SAFETY: clone succeeded, so it stored a new descriptor there.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        if let Some(stage) = SpawnStage::from_u8(shared.stage.load(Ordering::Acquire)) {
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

/// The child. It shares its parent's memory: no allocation, no lock, no unwinding, only calls
/// into the kernel.
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
unsafe fn prepare(shared: &Shared<'_>) -> (SpawnStage, i32) {
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
                return (SpawnStage::Cgroup, errno());
            }
        }
        if !place_fds(shared.fds, plan.fds.len()) {
            return (SpawnStage::Fds, errno());
        }
        if let Err(stage) = set_limits(plan) {
            return (stage, errno());
        }
        if let Err(failed) = become_user(plan.uid, plan.gid) {
            return failed;
        }
        if libc::chdir(plan.cwd.as_ptr()) != 0 {
            return (SpawnStage::Cwd, errno());
        }
        for digits in shared.digits {
            if !digits.is_null() {
                write_pid(digits);
            }
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
        (SpawnStage::Exec, errno())
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

/// Sets what the process may take: as asked for, else as it was before the keeper.
///
/// # Safety
/// Only in the child, as [`prepare`].
unsafe fn set_limits(plan: &Plan<'_>) -> Result<(), SpawnStage> {
    let done = |done: bool, stage| if done { Ok(()) } else { Err(stage) };
    let asked = &plan.limits;
    // SAFETY: as in `prepare`; `setpriority` with 0 means this process.
    unsafe {
        match (asked.oom_score, plan.oom_score) {
            (Some(score), _) => done(set_oom_score(score), SpawnStage::OomScore)?,
            (None, Some(score)) => done(set_oom_score(score), SpawnStage::Limits)?,
            (None, None) => {}
        }
        match (asked.nofile, plan.nofile) {
            (Some(most), _) => {
                let limit = libc::rlimit { rlim_cur: most as _, rlim_max: most as _ };
                let set = libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) == 0;
                done(set, SpawnStage::Nofile)?;
            }
            (None, Some(nofile)) => done(set_nofile(nofile), SpawnStage::Limits)?,
            (None, None) => {}
        }
        asked.nice.map_or(Ok(()), |nice| {
            done(libc::setpriority(libc::PRIO_PROCESS, 0, nice) == 0, SpawnStage::Nice)
        })
    }
}

/// Sets the limit of open files, soft and hard. A hard limit that was lowered under the keeper's
/// feet holds for its children too: nobody may raise it again.
///
/// # Safety
/// Called in a child that was just forked.
unsafe fn set_nofile((soft, hard): (u64, u64)) -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both get a structure of ours.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 {
            return false;
        }
        limit.rlim_max = limit.rlim_max.min(hard as libc::rlim_t);
        limit.rlim_cur = limit.rlim_max.min(soft as libc::rlim_t);
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) == 0
    }
}

/// Writes the score for the out-of-memory killer.
///
/// # Safety
/// Only in the child, as [`prepare`].
unsafe fn set_oom_score(score: &CStr) -> bool {
    // SAFETY: plain system calls with strings that end in NUL.
    unsafe {
        let path = c"/proc/self/oom_score_adj".as_ptr();
        let file = libc::open(path, libc::O_WRONLY | libc::O_CLOEXEC);
        let length = score.count_bytes();
        file >= 0 && libc::write(file, score.as_ptr().cast(), length) == length.cast_signed()
    }
}

/// Takes on the group and the user. The C library's functions would do so in all threads of the
/// parent: raw calls.
///
/// # Safety
/// Only in the child, as [`prepare`].
unsafe fn become_user(uid: Option<u32>, gid: Option<u32>) -> Result<(), (SpawnStage, i32)> {
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
                return Err((SpawnStage::Gid, errno()));
            }
        }
        if let Some(gid) = gid
            && libc::syscall(SET_GID, libc::c_long::from(gid)) != 0
        {
            return Err((SpawnStage::Gid, errno()));
        }
        if let Some(uid) = uid
            && libc::syscall(SET_UID, libc::c_long::from(uid)) != 0
        {
            return Err((SpawnStage::Uid, errno()));
        }
    }
    Ok(())
}

/// Writes the own pid in decimal and a NUL.
///
/// # Safety
/// `place` has room for [`PID_DIGITS`](crate::cstrings::PID_DIGITS) + 1 bytes.
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
