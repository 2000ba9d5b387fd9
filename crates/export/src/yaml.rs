//! A value as YAML. Every text that could be read as anything else is quoted as in JSON.

use serde_json::Value;

/// Puts a value into an object.
pub(crate) fn put(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = object {
        map.insert(key.to_owned(), value);
    }
}

/// Returns the lines of a document.
pub(crate) fn document(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, 0);
    out
}

fn write(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                indent(out, depth);
                out.push_str(&scalar(&Value::String(key.clone())));
                out.push(':');
                below(out, value, depth + 1);
            }
        }
        Value::Array(items) => {
            for item in items {
                indent(out, depth);
                out.push('-');
                match item {
                    Value::Object(map) if !map.is_empty() => {
                        let mut lines = String::new();
                        write(&mut lines, item, depth + 1);
                        out.push(' ');
                        out.push_str(lines.trim_start());
                    }
                    item => below(out, item, depth + 1),
                }
            }
        }
        other => {
            indent(out, depth);
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

/// Writes what follows a key or a dash.
fn below(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            write(out, value, depth);
        }
        Value::Array(items) if !items.is_empty() => {
            if items.iter().all(|item| !item.is_object() && !item.is_array()) {
                let items: Vec<String> = items.iter().map(in_a_row).collect();
                out.push_str(&format!(" [{}]\n", items.join(", ")));
            } else {
                out.push('\n');
                write(out, value, depth);
            }
        }
        other => {
            out.push(' ');
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

fn in_a_row(value: &Value) -> String {
    match value {
        Value::String(_) => quoted(value),
        other => other.to_string(),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => in_a_row(other),
    }
}

/// A text as in JSON; what YAML takes for the end of a line, or for no character of a text, stands
/// there by its number.
fn quoted(text: &Value) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    let mut out = String::new();
    for c in text.to_string().chars() {
        match is_odd(c) {
            true => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => out.push(c),
        }
    }
    out
}

/// Whether a text is that text in each version of YAML without quotes.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let first =
        text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '/' || c == '_');
    let rest = text.chars().all(|c| c.is_ascii_alphanumeric() || "/_.-".contains(c));
    first && rest && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn indent(out: &mut String, depth: usize) {
    (0..depth).for_each(|_| out.push_str("  "));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::document;

    #[test]
    fn values_stay_what_they_are() {
        let value = json!({
            "a": "plain", "b": "yes", "c": "1.5", "d": 1.5, "e": "x: y\n", "1": "", "f": {},
            "g": [], "h": ["a", "no"], "i": [{ "k": 1, "l": [{ "m": "#" }] }], "n": null, "o": true,
        });
        let expected = "\
a: plain
b: \"yes\"
c: \"1.5\"
d: 1.5
e: \"x: y\\n\"
\"1\": \"\"
f: {}
g: []
h: [\"a\", \"no\"]
i:
  - k: 1
    l:
      - m: \"#\"
\"n\": null
o: true
";
        assert_eq!(document(&value), expected);
    }

    /// A variable of a file of supervisord had the character 7f in its name, and no reader of YAML
    /// took what was made of it.
    #[test]
    fn what_is_no_character_of_yaml_is_written_by_its_number() {
        for number in 0..0x1_0100 {
            let Some(c) = char::from_u32(number) else { continue };
            let value = json!({ "a": format!("x{c}y"), "b": [format!("{c}")] });
            let text = document(&value);
            assert_eq!(ostler_config::read_yaml(&text), Ok(value), "{number:x}: {text}");
        }
    }
}
