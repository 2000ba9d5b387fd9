//! The system calls that no safe library offers. With `birth/sys.rs` the only unsafe code
//! of the crate.

#![expect(unsafe_code, reason = "system calls that no safe library offers")]

use std::ffi::{CString, c_int, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use rustix::fs::OFlags;
use rustix::io::{Errno, FdFlags};

use crate::cstrings::CStrings;

/// Signals that must not end the keeper. They are blocked, not ignored: what is ignored stays so in
/// programs unless each is set back between birth and program, while the mask is
/// cleared there anyway.
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

/// Keeps every descriptor above the standard ones from programs, also those that we
/// know nothing of.
pub(crate) fn keep_fds_to_ourselves() {
    // SAFETY: sets a flag. A kernel before 5.11 refuses, then what our starter left open is passed
    // on as it was to us.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

/// Closes every descriptor above the standard ones but these. To be called at the start of a
/// program that knows what it was given, before it opens anything.
pub(crate) fn close_inherited(mut kept: Vec<RawFd>) -> io::Result<()> {
    kept.sort_unstable();
    let mut first = 3;
    for kept in kept.into_iter().filter_map(|fd| u32::try_from(fd).ok()) {
        close_range(first, kept.saturating_sub(1))?;
        first = first.max(kept + 1);
    }
    close_range(first, u32::MAX)
}

fn close_range(first: u32, last: u32) -> io::Result<()> {
    if last < first {
        return Ok(());
    }
    // SAFETY: by the contract of the caller nobody in this process owns one of these.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 {
        return Ok(());
    }
    // A kernel before 5.9 does not know the call.
    let names: io::Result<Vec<_>> = std::fs::read_dir("/proc/self/fd")?.collect();
    let numbers = names?.into_iter().filter_map(|name| name.file_name().to_str()?.parse().ok());
    for number in numbers.filter(|number: &u32| (first..=last).contains(number)) {
        // SAFETY: as above. The folder that was read is among them, and closed already.
        unsafe { libc::close(number.cast_signed()) };
    }
    Ok(())
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

/// Returns the number of the last failure.
pub(crate) fn errno() -> i32 {
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

/// Gives back what the start has read of the program and its libraries: most of it is not needed
/// again, and what is comes back from the page cache when it is touched.
pub fn release_program_pages() {
    // SAFETY: the callback does not unwind and keeps nothing.
    unsafe { libc::dl_iterate_phdr(Some(release_object), ptr::null_mut()) };
}

/// Gives back what one object has mapped and never writes to.
///
/// # Safety
/// Only as a callback of `dl_iterate_phdr`.
unsafe extern "C" fn release_object(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    _data: *mut c_void,
) -> c_int {
    let page = rustix::param::page_size();
    // SAFETY: the C library passes an object that is loaded, with as many headers as it says.
    let (base, headers) = unsafe {
        let info = &*info;
        (info.dlpi_addr, std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()))
    };
    for header in headers {
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
            continue;
        }
        // Whole pages only: a page at either end may be shared with a segment that is written to.
        let begin = (base + header.p_vaddr) as usize;
        let (start, end) = (begin.next_multiple_of(page), begin + header.p_memsz as usize);
        let length = (end / page * page).saturating_sub(start);
        // SAFETY: these pages are mapped from a file and never writable, so the kernel reads the
        // same bytes again. What it refuses stays, which costs memory only.
        unsafe { libc::madvise(start as *mut c_void, length, libc::MADV_DONTNEED) };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resident_of_files() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssFile:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    #[test]
    fn pages_that_only_the_start_needed_are_given_back() {
        let before = resident_of_files();
        release_program_pages();
        let after = resident_of_files();
        assert!(after < before, "{before} KiB before, {after} KiB after");
    }
}
