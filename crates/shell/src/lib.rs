//! How a word is written so that a shell reads it as one, and as the same; and how a shell reads.
//!
//! Problem: a hint is a command that is pasted. The names and paths in it are other people's: with
//! a blank, a quote or a `$` in one, a shell would read another command.
//! Rule: every name and path in a command that we print goes through [`word`]. A line of somebody
//! else is taken apart by [`Line`].

use std::borrow::Cow;

/// Returns the text as one word of a shell: bare when it needs no quotes.
#[must_use]
pub fn word(text: &str) -> Cow<'_, str> {
    let is_bare = |char: char| {
        char.is_alphanumeric()
            || matches!(char, '_' | '-' | '.' | '/' | ':' | '@' | '+' | ',' | '%' | '=')
    };
    if !text.is_empty() && text.chars().all(is_bare) {
        return Cow::Borrowed(text);
    }
    if text.contains(char::is_control) {
        return Cow::Owned(escaped(text));
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// Returns the name of an app as the last words of a command of ours: one that begins with a dash
/// stands behind `--`, where options have ended.
#[must_use]
pub fn operand(name: &str) -> Cow<'_, str> {
    if name.starts_with('-') { format!("-- {}", word(name)).into() } else { word(name) }
}

/// A line, taken apart at its blanks by quotes and backslashes, as by a shell that expands nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The words that end before the line does, without their quotes.
    pub words: Vec<String>,
    /// The word with which the line ends; `None`: a blank stands there, or nothing.
    pub last: Option<String>,
    /// A quote is not closed, or nothing stands behind the backslash at the end.
    pub is_open: bool,
}

impl Line {
    /// Takes a line apart.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut line = Self::default();
        let mut quote = None;
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            match (char, quote) {
                (_, Some(open)) if char == open => quote = None,
                ('\\', None | Some('"')) => {
                    let next = chars.next();
                    line.is_open |= next.is_none();
                    line.last.get_or_insert_default().extend(next);
                }
                // `''` is a word, too.
                ('"' | '\'', None) => {
                    quote = Some(char);
                    line.last.get_or_insert_default();
                }
                (_, None) if char.is_whitespace() => line.words.extend(line.last.take()),
                (_, None | Some(_)) => line.last.get_or_insert_default().push(char),
            }
        }
        line.is_open |= quote.is_some();
        line
    }

    /// Returns all words, if the line is whole.
    #[must_use]
    pub fn whole(self) -> Option<Vec<String>> {
        let words = self.words.into_iter().chain(self.last).collect();
        (!self.is_open).then_some(words)
    }
}

/// With what no terminal should get, in the form that bash, zsh and ksh know.
fn escaped(text: &str) -> String {
    let mut out = String::from("$'");
    for char in text.chars() {
        match char {
            '\'' | '\\' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            char if char.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(char))),
            char if char.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => out.push(char),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart_as_by_a_shell() {
        let check = |text: &str, words: &[&str], last: Option<&str>, is_open: bool| {
            let line = Line::of(text);
            assert_eq!((line.last.as_deref(), line.is_open), (last, is_open), "{text}");
            assert_eq!(line.words, words, "{text}");
        };
        check("", &[], None, false);
        check(" a  b ", &["a", "b"], None, false);
        check(r#"'a b' "c 'd" e\ f "\"" g\"#, &["a b", "c 'd", "e f", "\""], Some("g"), true);
        check("'' x'y z", &[""], Some("xy z"), true);
        assert_eq!(Line::of("a 'b").whole(), None);
        for text in ["größe", "a b", "it's", "", "a;b|c&d", "~root", "#no"] {
            let words = Line::of(&format!("{} x", word(text))).whole();
            assert_eq!(words, Some(vec![text.to_owned(), "x".to_owned()]));
        }
    }

    #[test]
    fn a_shell_reads_back_what_was_written() {
        let texts = [
            "api",
            "größe",
            "a b",
            "it's",
            "",
            "$HOME `id` \"x\"",
            "a;b|c&d",
            "~root",
            "*",
            "line\nend\t\u{1b}[31m\\'",
            "#no",
            "!x",
        ];
        for text in texts {
            let script = format!("printf %s {}", word(text));
            let output = std::process::Command::new("bash").args(["-c", &script]).output();
            let output = output.expect("bash is there for every test");
            assert_eq!(String::from_utf8_lossy(&output.stdout), text, "{script}");
        }
        assert_eq!((word("a-b.c/d:1@x"), word("a b")), ("a-b.c/d:1@x".into(), "'a b'".into()));
        assert_eq!((operand("-x"), operand("a b")), ("-- -x".into(), "'a b'".into()));
        assert!(!word("\u{1b}[31m\u{9b}").contains(char::is_control));
    }
}
