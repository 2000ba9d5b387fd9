//! `send`: a line for the standard input of a process.

use ostler_wire::control::Talk;

use super::{list, talk};
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::{Notice, TalkNotice, Target};

/// Runs the command `send`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    let text = format!("{}\n", session.args.nth(1));
    let target = match session.program {
        Program::Ostler => talk::one(session, &word)?,
        Program::Pm2 => of_id(session, &word)?,
    };
    talk::say(session, std::slice::from_ref(&target), Talk::Input { text })?;
    session.out.tell(&Notice::Talk(TalkNotice::Sent { target: &target }));
    if session.program == Program::Pm2 { list::table(session) } else { Ok(()) }
}

/// PM2 knows ids here, and nothing else.
pub(super) fn of_id(session: &mut Session, word: &str) -> Result<Target, Failed> {
    let list = session.known()?;
    let id = word.parse::<u32>().ok();
    let found = list.iter().find(|process| Some(process.id) == id);
    found
        .map(Target::of)
        .ok_or_else(|| Failed::new(format!("Error: Process with ID <{word}> unknown.")))
}
