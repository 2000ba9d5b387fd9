//! Text that comes from elsewhere, made safe to show.
//!
//! Problem: names, arguments, paths and last lines come from apps, files and other users. Written
//! as they are, they can move the cursor, set the title, take back what stands before them, turn
//! the order of letters around, or add a line that seems to be ours.
//! Rule: what a person reads goes through here; what steers a terminal or the order of letters is
//! shown by its escape (`\x1b`). What a program reads from a pipe is left as it is.

#![forbid(unsafe_code)]

mod secret;
mod system;

use std::borrow::Cow;
use std::fmt::Write as _;

pub use secret::{MASK, SECRET_WORDS, is_secret_name, without_passwords};
pub use system::{exit, without_numbers};

/// Whether a character does something else than to be seen: controls of terminals, what sets the
/// direction of writing, line ends, and what has no width. The two joiners are part of words.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    match c {
        ' '..='~' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        _ => c.is_control(),
    }
}

/// Returns the text as a part of one line: nothing in it does anything.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, is_unsafe)
}

/// Returns the text without what sets colours and styles of letters (SGR): that does no more than
/// to be seen, and its escapes would be in the way.
#[must_use]
pub fn without_colours(text: &str) -> Cow<'_, str> {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default();
    if first.len() == text.len() {
        return Cow::Borrowed(text);
    }
    let mut out = first.to_owned();
    for part in parts {
        let code = part.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ';' | ':'));
        match code.strip_prefix('m') {
            Some(rest) => out.push_str(rest),
            None => {
                out.push_str("\x1b[");
                out.push_str(part);
            }
        }
    }
    Cow::Owned(out)
}

/// Returns as much of the text's beginning as fits into so many bytes.
#[must_use]
pub fn beginning(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// Returns the text with its lines and tabs, and nothing else in it that does anything.
#[must_use]
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_unsafe(c) && !matches!(c, '\n' | '\t'))
}

/// Returns the text as one message: lines after the first stand further in, so that none of them
/// can pass for another message.
#[must_use]
pub fn message(text: &str) -> Cow<'_, str> {
    let lines = shown_lines(text);
    if !lines.contains('\n') {
        return lines;
    }
    let mut out = String::with_capacity(lines.len() + 16);
    for (nth, line) in lines.split('\n').enumerate() {
        if 0 < nth {
            out.push('\n');
            if !line.is_empty() {
                out.push_str("  ");
            }
        }
        out.push_str(line);
    }
    Cow::Owned(out)
}

/// Returns JSON that means the same and does nothing on a terminal. What JSON itself escapes
/// is escaped already.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| is_unsafe(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Adds the escape of a character, as most languages and `printf` read it.
fn escape_into(out: &mut String, c: char) {
    // Writing to a string cannot fail.
    _ = match c {
        '\n' => out.write_str("\\n"),
        '\t' => out.write_str("\\t"),
        '\r' => out.write_str("\\r"),
        c => match u32::from(c) {
            code @ 0..=0xff => write!(out, "\\x{code:02x}"),
            code @ 0x100..=0xffff => write!(out, "\\u{code:04x}"),
            code => write!(out, "\\U{code:08x}"),
        },
    };
}

/// Returns a line that an app wrote, to be quoted: without colours, and with blanks for tabs.
#[must_use]
pub fn quoted(line: &str) -> Cow<'_, str> {
    let line = without_colours(line);
    if !line.contains('\t') {
        return line;
    }
    let (mut out, mut column) = (String::with_capacity(line.len() + 16), 0);
    for c in line.chars() {
        let width = if c == '\t' { TAB - column % TAB } else { 1 };
        match c {
            '\t' => out.extend(std::iter::repeat_n(' ', width)),
            c => out.push(c),
        }
        column += width;
    }
    Cow::Owned(out)
}

/// Columns from one stop of tabs to the next.
const TAB: usize = 8;

fn escaped(text: &str, escape: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&escape) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if escape(c) {
            escape_into(&mut out, c);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_something_is_shown_and_what_is_seen_stays() {
        let check = |text: &str, expected: &str| assert_eq!(shown(text), expected);
        check("web-1 / c\\d", "web-1 / c\\d");
        check("héé 日本 ‍👩‍💻 العربية", "héé 日本 ‍👩‍💻 العربية");
        check("a\x1b]0;x\x07b", "a\\x1b]0;x\\x07b");
        check("a\nb\tc\rd", "a\\nb\\tc\\rd");
        check("a\u{9b}31m\u{7f}", "a\\x9b31m\\x7f");
        check("gpj.\u{202e}exe\u{2066}\u{200b}\u{feff}", "gpj.\\u202eexe\\u2066\\u200b\\ufeff");
        check("a\u{e0041}", "a\\U000e0041");
    }

    #[test]
    fn colours_are_taken_away_and_nothing_else() {
        let check = |text: &str, expected: &str| assert_eq!(without_colours(text), expected);
        check("\x1b[31mred\x1b[0m, \x1b[1;38:5:9mbold\x1b[m", "red, bold");
        check("a\x1b[2Jb\x1b]0;x\x07", "a\x1b[2Jb\x1b]0;x\x07");
        check("\x1b[31", "\x1b[31");
        check("\x1b[\x1b[1mx", "\x1b[x");
    }

    #[test]
    fn the_beginning_of_a_text_ends_with_a_whole_character() {
        let cut = |bytes| beginning("aé日", bytes);
        assert_eq!([0, 1, 2, 3, 5, 6, 7].map(cut), ["", "a", "a", "aé", "aé", "aé日", "aé日"]);
    }

    #[test]
    fn a_line_of_a_message_does_not_pass_for_another_message() {
        assert_eq!(message("one\nerror: two\n  at x"), "one\n  error: two\n    at x");
        assert_eq!(message("one\n\ntwo\x1b[2J"), "one\n\n  two\\x1b[2J");
        assert_eq!(shown_lines("a\n\tb\rc"), "a\n\tb\\rc");
    }

    #[test]
    fn json_means_the_same() {
        assert_eq!(json("[\"a\u{202e}\",\n \"b\"]"), "[\"a\\u202e\",\n \"b\"]");
        assert_eq!(json("\"\u{e0041}\u{9b}\""), "\"\\udb40\\udc41\\u009b\"");
        assert_eq!(json("{\"é\":1}"), "{\"é\":1}");
    }
}
