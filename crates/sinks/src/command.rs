//! A command that takes lines on its standard input.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use ostler_core::spec::AppSpec;
use rustix::event::{PollFd, PollFlags, Timespec};

/// How long it is waited for at a time before somebody is asked whether to go on.
pub(crate) const STEP: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// How commands of an app are run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// The folder in which they begin.
    pub cwd: PathBuf,
    /// What is in their environment, and nothing else.
    pub env: BTreeMap<String, String>,
    /// Whose they are; `None`: the daemon's user's.
    pub uid: Option<u32>,
    /// The group that they have.
    pub gid: Option<u32>,
}

impl Runs {
    /// Returns how commands of this app are run.
    #[must_use]
    pub fn of(spec: &AppSpec) -> Self {
        let env = spec.env.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { cwd: spec.cwd.clone(), env: env.collect(), uid: spec.uid, gid: spec.gid }
    }

    /// Returns a shell that is to run this command.
    #[must_use]
    pub fn shell(&self, command: &str) -> std::process::Command {
        let mut shell = std::process::Command::new("/bin/sh");
        shell.arg("-c").arg(command).current_dir(&self.cwd).env_clear().envs(&self.env);
        if let Some(uid) = self.uid {
            shell.uid(uid);
        }
        if let Some(gid) = self.gid {
            shell.gid(gid);
        }
        shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        shell
    }
}

/// A command that runs.
pub(crate) struct Command {
    child: Child,
    input: ChildStdin,
}

impl Command {
    pub(crate) fn start(command: &str, runs: &Runs) -> io::Result<Self> {
        Self::of(runs.shell(command))
    }

    /// Starts a program.
    pub(crate) fn of(mut program: std::process::Command) -> io::Result<Self> {
        let mut child = program.stdin(Stdio::piped()).spawn()?;
        let Some(input) = child.stdin.take() else {
            _ = child.kill();
            _ = child.wait();
            return Err(io::Error::other("it has no standard input"));
        };
        let flags = rustix::fs::fcntl_getfl(&input)? | rustix::fs::OFlags::NONBLOCK;
        rustix::fs::fcntl_setfl(&input, flags)?;
        Ok(Self { child, input })
    }

    /// Gives it all its input, and waits so long at most for its end.
    pub(crate) fn finish(mut self, input: &[u8], limit: Duration) -> io::Result<String> {
        let until = std::time::Instant::now() + limit;
        let left = || until.saturating_duration_since(std::time::Instant::now());
        match self.write(input, &|| left().is_zero()) {
            // It need not read what it is given.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written?,
        }
        self.end_input();
        if !ends_within(&self.child, left())? {
            return Err(io::Error::other(format!("it took more than {} s", limit.as_secs())));
        }
        let status = self.child.wait()?;
        if status.success() {
            return Ok("it ended with exit code 0".to_owned());
        }
        Err(io::Error::other(format!("it ended with {status}")))
    }

    fn end_input(&mut self) {
        // What is written to it from now on nobody reads.
        if let Ok(null) = std::fs::File::options().write(true).open("/dev/null") {
            self.input = ChildStdin::from(OwnedFd::from(null));
        }
    }

    /// Returns what it writes to, as far as that is a pipe of ours.
    pub(crate) fn outputs(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Ends it. One that does not end by itself within a second is killed.
    pub(crate) fn end(&mut self) {
        self.end_input();
        if !self.runs() {
            return;
        }
        if !ends_within(&self.child, Duration::from_secs(1)).unwrap_or(false) {
            _ = self.child.kill();
        }
        _ = self.child.wait();
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Gives it these bytes as soon as it takes them, unless `stop` says that nobody waits.
    pub(crate) fn write(&self, mut bytes: &[u8], stop: &dyn Fn() -> bool) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.input, bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) if stop() => {
                    return Err(io::Error::other("it does not read"));
                }
                Err(rustix::io::Errno::AGAIN) => {
                    let mut polled = [PollFd::new(&self.input, PollFlags::OUT)];
                    rustix::event::poll(&mut polled, Some(&STEP))?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Drop for Command {
    fn drop(&mut self) {
        self.end();
    }
}

/// Waits so long at most for the end of a child. Returns whether it has ended.
///
/// # Errors
/// It cannot be waited for.
pub fn ends_within(child: &Child, limit: Duration) -> io::Result<bool> {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::NotFound)?;
    let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    let ready = rustix::event::poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&limit))?;
    Ok(0 < ready)
}
