//! Processes: which there are, who descends from whom, what they were started as, and which
//! sockets they have.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::CStr;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, RawDir, fstat, open, readlinkat_raw, stat};
use rustix::io::{Errno, read};
use rustix::path::{Arg, DecInt};

use crate::sys::cpu_time;

/// The most of a command that is told, in characters.
const LONGEST: usize = 80;
/// So many descriptors are few: it is cheaper to ask for each than to have them listed.
const FEW: u32 = 32;

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
fn has_ended(pid: u32) -> bool {
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

/// Returns the numbers of the sockets that a process has, each with one of its descriptors; `None`
/// when that may not be seen.
#[must_use]
pub fn sockets(pid: u32) -> Option<BTreeMap<u64, u32>> {
    match try_sockets(pid) {
        Ok(sockets) => Some(sockets),
        // What has ended has none; but who may look there is nobody but root.
        Err(_) => has_ended(pid).then(BTreeMap::new),
    }
}

/// The same of a process that has at most so many descriptors, where the kernel counts them.
pub(crate) fn sockets_of_few(pid: u32, most: i64) -> Option<BTreeMap<u64, u32>> {
    let path = format!("/proc/{pid}/fd");
    let count = stat(&path).map(|all| all.st_size);
    if count.is_ok_and(|count| most < count) { None } else { sockets(pid) }
}

fn try_sockets(pid: u32) -> Result<BTreeMap<u64, u32>, Errno> {
    let path = format!("/proc/{pid}/fd");
    match of_few(&path)? {
        Some(found) => Ok(found),
        None => of_all(&path),
    }
}

/// The sockets among few descriptors, each asked for by its number. `None` when there are more,
/// when they changed meanwhile, or when the kernel does not count them (before Linux 6.2).
fn of_few(path: &str) -> Result<Option<BTreeMap<u64, u32>>, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let all = open(path, flags, Mode::empty())?;
    let count = fstat(&all)?.st_size;
    if !(1..=i64::from(FEW)).contains(&count) {
        return Ok(None);
    }
    let mut seen = 0;
    let mut found = BTreeMap::new();
    for fd in 0..FEW * 2 {
        if let Some(socket) = descriptor(&all, DecInt::new(fd))? {
            seen += 1;
            found.extend(socket.map(|inode| (inode, fd)));
        }
        if seen == count {
            break;
        }
    }
    let is_all = seen == count && fstat(&all)?.st_size == count;
    Ok(is_all.then_some(found))
}

/// The sockets among all descriptors.
fn of_all(path: &str) -> Result<BTreeMap<u64, u32>, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let all = open(path, flags, Mode::empty())?;
    let mut room = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(&all, &mut room);
    let mut found = BTreeMap::new();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if let Some(fd) = number_of(entry.file_name()) {
            let socket = descriptor(&all, entry.file_name())?.flatten();
            found.extend(socket.map(|inode| (inode, fd)));
        }
    }
    Ok(found)
}

/// The number that an entry of a folder is, but for `.` and `..`.
fn number_of(name: &CStr) -> Option<u32> {
    name.to_str().ok()?.parse().ok()
}

/// Returns the socket that a descriptor is, if it is one; `None` when there is no such descriptor.
fn descriptor(all: &OwnedFd, name: impl Arg) -> Result<Option<Option<u64>>, Errno> {
    let mut target = [0; 64];
    match readlinkat_raw(all, name, &mut target) {
        // What is longer is cut, and no socket.
        Ok(length) => Ok(Some(target.get(..length).and_then(inode_of))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The number in `socket:[4711]`.
fn inode_of(link: &[u8]) -> Option<u64> {
    let number = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
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
        assert_eq!(inode_of(b"socket:[4711]"), Some(4711));
        assert_eq!(inode_of(b"pipe:[4711]"), None);
        assert_eq!(inode_of(b"socket:[47"), None);
        assert_eq!(state_and_parent(b"7 (a) S 1 (b)) Z 12 7"), Some(("Z", 12)));
        assert_eq!(state_and_parent(b"7 (\xff) S 4"), Some(("S", 4)));
        assert_eq!(state_and_parent(b"7 (a"), None);
        assert_eq!(shortened("node\tapp.js\n"), "node app.js");
        assert_eq!(shortened(&"x".repeat(200)), format!("{}…", "x".repeat(LONGEST)));
    }

    #[test]
    fn few_descriptors_and_many_are_looked_at_alike() {
        let few = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .stderr(OwnedFd::from(few))
            .spawn()
            .unwrap();
        let path = format!("/proc/{}/fd", child.id());
        let (by_number, listed) = (of_few(&path), of_all(&path));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(listed.as_ref().is_ok_and(|all| !all.is_empty()), "{listed:?}");
        if let Some(by_number) = by_number.unwrap() {
            assert_eq!(Ok(by_number), listed);
        }
        let many: Vec<_> = (0..FEW).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        let last = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let before = sockets(std::process::id()).unwrap();
        assert_eq!(of_few("/proc/self/fd"), Ok(None));
        drop((last, many));
        let after = sockets(std::process::id()).unwrap();
        assert!(before.keys().any(|inode| !after.contains_key(inode)));
    }

    #[test]
    fn one_that_has_ended_has_no_sockets_although_nobody_may_look() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        let exited =
            rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::waitid(rustix::process::WaitId::Pid(id), exited).unwrap();
        assert!(has_ended(pid) && !has_ended(std::process::id()));
        assert_eq!(sockets(pid), Some(BTreeMap::new()));
        child.wait().unwrap();
        assert_eq!(sockets(pid), Some(BTreeMap::new()));
    }

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
