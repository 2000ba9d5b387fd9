//! Files of apps that cannot be written: whoever starts an app, or looks at it, is told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ostler_core::ProcId;
use ostler_wire::control::UnwrittenFile;

use crate::environment::{log_files, pid_file};

/// Files of apps that could not be written the last time, and why not.
#[derive(Debug, Default)]
pub struct Unwritten {
    files: BTreeMap<PathBuf, String>,
}

use super::known::Known;

impl Unwritten {
    /// It is known whether a file of an app can be written. Returns whether it could be before, and
    /// cannot be now.
    pub(super) fn on_written(&mut self, path: &Path, error: Option<String>) -> bool {
        match error {
            Some(error) => self.files.insert(path.to_owned(), error).is_none(),
            None => {
                self.files.remove(path);
                false
            }
        }
    }

    /// The files of these processes that cannot be written, each once.
    pub fn of_all(&self, known: &Known, ids: &[u32]) -> Vec<UnwrittenFile> {
        let mut all: Vec<UnwrittenFile> = Vec::new();
        if self.files.is_empty() {
            return all;
        }
        for id in ids {
            for file in self.of(known, ProcId(*id)) {
                if !all.iter().any(|other| other.path == file.path) {
                    all.push(file);
                }
            }
        }
        all
    }

    /// Those of one process.
    pub(super) fn of(&self, known: &Known, id: ProcId) -> Vec<UnwrittenFile> {
        let files = || {
            let process = known.core.slot(id)?.process();
            let spec = &known.registry.version(process.spec())?.spec;
            let name = &known.registry.proc(id)?.name;
            let logs = log_files(spec, id).into_iter().flatten().map(|path| (path, false));
            let all = logs.chain([(pid_file(spec, id), true)]);
            let unwritten = all.filter_map(|(path, is_pid)| {
                let error = self.files.get(&path)?.clone();
                let path = path.display().to_string();
                Some(UnwrittenFile { name: name.clone(), path, is_pid, error })
            });
            Some(unwritten.collect())
        };
        files().unwrap_or_default()
    }
}
