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

use crate::daemon::Daemon;
use crate::mailbox::FromThread;
use crate::{clock, logbook};

/// How long the new program may take to say its version.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How long the keeper may say nothing after it was told to change its program, ms.
const KEEPER_LIMIT: u64 = 10_000;

/// What trying a program came to.
pub(crate) type Checked = Result<(), String>;

/// An update under way.
#[derive(Debug)]
pub(crate) struct Update {
    /// Who asked.
    conn: usize,
    /// The new program.
    exe: String,
    /// The keeper was told, and has until then to answer, monotonic ms.
    until: Option<u64>,
}

impl Daemon {
    /// A client asks for another program. It is tried in a thread of its own, since it may hang.
    pub fn on_update(&mut self, conn: usize, exe: String) {
        if self.update.is_some() {
            let message = "another update is under way".to_owned();
            return self.reply(conn, &Reply::Error(Failure { message, hint: None }));
        }
        logbook::log(format!("updating keeper and daemon to `{exe}`"));
        self.update = Some(Update { conn, exe: exe.clone(), until: None });
        let started =
            self.mailbox.start("update", move |loop_| loop_.send(FromThread::Tried(check(&exe))));
        if let Err(error) = started {
            self.fail_update(&format!("it could not be tried: {error}"));
        }
    }

    /// The new program was tried.
    pub fn on_update_checked(&mut self, result: Checked) {
        match result {
            Err(why) => self.fail_update(&why),
            Ok(()) if self.keeper_process.due.is_some() => {
                self.fail_update("there is no keeper at the moment");
            }
            Ok(()) => {
                let Some(update) = &mut self.update else { return };
                update.until = Some(clock::monotonic() + KEEPER_LIMIT);
                let exe = OsString::from(update.exe.clone()).into_encoded_bytes();
                self.keeper_send(&ToKeeper::Upgrade { exe }, Vec::new());
            }
        }
    }

    /// When the keeper that changed its program must have said something.
    pub fn update_due(&self) -> Option<u64> {
        self.update.as_ref()?.until
    }

    /// A keeper that hangs after its change of program is as good as dead: another one of this
    /// program takes its place.
    pub fn expire_update(&mut self, now: u64) {
        if self.update_due().is_some_and(|until| until <= now) {
            let why = format!("the keeper says nothing since, for {} s", KEEPER_LIMIT / 1000);
            self.fail_update(&why);
            self.replace_keeper(&std::io::Error::other("it hangs in the new program"));
        }
    }

    /// The update is over and nothing has changed.
    pub fn fail_update(&mut self, why: &str) {
        let Some(Update { conn, exe, .. }) = self.update.take() else { return };
        let message = format!("could not change to `{exe}`: {why}");
        logbook::error(&message);
        let hint = Some("nothing was changed; the running daemon goes on".to_owned());
        self.reply(conn, &Reply::Error(Failure { message, hint }));
    }

    /// The keeper has changed its program, or could not.
    pub fn on_keeper_upgraded(&mut self, errno: Option<i32>) {
        if self.update.as_ref().is_none_or(|update| update.until.is_none()) {
            return;
        }
        if let Some(errno) = errno {
            return self.fail_update(&std::io::Error::from_raw_os_error(errno).to_string());
        }
        let Some(Update { conn, .. }) = self.update.take() else { return };
        logbook::log("the keeper runs the new program; the daemon makes room for its successor");
        self.reply(conn, &Reply::Done);
        self.flush_clients();
        self.save_now();
        self.model.go();
    }
}

/// Asks a program for its version.
fn check(exe: &str) -> Checked {
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
