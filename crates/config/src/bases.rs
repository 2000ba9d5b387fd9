//! `extends` beside the apps of a process file: other files, whose apps it changes and adds to.
//!
//! Each file is read alone, in its own language. Its places are moved behind those of the files
//! before it, so that every complaint names the file that it is about.

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::reading::{self, Said, Unread};
use crate::script;
use crate::source::{Base, SourceText};
use crate::value::{Entry, Node, Span, Value};

/// The key, of a file and of an app.
pub(crate) const EXTENDS: &str = "extends";
/// Most files that are read for one.
const MOST: usize = 100;
const HELP: &str = "write a path, such as `./base.yaml`, or a list of paths";

/// A process file and all that it extends.
#[derive(Debug)]
pub(crate) struct Files {
    /// The texts of the others, in the order of their places.
    pub bases: Vec<Base>,
    /// What they say. Each comes after those that it extends, the file itself at the end.
    pub list: Vec<File>,
}

/// What one of them says.
#[derive(Debug)]
pub(crate) struct File {
    /// What it says, without its `extends`.
    pub said: Said,
    /// Which of the bases it is; `None` for the process file itself.
    pub base: Option<usize>,
    /// Others say the rest of it, or it says the rest of others.
    pub is_part: bool,
}

/// A file on the way from the first one to the base that is read.
#[derive(Clone, Copy, Debug)]
struct OnTheWay<'a> {
    origin: &'a str,
    path: Option<&'a Path>,
    before: Option<&'a OnTheWay<'a>>,
}

impl<'a> OnTheWay<'a> {
    /// Returns the files that extend each other, when a file at `path` is one of them: from it on.
    fn cycle(&self, path: &Path) -> Option<Vec<&'a str>> {
        let is_it = |of: &OnTheWay<'_>| of.path.is_some_and(|known| is_same(known, path));
        let back = std::iter::successors(Some(*self), |of| of.before.copied());
        let mut names = Vec::new();
        for of in back {
            names.push(of.origin);
            if is_it(&of) {
                names.reverse();
                return Some(names);
            }
        }
        None
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}

/// Reads all that a file extends. `path` is where it is; without one, as of standard input, that
/// is in the working directory.
pub(crate) fn gather(
    said: Said,
    source: SourceText<'_>,
    path: Option<&Path>,
    ctx: &Context,
    report: &mut Vec<Diagnostic>,
) -> Files {
    let files = Files { bases: Vec::new(), list: Vec::new() };
    let mut gathering = Gathering { files, source, ctx, report };
    let way = OnTheWay { origin: source.origin, path, before: None };
    gathering.add(said, None, &way);
    gathering.files
}

struct Gathering<'g> {
    files: Files,
    source: SourceText<'g>,
    ctx: &'g Context,
    report: &'g mut Vec<Diagnostic>,
}

