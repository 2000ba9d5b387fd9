//! The JSON people write by hand: comments, single quotes, bare keys, trailing commas, with a place
//! for every value.
//!
//! PM2 evaluates a `.json` file as JavaScript, so all of that works there. This reads the same
//! texts without running them, keeps the place of each key and value, and when it stops it says
//! what it expected instead.

mod text;

use crate::syntax_help::CLOSE_TEXT;
use crate::value::{Entry, Node, Span, Value};

/// Nesting above which a text is refused; the reader recurses once a level.
const MAX_DEPTH: usize = 128;

/// Why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// What was found and what was expected.
    pub message: String,
    /// Where it stands.
    pub span: Span,
    /// What to do about it, when that is likely.
    pub help: Option<&'static str>,
}

/// Reads one value and nothing after it.
pub(crate) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mut parser = Parser { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 } };
    parser.blank()?;
    let node = parser.value(0)?;
    parser.blank()?;
    if parser.peek() == Some(';') {
        parser.at += 1;
        parser.blank()?;
    }
    match parser.peek() {
        None => Ok(node),
        Some(_) => {
            let help = Some("take away what stands behind the value, or close it further down");
            Err(SyntaxError { help, ..parser.unexpected("the end of the file") })
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let found = self.peek()?;
        self.at += found.len_utf8();
        Some(found)
    }

    /// Skips blanks and comments.
    fn blank(&mut self) -> Result<(), SyntaxError> {
        loop {
            let rest = self.rest();
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let Some(length) = rest.find("*/") else {
                    let span = Span { start: self.at, end: self.at + 2 };
                    return Err(SyntaxError {
                        message: "this comment is never closed".into(),
                        span,
                        help: Some("end it with `*/`"),
                    });
                };
                self.at += length + 2;
            } else if let Some(blank) =
                self.peek().filter(|c| c.is_whitespace() || *c == '\u{feff}')
            {
                self.at += blank.len_utf8();
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        let start = self.at;
        if depth > MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            let span = Span { start, end: start + 1 };
            return Err(SyntaxError { message, span, help: Some("an app needs three levels") });
        }
        let value = match self.peek() {
            Some('{') => self.object(depth)?,
            Some('[') => self.list(depth)?,
            Some('"' | '\'' | '`') => Value::Text(self.quoted()?),
            Some('0'..='9' | '-' | '+' | '.') => self.number()?,
            Some(c) if is_word_start(c) => self.keyword()?,
            None if depth == 0 => {
                return Err(SyntaxError { help: Some(AN_APP), ..self.unexpected("a value") });
            }
            _ => {
                let help = Some("write a text in quotes, a number, `true`, a list or an object");
                return Err(SyntaxError { help, ..self.unexpected("a value") });
            }
        };
        Ok(Node { value, span: Some(Span { start, end: self.at }) })
    }

    fn object(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        let open = self.at;
        self.at += 1;
        let mut entries = Vec::new();
        loop {
            self.blank()?;
            if self.peek() == Some('}') {
                self.at += 1;
                return Ok(Value::Object(entries));
            }
            let start = self.at;
            let key = match self.peek() {
                Some('"' | '\'') => self.quoted()?,
                Some(c) if is_word_start(c) || c.is_ascii_digit() => self.word().to_owned(),
                None => return Err(self.unclosed(open, '}')),
                Some(_) => {
                    let help = Some("write a key with its value, as in `\"name\": \"api\"`");
                    return Err(SyntaxError { help, ..self.unexpected("a key or `}`") });
                }
            };
            let key_span = Some(Span { start, end: self.at });
            self.blank()?;
            if self.peek() != Some(':') {
                let help = Some("write it as in `\"name\": \"api\"`");
                return Err(SyntaxError {
                    help,
                    ..self.unexpected(&format!("`:` after the key `{key}`"))
                });
            }
            self.at += 1;
            self.blank()?;
            let node = self.value(depth + 1)?;
            entries.push(Entry { key, key_span, node });
            self.separator(open, '}')?;
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        let open = self.at;
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blank()?;
            match self.peek() {
                Some(']') => {
                    self.at += 1;
                    return Ok(Value::List(items));
                }
                None => return Err(self.unclosed(open, ']')),
                Some(_) => items.push(self.value(depth + 1)?),
            }
            self.separator(open, ']')?;
        }
    }

    /// A comma, or the closing bracket left for the caller to see.
    fn separator(&mut self, open: usize, close: char) -> Result<(), SyntaxError> {
        self.blank()?;
        match self.peek() {
            Some(',') => {
                self.at += 1;
                Ok(())
            }
            Some(c) if c == close => Ok(()),
            None => Err(self.unclosed(open, close)),
            Some(next) => {
                let starts = matches!(next, '"' | '\'' | '{' | '[') || is_word_start(next);
                let help = match (starts, close) {
                    (true, _) => "put a `,` after the value before this",
                    (false, ']') => "put a `]` behind the last item of the list",
                    (false, _) => CLOSE_OBJECT,
                };
                let expected = format!("`,` or `{close}`");
                Err(SyntaxError { help: Some(help), ..self.unexpected(&expected) })
            }
        }
    }

    fn number(&mut self) -> Result<Value, SyntaxError> {
        let start = self.at;
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '+' | '_')))
            .unwrap_or(rest.len());
        let written = rest.get(..length).unwrap_or("");
        let text = written.replace('_', "");
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(&text)),
        };
        let radix = |prefix: [&str; 2], radix| {
            prefix
                .iter()
                .find_map(|prefix| digits.strip_prefix(prefix))
                .and_then(|d| u64::from_str_radix(d, radix).ok())
        };
        #[expect(clippy::cast_precision_loss, reason = "JavaScript's numbers are no more precise")]
        let whole = radix(["0x", "0X"], 16)
            .or(radix(["0o", "0O"], 8))
            .or(radix(["0b", "0B"], 2))
            .map(|n| n as f64);
        let decimal = || {
            digits
                .starts_with(|c: char| c.is_ascii_digit() || c == '.')
                .then(|| digits.parse::<f64>().ok())
                .flatten()
        };
        let Some(value) = whole.or_else(decimal) else {
            let message = format!("`{written}` is not a number");
            let span = Span { start, end: start + length.max(1) };
            return Err(SyntaxError {
                message,
                span,
                help: Some("put quotes around it if it is meant as text"),
            });
        };
        self.at += length;
        Ok(Value::Number(if negative { -value } else { value }))
    }

    fn word(&mut self) -> &str {
        let start = self.at;
        let rest = self.rest();
        let length =
            rest.find(|c: char| !(is_word_start(c) || c.is_numeric())).unwrap_or(rest.len());
        self.at += length;
        self.text.get(start..self.at).unwrap_or("")
    }

    fn keyword(&mut self) -> Result<Value, SyntaxError> {
        let start = self.at;
        let word = self.word().to_owned();
        let value = match word.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" | "undefined" => Value::Null,
            "NaN" => Value::Number(f64::NAN),
            "Infinity" => Value::Number(f64::INFINITY),
            _ => {
                let code = matches!(
                    word.as_str(),
                    "process"
                        | "require"
                        | "module"
                        | "exports"
                        | "__dirname"
                        | "path"
                        | "import"
                        | "export"
                );
                let help = if code { IS_CODE } else { "put quotes around a text" };
                let message = format!("expected a value, found `{word}`");
                return Err(SyntaxError {
                    message,
                    span: Span { start, end: self.at },
                    help: Some(help),
                });
            }
        };
        Ok(value)
    }

    fn unexpected(&self, expected: &str) -> SyntaxError {
        let found = self.peek();
        let message = match found {
            Some(c) => format!("expected {expected}, found `{c}`"),
            None => format!("expected {expected}, found the end of the file"),
        };
        SyntaxError {
            message,
            span: Span { start: self.at, end: self.at + found.map_or(0, char::len_utf8) },
            help: None,
        }
    }

    fn unclosed(&self, open: usize, close: char) -> SyntaxError {
        let message = format!("the file ends before the `{close}` that closes this");
        let help = if close == ']' { "put a `]` behind its last item" } else { CLOSE_OBJECT };
        SyntaxError { message, span: Span { start: open, end: open + 1 }, help: Some(help) }
    }

    fn unclosed_text(&self, start: usize, end: usize) -> SyntaxError {
        let message = "this text has no closing quote on its line".to_owned();
        SyntaxError { message, span: Span { start, end }, help: Some(CLOSE_TEXT) }
    }
}

