//! The memory of all processes of a run together, for its limit.
//!
//! Problem: what an app uses is often not used by its first process, which may be npm, a shell, or
//! the master of many workers. To add up what is resident counts a page that they share once for
//! each; what is each one's share takes the kernel milliseconds to say. Rule: the sum, which is
//! never too small, is enough while it is below the limit. Above it the shares are asked for, and
//! from then on what the sum grows by is added to them, until that is above the limit again.

use std::fs;
use std::os::fd::OwnedFd;

use ostler_core::Millis;

use super::stat::Stat;
use crate::sys;

/// After this the shares are asked for again, ms: the sum stays the same when a page is shared by
/// nobody any more.
const STALE: Millis = 30_000;
/// Processes of a run that are counted, at most.
const MOST: usize = 4096;

/// What is known of the processes of a run, but for the first.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// CPU time of the first process when they were listed, ns.
    listed: Option<u64>,
    others: Vec<Other>,
    /// The list of its control group, where it may stay open.
    pub list: Option<OwnedFd>,
    exact: Option<Exact>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
struct Other {
    pid: u32,
    /// CPU time at the last look, ns.
    cpu: u64,
    /// Resident memory at the last look, bytes.
    memory: u64,
}

/// The sum of the shares, at one moment.
#[derive(Clone, Copy, Debug)]
struct Exact {
    at: Millis,
    /// What was resident.
    sum: u64,
    shares: u64,
}

/// The first process, at this look.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    pub pid: u32,
    pub cpu: u64,
    pub memory: u64,
}

impl Tree {
    /// What all processes use, bytes; `list` tells their numbers.
    pub fn memory(
        &mut self,
        (now, limit): (Millis, u64),
        first: First,
        list: impl FnOnce() -> Vec<u32>,
    ) -> u64 {
        let same = self.listed == Some(first.cpu) && self.others.iter().all(Other::has_not_run);
        if !same {
            self.look(first, list());
        }
        let others: u64 = self.others.iter().map(|other| other.memory).sum();
        let sum = first.memory + others;
        if sum <= limit || others == 0 {
            return sum;
        }
        above(&mut self.exact, (now, limit), sum, || shares(first, &self.others))
    }

    /// Whoever has run since the last look may have started others, or have another size.
    fn look(&mut self, first: First, mut pids: Vec<u32>) {
        pids.truncate(MOST);
        let known = std::mem::take(&mut self.others);
        let look = |pid: u32| {
            let cpu = sys::cpu_time(sys::cpu_clock(pid)?)?;
            let same = known.iter().find(|other| (other.pid, other.cpu) == (pid, cpu));
            let memory = match same {
                Some(other) => other.memory,
                None => Stat::read(pid)?.rss * rustix::param::page_size() as u64,
            };
            Some(Other { pid, cpu, memory })
        };
        self.others = pids.into_iter().filter(|pid| *pid != first.pid).filter_map(look).collect();
        self.listed = Some(first.cpu);
    }
}

/// The sum is above the limit: what is really used.
fn above(
    exact: &mut Option<Exact>,
    (now, limit): (Millis, u64),
    sum: u64,
    shares: impl FnOnce() -> u64,
) -> u64 {
    if let Some(exact) = exact {
        let guess = exact.shares + sum.saturating_sub(exact.sum);
        if guess <= limit && now.saturating_sub(exact.at) < STALE {
            return guess;
        }
    }
    let shares = shares().min(sum);
    *exact = Some(Exact { at: now, sum, shares });
    shares
}

impl Other {
    fn has_not_run(&self) -> bool {
        sys::cpu_clock(self.pid).and_then(sys::cpu_time) == Some(self.cpu)
    }
}

/// What is each process's own, and its part of what it shares; never less than the first process
/// has by itself, which is what a limit means for one that shares nothing.
fn shares(first: First, others: &[Other]) -> u64 {
    let share = |pid: u32, memory: u64| share(pid).unwrap_or(memory);
    let theirs = others.iter().map(|other| share(other.pid, other.memory));
    theirs.fold(share(first.pid, first.memory), u64::saturating_add).max(first.memory)
}

/// The proportional share of a process, bytes; `None` when it cannot be told.
fn share(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

/// The descendants of a process, where no control group tells them.
pub(super) fn descendants(first: u32) -> Vec<u32> {
    let mut all = vec![first];
    let mut next = 0;
    while let Some(pid) = all.get(next).copied().filter(|_| all.len() < MOST) {
        next += 1;
        for thread in threads(pid) {
            let path = format!("/proc/{pid}/task/{thread}/children");
            let text = fs::read_to_string(path).unwrap_or_default();
            for child in text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()) {
                if !all.contains(&child) {
                    all.push(child);
                }
            }
        }
    }
    all
}

/// The threads of a process; any may have started others.
fn threads(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    const FIRST: First = First { pid: 0, cpu: 1, memory: 50 };

    #[test]
    fn shares_are_asked_for_only_above_the_limit_and_again_when_the_sum_has_grown() {
        let mut exact = None;
        let mut at = |now: Millis, sum: u64, shares: u64| {
            let mut asked = false;
            let told = above(&mut exact, (now, 100), sum, || {
                asked = true;
                shares
            });
            (told, asked)
        };
        assert_eq!(at(0, 150, 70), (70, true));
        assert_eq!(at(1000, 170, 99), (90, false));
        assert_eq!(at(2000, 181, 80), (80, true));
        assert_eq!(at(3000, 150, 99), (80, false));
        assert_eq!(at(2000 + STALE, 150, 99), (99, true));
        assert_eq!(at(2000 + STALE, 400, 500), (400, true));
    }

    #[test]
    fn one_process_alone_is_never_asked_for_its_share() {
        let mut tree = Tree::default();
        let first = First { memory: 500, ..FIRST };
        assert_eq!(tree.memory((0, 100), first, Vec::new), 500);
        assert!(tree.exact.is_none());
    }

    #[test]
    fn processes_are_listed_again_only_when_one_has_run() {
        let mut tree = Tree::default();
        assert_eq!(tree.memory((0, 100), FIRST, Vec::new), 50);
        let none = || panic!("nobody has run");
        assert_eq!(tree.memory((0, 100), FIRST, none), 50);
        let mut listed = false;
        tree.memory((0, 100), First { cpu: 2, ..FIRST }, || {
            listed = true;
            Vec::new()
        });
        assert!(listed);
    }

    #[test]
    fn a_grandchild_is_found_and_measured() {
        let script = "exec 3<&0; sh -c 'echo up; read x' <&3 & echo started; wait";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (_, _) = (lines.next().unwrap().unwrap(), lines.next().unwrap().unwrap());
        let found = descendants(child.id());
        assert_eq!((found.len(), found[0]), (2, child.id()));
        assert!(share(found[1]).is_some_and(|bytes| 4096 <= bytes));
        let first = First { pid: child.id(), ..FIRST };
        let sum = Tree::default().memory((0, u64::MAX), first, || found.clone());
        assert!(FIRST.memory + (100 << 10) < sum, "{sum}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(share(child.id()), None);
    }
}
