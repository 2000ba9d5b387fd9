//! `update`: the running daemon and keeper are replaced by this program; apps go on.

use std::os::unix::fs::MetadataExt as _;

use ostler_client::Answer;
use ostler_wire::control::{Action, Reply, Request};

use super::{list, perform};
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::{Session, ticket, unexpected};
use crate::voice::Notice;

/// Runs the command `update`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let exe = caller::program()?;
    let exe = exe
        .into_os_string()
        .into_string()
        .map_err(|exe| Failed::new(format!("the path {exe:?} is not valid UTF-8")))?;
    let mut client = session.take_client()?;
    let request = Request::Update { exe: exe.clone() };
    let on = |heard| session.out.heard(&heard);
    match client.request_heard(&request, None, None, on) {
        // Who died in the middle of it is known by who is there now.
        Ok(Answer::Reply(Reply::Done)) | Err(ostler_client::Error::Broken) => {}
        Ok(Answer::Reply(Reply::Error(failure))) => return Err(failure.into()),
        Ok(other) => return Err(unexpected(&other)),
        Err(error) => return Err(error.into()),
    }
    drop(client);
    check(session, &exe)?;
    if session.program == Program::Pm2 {
        reset_counters(session)?;
    }
    session.out.tell(&Notice::Updated);
    list::table(session)
}

/// Sets the restart counters to 0, as PM2's `update` does, which starts every app anew.
fn reset_counters(session: &mut Session) -> Result<(), Failed> {
    let ids: Vec<u32> = session.known()?.iter().map(|process| process.id).collect();
    let change = perform::unchanged(session)?;
    match session.ask(&Request::Act {
        action: Action::Reset,
        ids,
        change,
        ticket: Some(ticket()),
    })? {
        Answer::Reply(Reply::Done) => Ok(()),
        other => Err(unexpected(&other)),
    }
}

/// Whether keeper and daemon are of the new program: its daemons may have died, and then the keeper
/// went back to the old one; and either may have been killed on the way.
fn check(session: &mut Session, exe: &str) -> Result<(), Failed> {
    // A daemon that this command started would know nothing of what went on.
    if !session.connect_if_running()? {
        return Err(Failed::new("daemon and keeper ended in the middle of the update")
            .hint("the next command, such as `ostler list`, starts them and the apps anew"));
    }
    let (daemon, keeper) = match session.ask(&Request::Hello)? {
        Answer::Reply(Reply::Hello { pid, keeper_pid, .. }) => (pid, keeper_pid),
        other => return Err(unexpected(&other)),
    };
    let hint = "`ostler logs daemon --nostream` shows its last words";
    for (part, pid) in [("daemon", daemon), ("keeper", keeper)] {
        if is_other(exe, pid) {
            return Err(Failed::new(format!(
                "the {part} of `{exe}` did not come up; the old program goes on, apps were not \
                 touched"
            ))
            .hint(hint));
        }
    }
    Ok(())
}

/// Whether a process runs another file. Where the system does not show what it runs, nothing
/// can be said.
fn is_other(exe: &str, pid: u32) -> bool {
    let file = |path: &str| std::fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    let (wanted, runs) = (file(exe), file(&format!("/proc/{pid}/exe")));
    wanted.is_some() && runs.is_some() && wanted != runs
}
