//! Quoting: a value that is written into a text must stay a value.

/// Returns it for a unit file: quoted, with systemd's escapes and no specifier in it.
pub(super) fn unit(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '%' => out.push_str("%%"),
            _ => out.push(char),
        }
    }
    out.push('"');
    out
}

/// Returns it for XML text and attributes.
pub(super) fn xml(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            _ => out.push(char),
        }
    }
    out
}
