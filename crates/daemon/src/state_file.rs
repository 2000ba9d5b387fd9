//! `ostler.state`: what a daemon must know again after it lost its memory.
//!
//! Written before any action that follows from it is carried out, whole and under a new name, then
//! renamed; where somebody has just removed it, when the home has rested. It is not synced: it must
//! outlive the daemon; for a power cut there is `dump.pm2`. After a reboot it is moved away.

use std::fs;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use ostler_keeper::failpoint::hit;

use crate::model::{State, VERSION};
use crate::notes::Notes;
use crate::{clock, daemon_log, files};

/// Runs are numbered from 1; no home comes so far.
pub const MOST_RUNS: u64 = 1 << 53;

/// The state as it is kept: in the home, and in the keeper.
#[derive(Debug)]
pub struct StateFile {
    home: PathBuf,
    /// The mark of the home, by which a copy of it is known.
    mark: String,
    notes: Option<Notes>,
    /// Number of the last state that was written or read.
    serial: u64,
    /// What the file says, from the look at it until something is written.
    read: Option<Vec<u8>>,
    /// A file was found that may be of what runs, and was not understood.
    broken: bool,
    /// The file was in the home.
    stood: bool,
    /// A state was left to the keeper, since somebody has removed the file.
    owed: bool,
}

/// Why a state is of no use.
#[derive(Debug)]
struct Unfit {
    why: String,
    /// It is of another boot or home: what it names does not run here.
    elsewhere: bool,
}

/// A state, and what the file says where it is the one in force.
type Found = (State, Option<Vec<u8>>);

impl StateFile {
    /// The state of this home and mark, with the copies that the keeper holds, if it does.
    pub fn new(home: &Path, mark: &str, notes: Option<Notes>) -> Self {
        let (home, mark) = (home.to_owned(), mark.to_owned());
        Self { home, mark, notes, serial: 0, read: None, broken: false, stood: false, owed: false }
    }

    /// Writes it: first where it cannot fail, then into the home, whole and renamed. What was read
    /// and has not changed is not written again: then nothing was lost with the daemon before.
    ///
    /// # Errors
    /// What the home says, in words; the old file is untouched then.
    pub fn write(&mut self, state: State) -> Result<(), String> {
        self.stood = false;
        self.save(state)
    }

    /// Writes it, except into a home from which somebody has removed it: that may be about to go,
    /// and whoever deletes it fails at a folder in which something new is. Then the keeper alone
    /// holds it, [`Self::take_owed`] tells, and [`Self::write`] is for when the home has rested.
    ///
    /// # Errors
    /// Those of [`Self::write`].
    pub fn save(&mut self, state: State) -> Result<(), String> {
        self.write_whole(state).map_err(|error| {
            format!("could not save the state to `{}`: {error}", self.home.display())
        })
    }

    /// Whether a state was left to the keeper since the last call.
    pub fn take_owed(&mut self) -> bool {
        std::mem::take(&mut self.owed)
    }

    /// Whether somebody has removed the file.
    pub fn is_removed(&self) -> bool {
        self.stood && !exists(&self.home)
    }

