//! Complaints and remarks, of which nobody reads thousands.
//!
//! The problem: what an app or a client does wrong it may do as fast as it can, and each time we
//! say so. The rule: in a second a few complaints of a kind about a thing are written, and some
//! of all; of the others their number is told when the second is over.

use std::collections::BTreeMap;

/// Complaints that are written in a second, of one kind about one thing.
const OF_A_KIND: u32 = 5;
/// Complaints that are written in a second.
const OF_ALL: usize = 200;
/// How long they are counted together, ms.
const SECOND: u64 = 1000;
/// Bytes of a complaint that are written.
const LONGEST: usize = 4 << 10;
/// Words at the beginning of a complaint that tell the kind and the thing: `run 7 wrote`.
const WORDS: usize = 3;

/// What was complained of in this second.
#[derive(Debug, Default)]
pub struct Complaints {
    /// When the second began; `None` when nothing was said in it.
    began: Option<u64>,
    kinds: BTreeMap<String, Kind>,
    written: usize,
    /// Complaints of kinds for which there was no room.
    beyond: u64,
}

#[derive(Debug, Default)]
struct Kind {
    /// The word for its lines.
    word: &'static str,
    written: u32,
    more: u64,
    last: String,
}

impl Complaints {
    /// Returns what is to be written of a complaint now, if anything. `word`: for its line.
    pub fn hear(&mut self, now: u64, word: &'static str, text: &str) -> Option<String> {
        self.began.get_or_insert(now);
        let text = ostler_text::beginning(text, LONGEST);
        let words: Vec<&str> = text.split(' ').take(WORDS).collect();
        let key = words.join(" ");
        if !self.kinds.contains_key(&key) && OF_ALL <= self.kinds.len() {
            self.beyond += 1;
            return None;
        }
        let kind = self.kinds.entry(key).or_default();
        if kind.written < OF_A_KIND && self.written < OF_ALL {
            kind.written += 1;
            self.written += 1;
            return Some(text.to_owned());
        }
        kind.more += 1;
        kind.word = word;
        text.clone_into(&mut kind.last);
        None
    }

    /// When the second is over, if something was said in it.
    pub fn deadline(&self) -> Option<u64> {
        self.began.map(|began| began + SECOND)
    }

    /// Tells what was not written, if the second is over: lines with their words.
    pub fn sum_up(&mut self, now: u64) -> Vec<(&'static str, String)> {
        if self.deadline().is_none_or(|at| now < at) {
            return Vec::new();
        }
        let Self { kinds, beyond, .. } = std::mem::take(self);
        let more = kinds.into_values().filter(|kind| 0 < kind.more);
        let mut lines: Vec<_> = more
            .map(|kind| (kind.word, format!("{} more like this: {}", kind.more, kind.last)))
            .collect();
        if 0 < beyond {
            lines.push(("error", format!("{beyond} more complaints of all kinds")));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_of_a_kind_about_a_thing_are_written_in_a_second_and_the_others_counted() {
        let mut complaints = Complaints::default();
        let mut written = 0;
        for number in 0..1000 {
            let text = format!("run 7 wrote something: {number}");
            written += u32::from(complaints.hear(10, "error", &text).is_some());
        }
        assert_eq!(written, OF_A_KIND);
        assert!(complaints.hear(500, "error", "run 8 wrote something").is_some(), "another run");
        assert!(complaints.hear(500, "error", "run 7 does not read").is_some(), "another kind");
        assert!(complaints.sum_up(1009).is_empty());
        assert_eq!(complaints.deadline(), Some(1010));
        let more = "995 more like this: run 7 wrote something: 999".to_owned();
        assert_eq!(complaints.sum_up(1010), [("error", more)]);
        assert_eq!((complaints.deadline(), complaints.sum_up(9999).len()), (None, 0));
        assert!(complaints.hear(1011, "log", "run 7 wrote something").is_some());
    }

    #[test]
    fn complaints_of_ever_new_kinds_are_bounded_too() {
        let mut complaints = Complaints::default();
        let new = |number: u32| format!("a {number} b");
        let written =
            (0..100_000).filter(|number| complaints.hear(0, "error", &new(*number)).is_some());
        assert_eq!(written.count(), OF_ALL);
        assert_eq!(complaints.kinds.len(), OF_ALL);
        let more = "99800 more complaints of all kinds".to_owned();
        assert_eq!(complaints.sum_up(1000), [("error", more)]);
    }

    #[test]
    fn a_long_complaint_is_cut_between_two_characters() {
        let mut complaints = Complaints::default();
        let text = format!("a{}", "é".repeat(100_000));
        let written = complaints.hear(0, "error", &text).unwrap();
        assert!(written.len() <= LONGEST && text.starts_with(&written), "{}", written.len());
    }
}
