//! What is wrong with something the user wrote, so that they can mend it without a manual.
//!
//! A diagnostic says what, where and what to do. It reads the same with and without colour:
//!
//! ```text
//! error[wrong-type]: Expect "treekill" to be a typeof [object Boolean], but now is [object String]
//!   --> ecosystem.json:4:15
//!    |
//!  4 |     treekill: "no",
//!    |               ^^^^
//!   help: write `true` or `false`, without quotes
//! ```
//!
//! That is how it is said under the name `pm2`, in PM2's words where PM2 has some. Under our own
//! name it is said in ours, and `ostler explain CODE` says more:
//!
//! ```text
//! error[wrong-type]: `treekill` must be `true` or `false`, but is `no`
//!   --> ecosystem.json:4:15 (apps[0].treekill)
//!    |
//!  4 |     treekill: "no",
//!    |               ^^^^
//! hint: write `true` or `false`, without quotes
//! ```

use std::fmt::Write as _;

use ostler_text::shown;
use unicode_width::UnicodeWidthStr;

/// Origin of what was typed.
pub(crate) const COMMAND_LINE: &str = "command line";
/// Code of a complaint about a dependency that is not there.
pub const UNKNOWN_DEPENDENCY: &str = "unknown-dependency";
/// Code of a complaint about an option that changes nothing.
pub const IGNORED_OPTION: &str = "ignored-option";

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Nothing may be started.
    Error,
    /// Worth saying; it works all the same.
    Warning,
    /// Nothing is wrong: it says what is done.
    Note,
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters concerned, at least 1.
    pub length: usize,
    /// The line itself, without its end.
    pub text: String,
}

/// What is said of a complaint only in our words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ours {
    /// What is wrong, where PM2 has other words for it.
    pub message: Option<String>,
    /// What it is about, as a path in the file: `apps[0].instances`.
    pub key: Option<String>,
    /// What to do, where that is another command than under PM2's name.
    pub help: Option<String>,
}

/// One complaint about what the user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable name of this kind of complaint, for scripts and documentation.
    pub code: &'static str,
    /// What is wrong, with the values; in PM2's words where PM2 has some.
    pub message: String,
    /// What is said only in our words.
    pub ours: Box<Ours>,
    /// File, or `command line`, or `standard input`.
    pub origin: Option<String>,
    /// Where in the origin.
    pub place: Option<Box<Place>>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without a place.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            ours: Box::default(),
            origin: None,
            place: None,
            help: None,
        }
    }

    /// A warning without a place.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// What is done, where that is not what was written.
    #[must_use]
    pub fn note(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, message) }
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with our words for it.
    #[must_use]
    pub fn own(mut self, own: impl Into<String>) -> Self {
        self.ours.message = Some(own.into());
        self
    }

    /// The same with our advice.
    #[must_use]
    pub fn own_help(mut self, help: impl Into<String>) -> Self {
        self.ours.help = Some(help.into());
        self
    }

    /// Returns what is wrong in our words.
    #[must_use]
    pub fn own_message(&self) -> &str {
        self.ours.message.as_deref().unwrap_or(&self.message)
    }

    /// Returns what to do, in our words.
    #[must_use]
    pub fn own_advice(&self) -> Option<&str> {
        self.ours.help.as_deref().or(self.help.as_deref())
    }

    /// The same about an option of the command line that gives this key.
    pub(crate) fn of_option(self, key: &str, option: &str) -> Self {
        self.reworded(|text| text.replace(&format!("`{key}`"), &format!("`--{option}`")))
    }

    /// The same in the words of the command line, where each of these parts of an attribute has an
    /// option of its own.
    pub(crate) fn of_options(self, key: &str, parts: &[(&str, &str)]) -> Self {
        self.reworded(|text| {
            parts.iter().fold(text.to_owned(), |text, (part, option)| {
                let (whole, option) = (format!("`{key}.{part}`"), format!("`--{option}`"));
                text.replace(&whole, &option).replace(&format!("`{part}`"), &option)
            })
        })
    }

    fn reworded(self, named: impl Fn(&str) -> String) -> Self {
        let (own, advice) = (named(self.own_message()), self.own_advice().map(&named));
        let named = self.own(own).origin(COMMAND_LINE);
        match advice {
            Some(advice) => named.own_help(advice),
            None => named,
        }
    }

    /// The same about this origin.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Whether nothing may be started because of it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Whether it is about the value of an option of the command line, which is none, and not
    /// about what there is of the app.
    #[must_use]
    pub fn is_misuse(&self) -> bool {
        const WRITTEN: [&str; 12] = [
            "bad-cron",
            "empty",
            "no-user",
            "no-group",
            "wrong-form",
            "wrong-type",
            "too-many",
            "too-small",
            "two-probes",
            "no-signal",
            "env-without-file",
            IGNORED_OPTION,
        ];
        self.origin.as_deref() == Some(COMMAND_LINE) && WRITTEN.contains(&self.code)
    }

    /// Returns it in our words as text for a terminal, ending with a line end. Of the command line
    /// there is nothing to show: whoever reads it has typed it.
    #[must_use]
    pub fn render_own(&self, color: bool) -> String {
        let (word, codes) = self.word();
        let paint = |codes: &'static str, text: &str| painted(color, codes, text);
        let said = ostler_text::message(self.own_message());
        let file = self.origin.as_deref().filter(|origin| *origin != COMMAND_LINE);
        // What was typed is mended at once; what stands in a file may need a page.
        let code = file.map_or(String::new(), |_| format!("[{}]", self.code));
        let mut out = format!("{} {said}\n", paint(codes, &format!("{word}{code}:")));
        if let Some(origin) = file {
            let (origin, place) = (shown(origin), self.place.as_ref());
            let at = place.map_or(String::new(), |at| format!(":{}:{}", at.line, at.column));
            let key =
                self.ours.key.as_ref().map_or(String::new(), |key| format!(" ({})", shown(key)));
            let _ = writeln!(out, "  {} {origin}{at}{key}", paint("1;34", "-->"));
            if let Some(place) = place {
                out.push_str(
                    &place.render(&|text| paint("1;34", text), &|text| paint(codes, text)),
                );
            }
        }
        if let Some(help) = self.own_advice() {
            let _ = writeln!(out, "{} {}", paint("1;36", "hint:"), shown(help));
        }
        out
    }

    fn word(&self) -> (&'static str, &'static str) {
        match self.severity {
            Severity::Error => ("error", "1;31"),
            Severity::Warning => ("warning", "1;33"),
            Severity::Note => ("note", "1;36"),
        }
    }

    /// Returns it in PM2's words as text for a terminal, ending with a line end.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let (word, codes) = self.word();
        let paint = |codes: &'static str, text: &str| painted(color, codes, text);
        let head = paint(codes, &format!("{word}[{}]", self.code));
        let mut out = format!("{head}: {}\n", paint("1", &ostler_text::message(&self.message)));
        match (self.origin.as_deref().map(shown), &self.place) {
            (Some(origin), Some(place)) => {
                let _ = writeln!(
                    out,
                    "  {} {origin}:{}:{}",
                    paint("1;34", "-->"),
                    place.line,
                    place.column
                );
                out.push_str(
                    &place.render(&|text| paint("1;34", text), &|text| paint(codes, text)),
                );
            }
            (Some(origin), None) => {
                let _ = writeln!(out, "  {} {origin}", paint("1;34", "-->"));
            }
            (None, _) => {}
        }
        if let Some(help) = &self.help {
            let _ = writeln!(out, "  {}: {}", paint("1;36", "help"), shown(help));
        }
        out
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Diagnostic {}

