//! `kill`: stops and forgets everything, ends daemon and keeper, and returns when they are
//! gone. Without a daemon there is nothing to do, and none is started for it.

use ostler_client::Answer;
use ostler_wire::control::{Event, ProcView, Reply, Request};

use super::{list, perform, told};
use crate::failed::Failed;
use crate::program::Program;
use crate::session::{Session, unexpected};
use crate::voice::{Act, Notice, Selector, Target};

/// Managers of one home that are ended one after the other: a home that was deleted under its
/// manager may have got a second one.
const MOST: u32 = 4;

/// The protocol since which a daemon tells what is under way with each process.
const DOING_SINCE: u32 = 7;

/// Runs the command `kill`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let (mut ended, mut tries) = (0, 0);
    let mut stopped = Vec::new();
    while session.connect_if_running()? {
        tries += 1;
        if MOST < tries {
            let why = "managers of this home are started again and again";
            return Err(
                Failed::new(why).hint("is a service, or a command in a loop, starting them?")
            );
        }
        // Another command may end it at the same time: then it is not ours to tell.
        if let Some(those) = end(session)? {
            ended += 1;
            stopped.extend(those);
        }
        session.disconnect();
    }
    let home = session.home.path();
    session.out.tell(&Notice::Killed { home, ran: 0 < ended });
    match told::shape(session, false)? {
        Some(_) => list::of_ended(session, stopped),
        None => Ok(()),
    }
}

/// Whether an event is of one of these processes, or tells what went wrong.
fn is_of(event: &Event, targets: &[Target]) -> bool {
    let (Event::Acted { id, error: None, .. } | Event::Doing { id, .. }) = event else {
        return true;
    };
    targets.iter().any(|target| target.id == *id)
}

/// Ends the manager that the session is connected to, and returns the processes that it stopped
/// for that; `None` when it ended by itself.
fn end(session: &mut Session) -> Result<Option<Vec<ProcView>>, Failed> {
    let Some((mut list, manager, protocol)) = session.look_at_manager()? else { return Ok(None) };
    let ids: serde_json::Value = list.iter().map(|process| process.id).collect();
    // What does not run is forgotten, and not stopped.
    list.retain(|process| process.pid != 0);
    let targets: Vec<Target> = list.iter().map(Target::of).collect();
    let selector = ids
        .as_array()
        .is_some_and(|ids| !ids.is_empty())
        .then_some(Selector { word: "all", ids: &ids });
    session.out.tell(&Notice::Begun { act: Act::Kill, selector, targets: &targets });
    let says_all = session.program == Program::Pm2;
    let tells = session.out.progress().is_some() && DOING_SINCE <= protocol;
    let request = if tells { Request::KillTold } else { Request::Kill };
    let answer = session.ask_with(&request, |out, event| {
        if says_all || is_of(&event, &targets) {
            perform::report(out, &event);
        }
    });
    match answer {
        Ok(Answer::Reply(Reply::Done)) => manager.wait_end()?,
        Ok(other) => return Err(unexpected(&other)),
        Err(failed) => {
            // What cannot be ended was named. The manager goes all the same, unless that may still
            // end.
            _ = manager.wait_end();
            return Err(failed);
        }
    }
    Ok(Some(list))
}
