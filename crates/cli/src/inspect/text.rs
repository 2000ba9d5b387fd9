//! Strings and keys as Node prints them.

use std::fmt::Write as _;

use super::limits::BREAK;

/// Longest string that is shown whole, in UTF-16 units (`maxStringLength`).
const MAX_STRING: usize = 10_000;

/// Strings up to this length are never broken at their line ends.
const SHORT: usize = 16;

/// Returns the length as JavaScript counts it.
pub(super) fn units(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// Returns a key: bare when it is an identifier.
pub(super) fn key(key: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if key == "__proto__" {
        "['__proto__']".to_owned()
    } else if key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(word)
    {
        key.to_owned()
    } else {
        quote(key)
    }
}

/// Returns the key as an array index, if it is one.
pub(super) fn index(key: &str) -> Option<u32> {
    let canonical = key == "0" || (key.starts_with(|c: char| ('1'..='9').contains(&c)));
    key.parse().ok().filter(|index| canonical && *index != u32::MAX)
}

/// Returns a string value: a long one with line ends is split after them into a sum.
pub(super) fn quote_long(text: &str, indent: usize) -> String {
    let length = units(text);
    let (text, rest) =
        if MAX_STRING < length { (head(text), length - MAX_STRING) } else { (text, 0) };
    let more = match rest {
        0 => String::new(),
        1 => "... 1 more character".to_owned(),
        _ => format!("... {rest} more characters"),
    };
    let length = length - rest;
    if SHORT < length && BREAK.saturating_sub(indent + 4) < length {
        let parts: Vec<String> = text.split_inclusive('\n').map(quote).collect();
        return parts.join(&format!(" +\n{}", " ".repeat(indent + 2))) + &more;
    }
    quote(text) + &more
}

/// Returns the first [`MAX_STRING`] units, a pair that does not fit left out.
fn head(text: &str) -> &str {
    let mut units = 0;
    for (at, c) in text.char_indices() {
        units += c.len_utf16();
        if MAX_STRING < units {
            return text.get(..at).unwrap_or(text);
        }
    }
    text
}

/// Returns it in single quotes, or in others if that saves a backslash.
pub(super) fn quote(text: &str) -> String {
    let mark = if !text.contains('\'') {
        '\''
    } else if !text.contains('"') {
        '"'
    } else if !text.contains('`') && !text.contains("${") {
        '`'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    for c in text.chars() {
        match c {
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            '\'' if mark == '\'' => out.push_str("\\'"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\x{:02X}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push(mark);
    out
}
