//! What an app has from elsewhere: from the app of the same name in a file that is extended, and
//! from the app that it extends itself.
//!
//! Rules: the later word counts. Objects are merged key by key, lists are replaced, and `null`
//! takes away what was said before. An app that others extend and that runs nothing is a template,
//! and no app.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::attributes;
use crate::bases::{self, EXTENDS, File, Files};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::fields::{Fields, InFile, OfFile};
use crate::resolve;
use crate::shape::{self, Shape};
use crate::source::SourceText;
use crate::suggest;
use crate::value::{Entry, Node, Span, Value};

const HELP: &str = "write the name of another app, or a list of names";

/// Returns the apps of all files as one, and the variables of `deploy`.
pub(crate) fn merge<'n>(
    files: &'n Files,
    env: Option<&str>,
    source: SourceText<'_>,
    ctx: &Context,
    report: &mut Vec<Diagnostic>,
) -> Shape<'n> {
    let mut shapes: Vec<Shape<'n>> = files
        .list
        .iter()
        .map(|File { said, is_part, .. }| shape::read(&said.root, env, *is_part, source, report))
        .collect();
    let extends = |app: &InFile<'_>| app.entries.iter().any(|entry| entry.key == EXTENDS);
    if let [shape] = shapes.as_mut_slice()
        && !shape.apps.iter().any(extends)
    {
        return shapes.remove(0);
    }
    for (file, shape) in files.list.iter().zip(&mut shapes).filter(|(of, _)| of.said.is_evaluated) {
        locate(&mut shape.apps, file.base, source);
    }
    let deploy = of_key(shapes.iter().filter_map(|shape| shape.deploy.as_deref()));
    let mut apps: Vec<Named<'n>> = Vec::new();
    for shape in shapes {
        add(&mut apps, shape.apps, source, ctx);
    }
    let apps = Apps { apps, incomplete: BTreeSet::new(), source, report }.extended();
    Shape { apps, deploy: deploy.map(Cow::Owned) }
}

/// Adds the apps of a file to those of the files before it, and changes those of the same name.
/// Two apps of one file stay two.
fn add<'n>(
    apps: &mut Vec<Named<'n>>,
    of_file: Vec<InFile<'n>>,
    source: SourceText<'_>,
    ctx: &Context,
) {
    let before = apps.clone();
    let mut changed = BTreeSet::new();
    for app in of_file {
        let name = name(&app, source, ctx);
        let is_same = |at: &usize| before.get(*at).is_some_and(|known| known.name == name);
        let same = || (0..before.len()).filter(is_same);
        // What has no name changes the only app there is.
        let only = (name.is_empty() && before.len() == 1).then_some(0);
        let at = same().find(|at| !changed.contains(at)).or(same().next()).or(only);
        let app = match at.and_then(|at| before.get(at)) {
            Some(known) => over(&known.app, app),
            None => app,
        };
        match at.filter(|at| changed.insert(*at)).and_then(|at| apps.get_mut(at)) {
            Some(known) => known.app = app,
            None => apps.push(Named { name, app }),
        }
    }
}

/// Returns the values of one key in several files as one.
pub(crate) fn of_key<'n>(nodes: impl Iterator<Item = &'n Node>) -> Option<Node> {
    nodes.cloned().reduce(|base, node| match (&base.value, &node.value) {
        (Value::Object(below), Value::Object(above)) => {
            Node { value: Value::Object(merged(below, above, str::eq)), ..node }
        }
        _ => node,
    })
}

/// An app and the name that it will have; an empty one when it says neither that nor a script.
#[derive(Clone)]
struct Named<'n> {
    name: String,
    app: InFile<'n>,
}

fn name(app: &InFile<'_>, source: SourceText<'_>, ctx: &Context) -> String {
    let says = |entry: &Entry| ["name", "script"].contains(&meaning(&entry.key));
    if !app.entries.iter().any(says) {
        return String::new();
    }
    let alone = OfFile { source, apps: std::slice::from_ref(app), at: 0, strict: false };
    // What is wrong with it is said when it has all its keys.
    resolve::written_name(&Fields::of_file(alone, &mut Vec::new()), ctx)
}

