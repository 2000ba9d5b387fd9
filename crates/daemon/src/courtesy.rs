//! A new worker on trial lets those that serve go first.
//!
//! A runtime that starts takes as much of the processors as there is, from the workers whose
//! clients wait. Linux gives each session a share of its own (autogroups), and a new worker is a
//! session: for the first second of its trial its share is a tenth. Raising it again needs no
//! privilege, but the kernel takes only some such changes a second from who is not root; what it
//! refuses is tried again. Where there are no autogroups nothing is done.

use std::collections::BTreeMap;
use std::io;

use ostler_core::RunId;

use crate::clock;

/// A tenth of the usual share.
const BACK: &str = "10";
const USUAL: &str = "0";
/// The longest that a worker holds itself back, ms: on a machine that is busy for long it must
/// start all the same.
const LIMIT: u64 = 1000;
/// Before a refused change is tried again, ms; the kernel takes one in a tenth of a second.
const AGAIN: u64 = 120;

/// Who holds itself back.
#[derive(Debug, Default)]
pub struct Courtesy {
    /// The process, and when it is to go on as usual.
    held_back: BTreeMap<RunId, (u32, u64)>,
}

impl Courtesy {
    /// A worker on trial was started.
    pub fn begin(&mut self, run: RunId, pid: u32) {
        if set(pid, BACK).is_ok() {
            self.held_back.insert(run, (pid, clock::monotonic() + LIMIT));
        }
    }

    /// It has proven itself.
    pub fn end(&mut self, run: RunId) {
        if let Some((_, due)) = self.held_back.get_mut(&run) {
            *due = 0;
            self.on_time(clock::monotonic());
        }
    }

    /// It is dead.
    pub fn forget(&mut self, run: RunId) {
        self.held_back.remove(&run);
    }

    /// A worker that an earlier daemon had started.
    pub fn take_over(&mut self, run: RunId, pid: u32) {
        let path = format!("/proc/{pid}/autogroup");
        if std::fs::read_to_string(path).is_ok_and(|text| text.trim_end().ends_with(BACK)) {
            self.held_back.insert(run, (pid, 0));
        }
    }

    /// When [`Courtesy::on_time`] is due.
    pub fn deadline(&self) -> Option<u64> {
        self.held_back.values().map(|(_, due)| *due).min()
    }

    /// Gives those their usual share whose time is over.
    pub fn on_time(&mut self, now: u64) {
        self.held_back.retain(|_, (pid, due)| {
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
    fn goes_on(courtesy: &mut Courtesy, from: u64) -> u64 {
        let mut now = from;
        while courtesy.deadline().is_some() {
            now += 1;
            courtesy.on_time(now);
        }
        now
    }

    #[test]
    fn a_worker_holds_itself_back_until_it_has_proven_itself_or_a_second_has_gone() {
        let Some(mut child) = session() else { return };
        let (pid, run) = (child.id(), RunId(7));
        let mut courtesy = Courtesy::default();
        let since = clock::monotonic();
        // One who is not root may be refused for a tenth of a second.
        while courtesy.deadline().is_none() {
            courtesy.begin(run, pid);
        }
        assert_eq!(share(pid), BACK);
        let due = courtesy.deadline().unwrap();
        courtesy.on_time(due - 1);
        assert!(since + LIMIT <= due && share(pid) == BACK);
        goes_on(&mut courtesy, due);
        assert_eq!(share(pid), USUAL);

        while courtesy.deadline().is_none() {
            courtesy.begin(run, pid);
        }
        // Its daemon dies.
        let mut next = Courtesy::default();
        next.take_over(run, pid);
        next.end(run);
        goes_on(&mut next, clock::monotonic());
        assert_eq!(share(pid), USUAL);
        next.take_over(run, pid);
        assert_eq!(next.deadline(), None);
        child.kill().unwrap();
        child.wait().unwrap();
        goes_on(&mut courtesy, due + LIMIT);
    }
}
