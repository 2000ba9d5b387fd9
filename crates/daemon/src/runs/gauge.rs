//! What a process uses: CPU time and memory, asked for as cheaply as the kernel answers.
//!
//! A list of a thousand processes asks a thousand times. Opening, reading and closing
//! `/proc/PID/stat` takes some eleven microseconds, reading a `/proc/PID/statm` that is open and a
//! clock two. So the file is kept open with the run, as long as descriptors are plentiful. A
//! descriptor of `/proc` belongs to the process that it was opened for: when that is gone, reading
//! it fails, whoever has the number now.

use std::cell::Cell;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};

use crate::{reserve, sys};

/// What a process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// CPU time since it began, ns.
    pub cpu: u64,
    /// Resident memory, bytes.
    pub memory: u64,
}

/// An open view of one process.
#[derive(Debug)]
pub struct Gauge {
    statm: OwnedFd,
    clock: libc::clockid_t,
    /// What was found the last time.
    last: Cell<Option<Usage>>,
}

impl Gauge {
    /// Opens the view of the process that `pidfd` holds fast; `None` when it has ended or cannot
    /// be looked at.
    pub fn open(pid: u32, pidfd: &impl AsFd) -> Option<Self> {
        let path = format!("/proc/{pid}/statm");
        let statm = open(path.as_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let clock = sys::cpu_clock(pid)?;
        // Only as long as it has not ended its number is surely not another's.
        let mut ended = [PollFd::new(pidfd, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        (poll(&mut ended, Some(&now)) == Ok(0)).then_some(Self {
            statm,
            clock,
            last: Cell::new(None),
        })
    }

    /// What it uses now; `None` when it is gone.
    pub fn read(&self) -> Option<Usage> {
        // In this order: the file tells that the process was still there when the clock, which
        // knows numbers only, was read.
        let cpu = sys::cpu_time(self.clock)?;
        let usage = Usage { cpu, memory: self.resident()? };
        self.last.set(Some(usage));
        Some(usage)
    }

    /// The same, cheaper. A process that has not run since the last look has not taken any memory,
    /// and its clock is read in a fraction of the time.
    pub fn read_if_run(&self) -> Option<Usage> {
        let last = self.last.get();
        last.filter(|last| sys::cpu_time(self.clock) == Some(last.cpu)).or_else(|| self.read())
    }

    fn resident(&self) -> Option<u64> {
        let mut line = [0; 128];
        let length = rustix::io::pread(&self.statm, &mut line, 0).ok()?;
        let line = std::str::from_utf8(line.get(..length)?).ok()?;
        let pages: u64 = line.split(' ').nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    }

    /// Whether it may stay open.
    pub fn may_stay(&self) -> bool {
        reserve::is_plentiful(&self.statm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_is_measured_while_it_lives_and_no_longer() {
        let own = pidfd_open(rustix::process::getpid(), PidfdFlags::empty()).unwrap();
        let gauge = Gauge::open(std::process::id(), &own).unwrap();
        let before = gauge.read().unwrap();
        assert!(1 << 16 < before.memory, "{before:?}");
        let began = std::time::Instant::now();
        while gauge.read().unwrap().cpu == before.cpu {
            assert!(began.elapsed().as_secs() < 10, "its CPU time stands still");
        }

        let mut child =
            Command::new("/bin/sh").args(["-c", "read x"]).stdin(Stdio::piped()).spawn().unwrap();
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
        let gauge = Gauge::open(child.id(), &pidfd).unwrap();
        assert!(gauge.read().is_some());
        // It grows while it begins.
        let began = std::time::Instant::now();
        while gauge.read_if_run() != gauge.read() {
            assert!(began.elapsed().as_secs() < 10, "the two looks differ");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((gauge.read(), gauge.read_if_run()), (None, None));
        assert!(Gauge::open(child.id(), &pidfd).is_none());
    }
}