/// Gives the keys of apps from an evaluated file their places in its text, where they are known.
fn locate(apps: &mut [InFile<'_>], base: Option<usize>, source: SourceText<'_>) {
    let (alone, start) = source.of_base(base);
    let moved = |span: Span| span.moved(start);
    let mut count = BTreeMap::<String, usize>::new();
    for key in apps.iter().flat_map(|app| app.entries.iter().map(|entry| &entry.key)) {
        *count.entry(key.clone()).or_default() += 1;
    }
    let mut seen = BTreeMap::<String, usize>::new();
    for app in apps {
        app.span = Some(moved(alone.somewhere()));
        for entry in app.entries.to_mut() {
            let nth = seen.entry(entry.key.clone()).or_default();
            let of = count.get(&entry.key).copied().unwrap_or_default();
            let found = alone.locate(&entry.key, (*nth, of));
            *nth += 1;
            let span = moved(found.unwrap_or(alone.somewhere()));
            entry.key_span = Some(span);
            bases::place(&mut entry.node, &|_| span);
        }
    }
}

/// The attribute that a key means, or the key.
fn meaning(key: &str) -> &str {
    attributes::find(key).map_or(key, |attribute| attribute.name)
}

fn is_same(one: &str, other: &str) -> bool {
    meaning(one) == meaning(other)
}

fn merged(below: &[Entry], above: &[Entry], is_same: fn(&str, &str) -> bool) -> Vec<Entry> {
    let has = |list: &[Entry], key: &str| list.iter().any(|of| is_same(&of.key, key));
    let kept = below.iter().filter(|entry| !has(above, &entry.key)).cloned();
    let put = above.iter().filter_map(|entry| {
        let known = below.iter().rev().find(|of| is_same(&of.key, &entry.key));
        match (known.map(|of| &of.node.value), &entry.node.value) {
            (Some(_), Value::Null) => None,
            (Some(Value::Object(below)), Value::Object(above)) => {
                let value = Value::Object(merged(below, above, str::eq));
                let node = Node { value, ..entry.node };
                Some(Entry { node, key: entry.key.clone(), key_span: entry.key_span })
            }
            _ => Some(entry.clone()),
        }
    });
    kept.chain(put).collect()
}

/// Returns an app with what another one says before it.
fn over<'n>(base: &InFile<'_>, app: InFile<'n>) -> InFile<'n> {
    let is_own = |key: &str| app.entries.iter().any(|of| is_same(&of.key, key));
    let mut inherited = app.inherited.clone();
    for Entry { key, .. } in base.entries.iter().filter(|entry| !is_own(&entry.key)) {
        let path = base.inherited.get(key).unwrap_or(&base.path);
        inherited.insert(key.clone(), path.clone());
    }
    let entries = merged(&base.entries, &app.entries, is_same);
    InFile { entries: Cow::Owned(entries), inherited, ..app }
}

/// The apps of all files, before they extend each other.
struct Apps<'a, 'n> {
    apps: Vec<Named<'n>>,
    /// Those that extend what is not there.
    incomplete: BTreeSet<usize>,
    source: SourceText<'a>,
    report: &'a mut Vec<Diagnostic>,
}

impl<'n> Apps<'_, 'n> {
    /// Gives each app what it extends, and leaves the templates out.
    fn extended(mut self) -> Vec<InFile<'n>> {
        let on: Vec<Vec<usize>> = (0..self.apps.len()).map(|at| self.on(at)).collect();
        if let Some(cycle) = ostler_core::depends::cycle(&on) {
            self.refuse_cycle(&cycle);
            self.incomplete.extend(cycle);
        } else {
            for at in ostler_core::depends::order(&on) {
                self.extend(at, on.get(at).map_or(&[], Vec::as_slice));
            }
        }
        let is_extended = |at: &usize| on.iter().any(|bases| bases.contains(at));
        let runs = |app: &InFile<'_>| app.entries.iter().any(|of| meaning(&of.key) == "script");
        // Of what is not complete it was said why.
        let is_left_out = |at: &usize| is_extended(at) || self.incomplete.contains(at);
        let apps = self.apps.into_iter().map(|of| of.app).enumerate();
        apps.filter(|(at, app)| runs(app) || !is_left_out(at)).map(|(_, app)| app).collect()
    }

    /// Gives an app what these others say.
    fn extend(&mut self, at: usize, bases: &[usize]) {
        let found = bases.iter().filter_map(|of| self.apps.get(*of));
        let all = found.map(|of| without_name(&of.app)).reduce(|base, next| over(&base, next));
        if let (Some(base), Some(named)) = (all, self.apps.get_mut(at)) {
            named.app = over(&base, named.app.clone());
        }
    }

    /// Takes `extends` out of an app, and returns which others it means.
    fn on(&mut self, at: usize) -> Vec<usize> {
        let Some(Named { app, .. }) = self.apps.get_mut(at) else { return Vec::new() };
        if !app.entries.iter().any(|of| of.key == EXTENDS) {
            return Vec::new();
        }
        let entries = app.entries.to_mut();
        let taken: Vec<Entry> = entries.extract_if(.., |of| of.key == EXTENDS).collect();
        let path = format!("{}.{EXTENDS}", app.inherited.get(EXTENDS).unwrap_or(&app.path));
        let mut found = Vec::new();
        for Entry { node, key_span, .. } in &taken {
            for node in bases::said(node) {
                let named = node.as_text().ok_or_else(|| {
                    let message = format!("`extends` must be a name, but is {}", node.shown());
                    Diagnostic::error("wrong-type", message).help(HELP)
                });
                match named.and_then(|name| self.find(name)) {
                    Ok(at) => found.push(at),
                    Err(mut said) => {
                        self.incomplete.insert(at);
                        said.ours.key = Some(path.clone());
                        self.report.push(self.source.at(said, node.span.or(*key_span)));
                    }
                }
            }
        }
        found
    }

    fn find(&self, name: &str) -> Result<usize, Diagnostic> {
        if let Some(at) = self.apps.iter().position(|of| of.name == name) {
            return Ok(at);
        }
        let message = format!("no app of this file is called `{name}`");
        let names = self.apps.iter().map(|of| of.name.as_str()).filter(|name| !name.is_empty());
        let help = match suggest::nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None if crate::reading::is_config_file(name) => {
                "write it beside `apps`: an app extends another app, a file extends files"
                    .to_owned()
            }
            None => HELP.to_owned(),
        };
        Err(Diagnostic::error("no-base", message).help(help))
    }

    fn refuse_cycle(&mut self, cycle: &[usize]) {
        let name = |at: &usize| self.apps.get(*at).map_or("", |of| of.name.as_str());
        let names: Vec<&str> = cycle.iter().map(name).collect();
        let first = cycle.first().and_then(|at| self.apps.get(*at));
        let span = first.and_then(|of| of.app.span);
        let span = span.map(|span| Span { end: span.start + 1, ..span });
        self.report.push(self.source.at(bases::in_a_cycle(&names, "app"), span));
    }
}

/// What others have of an app that they extend.
fn without_name<'n>(app: &InFile<'n>) -> InFile<'n> {
    let is_kept = |entry: &&Entry| meaning(&entry.key) != "name";
    let entries = app.entries.iter().filter(is_kept).cloned().collect();
    InFile { entries, ..app.clone() }
}
