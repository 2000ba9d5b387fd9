//! Process files: which arguments are one, and from their text to the apps.

use std::path::Path;

use ostler_core::spec::AppSpec;

use crate::attributes::{Attribute, Effect};
use crate::context::Context;
use crate::depends;
use crate::diagnostic::{COMMAND_LINE, Diagnostic, IGNORED_OPTION};
use crate::environment::From;
use crate::evaluate;
use crate::fields::{Fields, OfFile, SourceText};
use crate::json::{self, SyntaxError};
use crate::options::Options;
use crate::resolve;
use crate::script;
use crate::shape;
use crate::suggest;
use crate::toml;
use crate::value::Node;
use crate::yaml;

mod app_names;
use app_names::{refuse_names, warn_of_same_names};

/// The language of a process file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    Json,
    Program,
    Yaml,
    Toml,
}

/// By the end of the file's *name*: a folder `my.json.d` makes no process file of a script in it.
const SYNTAXES: [(&str, Syntax); 8] = [
    (".json", Syntax::Json),
    (".json5", Syntax::Json),
    (".config.js", Syntax::Program),
    (".config.cjs", Syntax::Program),
    (".config.mjs", Syntax::Program),
    (".yml", Syntax::Yaml),
    (".yaml", Syntax::Yaml),
    (".toml", Syntax::Toml),
];

/// Largest process file read, bytes.
const LARGEST: u64 = 16 << 20;

fn syntax(arg: &str) -> Option<Syntax> {
    let name = Path::new(arg).file_name()?.to_str()?;
    SYNTAXES.into_iter().find(|(suffix, _)| name.ends_with(suffix)).map(|(_, syntax)| syntax)
}

/// Whether an argument names a process file, by the end of the file's name.
#[must_use]
pub fn is_config_file(arg: &str) -> bool {
    syntax(arg).is_some()
}

/// The apps of the process file at `path` (relative to the context's `cwd`), and what there is to
/// say about it.
///
/// The apps are those that may be started: none when any value in the file is of the wrong kind;
/// those whose script and interpreter exist when others' do not (PM2 starts them too, and ends with
/// code 1). Options apply as in PM2: `namespace`, `cwd`, `uid`, `gid`, `watch`, `filter_env`,
/// `only`, `env`, and arguments after `--`; others given with a file get a warning.
#[must_use]
pub fn load(path: &str, options: &Options, ctx: &Context) -> (Vec<AppSpec>, Vec<Diagnostic>) {
    let absolute = ctx.absolute(&ctx.cwd, path);
    let fail = |diagnostic| (Vec::new(), vec![diagnostic]);
    match text_of(path, &absolute) {
        Ok((Syntax::Program, text)) => {
            let source = SourceText { origin: path, text: &text };
            match evaluate::run(&absolute, source, ctx, evaluate::LIMIT) {
                Ok(root) => apps(&root, source, options, ctx),
                Err(diagnostic) => fail(malformed(diagnostic, path)),
            }
        }
        Ok((Syntax::Json, text)) => load_text(&text, path, options, ctx),
        Ok((Syntax::Yaml, text)) => {
            of_parsed(yaml::parse(&text), SourceText { origin: path, text: &text }, options, ctx)
        }
        Ok((Syntax::Toml, text)) => {
            of_parsed(toml::parse(&text), SourceText { origin: path, text: &text }, options, ctx)
        }
        Err(diagnostic) => fail(diagnostic),
    }
}

fn of_parsed(
    root: Result<Node, SyntaxError>,
    source: SourceText<'_>,
    options: &Options,
    ctx: &Context,
) -> (Vec<AppSpec>, Vec<Diagnostic>) {
    match root {
        Ok(root) => apps(&root, source, options, ctx),
        Err(error) => (Vec::new(), vec![malformed(syntax_error(error, source), source.origin)]),
    }
}

/// What is said of a text that is not in its language.
fn syntax_error(error: SyntaxError, source: SourceText<'_>) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("syntax", error.message);
    diagnostic.help = error.help.map(str::to_owned);
    source.at(diagnostic, Some(source.within(error.span)))
}

