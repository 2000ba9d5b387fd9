//! What `/proc/PID/stat` tells of a process.
//!
//! A pid alone never names a process: it is used again. With the time of its start it does. And of
//! a process that ended and was not reaped, this file is where others than its parent learn how.

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

/// Fields of the file, counted from 1 as in proc(5).
const STATE: usize = 3;
const START_TIME: usize = 22;
const EXIT_CODE: usize = 52;

/// When the process started, in clock ticks after boot; 0 when that cannot be read.
pub(crate) fn start_time(pid: u32) -> u64 {
    read(pid).and_then(|stat| field(&stat, START_TIME)?.parse().ok()).unwrap_or(0)
}

/// How the process ended, as `waitpid` will tell its parent; `None` when it is not waiting to be
/// reaped, is not the one that started then, or is not ours to look at.
pub(crate) fn zombie_status(pid: u32, started: u64) -> Option<i32> {
    let stat = read(pid)?;
    let same = field(&stat, STATE)? == "Z" && field(&stat, START_TIME)?.parse() == Ok(started);
    // To those who may not look, the kernel writes 0, as if all was well. This link has the same
    // guard, and leads to nothing when the process has ended.
    let permitted =
        rustix::fs::readlink(format!("/proc/{pid}/cwd"), Vec::new()) == Err(Errno::NOENT);
    if same && permitted { field(&stat, EXIT_CODE)?.parse().ok() } else { None }
}

fn read(pid: u32) -> Option<String> {
    let file =
        open(format!("/proc/{pid}/stat"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut stat = [0; 1024];
    // The kernel gives all of it at once.
    let length = rustix::io::read(&file, &mut stat).ok()?;
    let stat = stat.get(..length)?;
    // The name (field 2) is in parentheses and may hold anything; field 3 follows the last one.
    let after = stat.rsplit(|byte| *byte == b')').next()?;
    String::from_utf8(after.to_vec()).ok()
}

fn field(after_name: &str, number: usize) -> Option<&str> {
    after_name.split_ascii_whitespace().nth(number - STATE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_zombie_tells_how_it_ended_and_the_living_do_not() {
        let mut child =
            Command::new("/bin/sh").args(["-c", "exit 7"]).stdout(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        let started = start_time(pid);
        assert!(started > 0);
        rustix::process::waitid(
            rustix::process::WaitId::Pid(rustix::process::Pid::from_child(&child)),
            rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT,
        )
        .unwrap();
        assert_eq!(zombie_status(pid, started), Some(7 << 8));
        assert_eq!(zombie_status(pid, started + 1), None, "another process of the same pid");
        child.wait().unwrap();
        assert_eq!(zombie_status(pid, started), None);
        let own = std::process::id();
        assert_eq!(zombie_status(own, start_time(own)), None);
    }
}
