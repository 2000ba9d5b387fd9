//! `ostler.state`: what a daemon must know again after it lost its memory.
//!
//! Written before any action that follows from it is carried out, whole and under a new name, then
//! renamed. It is not synced: it must outlive the daemon, not a power cut (for that there is
//! `dump.pm2`). After a reboot it is moved away.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ostler_keeper::failpoint::hit;

use crate::model::{State, VERSION};
use crate::{clock, files};

/// Writes it whole, then renames.
///
/// # Errors
/// Whatever the system says; the old file is untouched then.
pub fn write(state: &State, home: &Path) -> io::Result<()> {
    let new = home.join("ostler.state.new");
    let bytes = serde_json::to_vec(state).map_err(io::Error::other)?;
    hit("state.before");
    files::create(&new, 0o600)?.write_all(&bytes)?;
    hit("state.written");
    // Whoever dies between the two leaves the backup, which is then read.
    match fs::rename(path(home), backup(home)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    hit("state.between");
    fs::rename(&new, path(home))?;
    hit("state.after");
    Ok(())
}

/// Reads it, or its backup where it is not understood; `None` when there is none, or when it is of
/// another boot. What was not understood or is of another boot is moved away, and
/// `complain` is told.
pub fn read(home: &Path, mut complain: impl FnMut(String)) -> Option<State> {
    [path(home), backup(home)].into_iter().find_map(|path| {
        read_file(&path).unwrap_or_else(|problem| {
            complain(problem);
            None
        })
    })
}

/// Whether there is one, or its backup.
pub fn exists(home: &Path) -> bool {
    path(home).exists() || backup(home).exists()
}

/// Takes the file and its backup away.
pub fn remove(home: &Path) {
    for path in [path(home), backup(home)] {
        // What is not there need not be removed.
        _ = fs::remove_file(path);
    }
}

fn read_file(path: &Path) -> Result<Option<State>, String> {
    let bytes = match files::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("could not read `{}`: {error}", path.display())),
    };
    let problem = match serde_json::from_slice::<State>(&bytes) {
        Ok(state) if state.version != VERSION => {
            format!("it has version {}, not {VERSION}", state.version)
        }
        Ok(state) if state.boot != boot_id() => "it is of an earlier boot".to_owned(),
        Ok(state) => return Ok(Some(state)),
        Err(error) => error.to_string(),
    };
    match files::set_aside(path, clock::wall()) {
        Ok(aside) => {
            Err(format!("ignored `{}` ({problem}); moved to `{}`", path.display(), aside.display()))
        }
        Err(error) => {
            Err(format!("ignored `{}` ({problem}), and cannot move it: {error}", path.display()))
        }
    }
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
