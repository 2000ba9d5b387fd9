//! Process files in YAML 1.2, with a place for every value.
//!
//! The text is taken apart by granit-parser. Here are the meaning of plain words (as js-yaml, which
//! PM2 uses, has it), anchors, merge keys, and the limits: what is named once may be used often,
//! and a text of a few lines may not become a tree of millions.

mod words;

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, Span as Source, Tag};

use words::{TAG, words};

use crate::json::SyntaxError;
use crate::syntax_help::ONE_OF_TWO;
use crate::value::{Entry, Node, Span, Value};

/// Nesting above which a text is refused.
const MAX_DEPTH: usize = 128;
/// Values above which a text is refused, those of aliases counted.
const MAX_VALUES: usize = 100_000;

/// Reads all documents of a text. Several are one: the apps of all of them.
pub(crate) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mut reader = Reader {
        text,
        open: Vec::new(),
        anchors: BTreeMap::new(),
        values: 0,
        documents: Vec::new(),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, source)) => reader.take(event, &source)?,
            Err(error) => {
                let start = error.marker().byte_offset().unwrap_or(0);
                let (said, help) = words(error.kind());
                let wrong = reader.wrong(said, reader.at(start, start));
                return Err(SyntaxError { help, ..wrong });
            }
        }
    }
    let mut documents = reader.documents.into_iter();
    match (documents.next(), documents.len()) {
        (None, _) => Ok(Node::bare(Value::Null)),
        (Some(only), 0) => Ok(only),
        (Some(first), _) => Ok(together(first, documents)),
    }
}

/// A list or an object that is not at its end.
struct Open {
    kind: Kind,
    span: Span,
    /// The number by which aliases name it; 0: none do.
    anchor: usize,
}

enum Kind {
    List(Vec<Node>),
    /// With the key whose value is to come.
    Object(Vec<Entry>, Option<(String, Span)>),
}

struct Reader<'a> {
    text: &'a str,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    values: usize,
    documents: Vec<Node>,
}

