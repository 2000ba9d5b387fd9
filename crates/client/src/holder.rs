//! The command that holds the right to start a daemon.

use std::fmt::{self, Display, Formatter};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Another command that is starting the daemon of a home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    home: PathBuf,
    /// Its process, if the system shows it.
    pid: Option<u32>,
}

impl Holder {
    /// Who holds the lock of this file.
    pub(crate) fn of(lock: &File, home: &Path) -> Self {
        let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
        let pid = lock.metadata().ok().and_then(|meta| holder_in(&locks, meta.ino()));
        Self { home: home.to_owned(), pid }
    }

    /// Returns what to do, if anything is known.
    pub(crate) fn hint(&self) -> Option<String> {
        self.pid.map(|pid| format!("`ps -o pid,stat,etime,args -p {pid}` shows what it does"))
    }
}

impl Display for Holder {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let pid = self.pid.map_or(String::new(), |pid| format!(" (pid {pid})"));
        write!(f, "another command{pid} is starting the daemon of `{}`", self.home.display())
    }
}

/// The process that holds a lock of the file with this number, in the words of `/proc/locks`.
fn holder_in(locks: &str, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let is_flock = words.next() == Some("FLOCK");
        let (pid, place) = (words.nth(2)?, words.next()?);
        let number = place.rsplit_once(':')?.1;
        (is_flock && number.parse() == Ok(inode)).then(|| pid.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_a_lock_is_found_among_all_locks() {
        let locks = "1: POSIX  ADVISORY  WRITE 9 08:01:77 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 12 08:01:77 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 13 08:01:78 0 EOF\n";
        assert_eq!(holder_in(locks, 77), Some(12));
        assert_eq!(holder_in(locks, 78), None, "it waits for it");
        assert_eq!(holder_in("", 77), None);
    }
}
