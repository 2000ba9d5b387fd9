//! What a `script` means: a file, a directory, a program in `PATH`, or a line for the shell.

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::python;

/// The script of an app that serves a folder.
pub const SERVE: &str = "serve";

/// The argument by which the program knows that it is to serve a folder.
pub const SERVE_ARGUMENT: &str = "static-files";

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The absolute path of it.
    pub path: PathBuf,
    /// Arguments that replace all others: the script is a line for the shell at `path`.
    pub args: Option<Vec<String>>,
    /// Name when none is given.
    pub name: String,
}

/// Finds what `script` means in `cwd`.
pub(crate) fn find(script: &str, cwd: &Path, ctx: &Context) -> Result<Target, Diagnostic> {
    if let Some(path) = ctx.server.as_ref().filter(|_| script == SERVE) {
        let (path, args) = (path.clone(), Some(vec![SERVE_ARGUMENT.to_owned()]));
        return Ok(Target { path, args, name: SERVE.to_owned() });
    }
    let path = ctx.absolute(cwd, script);
    match std::fs::metadata(&path) {
        // A folder and a program may share a name: `start test`.
        Ok(meta)
            if meta.is_dir()
                && (script.contains('/')
                    || matches!(script, "." | ".." | "~")
                    || ctx.find_program(script).is_none()) =>
        {
            return Ok(Target { name: name_of_directory(&path), path, args: None });
        }
        Ok(meta) if !meta.is_dir() => return Ok(Target { name: name_of(&path), path, args: None }),
        Ok(_) | Err(_) => {}
    }
    if script.trim().contains(char::is_whitespace) {
        if !ctx.as_pm2 && is_path_of_none(script, cwd, ctx) {
            return Err(missing(&path, cwd));
        }
        return shell(script, ctx);
    }
    match program(script, cwd, ctx) {
        Some(path) => Ok(Target { name: name_of(&path), path, args: None }),
        None => Err(missing(&path, cwd)),
    }
}

/// Returns the program of this name: in `PATH`, else of the Python that is beside the app, which
/// nobody has put into `PATH`.
fn program(name: &str, cwd: &Path, ctx: &Context) -> Option<PathBuf> {
    if name.contains('/') {
        return None;
    }
    let beside = || python::program(name, cwd).filter(|_| !ctx.as_pm2);
    ctx.find_program(name).or_else(beside)
}

/// Whether a word is the name of a program for an app in `cwd`, and of nothing that lies there.
#[must_use]
pub fn is_program(word: &str, cwd: Option<&str>, ctx: &Context) -> bool {
    let cwd = cwd.map_or_else(|| ctx.cwd.clone(), |cwd| ctx.absolute(&ctx.cwd, cwd));
    let is_there = || ctx.absolute(&cwd, word).exists();
    !word.trim().contains(char::is_whitespace) && !is_there() && program(word, &cwd, ctx).is_some()
}

/// Whether what has blanks is the path of a script that is not there, and no line for the shell: it
/// ends as a script does and begins with no command. PM2 gives it to the shell, again and again.
fn is_path_of_none(script: &str, cwd: &Path, ctx: &Context) -> bool {
    let Some(first) = script.split_whitespace().next() else { return false };
    let is_plain = first.chars().all(|c| c.is_alphanumeric() || "._-/".contains(c));
    ends_as_script(script.trim())
        && is_plain
        && !BUILTINS.contains(&first)
        && ctx.find_program_from(first, cwd).is_none()
}

/// Whether a word ends as the name of a script does.
#[must_use]
pub fn ends_as_script(word: &str) -> bool {
    let ends = Path::new(word).extension().and_then(|of| of.to_str());
    ends.is_some_and(|ends| SCRIPTS.contains(&ends))
}

/// How the names of scripts end.
const SCRIPTS: &[&str] =
    &["js", "mjs", "cjs", "ts", "mts", "cts", "jsx", "tsx", "py", "rb", "pl", "php", "sh", "lua"];

/// Words that are commands to a shell, and no programs.
const BUILTINS: &[&str] = &[
    ".", ":", "alias", "builtin", "case", "cd", "command", "coproc", "declare", "env", "eval",
    "exec", "export", "for", "function", "if", "local", "printf", "pushd", "read", "readonly",
    "select", "set", "shopt", "source", "test", "time", "trap", "typeset", "ulimit", "umask",
    "unset", "until", "wait", "while",
];

/// There is no such script, or no such folder that it would be in.
fn missing(path: &Path, cwd: &Path) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("no-script", format!("Script not found: {}", path.display()));
    let help = near_name(path).map(|near| format!("did you mean `{near}`?"));
    let diagnostic = diagnostic.help(help.unwrap_or_else(|| LOOKED_FOR.to_owned()));
    let diagnostic = or_near(diagnostic, path, LOOKED_FOR);
    if is_below(path, cwd) {
        let pasted = ostler_shell::word(&cwd.to_string_lossy()).into_owned();
        return diagnostic
            .own(format!("there is no directory `{}`, which is the app's `cwd`", cwd.display()))
            .own_help(format!("`mkdir -p {pasted}` makes it"));
    }
    diagnostic.own(format!("there is no script `{}`", path.display()))
}

/// Whether a path is one of a folder that is not there.
fn is_below(path: &Path, folder: &Path) -> bool {
    path.starts_with(folder) && !folder.is_dir()
}

/// Whether a script is not there, since the folder is not in which it would be.
pub(crate) fn lacks_folder(script: &str, cwd: &Path, ctx: &Context) -> bool {
    is_below(&ctx.absolute(cwd, script), cwd)
}

