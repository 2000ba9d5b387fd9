//! JSON text that is written directly, without a value of it in between.

/// Writes a text in JSON's notation.
pub(crate) fn push_json(out: &mut String, text: &str) {
    let is_plain = |byte: u8| 0x20 <= byte && !matches!(byte, b'"' | b'\\');
    if text.bytes().all(is_plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        // Text can always be written as JSON.
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}
