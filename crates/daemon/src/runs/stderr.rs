//! What a run wrote last to its standard error.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use ostler_core::RunId;

use super::Runs;
use crate::environment;

/// Lines that are quoted, at most.
const LINES: usize = 10;
/// Bytes that are looked at for them, at most.
const BYTES: u64 = 16 << 10;

impl Runs {
    /// Returns the last lines that a run wrote to its standard error.
    pub fn stderr_tail(&self, run: RunId) -> Vec<String> {
        let Some(held) = self.get(run) else { return Vec::new() };
        let Some(spec) = &held.settings else { return Vec::new() };
        let [_, err, _] = environment::log_files(spec, held.proc);
        err.map_or_else(Vec::new, |path| tail_after(&path, held.stderr_offset))
    }
}

/// The last lines of a file beyond `offset`.
fn tail_after(path: &Path, offset: u64) -> Vec<String> {
    let bytes = read_after(path, offset).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(LINES)).map(|line| (*line).to_owned()).collect()
}

fn read_after(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let begin = if length < offset { 0 } else { offset.max(length.saturating_sub(BYTES)) };
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
