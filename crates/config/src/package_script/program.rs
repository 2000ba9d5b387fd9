//! The file behind a line's program: a script for Node, or what else is in
//! `node_modules/.bin` or `PATH`.

use std::path::{Path, PathBuf};

use super::Line;
use crate::context::{Context, clean, is_executable};
use crate::head;
use crate::interpreter::{self, Interpreter};

/// Bytes of a program that are looked at: a shell's wrapper of a script is no longer.
const HEAD: u64 = 16 << 10;

/// Options of Node that take the next word as their value.
const WITH_VALUE: [&str; 9] = [
    "-r",
    "--require",
    "--import",
    "--loader",
    "--experimental-loader",
    "-C",
    "--conditions",
    "--env-file",
    "--title",
];

/// A program that can be run without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// The file of the program.
    pub path: PathBuf,
    /// What runs it.
    pub interpreter: Interpreter,
    /// The program's arguments.
    pub args: Vec<String>,
}

/// Finds the program of a line. `root` is the folder it runs in, `node` what runs scripts.
///
/// # Errors
/// There is none, as a phrase.
pub(super) fn find(
    line: Line,
    root: &Path,
    node: &Interpreter,
    ctx: &Context,
) -> Result<Program, String> {
    let mut words = line.words.into_iter();
    let name = words.next().unwrap_or_default();
    if matches!(name.rsplit('/').next(), Some("node" | "nodejs")) {
        return node_script(words, root, node);
    }
    let path = in_packages(&name, root)
        .or_else(|| ctx.find_program_from(&name, root))
        .ok_or_else(|| format!("there is no program `{name}` in `node_modules/.bin` or PATH"))?;
    let args: Vec<String> = words.collect();
    let path = path.canonicalize().map_err(|error| format!("`{name}` is not readable: {error}"))?;
    let head = head(&path);
    if let Some(script) = wrapped(&head, &path) {
        let interpreter = node.clone();
        return Ok(Program { path: script, interpreter, args });
    }
    if let Some(options) = node_options(&head) {
        let mut interpreter = node.clone();
        interpreter.args.extend(options);
        return Ok(Program { path, interpreter, args });
    }
    let interpreter = interpreter::choose(&path, None, root, ctx)
        .map_err(|said| said.own_message().to_owned())?;
    Ok(Program { path, interpreter, args })
}

/// The script that a file of `node_modules/.bin` wraps, with these arguments.
pub(super) fn wrapped_by(path: &Path, args: &[String], node: &Interpreter) -> Option<Program> {
    let path = wrapped(&head(path), path)?;
    Some(Program { path, interpreter: node.clone(), args: args.to_vec() })
}

/// The file of a program of the packages.
fn in_packages(name: &str, root: &Path) -> Option<PathBuf> {
    if name.contains('/') {
        return None;
    }
    let files = root.ancestors().map(|folder| folder.join("node_modules/.bin").join(name));
    files.into_iter().find(|path| is_executable(path))
}

/// `node OPTIONS FILE ARGUMENTS`.
fn node_script(
    mut words: impl Iterator<Item = String>,
    root: &Path,
    node: &Interpreter,
) -> Result<Program, String> {
    let mut interpreter = node.clone();
    while let Some(word) = words.next() {
        if matches!(word.as_str(), "-e" | "--eval" | "-p" | "--print" | "-c" | "-i" | "-" | "--run")
        {
            return Err(format!("`node {word}` runs no file"));
        }
        if WITH_VALUE.contains(&word.as_str()) {
            interpreter.args.push(word);
            interpreter.args.extend(words.next());
        } else if word.starts_with('-') && word != "--" {
            interpreter.args.push(word);
        } else if word != "--" {
            let written = clean(&root.join(&word));
            let with_ending = ["", ".js", ".cjs"].map(|end| {
                let mut path = written.clone().into_os_string();
                path.push(end);
                PathBuf::from(path)
            });
            // A folder is run by its `main`.
            let found = with_ending.into_iter().find(|path| path.is_file());
            let path = found.or_else(|| written.is_dir().then_some(written.clone()));
            let path = path.ok_or_else(|| format!("there is no file `{}`", written.display()))?;
            return Ok(Program { path, interpreter, args: words.collect() });
        }
    }
    Err("`node` runs no file".to_owned())
}

/// What cannot be read is no script, which is said then.
fn head(path: &Path) -> Vec<u8> {
    head::head(path, HEAD).unwrap_or_default()
}

/// Options that the first line of a script gives Node; `None` when it does not name Node and its
/// name does not say that it is one for it.
fn node_options(head: &[u8]) -> Option<Vec<String>> {
    let line = head::named_program(head)?;
    let mut words = line.split_ascii_whitespace();
    let is_node = |word: &&str| matches!(word.rsplit('/').next(), Some("node" | "nodejs"));
    words.by_ref().take(4).find(is_node)?;
    Some(words.map(str::to_owned).collect())
}

/// The script that a shell's wrapper in `node_modules/.bin` runs with Node: pnpm and others put
/// such a file there instead of a link.
fn wrapped(head: &[u8], path: &Path) -> Option<PathBuf> {
    let text = std::str::from_utf8(head).ok()?;
    let is_shell = text.lines().next().is_some_and(|line| line.ends_with("sh"));
    let place = is_shell.then(|| text.lines().rev().find(|line| line.contains("node")))??;
    let (_, quoted) = place.split_once("\"$basedir/").filter(|_| place.contains("\"$@\""))?;
    let targets = quoted.split("\"$basedir/").filter_map(|part| part.split('"').next());
    let folder = path.parent()?;
    let mut files = targets.map(|target| clean(&folder.join(target)));
    files.find(|file| file.is_file() && node_options(&self::head(file)).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_script_names_node_and_its_options() {
        let options = |text: &str| node_options(text.as_bytes()).map(|all| all.join(" "));
        assert_eq!(options("#!/usr/bin/env node\n").as_deref(), Some(""));
        assert_eq!(options("#!/usr/bin/node --no-warnings\nx").as_deref(), Some("--no-warnings"));
        assert_eq!(options("#!/usr/bin/env -S node --a b\n").as_deref(), Some("--a b"));
        assert_eq!(options("#!/bin/sh\nexec node x"), None);
        assert_eq!(options("node"), None);
    }

    #[test]
    fn the_script_behind_a_wrapper_of_the_shell_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("node_modules/.bin/next");
        let script = dir.path().join("node_modules/next/dist/bin/next");
        std::fs::create_dir_all(bin.parent().unwrap()).unwrap();
        std::fs::create_dir_all(script.parent().unwrap()).unwrap();
        std::fs::write(&script, "#!/usr/bin/env node\n").unwrap();
        let text = "#!/bin/sh\nbasedir=$(dirname \"$0\")\nif [ -x \"$basedir/node\" ]; then\n  \
            exec \"$basedir/node\"  \"$basedir/../next/dist/bin/next\" \"$@\"\nelse\n  \
            exec node  \"$basedir/../next/dist/bin/next\" \"$@\"\nfi\n";
        assert_eq!(wrapped(text.as_bytes(), &bin), Some(script));
        assert_eq!(wrapped(b"#!/bin/sh\nexec node \"$1\"\n", &bin), None);
    }
}
