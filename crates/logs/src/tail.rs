//! The last lines of a file of any size.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::place::{At, read_most};

/// Read at a time, from the end.
const BLOCK: usize = 64 << 10;
/// Most that is read: what comes before is left out, within a line if need be.
const MOST: usize = 32 << 20;

/// The last `lines` lines of the file, oldest first, without line ends; an unfinished last line
/// counts. Bytes that are not UTF-8 are replaced. Reads from the end, at most 32 MiB, so the file's
/// size does not matter.
///
/// # Errors
/// The file cannot be opened or read.
pub fn tail(path: &Path, lines: usize) -> io::Result<Vec<String>> {
    let file = File::open(path)?;
    tail_to(&file, file.metadata()?.len(), lines)
}

/// The same for an open file up to this place.
///
/// # Errors
/// The file cannot be read.
pub fn tail_to(file: &File, mut start: u64, lines: usize) -> io::Result<Vec<String>> {
    if lines == 0 || start == 0 {
        return Ok(Vec::new());
    }
    // Blocks last to first; a line end at the file's very end closes the last line instead of
    // opening another.
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let (mut ends, mut size) = (0, 0);
    while start > 0 && size < MOST && ends <= lines {
        let len = BLOCK.min(usize::try_from(start).unwrap_or(BLOCK));
        start -= len as u64;
        let mut block = vec![0; len];
        // A file truncated meanwhile ends early: what is there is what is shown.
        let read = read_most(&mut At(file, start), &mut block)?;
        block.truncate(read);
        ends += memchr::memchr_iter(b'\n', &block).count();
        size += read;
        blocks.push(block);
    }
    let text: Vec<u8> = blocks.into_iter().rev().flatten().collect();
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    let mut found: Vec<String> = text
        .rsplit(|byte| *byte == b'\n')
        .take(lines)
        .map(|line| String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned())
        .collect();
    found.reverse();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;

    #[track_caller]
    fn check(content: &[u8], lines: usize, expected: &[&str]) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        assert_eq!(tail(file.path(), lines).unwrap(), expected);
    }

    #[test]
    fn the_last_lines_come_oldest_first() {
        check(b"", 3, &[]);
        check(b"a\nb\nc\n", 2, &["b", "c"]);
        check(b"a\nb\r\nc", 2, &["b", "c"]);
        check(b"a\n\n", 5, &["a", ""]);
        check(b"\xffx\n", 1, &["\u{fffd}x"]);
        check(b"a\n", 0, &[]);
    }

    #[test]
    fn a_line_longer_than_a_block_comes_whole() {
        let long = "x".repeat(3 * BLOCK + 7);
        check(format!("first\n{long}\nlast\n").as_bytes(), 2, &[&long, "last"]);
        check(format!("first\n{long}\n").as_bytes(), 1, &[&long]);
    }

    #[test]
    fn a_sparse_file_of_thirty_gigabytes_answers_from_its_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().write_all_at(b"\none\ntwo\n", 30 << 30).unwrap();
        let start = std::time::Instant::now();
        assert_eq!(tail(file.path(), 2).unwrap(), ["one", "two"]);
        assert!(start.elapsed() < std::time::Duration::from_secs(1), "took {:?}", start.elapsed());
    }
}
