//! Lines as pairs: what `log_type: "logfmt"` makes of a line, and how it is read back.
//!
//! Problem: the text of an app may have blanks, quotes and any character. Rule: the text is the
//! last pair, `message`, and always in quotes, with the escapes of JSON, which readers of logfmt
//! know; whatever needs quotes otherwise gets them in the same way.

use std::borrow::Cow;

/// A line of pairs, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logfmt {
    /// When it was written, in the form that the app's log has.
    pub timestamp: String,
    /// What the app wrote.
    pub message: String,
}

impl Logfmt {
    /// Takes a line apart that the manager has written.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let (mut rest, mut timestamp) = (line.trim_end_matches(['\r', '\n']), None);
        loop {
            let (key, behind) = rest.split_once('=')?;
            let (value, length) = value(behind)?;
            rest = behind.get(length..)?;
            match (key, &timestamp) {
                ("timestamp", None) => timestamp = Some(value),
                ("message", Some(_)) if rest.is_empty() => {
                    return Some(Self { timestamp: timestamp?, message: value });
                }
                ("app" | "id" | "type" | "level" | "partial", Some(_)) => {}
                _ => return None,
            }
            rest = rest.strip_prefix(' ')?;
        }
    }
}

/// The value at the front, and how many bytes it takes.
fn value(text: &str) -> Option<(String, usize)> {
    if !text.starts_with('"') {
        let bare = text.split(' ').next()?;
        return Some((bare.to_owned(), bare.len()));
    }
    let mut quoted = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = quoted.next()?.ok()?;
    Some((value, quoted.byte_offset()))
}

/// Returns a text as the value of a pair.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let is_bare = |c: char| !c.is_whitespace() && !c.is_control() && !"=\"\\".contains(c);
    if !text.is_empty() && text.chars().all(is_bare) {
        return text.into();
    }
    serde_json::Value::from(text).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_and_what_is_none_is_not() {
        let read = |line: &str| Logfmt::read(line).map(|of| (of.timestamp, of.message));
        let some = |at: &str, text: &str| Some((at.to_owned(), text.to_owned()));
        let line = "timestamp=\"a b\" app=x id=0 type=out level=warn partial=true \
                    message=\"q\\\" message=\\\"\\t\\u0001\"\n";
        assert_eq!(read(line), some("a b", "q\" message=\"\t\u{1}"));
        assert_eq!(read("timestamp=1 app=\"x message=\\\"y\\\"\" message=\"\""), some("1", ""));
        for none in [
            "",
            "message=\"x\"",
            "timestamp=1 message=\"x\" more=1",
            "timestamp=1 message=\"x",
            "timestamp=1 other=2 message=\"x\"",
            "{\"timestamp\":1}",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
