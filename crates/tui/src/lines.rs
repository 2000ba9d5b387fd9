//! Lines of logs: kept, filtered, scrolled back through.
//!
//! Problem: an app writes faster than anybody reads, and what it writes may steer a terminal. Rule:
//! a line is made safe when it comes in, the oldest beyond a number are dropped, and whoever has
//! scrolled back keeps what they look at in its place.

use std::collections::VecDeque;

use ostler_text::{shown, without_colours};

/// Lines that are kept.
const KEPT: usize = 5_000;
/// The longest line that is kept, bytes.
const LONGEST: usize = 4 << 10;

/// A line of an app, safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The process that wrote it: name and number; none where the line is ours.
    pub(crate) label: Option<String>,
    /// It went to standard error.
    pub(crate) is_err: bool,
    /// What was written.
    pub(crate) text: String,
}

impl Line {
    /// A line that an app wrote.
    pub(crate) fn of_app(name: &str, id: u32, is_err: bool, text: &str) -> Self {
        let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= LONGEST).last();
        let cut = text.get(..end.filter(|_| LONGEST < text.len()).unwrap_or(text.len()));
        let text = without_colours(cut.unwrap_or_default()).replace('\t', "    ");
        Self {
            label: Some(shown(&format!("{name}:{id}")).into_owned()),
            is_err,
            text: shown(&text).into_owned(),
        }
    }

    /// A line of ours between those of apps.
    pub(crate) fn of_ours(text: &str) -> Self {
        Self { label: None, is_err: false, text: shown(text).into_owned() }
    }
}

/// The lines of the selection.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    all: VecDeque<Line>,
    filter: String,
    /// Lines below the last one that is shown, of those that the filter lets through.
    below: usize,
}

impl Lines {
    /// Adds a line.
    pub(crate) fn push(&mut self, line: Line) {
        if 0 < self.below && self.lets_through(&line) {
            self.below += 1;
        }
        self.all.push_back(line);
        if KEPT < self.all.len() {
            self.all.pop_front();
        }
    }

    /// Forgets all lines; the filter stays.
    pub(crate) fn clear(&mut self) {
        self.all.clear();
        self.below = 0;
    }

    /// Shows only lines with this text; letters match also in the other case unless one of the
    /// text is a capital.
    pub(crate) fn filter(&mut self, text: String) {
        self.filter = text;
        self.below = 0;
    }

    /// Returns the text that lines must have.
    pub(crate) fn filter_text(&self) -> &str {
        &self.filter
    }

    /// Moves by so many lines, towards older ones if positive.
    pub(crate) fn scroll(&mut self, by: isize) {
        let most = self.matching().count().saturating_sub(1);
        self.below = self.below.saturating_add_signed(by).min(most);
    }

    /// Goes to the newest line, and stays there.
    pub(crate) fn follow(&mut self) {
        self.below = 0;
    }

    /// Goes to the oldest line.
    pub(crate) fn oldest(&mut self) {
        self.below = self.matching().count().saturating_sub(1);
    }

    /// Returns how many lines are below those that are shown.
    pub(crate) fn below(&self) -> usize {
        self.below
    }

    /// Returns the lines that are shown, the newest first.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &Line> {
        self.matching().skip(self.below)
    }

    /// Whether there is no line at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn matching(&self) -> impl Iterator<Item = &Line> {
        self.all.iter().rev().filter(|line| self.lets_through(line))
    }

    fn lets_through(&self, line: &Line) -> bool {
        matches(&line.text, &self.filter)
            || line.label.as_ref().is_some_and(|label| matches(label, &self.filter))
    }
}

/// Whether a text has a filter's in it.
pub(crate) fn matches(text: &str, filter: &str) -> bool {
    if filter.is_empty() {
        return true;
    }
    if filter.chars().any(char::is_uppercase) {
        return text.contains(filter);
    }
    text.to_lowercase().contains(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: usize) -> Lines {
        let mut lines = Lines::default();
        for nth in 0..count {
            lines.push(Line::of_app("api", 0, false, &format!("line {nth}")));
        }
        lines
    }

    fn first(lines: &Lines) -> &str {
        &lines.shown().next().unwrap().text
    }

    #[test]
    fn who_has_scrolled_back_keeps_what_they_look_at() {
        let mut lines = of(100);
        lines.scroll(10);
        assert_eq!(first(&lines), "line 89");
        lines.push(Line::of_app("api", 0, false, "news"));
        assert_eq!(first(&lines), "line 89");
        lines.follow();
        assert_eq!(first(&lines), "news");
        lines.scroll(1_000);
        assert_eq!(first(&lines), "line 0");
    }

    #[test]
    fn the_oldest_lines_are_dropped_and_a_long_one_is_cut() {
        let lines = of(KEPT + 7);
        assert_eq!(lines.shown().count(), KEPT);
        assert_eq!(lines.shown().last().unwrap().text, "line 7");
        let long = Line::of_app("api", 0, false, &"é".repeat(LONGEST));
        assert!(long.text.len() <= LONGEST, "{}", long.text.len());
    }

    #[test]
    fn what_an_app_writes_steers_no_terminal() {
        let line = Line::of_app("a\x1b[2Jb", 1, true, "\x1b[31mred\x1b[0m \x1b]0;title\x07\tend\r");
        assert_eq!(line.label.unwrap(), "a\\x1b[2Jb:1");
        assert_eq!(line.text, "red \\x1b]0;title\\x07    end\\r");
    }

    #[test]
    fn a_filter_with_a_capital_means_it() {
        assert!(matches("GET /Health", "health") && matches("GET /Health", "Health"));
        assert!(!matches("GET /health", "Health") && matches("x", ""));
        let mut lines = of(20);
        lines.filter("LINE".to_owned());
        assert_eq!(lines.shown().count(), 0);
        lines.filter("line 1".to_owned());
        assert_eq!(lines.shown().count(), 11);
    }
}
