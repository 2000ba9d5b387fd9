//! An app as written: known keys with checked values, each remembering where it came from.
//!
//! Everything that can be said about a value without looking at the machine is said here, for all
//! keys, before anything is resolved.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::attributes::{self, Attribute, Rule};
use crate::check::check;
use crate::diagnostic::{COMMAND_LINE, Diagnostic};
use crate::options::Options;
use crate::source::SourceText;
use crate::unknown::unknown;
use crate::value::{Entry, Node, Span, Value};

mod faults;
use faults::{empty, no_environment, of_option};

/// An app as it is written in a file.
#[derive(Clone, Debug)]
pub(crate) struct InFile<'a> {
    /// Its keys with their values.
    pub entries: Cow<'a, [Entry]>,
    /// Where it stands in the file.
    pub span: Option<Span>,
    /// The way to it from the root of the file: `apps[0]`; empty for the root itself.
    pub path: String,
    /// The same for the keys that it has from another app: the way to that one.
    pub inherited: BTreeMap<String, String>,
}

/// An app of a file, among all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfFile<'a> {
    /// The file that it is in.
    pub source: SourceText<'a>,
    /// Every app of the file.
    pub apps: &'a [InFile<'a>],
    /// Which of them it is.
    pub at: usize,
    /// An empty text is refused where there must be one. PM2 takes it for none.
    pub strict: bool,
}

impl OfFile<'_> {
    /// The diagnostic about a key of this app. What cannot be pointed at among several apps is said
    /// with the app's name.
    fn about(&self, key: &str, mut diagnostic: Diagnostic, span: Option<Span>) -> Diagnostic {
        let has = |app: &&InFile<'_>| app.entries.iter().any(|entry| entry.key == key);
        let nth = self.apps.iter().take(self.at).filter(has).count();
        let of = self.apps.iter().filter(has).count();
        let span = span.or_else(|| self.source.locate(key, (nth, of)));
        diagnostic.ours.key = self.path(key);
        if !self.source.is_shown(span) && 1 < self.apps.len() {
            diagnostic.ours.message = Some(diagnostic.own_message().to_owned());
            diagnostic.message = format!("{}: {}", self.name(), diagnostic.message);
        }
        self.source.at(diagnostic, span)
    }

    /// Returns the way to a key of this app, or to the app.
    fn path(&self, key: &str) -> Option<String> {
        let app = self
            .apps
            .get(self.at)
            .map_or("", |app| app.inherited.get(key).unwrap_or(&app.path).as_str());
        let dot = if app.is_empty() || key.is_empty() { "" } else { "." };
        Some(format!("{app}{dot}{key}")).filter(|path| !path.is_empty())
    }

    fn name(&self) -> String {
        let entries = self.apps.get(self.at).map_or(&[][..], |app| &app.entries);
        let named = entries.iter().find(|entry| entry.key == "name");
        match named.and_then(|entry| entry.node.as_text()) {
            Some(name) => format!("app `{name}`"),
            None => format!("app number {}", self.at + 1),
        }
    }
}

/// One known key with its value.
#[derive(Clone, Debug)]
struct Written {
    key: &'static Attribute,
    /// The key as it was written: a name, an alias, or the camelCase form of one.
    written: String,
    node: Node,
    span: Option<Span>,
    from_options: bool,
}

