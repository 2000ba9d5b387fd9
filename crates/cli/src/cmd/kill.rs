//! `kill`: stops and forgets everything, ends daemon and keeper, and returns when they are
//! gone. Without a daemon there is nothing to do, and none is started for it.

use ostler_client::Answer;
use ostler_wire::control::{Action, Event, Reply, Request};

use super::perform;
use crate::failed::Failed;
use crate::select::Picked;
use crate::session::{Session, unexpected};

/// Runs the command `kill`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    if session.connect_if_running()? {
        let list = session.list()?;
        let ids: Vec<u32> = list.iter().map(|process| process.id).collect();
        if !ids.is_empty() {
            let shown = serde_json::Value::from(ids.as_slice());
            perform::announce(session, Action::Delete, "all", &Picked { ids, shown });
        }
        let manager = session.hold_manager()?;
        let answer = session.ask_with(&Request::Kill, |out, event| match event {
            event @ (Event::Acted { .. } | Event::Failed { .. }) => {
                perform::report(out, &event);
            }
            Event::Started { .. }
            | Event::Step { .. }
            | Event::Log(_)
            | Event::Process { .. }
            | Event::Own { .. }
            | Event::Restored { .. }
            | Event::Warning { .. } => {}
        });
        match answer {
            Ok(Answer::Reply(Reply::Done)) => manager.wait_end()?,
            Ok(other) => return Err(unexpected(&other)),
            Err(failed) => {
                // What cannot be ended was named. The manager goes all the same, unless that may
                // still end.
                _ = manager.wait_end();
                return Err(failed);
            }
        }
    }
    session.out.say("[v] All Applications Stopped");
    session.out.say("[v] PM2 Daemon Stopped");
    Ok(())
}
