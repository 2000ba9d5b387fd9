//! `ping`: whether the daemon answers.

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};
use serde_json::json;

use super::told;
use crate::failed::Failed;
use crate::session::{Session, unexpected};
use crate::voice::Notice;

/// Runs the command `ping`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let asked = told::asked(session)?;
    let (protocol, version, pid, keeper_pid) = match session.ask(&Request::Hello)? {
        Answer::Reply(Reply::Hello { protocol, version, pid, keeper_pid }) => {
            (protocol, version, pid, keeper_pid)
        }
        other => return Err(unexpected(&other)),
    };
    match asked {
        None => session.out.tell(&Notice::Pong { version: &version, pid }),
        Some(asked) => {
            let object = json!({
                "version": version,
                "protocol": protocol,
                "pid": pid,
                "keeper_pid": keeper_pid,
                "home": session.home.path(),
            });
            told::object(session, &asked, &object);
        }
    }
    Ok(())
}
