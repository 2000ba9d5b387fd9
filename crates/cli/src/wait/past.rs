//! What processes had written before they were waited for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use ostler_wire::control::LogStart;

/// The most that is looked through of a file, from its end, bytes.
const MOST: u64 = 64 << 20;

/// Where each log file is read from, by process and output (`true` = standard error).
#[derive(Debug, Default)]
pub(super) struct Past(BTreeMap<(u32, bool), u64>);

impl Past {
    /// Notes where the current runs begin, where nothing is noted yet.
    pub(super) fn begin(&mut self, starts: &[LogStart]) {
        for start in starts {
            self.0.entry((start.id, false)).or_insert(start.out);
            self.0.entry((start.id, true)).or_insert(start.err);
        }
    }

    /// Notes the end of a file, where nothing is noted yet: only what comes is of interest.
    pub(super) fn begin_at_end(&mut self, id: u32, err: bool, path: &Path) {
        let length = std::fs::metadata(path).map_or(0, |file| file.len());
        self.0.entry((id, err)).or_insert(length);
    }

    /// Reads what a process has written since then; nothing where its beginning is not known.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub(super) fn read(&self, id: u32, err: bool, path: &Path) -> io::Result<String> {
        match self.0.get(&(id, err)) {
            Some(begin) => read(path, *begin),
            None => Ok(String::new()),
        }
    }
}

fn read(path: &Path, begin: u64) -> io::Result<String> {
    let metadata = match std::fs::metadata(path) {
        // A pipe or a device has no past.
        Ok(metadata) if !metadata.is_file() => return Ok(String::new()),
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(error),
    };
    let length = metadata.len();
    // One that is shorter was emptied or replaced.
    let begin = if length < begin { 0 } else { begin };
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(begin.max(length.saturating_sub(MOST))))?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_from_where_the_run_began_also_when_it_was_emptied() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app-out.log");
        let mut past = Past::default();
        std::fs::write(&path, "old\nnew\n").unwrap();
        assert_eq!(past.read(0, false, &path).unwrap(), "", "no beginning is known");
        past.begin(&[LogStart { id: 0, out: 4, err: 0 }]);
        past.begin(&[LogStart { id: 0, out: 8, err: 0 }]);
        assert_eq!(past.read(0, false, &path).unwrap(), "new\n", "the first counts");
        past.begin_at_end(1, false, &path);
        assert_eq!(past.read(1, false, &path).unwrap(), "");
        std::fs::write(&path, "x\n").unwrap();
        assert_eq!(past.read(0, false, &path).unwrap(), "x\n");
        assert_eq!(past.read(0, true, &dir.path().join("none")).unwrap(), "");
        assert_eq!(past.read(0, true, dir.path()).unwrap(), "");
    }
}
