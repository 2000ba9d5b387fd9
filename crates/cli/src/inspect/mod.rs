//! `prettylist` prints what Node's `util.inspect(value, { depth: null, colors: false })` prints,
//! and scripts read it line by line. So the notation of Node 20 is reproduced for everything that
//! JSON can hold: when a list fits on one line, how long lists are put into columns, which quotes
//! are used, how numbers look.

mod columns;
mod number;
mod text;

use serde_json::Value;

pub(crate) use number::float;
use number::number;

/// Columns of a line before it is broken (`breakLength`).
const BREAK: usize = 80;

/// How many inner levels may share a line (`compact`).
const COMPACT: usize = 3;

/// Items of a list that are shown (`maxArrayLength`).
const MAX_ITEMS: usize = 100;

/// The value in Node's notation, without a final line end.
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

    /// On one line if it is short and not too deep, else one entry a line. `whole`: not put into
    /// columns.
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

#[cfg(test)]
mod node_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_reads_as_it_does_in_pm2() {
        let value = serde_json::json!([{ "pid": 8947, "name": "app", "pm2_env": { "args": [], "filter_env": {},
            "axm_actions": [{ "action_name": "km:heapdump", "action_type": "internal", "arity": 2 }],
            "Heap-Size": "6.98", "_tree_pids": [8911] }, "monit": { "memory": 53_886_976, "cpu": 4.5 } }]);
        expect_test::expect![[r#"
            [
              {
                pid: 8947,
                name: 'app',
                pm2_env: {
                  args: [],
                  filter_env: {},
                  axm_actions: [
                    {
                      action_name: 'km:heapdump',
                      action_type: 'internal',
                      arity: 2
                    }
                  ],
                  'Heap-Size': '6.98',
                  _tree_pids: [ 8911 ]
                },
                monit: { memory: 53886976, cpu: 4.5 }
              }
            ]"#]]
        .assert_eq(&inspect(&value));
    }

    #[test]
    fn ids_are_put_into_columns_from_seven_on() {
        let ids: Vec<u32> = (0..9).collect();
        assert_eq!(inspect(&serde_json::json!(ids)), "[\n  0, 1, 2, 3, 4,\n  5, 6, 7, 8\n]");
        assert_eq!(inspect(&serde_json::json!(["0"])), "[ '0' ]");
        assert_eq!(inspect(&serde_json::json!([])), "[]");
    }
}
