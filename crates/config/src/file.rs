//! Process files: from their text, and that of the files that they extend, to the apps.

use std::collections::BTreeMap;
use std::path::Path;

use ostler_core::spec::AppSpec;

use crate::attributes::{Attribute, Effect};
use crate::bases;
use crate::chosen::{self, Known};
use crate::context::Context;
use crate::depends;
use crate::diagnostic::{COMMAND_LINE, Diagnostic, IGNORED_OPTION, Severity};
use crate::environment::From;
use crate::fields::{Fields, OfFile};
use crate::inherit;
use crate::options::Options;
use crate::profiles;
use crate::reading::{self, Said, Syntax, Unread};
use crate::remembered;
use crate::resolve;
use crate::script;
use crate::source::SourceText;
use crate::value::Node;

mod app_names;
use app_names::{refuse_names, warn_of_same_names};

/// What to do where there is no process file.
const NO_FILE: &str = "`ostler init` writes a process file, `ostler start app.js` starts a script";

/// The apps of the process file at `path` (relative to the context's `cwd`), and what there is to
/// say about it.
///
/// The apps are those that may be started: none when any value in the file is of the wrong kind;
/// those whose script and interpreter exist when others' do not. PM2 starts them too, and ends with
/// code 1; who starts all or nothing looks for errors. Options apply as in PM2: `namespace`, `cwd`,
/// `uid`, `gid`, `watch`, `filter_env`, `only`, `env`, and arguments after `--`; others given with
/// a file get a warning.
#[must_use]
pub fn load(path: &str, options: &Options, ctx: &Context) -> (Vec<AppSpec>, Vec<Diagnostic>) {
    let Apps { specs, said, .. } = read(path, options, ctx);
    (specs, said)
}

/// As [`load`], with the names also of apps that may not be started.
#[must_use]
pub fn read(path: &str, options: &Options, ctx: &Context) -> Apps {
    read_file(path, ctx, |said, source, absolute| {
        apps(said, source, Some(absolute), (options, ctx))
    })
    .unwrap_or_else(Apps::unread)
}

/// Does something with what the process file at `path` says, and where that is.
fn read_file<T>(
    path: &str,
    ctx: &Context,
    act: impl FnOnce(Said, SourceText<'_>, &Path) -> T,
) -> Result<T, Diagnostic> {
    let absolute = ctx.absolute(&ctx.cwd, path);
    let (syntax, text) = text_of(path, &absolute)?;
    let source = SourceText::new(path, &text);
    let said = reading::read(syntax, &absolute, source, ctx)?;
    Ok(act(said, source, &absolute))
}

/// As [`load`], of a text that was read elsewhere, such as from standard input. `origin`: what
/// diagnostics call it, [`STANDARD_INPUT`](crate::STANDARD_INPUT) there.
#[must_use]
pub fn load_text(
    text: &str,
    origin: &str,
    options: &Options,
    ctx: &Context,
) -> (Vec<AppSpec>, Vec<Diagnostic>) {
    let Apps { specs, said, .. } = read_text(text, origin, options, ctx);
    (specs, said)
}

/// As [`read`], of a text that was read elsewhere.
#[must_use]
pub fn read_text(text: &str, origin: &str, options: &Options, ctx: &Context) -> Apps {
    let source = SourceText::new(origin, text);
    match reading::read_unnamed(source, ctx) {
        Ok(said) => apps(said, source, None, (options, ctx)),
        Err(diagnostic) => Apps::unread(diagnostic),
    }
}

/// What became of a process file.
#[derive(Debug)]
pub struct Apps {
    /// Those of its apps that may be started.
    pub specs: Vec<AppSpec>,
    /// The names of all that are meant.
    pub names: Vec<String>,
    /// What there is to say about it.
    pub said: Vec<Diagnostic>,
}

impl Apps {
    fn unread(why: Diagnostic) -> Self {
        Self { specs: Vec::new(), names: Vec::new(), said: vec![why] }
    }
}

/// An app of a file that has profiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfProfiles {
    /// Name of the app.
    pub name: String,
    /// The namespace of the app.
    pub namespace: String,
    /// Names of its profiles.
    pub profiles: Vec<String>,
}

impl OfProfiles {
    /// Whether it is the app of this name.
    #[must_use]
    pub fn is(&self, name: &str, namespace: &str) -> bool {
        self.name == name && self.namespace == namespace
    }
}

