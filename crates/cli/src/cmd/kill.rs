//! `kill`: stops and forgets everything, ends daemon and keeper, and returns when they are
//! gone. Without a daemon there is nothing to do, and none is started for it.

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};

use super::perform;
use crate::failed::Failed;
use crate::select::Picked;
use crate::session::{Session, unexpected};
use crate::voice::{Act, Notice, Target};

/// Managers of one home that are ended one after the other: a home that was deleted under its
/// manager may have got a second one.
const MOST: u32 = 4;

/// Runs the command `kill`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let mut ended = 0;
    while session.connect_if_running()? {
        if ended == MOST {
            let why = "managers of this home are started again and again";
            return Err(
                Failed::new(why).hint("is a service, or a command in a loop, starting them?")
            );
        }
        end(session)?;
        session.disconnect();
        ended += 1;
    }
    let home = session.home.path();
    session.out.tell(&Notice::Killed { home, ran: 0 < ended });
    Ok(())
}

/// Ends the manager that the session is connected to.
fn end(session: &mut Session) -> Result<(), Failed> {
    let list = session.known()?;
    if list.is_empty() {
        session.out.tell(&Notice::Begun { act: Act::Kill, selector: None, targets: &[] });
    } else {
        let picked = Picked::numbered(list.iter().map(Target::of).collect());
        perform::announce(session, Act::Kill, "all", &picked);
    }
    let manager = session.hold_manager()?;
    let answer = session.ask_with(&Request::Kill, |out, event| {
        perform::report(out, &event);
    });
    match answer {
        Ok(Answer::Reply(Reply::Done)) => Ok(manager.wait_end()?),
        Ok(other) => Err(unexpected(&other)),
        Err(failed) => {
            // What cannot be ended was named. The manager goes all the same, unless that may still
            // end.
            _ = manager.wait_end();
            Err(failed)
        }
    }
}
