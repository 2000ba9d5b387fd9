//! What the manager's log says last: why a daemon does not answer.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The most bytes that are read.
const TAIL: u64 = 2000;
/// The most lines that an error quotes.
const LINES: usize = 5;

/// Returns the end of what was written to the log since its length was `began`.
pub(crate) fn since(log: &Path, began: u64) -> String {
    match read(log, began) {
        Ok(text) if !text.is_empty() => text,
        Ok(_) => "it ended without giving a reason".to_owned(),
        Err(error) => format!("it ended, and its log cannot be read: {error}"),
    }
}

/// Returns the last lines that were written to the log since its length was `began`, as the rest of
/// a sentence; nothing where there are none.
pub(crate) fn so_far(log: &Path, began: u64) -> String {
    match read(log, began) {
        Ok(text) if text.is_empty() => String::new(),
        Ok(text) => quoted("; its log says:", &text),
        Err(error) => format!("; its log cannot be read: {error}"),
    }
}

/// Returns the last lines of the log as the rest of an error; nothing where there are none.
#[must_use]
pub fn last_words(log: &Path) -> String {
    let text = match read(log, 0) {
        Ok(text) if text.is_empty() => return String::new(),
        Ok(text) => text,
        Err(error) => return format!("; its log cannot be read: {error}"),
    };
    quoted("; its log ends with:", &text)
}

fn quoted(begin: &str, text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().skip(lines.len().saturating_sub(LINES));
    last.fold(begin.to_owned(), |text, line| format!("{text}\n  {line}"))
}

fn read(log: &Path, began: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(began.max(length.saturating_sub(TAIL)).min(length)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_quotes_the_last_lines() {
        let dir = tempfile::TempDir::new().unwrap();
        let log = dir.path().join("pm2.log");
        assert!(last_words(&log).starts_with("; its log cannot be read: No such file"));
        std::fs::write(&log, "").unwrap();
        assert_eq!(last_words(&log), "");
        std::fs::write(&log, "1\n2\n3\n4\n5\n6\n").unwrap();
        assert_eq!(last_words(&log), "; its log ends with:\n  2\n  3\n  4\n  5\n  6");
        assert_eq!(since(&log, 8), "5\n6");
        assert_eq!(so_far(&log, 8), "; its log says:\n  5\n  6");
        assert_eq!(so_far(&log, 12), "");
    }
}
