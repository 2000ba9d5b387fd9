//! What the ledger's files hold.

use std::collections::BTreeMap;
use std::path::Path;

use ostler_logs::Logfmt;

use crate::small::lost;

/// The line without what the mode puts around it.
pub fn bare(mode: &str, line: &str) -> String {
    match mode {
        "time" => {
            let (date, rest) = line.split_at(21);
            assert!(date.ends_with(": ") && date.starts_with("20"), "no date: {line}");
            rest.to_owned()
        }
        "json" => {
            let value: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            value["message"].as_str().unwrap().trim_end().to_owned()
        }
        "logfmt" => Logfmt::read(line).unwrap_or_else(|| panic!("no pairs: {line}")).message,
        _ => line.to_owned(),
    }
}

/// What files hold.
#[derive(Default)]
pub struct Account {
    pub whole: u64,
    /// Lines that are said to be lost.
    pub lost: u64,
    /// Lines that look whole and may be among the lost ones: without its end, a line of a raw file
    /// counts as lost, and we gave it an end.
    pub doubtful: u64,
}

impl Account {
    pub fn add(&mut self, mode: &str, path: &Path, seed: u64) {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "{} ends within a line", path.display());
        let mut lines = text.lines().map(|line| bare(mode, line)).peekable();
        let mut next: BTreeMap<String, u64> = BTreeMap::new();
        while let Some(line) = lines.next() {
            let is_cut = mode == "raw" && lines.peek().is_some_and(|line| lost(line).is_some());
            match (lost(&line), number(&line)) {
                (Some(lost), _) => self.lost += lost,
                (None, Some((index, number))) => {
                    let next = next.entry(index).or_insert(0);
                    assert!(number >= *next, "seed {seed}: doubled: {line:?}, {}", path.display());
                    *next = number + 1;
                    self.whole += 1;
                    self.doubtful += u64::from(is_cut);
                }
                (None, None) => {
                    assert!(is_cut, "seed {seed}: cut: {line:?} in {}", path.display());
                }
            }
        }
    }
}

/// Who wrote a line, and its number; `None` when it is not whole.
fn number(line: &str) -> Option<(String, u64)> {
    let words: Vec<&str> = line.split(' ').collect();
    let [index, number, tail] = words[..] else { return None };
    (tail.trim_start_matches('x') == ".").then_some(())?;
    Some((index.to_owned(), number.parse().ok()?))
}
