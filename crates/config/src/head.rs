//! The first bytes of a file, and the program that they name.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The first bytes of a file, so many at most.
pub(crate) fn head(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut head)?;
    Ok(head)
}

/// What the first line says that runs the file, behind `#!`.
pub(crate) fn named_program(head: &[u8]) -> Option<Cow<'_, str>> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    Some(String::from_utf8_lossy(line))
}
