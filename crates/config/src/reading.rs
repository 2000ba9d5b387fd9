//! A process file from its path to the value that it is, in whichever language.

use std::path::Path;

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::evaluate;
use crate::json::{self, SyntaxError};
use crate::source::SourceText;
use crate::toml;
use crate::value::Node;
use crate::yaml;

/// The language of a process file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// JSON, with what people write in it.
    Json,
    /// JavaScript or TypeScript, evaluated by Node, Bun or Deno.
    Program,
    /// YAML, of several documents too.
    Yaml,
    /// TOML, of which PM2 knows nothing.
    Toml,
}

/// The origin of a text that comes from no file.
pub const STANDARD_INPUT: &str = "standard input";

/// By the end of the file's *name*: a folder `my.json.d` makes no process file of a script in it.
pub(crate) const SYNTAXES: [(&str, Syntax); 11] = [
    (".json", Syntax::Json),
    (".json5", Syntax::Json),
    (".config.js", Syntax::Program),
    (".config.cjs", Syntax::Program),
    (".config.mjs", Syntax::Program),
    (".config.ts", Syntax::Program),
    (".config.mts", Syntax::Program),
    (".config.cts", Syntax::Program),
    (".yml", Syntax::Yaml),
    (".yaml", Syntax::Yaml),
    (".toml", Syntax::Toml),
];

/// Largest process file read, bytes.
const LARGEST: u64 = 16 << 20;

/// Returns the language of a process file of this name.
pub(crate) fn syntax(arg: &str) -> Option<Syntax> {
    let name = Path::new(arg).file_name()?.to_str()?;
    SYNTAXES.into_iter().find(|(suffix, _)| name.ends_with(suffix)).map(|(_, syntax)| syntax)
}

/// Whether an argument names a process file, by the end of the file's name.
#[must_use]
pub fn is_config_file(arg: &str) -> bool {
    syntax(arg).is_some()
}

/// What is said of a text that is not in its language.
fn syntax_error(error: SyntaxError, source: SourceText<'_>) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("syntax", error.message);
    diagnostic.help = error.help.map(str::to_owned);
    malformed(source.at(diagnostic, Some(source.within(error.span))), source.origin)
}

/// The same in PM2's words, which name the file.
fn malformed(mut diagnostic: Diagnostic, path: &str) -> Diagnostic {
    // The place names the file.
    diagnostic.ours.message = Some(diagnostic.own_message().to_owned());
    diagnostic.message = format!("File {path} malformated: {}", diagnostic.message);
    diagnostic
}

/// What a process file says.
#[derive(Debug)]
pub(crate) struct Said {
    /// The value that it is.
    pub root: Node,
    /// It was evaluated, so that nothing in it has a place.
    pub is_evaluated: bool,
}

impl Said {
    fn parsed(root: Node) -> Self {
        Self { root, is_evaluated: false }
    }
}

/// Returns what a text in this language says, which is the file at `absolute`.
pub(crate) fn read(
    syntax: Syntax,
    absolute: &Path,
    source: SourceText<'_>,
    ctx: &Context,
) -> Result<Said, Diagnostic> {
    refuse_empty(source, ctx)?;
    match syntax {
        Syntax::Program => evaluate::run(absolute, source, ctx, evaluate::LIMIT)
            .map(|root| Said { root, is_evaluated: true })
            .map_err(|diagnostic| malformed(diagnostic, source.origin)),
        Syntax::Json => read_unnamed(source, ctx),
        Syntax::Yaml => parsed(yaml::parse, source),
        Syntax::Toml => parsed(toml::parse, source),
    }
}

/// As [`read`], of a text that says nothing of its language, or says JSON. What is no JSON is
/// evaluated as an expression of JavaScript, as in PM2; under our own name it may be YAML or TOML,
/// as it looks.
pub(crate) fn read_unnamed(source: SourceText<'_>, ctx: &Context) -> Result<Said, Diagnostic> {
    refuse_empty(source, ctx)?;
    let error = match json::parse(source.text) {
        Ok(root) => return Ok(Said::parsed(root)),
        Err(error) => error,
    };
    match looks_like(source.text) {
        Syntax::Toml if !ctx.as_pm2 => return parsed(toml::parse, source),
        Syntax::Yaml if !ctx.as_pm2 => return parsed(yaml::parse, source),
        Syntax::Toml | Syntax::Yaml | Syntax::Json | Syntax::Program => {}
    }
    match evaluate::expression(source, ctx, evaluate::LIMIT) {
        Some(Ok(root)) => Ok(Said { root, is_evaluated: true }),
        Some(Err(said)) => Err(malformed(said, source.origin)),
        // It is no JavaScript either; what is wrong with it as JSON says more.
        None => Err(syntax_error(error, source)),
    }
}

/// Refuses a text that says nothing, in whatever language. PM2 has other words for each.
fn refuse_empty(source: SourceText<'_>, ctx: &Context) -> Result<(), Diagnostic> {
    let is_comment = |line: &str| line.is_empty() || line.starts_with('#') || line == "---";
    if ctx.as_pm2 || !source.text.lines().all(|line| is_comment(line.trim())) {
        return Ok(());
    }
    let what = if source.text.trim().is_empty() { "is empty" } else { "has comments alone" };
    let of = if source.origin == STANDARD_INPUT { STANDARD_INPUT } else { "this file" };
    let said = Diagnostic::error("no-apps", format!("{of} {what}"));
    let help = "write a list `apps`, or one app with a `script`; `ostler init` writes a file";
    Err(said.help(help).origin(source.origin))
}

fn parsed(
    parse: fn(&str) -> Result<Node, SyntaxError>,
    source: SourceText<'_>,
) -> Result<Said, Diagnostic> {
    parse(source.text).map(Said::parsed).map_err(|error| syntax_error(error, source))
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

/// Why a file has no text.
#[derive(Debug)]
pub(crate) enum Unread {
    /// There is no such file.
    Missing,
    /// It is there.
    Other(String),
}

/// Reads a process file.
pub(crate) fn text(path: &Path) -> Result<String, Unread> {
    let other = |message: &str| Err(Unread::Other(message.to_owned()));
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Unread::Missing);
        }
        Err(error) => return Err(Unread::Other(error.to_string())),
        Ok(meta) if meta.is_dir() => return other("it is a directory"),
        // One that nobody writes into would be read for ever.
        Ok(meta) if !meta.is_file() => return other("it is a pipe or a device, and no file"),
        Ok(meta) if meta.len() > LARGEST => return other("it has more than 16 MB"),
        Ok(_) => {}
    }
    match std::fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) => {
            Err(Unread::Other(format!("byte {} is not UTF-8", error.utf8_error().valid_up_to())))
        }
        Err(error) => Err(Unread::Other(error.to_string())),
    }
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
            "x.config.ts",
            "x.config.mts",
            "x.config.cts",
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
            "x.ts",
            "config.ts",
            "json",
            "",
            "/",
            "a.json/",
        ] {
            assert_eq!(is_config_file(no), no == "a.json/", "{no}");
        }
    }
}
