//! The system calls that no safe library offers. The only unsafe code of the crate.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;
use rustix::process::Pid;

/// Signals the daemon reads from a descriptor instead of being interrupted.
pub const READ: [i32; 5] =
    [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGUSR2, libc::SIGHUP];

/// Blocks [`READ`] for the whole process (call before any thread starts) and returns a descriptor
/// to read them from. SIGPIPE is ignored: a broken connection is an error of that connection.
pub fn signal_fd() -> io::Result<OwnedFd> {
    // SAFETY: plain calls on a local signal set; signalfd returns a new descriptor that nobody else
    // owns.
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

/// When a thread that is woken has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// At once: it goes before those that have run for longer than it ever does (since Linux
    /// 6.12; before, as the kernel holds right).
    First,
    /// As the kernel holds right.
    Usual,
    /// It lets who runs run on (`SCHED_BATCH`).
    Last,
}

/// Says when this thread has its turn. Threads and programs that it starts are not affected.
///
/// # Errors
/// The system does not allow it.
pub fn set_turn(turn: Turn) -> io::Result<()> {
    /// The shortest turn that the kernel knows, ns; 0 is its own.
    const SHORT: u64 = 100_000;
    /// What a thread starts has none of this.
    const RESET_ON_FORK: u64 = 1;
    let (policy, length) = match turn {
        Turn::First => (libc::SCHED_OTHER, SHORT),
        Turn::Usual => (libc::SCHED_OTHER, 0),
        Turn::Last => (libc::SCHED_BATCH, 0),
    };
    let size = u32::try_from(size_of::<libc::sched_attr>()).unwrap_or(u32::MAX);
    // SAFETY: concerns the calling thread only; both calls read and write the one structure, of the
    // size that is told, during the call.
    let result = unsafe {
        let mut attributes: libc::sched_attr = std::mem::zeroed();
        if libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) != 0 {
            return Err(io::Error::last_os_error());
        }
        let chosen = attributes.sched_policy.cast_signed();
        if chosen != libc::SCHED_OTHER && chosen != libc::SCHED_BATCH {
            return Ok(()); // Whoever started us has chosen.
        }
        attributes.sched_policy = policy.cast_unsigned();
        attributes.sched_runtime = length;
        attributes.sched_flags |= RESET_ON_FORK;
        libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Gives the calling thread, and no other, the file system identity of this user and group. The
/// kernel takes the rights over files of others away from it.
///
/// # Errors
/// The system does not allow it.
pub fn set_file_user(uid: u32, gid: Option<u32>) -> Result<(), Errno> {
    // SAFETY: changes numbers of the calling thread only. An impossible number changes nothing, and
    // is how the present one is asked for.
    let is_done = unsafe {
        if let Some(gid) = gid {
            libc::setfsgid(gid);
        }
        libc::setfsuid(uid);
        let now = (libc::setfsuid(u32::MAX), libc::setfsgid(u32::MAX));
        u32::try_from(now.0) == Ok(uid) && gid.is_none_or(|gid| u32::try_from(now.1) == Ok(gid))
    };
    if is_done { Ok(()) } else { Err(Errno::PERM) }
}

/// Runs `start`; threads that it starts are background work (`SCHED_BATCH`): when they are woken
/// they push nobody aside who runs.
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

/// Lets the calling thread do its work when nobody else wants the processor or the disk.
pub fn lower_priority() {
    /// One thread; the calling one.
    const PROCESS: libc::c_int = 1;
    /// Last among those who have no special class.
    const LAST: libc::c_int = 2 << 13 | 7;
    // What fails here costs others some time only.
    _ = rustix::process::setpriority_process(None, 19);
    // SAFETY: numbers only; changes the calling thread.
    unsafe { libc::syscall(libc::SYS_ioprio_set, PROCESS, 0, LAST) };
}

fn set_policy(policy: i32) {
    // SAFETY: changes the scheduling of the calling thread only; the parameters are read during the
    // call.
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

/// One allocator arena is enough for a process whose work is done by one thread; each further
/// one costs memory.
pub fn limit_arenas() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets two parameters of the allocator before any thread is started.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 256 << 10);
    }
}

