//! `sendSignal`: a signal for the first process of each that a word means.

use ostler_wire::control::Talk;

use super::{list, talk};
use crate::args::suggest::nearest;
use crate::failed::{Failed, MISUSED};
use crate::program::Program;
use crate::session::Session;
use crate::voice::{Notice, Problem, TalkNotice, Target};

/// Runs the command `sendSignal`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let (signal, word) = (session.args.word().to_owned(), session.args.nth(1).to_owned());
    // PM2 takes for an id whatever begins with a digit.
    let is_id = word.starts_with(|first: char| first.is_ascii_digit());
    session.out.tell(&Notice::Talk(TalkNotice::Signals { word: &word, is_id }));
    let number = ostler_pm2::words::signal_number(&signal).ok_or_else(|| {
        let upper = signal.to_ascii_uppercase();
        let near = nearest(&upper, ostler_pm2::words::signals()).unwrap_or("SIGUSR2");
        // The app may stand first.
        let is_turned = ostler_pm2::words::signal_number(&word).is_some();
        let (near, pasted) = match is_turned {
            true => (word.as_str(), ostler_shell::operand(&signal)),
            false => (near, ostler_shell::operand(&word)),
        };
        let hint = format!("`ostler sendSignal {near} {pasted}`; or a number from 1 to 64");
        let problem = Problem::Bare {
            pm2: format!("Unknown signal: {signal}"),
            message: format!("`{signal}` is not a signal"),
            hint: Some(hint),
        };
        Failed { code: MISUSED, ..problem.into() }
    })?;
    let targets = match session.program {
        Program::Ostler => talk::targets(session, &word)?,
        Program::Pm2 => in_pm2s_way(session, &word, is_id)?,
    };
    talk::say(session, &targets, Talk::Signal { number })?;
    let (signal, word) = (signal.as_str(), word.as_str());
    let name = ostler_pm2::words::signal(number);
    let signal = if session.program == Program::Pm2 { signal } else { &name };
    session.out.tell(&Notice::Talk(TalkNotice::Signalled {
        signal,
        word,
        is_id,
        targets: &targets,
    }));
    if session.program == Program::Pm2 { list::table(session) } else { Ok(()) }
}

/// PM2 knows names and ids here, and nothing else.
fn in_pm2s_way(session: &mut Session, word: &str, is_id: bool) -> Result<Vec<Target>, Failed> {
    let list = session.known()?;
    let id = word.parse::<u32>().ok();
    let meant = list.iter().filter(|of| if is_id { Some(of.id) == id } else { of.name == word });
    let targets: Vec<Target> = meant.map(Target::of).collect();
    match targets.is_empty() {
        false => Ok(targets),
        true if is_id => Err(talk::bare(format!("{word} id unknown"), "")),
        true => Err(talk::bare("Unknown process name", "")),
    }
}
