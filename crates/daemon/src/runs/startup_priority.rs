//! A new worker that is being verified lets those that serve go first.
//!
//! A runtime that starts takes as much of the processors as there is, from the workers whose
//! clients wait. Linux gives each session a share of its own (autogroups), and a new worker is a
//! session: for its first second, while it is being verified, its share is a tenth. Raising it
//! again needs no privilege, but the kernel takes only some such changes a second from who is not
//! root; what it refuses is tried again. Where there are no autogroups nothing is done.
//!
//! For the same reason the nice value of an app is that of its session as well: by itself it would
//! only count among the processes of the app.

use std::collections::BTreeMap;
use std::io;

use ostler_core::RunId;

use crate::clock;

/// A tenth of the usual share.
const LOWERED: i32 = 10;
/// The longest that a worker's share is lowered, ms: on a machine that is busy for long it must
/// start all the same.
const LIMIT: u64 = 1000;
/// Before a refused change is tried again, ms; the kernel takes one in a tenth of a second.
const AGAIN: u64 = 120;

/// Whose share of the processors is lowered.
#[derive(Debug, Default)]
pub struct StartupPriority {
    lowered: BTreeMap<RunId, Lowered>,
}

/// One that does not have its usual share.
#[derive(Debug)]
struct Lowered {
    pid: u32,
    /// When it is to have it.
    due: u64,
    /// Its usual share, as a nice value.
    usual: i32,
}

impl StartupPriority {
    /// A worker was started that is to be verified.
    pub fn lower(&mut self, run: RunId, pid: u32, usual: i32) {
        if LOWERED <= usual {
            self.settle(run, pid, usual);
        } else if set(pid, LOWERED).is_ok() {
            self.lowered.insert(run, Lowered { pid, due: clock::monotonic() + LIMIT, usual });
        }
    }

    /// A process is to have this share from now on.
    pub fn settle(&mut self, run: RunId, pid: u32, usual: i32) {
        self.lowered.insert(run, Lowered { pid, due: 0, usual });
        self.on_time(clock::monotonic());
    }

    /// It passed its checks.
    pub fn restore(&mut self, run: RunId) {
        if let Some(lowered) = self.lowered.get_mut(&run) {
            lowered.due = 0;
            self.on_time(clock::monotonic());
        }
    }

    /// Forgets a worker that is dead.
    pub fn forget(&mut self, run: RunId) {
        self.lowered.remove(&run);
    }

    /// Takes up a worker that an earlier daemon had started.
    pub fn take_over(&mut self, run: RunId, pid: u32) {
        let path = format!("/proc/{pid}/autogroup");
        let lowered = format!(" {LOWERED}");
        if std::fs::read_to_string(path).is_ok_and(|text| text.trim_end().ends_with(&lowered)) {
            self.lowered.insert(run, Lowered { pid, due: 0, usual: 0 });
        }
    }

    /// When [`StartupPriority::on_time`] is due.
    pub fn deadline(&self) -> Option<u64> {
        self.lowered.values().map(|lowered| lowered.due).min()
    }

    /// Gives those their usual share whose time is over.
    pub fn on_time(&mut self, now: u64) {
        self.lowered.retain(|_, Lowered { pid, due, usual }| {
            if now < *due {
                return true;
            }
            // Any other refusal means that the process is gone.
            let refused =
                set(*pid, *usual).is_err_and(|error| error.raw_os_error() == Some(libc::EAGAIN));
            *due = now + AGAIN;
            refused
        });
    }
}

fn set(pid: u32, nice: i32) -> io::Result<()> {
    std::fs::write(format!("/proc/{pid}/autogroup"), nice.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A session of its own; `None` where the kernel has no autogroups.
    fn session() -> Option<Child> {
        std::fs::metadata("/proc/self/autogroup").ok()?;
        let mut command = Command::new("setsid");
        command.args(["sh", "-c", "echo; exec sleep 1000000"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Its first word comes after the session was made.
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        Some(child)
    }

    fn share(pid: u32) -> String {
        let text = std::fs::read_to_string(format!("/proc/{pid}/autogroup")).unwrap();
        text.trim_end().rsplit_once(' ').unwrap().1.to_owned()
    }

    /// As the daemon does it, without its clock.
    fn goes_on(priority: &mut StartupPriority, from: u64) -> u64 {
        let mut now = from;
        while priority.deadline().is_some() {
            now += 1;
            priority.on_time(now);
        }
        now
    }

    #[test]
    fn a_workers_share_is_lowered_until_it_passed_its_checks_or_a_second_has_gone() {
        let Some(mut child) = session() else { return };
        let (pid, run) = (child.id(), RunId(7));
        let mut priority = StartupPriority::default();
        let since = clock::monotonic();
        // One who is not root may be refused for a tenth of a second.
        while priority.deadline().is_none() {
            priority.lower(run, pid, 0);
        }
        assert_eq!(share(pid), LOWERED.to_string());
        let due = priority.deadline().unwrap();
        priority.on_time(due - 1);
        assert!(since + LIMIT <= due && share(pid) == LOWERED.to_string());
        goes_on(&mut priority, due);
        assert_eq!(share(pid), "0");

        while priority.deadline().is_none() {
            priority.lower(run, pid, 0);
        }
        // Its daemon dies.
        let mut next = StartupPriority::default();
        next.take_over(run, pid);
        next.restore(run);
        goes_on(&mut next, clock::monotonic());
        assert_eq!(share(pid), "0");
        next.take_over(run, pid);
        assert_eq!(next.deadline(), None);
        // An app with a nice value of its own.
        next.settle(run, pid, 7);
        goes_on(&mut next, clock::monotonic());
        assert_eq!(share(pid), "7");
        child.kill().unwrap();
        child.wait().unwrap();
        goes_on(&mut priority, due + LIMIT);
    }
}
