//! A process and those that descend from it, as they were seen, with the sockets that they hold.

use std::collections::{BTreeSet, VecDeque};

use rustix::fs::{CWD, readlinkat_raw};

use crate::proc::children;
use crate::sockets::{inode_of, sockets};
use crate::sys::cpu_time;

/// A socket among the descriptors of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Number of the process.
    pub pid: u32,
    /// Number of the descriptor.
    pub fd: u32,
    /// Number of the socket.
    pub inode: u64,
}

impl Held {
    /// Whether it is there now.
    pub(crate) fn is_there(&self) -> bool {
        let mut target = [0; 64];
        let path = format!("/proc/{}/fd/{}", self.pid, self.fd);
        readlinkat_raw(CWD, path, &mut target)
            .is_ok_and(|length| target.get(..length).and_then(inode_of) == Some(self.inode))
    }
}

/// A process and those that descend from it, as they were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Family {
    /// Each with the CPU time that it had used before it was looked at, ns; parents first.
    pub members: Vec<(u32, u64)>,
    /// The sockets that they hold.
    pub held: Vec<Held>,
}

impl Family {
    /// Looks at them; `None` when the descriptors of one of them may not be seen.
    pub(crate) fn look(pid: u32) -> Option<Self> {
        let mut found = Self::default();
        let mut seen = BTreeSet::from([pid]);
        let mut waiting = VecDeque::from([pid]);
        while let Some(pid) = waiting.pop_front() {
            // Before the rest: what it does from here on will show. One that ended does nothing.
            let used = cpu_time(pid).unwrap_or_default();
            // A number may be given to another process while this looks.
            waiting.extend(children(pid).into_iter().filter(|child| seen.insert(*child)));
            let sockets = sockets(pid)?.into_iter();
            found.held.extend(sockets.map(|(inode, fd)| Held { pid, fd, inode }));
            found.members.push((pid, used));
        }
        Some(found)
    }

    /// Whether none of them has run since, so that none has opened or started anything.
    pub(crate) fn slept(&self) -> bool {
        self.members.iter().all(|(pid, used)| cpu_time(*pid) == Some(*used))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program of Go or Java starts others from whichever thread is at hand.
    #[test]
    fn a_child_that_another_thread_started_is_found() {
        let (done, ended) = std::sync::mpsc::channel::<()>();
        let (told, pid) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut child = std::process::Command::new("cat")
                .stdin(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            told.send(child.id()).unwrap();
            // Children of a thread that has ended are another's.
            _ = ended.recv();
            drop(child.stdin.take());
            child.wait().unwrap();
        });
        let child = pid.recv().unwrap();
        let found = Family::look(std::process::id());
        drop(done);
        thread.join().unwrap();
        assert!(found.is_some_and(|all| all.members.iter().any(|(pid, _)| *pid == child)));
    }
}
