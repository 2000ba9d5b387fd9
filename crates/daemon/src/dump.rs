//! `dump.pm2`: the list that survives a reboot. The file PM2 writes, so that either can read the
//! other's.
//!
//! Written whole to a new name, synced, renamed, and the folder synced: after a power cut there is
//! the old list or the new one. A file that is not understood is set aside, never deleted, and the
//! backup is used.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ostler_core::spec::AppSpec;
use ostler_core::{Event, Phase, ProcId};
use ostler_wire::control::{self, Failure, Reply};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::control::failure_of;
use crate::daemon::Daemon;
use crate::jobs::{Job, Style};
use crate::{logbook, records};

impl Daemon {
    /// A client saves the list.
    pub fn on_save(&mut self, conn: usize, force: bool) {
        let path = self.dump_path();
        let count = self.book.procs.len();
        let saved = |count| Reply::Saved { path: path.display().to_string(), count };
        if count == 0 && !force {
            return self.reply(conn, &saved(0));
        }
        let reply = match self.write_dump() {
            Ok(()) => saved(count),
            Err(failure) => Reply::Error(failure),
        };
        self.reply(conn, &reply);
    }

    /// Writes the list.
    ///
    /// # Errors
    /// What the system says; the old file is untouched then.
    pub fn write_dump(&mut self) -> Result<(), Failure> {
        let path = self.dump_path();
        let elements: Vec<Value> = self
            .book
            .procs
            .keys()
            .copied()
            .filter_map(|id| self.dump_element(id))
            .map(Value::Object)
            .collect();
        let text = serde_json::to_vec_pretty(&elements).unwrap_or_default();
        write_durably(&path, &text).map_err(|error| Failure {
            message: format!("could not save the list to `{}`: {error}", path.display()),
            hint: Some(
                "is the disk full or the folder not writable? the file of the last save is untouched".to_owned(),
            ),
        })
    }

    fn dump_element(&self, id: ProcId) -> Option<Map<String, Value>> {
        let slot = self.core.slot(id)?;
        let proc = self.book.procs.get(&id)?;
        let version = self.book.versions.get(&slot.process().spec())?;
        Some(ostler_pm2::dump::element(&ostler_pm2::dump::Saving {
            spec: &version.spec,
            phase: slot.process().phase(),
            instance: proc.instance,
            restarts: slot.process().restarts(),
            created_at: proc.created_at,
            unique_id: &proc.unique_id,
        }))
    }

    /// A client brings back what was saved.
    pub fn on_resurrect(&mut self, conn: usize) {
        let path = self.dump_path();
        let backup = with_extension(&path, ".bak");
        let elements = match read_dump(&path).or_else(|problem| {
            self.event(conn, &control::Event::Warning { text: problem });
            read_dump(&backup)
        }) {
            Ok(elements) => elements,
            Err(problem) => {
                let hint = Some("save a list first, with `ostler save`".to_owned());
                return self.reply(conn, &Reply::Error(Failure { message: problem, hint }));
            }
        };
        let running: Vec<String> = self.book.procs.values().map(|proc| proc.name.clone()).collect();
        let mut job = Job::new(conn, Style::Restore(Vec::new()));
        let mut restored = Vec::new();
        let mut last: Option<(AppSpec, ostler_core::SpecId, String)> = None;
        let cpus = records::cpus();
        for element in &elements {
            let saved = match ostler_pm2::dump::read_element(element.get(), cpus) {
                Ok(saved) => saved,
                Err(list) => {
                    let text = failure_of(&list).message;
                    self.event(conn, &control::Event::Warning { text });
                    continue;
                }
            };
            if running.contains(&saved.spec.name) {
                continue;
            }
            let (name, script) = (saved.spec.name.clone(), saved.spec.script.display().to_string());
            // Instances of one app were saved one after the other: they share their specification
            // again.
            let (spec, unique_id) = match last.take() {
                Some((spec, id, unique_id)) if spec == saved.spec => (id, unique_id),
                _ => (self.book.add_version(saved.spec.clone()), crate::control::unique_id()),
            };
            let id = self.add_slot(spec, saved.instance, &unique_id);
            last = Some((saved.spec, spec, unique_id));
            if saved.stopped {
                job.active.insert(id, self.waiting_for(id, crate::jobs::Wanted::Down, true));
            } else {
                job.active.insert(id, self.waiting_for(id, crate::jobs::Wanted::Up, true));
                self.handle_now(Event::Start(id));
            }
            restored.push((name, script, vec![id]));
        }
        job.style = Style::Restore(restored);
        self.begin_job(job);
    }

    fn dump_path(&self) -> PathBuf {
        std::env::var_os(ostler_env::PM2_DUMP_FILE_PATH)
            .map_or_else(|| self.config.home.join("dump.pm2"), PathBuf::from)
    }

    /// Whether any process is wanted up, for the log at a takeover.
    pub fn count_up(&self) -> usize {
        self.core
            .slots()
            .filter(|(_, slot)| matches!(slot.process().phase(), Phase::Online { .. }))
            .count()
    }
}

/// Reads a list; what is not understood is set aside.
fn read_dump(path: &Path) -> Result<Vec<Box<RawValue>>, String> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(format!("no saved list at `{}`", path.display()));
        }
        Err(error) => {
            return Err(format!("could not read the saved list `{}`: {error}", path.display()));
        }
    };
    serde_json::from_slice(&bytes).map_err(|error| {
        let aside = with_extension(path, &format!(".bad-{}", crate::clock::wall()));
        match fs::rename(path, &aside) {
            Ok(()) => format!(
                "the saved list `{}` is not understood ({error}); it was set aside as `{}`",
                path.display(),
                aside.display()
            ),
            Err(rename) => format!(
                "the saved list `{}` is not understood ({error}) and could not be set aside: {rename}",
                path.display()
            ),
        }
    })
}

/// Writes a file whole: new name, sync, the old one kept as backup, rename, sync of the folder.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = with_extension(path, ".new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    if path.exists() {
        // A link, not a copy: at no moment is there no list under the old name.
        let backup = with_extension(path, ".bak");
        match fs::remove_file(&backup) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::hard_link(path, &backup).or_else(|_| fs::copy(path, &backup).map(|_| ()))?,
        }
    }
    fs::rename(&new, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    logbook::log(format!("saved the list to `{}`", path.display()));
    Ok(())
}

fn with_extension(path: &Path, extension: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(extension);
    PathBuf::from(text)
}
