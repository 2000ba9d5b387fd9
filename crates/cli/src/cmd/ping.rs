//! `ping`: whether the daemon answers.

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};
use serde_json::json;

use crate::args::FlagId;
use crate::failed::Failed;
use crate::session::{Session, unexpected};
use crate::voice::Notice;

/// Runs the command `ping`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    match session.ask(&Request::Hello)? {
        Answer::Reply(Reply::Hello { protocol, version, pid, keeper_pid })
            if session.has(FlagId::Object) =>
        {
            session.out.object(&json!({
                "version": version,
                "protocol": protocol,
                "pid": pid,
                "keeper_pid": keeper_pid,
                "home": session.home.path(),
            }));
            Ok(())
        }
        Answer::Reply(Reply::Hello { version, pid, .. }) => {
            session.out.tell(&Notice::Pong { version: &version, pid });
            Ok(())
        }
        other => Err(unexpected(&other)),
    }
}