/// Adds to what is said of a script that is not there the line that finds it, where it lies beside
/// the process file: it is looked for from where the command is run.
pub(crate) fn beside(
    diagnostic: Diagnostic,
    script: &str,
    (file, cwd): (Option<&str>, Option<&str>),
    ctx: &Context,
) -> Diagnostic {
    let path = Path::new(file.unwrap_or_default());
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return diagnostic };
    let there = ctx.cwd.join(folder).join(cwd.unwrap_or("."));
    let is_here = folder.as_os_str().is_empty() || Path::new(script).is_absolute();
    if is_here || !there.join(script).is_file() {
        return diagnostic;
    }
    let pasted_folder = ostler_shell::word(&folder.to_string_lossy()).into_owned();
    let pasted_name = ostler_shell::word(&name.to_string_lossy()).into_owned();
    diagnostic.own_help(format!(
        "it lies beside the file: `cd {pasted_folder} && ostler start {pasted_name}` finds it there"
    ))
}

/// Where the script of a process file is looked for.
const LOOKED_FOR: &str = "a script is looked for in the app's `cwd`, then in PATH";

/// The same of a word of the command line, which may also be the name of an app.
pub(crate) fn of_command_line(diagnostic: Diagnostic) -> Diagnostic {
    if diagnostic.own_advice() != Some(LOOKED_FOR) {
        return diagnostic;
    }
    diagnostic
        .own_help("name a script, as in `ostler start app.js`; `ostler list` shows what there is")
}

fn shell(line: &str, ctx: &Context) -> Result<Target, Diagnostic> {
    let Some(path) = ctx.find_program("bash").or_else(|| ctx.find_program("sh")) else {
        let diagnostic = Diagnostic::error(
            "no-interpreter",
            format!("neither `bash` nor `sh` is in PATH to run `{line}`"),
        );
        return Err(diagnostic.help("name one program without blanks, and its arguments as `args`"));
    };
    Ok(Target { path, args: Some(vec!["-c".to_owned(), line.to_owned()]), name: line.to_owned() })
}

/// Returns the name of an app that was given none: the file name of its script without the last
/// extension in it.
#[must_use]
pub fn name_of(path: &Path) -> String {
    path.file_stem()
        .map_or_else(|| path.to_string_lossy(), |stem| stem.to_string_lossy())
        .into_owned()
}

/// Returns the name of an app that runs a directory: the directory's own.
pub(crate) fn name_of_directory(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Asks for a near name in the same folder, where there is one. Where there is none, the advice is
/// `help`, as it stands.
pub(crate) fn or_near(mut diagnostic: Diagnostic, path: &Path, help: &str) -> Diagnostic {
    let Some(near) = near_name(path) else { return diagnostic.own_help(help) };
    let asks = format!("did you mean `{}`?", ostler_shell::word(&near));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    diagnostic.ours.meant = Some((name, near));
    diagnostic.own_help(asks)
}

/// Returns the name of a file in the same folder that was probably meant. An ending says what a
/// file is, not which: the rest must be near, and what ends otherwise is called the same.
fn near_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let (stem, ending) = parts(name);
    let entries = std::fs::read_dir(path.parent()?).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let near = names.filter(|near| near != name).filter_map(|near| {
        let (other, its_ending) = parts(&near);
        let far = crate::suggest::distance(&stem.to_lowercase(), &other.to_lowercase());
        let longer = stem.chars().count().max(other.chars().count());
        let begins = |one: &str, other: &str| 1 < one.len() && other.starts_with(one);
        let is_near = far <= (longer / 3).min(3) || begins(stem, other) || begins(other, stem);
        let is_meant = if ending == its_ending { is_near } else { far == 0 };
        is_meant.then_some((far, near))
    });
    near.min().map(|(_, near)| near)
}

/// The name of a file before its ending, and the ending: `ecosystem`, `.config.js`.
fn parts(name: &str) -> (&str, &str) {
    let dot = name.char_indices().skip(1).find(|(_, c)| *c == '.').map(|(at, _)| at);
    name.split_at(dot.unwrap_or(name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `start nope.js` proposed `one.js`, and `validate zz.yaml` proposed `b.yaml`.
    #[test]
    fn a_file_is_proposed_for_a_slip_of_its_name_and_not_for_its_ending() {
        let folder = tempfile::tempdir().unwrap();
        let files =
            ["one.js", "b.yaml", "app.js", "ecosystem.config.js", "it's mine.sh", "tab\there.js"];
        for name in files {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let check = |typed: &str, meant: Option<&str>| {
            let said = or_near(Diagnostic::error("e", ""), &folder.path().join(typed), "none");
            let meant = meant.map_or("none".into(), |name| format!("did you mean `{name}`?"));
            assert_eq!(said.own_advice(), Some(meant.as_str()), "{typed}");
        };
        for typed in ["nope.js", "zz.yaml", "z.yaml", "x.js", "a.py", "two.json", "nothing"] {
            check(typed, None);
        }
        check("ap.js", Some("app.js"));
        check("App.js", Some("app.js"));
        check("app.ts", Some("app.js"));
        check("application.js", Some("app.js"));
        check("oen.js", Some("one.js"));
        check("ecosytem.config.js", Some("ecosystem.config.js"));
        check("ecosystem.config.cjs", Some("ecosystem.config.js"));
        check("its mine.sh", Some(r"'it'\''s mine.sh'"));
        check("tab here.js", Some(r"$'tab\there.js'"));
    }
}
