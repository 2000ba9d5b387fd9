//! A line as an object, for programs.

use ostler_logs::{Object, Stream};
use ostler_wire::control::LogLine;
use serde_json::{Value, json};

use super::super::query::Cursor;

/// What each object of a line has, and in which order.
const KEYS: [&str; 5] = ["message", "timestamp", "type", "process_id", "app_name"];

/// Returns the object of one line: what was written, when (`null`: not known), on which output,
/// by which process.
pub(super) fn object(text: &str, at: &Value, kind: &str, id: &Value, name: &str) -> String {
    let [message, timestamp, of_type, process_id, app_name] = KEYS;
    format!(
        "{}\n",
        json!({ message: text, timestamp: at, of_type: kind, process_id: id, app_name: name })
    )
}

/// Returns the object of a line that is one of the app's, as a file of `log_type: "json"` has it.
pub(super) fn merged(line: &LogLine) -> Option<String> {
    let stream = if line.err { Stream::Err } else { Stream::Out };
    let at = ostler_logs::iso(line.at)?;
    let object = Object::read(&line.text).filter(|object| !object.is_empty())?;
    Some(format!("{}\n", object.of_line(&at, stream, line.id, &line.name)))
}

/// Returns an object of a line with the cursor behind it.
pub(super) fn with_cursor(object: String, cursor: Option<&Cursor>) -> String {
    match cursor {
        Some(cursor) => with_key(object, &format!(r#""cursor":"{cursor}""#)),
        None => object,
    }
}

/// Returns an object with one key more, the last.
pub(super) fn with_key(object: String, pair: &str) -> String {
    match object.trim_end().strip_suffix('}') {
        Some(open) => format!("{open},{pair}}}\n"),
        None => object,
    }
}

pub(super) fn is_object_of_a_line(line: &str) -> bool {
    Object::read(line).is_some_and(|object| object.is_of_a_line())
}

pub(super) fn iso(ms: u64) -> Value {
    ostler_logs::iso(ms).map_or(Value::Null, Value::String)
}
