//! Process files that are programs: `ecosystem.config.js` is run by Node, Bun or Deno, and what it
//! exports comes back as JSON.
//!
//! The result takes a way of its own (descriptor 3), so that `console.log` in the file goes to the
//! terminal and cannot break it. Functions are called and promises awaited, which PM2 does not; a
//! default export is unwrapped.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::place::Place;
use crate::source::SourceText;
use crate::value::{Node, Span};

mod engine;
mod thrown;

use engine::Engine;

/// Longest time a file may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Longest result taken, bytes.
const LARGEST: u64 = 16 << 20;

/// Loads the file, unwraps what it exports, writes one line of JSON to descriptor 3 and ends,
/// whatever the file left open.
const PROGRAM: &str = include_str!("evaluate.cjs");

/// What the file at `path` exports.
pub(crate) fn run(
    path: &Path,
    source: SourceText<'_>,
    ctx: &Context,
    limit: Duration,
) -> Result<Node, Diagnostic> {
    evaluate(Subject::File(path), source, ctx, limit)
}

/// What a text means that stands where JSON is expected: an expression of JavaScript. `None` when
/// it is none either, or Node is not there to tell.
pub(crate) fn expression(
    source: SourceText<'_>,
    ctx: &Context,
    limit: Duration,
) -> Option<Result<Node, Diagnostic>> {
    match evaluate(Subject::Expression, source, ctx, limit) {
        Err(said) if said.code == "no-node" || said.message.starts_with("SyntaxError") => None,
        result => Some(result),
    }
}

/// What is evaluated.
#[derive(Clone, Copy)]
enum Subject<'a> {
    /// A program that exports something.
    File(&'a Path),
    /// The text itself.
    Expression,
}

impl<'a> Subject<'a> {
    fn file(self) -> Option<&'a Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Expression => None,
        }
    }
}

fn evaluate(
    subject: Subject<'_>,
    source: SourceText<'_>,
    ctx: &Context,
    limit: Duration,
) -> Result<Node, Diagnostic> {
    let place = |diagnostic: Diagnostic| source.at(diagnostic, None);
    let engine = Engine::find(subject.file(), ctx).map_err(place)?;
    let mut child = spawn(&engine, subject, source, ctx).map_err(|error| {
        let program = engine.program.display();
        place(Diagnostic::error("no-node", format!("cannot run `{program}`: {error}")))
    })?;
    let line = read_line(&mut child, limit);
    if !matches!(line, Line::Whole(_)) {
        // It may have ended by itself already; then there is nothing to kill.
        let _ = child.kill();
    }
    let status = child.wait();
    match line {
        Line::Whole(text) => understand(&text, subject, source, &engine, ctx),
        Line::Late => {
            let diagnostic = Diagnostic::error(
                "timeout",
                format!("the file was still running after {} s", limit.as_secs()),
            );
            Err(place(diagnostic.help(concat!(
                "a process file should only build its list of apps; ",
                "look for a wait that never ends",
            ))))
        }
        Line::None => {
            let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            let diagnostic = Diagnostic::error(
                "no-result",
                format!("{} ended before the file exported anything ({how})", engine.title()),
            );
            Err(place(diagnostic.help(format!(
                "does it wait for a promise that nothing settles, or call `process.exit`? \
                     {}'s own message, if any, is above",
                engine.title()
            ))))
        }
        Line::Failed(error) => Err(place(Diagnostic::error(
            "no-result",
            format!("cannot read what the file exports: {error}"),
        ))),
    }
}

