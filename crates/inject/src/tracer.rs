//! Follows processes and counts the calls of one role.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::calls::{self, Fault, Role};
use crate::sys::{self, Change, Onward};

/// What is written for who started this.
#[derive(Debug)]
pub struct Report {
    file: File,
    counts: BTreeMap<i64, u64>,
}

impl Report {
    /// An empty report.
    pub fn new(file: File) -> Self {
        Self { file, counts: BTreeMap::new() }
    }

    /// Writes one line.
    pub fn say(&mut self, line: &str) -> io::Result<()> {
        self.file.write_all(format!("{line}\n").as_bytes())
    }

    /// Writes how often each call was made.
    pub fn say_counts(&mut self) -> io::Result<()> {
        let known = |(call, count): (&i64, &u64)| {
            calls::name(*call).map(|name| format!("count {name} {count}\n"))
        };
        let lines: String = self.counts.iter().filter_map(known).collect();
        self.file.write_all(lines.as_bytes())
    }
}

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Keeper or daemon.
    Is(Role),
    /// On its way to be something: a command, or a child before its `exec`.
    Passing,
    /// An app, which is nobody's business.
    App,
}

/// Traces processes until nobody is left.
#[derive(Debug)]
pub struct Tracer {
    role: Role,
    /// What is still to fail.
    fault: Option<Fault>,
    /// Whether all are let go when they stop.
    over: bool,
    parts: BTreeMap<i32, Part>,
    /// Threads whose call was skipped, with the error that it gets.
    skipped: BTreeMap<i32, i64>,
    command: Option<i32>,
    report: Arc<Mutex<Report>>,
}

impl Tracer {
    /// A tracer that follows nobody yet.
    pub fn new(role: Role, fault: Option<Fault>, report: Arc<Mutex<Report>>) -> Self {
        Self {
            role,
            fault,
            over: false,
            parts: BTreeMap::new(),
            skipped: BTreeMap::new(),
            command: None,
            report,
        }
    }

    /// Starts a command and follows it.
    pub fn launch(&mut self, command: &[String]) -> Result<()> {
        // A shell that has stopped is traced before it becomes the command.
        let mut shell = Command::new("sh");
        shell.args(["-c", "kill -STOP $$; exec \"$@\"", "sh"]).args(command);
        let child = i32::try_from(shell.spawn().context("starting a shell")?.id())?;
        sys::wait_stopped(child)?;
        sys::seize(child)?;
        self.command = Some(child);
        self.parts.insert(child, Part::Passing);
        sys::wake(child)?;
        Ok(())
    }

    /// Follows a process that is there, with its threads.
    pub fn attach(&mut self, pid: i32) -> Result<()> {
        let part = part_of(pid);
        let threads = fs::read_dir(format!("/proc/{pid}/task"))
            .with_context(|| format!("process {pid} is not there"))?;
        for thread in threads {
            let name = thread?.file_name();
            let tid = name.to_str().and_then(|name| name.parse().ok()).context("a thread's id")?;
            sys::seize(tid).with_context(|| format!("attaching to thread {tid}"))?;
            self.parts.insert(tid, part);
        }
        Ok(())
    }

    /// Follows until nobody is left; then waits to be ended.
    pub fn run(mut self) -> Result<()> {
        while let Some((tid, change)) = sys::wait()? {
            // Whoever is killed while it is stopped is told of by the next change.
            match self.on_change(tid, change) {
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => (),
                other => other?,
            }
        }
        loop {
            std::thread::park();
        }
    }

    fn on_change(&mut self, tid: i32, change: Change) -> io::Result<()> {
        match change {
            Change::Ended(code) => {
                self.parts.remove(&tid);
                if self.command == Some(tid) {
                    let code = code.map_or_else(|| "signal".to_owned(), |code| code.to_string());
                    self.say(&format!("exit {code}"))?;
                }
                Ok(())
            }
            Change::Call => {
                self.on_call(tid)?;
                self.go_on(tid, 0)
            }
            Change::Signal(signal) => self.go_on(tid, signal),
            Change::Event(libc::PTRACE_EVENT_EXEC, _) => {
                let part = part_of(tid);
                self.parts.insert(tid, part);
                self.go_on(tid, 0)
            }
            Change::Event(sys::EVENT_STOP, signal) => match signal {
                libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => {
                    sys::go_on(tid, Onward::Listen, 0)
                }
                _ => self.go_on(tid, 0),
            },
            Change::Event(..) => self.go_on(tid, 0),
        }
    }

    fn go_on(&mut self, tid: i32, signal: i32) -> io::Result<()> {
        let onward = match self.part(tid) {
            Part::App => Onward::Free,
            _ if self.over && !self.skipped.contains_key(&tid) => Onward::Free,
            Part::Is(role) if role == self.role => Onward::ToNextCall,
            Part::Is(_) | Part::Passing => Onward::ToNextEvent,
        };
        if onward == Onward::Free {
            self.parts.remove(&tid);
        }
        sys::go_on(tid, onward, signal)
    }

    /// What this process or thread is. A thread is what its process is; a new process is nothing
    /// before its `exec`.
    fn part(&mut self, tid: i32) -> Part {
        if let Some(part) = self.parts.get(&tid) {
            return *part;
        }
        let process = process_of(tid).filter(|process| *process != tid);
        let part = process.and_then(|process| self.parts.get(&process)).copied();
        *self.parts.entry(tid).or_insert(part.unwrap_or(Part::Passing))
    }

    fn on_call(&mut self, tid: i32) -> io::Result<()> {
        if let Some(errno) = self.skipped.remove(&tid) {
            sys::set_error(tid, errno)?;
            self.over = true;
            return Ok(());
        }
        if self.part(tid) != Part::Is(self.role) {
            return Ok(());
        }
        let Some(call) = sys::entered(tid)? else { return Ok(()) };
        let count = {
            let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
            let count = report.counts.entry(call).or_default();
            *count += 1;
            *count
        };
        match self.fault {
            Some(fault) if fault.call == call && fault.nth == count => {
                self.fault = None;
                let (first, second) = sys::arguments(tid)?;
                sys::skip_call(tid)?;
                self.skipped.insert(tid, fault.errno);
                let name = calls::name(call).unwrap_or("?");
                // Where it is no descriptor there is no such link.
                let of = fs::read_link(format!("/proc/{tid}/fd/{first}")).unwrap_or_default();
                self.say(&format!("fired {name} {tid} {} {second:#x}", of.display()))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn say(&self, line: &str) -> io::Result<()> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).say(line)
    }
}

/// What the program of this process makes it.
fn part_of(pid: i32) -> Part {
    let text = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let line = text("cmdline");
    let mut words = line.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let (program, first) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let ours = program.rsplit('/').next().is_some_and(|name| name.starts_with("ostler"));
    let own = fs::read_link(format!("/proc/{pid}/exe"));
    let ours = ours || own.is_ok_and(|path| path.file_name().is_some_and(|n| n == "ostler"));
    match Role::of(&first) {
        Some(role) if ours => Part::Is(role),
        None if ours => Part::Passing,
        Some(_) | None => Part::App,
    }
}

fn process_of(tid: i32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().parse().ok()
}
