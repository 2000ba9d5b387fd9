//! Which line is waited for, in files and as lines come.
//!
//! Problem: a line may be written in two pieces, one of which is in the file when it is read, and
//! the other comes afterwards as if it were the whole. Rule: the unfinished end of each file is
//! kept, and the first line that comes is tried behind it too.

use std::collections::BTreeMap;

use regex_lite::Regex;

/// A line that is waited for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pattern: Regex,
    /// Unfinished ends, by process and output (`true` = standard error).
    ends: BTreeMap<(u32, bool), String>,
}

impl Wanted {
    /// Waits for a line that this matches.
    pub(crate) fn new(pattern: Regex) -> Self {
        Self { pattern, ends: BTreeMap::new() }
    }

    /// Looks through what a process has written. Returns the first line that was waited for.
    pub(crate) fn in_file(&mut self, id: u32, err: bool, text: &str) -> Option<String> {
        let end = text.rsplit('\n').next().unwrap_or_default();
        self.ends.insert((id, err), end.to_owned());
        text.lines().find(|line| self.pattern.is_match(line)).map(str::to_owned)
    }

    /// Looks at a line that came. Returns it if it was waited for.
    pub(crate) fn in_line(&mut self, id: u32, err: bool, text: &str) -> Option<String> {
        let end = self.ends.remove(&(id, err)).unwrap_or_default();
        if self.pattern.is_match(text) {
            return Some(text.to_owned());
        }
        let whole = end + text;
        self.pattern.is_match(&whole).then_some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_in_the_file_as_it_comes_and_across_both() {
        let mut wanted = Wanted::new(Regex::new("^listening on \\d+").unwrap());
        assert_eq!(wanted.in_file(0, false, "boot\n"), None);
        assert_eq!(wanted.in_line(0, false, "not listening on 1"), None);
        assert_eq!(wanted.in_line(0, false, "listening on 1").unwrap(), "listening on 1");
        assert_eq!(wanted.in_file(0, false, "boot\nlistening on 2\nx").unwrap(), "listening on 2");
        assert_eq!(wanted.in_file(1, true, "boot\nlistening"), None);
        assert_eq!(wanted.in_line(1, false, " on 3"), None, "of another output");
        assert_eq!(wanted.in_line(1, true, " on 3").unwrap(), "listening on 3");
        assert_eq!(wanted.in_line(1, true, " on 3"), None, "the end is used once");
    }

    #[test]
    fn an_unfinished_line_counts_as_it_is() {
        let mut wanted = Wanted::new(Regex::new("password:").unwrap());
        assert_eq!(wanted.in_file(0, false, "password: ").unwrap(), "password: ");
    }
}