fn spawn(
    engine: &Engine,
    subject: Subject<'_>,
    source: SourceText<'_>,
    ctx: &Context,
) -> std::io::Result<Child> {
    let mut command = Command::new("/bin/sh");
    // The shell only moves descriptors: 3 is the pipe to us, and what the file prints goes to
    // standard error. It then becomes Node, so that killing the child kills that.
    command
        .args(["-c", "exec \"$@\" 3>&1 1>&2", "sh"])
        .arg(&engine.program)
        .args(&engine.args)
        .args([PROGRAM, "--"])
        .env_clear()
        .envs(&ctx.env)
        .current_dir(&ctx.cwd)
        .stdout(Stdio::piped());
    match subject {
        Subject::File(path) => command.arg(path).stdin(Stdio::null()).spawn(),
        Subject::Expression => {
            let mut child = command.args(["-", source.origin]).stdin(Stdio::piped()).spawn()?;
            // Whoever does not read all of it says so by its answer, or by giving none.
            _ = child.stdin.take().map(|mut pipe| pipe.write_all(source.text.as_bytes()));
            Ok(child)
        }
    }
}

enum Line {
    Whole(String),
    None,
    Late,
    Failed(std::io::Error),
}

fn read_line(child: &mut Child, limit: Duration) -> Line {
    let Some(pipe) = child.stdout.take() else { return Line::None };
    let (sender, receiver) = mpsc::channel();
    // The thread ends when the pipe does; after a timeout that may be later than we do, and nobody
    // waits for it.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = BufReader::new(pipe.take(LARGEST)).read_until(b'\n', &mut bytes);
        // The receiver is gone after a timeout.
        let _ = sender.send(read.map(|_| bytes));
    });
    match receiver.recv_timeout(limit) {
        Ok(Ok(bytes)) if bytes.ends_with(b"\n") => {
            Line::Whole(String::from_utf8_lossy(&bytes).into_owned())
        }
        Ok(Ok(_)) => Line::None,
        Ok(Err(error)) => Line::Failed(error),
        Err(_) => Line::Late,
    }
}

/// `{"value": …}`, or `{"error": {"message", "stack"}}`.
fn understand(
    line: &str,
    subject: Subject<'_>,
    source: SourceText<'_>,
    engine: &Engine,
    ctx: &Context,
) -> Result<Node, Diagnostic> {
    let answer: serde_json::Value = serde_json::from_str(line).map_err(|error| {
        source.at(
            Diagnostic::error("no-result", format!("what the file exports is not JSON: {error}")),
            None,
        )
    })?;
    if let Some(value) = answer.get("value") {
        return Ok(Node::from_json(value));
    }
    let text = |key: &str| {
        answer.get("error").and_then(|error| error.get(key)?.as_str()).unwrap_or("").to_owned()
    };
    let mut message = text("message");
    if message.is_empty() {
        "the file threw something without a message".clone_into(&mut message);
    }
    let stack = text("stack");
    let mut diagnostic = source.at(Diagnostic::error("threw", message), None);
    diagnostic.place =
        found(&diagnostic.message, &stack, subject, source, || checked(subject, engine, ctx));
    Err(match subject {
        Subject::File(path) => {
            let called = answer.get("error").and_then(|error| error.get("called")?.as_bool());
            thrown::advised(diagnostic, path, called == Some(true), (engine, ctx))
        }
        Subject::Expression => diagnostic,
    })
}

/// Where it is thrown. `checked` says what Node's own checker does: the stack of an ES module's
/// syntax error has no place.
fn found(
    message: &str,
    stack: &str,
    subject: Subject<'_>,
    source: SourceText<'_>,
    checked: impl FnOnce() -> String,
) -> Option<Box<Place>> {
    let is_syntax = message.starts_with("SyntaxError");
    if is_syntax && message.ends_with("Unexpected end of input") {
        // Node tells a line, and marks a blank one.
        let end = source.text.trim_end().len();
        return Some(Box::new(Place::of(source.text, end, end)));
    }
    let at = match subject {
        Subject::Expression => position(stack, &[Path::new(source.origin)]),
        Subject::File(path) => {
            let real = std::fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
            let files = [path, &real];
            let by_stack = position(stack, &files);
            by_stack.or_else(|| position(&is_syntax.then(checked)?, &files))
        }
    };
    let of_import = || {
        let Span { start, end } = thrown::import(message, source.text)?;
        Some(Place::of(source.text, start, end))
    };
    let at = at.map(|(line, column, length)| place(source.text, line, column, length));
    at.or_else(of_import).map(Box::new)
}

