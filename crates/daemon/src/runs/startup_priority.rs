//! A new worker that is being verified lets those that serve go first.
//!
//! A runtime that starts takes as much of the processors as there is, from the workers whose
//! clients wait. Linux gives each session a share of its own (autogroups), and a new worker is a
//! session: for its first second, while it is being verified, its share is a tenth. Raising it
//! again needs no privilege, but the kernel takes only some such changes a second from who is not
//! root; what it refuses is tried again. Where there are no autogroups nothing is done.

use std::collections::BTreeMap;
use std::io;

use ostler_core::RunId;

use crate::clock;

/// A tenth of the usual share.
const LOWERED: &str = "10";
/// The share of who is like all others.
const USUAL: &str = "0";
/// The longest that a worker's share is lowered, ms: on a machine that is busy for long it must
/// start all the same.
const LIMIT: u64 = 1000;
/// Before a refused change is tried again, ms; the kernel takes one in a tenth of a second.
const AGAIN: u64 = 120;

/// Whose share of the processors is lowered.
#[derive(Debug, Default)]
pub struct StartupPriority {
    /// The process, and when it is to have its usual share.
    lowered: BTreeMap<RunId, (u32, u64)>,
}

impl StartupPriority {
    /// A worker was started that is to be verified.
    pub fn lower(&mut self, run: RunId, pid: u32) {
        if set(pid, LOWERED).is_ok() {
            self.lowered.insert(run, (pid, clock::monotonic() + LIMIT));
        }
    }

    /// It passed its checks.
    pub fn restore(&mut self, run: RunId) {
        if let Some((_, due)) = self.lowered.get_mut(&run) {
            *due = 0;
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
        if std::fs::read_to_string(path).is_ok_and(|text| text.trim_end().ends_with(LOWERED)) {
            self.lowered.insert(run, (pid, 0));
        }
    }

    /// When [`StartupPriority::on_time`] is due.
    pub fn deadline(&self) -> Option<u64> {
        self.lowered.values().map(|(_, due)| *due).min()
    }

    /// Gives those their usual share whose time is over.
    pub fn on_time(&mut self, now: u64) {
        self.lowered.retain(|_, (pid, due)| {
            if now < *due {
                return true;
            }
            // Any other refusal means that the process is gone.
            let refused =
                set(*pid, USUAL).is_err_and(|error| error.raw_os_error() == Some(libc::EAGAIN));
            *due = now + AGAIN;
            refused
        });
    }
}

fn set(pid: u32, nice: &str) -> io::Result<()> {
    std::fs::write(format!("/proc/{pid}/autogroup"), nice)
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
            priority.lower(run, pid);
        }
        assert_eq!(share(pid), LOWERED);
        let due = priority.deadline().unwrap();
        priority.on_time(due - 1);
        assert!(since + LIMIT <= due && share(pid) == LOWERED);
        goes_on(&mut priority, due);
        assert_eq!(share(pid), USUAL);

        while priority.deadline().is_none() {
            priority.lower(run, pid);
        }
        // Its daemon dies.
        let mut next = StartupPriority::default();
        next.take_over(run, pid);
        next.restore(run);
        goes_on(&mut next, clock::monotonic());
        assert_eq!(share(pid), USUAL);
        next.take_over(run, pid);
        assert_eq!(next.deadline(), None);
        child.kill().unwrap();
        child.wait().unwrap();
        goes_on(&mut priority, due + LIMIT);
    }
}
