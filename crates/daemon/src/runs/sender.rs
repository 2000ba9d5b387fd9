//! Whose process it is that has sent something.

use ostler_core::RunId;

use super::marks::{RUN_VARIABLE, run_of, variable_of};
use super::stat::Stat;
use super::{Run, Runs};

/// More generations than there are between a run's first process and any other.
const GENERATIONS: usize = 64;

impl Runs {
    /// The run that a process of this user is of, while that process is there.
    pub fn run_of_process(&self, pid: u32, uid: u32) -> Option<RunId> {
        self.run_of_first(pid)
            .or_else(|| self.run_of_group(pid))
            .or_else(|| self.run_of_ancestor(pid))
            .or_else(|| self.run_of_mark(pid, uid))
    }

    fn run_of_first(&self, pid: u32) -> Option<RunId> {
        // Who cannot be seen from here is 0.
        let is_first = |held: &Run| pid != 0 && held.is_alive() && held.pid() == pid;
        self.iter().find(|(_, held)| is_first(held)).map(|(run, _)| run)
    }

    /// By its control group, which no process of a run can leave.
    fn run_of_group(&self, pid: u32) -> Option<RunId> {
        let groups = self.groups.as_ref()?;
        let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
        groups.run_at(path).filter(|run| self.group_of(*run).is_some())
    }

    /// By its ancestors, where there are no control groups.
    fn run_of_ancestor(&self, pid: u32) -> Option<RunId> {
        let mut pid = pid;
        for _ in 0..GENERATIONS {
            pid = Stat::read(pid)?.ppid;
            if let Some(run) = self.run_of_first(pid) {
                return Some(run);
            }
        }
        None
    }

    /// By the mark of its environment, where its ancestors are gone. Anybody may have such a mark:
    /// it must be a process of the user whose app it is, too.
    fn run_of_mark(&self, pid: u32, uid: u32) -> Option<RunId> {
        let run = run_of(&variable_of(pid, RUN_VARIABLE)?, &self.mark)?;
        let own = rustix::process::geteuid().as_raw();
        let user = self.get(run)?.settings()?.uid.unwrap_or(own);
        (user == uid).then_some(run)
    }
}
