//! How a word is written so that a shell reads it as one, and as the same.
//!
//! Problem: a hint is a command that is pasted. The names and paths in it are other people's: with
//! a blank, a quote or a `$` in one, a shell would read another command.
//! Rule: every name and path in a command that we print goes through [`word`].

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
