//! One finished command, and the builder that says what it must have printed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use crate::sandbox::Sandbox;
use crate::wait::{pidfd, timespec};

/// How long a command may take when the test does not say.
pub const LIMIT: Duration = Duration::from_secs(60);
/// How long the pipes may stay open after the command itself ended.
const PIPE_LIMIT: Duration = Duration::from_secs(5);

/// The result of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Exit code; `-N` when it was ended by signal N.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
    /// Somebody (a daemon?) still held the command's output open 5 s after it had ended: `$(ostler
    /// …)` would hang.
    pub held_open: bool,
}

impl Output {
    /// Panics unless the code is 0 and the pipes were closed. Returns itself, for further
    /// assertions to follow.
    #[track_caller]
    pub fn success(self) -> Self {
        assert!(self.code == 0, "exit code {}\n{}", self.code, self.shown());
        assert!(!self.held_open, "a child of the command kept its output open\n{}", self.shown());
        self
    }

    fn shown(&self) -> String {
        format!("-- stdout\n{}\n-- stderr\n{}", self.out, self.err)
    }
}

/// A call of `ostler` being put together: input and expected output. Nothing happens before
/// [`Ostler::run`] is called.
#[must_use = "nothing happens before `.run()`"]
pub struct Ostler<'a> {
    sandbox: &'a Sandbox,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    cwd: Option<OsString>,
    stdin: Vec<u8>,
    limit: Duration,
    code: Option<i32>,
    out: Option<String>,
    err: Option<String>,
    has: Vec<String>,
    masks: Vec<(String, String)>,
}

impl<'a> Ostler<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox) -> Self {
        let masks = vec![(sandbox.root().display().to_string(), "[ROOT]".to_owned())];
        Self {
            sandbox,
            args: Vec::new(),
            env: Vec::new(),
            cwd: None,
            stdin: Vec::new(),
            limit: LIMIT,
            code: Some(0),
            out: None,
            err: None,
            has: Vec::new(),
            masks,
        }
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments behind those that are there.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets a variable for this call.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Removes a variable for this call.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), None));
        self
    }

    /// Runs in this folder instead of the sandbox's work folder.
    pub fn cwd(mut self, dir: impl AsRef<Path>) -> Self {
        self.cwd = Some(dir.as_ref().as_os_str().to_owned());
        self
    }

    /// Gives this on standard input (nothing by default).
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        bytes.as_ref().clone_into(&mut self.stdin);
        self
    }

    /// Ends the test when the command takes longer.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Expects this exit code (0 when not said).
    pub fn code(mut self, code: i32) -> Self {
        self.code = Some(code);
        self
    }

    /// Accepts any exit code.
    pub fn any_code(mut self) -> Self {
        self.code = None;
        self
    }

    /// Expects exactly this on standard output, after the masks.
    pub fn stdout(mut self, text: impl Into<String>) -> Self {
        self.out = Some(text.into());
        self
    }

    /// Expects exactly this on standard error, after the masks.
    pub fn stderr(mut self, text: impl Into<String>) -> Self {
        self.err = Some(text.into());
        self
    }

    /// Expects this somewhere in either stream, after the masks.
    pub fn shows(mut self, part: impl Into<String>) -> Self {
        self.has.push(part.into());
        self
    }

    /// Replaces `from` by `to` in the output before it is compared. (The folder of the sandbox is
    /// always replaced by `[ROOT]`.)
    pub fn mask(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.masks.push((from.into(), to.into()));
        self
    }

    /// Runs it, checks what was expected, and gives the masked output.
    #[track_caller]
    pub fn run(self) -> Output {
        let mut command = self.sandbox.command();
        command.args(&self.args);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        let raw = finish(command, &self.stdin, self.limit);
        let mask = |text: &str| {
            self.masks.iter().fold(text.to_owned(), |t, (from, to)| t.replace(from, to))
        };
        let output = Output { out: mask(&raw.out), err: mask(&raw.err), ..raw };
        let said = || {
            format!("`ostler {}`\n{}", self.args.join(OsStr::new(" ")).display(), output.shown())
        };
        assert!(!output.held_open, "a child kept the output open after the end of {}", said());
        if let Some(code) = self.code {
            assert!(
                output.code == code,
                "exit code {} instead of {code} of {}",
                output.code,
                said()
            );
        }
        if let Some(out) = &self.out {
            assert!(
                *out == output.out,
                "other standard output than expected of {}\n-- expected\n{out}",
                said()
            );
        }
        if let Some(err) = &self.err {
            assert!(
                *err == output.err,
                "other standard error than expected of {}\n-- expected\n{err}",
                said()
            );
        }
        for part in &self.has {
            assert!(
                output.out.contains(part) || output.err.contains(part),
                "no `{part}` in {}",
                said()
            );
        }
        output
    }
}

/// Runs a command to its end; kills it and panics when it takes longer than `limit`.
#[track_caller]
pub fn finish(mut command: Command, stdin: &[u8], limit: Duration) -> Output {
    let shown = format!("{command:?}");
    let given = if stdin.is_empty() { Stdio::null() } else { Stdio::piped() };
    command.stdin(given).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot run {shown}: {e}"));
    // A command that does not read its input breaks the pipe; what it prints says why.
    let mut input = child.stdin.take();
    if let Some(pipe) = &mut input {
        let _broken_pipe_is_the_commands_business = pipe.write_all(stdin);
    }
    drop(input);
    let ended = pidfd(child.id()).expect("a child that was not waited for has a pidfd");
    let mut out = Pipe::new(OwnedFd::from(child.stdout.take().unwrap()));
    let mut err = Pipe::new(OwnedFd::from(child.stderr.take().unwrap()));
    let late = !pump(&mut out, &mut err, Some(&ended), limit);
    if late {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let closed = pump(&mut out, &mut err, None, PIPE_LIMIT);
    let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or(0));
    let output = Output { code, out: out.text(), err: err.text(), held_open: !closed };
    assert!(!late, "{shown} took longer than {limit:?}\n{}", output.shown());
    output
}

struct Pipe {
    file: Option<File>,
    bytes: Vec<u8>,
}

impl Pipe {
    fn new(fd: OwnedFd) -> Self {
        fcntl_setfl(&fd, fcntl_getfl(&fd).unwrap() | OFlags::NONBLOCK).unwrap();
        Self { file: Some(File::from(fd)), bytes: Vec::new() }
    }

    fn read(&mut self) {
        let Some(file) = &mut self.file else { return };
        match file.read_to_end(&mut self.bytes) {
            Ok(_) => self.file = None,
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(e) => panic!("reading a command's output: {e}"),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Reads both pipes until `until` is readable, or (without it) until both are closed. Returns
/// `false` at the limit.
fn pump(out: &mut Pipe, err: &mut Pipe, until: Option<&OwnedFd>, limit: Duration) -> bool {
    let end = Instant::now() + limit;
    loop {
        out.read();
        err.read();
        if until.is_none() && out.file.is_none() && err.file.is_none() {
            return true;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let pipes = [&out.file, &err.file];
        let mut fds: Vec<PollFd<'_>> = until
            .map(AsFd::as_fd)
            .into_iter()
            .chain(pipes.into_iter().flatten().map(AsFd::as_fd))
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        match poll(&mut fds, Some(&timespec(left))) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(e) => panic!("poll: {e}"),
        }
        if until.is_some() && fds.first().is_some_and(|fd| !fd.revents().is_empty()) {
            return true;
        }
    }
}
