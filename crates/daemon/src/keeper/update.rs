//! The change of program: keeper and daemon are replaced, apps go on.
//!
//! A new program that does not work must cost nothing. First it is asked for its version; then the
//! keeper executes it, and a failure of that leaves everything as it was; then this daemon makes
//! room for one of the new program. One that dies again and again is given up by the keeper, which
//! goes back to the program it was.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use ostler_keeper::proto::ToKeeper;
use ostler_wire::control::{Failure, Reply};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};

use super::Keeper;
use crate::reports::{Report, Reports};
use crate::{clock, logbook};

/// How long the new program may take to say its version.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How long the keeper may say nothing after it was told to change its program, ms.
const KEEPER_LIMIT: u64 = 10_000;

/// What trying a program came to: why it is not used.
pub type Tried = Result<(), String>;

/// An update under way.
#[derive(Debug)]
pub struct Update {
    /// Who asked.
    client: usize,
    /// The new program.
    exe: String,
    /// The keeper was told, and has until then to answer, monotonic ms.
    until: Option<u64>,
}

impl Keeper {
    /// A client asks for another program, which is to be [tried](try_program) now. `false`: another
    /// update is under way, as the client was told.
    pub fn begin_update(&mut self, client: usize, exe: String, reports: &mut Reports) -> bool {
        if self.update.is_some() {
            let message = "another update is under way".to_owned();
            let reply = Reply::Error(Failure { message, hint: None });
            reports.push_back(Report::Reply { client, reply });
            return false;
        }
        logbook::log(format!("updating keeper and daemon to `{exe}`"));
        self.update = Some(Update { client, exe, until: None });
        true
    }

    /// The new program was tried.
    pub fn on_tried(&mut self, result: Tried, reports: &mut Reports) {
        match result {
            Err(why) => self.fail_update(&why, reports),
            Ok(()) if self.is_lost() => {
                self.fail_update("there is no keeper at the moment", reports);
            }
            Ok(()) => {
                let Some(update) = &mut self.update else { return };
                update.until = Some(clock::monotonic() + KEEPER_LIMIT);
                let exe = OsString::from(update.exe.clone()).into_encoded_bytes();
                self.send(&ToKeeper::Upgrade { exe }, Vec::new());
            }
        }
    }

    /// When the keeper that changed its program must have said something.
    pub fn update_due(&self) -> Option<u64> {
        self.update.as_ref()?.until
    }

    /// The keeper that changed its program hangs; returns why it is as good as dead.
    pub fn expire_update(&mut self, reports: &mut Reports) -> std::io::Error {
        let why = format!("no answer from the keeper for {} s", KEEPER_LIMIT / 1000);
        self.fail_update(&why, reports);
        std::io::Error::other("it hangs in the new program")
    }

    /// The update is over and nothing has changed.
    pub fn fail_update(&mut self, why: &str, reports: &mut Reports) {
        let Some(Update { client, exe, .. }) = self.update.take() else { return };
        let message = format!("could not change to `{exe}`: {why}");
        logbook::error(&message);
        let hint = Some("nothing was changed; the running daemon goes on".to_owned());
        let reply = Reply::Error(Failure { message, hint });
        reports.push_back(Report::Reply { client, reply });
    }

    /// The keeper has changed its program, or could not.
    pub fn on_upgraded(&mut self, errno: Option<i32>, reports: &mut Reports) {
        if self.update.as_ref().is_none_or(|update| update.until.is_none()) {
            return;
        }
        if let Some(errno) = errno {
            let why = std::io::Error::from_raw_os_error(errno).to_string();
            return self.fail_update(&why, reports);
        }
        let Some(Update { client, .. }) = self.update.take() else { return };
        logbook::log("the keeper runs the new program; the daemon makes room for its successor");
        reports.push_back(Report::Upgraded { client });
    }
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
        _ if !status.success() => Err(format!("`{exe} --version` failed ({status})")),
        _ => Ok(()),
    }
}
