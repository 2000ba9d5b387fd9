//! What to do about an error that a process file throws: a command that tells more, or mends it.

use std::path::Path;

use super::engine::Engine;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::value::Span;

/// Adds our advice. What Node lists of the modules on the way is left out: the place says it.
/// `called`: it is thrown by what the file exports, a function, and not by the file itself.
pub(super) fn advised(
    diagnostic: Diagnostic,
    path: &Path,
    called: bool,
    (engine, ctx): (&Engine, &Context),
) -> Diagnostic {
    let pasted = ostler_shell::word(&path.to_string_lossy()).into_owned();
    let message = diagnostic.message.clone();
    let run = engine.name();
    if message.starts_with("SyntaxError") && engine.checks(path) {
        return diagnostic.own_help(format!("`{run} --check {pasted}` tells when it is fixed"));
    }
    let Some(module) = missing(&message) else {
        if called {
            return diagnostic;
        }
        return diagnostic.own_help(format!("`{run} {pasted}` shows which calls led to it"));
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    let said = message.split("\nRequire stack:").next().unwrap_or_default().to_owned();
    diagnostic.own(said).own_help(how_to_get(module, folder, &ctx.cwd))
}

/// Returns where a module is named that an `import` does not find: its stack has no place.
pub(super) fn import(message: &str, text: &str) -> Option<Span> {
    let module = missing(message)?;
    let written = module.rsplit('/').next()?;
    let end_of_word = |rest: &str| rest.starts_with(['\'', '"', '`']);
    let start = text.match_indices(written).map(|(at, _)| at).find(|at| {
        text.get(at + written.len()..).is_some_and(end_of_word)
            && text.get(..*at).is_some_and(|before| before.ends_with(['\'', '"', '`', '/']))
    })?;
    Some(Span { start, end: start + written.len() })
}

/// Returns the module that was not found, as the error names it.
fn missing(message: &str) -> Option<&str> {
    let kinds = ["Cannot find module '", "Cannot find package '"];
    let (_, rest) = kinds.iter().find_map(|kind| message.split_once(kind))?;
    rest.split_once('\'').map(|(module, _)| module)
}

/// Returns the command that brings a package, or shows which files there are.
fn how_to_get(module: &str, folder: &Path, cwd: &Path) -> String {
    if module.starts_with(['.', '/']) {
        let place = folder.join(module);
        let place = place.parent().filter(|place| place.is_dir()).unwrap_or(folder);
        let pasted = ostler_shell::word(&place.to_string_lossy()).into_owned();
        return format!("`ls {pasted}` shows the files that are there");
    }
    let parts = if module.starts_with('@') { 2 } else { 1 };
    let package: Vec<&str> = module.split('/').take(parts).collect();
    let package = ostler_shell::word(&package.join("/")).into_owned();
    if folder == cwd {
        return format!("`npm install {package}` installs it");
    }
    let pasted = ostler_shell::word(&folder.to_string_lossy()).into_owned();
    format!("`npm install --prefix {pasted} {package}` installs it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_is_missing_is_installed_and_a_file_looked_for() {
        let (here, there) = (Path::new("/srv"), Path::new("/"));
        let install = how_to_get("@s/dotenv/config", here, here);
        assert_eq!(install, "`npm install @s/dotenv` installs it");
        let elsewhere = how_to_get("dotenv/config", here, there);
        assert_eq!(elsewhere, "`npm install --prefix /srv dotenv` installs it");
        assert!(how_to_get("./no/x", Path::new("/"), here).starts_with("`ls /` shows"));
    }

    #[test]
    fn an_import_that_finds_nothing_is_pointed_at() {
        let text = "// no.mjs\nimport a from './lib/no.mjs'\n";
        let message = "Error: Cannot find module '/srv/lib/no.mjs' imported from /srv/x.config.mjs";
        let span = import(message, text).unwrap();
        assert_eq!((&text[span.start..span.end], &text[..span.start]), ("no.mjs", &text[..31]));
        assert_eq!(import("Error: something else", text), None);
    }
}