    fn write_whole(&mut self, mut state: State) -> io::Result<()> {
        state.mark.clone_from(&self.mark);
        if state.boot.is_empty() {
            state.boot = boot_id();
        }
        if self.is_written(&mut state)? {
            return Ok(());
        }
        self.serial += 1;
        state.serial = self.serial;
        let bytes = serde_json::to_vec(&state).map_err(io::Error::other)?;
        hit("state.before");
        match self.notes.as_mut().map(|notes| notes.write(&bytes)) {
            Some(Err(error)) => {
                daemon_log::error(format!("could not save the state in memory: {error}"));
            }
            Some(Ok(())) if self.is_removed() => {
                self.owed = true;
                return Ok(());
            }
            _ => {}
        }
        // What the system lacks for a moment is there at the second try. A command need not fail
        // for that, nor what it did be lost with both parts of the manager until the next save.
        self.put(&bytes).or_else(|_| self.put(&bytes))?;
        self.stood = true;
        Ok(())
    }

    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let new = self.home.join("ostler.state.new");
        let written = files::create(&new, 0o600).and_then(|mut file| file.write_all(bytes));
        files::or_remove(&new, written.and_then(|()| self.replace(&new)))
    }

    /// Whether the state is what was read, which the keeper holds as well.
    fn is_written(&mut self, state: &mut State) -> io::Result<bool> {
        let Some(read) = self.read.take() else { return Ok(false) };
        state.serial = self.serial;
        let held = self.notes.as_ref().is_none_or(|notes| notes.have(self.serial));
        Ok(held && read == serde_json::to_vec(state).map_err(io::Error::other)?)
    }

    fn replace(&self, new: &Path) -> io::Result<()> {
        hit("state.written");
        // Whoever dies between the two leaves the backup, which is then read.
        match fs::rename(path(&self.home), backup(&self.home)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        hit("state.between");
        fs::rename(new, path(&self.home))?;
        hit("state.after");
        Ok(())
    }

    /// Reads the newest that is understood: the file, its backup, or what the keeper held. `None`
    /// when there is none, or when it is of another boot. What was not understood or is of another
    /// boot is moved away, and `complain` is told.
    pub fn read(&mut self, mut complain: impl FnMut(String)) -> Option<State> {
        let mut broken = false;
        let file = [path(&self.home), backup(&self.home)].into_iter().find_map(|path| {
            self.read_file(&path, &mut complain).unwrap_or_else(|unfit| {
                broken |= !unfit.elsewhere;
                complain(unfit.why);
                None
            })
        });
        self.broken = broken;
        self.stood = file.is_some();
        let in_file = file.as_ref().map(|(state, _)| state.serial);
        let held = self.notes.as_mut().and_then(|notes| notes.read_newer(in_file));
        self.read = None;
        let state = match held.filter(|state| self.check(state).is_ok()) {
            Some(held) => {
                complain(format!(
                    "the saved list in `{}` is missing or old: taken from what the keeper holds",
                    self.home.display()
                ));
                Some(held)
            }
            None => file.map(|(state, bytes)| {
                self.read = bytes;
                state
            }),
        };
        self.serial = state.as_ref().map_or(0, |state| state.serial);
        state
    }

    /// Whether the last read found a file that may be of what runs and was not understood.
    pub fn was_broken(&self) -> bool {
        self.broken
    }

    /// What is wrong with a state.
    fn check(&self, state: &State) -> Result<(), Unfit> {
        let broken = |why| Err(Unfit { why, elsewhere: false });
        let elsewhere = |why: &str| Err(Unfit { why: why.to_owned(), elsewhere: true });
        if state.version < VERSION {
            return broken(format!("it has version {}, not {VERSION}", state.version));
        }
        // Where the system did not tell, nobody knows; to take everything for lost is worse.
        let boot = boot_id();
        if ![&state.boot, &boot].iter().any(|id| id.is_empty()) && state.boot != boot {
            return elsewhere("it is of an earlier boot");
        }
        // A copy must not take the apps of a manager that lives for its own.
        if !state.mark.is_empty() && state.mark != self.mark {
            return elsewhere("it is of another home, of which this one is a copy");
        }
        if MOST_RUNS < state.last_run {
            return broken(format!("its last run cannot have the number {}", state.last_run));
        }
        Ok(())
    }

    fn read_file(
        &self,
        path: &Path,
        complain: &mut impl FnMut(String),
    ) -> Result<Option<Found>, Unfit> {
        let broken = |why| Unfit { why, elsewhere: false };
        let bytes = match files::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(broken(format!("could not read `{}`: {error}", path.display())));
            }
        };
        let state = serde_json::from_slice::<State>(&bytes);
        let state = state.map_err(|error| broken(error.to_string()));
        let problem = match state.and_then(|state| self.check(&state).map(|()| state)) {
            Ok(state) if VERSION < state.version => {
                complain(format!(
                    "`{}` is of a newer version ({}): what is not understood in it is lost",
                    path.display(),
                    state.version
                ));
                return Ok(Some((state, None)));
            }
            Ok(state) => {
                let in_force = *path == crate::state_file::path(&self.home);
                return Ok(Some((state, in_force.then_some(bytes))));
            }
            Err(problem) => problem,
        };
        let moved = match files::set_aside(path, clock::wall()) {
            Ok(aside) => format!("; moved to `{}`", aside.display()),
            Err(error) => format!(", and cannot move it: {error}"),
        };
        let Unfit { why, elsewhere } = problem;
        Err(Unfit { why: format!("ignored `{}` ({why}){moved}", path.display()), elsewhere })
    }

    /// Returns copies of what the keeper is to hold, by its names.
    pub fn copies(&self) -> impl Iterator<Item = (&'static str, io::Result<OwnedFd>)> {
        self.notes.iter().flat_map(Notes::copies)
    }
}

/// Whether there is one, or its backup.
pub fn exists(home: &Path) -> bool {
    path(home).exists() || backup(home).exists()
}

