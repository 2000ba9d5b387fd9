//! `list` of several hosts: all are asked at once, and what they say is one table.

use std::process::Output;

use super::lines::array;
use super::remote::{Remote, ask, words};
use crate::args::FlagId;
use crate::failed::{FAILED, Failed};
use crate::session::Session;
use crate::show;
use crate::view;

/// Options of a list that is more than lines of values.
const OF_ONE: [(FlagId, &str); 3] =
    [(FlagId::All, "--all"), (FlagId::MiniList, "--mini-list"), (FlagId::Sort, "--sort")];

/// Prints what all hosts say. Those that say nothing are warned of, and make it fail.
pub(super) fn run(session: &mut Session, remotes: &[Remote]) -> Result<(), Failed> {
    if let Some((_, option)) = OF_ONE.iter().find(|(id, _)| session.has(*id)) {
        let message = format!("`{option}` is for the list of one machine");
        return Err(Failed::misuse(message).hint("leave it out; `--json` has each process"));
    }
    if session.args.has_attribute("watch") {
        return Err(Failed::misuse("`--watch` is for the list of one machine"));
    }
    let answers = ask(remotes, &words(&session.args, &[]))?;
    let wants = session.has(FlagId::Fields);
    let (mut objects, mut rows, mut failed) = (Vec::new(), Vec::new(), false);
    for (remote, Output { status, stdout, stderr }) in remotes.iter().zip(answers) {
        for line in String::from_utf8_lossy(&stderr).lines() {
            session.out.aside(&remote.prefixed(&format!("{line}\n")));
        }
        if let Some(why) = remote.failure(status) {
            failed = true;
            session.out.warn_aside(&format!("no list of {}: {why}", remote.name()));
        } else if wants {
            objects.extend(remote.objects(&stdout)?);
        } else {
            let text = String::from_utf8_lossy(&stdout).into_owned();
            rows.extend(text.lines().map(|line| format!("{}\t{line}", remote.name())));
        }
    }
    if wants {
        array(session, &objects);
    } else if session.out.terminal {
        let text = show::of_hosts(&rows, view::width(), session.out.paint);
        session.out.data(&text);
    } else {
        rows.iter().for_each(|row| session.out.value(&format!("{row}\n")));
    }
    if failed { Err(Failed::quiet(FAILED)) } else { Ok(()) }
}