fn painted(color: bool, codes: &str, text: &str) -> String {
    if color { format!("\x1b[{codes}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Columns of a line that are shown; a minified file has only one line.
const WINDOW: usize = 100;

impl Place {
    /// The place of the bytes `start..end` of `text`.
    #[must_use]
    pub fn of(text: &str, start: usize, end: usize) -> Self {
        let start = floor(text, start);
        let before = text.get(..start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let after = text.get(line_start..).unwrap_or("");
        let line = after.split('\n').next().unwrap_or("").trim_end_matches('\r');
        let line_end = line_start + line.len();
        let concerned = text.get(start..floor(text, end).min(line_end)).unwrap_or("");
        Self {
            line: before.matches('\n').count() + 1,
            column: text.get(line_start..start).unwrap_or("").chars().count() + 1,
            length: concerned.chars().count().max(1),
            text: line.to_owned(),
        }
    }

    fn render(&self, frame: &dyn Fn(&str) -> String, mark: &dyn Fn(&str) -> String) -> String {
        // A window around the place; tabs become one blank so that the caret stands below what it
        // means.
        let first = (self.column - 1).saturating_sub(WINDOW / 2);
        let first = if self.text.chars().count() <= WINDOW { 0 } else { first };
        let shown: String = self
            .text
            .chars()
            .skip(first)
            .take(WINDOW)
            .map(|c| if ostler_text::is_unsafe(c) { ' ' } else { c })
            .collect();
        let lead: String = shown.chars().take(self.column - 1 - first).collect();
        let concerned: String =
            shown.chars().skip(self.column - 1 - first).take(self.length).collect();
        let number = self.line.to_string();
        let pad = " ".repeat(number.len());
        let caret = "^".repeat(concerned.width().max(1));
        let mut out = format!(" {pad} {}\n", frame("|"));
        let line = format!(" {} {} {}", frame(&number), frame("|"), shown);
        let _ = writeln!(out, "{}", line.trim_end());
        let _ = writeln!(out, " {pad} {} {}{}", frame("|"), " ".repeat(lead.width()), mark(&caret));
        out
    }
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_characters_not_bytes() {
        let text = "a\n\té: 'x'\r\nb";
        let start = text.find("'x'").unwrap();
        let place = Place::of(text, start, start + 3);
        assert_eq!(
            (place.line, place.column, place.length, place.text.as_str()),
            (2, 5, 3, "\té: 'x'")
        );
    }

    #[test]
    fn a_minified_file_shows_only_the_part_around_the_place() {
        let text = format!("{}BAD{}", "x".repeat(5000), "y".repeat(5000));
        let mut diagnostic = Diagnostic::error("bad", "no").origin("f");
        diagnostic.place = Some(Box::new(Place::of(&text, 5000, 5003)));
        let shown = diagnostic.render(false);
        assert!(shown.contains("BAD") && shown.len() < 400, "{shown}");
        assert!(diagnostic.render(true).contains("\x1b[1;31m^^^\x1b[0m"));
    }

    #[test]
    fn a_place_past_the_end_is_the_end() {
        assert_eq!(Place::of("é", 1, 9).column, 1);
        assert_eq!(Place::of("", 5, 9).line, 1);
    }
}
