//! Commands of apps and their secrets, each in a thread of its own.
//!
//! A command is a shell in the app's folder, with its variables, secrets and user, in a group of
//! processes of its own. Where its run has a control group, it is moved there before it begins, so
//! that it ends with the app's tree. What it prints goes into the log of the app, each line behind
//! the name of the moment.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ostler_core::RunId;
use ostler_core::spec::{AppSpec, Hook, Hooks as Commands, Secret};
use ostler_sinks::Runs as Shells;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::mailbox::{Mailbox, Sender};
use crate::model::HookRun;
use crate::runs::Secrets;

/// The most bytes of a secret.
const MOST: usize = 64 << 10;
/// How long the command of a secret may take.
const SECRET_LIMIT: Duration = Duration::from_secs(30);
/// What the engine of logs knows the output of commands by is above this.
const SOURCES: u64 = 1 << 63;
/// Waits until it may begin: until it is where it belongs.
const SHELL: &str = "read -r go || exit 126; exec /bin/sh -c \"$1\" </dev/null";

/// The commands that are under way.
#[derive(Debug, Default)]
pub struct Hooks {
    under_way: BTreeMap<u64, (RunId, Arc<Handle>)>,
    next: u64,
}

/// A command is over.
#[derive(Debug)]
pub struct HookDone {
    /// What the engine of logs knows its output by.
    pub source: u64,
    /// How its process is called in a log.
    pub label: String,
    /// The run that it was about.
    pub run: RunId,
    /// The moment at which it was run.
    pub hook: Hook,
    /// What was read, or why it failed.
    pub result: Result<Secrets, String>,
}

/// A way to end a command.
#[derive(Debug, Default)]
struct Handle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    ended: bool,
    group: Option<Pid>,
}

/// A command, as its thread has it.
struct Job {
    of: HookRun,
    folder: Option<PathBuf>,
    handle: Arc<Handle>,
    log: Option<File>,
}

impl Hooks {
    /// Whether the engine of logs knows the output of a command by this.
    pub fn is_source(source: u64) -> bool {
        SOURCES <= source
    }

    /// Returns what the engine of logs is to know the output of the next command by.
    pub fn source(&mut self, wall: u64) -> u64 {
        self.next += 1;
        SOURCES | (wall << 16) | (self.next & 0xffff)
    }

    /// Begins. `log`: where the lines go.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn begin<T: From<HookDone> + Send + 'static>(
        &mut self,
        source: u64,
        of: HookRun,
        (folder, log): (Option<PathBuf>, Option<OwnedFd>),
        mailbox: &Mailbox<T>,
    ) -> io::Result<()> {
        let handle = Arc::new(Handle::default());
        let run = of.run;
        let (label, hook) = (of.label.clone(), of.hook);
        let job = Job { of, folder, handle: Arc::clone(&handle), log: log.map(File::from) };
        mailbox.start("hook", move |sender: &Sender<T>| {
            let result = job.carry_out();
            sender.send(HookDone { source, label, run, hook, result }.into());
        })?;
        self.under_way.insert(source, (run, handle));
        Ok(())
    }

    /// A command is over.
    pub fn on_done(&mut self, source: u64) {
        self.under_way.remove(&source);
    }

    /// Ends all commands of a run.
    pub fn end(&self, of: RunId) {
        let handles = self.under_way.values().filter(|(run, _)| *run == of);
        handles.for_each(|(_, handle)| handle.end());
    }
}

impl Handle {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        // Its first process is not waited for yet, so the number is still its own.
        if let Some(group) = state.group {
            _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// A process is there. One that is not wanted any more is ended.
    fn set(&self, group: Option<Pid>) {
        self.state().group = group;
        if group.is_some() && self.state().ended {
            self.end();
        }
    }
}

impl Job {
    fn carry_out(mut self) -> Result<Secrets, String> {
        let result = self.secrets().and_then(|secrets| {
            self.command(&secrets)?;
            Ok(secrets)
        });
        if let Err(why) = &result {
            self.write(format!("failed: {why}").as_bytes());
        }
        result
    }

