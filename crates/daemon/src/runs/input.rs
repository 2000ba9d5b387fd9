//! The standard input of applications.
//!
//! Problem: whoever writes to an app's input needs a pipe, and one per app, held by keeper and
//! daemon, would cost two descriptors for what hardly anybody uses.
//! Rule: the app holds both ends. Its standard input is a pipe that it has open for reading and
//! writing, so it does not end, and survives whatever happens to us. Whoever has something for it
//! opens `/proc/PID/fd/0` for as long as that takes.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use ostler_core::RunId;
use ostler_wire::control::{Code, Failure, MAX_INPUT};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, Mode, OFlags, fstat, open, stat};
use rustix::io::Errno;

use super::Runs;

/// So much is written to a pipe whole or not at all.
const ATOMIC: usize = 4096;

/// Why nothing was written.
#[derive(Debug)]
pub enum InputError {
    /// The process does not run.
    Offline,
    /// It has not read enough of what was written before.
    Full,
    /// It is more than a pipe holds, bytes.
    TooLong(usize),
    /// Its standard input is no pipe: it closed it, or was started by a manager of before.
    NoPipe,
    /// The system refuses.
    System(io::Error),
}

impl Runs {
    /// Writes bytes to the standard input of a run's first process: all, or none.
    ///
    /// # Errors
    /// Why none were written.
    pub fn write_input(&mut self, run: RunId, bytes: &[u8]) -> Result<(), InputError> {
        let alive = self.get_mut(run).and_then(|held| held.alive_mut());
        let alive = alive.ok_or(InputError::Offline)?;
        let pidfd = alive.pidfd.as_ref().ok_or(InputError::Offline)?;
        if MAX_INPUT < bytes.len() {
            return Err(InputError::TooLong(bytes.len()));
        }
        let path = format!("/proc/{}/fd/0", alive.processes.pid);
        let pipe = open_pipe(Path::new(&path));
        // Its number is another's only when it has ended.
        if is_over(pidfd) {
            return Err(InputError::Offline);
        }
        write_whole(&pipe?, bytes)
    }
}

fn open_pipe(path: &Path) -> Result<OwnedFd, InputError> {
    let is_pipe = |mode: u32| FileType::from_raw_mode(mode) == FileType::Fifo;
    // What is not a pipe is not even opened.
    match stat(path) {
        Ok(found) if is_pipe(found.st_mode) => {}
        Ok(_) | Err(Errno::NOENT) => return Err(InputError::NoPipe),
        Err(error) => return Err(InputError::System(error.into())),
    }
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    match open(path, flags, Mode::empty()).and_then(|pipe| Ok((fstat(&pipe)?.st_mode, pipe))) {
        Ok((mode, pipe)) if is_pipe(mode) => Ok(pipe),
        // Nobody can read from it.
        Ok(_) | Err(Errno::NOENT | Errno::NXIO) => Err(InputError::NoPipe),
        Err(error) => Err(InputError::System(error.into())),
    }
}

fn is_over(pidfd: &OwnedFd) -> bool {
    let mut one = [PollFd::new(pidfd, PollFlags::IN)];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    !matches!(poll(&mut one, Some(&now)), Ok(0))
}

/// Writes all or nothing: what is longer than the system promises to keep together goes only into
/// an empty pipe.
fn write_whole(pipe: &OwnedFd, bytes: &[u8]) -> Result<(), InputError> {
    let waiting = || rustix::io::ioctl_fionread(pipe).map_err(|of| InputError::System(of.into()));
    if ATOMIC < bytes.len() && waiting()? != 0 {
        return Err(InputError::Full);
    }
    match rustix::io::write(pipe, bytes) {
        Ok(written) if written == bytes.len() => Ok(()),
        Ok(written) => Err(InputError::System(io::Error::new(
            io::ErrorKind::WriteZero,
            format!("{written} of {} bytes fit into the pipe", bytes.len()),
        ))),
        Err(Errno::AGAIN) => Err(InputError::Full),
        Err(Errno::PIPE) => Err(InputError::NoPipe),
        Err(error) => Err(InputError::System(error.into())),
    }
}

impl InputError {
    /// Why nothing was written to this process, for a person.
    pub fn failure(self) -> Failure {
        let (code, message, hint) = match self {
            Self::Offline => (Code::NotFound, "it does not run".to_owned(), None),
            Self::Full => (
                Code::Busy,
                "its standard input is full: it does not read".to_owned(),
                Some("an app of Node reads it by `process.stdin.on(\"data\", …)`"),
            ),
            Self::TooLong(bytes) => (
                Code::Invalid,
                format!("a line of {bytes} bytes; {MAX_INPUT} are allowed"),
                Some("write it into a file, and send the name of that"),
            ),
            Self::NoPipe => (
                Code::Invalid,
                "its standard input is closed, or was opened anew by itself".to_owned(),
                Some("an app that ostler 0.1 or a keeper of then started has none: restart it"),
            ),
            Self::System(error) => {
                (Code::System, format!("its standard input cannot be written: {error}"), None)
            }
        };
        Failure { code, message, hint: hint.map(str::to_owned) }
    }

    /// The same in the words of PM2's protocol.
    pub fn pm2_words(self, slot: &str) -> String {
        match self {
            Self::Offline => format!("Process with ID <{slot}> offline."),
            other => {
                let Failure { message, .. } = other.failure();
                format!("Process with ID <{slot}>: {message}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{PipeFlags, pipe_with};

    fn pipe() -> (OwnedFd, OwnedFd) {
        pipe_with(PipeFlags::NONBLOCK).unwrap()
    }

    #[test]
    fn what_does_not_fit_is_not_written_in_part() {
        let (read, write) = pipe();
        write_whole(&write, &vec![b'a'; MAX_INPUT]).unwrap();
        assert!(matches!(write_whole(&write, b"b"), Err(InputError::Full)));
        let mut all = vec![0; MAX_INPUT + 1];
        assert_eq!(rustix::io::read(&read, &mut all), Ok(MAX_INPUT));
        write_whole(&write, b"short").unwrap();
        let long = vec![b'c'; ATOMIC + 1];
        assert!(matches!(write_whole(&write, &long), Err(InputError::Full)));
        assert_eq!(rustix::io::read(&read, &mut all), Ok(5));
        write_whole(&write, &long).unwrap();
    }

    #[test]
    fn what_is_no_pipe_is_not_opened() {
        let null = open_pipe(Path::new("/dev/null"));
        assert!(matches!(null, Err(InputError::NoPipe)));
        let nothing = open_pipe(Path::new("/proc/self/fd/999999"));
        assert!(matches!(nothing, Err(InputError::NoPipe)));
    }
}
