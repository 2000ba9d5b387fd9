//! A scanner over text that is already known to be JSON: the members of its top object, and scalars
//! out of raw values.
//!
//! A message may be megabytes of the application's own data, with text in it that strict decoders
//! reject. So the members are found without decoding anything but the few values that belong to
//! the envelope itself.

use std::borrow::Cow;

/// Returns whether `text` is exactly one JSON value. Lone surrogates pass, as they do in Node.
pub(super) fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// The members of the object that `json` is; nothing if it is another value.
///
/// `json` must have passed [`is_json`]. Otherwise the members are nonsense, but it still ends.
pub(super) fn members(json: &[u8]) -> Members<'_> {
    let start = skip_space(json, 0);
    let at = if json.get(start) == Some(&b'{') { start + 1 } else { json.len() };
    Members { json, at }
}

/// See [`members`]. Gives the key without its quotes, still escaped, and the value as it stands.
pub(super) struct Members<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut at = skip_space(self.json, self.at);
        if self.json.get(at) == Some(&b',') {
            at = skip_space(self.json, at + 1);
        }
        if self.json.get(at) != Some(&b'"') {
            self.at = self.json.len();
            return None;
        }
        let key_end = skip_string(self.json, at);
        let key = self.json.get(at + 1..key_end.saturating_sub(1))?;
        let colon = skip_space(self.json, key_end);
        let value_start = skip_space(self.json, colon + 1);
        let value_end = skip_value(self.json, value_start);
        self.at = value_end;
        Some((key, self.json.get(value_start..value_end)?))
    }
}

fn skip_space(json: &[u8], mut at: usize) -> usize {
    while matches!(json.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// The place after the string that starts at `at`.
fn skip_string(json: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(rest) = json.get(at..) {
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(offset) if rest.get(offset) == Some(&b'"') => return at + offset + 1,
            Some(offset) => at += offset + 2,
            None => break,
        }
    }
    json.len()
}

/// The place after the value that starts at `at`.
fn skip_value(json: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => at = skip_string(json, at),
            b'{' | b'[' => {
                depth += 1;
                at += 1;
                continue;
            }
            b'}' | b']' => {
                if depth == 0 {
                    return at;
                }
                depth -= 1;
                at += 1;
            }
            b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return at,
            _ => {
                at += 1;
                continue;
            }
        }
        if depth == 0 {
            return at;
        }
    }
    json.len()
}

/// The text of a raw JSON string; `None` when the value is something else. What cannot be expressed
/// in UTF-8 (lone surrogates) becomes U+FFFD.
pub(super) fn text(raw: &[u8]) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_none() {
        return Some(String::from_utf8_lossy(inner));
    }
    let lossy = String::from_utf8_lossy(inner);
    let mut out = String::with_capacity(lossy.len());
    let mut chars = lossy.chars();
    let mut high: Option<u32> = None;
    while let Some(c) = chars.next() {
        let unit = if c == '\\' { unescape(&mut chars)? } else { c as u32 };
        match (high.take(), unit) {
            (Some(first), 0xDC00..=0xDFFF) => {
                let joined = 0x10000 + ((first - 0xD800) << 10) + (unit - 0xDC00);
                out.push(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
                continue;
            }
            (Some(_), _) => out.push(char::REPLACEMENT_CHARACTER),
            (None, _) => {}
        }
        if (0xD800..=0xDBFF).contains(&unit) {
            high = Some(unit);
        } else {
            out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
    if high.is_some() {
        out.push(char::REPLACEMENT_CHARACTER);
    }
    Some(Cow::Owned(out))
}

/// The code unit after a backslash.
fn unescape(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    Some(match chars.next()? {
        'n' => 0x0A,
        't' => 0x09,
        'r' => 0x0D,
        'b' => 0x08,
        'f' => 0x0C,
        'u' => {
            let mut unit = 0;
            for _ in 0..4 {
                unit = unit * 16 + chars.next()?.to_digit(16)?;
            }
            unit
        }
        other => other as u32,
    })
}

/// A whole number out of a raw value; `None` for `null`, fractions and other types.
pub(super) fn integer(raw: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(raw).ok()?;
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    let safe = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    // Within 2^53 the conversion is exact.
    safe.then_some(number as i64)
}

/// A truth value out of a raw value.
pub(super) fn boolean(raw: &[u8]) -> Option<bool> {
    match raw {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}
