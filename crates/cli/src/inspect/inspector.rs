//! Walks through a value and decides where its lines are broken.

use serde_json::Value;

use super::limits::{BREAK, COMPACT, MAX_ITEMS};
use super::number::number;
use super::{columns, text};

/// Returns the value in Node's notation, without a final line end.
pub(crate) fn inspect(value: &Value) -> String {
    Inspector { indent: 0, deepest: 0 }.value(value, 0)
}

struct Inspector {
    /// Blanks before a line of the current level.
    indent: usize,
    /// Level of the list or object that was begun last: what `compact` counts from.
    deepest: usize,
}

impl Inspector {
    fn value(&mut self, value: &Value, level: usize) -> String {
        match value {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(value) => number(value),
            Value::String(value) => text::quote_long(value, self.indent),
            Value::Array(items) if items.is_empty() => "[]".to_owned(),
            Value::Array(items) => self.list(items, level),
            Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
            Value::Object(fields) => self.object(fields, level),
        }
    }

    fn list(&mut self, items: &[Value], level: usize) -> String {
        self.deepest = level;
        let mut out: Vec<String> =
            items.iter().take(MAX_ITEMS).map(|item| self.inner(item, level)).collect();
        let more = items.len().saturating_sub(MAX_ITEMS);
        if 0 < more {
            out.push(format!("... {more} more item{}", if more == 1 { "" } else { "s" }));
        }
        let count = out.len();
        if 6 < count {
            let numbers = items.iter().take(count).all(Value::is_number);
            out = columns::group(out, MAX_ITEMS, self.indent, numbers);
        }
        let whole = out.len() == count;
        self.join(&out, ['[', ']'], level, whole)
    }

    fn object(&mut self, fields: &serde_json::Map<String, Value>, level: usize) -> String {
        self.deepest = level;
        let mut entries: Vec<_> = fields.iter().collect();
        // JavaScript keeps keys that look like array indices first, in their order.
        entries.sort_by_key(|(key, _)| text::index(key).map_or(u64::MAX, u64::from));
        let out: Vec<String> = entries
            .into_iter()
            .map(|(key, value)| format!("{}: {}", text::key(key), self.inner(value, level)))
            .collect();
        self.join(&out, ['{', '}'], level, true)
    }

    fn inner(&mut self, value: &Value, level: usize) -> String {
        self.indent += 2;
        let text = self.value(value, level + 1);
        self.indent -= 2;
        text
    }

    /// On one line if it is short and not too deep, else one entry a line. `whole`: not
    /// put into columns.
    fn join(
        &self,
        entries: &[String],
        [open, close]: [char; 2],
        level: usize,
        whole: bool,
    ) -> String {
        if whole && self.deepest.saturating_sub(level) < COMPACT {
            let start = entries.len() + self.indent + 1 + 10;
            let total =
                entries.iter().fold(entries.len() + start, |sum, entry| sum + text::units(entry));
            if total <= BREAK && entries.len() * 2 + start <= BREAK {
                let line = entries.join(", ");
                if !line.contains('\n') {
                    return format!("{open} {line} {close}");
                }
            }
        }
        let pad = " ".repeat(self.indent);
        format!("{open}\n{pad}  {}\n{pad}{close}", entries.join(&format!(",\n{pad}  ")))
    }
}
