//! An app as written: known keys with checked values, each remembering where it came from.
//!
//! Everything that can be said about a value without looking at the machine is said here, for all
//! keys, before anything is resolved.

use crate::attributes::{self, Attribute, Type};
use crate::check::{check, wrong_type};
use crate::diagnostic::{Diagnostic, Place};
use crate::options::Options;
use crate::suggest;
use crate::value::{Entry, Node, Span, Value};

/// A text and its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceText<'a> {
    /// File name as the user wrote it, or `standard input`.
    pub origin: &'a str,
    /// The text, for showing a line of it.
    pub text: &'a str,
}

impl SourceText<'_> {
    /// The diagnostic, placed at `span`.
    pub(crate) fn at(&self, mut diagnostic: Diagnostic, span: Option<Span>) -> Diagnostic {
        diagnostic.origin = Some(self.origin.to_owned());
        diagnostic.place = span.map(|span| Box::new(Place::of(self.text, span.start, span.end)));
        diagnostic
    }

    /// Returns where `key` is written, when that is in one place only. For files that were
    /// evaluated this is good enough.
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

/// One known key with its value.
#[derive(Clone, Debug)]
struct Written {
    key: &'static Attribute,
    node: Node,
    span: Option<Span>,
    from_options: bool,
}

/// What is known about one app.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    source: Option<SourceText<'a>>,
    span: Option<Span>,
    list: Vec<Written>,
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
        fields.add_options(options.values(), report);
        fields
    }

    /// The app written at `entries`.
    pub(crate) fn of_entries(
        entries: &[Entry],
        span: Option<Span>,
        source: SourceText<'a>,
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
        options: Vec<(&'static Attribute, Node)>,
        report: &mut Vec<Diagnostic>,
    ) {
        for (key, node) in options {
            match check(key, &node) {
                Ok(node) => self.put(Written { key, node, span: None, from_options: true }),
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
        let Some(key) = attributes::find(&entry.key) else {
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
            Ok(node) => self.put(Written { key, node, span: entry.key_span, from_options: false }),
            Err(diagnostic) => {
                report.push(place(diagnostic, entry.node.span));
                self.rejected.push(key.name);
            }
        }
    }

    fn put(&mut self, field: Written) {
        self.list.retain(|known| known.key.name != field.key.name);
        self.list.push(field);
    }

    fn field(&self, name: &str) -> Option<&Written> {
        self.list.iter().find(|field| field.key.name == name)
    }

    /// The value of a key.
    pub(crate) fn node(&self, name: &str) -> Option<&Node> {
        self.field(name).map(|field| &field.node)
    }

    /// Whether the key was given as an option.
    pub(crate) fn is_option(&self, name: &str) -> bool {
        self.field(name).is_some_and(|field| field.from_options)
    }

    /// Whether the key was given and its value refused.
    pub(crate) fn was_rejected(&self, name: &str) -> bool {
        self.rejected.contains(&name)
    }

    /// Every key and value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static Attribute, &Node)> {
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

    /// Returns the value of a key that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match &self.node(name)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value of a key that is `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.node(name)?.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// A list of texts, or a text split on blanks.
    pub(crate) fn words(&self, name: &str) -> Option<Vec<String>> {
        self.node(name)?.words()
    }

    /// The diagnostic, placed where `name` is written, else where the app is.
    pub(crate) fn at(&self, name: &str, diagnostic: Diagnostic) -> Diagnostic {
        let field = self.field(name);
        match (field, self.source) {
            (Some(Written { from_options: true, .. }), _) => diagnostic.origin(COMMAND_LINE),
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

fn unknown(written: &str) -> Diagnostic {
    let known = attributes::attributes()
        .filter(|key| key.is_in_files())
        .flat_map(|key| std::iter::once(key.name).chain(key.aliases.iter().copied()));
    let diagnostic =
        Diagnostic::warning("unknown-key", format!("unknown key `{written}` is ignored"));
    match suggest::nearest(written, known) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}