/// Does something with what the process file at `path` holds.
pub(crate) fn with_root<T>(
    path: &str,
    ctx: &Context,
    act: impl FnOnce(&Node, SourceText<'_>) -> T,
) -> Result<T, Diagnostic> {
    let absolute = ctx.absolute(&ctx.cwd, path);
    let (syntax, text) = text_of(path, &absolute)?;
    let source = SourceText { origin: path, text: &text };
    let of = |parse: fn(&str) -> Result<Node, SyntaxError>| {
        parse(&text).map_err(|error| syntax_error(error, source))
    };
    let root = match syntax {
        Syntax::Program => evaluate::run(&absolute, source, ctx, evaluate::LIMIT),
        Syntax::Json => of(json::parse),
        Syntax::Yaml => of(yaml::parse),
        Syntax::Toml => of(toml::parse),
    };
    root.map(|root| act(&root, source)).map_err(|diagnostic| malformed(diagnostic, path))
}

/// What to do where there is no process file.
const NO_FILE: &str = "`ostler init` writes a process file, `ostler start app.js` starts a script";

/// Reads a process file; its syntax is by its name.
fn text_of(path: &str, absolute: &Path) -> Result<(Syntax, String), Diagnostic> {
    let syntax = syntax(path).unwrap_or(Syntax::Json);
    match read(absolute) {
        Ok(text) => Ok((syntax, text)),
        Err(ReadError::Missing) => {
            let diagnostic = Diagnostic::error("no-file", format!("File {path} not found"))
                .own(format!("there is no file `{path}`"));
            let help = format!("it is looked for at {}", absolute.display());
            Err(script::or_near(diagnostic.help(help), absolute, NO_FILE).origin(path))
        }
        Err(ReadError::Other(message)) => {
            let diagnostic =
                Diagnostic::error("unreadable", format!("cannot read {path}: {message}"));
            Err(diagnostic.origin(path))
        }
    }
}

/// As [`load`], of a text that was read elsewhere (standard input). In diagnostics it is called
/// `origin`. What is no JSON is evaluated as an expression of JavaScript, as in PM2; under our own
/// name it may be YAML or TOML as well.
#[must_use]
pub fn load_text(
    text: &str,
    origin: &str,
    options: &Options,
    ctx: &Context,
) -> (Vec<AppSpec>, Vec<Diagnostic>) {
    let source = SourceText { origin, text };
    let error = match json::parse(text) {
        Ok(root) => return apps(&root, source, options, ctx),
        Err(error) => error,
    };
    match looks_like(text) {
        Syntax::Toml if !ctx.as_pm2 => return of_parsed(toml::parse(text), source, options, ctx),
        Syntax::Yaml if !ctx.as_pm2 => return of_parsed(yaml::parse(text), source, options, ctx),
        Syntax::Toml | Syntax::Yaml | Syntax::Json | Syntax::Program => {}
    }
    match evaluate::expression(source, ctx, evaluate::LIMIT) {
        Some(Ok(root)) => apps(&root, source, options, ctx),
        Some(Err(said)) => (Vec::new(), vec![malformed(said, origin)]),
        // It is no JavaScript either; what is wrong with it as JSON says more.
        None => of_parsed(Err(error), source, options, ctx),
    }
}

/// The language of a text without a name, by the first line that says something.
fn looks_like(text: &str) -> Syntax {
    let said = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let line = text.trim_start_matches('\u{feff}').lines().map(str::trim).find(said);
    let line = line.unwrap_or_default();
    let is_key = |end: char| {
        let key = line.split_once(end).map_or("", |(key, _)| key.trim());
        !key.is_empty() && key.chars().all(|one| one.is_alphanumeric() || "_-.\"'".contains(one))
    };
    let is_table = line.starts_with('[') && line.ends_with(']') && !line.contains([',', '{', ':']);
    if is_table || is_key('=') && !line.ends_with('{') {
        Syntax::Toml
    } else if line == "---" || line.starts_with("- ") || is_key(':') {
        Syntax::Yaml
    } else {
        Syntax::Json
    }
}

enum ReadError {
    Missing,
    Other(String),
}

fn read(path: &Path) -> Result<String, ReadError> {
    let other = |message: &str| Err(ReadError::Other(message.to_owned()));
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(ReadError::Missing);
        }
        Err(error) => return Err(ReadError::Other(error.to_string())),
        Ok(meta) if meta.is_dir() => return other("it is a directory"),
        // One that nobody writes into would be read for ever.
        Ok(meta) if !meta.is_file() => return other("it is a pipe or a device, and no file"),
        Ok(meta) if meta.len() > LARGEST => return other("it has more than 16 MB"),
        Ok(_) => {}
    }
    match std::fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) => {
            Err(ReadError::Other(format!("byte {} is not UTF-8", error.utf8_error().valid_up_to())))
        }
        Err(error) => Err(ReadError::Other(error.to_string())),
    }
}

fn malformed(mut diagnostic: Diagnostic, path: &str) -> Diagnostic {
    // The place names the file.
    diagnostic.ours.message = Some(diagnostic.own_message().to_owned());
    diagnostic.message = format!("File {path} malformated: {}", diagnostic.message);
    diagnostic
}

