//! The calls of `ptrace`. The only unsafe code of the crate.

#![expect(unsafe_code, reason = "no safe library offers ptrace")]

use std::io;

#[cfg(not(target_arch = "x86_64"))]
compile_error!("how a system call is replaced by an error is written for x86-64 only");

/// A stop that no signal and no event caused (`<linux/ptrace.h>`).
pub const EVENT_STOP: i32 = 128;

const OPTIONS: i32 = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC;

/// What became of a process or thread that is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It has ended, with this code; `None` when a signal ended it.
    Ended(Option<i32>),
    /// It is about to make a system call, or has made it.
    Call,
    /// It stopped for an event, with the signal that belongs to it.
    Event(i32, i32),
    /// A signal is about to reach it.
    Signal(i32),
}

/// How a stopped one goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onward {
    /// It stops at its next system call.
    ToNextCall,
    /// It stops at its next event.
    ToNextEvent,
    /// It is traced no more.
    Free,
    /// It remains stopped, as a stop signal asked.
    Listen,
}

fn ptrace(request: libc::c_uint, pid: i32, data: usize) -> io::Result<()> {
    // SAFETY: none of the requests that come here makes the kernel write to our memory.
    let done = unsafe { libc::ptrace(request, pid, 0_usize, data) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Begins to trace a process or thread that is there.
pub fn seize(tid: i32) -> io::Result<()> {
    ptrace(libc::PTRACE_SEIZE, tid, usize::try_from(OPTIONS).unwrap_or(0))?;
    ptrace(libc::PTRACE_INTERRUPT, tid, 0)
}

/// Waits until a child of ours has been stopped by a signal.
pub fn wait_stopped(pid: i32) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: the kernel writes one integer.
    let done = unsafe { libc::waitpid(pid, &raw mut status, libc::WUNTRACED) };
    match done {
        -1 => Err(io::Error::last_os_error()),
        _ if libc::WIFSTOPPED(status) => Ok(()),
        _ => Err(io::Error::other("it ended before it was traced")),
    }
}

/// Lets a process that a signal stopped go on.
pub fn wake(pid: i32) -> io::Result<()> {
    // SAFETY: a plain call.
    let done = unsafe { libc::kill(pid, libc::SIGCONT) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits until something changes for anybody who is traced; `None` when nobody is left.
pub fn wait() -> io::Result<Option<(i32, Change)>> {
    let mut status = 0;
    // SAFETY: the kernel writes one integer.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
    if pid == -1 {
        let error = io::Error::last_os_error();
        let nobody = error.raw_os_error() == Some(libc::ECHILD);
        return if nobody { Ok(None) } else { Err(error) };
    }
    Ok(Some((pid, change(status))))
}

fn change(status: i32) -> Change {
    if libc::WIFEXITED(status) {
        return Change::Ended(Some(libc::WEXITSTATUS(status)));
    }
    if libc::WIFSIGNALED(status) {
        return Change::Ended(None);
    }
    let signal = libc::WSTOPSIG(status);
    match status >> 16 {
        0 if signal == libc::SIGTRAP | 0x80 => Change::Call,
        0 => Change::Signal(signal),
        event => Change::Event(event, signal),
    }
}

/// Lets a stopped one go on, with a signal where one is due.
pub fn go_on(tid: i32, how: Onward, signal: i32) -> io::Result<()> {
    let request = match how {
        Onward::ToNextCall => libc::PTRACE_SYSCALL,
        Onward::ToNextEvent => libc::PTRACE_CONT,
        Onward::Free => libc::PTRACE_DETACH,
        Onward::Listen => libc::PTRACE_LISTEN,
    };
    ptrace(request, tid, usize::try_from(signal).unwrap_or(0))
}

fn registers(tid: i32) -> io::Result<libc::user_regs_struct> {
    // SAFETY: the kernel fills the structure, of which all zeroes are a valid value.
    unsafe {
        let mut registers: libc::user_regs_struct = std::mem::zeroed();
        let at = (&raw mut registers).cast::<libc::c_void>();
        if libc::ptrace(libc::PTRACE_GETREGS, tid, 0_usize, at) == -1 {
            return Err(io::Error::last_os_error());
        }
        Ok(registers)
    }
}

fn set_registers(tid: i32, registers: &libc::user_regs_struct) -> io::Result<()> {
    // SAFETY: the kernel reads the structure.
    let done = unsafe {
        let at = std::ptr::from_ref(registers).cast::<libc::c_void>();
        libc::ptrace(libc::PTRACE_SETREGS, tid, 0_usize, at)
    };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The number of the call that it is about to make; `None` after the call.
pub fn entered(tid: i32) -> io::Result<Option<i64>> {
    // SAFETY: the kernel fills at most the size that it is told, and the union is read only where
    // `op` says that it is an entry.
    unsafe {
        let mut info: libc::ptrace_syscall_info = std::mem::zeroed();
        let at = (&raw mut info).cast::<libc::c_void>();
        let size = size_of::<libc::ptrace_syscall_info>();
        if libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, tid, size, at) == -1 {
            return Err(io::Error::last_os_error());
        }
        if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
            return Ok(None);
        }
        Ok(i64::try_from(info.u.entry.nr).ok())
    }
}

/// The first arguments of the call that it is about to make, of which one mostly is a descriptor.
pub fn arguments(tid: i32) -> io::Result<(u64, u64)> {
    let registers = registers(tid)?;
    Ok((registers.rdi, registers.rsi))
}

/// Replaces the call that it is about to make by none.
pub fn skip_call(tid: i32) -> io::Result<()> {
    let mut registers = registers(tid)?;
    registers.orig_rax = u64::MAX;
    set_registers(tid, &registers)
}

/// Gives the call that was skipped an error as its result.
pub fn set_error(tid: i32, errno: i64) -> io::Result<()> {
    let mut registers = registers(tid)?;
    registers.rax = (-errno).cast_unsigned();
    set_registers(tid, &registers)
}
