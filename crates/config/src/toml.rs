//! Process files in TOML, with a place for every value.

mod words;

use toml_span::value::{Key, ValueInner};
use toml_span::{Span as Source, Value as Toml};

use words::words;

use crate::json::SyntaxError;
use crate::value::{Entry, Node, Span, Value};

/// Reads a text.
pub(crate) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mark = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
    let at = |source: Source| Span {
        start: source.start + mark,
        end: (source.end + mark).max(source.start + mark + 1),
    };
    match toml_span::parse(text.get(mark..).unwrap_or_default()) {
        Ok(mut root) => Ok(node(&mut root, &at)),
        Err(error) => {
            let (message, help) = words(&error.kind);
            Err(SyntaxError { message, span: at(error.span), help })
        }
    }
}

fn node(value: &mut Toml<'_>, at: &impl Fn(Source) -> Span) -> Node {
    let span = Some(at(value.span));
    #[expect(clippy::cast_precision_loss, reason = "numbers are JavaScript's")]
    let value = match value.take() {
        ValueInner::String(text) => Value::Text(text.into_owned()),
        ValueInner::Integer(number) => Value::Number(number as f64),
        ValueInner::Float(number) => Value::Number(number),
        ValueInner::Boolean(truth) => Value::Bool(truth),
        ValueInner::Array(mut items) => {
            Value::List(items.iter_mut().map(|item| node(item, at)).collect())
        }
        ValueInner::Table(table) => {
            let entry = |(Key { name, span }, mut value): (Key<'_>, Toml<'_>)| Entry {
                key: name.into_owned(),
                key_span: Some(at(span)),
                node: node(&mut value, at),
            };
            let mut entries: Vec<Entry> = table.into_iter().map(entry).collect();
            // In the order of the file.
            entries.sort_by_key(|entry| entry.key_span.map_or(0, |span| span.start));
            Value::Object(entries)
        }
    };
    Node { value, span }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const TEXT: &str = "\u{feff}# é
[[apps]]
name = \"api\"
script = 'api.js'
instances = 0x2
args = [\"a\", \"b\"]
env = { A = 1, b.c = true }

[[apps]]
name = \"job\"
autorestart = false

[apps.env]
B = 1.5

[deploy.prod]
host = \"h\"
";

    #[test]
    fn a_file_is_read_in_its_order_with_a_place_for_each_value() {
        let root = parse(TEXT).unwrap();
        let expected = json!({
            "apps": [
                {
                    "name": "api", "script": "api.js", "instances": 2, "args": ["a", "b"],
                    "env": { "A": 1, "b": { "c": true } },
                },
                { "name": "job", "autorestart": false, "env": { "B": 1.5 } },
            ],
            "deploy": { "prod": { "host": "h" } },
        });
        assert_eq!(root.to_json().to_string(), expected.to_string());
        let Value::List(apps) = &root.get("apps").unwrap().value else { panic!() };
        let span = apps[1].get("autorestart").unwrap().span.unwrap();
        assert_eq!(&TEXT[span.start..span.end], "false");
    }

    #[test]
    fn what_is_no_good_is_told_where_it_stands() {
        for (text, at) in [("a = 1\na = 2\n", "a = 2"), ("a = b\n", "b"), ("[a\n", "\n")] {
            let error = parse(text).unwrap_err();
            assert!(text[error.span.start..].starts_with(at), "{text}: {error:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-a=.{}\\[\\]\"'# \n\t\u{e9}0-9,+_:T]{0,60}") {
            _ = parse(&text);
        }
    }
}
