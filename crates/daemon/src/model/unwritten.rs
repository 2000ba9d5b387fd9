//! Files of apps that cannot be written: whoever starts an app, or looks at it, is told.

use std::path::PathBuf;

use ostler_core::ProcId;
use ostler_wire::control::UnwrittenFile;

use super::Model;
use crate::environment::{log_files, pid_file};

impl Model {
    /// It is known whether a file of an app can be written.
    pub(super) fn on_written(&mut self, path: PathBuf, error: Option<String>) {
        match error {
            Some(error) => _ = self.unwritten.insert(path, error),
            None => _ = self.unwritten.remove(&path),
        }
    }

    /// The files of these processes that cannot be written, each once.
    pub fn unwritten(&self, ids: &[u32]) -> Vec<UnwrittenFile> {
        let mut all: Vec<UnwrittenFile> = Vec::new();
        if self.unwritten.is_empty() {
            return all;
        }
        for id in ids {
            for file in self.unwritten_of(ProcId(*id)) {
                if !all.iter().any(|other| other.path == file.path) {
                    all.push(file);
                }
            }
        }
        all
    }

    /// Those of one process.
    pub(super) fn unwritten_of(&self, id: ProcId) -> Vec<UnwrittenFile> {
        let files = || {
            let process = self.core.slot(id)?.process();
            let spec = &self.registry.version(process.spec())?.spec;
            let name = &self.registry.proc(id)?.name;
            let logs = log_files(spec, id).into_iter().flatten().map(|path| (path, false));
            let all = logs.chain([(pid_file(spec, id), true)]);
            let unwritten = all.filter_map(|(path, is_pid)| {
                let error = self.unwritten.get(&path)?.clone();
                let path = path.display().to_string();
                Some(UnwrittenFile { name: name.clone(), path, is_pid, error })
            });
            Some(unwritten.collect())
        };
        files().unwrap_or_default()
    }
}
