//! Processes: which there are, who descends from whom, and what they were started as.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CStr;
use std::fs;
use std::io;
use std::mem::MaybeUninit;

use rustix::fs::{Mode, OFlags, RawDir, open, stat};
use rustix::io::{Errno, read};

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

/// Returns a process and those that descend from it, parents first.
#[must_use]
pub fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(parent) = all.get(at).copied() {
        // A number may be given to another process while this looks.
        let new = children(parent).into_iter().filter(|child| !all.contains(child));
        let new: Vec<u32> = new.collect();
        all.extend(new);
        at += 1;
    }
    all
}

/// Returns the children of a process, whichever of its threads started them.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    // It has ended, or the kernel does not tell.
    let Ok(threads) = threads(pid) else { return Vec::new() };
    let mut all = Vec::new();
    for thread in threads {
        let text = read_all(&format!("/proc/{pid}/task/{thread}/children")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        all.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    all
}

/// The threads of a process. Most have one, for which nothing is listed.
fn threads(pid: u32) -> Result<Vec<u32>, Errno> {
    let path = format!("/proc/{pid}/task");
    // Itself, the folder above, and one for each thread.
    if stat(&path)?.st_nlink == 3 {
        return Ok(vec![pid]);
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let all = open(path, flags, Mode::empty())?;
    let mut room = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(&all, &mut room);
    let mut found = Vec::new();
    while let Some(entry) = entries.next() {
        found.extend(number_of(entry?.file_name()));
    }
    Ok(found)
}

/// The number that an entry of a folder is, but for `.` and `..`.
pub(crate) fn number_of(name: &CStr) -> Option<u32> {
    name.to_str().ok()?.parse().ok()
}

/// What a file of `/proc` says, of which the kernel gives a page at a time. Nothing but what must
/// be asked is asked: a list of a hundred processes asks a hundred times.
pub(crate) fn read_all(path: &str) -> Result<Vec<u8>, Errno> {
    let file = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut all = Vec::new();
    let mut part = [0; 4096];
    loop {
        match read(&file, &mut part)? {
            0 => return Ok(all),
            length => all.extend(part.get(..length).unwrap_or_default()),
        }
    }
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
    state_and_parent(&read_all(&format!("/proc/{pid}/stat")).ok()?).map(|(_, parent)| parent)
}

/// Whether a process has ended, also when its parent has not asked yet how.
pub(crate) fn has_ended(pid: u32) -> bool {
    match read_all(&format!("/proc/{pid}/stat")) {
        Ok(stat) => state_and_parent(&stat).is_some_and(|(state, _)| matches!(state, "Z" | "X")),
        Err(error) => matches!(error, Errno::NOENT | Errno::SRCH),
    }
}

/// Whether a process sleeps: it waits for something, and for no turn.
pub(crate) fn is_asleep(pid: u32) -> bool {
    let stat = read_all(&format!("/proc/{pid}/stat")).unwrap_or_default();
    // One that has ended does nothing more.
    state_and_parent(&stat).is_none_or(|(state, _)| !matches!(state, "R" | "D"))
}

fn state_and_parent(stat: &[u8]) -> Option<(&str, u32)> {
    // The name may hold anything, also blanks and parentheses: what counts comes after the last.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(stat.get(end + 1..)?).ok()?.split_ascii_whitespace();
    Some((fields.next()?, fields.next()?.parse().ok()?))
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
    fn what_states_and_commands_say_is_read() {
        assert_eq!(state_and_parent(b"7 (a) S 1 (b)) Z 12 7"), Some(("Z", 12)));
        assert_eq!(state_and_parent(b"7 (\xff) S 4"), Some(("S", 4)));
        assert_eq!(state_and_parent(b"7 (a"), None);
        assert_eq!(shortened("node\tapp.js\n"), "node app.js");
        assert_eq!(shortened(&"x".repeat(200)), format!("{}…", "x".repeat(LONGEST)));
    }
}
