//! The change of program: keeper and daemon are replaced, apps go on.
//!
//! A new program that does not work must cost nothing. First it is asked for its version; then the
//! keeper executes it, and a failure of that leaves everything as it was; then this daemon makes
//! room for one of the new program. One that dies again and again is given up by the keeper, which
//! goes back to the program it was.

use std::ffi::OsString;

use ostler_keeper::failpoint::hit;
use ostler_keeper::proto::ToKeeper;
use ostler_wire::control::{Code, Failure, Reply};

use super::Keeper;
use super::program::{Tried, Update, try_program};
use crate::mailbox::Mailbox;
use crate::reports::{Report, Reports};
use crate::{clock, daemon_log};

/// How long the keeper may say nothing after it was told to change its program, ms.
const KEEPER_LIMIT: u64 = 10_000;

impl Keeper {
    /// A client asks for another program. It is [tried](try_program) in a thread of its own, since
    /// it may hang.
    pub fn begin_update<T: From<Tried> + Send + 'static>(
        &mut self,
        client: usize,
        exe: String,
        mailbox: &Mailbox<T>,
        reports: &mut Reports,
    ) {
        if self.update.is_some() {
            let message = "another update is under way".to_owned();
            let reply = Reply::Error(Failure { code: Code::UnderWay, message, hint: None });
            reports.push_back(Report::Reply { client, reply });
            return;
        }
        daemon_log::log(format!("updating keeper and daemon to `{exe}`"));
        self.update = Some(Update { client, exe: exe.clone(), until: None });
        let started = mailbox.start("update", move |sender| {
            sender.send(try_program(&exe).into());
        });
        if let Err(error) = started {
            self.fail_update(&format!("it could not be tried: {error}"), reports);
        }
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
                hit("update.told");
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
        daemon_log::error(&message);
        let hint = Some("nothing was changed; the running daemon goes on".to_owned());
        let reply = Reply::Error(Failure { code: Code::System, message, hint });
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
        daemon_log::log("the keeper runs the new program; the daemon makes room for its successor");
        reports.push_back(Report::Upgraded { client });
    }
}
