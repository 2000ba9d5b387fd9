//! An app as written: known keys with checked values, each remembering where it came from.
//!
//! Everything that can be said about a value without looking at the machine is said here, for all
//! keys, before anything is resolved.

use crate::diagnostic::{Diagnostic, Place};
use crate::keys::{self, Key, Rule, Type};
use crate::options::Options;
use crate::suggest;
use crate::units;
use crate::value::{Entry, Node, Span, Value, number_text};

/// A text and its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    /// File name as the user wrote it, or `standard input`.
    pub origin: &'a str,
    /// The text, for showing a line of it.
    pub text: &'a str,
}

impl Source<'_> {
    /// The diagnostic, placed at `span`.
    pub(crate) fn at(&self, mut diagnostic: Diagnostic, span: Option<Span>) -> Diagnostic {
        diagnostic.origin = Some(self.origin.to_owned());
        diagnostic.place = span.map(|span| Box::new(Place::of(self.text, span.start, span.end)));
        diagnostic
    }

    /// Where `key` is written, when that is in one place only: good enough for files that were
    /// evaluated.
    fn locate(&self, key: &str) -> Option<Span> {
        let mut found = self.text.match_indices(key).filter(|(at, _)| self.is_key(*at, key.len()));
        let (start, _) = found.next()?;
        found.next().is_none().then_some(Span { start, end: start + key.len() })
    }

    fn is_key(&self, at: usize, length: usize) -> bool {
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '-');
        let before = self.text.get(..at).unwrap_or("").chars().next_back();
        let after = self.text.get(at + length..).unwrap_or("").trim_start_matches(['"', '\'']);
        !before.is_some_and(word) && after.trim_start().starts_with(':')
    }
}

/// One known key.
#[derive(Clone, Debug)]
struct Field {
    key: &'static Key,
    node: Node,
    span: Option<Span>,
    from_options: bool,
}

/// What is known about one app.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    source: Option<Source<'a>>,
    span: Option<Span>,
    list: Vec<Field>,
    environments: Vec<(String, Node)>,
    rejected: Vec<&'static str>,
}

/// Origin of what was typed.
pub(crate) const COMMAND_LINE: &str = "command line";

impl<'a> Fields<'a> {
    /// Only the options.
    pub(crate) fn of_options(options: &Options, report: &mut Vec<Diagnostic>) -> Self {
        let mut fields = Self {
            source: None,
            span: None,
            list: Vec::new(),
            environments: Vec::new(),
            rejected: Vec::new(),
        };
        fields.add_options(options.fields(), report);
        fields
    }

    /// The app written at `entries`.
    pub(crate) fn of_entries(
        entries: &[Entry],
        span: Option<Span>,
        source: Source<'a>,
        report: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut fields = Self {
            source: Some(source),
            span,
            list: Vec::new(),
            environments: Vec::new(),
            rejected: Vec::new(),
        };
        for entry in entries {
            fields.add_entry(entry, report);
        }
        fields
    }

