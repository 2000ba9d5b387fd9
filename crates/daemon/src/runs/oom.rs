//! Whether the kernel ended a process for want of memory.
//!
//! Problem: a process that it ends so looks like one that somebody killed: SIGKILL, and nothing
//! more. The kernel counts such kills, of the machine and of each control group with a memory
//! controller, and names each process in its log, which mostly root alone may read. Rule: the count
//! of the nearest group around ours must have risen, else that of the machine; and where the log
//! can be read, it must name the process, unless a kill that was counted is not in it.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::clock;

/// Records that are read of the kernel's log, at most.
const MOST: usize = 100_000;
/// So much earlier than we began a record may be that is looked at, ms: the log has another clock.
const SLACK: u64 = 60_000;
/// The first namespace of processes, in whose numbers the kernel's log speaks.
const FIRST_NAMESPACE: &str = "pid:[4026531836]";

/// What is known of such kills.
#[derive(Debug)]
pub(super) struct OomKills {
    /// The file that counts them.
    counter: PathBuf,
    /// The count, as it was last seen.
    seen: Option<u64>,
    /// When the newest record was written that was looked at, µs.
    last: u64,
    /// Processes that the log named and that were not asked for.
    named: BTreeSet<u32>,
}

/// A kill in the kernel's log: when (µs), and of which process.
type Kill = (u64, u32);

impl OomKills {
    /// The count as of now.
    pub(super) fn new() -> Self {
        // Where the group cannot be found, the machine's count tells more than nothing.
        let around = ostler_keeper::groups::around().ok().flatten();
        let counter = around.and_then(|around| counter_around(&around));
        let counter = counter.unwrap_or_else(|| "/proc/vmstat".into());
        let seen = count(&counter);
        let last = clock::monotonic().saturating_sub(SLACK) * 1000;
        Self { counter, seen, last, named: BTreeSet::new() }
    }

    /// Whether it ended this process, which was killed. `in_group`: the process's own group says
    /// so. Such a kill counts around that group, too: it is seen here, so that the next process
    /// that is killed is not taken for it.
    pub(super) fn ended(&mut self, pid: u32, in_group: bool) -> bool {
        let now = count(&self.counter);
        let has_risen = self.risen(now) != 0;
        let log = if has_risen { kills() } else { Some(Vec::new()) };
        self.judge(pid, now, log) || in_group
    }

    fn risen(&self, now: Option<u64>) -> u64 {
        now.zip(self.seen).map_or(0, |(now, before)| now.saturating_sub(before))
    }

    fn judge(&mut self, pid: u32, now: Option<u64>, log: Option<Vec<Kill>>) -> bool {
        let risen = self.risen(now);
        self.seen = now.or(self.seen);
        let Some(mut log) = log else { return risen != 0 };
        log.retain(|(at, _)| self.last < *at);
        self.last = log.iter().map(|(at, _)| *at).max().unwrap_or(self.last);
        self.named.extend(log.iter().map(|(_, pid)| *pid));
        // It is written a moment after the kill.
        self.named.remove(&pid) || (log.len() as u64) < risen
    }
}

/// The file that counts for the nearest group that has a memory controller.
fn counter_around(group: &Path) -> Option<PathBuf> {
    let files = group.ancestors().map(|group| group.join("memory.events"));
    files.take_while(|file| file.starts_with("/sys/fs/cgroup")).find(|file| count(file).is_some())
}

/// The kernel's count; `None` when it does not tell.
pub(super) fn count(file: &Path) -> Option<u64> {
    parse(&fs::read_to_string(file).ok()?)
}

fn parse(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok())
}

