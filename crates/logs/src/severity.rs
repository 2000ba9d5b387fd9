//! Which lines are grave enough.
//!
//! A line that says no level and is indented goes on with the line before it, as the frames of a
//! stack trace do. Another one counts as an error on standard error, and else as harmless.

use std::collections::BTreeMap;

use crate::level::Level;

/// The levels of lines, each log by itself.
#[derive(Clone, Debug, Default)]
pub struct Severity {
    last: BTreeMap<(u32, bool), Level>,
}

impl Severity {
    /// Returns how grave a line of this log is; `err`: of standard error.
    #[must_use]
    pub fn of(&mut self, (log, err): (u32, bool), line: &[u8]) -> Level {
        let usual = if err { Level::Error } else { Level::Info };
        let goes_on = line.first().is_none_or(|first| b" \t".contains(first));
        let last = self.last.entry((log, err)).or_insert(usual);
        if let Some(level) = Level::of(line) {
            *last = level;
        } else if !goes_on {
            *last = usual;
        }
        *last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_as_grave_as_what_they_belong_to() {
        let mut severity = Severity::default();
        let mut of = |err, line: &str| severity.of((0, err), line.as_bytes());
        assert_eq!(of(false, "TypeError: x"), Level::Error);
        assert_eq!(of(false, "    at f (x.js:1:1)"), Level::Error);
        assert_eq!(of(false, "next"), Level::Info);
        assert_eq!(of(false, "    more"), Level::Info);
        assert_eq!(of(true, "something"), Level::Error);
        assert_eq!(of(true, "WARN: something"), Level::Warn);
        assert_eq!(of(true, "  of it"), Level::Warn);
    }
}