/// Gives back all whole pages of the heap that are free.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: any thread may ask for that at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Zeroed memory that a forked process shares with us. It is never given back.
///
/// # Errors
/// The system refuses it.
pub fn shared_words(count: usize) -> io::Result<&'static [AtomicU64]> {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
    let flags = MapFlags::SHARED | MapFlags::NORESERVE;
    // SAFETY: a new mapping that nobody else knows, zeroed, aligned to pages, as long as the slice,
    // never unmapped; the atomics are all that ever touches it.
    unsafe {
        let start = mmap_anonymous(
            std::ptr::null_mut(),
            count * size_of::<AtomicU64>(),
            ProtFlags::READ | ProtFlags::WRITE,
            flags,
        )?;
        Ok(std::slice::from_raw_parts(start.cast(), count))
    }
}

/// Text in memory that a forked process shares with us: one thread appends and writes it out, the
/// other process reads when that thread is dead.
#[derive(Debug, Clone, Copy)]
pub struct SharedText {
    len: &'static AtomicU64,
    bytes: &'static [AtomicU64],
}

impl SharedText {
    /// Room for so many bytes.
    ///
    /// # Errors
    /// The system refuses the memory.
    pub fn new(room: usize) -> io::Result<Self> {
        let words = shared_words(1 + room.div_ceil(size_of::<u64>()))?;
        let (len, bytes) = words.split_first().ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { len, bytes })
    }

    fn filled(&self) -> usize {
        usize::try_from(self.len.load(Ordering::Acquire)).unwrap_or(0)
    }

    /// Appends text. `false`: there is no room for it.
    pub fn append(&self, text: &[u8]) -> bool {
        let filled = self.filled();
        if size_of_val(self.bytes) < filled + text.len() {
            return false;
        }
        // SAFETY: inside the mapping, as was checked; nobody reads behind the length, which is
        // stored afterwards.
        unsafe {
            let start = self.bytes.as_ptr().cast::<u8>().cast_mut().add(filled);
            std::ptr::copy_nonoverlapping(text.as_ptr(), start, text.len());
        }
        self.len.store((filled + text.len()) as u64, Ordering::Release);
        true
    }

    /// Writes it to standard output, and forgets it.
    pub fn write_out(&self) {
        let filled = self.filled();
        if filled == 0 {
            return;
        }
        // SAFETY: these bytes were appended, and are not written to before the length is 0.
        let mut text =
            unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().cast::<u8>(), filled) };
        while !text.is_empty() {
            match rustix::io::write(rustix::stdio::stdout(), text) {
                Ok(written) => text = text.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                // Nobody is left to tell when the log itself cannot be written.
                Err(_) => break,
            }
        }
        self.len.store(0, Ordering::Release);
    }
}

/// Starts a copy of this process that shares its descriptor table, runs `work` in it, and ends.
/// `work` may neither allocate nor take a lock nor panic: other threads are not copied, what
/// they held is.
///
/// # Errors
/// Out of processes or memory.
pub fn fork_with_our_descriptors(work: impl FnOnce()) -> io::Result<Pid> {
    let flags = libc::c_long::from(libc::CLONE_FILES | libc::SIGCHLD);
    // SAFETY: as fork, with a copy of the memory and of the stack; the child calls `work` only and
    // ends without unwinding or running anything of the parent's.
    unsafe {
        match libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) {
            0 => {
                work();
                libc::_exit(0);
            }
            pid => {
                let pid = i32::try_from(pid).ok().and_then(|pid| Pid::from_raw(pid.max(0)));
                pid.ok_or_else(io::Error::last_os_error)
            }
        }
    }
}

/// A descriptor that is known by its number, and open.
pub fn borrowed(fd: RawFd) -> BorrowedFd<'static> {
    // SAFETY: asked for by the guard only, about numbers of its own table, in which nothing is
    // closed any more. A number that is not open would be an error of the call that it is used in.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// How many bytes the peer of a UNIX socket has not read, with what the kernel needs for them.
