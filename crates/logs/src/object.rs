//! Objects of JSON that apps write: what `log_type: "json"` makes of them, and reading them back.
//!
//! Problem: whoever ships logs wants the fields of the app beside the manager's, and not as a text
//! with escapes in a field; but two programs name their fields, and a reader that parses numbers
//! changes the large ones. Rule: the manager's fields stand first and win; a field of the app of
//! the same name stands in `app`, everything else beside them, byte for byte as it was written.
//! `message` is the app's own, under whichever of [`MESSAGES`] it is. What is no object stays text.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::types::Stream;

/// Fields of the manager, in the order in which they stand.
const OWN: [&str; 5] = ["message", "timestamp", "type", "process_id", "app_name"];
/// Fields that an app cannot have beside them: the manager's, and the one for those.
const TAKEN: [&str; 3] = ["partial", "cursor", NESTED];
/// Where the fields of an app stand whose names are taken.
const NESTED: &str = "app";
/// What stands between the message and the timestamp.
pub(crate) const TIMESTAMP: &str = ",\"timestamp\":\"";
/// Keys under which loggers write their message, in the order in which they are looked for.
const MESSAGES: [&str; 3] = ["message", "msg", "event"];
/// An object that goes deeper is text: not every reader takes it.
const DEEPEST: usize = 100;

/// A field of an object, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'l> {
    /// Its name, with the quotes.
    quoted: &'l str,
    /// Its name, without escapes.
    pub key: Cow<'l, str>,
    /// Its value, as JSON.
    pub value: &'l str,
}

impl Field<'_> {
    /// Returns the value, if it is a text.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.value.starts_with('"').then(|| serde_json::from_str(self.value).ok())?
    }

    fn push(&self, out: &mut Vec<u8>) {
        for part in [self.quoted, ":", self.value] {
            out.extend_from_slice(part.as_bytes());
        }
    }

    fn is_taken(&self) -> bool {
        OWN.contains(&&*self.key) || TAKEN.contains(&&*self.key)
    }
}

/// An object of JSON, of which each field is left as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object<'l>(Vec<Field<'l>>);

