//! How wide a text is, and what is left of it where there is less room. Widths are what the eye
//! sees: wide letters have two columns, and what steers a terminal is shown by its escape.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Whether each byte is a letter that takes one column, as in most texts: then nothing need
/// be looked up.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Returns the columns that a text takes when it is shown.
#[must_use]
pub fn columns(text: &str) -> usize {
    if is_plain(text) { text.len() } else { ostler_text::shown(text).width() }
}

/// Returns the text as it can be shown, cut to `width` columns, `…` for what is missing.
#[must_use]
pub fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if is_plain(text) && text.len() <= width {
        return Cow::Borrowed(text);
    }
    let clean = ostler_text::shown(text);
    if clean.width() <= width {
        return clean;
    }
    let mut out = String::new();
    let mut used = 0;
    for c in clean.chars() {
        used += c.width().unwrap_or(0);
        if width.saturating_sub(1) < used {
            break;
        }
        out.push(c);
    }
    if 0 < width {
        out.push('…');
    }
    out.into()
}

/// As [`cut`], with what is missing in the middle: names of one kind differ at their ends.
#[must_use]
pub fn cut_middle(text: &str, width: usize) -> Cow<'_, str> {
    let clean = ostler_text::shown(text);
    if clean.width() <= width {
        return clean;
    }
    let after = width.saturating_sub(1) / 2;
    let mut used = 0;
    let fits = |one: &char| {
        used += one.width().unwrap_or(0);
        used <= after
    };
    let end: String = clean.chars().rev().take_while(fits).collect();
    let end: String = end.chars().rev().collect();
    let begin = cut(&clean, width.saturating_sub(end.as_str().width()));
    format!("{begin}{end}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_what_the_eye_sees() {
        assert_eq!(cut("waiting restart", 9), "waiting …");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("a\x1b[31mb\n", 20), "a\\x1b[31mb\\n");
        assert_eq!(columns("a\u{202e}\n"), "a\\u202e\\n".len());
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn similar_names_are_cut_to_different_texts() {
        let cut = |text| cut_middle(text, 12);
        assert_eq!(cut("payments-worker-eu-1"), "paymen…-eu-1");
        assert_eq!(cut("payments-worker-eu-2"), "paymen…-eu-2");
        assert_eq!(cut("payments-eu"), "payments-eu");
        assert_eq!(
            (cut_middle("日本語日本語", 8), cut_middle("abc", 1)),
            ("日本…語".into(), "…".into())
        );
    }
}
