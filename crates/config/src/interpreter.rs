//! Which program runs a script: what was asked for, else by the file's extension, else by looking
//! at its first bytes.

use std::path::{Path, PathBuf};

use crate::context::{Context, is_executable};
use crate::diagnostic::Diagnostic;
use crate::head::{head, named_program};
use crate::package;
use crate::python;
use crate::remembered;

/// Bytes of a file that are looked at.
const HEAD: u64 = 512;

/// What runs a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// The program; `None` executes the script itself.
    pub program: Option<String>,
    /// Arguments it needs before all others.
    pub args: Vec<String>,
}

impl Interpreter {
    fn program(program: impl Into<String>) -> Self {
        Self { program: Some(program.into()), args: Vec::new() }
    }

    /// Whether its cluster workers speak Node's protocol.
    pub(crate) fn is_node_like(&self) -> bool {
        self.program.as_deref().is_some_and(|program| {
            let name = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or("");
            name.ends_with("node") || name.ends_with("bun")
        })
    }

    /// Its name, if it is of another language than those of Node's cluster. What executes itself,
    /// and a shell, may start a Node.
    pub(crate) fn other_language(&self) -> Option<&str> {
        let name = Path::new(self.program.as_deref()?).file_name()?.to_str()?;
        OTHERS.iter().any(|other| name.starts_with(other)).then_some(name)
    }
}

/// How the names of interpreters begin whose programs cannot be workers of Node's cluster.
const OTHERS: [&str; 9] =
    ["python", "pypy", "ruby", "perl", "php", "lua", "java", "Rscript", "julia"];

/// The interpreter of `script`.
pub(crate) fn choose(
    script: &Path,
    asked: Option<&str>,
    cwd: &Path,
    ctx: &Context,
) -> Result<Interpreter, Diagnostic> {
    let found = match asked {
        Some("none") => execute(script),
        Some(AUTO) => automatic(script, cwd, ctx),
        Some(asked) if asked.starts_with("node@") => node_version(asked, ctx),
        Some(asked) => available(asked, cwd, ctx).map(Interpreter::program),
        None => usual(script, cwd, ctx),
    }?;
    if found.is_node_like() && remembered::is_folder(script) && package::main(script).is_none() {
        let message = format!("there is nothing to run in the directory {}", script.display());
        let help = "name the file to run, or make it `index.js` or the `main` of `package.json`";
        let own = format!("there is nothing to run in the directory `{}`", script.display());
        return Err(Diagnostic::error("is-directory", message).own(own).help(help));
    }
    Ok(found)
}

/// The interpreter is the one that the app's folder says.
pub(crate) const AUTO: &str = "auto";

/// As without a word, but for the Python of the app's folder.
fn automatic(script: &Path, cwd: &Path, ctx: &Context) -> Result<Interpreter, Diagnostic> {
    let is_python = script.extension().is_some_and(|end| end == "py");
    let found = python::of_folder(cwd, ctx).filter(|_| is_python);
    match found {
        Some((program, args)) => Ok(Interpreter { program: Some(program), args }),
        None => usual(script, cwd, ctx),
    }
}

/// The interpreter where no word says which.
fn usual(script: &Path, cwd: &Path, ctx: &Context) -> Result<Interpreter, Diagnostic> {
    if remembered::is_folder(script) { node(cwd, ctx) } else { by_extension(script, cwd, ctx) }
}

fn execute(script: &Path) -> Result<Interpreter, Diagnostic> {
    if is_executable(script) {
        return Ok(Interpreter::default());
    }
    let message = format!("script is not executable: {}", script.display());
    let shown = script.to_string_lossy();
    let pasted = ostler_shell::word(&shown);
    let help = format!("run `chmod +x {pasted}`, or name an interpreter");
    let own = format!("the script `{}` is not executable", script.display());
    Err(Diagnostic::error("not-executable", message).own(own).help(help))
}

