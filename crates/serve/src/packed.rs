//! Files as gzip, made once for each version of a file and kept for the next request.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::files::Facts;

/// Below this, the head of the answer is larger than what is saved.
const LEAST: u64 = 1 << 10;

/// Above this, the others would wait for too long: 8 MiB take a tenth of a second.
const MOST: u64 = 8 << 20;

/// How much is kept in memory.
const ROOM: usize = 16 << 20;

/// How hard it is tried; more takes twice the time for a few percent.
const LEVEL: u32 = 5;

/// Files as gzip, those that were asked for last at the end.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    kept: VecDeque<(Facts, Arc<[u8]>)>,
    bytes: usize,
}

impl Packed {
    /// Whether a file of this size is worth it.
    pub(crate) fn is_worth(size: u64) -> bool {
        (LEAST..=MOST).contains(&size)
    }

    /// Returns the file as gzip; `None` when that is no smaller, or the file changes.
    pub(crate) fn of(&mut self, file: &File, facts: Facts) -> io::Result<Option<Arc<[u8]>>> {
        let smaller = |bytes: Arc<[u8]>| Some(bytes).filter(|bytes| !bytes.is_empty());
        if let Some(at) = self.kept.iter().position(|(of, _)| *of == facts)
            && let Some(entry) = self.kept.remove(at)
        {
            let bytes = Arc::clone(&entry.1);
            self.kept.push_back(entry);
            return Ok(smaller(bytes));
        }
        let Some(bytes) = pack(file, facts.size)? else { return Ok(None) };
        // One that does not become smaller is remembered as empty.
        let is_smaller = u64::try_from(bytes.len()).is_ok_and(|size| size < facts.size);
        let bytes: Arc<[u8]> = if is_smaller { bytes.into() } else { Arc::new([]) };
        self.bytes += bytes.len();
        self.kept.push_back((facts, Arc::clone(&bytes)));
        while ROOM < self.bytes || 4096 < self.kept.len() {
            let Some((_, oldest)) = self.kept.pop_front() else { break };
            self.bytes -= oldest.len();
        }
        Ok(smaller(bytes))
    }
}

/// `None` when it is not as long as it was.
fn pack(file: &File, size: u64) -> io::Result<Option<Vec<u8>>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::new(LEVEL));
    let mut chunk = vec![0; 64 << 10];
    let mut at = 0;
    while at < size {
        let count = file.read_at(&mut chunk, at)?;
        let Some(read) = chunk.get(..count).filter(|read| !read.is_empty()) else {
            return Ok(None);
        };
        out.write_all(read)?;
        at += u64::try_from(count).unwrap_or(u64::MAX);
    }
    if at == size { out.finish().map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8], number: u64) -> (File, Facts) {
        let file = tempfile::tempfile().unwrap();
        (&file).write_all(content).unwrap();
        let size = u64::try_from(content.len()).unwrap();
        (file, Facts { id: (0, number), size, modified: 0, nanos: 0 })
    }

    #[test]
    fn a_version_is_packed_once_and_one_that_becomes_no_smaller_is_not_sent() {
        let mut packed = Packed::default();
        let (text, facts) = file(&b"abc ".repeat(4096), 1);
        let first = packed.of(&text, facts).unwrap().unwrap();
        assert!(first.len() < 1000);
        let again = packed.of(&text, facts).unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let mut noise = 1_u32;
        let mut next = || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_le_bytes()[3]
        };
        let random: Vec<u8> = (0..4096).map(|_| next()).collect();
        let (random, facts) = file(&random, 2);
        assert_eq!(packed.of(&random, facts).unwrap(), None);
        let (short, facts) = file(b"abc", 3);
        assert_eq!(packed.of(&short, Facts { size: 9, ..facts }).unwrap(), None, "it has changed");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut packed = Packed::default();
        for number in 0..5000 {
            let (text, facts) = file(&b"abc ".repeat(32), number);
            packed.of(&text, facts).unwrap();
        }
        assert!(packed.kept.len() <= 4096 && packed.bytes <= ROOM);
        let sum: usize = packed.kept.iter().map(|(_, bytes)| bytes.len()).sum();
        assert_eq!(packed.bytes, sum);
    }
}