    /// Reads all secrets.
    fn secrets(&mut self) -> Result<Secrets, String> {
        let mut secrets = Secrets::default();
        let spec = Arc::clone(&self.of.spec);
        for (name, secret) in &spec.secrets {
            let value = match secret {
                Secret::File(path) => read_secret(&spec.cwd.join(path)),
                Secret::Command(command) => self.ask_secret(command),
            };
            let value = value.and_then(checked);
            secrets.insert(name.clone(), value.map_err(|why| format!("secret `{name}`: {why}"))?);
        }
        Ok(secrets)
    }

    fn ask_secret(&mut self, command: &str) -> Result<Vec<u8>, String> {
        let mut shell = self.shell(command, &Secrets::default());
        // What it complains of is no secret.
        let errors = self.log.as_ref().and_then(|log| log.try_clone().ok());
        shell.stderr(errors.map_or_else(Stdio::null, Stdio::from)).stdout(Stdio::piped());
        let mut printed = Vec::new();
        self.run(shell, SECRET_LIMIT, &mut |_, bytes| {
            let room = MOST.saturating_add(1).saturating_sub(printed.len());
            printed.extend(bytes.iter().take(room));
        })
        .map_err(|why| format!("its command {why}"))?;
        Ok(printed)
    }

    /// Runs the command of the moment, if there is one.
    fn command(&mut self, secrets: &Secrets) -> Result<(), String> {
        let hook = self.of.hook;
        let spec = Arc::clone(&self.of.spec);
        let Some(command) = spec.hook(hook) else { return Ok(()) };
        self.write(format!("runs: {}", command.trim()).as_bytes());
        let mut shell = self.shell(command, secrets);
        let failed = |why: String| format!("`{}` {why}", hook.as_str());
        let (read, write) = io::pipe().map_err(|error| failed(format!("has no pipe: {error}")))?;
        let copy = write.try_clone().map_err(|error| failed(format!("has no pipe: {error}")))?;
        shell.stdout(write).stderr(copy);
        let limit = Duration::from_millis(limit_of(&spec));
        let mut line = Vec::new();
        let result = self.run_reading(shell, Some(read), limit, &mut |job, bytes| {
            for byte in bytes {
                if *byte == b'\n' || 8192 <= line.len() {
                    job.write(&line);
                    line.clear();
                }
                line.extend(Some(*byte).filter(|byte| *byte != b'\n'));
            }
        });
        if !line.is_empty() {
            self.write(&line);
        }
        result.map_err(failed)
    }

    /// A shell that waits for a line before it begins.
    fn shell(&self, command: &str, secrets: &Secrets) -> std::process::Command {
        use std::os::unix::ffi::OsStrExt as _;
        let mut shells = Shells::of(&self.of.spec);
        shells.env.clone_from(&self.of.env);
        let mut shell = shells.shell(SHELL);
        shell.arg("hook").arg(command).stdin(Stdio::piped()).process_group(0);
        for (name, value) in secrets.iter() {
            shell.env(name, std::ffi::OsStr::from_bytes(value));
        }
        shell
    }

    fn run(
        &mut self,
        shell: std::process::Command,
        limit: Duration,
        take: &mut dyn FnMut(&mut Self, &[u8]),
    ) -> Result<(), String> {
        self.run_reading(shell, None, limit, take)
    }

