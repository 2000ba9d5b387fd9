//! System calls that no safe library offers. The only unsafe code of the crate.

#![expect(unsafe_code, reason = "the CPU time of another process cannot be read otherwise")]

/// The CPU time that a process has used, ns: it stands still while none of its threads runs. `None`
/// when there is no such process.
pub(crate) fn cpu_time(pid: u32) -> Option<u64> {
    let pid = libc::pid_t::try_from(pid).ok()?;
    let mut clock = 0;
    // SAFETY: writes one number.
    if unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) } != 0 {
        return None;
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one `timespec`.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
        return None;
    }
    Some(u64::try_from(time.tv_sec).ok()? * 1_000_000_000 + u64::try_from(time.tv_nsec).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_process_that_waits_stands_still_and_of_one_that_is_gone_there_is_none() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        // It begins, and then it waits.
        while cpu_time(pid).unwrap() != cpu_time(pid).unwrap() {}
        let own = cpu_time(std::process::id()).unwrap();
        while cpu_time(std::process::id()).unwrap() == own {}
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(cpu_time(pid), None);
    }
}
