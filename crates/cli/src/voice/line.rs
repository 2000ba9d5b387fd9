//! Lines, and what they say alike under both names.

use crate::paint::{Ink, Paint};

/// Text for a terminal. It holds what others wrote only made safe: there is no other way
/// to make one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(String);

impl Text {
    /// One line: its ends of lines are shown as signs.
    pub(crate) fn line(text: impl AsRef<str>) -> Self {
        Self(ostler_text::shown(text.as_ref()).into_owned())
    }

    /// Lines, each as it is.
    pub(crate) fn lines(text: impl AsRef<str>) -> Self {
        Self(ostler_text::shown_lines(text.as_ref()).into_owned())
    }

    /// A message behind its label, which is ours and may be coloured.
    pub(crate) fn labelled(label: &str, text: impl AsRef<str>) -> Self {
        Self(label.to_owned() + &ostler_text::message(text.as_ref()))
    }

    /// Lines, the first behind a label, which is ours and may be coloured.
    pub(crate) fn labelled_lines(label: &str, text: impl AsRef<str>) -> Self {
        Self(label.to_owned() + &ostler_text::shown_lines(text.as_ref()))
    }

    /// JSON, for whomever.
    pub(crate) fn json(text: &str) -> Self {
        Self(ostler_text::json(text).into_owned())
    }

    /// This text, and the other below it.
    pub(crate) fn above(mut self, other: &Self) -> Self {
        self.0.push('\n');
        self.0.push_str(&other.0);
        self
    }

    /// Returns it as it is written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A line, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// What was done: standard output.
    Out(Text),
    /// Standard output, also when the command is to be silent: somebody needs it to go on.
    Data(Text),
    /// What is wrong or goes on: standard error.
    Err(Text),
}

impl Line {
    /// One line that says what was done.
    pub(super) fn out(text: impl AsRef<str>) -> Self {
        Self::Out(Text::line(text))
    }

    /// One line that somebody needs to go on.
    pub(super) fn data(text: impl AsRef<str>) -> Self {
        Self::Data(Text::line(text))
    }

    /// One line that says what goes on.
    pub(super) fn err(text: impl AsRef<str>) -> Self {
        Self::Err(Text::line(text))
    }
}

/// That nobody answers, and why.
pub(super) const DAEMONS_END: &str =
    "one daemon after the other ends before it answers; waiting for one that stays";

/// That an app is ready, and where.
pub(super) fn ready(name: &str, processes: usize, urls: &[String]) -> String {
    let count = match processes {
        0 => return format!("{name} ended with exit code 0"),
        1 => String::new(),
        count => format!(" ({count} processes)"),
    };
    let at = if urls.is_empty() { String::new() } else { format!(": {}", urls.join(", ")) };
    format!("{name} is ready{count}{at}")
}

/// Returns a number with its noun.
pub(super) fn number(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// An error, and what to do.
pub(super) fn error_lines(paint: Paint, text: &str, hint: Option<&str>) -> Vec<Line> {
    labelled(&paint.ink(&[Ink::Bold, Ink::Red], "error:"), text, hint, paint)
}

/// A warning, and what to do.
pub(super) fn warning(paint: Paint, text: &str, hint: Option<&str>) -> Vec<Line> {
    labelled(&paint.ink(&[Ink::Bold, Ink::Yellow], "warning:"), text, hint, paint)
}

/// A line with this label, and what to do.
pub(super) fn labelled(label: &str, text: &str, hint: Option<&str>, paint: Paint) -> Vec<Line> {
    // The first line is ours, with names of others; what an app wrote follows.
    let (first, rest) = text.split_at(text.find('\n').unwrap_or(text.len()));
    let text = ostler_text::without_numbers(&(first.replace('\t', "\\t") + rest));
    let mut lines = vec![Line::Err(Text::labelled(&format!("{label} "), text))];
    lines.extend(hint.map(|hint| hint_line(paint, hint)));
    lines
}

/// What to do.
pub(super) fn hint_line(paint: Paint, text: &str) -> Line {
    let label = format!("{} ", paint.ink(&[Ink::Bold, Ink::Cyan], "hint:"));
    Line::Err(Text::labelled(&label, text))
}

/// Returns a line with PM2's prefix.
pub(super) fn info(paint: Paint, text: &str) -> Line {
    Line::Out(Text::labelled(&info_label(paint), ostler_text::shown(text)))
}

/// The prefix of most lines that PM2 prints.
pub(super) fn info_label(paint: Paint) -> String {
    paint.ink(&[Ink::Green], "[PM2] ")
}

#[cfg(test)]
mod tests {
    use super::{Line, Text, error_lines};
    use crate::paint::Paint;

    /// `health` and `wait` printed a tab that is in a name, where `list` shows `\t`.
    #[test]
    fn a_tab_in_a_name_is_shown_and_one_in_what_an_app_wrote_stays() {
        let lines = error_lines(Paint::PLAIN, "tab\there (id 0) ended\nits line:\n  a\tb", None);
        let text = "error: tab\\there (id 0) ended\n  its line:\n    a\tb";
        assert_eq!(lines, [Line::Err(Text::lines(text))]);
    }
}
