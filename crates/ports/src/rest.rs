//! Whether a process and those that descend from it have come to rest: what has loaded and waits
//! uses no processor.

use crate::proc::{family, is_asleep};
use crate::sys::cpu_time;

/// A process and its descendants, as they were seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Each with the CPU time that it had used, ns.
    members: Vec<(u32, Option<u64>)>,
    asleep: bool,
}

impl Rest {
    /// Looks at a process and its descendants.
    #[must_use]
    pub fn look(pid: u32) -> Self {
        let all = family(pid);
        let members = all.iter().map(|pid| (*pid, cpu_time(*pid))).collect();
        // One that may run and gets no turn uses no time, either.
        Self { members, asleep: all.iter().all(|pid| is_asleep(*pid)) }
    }

    /// Whether they were at rest at this look and nothing has run since the other.
    #[must_use]
    pub fn since(&self, before: &Self) -> bool {
        self.asleep && self.members == before.members
    }
}

#[cfg(test)]
mod tests {
    use super::Rest;

    #[test]
    fn who_waits_is_at_rest_and_who_works_is_not() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        // It begins, and then it waits.
        while !Rest::look(child.id()).since(&Rest::look(child.id())) {}
        let own = Rest::look(std::process::id());
        assert!(!Rest::look(std::process::id()).since(&own), "it runs this");
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
