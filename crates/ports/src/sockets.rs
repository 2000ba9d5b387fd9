//! The sockets that a process has.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, RawDir, fstat, open, readlinkat_raw, stat};
use rustix::io::Errno;
use rustix::path::{Arg, DecInt};

use crate::proc::{has_ended, number_of};

/// So many descriptors are few: it is cheaper to ask for each than to have them listed.
const FEW: u32 = 32;

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
pub(crate) fn inode_of(link: &[u8]) -> Option<u64> {
    let number = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_a_descriptor_says_is_read() {
        assert_eq!(inode_of(b"socket:[4711]"), Some(4711));
        assert_eq!(inode_of(b"pipe:[4711]"), None);
        assert_eq!(inode_of(b"socket:[47"), None);
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
}
