//! What a worker wrote last that did not pass its checks.

use std::path::Path;

use ostler_core::{ProcId, SpecId};

use crate::daemon::Daemon;
use crate::environment;

impl Daemon {
    /// The run's last words, from what it wrote to its error file.
    pub fn last_words(&self, mark: u64, spec: SpecId, id: ProcId) -> Vec<String> {
        let Some(version) = self.model.book.versions.get(&spec) else { return Vec::new() };
        let [_, err, _] = environment::log_files(&version.spec, id);
        err.map_or_else(Vec::new, |path| tail_after(&path, mark))
    }
}

/// The last lines of a file beyond `mark`, ten at most.
fn tail_after(path: &Path, mark: u64) -> Vec<String> {
    use std::io::{Read, Seek, SeekFrom};
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        let begin = if length < mark { 0 } else { mark.max(length.saturating_sub(16 << 10)) };
        file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        file.take(16 << 10).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(10)).map(|line| (*line).to_owned()).collect()
}