impl Reader<'_> {
    fn take(&mut self, event: Event<'_>, source: &Source) -> Result<(), SyntaxError> {
        let span = self.span(source);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(&text, style, tag.as_deref(), span)?;
                self.put(Node { value, span: Some(span) }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), span)?;
                self.begin(Kind::List(Vec::new()), span, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), span)?;
                self.begin(Kind::Object(Vec::new(), None), span, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    let message = "this alias is within what it names".to_owned();
                    return Err(self.wrong(message, span));
                };
                self.values += count(&node);
                self.put(node, 0)
            }
            Event::DocumentStart(..) => {
                self.anchors.clear();
                Ok(())
            }
            Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentEnd
            | Event::Anchor(..)
            | Event::UnresolvedAlias(_) => Ok(()),
            // What later versions of the parser tell besides.
            _ => Ok(()),
        }
    }

    fn begin(&mut self, kind: Kind, span: Span, anchor: usize) -> Result<(), SyntaxError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.wrong(format!("nested deeper than {MAX_DEPTH} levels"), span));
        }
        if let Some(Open { kind: Kind::Object(_, None), .. }) = self.open.last() {
            return Err(self.wrong("a key must be a text".to_owned(), span));
        }
        self.open.push(Open { kind, span, anchor });
        Ok(())
    }

    fn end(&mut self, end: Span) -> Result<(), SyntaxError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let span = Span { start: open.span.start, end: end.end.max(open.span.end) };
        let span = Some(self.without_blanks(span));
        let value = match open.kind {
            Kind::List(items) => Value::List(items),
            Kind::Object(entries, _) => Value::Object(self.merged(entries)?),
        };
        self.put(Node { value, span }, open.anchor)
    }

    /// Puts a value where it belongs.
    fn put(&mut self, node: Node, anchor: usize) -> Result<(), SyntaxError> {
        self.values += 1;
        let span = node.span.unwrap_or_default();
        if MAX_VALUES < self.values {
            let message = format!("aliases make more than {MAX_VALUES} values of this text");
            return Err(self.wrong(message, span));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.documents.push(node),
            Some(Kind::List(items)) => items.push(node),
            Some(Kind::Object(entries, key)) => match key.take() {
                Some((key, key_span)) => {
                    entries.push(Entry { key, key_span: Some(key_span), node });
                }
                None => {
                    let text = match node.value {
                        Value::List(_) | Value::Object(_) => {
                            return Err(self.wrong("a key must be a text".to_owned(), span));
                        }
                        // As it was written: `true: 1` is the key `true`.
                        Value::Text(_) => node.plain(),
                        _ => self.text.get(span.start..span.end).unwrap_or_default().to_owned(),
                    };
                    *key = Some((text, span));
                }
            },
        }
        Ok(())
    }

    /// The entries with those that `<<` brings, which do not go over its own.
    fn merged(&self, entries: Vec<Entry>) -> Result<Vec<Entry>, SyntaxError> {
        let (merges, mut own): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| entry.key == "<<");
        for (at, entry) in own.iter().enumerate() {
            if own.iter().take(at).any(|before| before.key == entry.key) {
                let message = format!("the key `{}` is here a second time", entry.key);
                let wrong = self.wrong(message, entry.key_span.unwrap_or_default());
                return Err(SyntaxError { help: Some(ONE_OF_TWO), ..wrong });
            }
        }
        for merge in merges {
            let sources = match merge.node.value {
                Value::List(items) => items,
                Value::Object(_) => vec![merge.node],
                Value::Null => Vec::new(),
                _ => return Err(self.unmergeable(merge.key_span)),
            };
            for source in sources {
                let Value::Object(entries) = source.value else {
                    return Err(self.unmergeable(merge.key_span));
                };
                for entry in entries {
                    if !own.iter().any(|of| of.key == entry.key) {
                        own.push(entry);
                    }
                }
            }
        }
        Ok(own)
    }

    fn unmergeable(&self, span: Option<Span>) -> SyntaxError {
        self.wrong("`<<` takes an object, or a list of them".to_owned(), span.unwrap_or_default())
    }

    fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<Value, SyntaxError> {
        let plain =
            || if style == ScalarStyle::Plain { word(text) } else { Value::Text(text.to_owned()) };
        let Some(tag) = tag else { return Ok(plain()) };
        let no = |what: &str| self.wrong(format!("`{text}` is no {what}"), span);
        match tag.core_suffix() {
            Some("str") => Ok(Value::Text(text.to_owned())),
            Some("null") => Ok(Value::Null),
            Some("int" | "float") => match word(text) {
                number @ Value::Number(_) => Ok(number),
                _ => Err(no("number")),
            },
            Some("bool") => match word(text) {
                truth @ Value::Bool(_) => Ok(truth),
                _ => Err(no("`true` or `false`")),
            },
            _ if tag.handle() == "!" && tag.suffix().is_empty() => Ok(Value::Text(text.to_owned())),
            _ => Err(self.unknown_tag(tag, span)),
        }
    }

    fn check_tag(&self, tag: Option<&Tag>, span: Span) -> Result<(), SyntaxError> {
        match tag {
            Some(tag) if !matches!(tag.core_suffix(), Some("map" | "seq")) => {
                Err(self.unknown_tag(tag, span))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn unknown_tag(&self, tag: &Tag, span: Span) -> SyntaxError {
        let said = format!("the tag `{}{}` means nothing here", tag.handle(), tag.suffix());
        SyntaxError { help: Some(TAG), ..self.wrong(said, span) }
    }

    fn wrong(&self, message: String, span: Span) -> SyntaxError {
        let span = Span { end: span.end.max(span.start + 1), ..span };
        SyntaxError { message, span, help: None }
    }

    /// Bytes of the whole text; a mark at its beginning is not among those that were parsed.
    fn at(&self, start: usize, end: usize) -> Span {
        let mark = if self.text.starts_with('\u{feff}') { 3 } else { 0 };
        Span { start: start + mark, end: end + mark }
    }

    fn span(&self, source: &Source) -> Span {
        let start = source.start.byte_offset().unwrap_or(0);
        let span = self.at(start, source.end.byte_offset().unwrap_or(start));
        self.without_blanks(span)
    }

    /// What is in blocks ends with blanks that are not theirs.
    fn without_blanks(&self, span: Span) -> Span {
        let text = self.text.get(span.start..span.end).unwrap_or_default();
        Span { end: span.start + text.trim_end().len(), ..span }
    }
}

/// What a word without quotes means.
fn word(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) if text.starts_with('-') => (-1.0, digits),
        Some(digits) => (1.0, digits),
        None => (1.0, text),
    };
    let number = match digits {
        ".inf" | ".Inf" | ".INF" => Some(f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" if digits == text => Some(f64::NAN),
        _ => number(digits),
    };
    number.map_or_else(|| Value::Text(text.to_owned()), |number| Value::Number(sign * number))
}

/// A number without its sign.
fn number(digits: &str) -> Option<f64> {
    let of_base = [("0x", 16), ("0o", 8), ("0b", 2)];
    let found =
        of_base.into_iter().find_map(|(mark, base)| Some((digits.strip_prefix(mark)?, base)));
    if let Some((digits, base)) = found {
        let whole = !digits.starts_with(['-', '+']);
        let number = u64::from_str_radix(digits, base).ok().filter(|_| whole);
        #[expect(clippy::cast_precision_loss, reason = "numbers are JavaScript's")]
        return number.map(|number| number as f64);
    }
    let first = digits.strip_prefix('.').unwrap_or(digits).chars().next();
    let decimal = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+');
    (first.is_some_and(|c| c.is_ascii_digit()) && digits.chars().all(decimal))
        .then(|| digits.parse().ok())
        .flatten()
}

/// Documents after each other, as one.
fn together(first: Node, rest: impl Iterator<Item = Node>) -> Node {
    let (mut apps, mut others) = (Vec::new(), Vec::new());
    for node in std::iter::once(first).chain(rest) {
        match node.value {
            Value::List(items) => apps.extend(items),
            Value::Object(entries) if entries.iter().any(|entry| entry.key == "apps") => {
                for entry in entries {
                    match entry.node.value {
                        Value::List(items) if entry.key == "apps" => apps.extend(items),
                        _ if entry.key == "apps" => apps.push(entry.node),
                        _ => others.push(entry),
                    }
                }
            }
            Value::Null => {}
            value => apps.push(Node { value, span: node.span }),
        }
    }
    let node = Node::bare(Value::List(apps));
    others.insert(0, Entry { key: "apps".to_owned(), key_span: None, node });
    Node::bare(Value::Object(others))
}

fn count(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => items.iter().map(count).sum::<usize>() + 1,
        Value::Object(entries) => entries.iter().map(|entry| count(&entry.node)).sum::<usize>() + 1,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => 1,
    }
}

/// As our messages begin.
#[cfg(test)]
mod tests;