fn apps(
    root: &Node,
    source: SourceText<'_>,
    options: &Options,
    ctx: &Context,
) -> (Vec<AppSpec>, Vec<Diagnostic>) {
    let mut report = Vec::new();
    let shape = shape::read(root, options.env.as_deref(), source, &mut report);
    options.refuse_not_yet(&mut report);
    let over = applicable(options, &mut report);
    let mut all = Vec::new();
    for at in 0..shape.apps.len() {
        let of = OfFile { source, apps: &shape.apps, at, strict: !ctx.as_pm2 };
        let mut fields = Fields::of_file(of, &mut report);
        fields.add_options(over.clone(), &mut report);
        all.push(fields);
    }
    let names: Vec<String> = all.iter().map(|fields| resolve::written_name(fields, ctx)).collect();
    let is_chosen = only((&all, &names), &options.only, source, &mut report);
    depends::check(&all, &names, &is_chosen, ctx, &mut report);
    let chosen: Vec<Fields<'_>> =
        all.into_iter().zip(is_chosen).filter_map(|(of, chosen)| chosen.then_some(of)).collect();
    warn_of_same_names(&chosen, ctx, &mut report);
    refuse_names(&chosen, ctx, &mut report);
    // A wrong kind of value anywhere starts nothing; what is found out by looking at the machine
    // stops only its own app.
    let valid = !report.iter().any(Diagnostic::is_error);
    let from = From::File { env: options.env.as_deref(), deploy: shape.deploy };
    let mut specs = Vec::new();
    for fields in &chosen {
        let before = report.len();
        let spec = resolve::resolve(fields, from, ctx, &mut report);
        let clean = !report.iter().skip(before).any(Diagnostic::is_error);
        specs.extend(spec.filter(|_| valid && clean));
    }
    (depends::in_order(specs), report)
}

/// Options that go over a file's values. PM2 ignores all others silently; here that is said.
fn applicable(options: &Options, report: &mut Vec<Diagnostic>) -> Vec<(&'static Attribute, Node)> {
    let (apply, ignored): (Vec<_>, Vec<_>) =
        options.values().into_iter().partition(|(key, _)| key.over_file);
    let acted_on = |key: &Attribute| matches!(key.effect, Effect::Acts | Effect::Kept);
    for (Attribute { name, flags, .. }, _) in ignored.into_iter().filter(|(key, _)| acted_on(key)) {
        let message = format!("the option for \"{name}\" is ignored with a process file");
        let option = flags.first().and_then(|flag| flag.long.first()).unwrap_or(name);
        let diagnostic = Diagnostic::warning(IGNORED_OPTION, message)
            .own(format!("`--{option}` changes nothing of what a process file says"))
            .help(format!("set `{name}` in the file"));
        report.push(diagnostic.origin(COMMAND_LINE));
    }
    apply
}

/// Whether `--only` names them, of all apps with their names.
fn only(
    (all, known): (&[Fields<'_>], &[String]),
    names: &[String],
    source: SourceText<'_>,
    report: &mut Vec<Diagnostic>,
) -> Vec<bool> {
    let wanted: Vec<&str> = names
        .iter()
        .flat_map(|name| name.split([',', ' ']))
        .filter(|name| !name.is_empty())
        .collect();
    if wanted.is_empty() {
        return vec![true; all.len()];
    }
    for name in wanted.iter().filter(|name| !known.iter().any(|known| known == *name)) {
        let diagnostic =
            Diagnostic::error("no-app", format!("no app of this file is called `{name}`"));
        let help = match suggest::nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!(
                    "the file has {}",
                    known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
                )
            }
        };
        report.push(source.at(diagnostic.help(help), None));
    }
    known.iter().map(|name| wanted.contains(&name.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_name_is_of_the_language_that_it_looks_like() {
        for (text, syntax) in [
            ("{ apps: [", Syntax::Json),
            ("[{", Syntax::Json),
            ("[1]", Syntax::Toml),
            ("module.exports = {", Syntax::Json),
            ("# a\n\napps:\n  - name: a", Syntax::Yaml),
            ("---\nscript: a.js", Syntax::Yaml),
            ("- script: a.js", Syntax::Yaml),
            ("[[apps]]\nscript = 'a.js'", Syntax::Toml),
            ("script = 'a.js'", Syntax::Toml),
            ("\"apps\" = 1", Syntax::Toml),
            ("hello you", Syntax::Json),
            ("", Syntax::Json),
        ] {
            assert_eq!(looks_like(text), syntax, "{text}");
        }
    }

    #[test]
    fn a_process_file_is_known_by_the_end_of_its_name() {
        for yes in [
            "a.json",
            "x/a.json5",
            "ecosystem.config.js",
            "a.config.cjs",
            "a.config.mjs",
            "p.yml",
            "p.yaml",
            "p.toml",
        ] {
            assert!(is_config_file(yes), "{yes}");
        }
        for no in [
            "app.js",
            "my.json.d/app.js",
            "a.json.js",
            "config.js",
            "x.config.ts",
            "json",
            "",
            "/",
            "a.json/",
        ] {
            assert_eq!(is_config_file(no), no == "a.json/", "{no}");
        }
    }
}