/// The program as it was named when it exists.
fn available(program: &str, cwd: &Path, ctx: &Context) -> Result<String, Diagnostic> {
    match ctx.find_program_from(program, cwd) {
        // A relative path must go on to mean the same file.
        Some(found) if program.contains('/') => Ok(found.to_string_lossy().into_owned()),
        Some(_) => Ok(program.to_owned()),
        None => Err(missing(program)),
    }
}

fn missing(program: &str) -> Diagnostic {
    let message = format!(
        "Interpreter {program} is NOT AVAILABLE in PATH. (type 'which {program}' to double check.)"
    );
    let error = Diagnostic::error("no-interpreter", message);
    if program.contains('/') {
        let name = program.rsplit('/').next().unwrap_or(program);
        let pasted = ostler_shell::word(name);
        return error
            .own(format!("the interpreter `{program}` is not there, or cannot be executed"))
            .help(format!("`command -v {pasted}` tells where another one is"));
    }
    error
        .own(format!("the interpreter `{program}` is not in PATH"))
        .help(format!("install `{program}`, or give its path as `interpreter`"))
}

fn by_extension(script: &Path, cwd: &Path, ctx: &Context) -> Result<Interpreter, Diagnostic> {
    let extension = script.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let named = match extension {
        "js" => "node",
        "sh" => "bash",
        "py" if ctx.find_program("python").is_none() && ctx.find_program("python3").is_some() => {
            "python3"
        }
        "py" => "python",
        "rb" => "ruby",
        "php" => "php",
        "pl" => "perl",
        "coffee" => "coffee",
        "ls" => "lsc",
        "tsx" => "bun",
        "ts" => return typescript(ctx),
        _ => return by_content(script, cwd, ctx),
    };
    available(named, cwd, ctx).map(Interpreter::program)
}

fn by_content(script: &Path, cwd: &Path, ctx: &Context) -> Result<Interpreter, Diagnostic> {
    let head = head(script, HEAD).map_err(|error| {
        let message = format!("cannot read the script {}: {error}", script.display());
        let own = format!("cannot read the script `{}`: {error}", script.display());
        Diagnostic::error("unreadable", message).own(own).help("check its permissions")
    })?;
    if is_binary(&head) || (names_another_program(&head) && is_executable(script)) {
        return execute(script);
    }
    node(cwd, ctx)
}

/// The Node that the caller has.
pub(crate) fn node(cwd: &Path, ctx: &Context) -> Result<Interpreter, Diagnostic> {
    match &ctx.node {
        Some(node) => Ok(Interpreter::program(node.to_string_lossy())),
        None => match ctx.find_program("node") {
            Some(node) => Ok(Interpreter::program(node.to_string_lossy())),
            None => available("node", cwd, ctx).map(Interpreter::program),
        },
    }
}

/// Whether these first bytes are no text: a NUL, or more than a tenth that no text has.
pub(crate) fn is_binary(head: &[u8]) -> bool {
    // The cut at 512 bytes may fall inside a character: only what cannot become UTF-8 counts.
    let odd = head.utf8_chunks().map(|chunk| {
        let control =
            chunk.valid().bytes().filter(|b| *b < 0x20 && !matches!(b, 0x07..=0x0d | 0x1b)).count();
        control + chunk.invalid().len()
    });
    head.contains(&0) || odd.sum::<usize>() * 10 > head.len()
}

/// Whether the file says itself (`#!`) that something else than Node runs it. PM2 gives such a file
/// to Node, which can only fail.
fn names_another_program(head: &[u8]) -> bool {
    // A folder may be called so as well: `/srv/node-and-python/.venv/bin/python`.
    let is_node = |word: &str| {
        let name = word.rsplit('/').next().unwrap_or_default();
        name.contains("node") || name.starts_with("bun")
    };
    named_program(head).is_some_and(|line| !line.split_whitespace().any(is_node))
}

