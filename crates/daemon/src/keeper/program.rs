//! A program that is to replace keeper and daemon: tried before anything is changed.

use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};

/// How long the new program may take to say its version.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// What trying a program came to: why it is not used.
pub type Tried = Result<(), String>;

/// An update under way.
#[derive(Debug)]
pub struct Update {
    /// The client that asked for it.
    pub client: usize,
    /// The new program.
    pub exe: String,
    /// The keeper was told, and has until then to answer, monotonic ms.
    pub until: Option<u64>,
}

/// Asks a program for its version.
pub fn try_program(exe: &str) -> Tried {
    let mut command = Command::new(exe);
    command
        .arg("--version")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // What it starts goes with it.
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or("it has no pid")?;
    let ended = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| error.to_string());
    let limit = Timespec { tv_sec: i64::try_from(ANSWER_LIMIT.as_secs()).unwrap_or(1), tv_nsec: 0 };
    let in_time = ended.and_then(|pidfd| {
        poll(&mut [PollFd::new(&pidfd.as_fd(), PollFlags::IN)], Some(&limit))
            .map_err(|error| error.to_string())
    });
    if in_time != Ok(1) {
        // It may have ended by now.
        _ = rustix::process::kill_process_group(pid, Signal::KILL);
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    match in_time? {
        0 => Err(format!("`{exe} --version` did not end within {ANSWER_LIMIT:?}")),
        _ if !status.success() => {
            Err(format!("`{exe} --version` failed ({})", ostler_text::exit(status)))
        }
        _ => Ok(()),
    }
}