fn backup(home: &Path) -> PathBuf {
    home.join("ostler.state.bak")
}

fn path(home: &Path) -> PathBuf {
    home.join("ostler.state")
}

/// Differs from boot to boot; empty where the system does not tell.
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn what_was_read_and_has_not_changed_is_written_only_where_it_is_missing() {
        let home = tempfile::tempdir().unwrap();
        let (file, id) = (path(home.path()), || fs::metadata(path(home.path())).unwrap().ino());
        let next = |notes: &Notes| {
            let copies: Vec<_> = notes.copies().map(|(_, copy)| copy.unwrap()).collect();
            let mut next =
                StateFile::new(home.path(), "mark", Notes::held(copies.try_into().unwrap()).into());
            let state = next.read(|problem| panic!("{problem}"));
            (next, state)
        };
        let notes = Notes::new().unwrap();
        let (mut first, _) = next(&notes);
        first.write(State::empty(String::new())).unwrap();
        let before = id();
        let (mut second, state) = next(&notes);
        second.write(state.clone().unwrap()).unwrap();
        assert_eq!(id(), before);
        let changed = State { last_run: 7, ..state.unwrap() };
        second.write(changed.clone()).unwrap();
        assert_ne!(id(), before);
        let (mut third, state) = next(&notes);
        assert_eq!(state.as_ref().map(|state| (state.last_run, state.serial)), Some((7, 2)));
        third.write(state.unwrap()).unwrap();
        third.write(changed).unwrap();
        assert_eq!(third.serial, 3, "only at first");
        // The keeper holds nothing, or the file is the one before: it is written.
        for (backup_only, notes) in [(false, Notes::new().unwrap()), (true, notes)] {
            if backup_only {
                fs::rename(&file, backup(home.path())).unwrap();
            }
            let (mut fourth, state) = next(&notes);
            let serial = state.as_ref().unwrap().serial;
            fourth.write(state.unwrap()).unwrap();
            assert_eq!(fourth.serial, serial + 1);
            assert!(file.exists() && fourth.notes.unwrap().have(serial + 1));
        }
    }

    #[test]
    fn a_state_whose_file_was_removed_is_left_to_the_keeper_until_the_home_is_made_again() {
        let home = tempfile::tempdir().unwrap();
        let state = || State::empty(String::new());
        let mut of_two = StateFile::new(home.path(), "mark", Some(Notes::new().unwrap()));
        let mut alone = StateFile::new(home.path(), "mark", None);
        for file in [&mut of_two, &mut alone] {
            file.save(state()).unwrap();
            assert!(exists(home.path()) && !file.is_removed(), "the first is written");
        }
        for name in [path(home.path()), backup(home.path())] {
            fs::remove_file(name).unwrap();
        }
        of_two.save(State { last_run: 7, ..state() }).unwrap();
        assert!(!exists(home.path()) && of_two.is_removed());
        assert!(of_two.take_owed() && !of_two.take_owed());
        assert!(of_two.notes.as_ref().unwrap().have(2));
        of_two.write(state()).unwrap();
        assert!(exists(home.path()) && !of_two.is_removed());
        // Whom no keeper holds it for writes it at once.
        fs::remove_file(path(home.path())).unwrap();
        alone.save(state()).unwrap();
        assert!(exists(home.path()));
    }

    #[test]
    fn a_state_is_not_refused_because_the_system_did_not_tell_the_boot_once() {
        let home = tempfile::tempdir().unwrap();
        let read = || StateFile::new(home.path(), "mark", None).read(|problem| panic!("{problem}"));
        let text = serde_json::to_vec(&State::empty(String::new())).unwrap();
        fs::write(path(home.path()), text).unwrap();
        assert!(read().is_some());
        let mut file = StateFile::new(home.path(), "mark", None);
        file.write(State::empty(String::new())).unwrap();
        assert_eq!(read().map(|state| state.boot), Some(boot_id()), "it is asked again");
        file.write(State::empty("another".to_owned())).unwrap();
        let mut said = Vec::new();
        let mut other = StateFile::new(home.path(), "mark", None);
        assert!(other.read(|problem| said.push(problem)).is_some(), "the one before it");
        assert!(said[0].contains("it is of an earlier boot"), "{said:?}");
        assert!(!other.was_broken(), "it may be in order, and says nothing of what runs");
        for path in [path(home.path()), backup(home.path())] {
            fs::write(path, "{").unwrap();
        }
        assert!(other.read(|problem| said.push(problem)).is_none() && other.was_broken());
    }
}
