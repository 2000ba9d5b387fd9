//! The lines of one file, also of a compressed one, and of those only the ones that match.

use std::io::{self, Read};

use ostler_logs::Trail;

use super::Query;

/// Read at a time.
const BLOCK: usize = 256 << 10;
/// A line that is longer comes in pieces of this length.
const LONGEST: usize = 32 << 20;

/// Reads a file line by line.
pub(super) struct Lines {
    from: Box<dyn Read + Send>,
    block: Vec<u8>,
    /// Where in the file the block begins.
    base: u64,
    /// Where the line began that was given out last.
    place: u64,
    /// What was read and not given out yet.
    start: usize,
    end: usize,
    is_over: bool,
    /// Behind what was given out, but for what is in the block before `start`.
    trail: Trail,
    /// How much of the block the trail has passed.
    passed: usize,
    /// What is not ended at the end is left for later.
    only_whole: bool,
    /// What was given out last had no end.
    pub(super) is_part: bool,
}

impl Lines {
    /// Reads from here on, which is the end of this trail.
    pub(super) fn new(from: Box<dyn Read + Send>, trail: Trail, only_whole: bool) -> Self {
        let base = trail.end();
        Self {
            from,
            block: Vec::new(),
            base,
            place: base,
            start: 0,
            end: 0,
            is_over: false,
            trail,
            passed: 0,
            only_whole,
            is_part: false,
        }
    }

    /// The trail up to the end of what was given out or passed over last.
    pub(super) fn trail(&mut self) -> &Trail {
        self.trail.pass(self.block.get(self.passed..self.start).unwrap_or_default());
        self.passed = self.start;
        &self.trail
    }

    /// Where in the file the line began that was given out last.
    pub(super) fn place(&self) -> u64 {
        self.place
    }

    /// Returns the next line, without its end, that matches; others are passed over fast.
    pub(super) fn next_matching(&mut self, query: &Query) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.take_matching(query) {
                return Ok(Some(line));
            }
            if self.is_over || LONGEST <= self.end - self.start {
                match self.take_rest() {
                    Some(line) if query.matches(&line) => return Ok(Some(line)),
                    None if self.is_over => return Ok(None),
                    Some(_) | None => {}
                }
            } else {
                self.fill()?;
            }
        }
    }

    /// Returns the next line without its end.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let have = self.block.get(self.start..self.end).unwrap_or_default();
            if let Some(length) = memchr::memchr(b'\n', have) {
                let line = have.get(..length).unwrap_or_default().to_vec();
                self.place = self.base + self.start as u64;
                self.start += length + 1;
                return Ok(Some(line));
            }
            if self.is_over || LONGEST <= have.len() {
                return Ok(self.take_rest());
            }
            self.fill()?;
        }
    }

    /// Looks for a match in all whole lines that were read, not in each by itself.
    fn take_matching(&mut self, query: &Query) -> Option<Vec<u8>> {
        let have = self.block.get(self.start..self.end).unwrap_or_default();
        let whole = memchr::memrchr(b'\n', have).map_or(0, |end| end + 1);
        let have = have.get(..whole).unwrap_or_default();
        let mut from = 0;
        while from < have.len() {
            let place = match &query.grep {
                Some(grep) => grep.find_at(have, from).map(|found| found.start()),
                None => Some(from),
            };
            let Some(place) = place.filter(|place| *place < have.len()) else { break };
            let before = have.get(..place).unwrap_or_default();
            let begin = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1).max(from);
            let rest = have.get(begin..).unwrap_or_default();
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..length).unwrap_or_default();
            from = begin + length + 1;
            // A match may have gone over the end of the line.
            if query.matches(line) {
                let line = line.to_vec();
                self.place = self.base + (self.start + begin) as u64;
                self.start += from;
                return Some(line);
            }
        }
        self.start += whole;
        None
    }

    /// What is left: a line without an end, or a piece of a very long one.
    fn take_rest(&mut self) -> Option<Vec<u8>> {
        if self.is_over && self.only_whole {
            return None;
        }
        self.is_part = true;
        let rest = self.block.get(self.start..self.end).filter(|rest| !rest.is_empty())?.to_vec();
        self.place = self.base + self.start as u64;
        self.start = self.end;
        Some(rest)
    }

    fn fill(&mut self) -> io::Result<()> {
        if 0 < self.start {
            self.trail();
            self.passed = 0;
            self.block.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.block.len() < self.end + BLOCK {
            self.block.resize(self.end + BLOCK, 0);
        }
        let room = self.block.get_mut(self.end..).unwrap_or_default();
        match self.from.read(room) {
            Ok(0) => self.is_over = true,
            Ok(read) => self.end += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::logs::query::regex;

    fn lines(text: &'static [u8]) -> Lines {
        Lines::new(Box::new(text), Trail::default(), false)
    }

    fn found(grep: &str, exclude: Option<&str>, text: &'static str) -> Vec<String> {
        let query = Query {
            grep: Some(regex("grep", grep).unwrap()),
            exclude: exclude.map(|text| regex("exclude", text).unwrap()),
            ..Query::default()
        };
        let mut lines = lines(text.as_bytes());
        let mut next = || {
            let line = lines.next_matching(&query).unwrap()?;
            let place = usize::try_from(lines.place()).unwrap();
            assert!(text.as_bytes()[place..].starts_with(&line), "{place}");
            Some(String::from_utf8(line).unwrap())
        };
        std::iter::from_fn(&mut next).collect()
    }

    #[test]
    fn each_line_that_matches_comes_once() {
        let text = "one\ntwo two\n\nthree\nend";
        assert_eq!(found("two", None, text), ["two two"]);
        assert_eq!(found("e", None, text), ["one", "three", "end"]);
        assert_eq!(found("e", Some("^th"), text), ["one", "end"]);
        assert_eq!(found("^e", None, text), ["end"]);
        assert_eq!(found("o$", None, text), ["two two"]);
        assert_eq!(found("", None, text), ["one", "two two", "", "three", "end"]);
        // A match that goes over the end of a line is none.
        assert_eq!(found(r"e\s+t", None, text), [""; 0]);
        assert_eq!(found(r"\s", None, text), ["two two"]);
        assert_eq!(found(r"^$", None, text), [""]);
        assert_eq!(found(r"[^x]*", Some("x"), "x\ny\n"), ["y"]);
    }

    #[test]
    fn a_line_longer_than_a_block_comes_whole() {
        let long: &'static [u8] = Box::leak(vec![b'x'; 3 * BLOCK + 7].into_boxed_slice());
        let mut all = lines(long);
        assert_eq!(all.next().unwrap().map(|line| line.len()), Some(long.len()));
        assert_eq!(all.next().unwrap(), None);
    }
}
