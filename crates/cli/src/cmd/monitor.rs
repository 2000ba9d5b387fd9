//! `monitor` and `unmonitor`: a mark in the list, which programs that read it may heed.

use ostler_wire::control::Talk;

use super::{list, talk};
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::{Notice, TalkNotice, Target};

/// Runs the command `monitor`, or `unmonitor`.
pub(super) fn run(session: &mut Session, on: bool) -> Result<(), Failed> {
    let Some(word) = session.args.words.first().cloned() else {
        let text = "without a name this connects to a service of PM2's vendor, which is not there";
        let command = if on { "monitor" } else { "unmonitor" };
        return Err(Failed::misuse(text).hint(format!("`ostler {command} all` is about all apps")));
    };
    let targets = match session.program {
        Program::Ostler => talk::targets(session, &word)?,
        // Nobody is no failure.
        Program::Pm2 => {
            let list = session.list()?;
            let meant = list
                .iter()
                .filter(|of| word == "all" || of.name == word || Some(of.id) == word.parse().ok());
            meant.map(Target::of).collect()
        }
    };
    talk::say(session, &targets, Talk::Monitor { on })?;
    session.out.tell(&Notice::Talk(TalkNotice::Marked { on, targets: &targets }));
    if session.program == Program::Pm2 { list::table(session) } else { Ok(()) }
}