impl Gathering<'_> {
    fn add(&mut self, mut said: Said, base: Option<usize>, way: &OnTheWay<'_>) {
        let entries = taken(&mut said.root);
        let is_part = base.is_some() || !entries.is_empty();
        let known = said.is_evaluated.then(|| self.locate(base, entries.len()));
        for Entry { node, key_span, .. } in &entries {
            let span = known.unwrap_or(node.span.or(*key_span));
            for path in self.paths(node, span) {
                let span = known.unwrap_or(path.span.or(*key_span));
                self.add_base(path.as_text().unwrap_or_default(), span, way);
            }
        }
        self.files.list.push(File { said, base, is_part });
    }

    /// Returns where an evaluated file has its `extends`, as far as that is known.
    fn locate(&self, base: Option<usize>, of: usize) -> Option<Span> {
        let source = self.source();
        let (alone, start) = source.of_base(base);
        let found = alone.locate(EXTENDS, (0, of)).unwrap_or(alone.somewhere());
        Some(found.moved(start))
    }

    /// Returns the paths in a value of `extends`.
    fn paths<'n>(&mut self, node: &'n Node, span: Option<Span>) -> Vec<&'n Node> {
        let all = said(node);
        let is_path = |node: &Node| node.as_text().is_some_and(|text| !text.trim().is_empty());
        for wrong in all.iter().filter(|node| !is_path(node)) {
            let message = format!("`extends` must be a path, but is {}", wrong.shown());
            let said = Diagnostic::error("wrong-type", message).help(HELP);
            self.refuse(said, wrong.span.or(span));
        }
        all.into_iter().filter(|node| is_path(node)).collect()
    }

    fn add_base(&mut self, written: &str, span: Option<Span>, way: &OnTheWay<'_>) {
        let folder = way.path.and_then(Path::parent).unwrap_or(&self.ctx.cwd);
        let path = self.ctx.absolute(folder, written);
        let Some(syntax) = reading::syntax(written) else {
            let message = format!("`{written}` is not a process file, by its name");
            let said = Diagnostic::error("no-base", message);
            let help = "one ends in `.config.js`, `.json`, `.yaml` or `.toml`; an app of a list \
                        may extend another app by its name";
            return self.refuse(said.help(help), span);
        };
        let origin = origin(way.origin, written);
        if let Some(cycle) = way.cycle(&path) {
            return self.refuse(in_a_cycle(&cycle, "file"), span);
        }
        if MOST <= self.files.bases.len() {
            let message = format!("more than {MOST} files are extended");
            let said = Diagnostic::error("extends-cycle", message);
            return self.refuse(said.help("name each file once, where all can see it"), span);
        }
        let text = match reading::text(&path) {
            Ok(text) => text,
            Err(Unread::Missing) => {
                let said = Diagnostic::error("no-base", format!("there is no file `{written}`"));
                let help = format!(
                    "it is looked for at {}: a path is seen from the file that names it",
                    path.display()
                );
                return self.refuse(script::or_near(said.help(help.clone()), &path, &help), span);
            }
            Err(Unread::Other(why)) => {
                let message = format!("cannot read `{written}`: {why}");
                let said = Diagnostic::error("no-base", message);
                return self.refuse(said.help("name a process file"), span);
            }
        };
        self.add_text((origin, text, syntax), &path, way);
    }

    fn add_text(
        &mut self,
        (origin, text, syntax): (String, String, reading::Syntax),
        path: &Path,
        way: &OnTheWay<'_>,
    ) {
        let start = self.files.bases.last().map_or(self.source.end(), Base::end);
        let base = Base { origin, text, start };
        match reading::read(syntax, path, base.alone(), self.ctx) {
            Ok(mut said) => {
                let somewhere = base.alone().somewhere();
                place(&mut said.root, &|span| span.unwrap_or(somewhere).moved(start));
                let at = self.files.bases.len();
                let name = base.origin.clone();
                self.files.bases.push(base);
                let way = OnTheWay { origin: &name, path: Some(path), before: Some(way) };
                self.add(said, Some(at), &way);
            }
            Err(said) => self.report.push(said),
        }
    }

    /// The process file, and the bases that were read so far.
    fn source(&self) -> SourceText<'_> {
        SourceText { bases: &self.files.bases, ..self.source }
    }

    fn refuse(&mut self, said: Diagnostic, span: Option<Span>) {
        let said = self.source().at(said, span);
        self.report.push(said);
    }
}

/// What is said of those that extend each other.
pub(crate) fn in_a_cycle(names: &[&str], what: &str) -> Diagnostic {
    let quoted = |name: &&str| format!("`{name}`");
    let (first, rest) = names.split_first().unwrap_or((&"", &[]));
    let message = if rest.is_empty() {
        format!("{} extends itself", quoted(first))
    } else {
        let on: Vec<String> = rest.iter().chain([first]).map(quoted).collect();
        format!("{} extends {}", quoted(first), on.join(", which extends "))
    };
    Diagnostic::error("extends-cycle", message)
        .help(format!("leave one `extends` out: no {what} can be read before itself"))
}

/// Returns the name of a base, as seen from where the file that names it is seen from.
fn origin(from: &str, written: &str) -> String {
    let written = written.strip_prefix("./").unwrap_or(written);
    if written.starts_with('~') {
        return written.to_owned();
    }
    let folder: PathBuf = Path::new(from).parent().unwrap_or(Path::new("")).to_owned();
    folder.join(written).display().to_string()
}

/// Takes `extends` out of a file: what stands beside its apps, also in a `package.json`.
fn taken(root: &mut Node) -> Vec<Entry> {
    let Value::Object(entries) = &mut root.value else { return Vec::new() };
    let mut found: Vec<Entry> = entries.extract_if(.., |of| of.key == EXTENDS).collect();
    let inner = entries.iter_mut().filter(|of| ["pm2", "ostler"].contains(&of.key.as_str()));
    for entry in inner {
        if let Value::Object(entries) = &mut entry.node.value {
            found.extend(entries.extract_if(.., |of| of.key == EXTENDS));
        }
    }
    found
}

/// Returns what a value of `extends` says: one thing, or those of a list.
pub(crate) fn said(node: &Node) -> Vec<&Node> {
    match &node.value {
        Value::List(items) => items.iter().filter(|item| !item.is_null()).collect(),
        Value::Null | Value::Bool(false) => Vec::new(),
        _ => vec![node],
    }
}

/// Changes every place in a value.
pub(crate) fn place(node: &mut Node, to: &dyn Fn(Option<Span>) -> Span) {
    node.span = Some(to(node.span));
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| place(item, to)),
        Value::Object(entries) => {
            for entry in entries {
                entry.key_span = Some(to(entry.key_span));
                place(&mut entry.node, to);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
    }
}