pub fn unread(socket: &impl std::os::fd::AsRawFd) -> Option<u32> {
    let mut count: libc::c_int = 0;
    // SAFETY: writes one number, which outlives the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
    u32::try_from(count).ok().filter(|_| result == 0)
}

/// Receives a message of a socket that asks for credentials: its length, the process and the user
/// that sent it (the process is 0 where it cannot be seen from here), and what came with it.
///
/// # Errors
/// Nothing waits, or the system says something else.
pub fn receive_from_process(
    socket: &impl std::os::fd::AsRawFd,
    text: &mut [u8],
) -> io::Result<(usize, (u32, u32), Vec<OwnedFd>)> {
    // Room for the credentials and for as many descriptors as the kernel lets through, aligned.
    let mut room = [0_u64; 160];
    let (mut sender, mut fds) = ((0, u32::MAX), Vec::new());
    // SAFETY: the buffers outlive the call and have the lengths that are told. The headers are
    // walked as the kernel wrote them, inside the length that it gave; what they hold is read
    // unaligned, and each descriptor is new and owned by nobody else.
    unsafe {
        let mut part = libc::iovec { iov_base: text.as_mut_ptr().cast(), iov_len: text.len() };
        let mut head: libc::msghdr = std::mem::zeroed();
        (head.msg_iov, head.msg_iovlen) = (&raw mut part, 1);
        (head.msg_control, head.msg_controllen) =
            (room.as_mut_ptr().cast(), size_of_val(&room) as _);
        let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
        let length = libc::recvmsg(socket.as_raw_fd(), &raw mut head, flags);
        let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
        let mut at = libc::CMSG_FIRSTHDR(&raw const head);
        while let Some(part) = at.as_ref() {
            let data = libc::CMSG_DATA(at);
            #[allow(clippy::unnecessary_cast, reason = "with musl it is a shorter number")]
            let bytes = (part.cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
            match (part.cmsg_level, part.cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) if size_of::<libc::ucred>() <= bytes => {
                    let of = data.cast::<libc::ucred>().read_unaligned();
                    sender = (u32::try_from(of.pid).unwrap_or(0), of.uid);
                }
                (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                    for place in 0..bytes / size_of::<RawFd>() {
                        let fd = data.cast::<RawFd>().add(place).read_unaligned();
                        fds.push(OwnedFd::from_raw_fd(fd));
                    }
                }
                _ => {}
            }
            at = libc::CMSG_NXTHDR(&raw const head, at);
        }
        Ok((length, sender, fds))
    }
}

/// The groups that the peer of a socket had beside its own when it connected.
///
/// # Errors
/// It cannot be told.
pub fn peer_groups(socket: &impl std::os::fd::AsRawFd) -> io::Result<Vec<u32>> {
    // More than this a process does not have (`NGROUPS_MAX`).
    let mut groups = vec![0_u32; 1 << 16];
    let mut length = libc::socklen_t::try_from(size_of_val(groups.as_slice())).unwrap_or(0);
    // SAFETY: the kernel writes at most `length` bytes, which the vector has.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERGROUPS,
            groups.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    groups.truncate(usize::try_from(length).unwrap_or(0) / size_of::<u32>());
    Ok(groups)
}

/// Names this process for `ps`.
pub fn name_process(name: &CStr) {
    // SAFETY: the string is read during the call.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// Lets the command, and nothing else that this process starts, have the descriptor, and begin a
/// session of its own. Gives the number it has there.
pub fn pass_on(command: &mut std::process::Command, fd: OwnedFd) -> RawFd {
    use std::os::fd::AsRawFd;
    use std::os::unix::process::CommandExt;
    let raw = fd.as_raw_fd();
    let last = move || {
        // SAFETY: system calls that are safe between fork and exec; the closure owns the
        // descriptor, so it is open.
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
