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

use std::borrow::Cow;
use std::fmt::Write as _;

use ostler_text::shown;

use crate::place::{COLUMNS, Place};

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

/// What is said of a complaint only in our words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ours {
    /// What is wrong, where PM2 has other words for it.
    pub message: Option<String>,
    /// What it is about, as a path in the file: `apps[0].instances`.
    pub key: Option<String>,
    /// What to do, where that is another command than under PM2's name.
    pub help: Option<String>,
    /// The name of a file that is not there, and the one that was probably meant.
    pub meant: Option<(String, String)>,
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

    /// Returns what to do, in our words; for an error in a file of which no more is known, where
    /// more is said about its kind.
    #[must_use]
    pub fn own_hint(&self) -> Option<Cow<'_, str>> {
        let in_file = self.is_error() && self.origin.as_deref() != Some(COMMAND_LINE);
        let more = || {
            format!("`ostler explain {pasted}` says more", pasted = ostler_shell::word(self.code))
        };
        self.own_advice().map(Cow::Borrowed).or_else(|| in_file.then(|| Cow::Owned(more())))
    }

    /// The same about an option of the command line that gives this key.
    pub(crate) fn of_option(self, key: &str, option: &str) -> Self {
        let named =
            self.reworded(|text| text.replace(&format!("`{key}`"), &format!("`--{option}`")));
        match named.own_advice().map(|advice| as_typed(advice, option)) {
            Some(advice) => named.own_help(advice),
            None => named,
        }
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
        // A file tells a text from a number; what was typed is one word.
        let own = named(self.own_message()).replace("`\"", "`").replace("\"`", "`");
        let advice = self.own_advice().map(&named);
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

    /// Whether it is about the value of an option of the command line, which would be none whatever
    /// there is on this machine, and not about an app, a file or a user.
    #[must_use]
    pub fn is_misuse(&self) -> bool {
        const WRITTEN: [&str; 12] = [
            "bad-cron",
            "empty",
            "wrong-form",
            "wrong-type",
            "too-many",
            "too-small",
            "too-large",
            "two-probes",
            "no-probe",
            "no-signal",
            "env-without-file",
            IGNORED_OPTION,
        ];
        self.origin.as_deref() == Some(COMMAND_LINE) && WRITTEN.contains(&self.code)
    }

    /// Returns it in our words as text for a terminal of so many columns, ending with a line end.
    /// Of the command line there is nothing to show: whoever reads it has typed it.
    #[must_use]
    pub fn render_own(&self, color: bool, columns: usize) -> String {
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
                let marked = (|text: &str| paint("1;34", text), |text: &str| paint(codes, text));
                out.push_str(&place.render(&marked.0, &marked.1, columns));
            }
        }
        if let Some(help) = self.own_hint() {
            let _ = writeln!(out, "{} {}", paint("1;36", "hint:"), shown(&help));
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
                let marked = (|text: &str| paint("1;34", text), |text: &str| paint(codes, text));
                out.push_str(&place.render(&marked.0, &marked.1, COLUMNS));
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

/// Returns advice about a file as advice about the option: what is a text in quotes there, or a
/// list of such, is typed behind the option.
fn as_typed(advice: &str, option: &str) -> String {
    let typed = |written: &str| {
        let first = match serde_json::from_str(written).ok()? {
            serde_json::Value::Array(items) => items.first()?.clone(),
            text @ serde_json::Value::String(_) => text,
            _ => return None,
        };
        let text = first.as_str().map_or_else(|| first.to_string(), str::to_owned);
        Some(format!("--{option} {}", ostler_shell::word(&text)))
    };
    let parts = advice.split('`').enumerate().map(|(nth, part)| {
        let written = (nth % 2 == 1).then(|| typed(part)).flatten();
        written.unwrap_or_else(|| part.to_owned())
    });
    parts.collect::<Vec<_>>().join("`")
}

fn painted(color: bool, codes: &str, text: &str) -> String {
    if color { format!("\x1b[{codes}m{text}\x1b[0m") } else { text.to_owned() }
}