/// Returns the apps of the process file at `path` that have profiles; none when it cannot be read.
#[must_use]
pub fn of_profiles(path: &str, options: &Options, ctx: &Context) -> Vec<OfProfiles> {
    let with = |all: &[Fields<'_>], names: &[String]| {
        let apps = all.iter().zip(names).filter_map(|(fields, name)| {
            let profiles = profiles::of(fields);
            let namespace = fields.text("namespace").unwrap_or("default").to_owned();
            let name = name.clone();
            (!profiles.is_empty()).then_some(OfProfiles { name, namespace, profiles })
        });
        apps.collect()
    };
    all_of_file(path, options, ctx, with).unwrap_or_default()
}

/// Does something with what the process file at `path` holds, bases included: with what is said of
/// a key beside its apps.
pub(crate) fn with_key<T>(
    (path, key): (&str, &str),
    ctx: &Context,
    act: impl FnOnce(Option<&Node>, SourceText<'_>) -> T,
) -> Result<T, Vec<Diagnostic>> {
    let of_key = |said: Said, source: SourceText<'_>, absolute: &Path| {
        let mut report = Vec::new();
        let files = bases::gather(said, source, Some(absolute), ctx, &mut report);
        if report.iter().any(Diagnostic::is_error) {
            return Err(report);
        }
        let source = SourceText { bases: &files.bases, ..source };
        let value = inherit::of_key(files.list.iter().filter_map(|file| file.said.root.get(key)));
        Ok(act(value.as_ref(), source))
    };
    read_file(path, ctx, of_key).map_err(|said| vec![said])?
}

/// Reads a process file; its language is by its name.
fn text_of(path: &str, absolute: &Path) -> Result<(Syntax, String), Diagnostic> {
    let syntax = reading::syntax(path).unwrap_or(Syntax::Json);
    match reading::text(absolute) {
        Ok(text) => Ok((syntax, text)),
        Err(Unread::Missing) => {
            let diagnostic = Diagnostic::error("no-file", format!("File {path} not found"))
                .own(format!("there is no file `{path}`"));
            let help = format!("it is looked for at {}", absolute.display());
            Err(script::or_near(diagnostic.help(help), absolute, NO_FILE).origin(path))
        }
        Err(Unread::Other(message)) => {
            let diagnostic =
                Diagnostic::error("unreadable", format!("cannot read {path}: {message}"));
            Err(diagnostic.origin(path))
        }
    }
}

fn apps(
    said: Said,
    source: SourceText<'_>,
    path: Option<&Path>,
    (options, ctx): (&Options, &Context),
) -> Apps {
    let mut report = Vec::new();
    let resolved = remembered::during(|| {
        with_all(said, (source, path), (options, ctx), &mut report, |of, report| {
            resolved(of, options, ctx, report)
        })
    });
    let mut said = said_once(report);
    let (mut specs, names) = resolved.unwrap_or_default();
    if options.strict && refuse_warnings(&mut said) {
        specs.clear();
    }
    Apps { specs, names, said }
}

/// Makes every warning an error; returns whether there was one.
fn refuse_warnings(report: &mut [Diagnostic]) -> bool {
    let warnings = report.iter_mut().filter(|of| of.severity == Severity::Warning);
    let refuse = |of: &mut Diagnostic| {
        of.severity = Severity::Error;
        // Nothing is passed over any more.
        let shorter = of.own_message().strip_suffix(" is ignored").map(str::to_owned);
        if shorter.is_some() {
            of.ours.message = shorter;
        }
    };
    warnings.map(refuse).count() != 0
}

/// All apps of a file, as they are written.
struct All<'a> {
    fields: Vec<Fields<'a>>,
    names: Vec<String>,
    /// The file with what it extends.
    source: SourceText<'a>,
    /// Variables of `deploy.<env>.env`.
    deploy: Option<&'a Node>,
}