/// Bun when it is there, else a Node that reads types itself.
fn typescript(ctx: &Context) -> Result<Interpreter, Diagnostic> {
    if ctx.find_program("bun").is_some() {
        return Ok(Interpreter::program("bun"));
    }
    let Some(node) = ctx.node.clone().or_else(|| ctx.find_program("node")) else {
        return Err(missing("bun"));
    };
    match types(&node, ctx) {
        Types::Stripped => Ok(Interpreter::program("node")),
        Types::OnDemand => {
            let args = vec!["--experimental-strip-types".to_owned()];
            Ok(Interpreter { program: Some("node".to_owned()), args })
        }
        Types::No(found) => {
            let found = found.map_or_else(
                || "its version cannot be read".to_owned(),
                |found| format!("this is {found}"),
            );
            let message = format!("TypeScript needs bun, or Node 22.6 or newer: {found}");
            Err(Diagnostic::error("no-interpreter", message)
                .help("install bun or a newer Node, or compile the script first"))
        }
    }
}

/// What a Node does with types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Types {
    /// It strips them.
    Stripped,
    /// It strips them if it is told to.
    OnDemand,
    /// It cannot; this is its version, where it tells it.
    No(Option<String>),
}

/// Returns what this Node does with types.
pub(crate) fn types(node: &Path, ctx: &Context) -> Types {
    let said = ctx.version_of(node);
    let text = said.as_deref().unwrap_or_default().trim_start_matches('v');
    let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version >= (23, 6) || (version.0 == 22 && version.1 >= 18) {
        return Types::Stripped;
    }
    if version >= (22, 6) {
        return Types::OnDemand;
    }
    Types::No(said)
}

/// `node@20` or `node@20.11.1`: the newest such version that nvm has installed.
fn node_version(asked: &str, ctx: &Context) -> Result<Interpreter, Diagnostic> {
    let wanted = asked.trim_start_matches("node@").trim_start_matches('v');
    let home = |folder: &str| ctx.env.get("HOME").map(|home| Path::new(home).join(folder));
    let nvm =
        ctx.env.get("NVM_DIR").map(PathBuf::from).or_else(|| home(".nvm")).unwrap_or_default();
    let numbers = |name: &str| {
        name.trim_start_matches('v')
            .split('.')
            .map(|n| n.parse::<u32>().unwrap_or(0))
            .collect::<Vec<_>>()
    };
    let installed = std::fs::read_dir(nvm.join("versions/node")).into_iter().flatten().flatten();
    let newest = installed
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| numbers(name).starts_with(&numbers(wanted)))
        .max_by_key(|name| numbers(name));
    let binary = newest
        .map(|name| nvm.join("versions/node").join(name).join("bin/node"))
        .filter(|path| is_executable(path));
    match binary {
        Some(binary) => Ok(Interpreter::program(binary.to_string_lossy())),
        None => {
            let message = format!("Node `{wanted}` is not installed below {}", nvm.display());
            Err(Diagnostic::error("no-interpreter", message)
                .help(format!("run `nvm install {wanted}`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binaries_are_told_from_texts() {
        assert!(is_binary(b"\x7fELF\x02\x01\x01\0\0"));
        assert!(is_binary(&[0xff, 0xfe, 0x41, 0x42]));
        assert!(!is_binary(b"console.log('x')\n\t"));
        assert!(!is_binary("// é ü ß 漢字".repeat(20).as_bytes()));
        assert!(!is_binary(&"漢".repeat(200).as_bytes()[..512]));
        assert!(!is_binary(b""));
    }

    #[test]
    fn a_first_line_may_name_another_program() {
        assert!(names_another_program(b"#!/usr/bin/env python3\nprint(1)"));
        assert!(!names_another_program(b"#!/usr/bin/env node\n"));
        assert!(!names_another_program(b"#!/usr/bin/env -S node --enable-source-maps\n"));
        assert!(!names_another_program(b"#!/opt/node-24/bin/node24 --harmony\n"));
        // A program of Python in a folder `python-node` was given to Node.
        assert!(names_another_program(b"#!/srv/python-node/.venv/bin/python\nimport x\n"));
        assert!(!names_another_program(b"console.log(1)"));
    }
}