/// What is known about one app.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    file: Option<OfFile<'a>>,
    span: Option<Span>,
    list: Vec<Written>,
    environments: Vec<(String, Node)>,
    /// Files of variables for an environment: `env_file_<name>`.
    environment_files: Vec<(String, Node)>,
    rejected: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Only the options.
    pub(crate) fn of_options(options: &Options, report: &mut Vec<Diagnostic>) -> Self {
        let mut fields = Self {
            file: None,
            span: None,
            list: Vec::new(),
            environments: Vec::new(),
            environment_files: Vec::new(),
            rejected: Vec::new(),
        };
        fields.add_options(options.values(), report);
        fields
    }

    /// An app of a file.
    pub(crate) fn of_file(file: OfFile<'a>, report: &mut Vec<Diagnostic>) -> Self {
        let app = file.apps.get(file.at);
        let (entries, span) = app.map_or((&[][..], None), |app| (&*app.entries, app.span));
        let mut fields = Self {
            file: Some(file),
            span,
            list: Vec::new(),
            environments: Vec::new(),
            environment_files: Vec::new(),
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
            if is_absent(key, &node) {
                continue;
            }
            match check(key, key.name, &node) {
                Ok(node) => self.put(Written {
                    key,
                    written: key.name.to_owned(),
                    node,
                    span: None,
                    from_options: true,
                }),
                Err((diagnostic, _)) => {
                    self.rejected.push(key.name);
                    report.push(of_option(key, *diagnostic));
                }
            }
        }
    }

    fn add_entry(&mut self, entry: &Entry, report: &mut Vec<Diagnostic>) {
        if entry.node.is_null() {
            return;
        }
        let file = self.file;
        let place = |diagnostic: Diagnostic, span: Option<Span>| match file {
            Some(file) => file.about(&entry.key, diagnostic, span.or(entry.key_span)),
            None => diagnostic,
        };
        // In PM2 an object under this name is the environment `file`.
        let is_variables = matches!(entry.node.value, Value::Object(_));
        let key = attributes::find(&entry.key);
        let Some(key) = key.filter(|key| !(key.name == "env_file" && is_variables)) else {
            report.extend(self.add_other(entry).map(|(said, span)| place(said, span)));
            return;
        };
        if is_absent(key, &entry.node) {
            let is_text = matches!(entry.node.value, Value::Text(_));
            if is_text && key.rule == Rule::NotEmpty && file.is_some_and(|file| file.strict) {
                report.push(place(empty(key, &entry.key), entry.node.span));
                self.rejected.push(key.name);
            }
            return;
        }
        if let Some(known) = self.list.iter().find(|field| field.key.name == key.name) {
            let message = if known.written == entry.key {
                format!("`{}` is given more than once; the last one counts", entry.key)
            } else {
                format!(
                    "`{}` means the same as `{}`, which is given too; the last one counts",
                    entry.key, known.written
                )
            };
            report.push(place(Diagnostic::warning("doubled-key", message), entry.key_span));
        }
        match check(key, &entry.key, &entry.node) {
            Ok(node) => self.put(Written {
                key,
                written: entry.key.clone(),
                node,
                span: entry.key_span,
                from_options: false,
            }),
            Err((diagnostic, span)) => {
                report.push(place(*diagnostic, span));
                self.rejected.push(key.name);
            }
        }
    }

    /// A key that is no attribute: the variables of an environment, or a mistake.
    fn add_other(&mut self, entry: &Entry) -> Option<(Diagnostic, Option<Span>)> {
        let Some(name) = entry.key.strip_prefix("env_") else {
            return Some((unknown(&entry.key), entry.key_span));
        };
        if let (Some(name), Value::Text(_) | Value::List(_)) =
            (name.strip_prefix("file_"), &entry.node.value)
        {
            self.environment_files.push((name.to_owned(), entry.node.clone()));
            return None;
        }
        if let Value::Object(_) = entry.node.value {
            self.environments.push((name.to_owned(), entry.node.clone()));
            return None;
        }
        Some((no_environment(&entry.key, &entry.node), entry.node.span))
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

    /// Returns the key as it was written.
    pub(crate) fn written<'s>(&'s self, name: &'s str) -> &'s str {
        self.field(name).map_or(name, |field| &field.written)
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

    /// Files of `env_file_<name>`.
    pub(crate) fn environment_files(&self, name: &str) -> Option<&Node> {
        self.environment_files.iter().rev().find(|(known, _)| known == name).map(|(_, node)| node)
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
        match (field, self.file) {
            (Some(Written { from_options: true, key, .. }), _) => of_option(key, diagnostic),
            (Some(field), Some(file)) => {
                file.about(&field.written, diagnostic, field.node.span.or(field.span))
            }
            (None, Some(file)) => {
                let span = self.span.map(|span| Span { end: span.start + 1, ..span });
                file.about("", diagnostic, span)
            }
            (_, None) => diagnostic,
        }
    }

    /// The file that the app is in, as the user wrote it.
    pub(crate) fn origin(&self) -> Option<&str> {
        self.file.map(|file| file.source.origin)
    }

    /// The diagnostic about a part of the value of `name`, placed at `span` of the same text.
    pub(crate) fn at_span(
        &self,
        name: &str,
        span: Option<Span>,
        mut diagnostic: Diagnostic,
    ) -> Diagnostic {
        match (self.field(name), self.file) {
            (Some(Written { from_options: true, key, .. }), _) => of_option(key, diagnostic),
            (field, Some(file)) => {
                diagnostic.ours.key = file.path(field.map_or(name, |field| &field.written));
                file.source.at(diagnostic, span)
            }
            (_, None) => crate::script::of_command_line(diagnostic).origin(COMMAND_LINE),
        }
    }
}

/// Whether a value means that the attribute is not given. As in PM2 this holds for what is false in
/// JavaScript, but not for every attribute; the others are checked.
fn is_absent(key: &Attribute, node: &Node) -> bool {
    let is_false = match &node.value {
        Value::Null => return true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => *number == 0.0 || number.is_nan(),
        Value::Text(text) => text.is_empty(),
        Value::List(_) | Value::Object(_) => false,
    };
    let is_empty = matches!(&node.value, Value::Text(text) if text.is_empty());
    match key.rule {
        Rule::NotEmpty if is_empty => true,
        _ => is_false && key.may_be_falsy() && (is_empty || check(key, "", node).is_err()),
    }
}
