//! The system calls of the bare supervisors, without the costs of a library.

#![expect(unsafe_code, reason = "the bare loop is what a C program would do")]

use std::ffi::{CString, c_char};
use std::ptr;

/// A program with one argument list, laid out once.
pub struct Program {
    strings: Vec<CString>,
}

impl Program {
    pub fn new(words: &[&str]) -> Self {
        Self { strings: words.iter().map(|word| CString::new(*word).unwrap()).collect() }
    }

    fn argv(&self) -> Vec<*mut c_char> {
        let list = self.strings.iter().map(|word| word.as_ptr().cast_mut());
        list.chain([ptr::null_mut()]).collect()
    }

    fn path(&self) -> *const c_char {
        self.strings.first().map_or(ptr::null(), |path| path.as_ptr())
    }

    /// Starts it by `posix_spawn`.
    pub fn spawn(&self) -> libc::pid_t {
        let (argv, mut pid) = (self.argv(), 0);
        let envp = [ptr::null_mut()];
        // SAFETY: the lists end with null pointers and live through the call.
        let result = unsafe {
            let program = self.path();
            libc::posix_spawn(
                &raw mut pid,
                program,
                ptr::null(),
                ptr::null(),
                argv.as_ptr(),
                envp.as_ptr(),
            )
        };
        assert_eq!(result, 0);
        pid
    }

    /// Forks a child that executes it when a byte comes through the descriptor.
    pub fn fork_waiting(&self, gate: libc::c_int) -> libc::pid_t {
        let (path, argv, mut byte) = (self.path(), self.argv(), 0_u8);
        let envp: [*const c_char; 1] = [ptr::null()];
        // SAFETY: this process has one thread, so its child may do anything; it only reads and
        // executes.
        unsafe {
            let pid = libc::fork();
            if pid == 0 {
                libc::read(gate, (&raw mut byte).cast(), 1);
                libc::execve(path, argv.as_ptr().cast(), envp.as_ptr());
                libc::_exit(127);
            }
            pid
        }
    }
}

/// Waits until that child ends.
pub fn wait(pid: libc::pid_t) {
    let mut status = 0;
    // SAFETY: writes one number.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
}

/// Ends at once, with code 1.
pub fn crash() -> ! {
    // SAFETY: it takes nothing and does not return.
    unsafe { libc::_exit(1) }
}

/// The monotonic clock, ns.
pub fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one value.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}
