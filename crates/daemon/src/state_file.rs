//! What the daemon must know again after it lost its memory: apps, specifications, goals, reloads.
//!
//! Written before any action that follows from it is carried out, whole and under a new name, then
//! renamed. It is not synced: it must outlive the daemon, not a power cut (for that there is
//! `dump.pm2`). After a reboot it is set aside.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ostler_core::Exit;
use ostler_keeper::failpoint::hit;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::tickets::Ticket;

/// Version of the format.
const VERSION: u32 = 1;

/// The file.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    /// Version of the format.
    pub version: u32,
    /// Which boot it belongs to.
    pub boot: String,
    /// Last run number given out.
    pub last_run: u64,
    /// Apps: number, namespace, name, specification in force.
    pub apps: Vec<(u32, String, String, u32)>,
    /// Specifications by number, as records.
    pub specs: Vec<(u32, Box<RawValue>)>,
    /// Slots.
    pub procs: Vec<SavedProc>,
    /// Reloads under way.
    pub reloads: Vec<SavedReload>,
    /// What was begun under which ticket.
    #[serde(default)]
    pub tickets: Vec<Ticket>,
    /// Everything is being ended.
    #[serde(default)]
    pub ending: bool,
}

/// A slot.
#[derive(Debug, Serialize, Deserialize)]
pub struct SavedProc {
    pub id: u32,
    pub app: u32,
    pub name: String,
    pub instance: u32,
    #[serde(default)]
    pub increment: Option<u32>,
    pub created_at: u64,
    pub unique_id: String,
    pub spec: u32,
    #[serde(default)]
    pub next: Option<u32>,
    pub up: bool,
    #[serde(default)]
    pub errored: bool,
    #[serde(default)]
    pub restarts: u32,
    #[serde(default)]
    pub unstable: u32,
    #[serde(default)]
    pub backoff: u64,
    #[serde(default)]
    pub removing: bool,
    /// The last run whose end is in these counters.
    #[serde(default)]
    pub ended: Option<u64>,
    /// When the next run is due, on the monotonic clock.
    #[serde(default)]
    pub due: Option<u64>,
    /// How the last run ended, and why if it could not be spawned.
    #[serde(default)]
    pub last_exit: Option<(SavedExit, Option<String>)>,
    /// The kernel wrote a core dump at that end. Apart from it, so that a daemon of an earlier
    /// version can read the file after an update that was given up.
    #[serde(default)]
    pub core_dump: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SavedExit {
    Code(i32),
    Signal(i32),
    Unknown,
    #[serde(rename = "spawn_failed")]
    NotSpawned,
}

impl From<Exit> for SavedExit {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(code) => Self::Code(code),
            Exit::Signal { number, .. } => Self::Signal(number),
            Exit::Unknown => Self::Unknown,
            Exit::NotSpawned => Self::NotSpawned,
        }
    }
}

impl SavedExit {
    /// Returns what was saved; `core`: with a core dump.
    pub fn to_exit(self, core: bool) -> Exit {
        match self {
            Self::Code(code) => Exit::Code(code),
            Self::Signal(number) => Exit::Signal { number, core },
            Self::Unknown => Exit::Unknown,
            Self::NotSpawned => Exit::NotSpawned,
        }
    }
}

/// A reload.
#[derive(Debug, Serialize, Deserialize)]
pub struct SavedReload {
    pub app: u32,
    pub to: u32,
    pub from: Vec<(u32, u32)>,
    /// The last run before it.
    #[serde(default)]
    pub began_after: u64,
    pub parallel: u32,
    pub surge: Option<u32>,
    pub canary: bool,
    pub no_rollback: bool,
    /// 0 forward, 1 canary, 2 back.
    pub stage: u8,
    /// Slots that were replaced.
    #[serde(default)]
    pub done: Vec<u32>,
    /// Slots that the user took away.
    #[serde(default)]
    pub dropped: Vec<u32>,
    /// Slot and run of the first failure.
    pub failure: Option<(u32, u64)>,
}

impl State {
    /// Nothing, for this boot.
    pub fn empty() -> Self {
        Self {
            version: VERSION,
            boot: boot_id(),
            last_run: 0,
            apps: Vec::new(),
            specs: Vec::new(),
            procs: Vec::new(),
            reloads: Vec::new(),
            tickets: Vec::new(),
            ending: false,
        }
    }

    /// Writes it whole, then renames.
    ///
    /// # Errors
    /// Whatever the system says; the old file is untouched then.
    pub fn write(&self, home: &Path) -> io::Result<()> {
        let new = home.join("ostler.state.new");
        let bytes = serde_json::to_vec(self).map_err(io::Error::other)?;
        hit("state.before");
        fs::write(&new, bytes)?;
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

    /// Reads it, or its backup where it is not understood; `None` when there is none, or when it is
    /// of another boot. What was not understood or is of another boot is set aside, and `complain`
    /// is told.
    pub fn read(home: &Path, mut complain: impl FnMut(String)) -> Option<Self> {
        let read = |path: PathBuf, complain: &mut dyn FnMut(String)| match Self::read_file(&path) {
            Ok(state) => state,
            Err(problem) => {
                complain(problem);
                None
            }
        };
        read(path(home), &mut complain).or_else(|| read(backup(home), &mut complain))
    }

    /// Takes the file and its backup away.
    pub fn remove(home: &Path) {
        for path in [path(home), backup(home)] {
            // What is not there need not be removed.
            _ = fs::remove_file(path);
        }
    }

    fn read_file(path: &Path) -> Result<Option<Self>, String> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("could not read `{}`: {error}", path.display())),
        };
        let problem = match serde_json::from_slice::<Self>(&bytes) {
            Ok(state) if state.version != VERSION => {
                format!("it has version {}, not {VERSION}", state.version)
            }
            Ok(state) if state.boot != boot_id() => "it is of an earlier boot".to_owned(),
            Ok(state) => return Ok(Some(state)),
            Err(error) => error.to_string(),
        };
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".bad-{}", crate::clock::wall()));
        let aside = PathBuf::from(aside);
        match fs::rename(path, &aside) {
            Ok(()) => Err(format!(
                "`{}` is of no use ({problem}); set aside as `{}`",
                path.display(),
                aside.display()
            )),
            Err(error) => Err(format!(
                "`{}` is not understood ({problem}) and cannot be renamed: {error}",
                path.display()
            )),
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
fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of a slot as the file tells it, `saved` being what differs from slot to slot.
    fn last_exit(saved: &str) -> Option<Exit> {
        let text = format!(
            r#"{{"id":0,"app":0,"name":"web","instance":0,"created_at":1,"unique_id":"u","spec":0,
                "up":true,{saved}}}"#
        );
        let proc: SavedProc = serde_json::from_str(&text).unwrap();
        proc.last_exit.map(|(exit, _)| exit.to_exit(proc.core_dump))
    }

    #[test]
    fn a_core_dump_is_remembered_and_files_from_before_that_load() {
        let signal = |core| Some(Exit::Signal { number: 11, core });
        assert_eq!(last_exit(r#""last_exit":[{"signal":11},null],"core_dump":true"#), signal(true));
        assert_eq!(last_exit(r#""last_exit":[{"signal":11},null]"#), signal(false));
        assert_eq!(last_exit(r#""last_exit":["spawn_failed","no"]"#), Some(Exit::NotSpawned));
        let written = serde_json::to_string(&SavedExit::from(Exit::NotSpawned)).unwrap();
        assert_eq!(written, r#""spawn_failed""#);
    }
}