/// What `node --check` says; nothing when it cannot be run, since a place is all that is lost.
fn checked(subject: Subject<'_>, engine: &Engine, ctx: &Context) -> String {
    let Some(path) = subject.file().filter(|path| engine.checks(path)) else {
        return String::new();
    };
    let output = Command::new(&engine.program)
        .arg("--check")
        .arg(path)
        .env_clear()
        .envs(&ctx.env)
        .stdin(Stdio::null())
        .output();
    output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).unwrap_or_default()
}

/// Line, column and length of the first place in one of `files` that a stack names.
///
/// A syntax error has `/path/file.js:3` with the line and carets below it,
/// a throw `(/path/file.js:3:7)`.
fn position(stack: &str, files: &[&Path]) -> Option<(usize, usize, usize)> {
    // A list of modules names it as well, without a line.
    let is_place = |rest: &str| {
        rest.strip_prefix(':').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let (at, name) = files.iter().map(|file| file.to_string_lossy()).find_map(|name| {
        let named = stack.match_indices(&*name).map(|(at, _)| at);
        let mut placed = named.filter(|at| stack.get(at + name.len()..).is_some_and(is_place));
        Some((placed.next()?, name))
    })?;
    let mut rest =
        stack.get(at + name.len()..)?.strip_prefix(':')?.split(|c: char| !c.is_ascii_digit());
    let line = rest.next()?.parse().ok()?;
    let after = stack.get(at + name.len()..)?.lines().next().unwrap_or("");
    let column = after.split(':').nth(2).and_then(|text| text.trim_end_matches(')').parse().ok());
    if let Some(column) = column {
        return Some((line, column, 1));
    }
    let carets = stack
        .get(at..)?
        .lines()
        .take(4)
        .find(|line| !line.trim().is_empty() && line.trim().bytes().all(|b| b == b'^'));
    let carets = carets.unwrap_or("^");
    Some((line, carets.chars().take_while(|c| *c == ' ').count() + 1, carets.trim().len()))
}

fn place(text: &str, line: usize, column: usize, length: usize) -> Place {
    let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or("").to_owned();
    Place {
        line,
        column: column.clamp(1, shown.chars().count() + 1),
        length: length.max(1),
        text: shown,
        skipped: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_in_stacks() {
        let file = Path::new("/a/x.config.js");
        let files = [file];
        assert_eq!(
            position("/a/x.config.js:3\n  foo bar\n      ^^^\n\nSyntaxError: no", &files),
            Some((3, 7, 3))
        );
        assert_eq!(
            position("Error: x\n    at Object.<anonymous> (/a/x.config.js:2:7)\n", &files),
            Some((2, 7, 1))
        );
        assert_eq!(
            position("Error: x\n    at file:///a/x.config.js:12:9\n", &files),
            Some((12, 9, 1))
        );
        assert_eq!(position("Error: elsewhere", &files), None);
        let module = "Error: Cannot find module './no'\nRequire stack:\n- /a/x.config.js\n    at \
                      Object.<anonymous> (/a/x.config.js:4:11)\n";
        assert_eq!(position(module, &files), Some((4, 11, 1)));
    }

    #[test]
    fn a_file_that_never_ends_is_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("e.config.js");
        std::fs::write(&path, "for (;;);").unwrap();
        let ctx = Context {
            home: dir.path().into(),
            cwd: dir.path().into(),
            env: std::env::vars().collect(),
            cpus: 1,
            username: String::new(),
            euid: 1000,
            node: None,
            etc: "/etc".into(),
            log_files: true,
            server: None,
            listed: Some(std::collections::BTreeSet::new()),
            as_pm2: false,
        };
        let source = SourceText::new("e.config.js", "");
        let error = run(&path, source, &ctx, Duration::from_millis(300)).unwrap_err();
        assert!(error.message.contains("still running"), "{error}");
    }
}