const AN_APP: &str = "write the apps, as in `{ \"apps\": [{ \"script\": \"app.js\" }] }`";
const CLOSE_OBJECT: &str = "put a `}` behind its last value";
const IS_CODE: &str = "a text needs quotes, and code must be a whole expression of JavaScript";

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '_' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, json: &str) {
        assert_eq!(parse(text).unwrap().to_json().to_string(), json, "{text}");
    }

    #[test]
    fn people_write_json_like_javascript() {
        check(
            "// c\n{a: 'b', \"c\": [1, 2,], /* d */ e_1: null,}",
            r#"{"a":"b","c":[1,2],"e_1":null}"#,
        );
        check(
            "{'env-x': -1.5e3, h: 0x1F, t: `a\nb`, u: '\\u00e9\\ud83d\\ude00\\x41'}",
            r#"{"env-x":-1500,"h":31,"t":"a\nb","u":"é😀A"}"#,
        );
        check("\u{feff}[true, undefined];", "[true,null]");
    }

    #[test]
    fn every_prefix_of_a_text_is_an_error_with_a_place_inside_it() {
        let text = "{a: 'b\\n', c: [1, {d: null}], // é\n e: \"\\u0041\"}";
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let error = parse(&text[..end]).unwrap_err();
            assert!(error.span.start <= end, "{end}: {error:?}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_not_crashed_on() {
        assert!(parse(&"[".repeat(100_000)).unwrap_err().message.contains("deeper"));
    }
}
