//! Processes: which there are, who descends from whom, what they were started as, and which
//! sockets they have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

/// The most of a command that is told, in characters.
const LONGEST: usize = 80;

/// Returns these processes and all that descend from them.
///
/// # Errors
/// `/proc` cannot be read.
pub fn with_descendants(roots: &[u32]) -> io::Result<Vec<u32>> {
    let parents: Vec<(u32, u32)> =
        pids()?.into_iter().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    Ok(below(roots, &parents))
}

/// Returns a process and those that it descends from, nearest first.
#[must_use]
pub fn ancestors(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut at = pid;
    while let Some(up) = parent(at).filter(|up| 1 < *up && !all.contains(up)) {
        all.push(up);
        at = up;
    }
    all
}

/// Those below the roots and the roots themselves, each once.
fn below(roots: &[u32], parents: &[(u32, u32)]) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (pid, parent) in parents {
        children.entry(*parent).or_default().push(*pid);
    }
    let mut seen: BTreeSet<u32> = BTreeSet::new();
    let mut found = Vec::new();
    let mut waiting: Vec<u32> = roots.iter().rev().copied().collect();
    while let Some(pid) = waiting.pop() {
        if seen.insert(pid) {
            found.push(pid);
            waiting.extend(children.get(&pid).into_iter().flatten());
        }
    }
    found
}

/// Returns every process that can be seen.
pub(crate) fn pids() -> io::Result<Vec<u32>> {
    let entries = fs::read_dir("/proc")?.flatten();
    Ok(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The name may hold blanks and parentheses: what counts comes after the last one.
    stat.rsplit_once(") ")?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Returns the numbers of the sockets that a process has; `None` when that may not be seen.
pub(crate) fn sockets(pid: u32) -> Option<BTreeSet<u64>> {
    let entries = match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return None,
        // It has ended.
        Err(_) => return Some(BTreeSet::new()),
    };
    let targets = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    Some(targets.filter_map(|target| inode_of(target.to_str()?)).collect())
}

/// The number in `socket:[4711]`.
fn inode_of(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// Returns what a process was started as, in one line.
#[must_use]
pub fn command(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line);
    let words: Vec<&str> = line.split('\0').filter(|word| !word.is_empty()).collect();
    let text = match words.as_slice() {
        // A thread of the kernel, or one that is ending.
        [] => fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default(),
        words => words.join(" "),
    };
    shortened(&text)
}

/// One line of readable characters, not too long.
fn shortened(text: &str) -> String {
    let text: String =
        text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_descends_from_the_roots_is_found_once() {
        let parents = [(2, 1), (3, 2), (4, 3), (5, 1), (6, 6)];
        assert_eq!(below(&[2], &parents), [2, 3, 4]);
        assert_eq!(below(&[2, 3], &parents), [2, 3, 4]);
        assert_eq!(below(&[6, 9], &parents), [6, 9]);
    }

    #[test]
    fn what_descriptors_and_commands_say_is_read() {
        assert_eq!(inode_of("socket:[4711]"), Some(4711));
        assert_eq!(inode_of("pipe:[4711]"), None);
        assert_eq!(shortened("node\tapp.js\n"), "node app.js");
        assert_eq!(shortened(&"x".repeat(200)), format!("{}…", "x".repeat(LONGEST)));
    }
}