    /// Puts options over what is there.
    pub(crate) fn add_options(
        &mut self,
        options: Vec<(&'static str, Node)>,
        report: &mut Vec<Diagnostic>,
    ) {
        for (name, node) in options {
            let Some(key) = keys::find(name) else { continue };
            match check(key, &node) {
                Ok(node) => self.put(Field { key, node, span: None, from_options: true }),
                Err(diagnostic) => {
                    self.rejected.push(key.name);
                    report.push(diagnostic.origin(COMMAND_LINE));
                }
            }
        }
    }

    fn add_entry(&mut self, entry: &Entry, report: &mut Vec<Diagnostic>) {
        if entry.node.is_null() {
            return;
        }
        let place = |diagnostic: Diagnostic, span: Option<Span>| match self.source {
            Some(source) => {
                source.at(diagnostic, span.or(entry.key_span).or_else(|| source.locate(&entry.key)))
            }
            None => diagnostic,
        };
        let Some(key) = keys::find(&entry.key) else {
            if let Some(name) = entry.key.strip_prefix("env_") {
                match entry.node.value {
                    Value::Object(_) => {
                        self.environments.push((name.to_owned(), entry.node.clone()));
                    }
                    _ => report.push(place(
                        wrong_type(&entry.key, &[Type::Object], &entry.node.value)
                            .help("write an object of variables"),
                        entry.node.span,
                    )),
                }
            } else {
                report.push(place(unknown(&entry.key), entry.key_span));
            }
            return;
        };
        if self.list.iter().any(|field| field.key.name == key.name) {
            let message = format!("`{}` is given more than once; the last one counts", key.name);
            report.push(place(Diagnostic::warning("doubled-key", message), entry.key_span));
        }
        match check(key, &entry.node) {
            Ok(node) => self.put(Field { key, node, span: entry.key_span, from_options: false }),
            Err(diagnostic) => {
                report.push(place(diagnostic, entry.node.span));
                self.rejected.push(key.name);
            }
        }
    }

    fn put(&mut self, field: Field) {
        self.list.retain(|known| known.key.name != field.key.name);
        self.list.push(field);
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.list.iter().find(|field| field.key.name == name)
    }

    /// The value of a key.
    pub(crate) fn node(&self, name: &str) -> Option<&Node> {
        self.field(name).map(|field| &field.node)
    }

    /// Whether the key was given and its value refused.
    pub(crate) fn was_rejected(&self, name: &str) -> bool {
        self.rejected.contains(&name)
    }

    /// Every key and value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static Key, &Node)> {
        self.list.iter().map(|field| (field.key, &field.node))
    }

    /// Variables of `env_<name>`.
    pub(crate) fn environment(&self, name: &str) -> Option<&Node> {
        self.environments.iter().rev().find(|(known, _)| known == name).map(|(_, node)| node)
    }

    /// Names of the `env_<name>` objects.
    pub(crate) fn environment_names(&self) -> impl Iterator<Item = &str> {
        self.environments.iter().map(|(name, _)| name.as_str())
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match &self.node(name)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A truth.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.node(name)?.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// A whole number from 0 up; fractions are cut.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        match &self.node(name)?.value {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates
            Value::Number(number) => Some(*number as u64),
            _ => None,
        }
    }

    /// A list of texts, or a text split on blanks.
    pub(crate) fn words(&self, name: &str) -> Option<Vec<String>> {
        match &self.node(name)?.value {
            Value::Text(text) => Some(units::words(text)),
            Value::List(items) => {
                Some(items.iter().filter(|item| !item.is_null()).map(plain).collect())
            }
            _ => None,
        }
    }

    /// The diagnostic, placed where `name` is written, else where the app is.
    pub(crate) fn at(&self, name: &str, diagnostic: Diagnostic) -> Diagnostic {
        let field = self.field(name);
        match (field, self.source) {
            (Some(Field { from_options: true, .. }), _) => diagnostic.origin(COMMAND_LINE),
            (Some(field), Some(source)) => source.at(
                diagnostic,
                field.node.span.or(field.span).or_else(|| source.locate(field.key.name)),
            ),
            (None, Some(source)) => {
                source.at(diagnostic, self.span.map(|span| Span { end: span.start + 1, ..span }))
            }
            (_, None) => diagnostic,
        }
    }

    /// The diagnostic, placed at `span` of the same text.
    pub(crate) fn at_span(&self, span: Option<Span>, diagnostic: Diagnostic) -> Diagnostic {
        match self.source {
            Some(source) => source.at(diagnostic, span),
            None => diagnostic.origin(COMMAND_LINE),
        }
    }
}

/// A value as the text of an argument or variable: objects, lists and null as JSON, as PM2 does.
pub(crate) fn plain(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number_text(*number),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => {
            node.to_json().to_string()
        }
    }
}

