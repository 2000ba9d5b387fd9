//! The saved state once more, in memory that the keeper holds: it is there for the next daemon also
//! when the home is full, read-only or gone, or when somebody broke the files in it.
//!
//! A daemon may die in the middle of writing it. So there are two of them, written in turn: one is
//! always whole. Neither is read back while we live, and none costs a wake of the keeper's.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{MemfdFlags, memfd_create};

use crate::model::{State, saved_serial};

/// The names that the keeper holds them under.
pub const NAMES: [&str; 2] = ["state/0", "state/1"];

/// So many bytes have the serial among them.
const HEAD: usize = 4096;

/// The two copies.
#[derive(Debug)]
pub struct Notes {
    files: [File; 2],
    /// The one that is written next.
    next: usize,
}

impl Notes {
    /// Makes notes that are empty.
    ///
    /// # Errors
    /// Out of file descriptors or memory.
    pub fn new() -> io::Result<Self> {
        let file = |name: &str| Ok::<_, io::Error>(memfd_create(name, MemfdFlags::CLOEXEC)?.into());
        let [first, second] = NAMES;
        Ok(Self { files: [file(first)?, file(second)?], next: 0 })
    }

    /// Those that the keeper held for us.
    pub fn held(files: [OwnedFd; 2]) -> Self {
        Self { files: files.map(File::from), next: 0 }
    }

    /// Returns the newest whole one if it is newer than what a file has, by the serial; what is
    /// written next is the other. Nothing but the beginnings is read where the file is as new.
    pub fn read_newer(&mut self, than: Option<u64>) -> Option<State> {
        if let (Some(than), [Some(first), Some(second)]) = (than, self.serials())
            && first.max(second) <= than
        {
            self.next = usize::from(second < first);
            return None;
        }
        let states = self.files.iter().map(read).enumerate();
        let whole = states.filter_map(|(at, state)| Some((at, state?)));
        let (at, state) = whole.max_by_key(|(_, state)| state.serial)?;
        self.next = 1 - at;
        (than < Some(state.serial)).then_some(state)
    }

    /// Whether one of them is of this serial.
    pub fn have(&self, serial: u64) -> bool {
        self.serials().contains(&Some(serial))
    }

    fn serials(&self) -> [Option<u64>; 2] {
        self.files.each_ref().map(serial)
    }

    /// Writes the state down.
    ///
    /// # Errors
    /// Out of memory; the copy before is untouched.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = self.files.get(self.next) else { return Ok(()) };
        // A shorter one must not end with what was there before.
        file.set_len(0)?;
        if let Err(error) = file.write_all_at(bytes, 0) {
            // What is cut off must not be taken for the newest.
            file.set_len(0)?;
            return Err(error);
        }
        self.next = 1 - self.next;
        Ok(())
    }

    /// Returns copies of both for the keeper, by its names.
    pub fn copies(&self) -> impl Iterator<Item = (&'static str, io::Result<OwnedFd>)> {
        let copies = self.files.iter().map(|file| file.try_clone().map(OwnedFd::from));
        NAMES.into_iter().zip(copies)
    }
}

/// The serial of what a copy begins with, 0 of an empty one. It may be cut off all the same.
fn serial(file: &File) -> Option<u64> {
    let mut head = [0; HEAD];
    let length = file.read_at(&mut head, 0).ok()?;
    if length == 0 { Some(0) } else { saved_serial(head.get(..length)?) }
}

fn read(file: &File) -> Option<State> {
    let length = usize::try_from(file.metadata().ok()?.len()).ok()?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0).ok()?;
    // What is cut off is not understood.
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(serial: u64, name: &str) -> Vec<u8> {
        let state = State { serial, ..State::empty(name.to_owned()) };
        serde_json::to_vec(&state).unwrap()
    }

    #[test]
    fn the_newest_whole_copy_is_read_also_when_a_daemon_died_over_the_next() {
        let mut notes = Notes::new().unwrap();
        assert!(notes.read_newer(None).is_none());
        notes.write(&saved(1, "a boot with a long name")).unwrap();
        notes.write(&saved(2, "b")).unwrap();
        notes.write(&saved(3, "c")).unwrap();
        let copies = notes.copies().map(|(_, copy)| copy.unwrap()).collect::<Vec<_>>();
        let mut next = Notes::held(copies.try_into().unwrap());
        assert_eq!(next.read_newer(None).map(|state| state.boot), Some("c".to_owned()));
        // It is cut off in the middle.
        let cut = saved(4, "d");
        next.write(&cut[..cut.len() / 2]).unwrap();
        assert_eq!(next.read_newer(None).map(|state| state.boot), Some("c".to_owned()));
        next.write(&saved(5, "e")).unwrap();
        assert_eq!(next.read_newer(None).map(|state| state.boot), Some("e".to_owned()));
    }
    #[test]
    fn a_file_that_is_as_new_is_believed_and_the_older_copy_is_written_next() {
        let mut notes = Notes::new().unwrap();
        for serial in 1..=4 {
            notes.write(&saved(serial, "boot")).unwrap();
            let mut next = Notes::held(
                notes
                    .copies()
                    .map(|(_, copy)| copy.unwrap())
                    .collect::<Vec<_>>()
                    .try_into()
                    .unwrap(),
            );
            assert!(next.have(serial) && !next.have(serial + 1));
            assert!(next.read_newer(Some(serial)).is_none());
            assert_eq!(next.next, notes.next, "{serial}");
            assert_eq!(next.read_newer(Some(serial - 1)).map(|state| state.serial), Some(serial));
        }
        // A daemon died over it, before the file was written.
        let cut = saved(5, "boot");
        notes.write(&cut[..cut.len() / 2]).unwrap();
        assert!(notes.read_newer(Some(4)).is_none());
        assert!(notes.have(4) && notes.next == 0, "what is whole is kept");
    }
}