impl<'l> Object<'l> {
    /// Takes a text apart that is an object, and nothing else.
    #[must_use]
    pub fn read(text: &'l str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if !text.starts_with('{') || !text.ends_with('}') {
            return None;
        }
        serde_json::from_str::<&RawValue>(text).ok()?;
        fields(text).map(Self)
    }

    /// Returns the field of this name; the first, where there are several.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Field<'l>> {
        self.0.iter().find(|field| field.key == key)
    }

    /// Whether it is an object that stands for a line, with all that the manager says of one.
    #[must_use]
    pub fn is_of_a_line(&self) -> bool {
        OWN.iter().all(|key| self.get(key).is_some())
    }

    /// Returns what the app wrote, if the manager has written this object. Fields may stand in
    /// another order than that of the app.
    #[must_use]
    pub fn text_of_app(&self) -> Option<String> {
        let message = self.get("message")?;
        let said = message.text()?;
        let own: Vec<&Field<'_>> = self.0.iter().filter(|field| !field.is_taken()).collect();
        let nested = self.get(NESTED).and_then(|field| Object::read(field.value));
        let nested = nested.map_or_else(Vec::new, |object| object.0);
        if own.is_empty() && nested.is_empty() {
            return Some(said.trim_end_matches('\n').to_owned());
        }
        let is_copy =
            own.iter().any(|field| MESSAGES.contains(&&*field.key) && field.value == message.value);
        let is_there = said.is_empty() || is_copy;
        let first = Some(message).filter(|_| !is_there);
        let mut out = Vec::new();
        for field in first.into_iter().chain(own).chain(&nested) {
            out.extend_from_slice(if out.is_empty() { b"{" } else { b"," });
            field.push(&mut out);
        }
        out.push(b'}');
        String::from_utf8(out).ok()
    }

    /// Returns the object as it stands in a log file, written by this process at this time.
    #[must_use]
    pub fn of_line(&self, timestamp: &str, stream: Stream, id: u32, name: &str) -> String {
        let mut out = Vec::new();
        let stamp = serde_json::Value::from(timestamp).to_string();
        self.merge(stamp.trim_matches('"'), &tail(stream, id, name), &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Appends the object with those of the manager before its own, but for the end of the line.
    /// `tail`: the manager's fields behind the timestamp.
    pub(crate) fn merge(&self, timestamp: &str, tail: &str, out: &mut Vec<u8>) {
        let is_text = |field: &&Field<'_>| field.value.starts_with('"');
        let message = MESSAGES.iter().find_map(|key| self.get(key).filter(is_text));
        out.extend_from_slice(b"{\"message\":");
        out.extend_from_slice(message.map_or("\"\"", |field| field.value).as_bytes());
        for part in [TIMESTAMP, timestamp, tail] {
            out.extend_from_slice(part.as_bytes());
        }
        let is_moved = |field: &&Field<'_>| {
            message.is_some_and(|message| std::ptr::eq(*field, message)) && field.is_taken()
        };
        let left = || self.0.iter().filter(|field| !is_moved(field));
        for field in left().filter(|field| !field.is_taken()) {
            out.push(b',');
            field.push(out);
        }
        let mut before: &[u8] = b",\"app\":{";
        for field in left().filter(|field| field.is_taken()) {
            out.extend_from_slice(before);
            field.push(out);
            before = b",";
        }
        out.extend_from_slice(if before == b"," { b"}}" } else { b"}" });
    }

    /// Whether it has no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The manager's fields behind the timestamp, the same in each line of a stream.
pub(crate) fn tail(stream: Stream, id: u32, name: &str) -> String {
    let (stream, name) = (stream.as_str(), serde_json::Value::from(name));
    format!("\",\"type\":\"{stream}\",\"process_id\":{id},\"app_name\":{name}")
}

/// The fields of a text that is an object.
fn fields(text: &str) -> Option<Vec<Field<'_>>> {
    let mut found = Vec::new();
    let mut at = blank(text, 1);
    while text.as_bytes().get(at) == Some(&b'"') {
        let quoted = text.get(at..string(text, at)?)?;
        // Behind it stand a colon and the value.
        let begin = blank(text, blank(text, at + quoted.len()) + 1);
        let end = value(text, begin)?;
        let key = match quoted.get(1..quoted.len() - 1)? {
            bare if !bare.contains('\\') => Cow::Borrowed(bare),
            _ => Cow::Owned(serde_json::from_str(quoted).ok()?),
        };
        found.push(Field { quoted, key, value: text.get(begin..end)? });
        // Behind it stands a comma or the end.
        at = blank(text, blank(text, end) + 1);
    }
    Some(found)
}

/// The first place from here on that is not blank.
fn blank(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// The place behind the text in quotes that begins here.
fn string(text: &str, from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.as_bytes().get(at..)?)?;
        match text.as_bytes().get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// The place behind the value that begins here; `None` where it goes too deep.
fn value(text: &str, from: usize) -> Option<usize> {
    let (mut at, mut depth) = (from, 0);
    loop {
        match text.as_bytes().get(at)? {
            b'"' => at = string(text, at)?,
            b'{' | b'[' if depth == DEEPEST => return None,
            b'{' | b'[' => (at, depth) = (at + 1, depth + 1),
            b'}' | b']' | b',' if depth == 0 => return Some(at),
            b'}' | b']' => (at, depth) = (at + 1, depth - 1),
            byte if depth == 0 && byte.is_ascii_whitespace() => return Some(at),
            _ => at += 1,
        }
        if depth == 0 && matches!(text.as_bytes().get(at - 1), Some(b'"' | b'}' | b']')) {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests;
