//! Syslog over TLS (RFC 5425): the companion encrypts, as a child that is fed.
//!
//! Problem: the manager has no TLS, and a pipe takes what no receiver has. Rule: the child answers
//! each message that it has given to its connection with one byte on its standard output. What is
//! not answered was not passed on, and is passed on again.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use ostler_core::spec::SyslogAddress;
use rustix::event::{PollFd, PollFlags};

use crate::command::{Command, STEP};
use crate::syslog;

/// So many messages are on their way to the child at a time: their answers fit into a pipe.
const TOGETHER: usize = 1024;
/// The child gives up by itself before this.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest complaint of the child that is read, bytes.
const LONGEST: u64 = 4096;

/// A child that passes messages on.
pub(crate) struct Tls {
    command: Command,
    answers: ChildStdout,
    complaints: ChildStderr,
}

impl Tls {
    /// Starts the companion for a receiver.
    pub(crate) fn start(companion: &Path, to: &SyslogAddress) -> io::Result<Self> {
        let SyslogAddress::Tls { address, ca, identity } = to else {
            return Err(io::Error::other(format!("`{to}` is not encrypted")));
        };
        let mut program = std::process::Command::new(companion);
        program.args(["syslog-tls", address]).current_dir("/").env_clear();
        let (cert, key) =
            identity.as_ref().map_or((None, None), |(cert, key)| (Some(cert), Some(key)));
        for (option, path) in [("--ca", ca.as_ref()), ("--cert", cert), ("--key", key)] {
            if let Some(path) = path {
                program.arg(option).arg(path);
            }
        }
        program.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut command = Command::of(program).map_err(|error| {
            let message =
                format!("cannot execute `{}`, which encrypts: {error}", companion.display());
            io::Error::new(error.kind(), message)
        })?;
        let (answers, complaints) = command.outputs();
        match (answers, complaints) {
            (Some(answers), Some(complaints)) => Ok(Self { command, answers, complaints }),
            _ => Err(io::Error::other("the companion has no standard output")),
        }
    }

    /// Whether it has a connection, or is about to.
    pub(crate) fn runs(&mut self) -> bool {
        self.command.runs()
    }

    /// Sends messages, in order. Returns how many of them were passed on, and why not all.
    pub(crate) fn send(
        &mut self,
        messages: &[Vec<u8>],
        stop: &dyn Fn() -> bool,
    ) -> (usize, io::Result<()>) {
        let mut passed = 0;
        for some in messages.chunks(TOGETHER) {
            let framed: Vec<u8> = some.iter().flat_map(|message| syslog::framed(message)).collect();
            let begun = Instant::now();
            let stop = || stop() || PATIENCE < begun.elapsed();
            let written = match self.command.write(&framed, &stop) {
                // It has ended, and says why.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                written => written,
            };
            let answered = written.and_then(|()| self.answered(some.len(), &mut passed, &stop));
            if let Err(error) = answered {
                return (passed, Err(error));
            }
        }
        (passed, Ok(()))
    }

    /// Counts so many answers.
    fn answered(
        &mut self,
        awaited: usize,
        passed: &mut usize,
        stop: &dyn Fn() -> bool,
    ) -> io::Result<()> {
        let (mut left, mut room) = (awaited, [0; TOGETHER]);
        while 0 < left {
            let mut polled = [PollFd::new(&self.answers, PollFlags::IN)];
            if rustix::event::poll(&mut polled, Some(&STEP))? == 0 {
                if stop() {
                    return Err(io::Error::other("it does not take what it is given"));
                }
                continue;
            }
            let read = self.answers.read(room.get_mut(..left).unwrap_or_default())?;
            if read == 0 {
                return Err(self.complaint());
            }
            left -= read;
            *passed += read;
        }
        Ok(())
    }

    /// Why the child has ended.
    fn complaint(&mut self) -> io::Error {
        self.command.end();
        let mut said = Vec::new();
        let read = (&mut self.complaints).take(LONGEST).read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said);
        let first = said.lines().next().unwrap_or_default();
        match read {
            Err(error) => error,
            Ok(_) if first.is_empty() => {
                io::Error::other("`ostler-companion` ended and did not say why")
            }
            Ok(_) => io::Error::other(first.strip_prefix("error: ").unwrap_or(first).to_owned()),
        }
    }
}

/// Returns where the companion is: beside the program that runs, if that can be found.
#[must_use]
pub fn companion() -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.with_file_name("ostler-companion"))
}