    /// Runs a shell to its end, and takes what it prints: to the pipe, or to its standard output.
    fn run_reading(
        &mut self,
        mut shell: std::process::Command,
        pipe: Option<io::PipeReader>,
        limit: Duration,
        take: &mut dyn FnMut(&mut Self, &[u8]),
    ) -> Result<(), String> {
        let mut child = shell.spawn().map_err(|error| format!("could not be run: {error}"))?;
        // Our ends of what it writes to.
        drop(shell);
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        self.handle.set(group);
        if let Some(folder) = &self.folder {
            // Without it, it ends by its group of processes alone.
            _ = std::fs::write(folder.join("cgroup.procs"), child.id().to_string());
        }
        if let Some(mut input) = child.stdin.take() {
            // One that has ended already tells why below.
            _ = input.write_all(b"go\n");
        }
        let output: Option<OwnedFd> =
            pipe.map(OwnedFd::from).or_else(|| child.stdout.take().map(OwnedFd::from));
        let watched = self.watch(group, output.map(File::from), Instant::now() + limit, take);
        if !matches!(watched, Ok(true)) {
            self.handle.end();
        }
        self.handle.set(None);
        let status = child.wait().map_err(|error| format!("could not be waited for: {error}"))?;
        let was_ended = self.handle.state().ended;
        match watched {
            Ok(true) if status.success() => Ok(()),
            Ok(true) if was_ended => Err("was ended with its app".to_owned()),
            Ok(true) => Err(format!("ended with {}", ostler_text::exit(status))),
            Ok(false) => Err(format!("took more than {} ms, and was ended", limit.as_millis())),
            Err(error) => Err(format!("could not be watched: {error}")),
        }
    }

    /// Takes what comes until the end of the process. `false`: that did not come in time.
    fn watch(
        &mut self,
        process: Option<Pid>,
        mut output: Option<File>,
        until: Instant,
        take: &mut dyn FnMut(&mut Self, &[u8]),
    ) -> io::Result<bool> {
        let process = process.ok_or(io::ErrorKind::NotFound)?;
        let process = pidfd_open(process, PidfdFlags::empty())?;
        let mut chunk = [0; 4096];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let limit = Timespec::try_from(left).map_err(io::Error::other)?;
            let mut polled = vec![PollFd::new(&process, PollFlags::IN)];
            polled.extend(output.as_ref().map(|of| PollFd::new(of, PollFlags::IN)));
            if poll(&mut polled, Some(&limit))? == 0 {
                return Ok(false);
            }
            let ended = polled.first().is_some_and(|of| !of.revents().is_empty());
            let readable = polled.get(1).is_some_and(|of| !of.revents().is_empty());
            if let Some(of) = output.as_mut().filter(|_| readable) {
                let count = of.read(&mut chunk)?;
                take(self, chunk.get(..count).unwrap_or_default());
                if count == 0 {
                    output = None;
                }
            } else if ended {
                return Ok(true);
            }
        }
    }

    /// Writes a line into the log of the app.
    fn write(&mut self, line: &[u8]) {
        if let Some(log) = &mut self.log {
            let mark = self.of.hook.as_str();
            let line = [b"[", mark.as_bytes(), b"] ", line, b"\n"].concat();
            // Where nobody reads it any more, the daemon goes.
            _ = log.write_all(&line);
        }
    }
}

/// How long a command of an app may take, ms.
fn limit_of(spec: &AppSpec) -> u64 {
    spec.hooks.as_deref().map_or_else(|| Commands::default().timeout, |hooks| hooks.timeout)
}

fn read_secret(path: &Path) -> Result<Vec<u8>, String> {
    let failed =
        |error: &dyn std::fmt::Display| format!("could not read `{}`: {error}", path.display());
    let meta = std::fs::metadata(path).map_err(|error| failed(&error))?;
    if !meta.is_file() {
        return Err(failed(&"it is no file"));
    }
    let mut value = Vec::new();
    let file = File::open(path).map_err(|error| failed(&error))?;
    file.take(MOST as u64 + 1).read_to_end(&mut value).map_err(|error| failed(&error))?;
    Ok(value)
}

/// A value without the end of its line.
fn checked(mut value: Vec<u8>) -> Result<Vec<u8>, String> {
    if value.last() == Some(&b'\n') {
        value.pop();
        value.pop_if(|byte| *byte == b'\r');
    }
    match value.len() {
        0 => Err("it is empty".to_owned()),
        length if MOST < length => Err(format!("it has more than {} KiB", MOST >> 10)),
        _ if value.contains(&0) => Err("it has a byte 0".to_owned()),
        _ => Ok(value),
    }
}

/// Whether something of this is printed.
pub fn prints(of: &HookRun) -> bool {
    let by_command = |secret: &Secret| matches!(secret, Secret::Command(_));
    of.spec.hook(of.hook).is_some() || of.spec.secrets.values().any(by_command)
}