/// The kills in the kernel's log; `None` where it cannot be read, or speaks of other numbers.
fn kills() -> Option<Vec<Kill>> {
    if fs::read_link("/proc/self/ns/pid").ok()? != Path::new(FIRST_NAMESPACE) {
        return None;
    }
    let log = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg");
    let mut log = log.ok()?;
    let (mut kills, mut record) = (Vec::new(), [0; 8192]);
    for _ in 0..MOST {
        match log.read(&mut record) {
            Ok(0) => break,
            Ok(length) => {
                let text = String::from_utf8_lossy(record.get(..length).unwrap_or_default());
                kills.extend(kill_of(&text));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            // It was overwritten while it was read, or is longer than any of interest.
            Err(error)
                if [Some(libc::EPIPE), Some(libc::EINVAL)].contains(&error.raw_os_error()) => {}
            Err(_) => return None,
        }
    }
    Some(kills)
}

/// The kill that a record tells of: `3,1234,5678901,-;Out of memory: Killed process 77 (node) …`.
fn kill_of(record: &str) -> Option<Kill> {
    let (head, text) = record.split_once(';')?;
    let at = head.split(',').nth(2)?.parse().ok()?;
    let (before, rest) = text.split_once("Killed process ")?;
    if !before.to_ascii_lowercase().contains("out of memory") {
        return None;
    }
    Some((at, rest.split(' ').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kills_seen(seen: Option<u64>) -> OomKills {
        OomKills { counter: PathBuf::new(), seen, last: 1000, named: BTreeSet::new() }
    }

    #[test]
    fn a_kill_that_the_own_group_tells_is_not_told_of_the_next_process_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let counter = folder.path().join("memory.events");
        fs::write(&counter, "oom_kill 4\n").unwrap();
        let mut kills = OomKills { counter, ..kills_seen(Some(3)) };
        assert!(kills.ended(7, true));
        assert!(!kills.ended(8, false));
        assert!(kills.ended(9, true), "where nothing counts around it, the own group tells");
    }

    #[test]
    fn only_a_count_that_has_risen_is_news() {
        assert_eq!(parse("nr_free_pages 5\noom_kill 3\noom_kill_disable 9\n"), Some(3));
        assert_eq!(parse("nr_free_pages 5\n"), None);
        let mut kills = kills_seen(Some(3));
        let told = [Some(3), Some(5), Some(5), None, Some(6)].map(|now| kills.judge(7, now, None));
        assert_eq!(told, [false, true, false, false, true]);
        assert!(!kills_seen(None).judge(7, Some(7), None), "since when is not known");
    }

    #[test]
    fn the_kill_of_another_process_is_not_told_of_one_that_somebody_killed() {
        let mut kills = kills_seen(Some(3));
        assert!(!kills.judge(7, Some(4), Some(vec![(900, 7), (2000, 8)])), "7 was one before it");
        assert!(!kills.judge(7, Some(4), Some(Vec::new())));
        assert!(kills.judge(8, Some(4), Some(Vec::new())), "it is asked for a moment later");
        // Two at once.
        assert!(kills.judge(9, Some(6), Some(vec![(2000, 8), (3000, 10), (3001, 9)])));
        assert!(kills.judge(10, Some(6), Some(Vec::new())));
        assert!(!kills.judge(10, Some(6), Some(Vec::new())), "each is told once");
        assert!(kills.judge(11, Some(7), Some(Vec::new())), "the log is not written yet");
    }

    #[test]
    fn the_kernels_log_names_who_was_killed_for_want_of_memory_and_of_others_nobody() {
        let of = |text: &str| kill_of(text);
        let global = "3,1234,5678901,-;Out of memory: Killed process 77 (a) b) total-vm:1kB";
        assert_eq!(of(global), Some((5_678_901, 77)));
        let group = "3,9,8,-;Memory cgroup out of memory: Killed process 78 (node) total-vm:1kB";
        assert_eq!(of(group), Some((8, 78)));
        assert_eq!(of("6,1,2,-;app says: Killed process 79 (node)"), None);
        assert_eq!(of("6,1,2,-;Out of memory: Killed process x"), None);
        assert_eq!(of("no record"), None);
    }

    #[test]
    fn the_nearest_group_that_counts_is_asked() {
        assert_eq!(counter_around(Path::new("/nowhere/at/all")), None);
        if let Some(around) = ostler_keeper::groups::around().unwrap()
            && let Some(file) = counter_around(&around)
        {
            assert!(around.starts_with(file.parent().unwrap()));
        }
    }
}