/// Does something with all apps of the process file at `path`, as far as it can be read.
fn all_of_file<T>(
    path: &str,
    options: &Options,
    ctx: &Context,
    act: impl FnOnce(&[Fields<'_>], &[String]) -> T,
) -> Option<T> {
    let all = |said: Said, source: SourceText<'_>, absolute: &Path| {
        let mut report = Vec::new();
        let act = |of: All<'_>, _: &mut Vec<Diagnostic>| act(&of.fields, &of.names);
        with_all(said, (source, Some(absolute)), (options, ctx), &mut report, act)
    };
    read_file(path, ctx, all).ok().flatten()
}

/// Complaints about what stands there, whatever a base that cannot be read says beside it.
const OF_ITS_OWN: [&str; 10] = [
    "bad-cron",
    "bad-name",
    "doubled-key",
    "no-signal",
    "too-large",
    "too-many",
    "too-small",
    "unknown-key",
    "wrong-form",
    "wrong-type",
];

/// Does something with all apps of a file, unless one that it extends cannot be read.
fn with_all<T>(
    said: Said,
    (source, path): (SourceText<'_>, Option<&Path>),
    (options, ctx): (&Options, &Context),
    report: &mut Vec<Diagnostic>,
    act: impl FnOnce(All<'_>, &mut Vec<Diagnostic>) -> T,
) -> Option<T> {
    let files = bases::gather(said, source, path, ctx, report);
    let is_whole = !report.iter().any(Diagnostic::is_error);
    let known = report.len();
    let source = SourceText { bases: &files.bases, ..source };
    let shape = inherit::merge(&files, options.env.as_deref(), source, ctx, report);
    options.refuse_not_yet(report);
    let over = applicable(options, report);
    let mut fields = Vec::new();
    for at in 0..shape.apps.len() {
        let of = OfFile { source, apps: &shape.apps, at, strict: !ctx.as_pm2 };
        let mut app = Fields::of_file(of, report);
        app.add_options(over.clone(), report);
        fields.push(app);
    }
    let names = fields.iter().map(|of| resolve::written_name(of, ctx)).collect();
    let done = act(All { fields, names, source, deploy: shape.deploy.as_deref() }, report);
    if !is_whole {
        // Without a base nobody knows what the apps lack.
        let rest = report.split_off(known);
        report.extend(rest.into_iter().filter(|of| OF_ITS_OWN.contains(&of.code)));
    }
    is_whole.then_some(done)
}

/// Returns those apps of a file that are meant and may be started, and the names also of those that
/// are meant and may not.
fn resolved(
    of: All<'_>,
    options: &Options,
    ctx: &Context,
    report: &mut Vec<Diagnostic>,
) -> (Vec<AppSpec>, Vec<String>) {
    let All { fields, names, source, deploy } = of;
    let apps = Known { all: &fields, names: &names };
    let chosen = chosen::choose(apps, options, (source, ctx), report);
    depends::check(apps, &chosen, ctx, report);
    let chosen = fields.into_iter().zip(names).zip(chosen.is_chosen);
    let (chosen, names): (Vec<Fields<'_>>, Vec<String>) =
        chosen.filter_map(|(of, is)| is.then_some(of)).unzip();
    // PM2 says nothing of names.
    if !ctx.as_pm2 {
        warn_of_same_names(&chosen, &names, report);
        refuse_names(&chosen, &names, report);
    }
    // A wrong kind of value anywhere starts nothing; what is found out by looking at the machine
    // stops only its own app.
    let valid = !report.iter().any(Diagnostic::is_error);
    let from = From::File { env: options.env.as_deref(), deploy };
    let mut specs = Vec::new();
    for fields in &chosen {
        let before = report.len();
        let spec = resolve::resolve(fields, from, ctx, report);
        let clean = !report.iter().skip(before).any(Diagnostic::is_error);
        specs.extend(spec.filter(|_| valid && clean));
    }
    (depends::in_order(specs), names)
}

/// What several apps have from one place is complained about once.
fn said_once(report: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut once: Vec<Diagnostic> = Vec::with_capacity(report.len());
    // Where what is alike may be: a text may have tens of thousands of places.
    let mut places: BTreeMap<(usize, usize, &str), Vec<usize>> = BTreeMap::new();
    for said in report {
        if let Some(place) = &said.place {
            let there = places.entry((place.line, place.column, said.code)).or_default();
            if there.iter().any(|at| once.get(*at) == Some(&said)) {
                continue;
            }
            there.push(once.len());
        }
        once.push(said);
    }
    once
}

/// Options that go over a file's values. PM2 ignores all others silently; here that is said.
fn applicable(options: &Options, report: &mut Vec<Diagnostic>) -> Vec<(&'static Attribute, Node)> {
    let (apply, ignored): (Vec<_>, Vec<_>) =
        options.values().into_iter().partition(|(key, _)| key.over_file);
    let acted_on = |key: &Attribute| matches!(key.effect, Effect::Acts | Effect::Kept);
    for (attribute, _) in ignored.into_iter().filter(|(key, _)| acted_on(key)) {
        let name = attribute.name;
        let message = format!("the option for \"{name}\" is ignored with a process file");
        let flag = options.flag_of(attribute).and_then(|flag| flag.long.first());
        let option = flag.copied().unwrap_or(name);
        let diagnostic = Diagnostic::warning(IGNORED_OPTION, message)
            .own(format!("`--{option}` changes nothing of what a process file says"))
            .help(format!("set `{name}` in the file"));
        report.push(diagnostic.origin(COMMAND_LINE));
    }
    apply
}