fn unknown(written: &str) -> Diagnostic {
    let known = keys::KEYS
        .iter()
        .flat_map(|key| std::iter::once(key.name).chain(key.aliases.iter().copied()));
    let diagnostic =
        Diagnostic::warning("unknown-key", format!("unknown key `{written}` is ignored"));
    match suggest::nearest(written, known) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

fn wrong_type(name: &str, types: &[Type], found: &Value) -> Diagnostic {
    let wanted: Vec<String> =
        types.iter().map(|wanted| format!("[object {}]", wanted.name())).collect();
    let message = format!(
        "Expect \"{name}\" to be a typeof {}, but now is [object {}]",
        wanted.join(" / "),
        found.type_name()
    );
    Diagnostic::error("wrong-type", message)
}

/// The value as its key wants it (numeric texts become numbers), or what is wrong with it.
fn check(key: &'static Key, node: &Node) -> Result<Node, Diagnostic> {
    let mut node = node.clone();
    if let Value::Text(text) = &node.value
        && key.types.contains(&Type::Number)
        && !matches!(key.rule, Rule::Memory)
        && let Some(number) = text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
        // Digits in a text stay a text where texts are welcome: `uid: "0700"`, `instances: "2"`.
        && (!key.types.contains(&Type::Text) || matches!(key.rule, Rule::Uptime))
    {
        node.value = Value::Number(number);
    }
    let of_type = key.types.iter().any(|wanted| wanted.name() == node.value.type_name());
    if !of_type {
        return Err(wrong_type(key.name, key.types, &node.value).help(key.help));
    }
    check_rule(key, &node).map_err(|diagnostic| diagnostic.help(key.help))?;
    if let (true, Value::List(items)) = (key.types.contains(&Type::List), &node.value)
        && let Some(item) =
            items.iter().find(|item| matches!(item.value, Value::Object(_) | Value::List(_)))
        && matches!(key.name, "args" | "node_args" | "filter_env" | "stop_exit_codes")
    {
        let message = format!(
            "every item of \"{}\" must be a text, but one is [object {}]",
            key.name,
            item.value.type_name()
        );
        return Err(Diagnostic::error("wrong-type", message).help(key.help));
    }
    Ok(node)
}

fn check_rule(key: &Key, node: &Node) -> Result<(), Diagnostic> {
    let below = |min: u32, number: f64| {
        let message =
            format!("The minimum of \"{}\" is {min}, but now is {}", key.name, number_text(number));
        Diagnostic::error("too-small", message)
    };
    let failed = |wanted: &str| {
        Diagnostic::error(
            "wrong-form",
            format!("Verify \"{}\" with regex failed, {wanted}", key.name),
        )
    };
    match (key.rule, &node.value) {
        (_, Value::Number(number)) if !number.is_finite() => {
            Err(Diagnostic::error("wrong-form", format!("\"{}\" is not a finite number", key.name)))
        }
        (Rule::Min(min), Value::Number(number)) if *number < f64::from(min) => {
            Err(below(min, *number))
        }
        (Rule::Uptime, Value::Number(number)) if *number < 100.0 => Err(below(100, *number)),
        (Rule::Uptime, Value::Text(text)) if units::uptime(text).is_none() => Err(failed(
            "it should be a NUMBER - milliseconds, \"[NUMBER]h\"(hours), \"[NUMBER]m\"(minutes) or \"[NUMBER]s\"(seconds)",
        )),
        (Rule::Memory, Value::Number(number)) if *number < 0.0 => Err(below(0, *number)),
        (Rule::Memory, Value::Text(text)) if units::memory(text).is_none() => Err(failed(
            "it should be a NUMBER - byte, \"[NUMBER]G\"(Gigabyte), \"[NUMBER]M\"(Megabyte) or \"[NUMBER]K\"(Kilobyte)",
        )),
        (Rule::Words(words), Value::Text(text)) if !words.contains(&text.as_str()) => {
            Err(failed(&format!("it should be one of {}, but now is \"{text}\"", words.join(", "))))
        }
        (Rule::NotEmpty, Value::Text(text)) if text.trim().is_empty() => {
            Err(Diagnostic::error("empty", format!("\"{}\" is empty", key.name)))
        }
        (
            Rule::Any
            | Rule::Min(_)
            | Rule::Memory
            | Rule::Uptime
            | Rule::Words(_)
            | Rule::NotEmpty,
            _,
        ) => Ok(()),
    }
}
