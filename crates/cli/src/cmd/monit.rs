//! `monit`: the full-screen view, which the companion draws in place of this command.

use std::io::IsTerminal as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use ostler_env::OSTLER_HOME;

use crate::companion;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;

/// Runs the command `monit`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let companion = companion::find("the full-screen view")?;
    // Nothing is to be started for a view that cannot be shown.
    refuse_pipe()?;
    refuse_dumb()?;
    session.connect()?;
    session.out.flush()?;
    let mut command = Command::new(&companion);
    command.arg("monit").env(OSTLER_HOME, session.home.path());
    if !session.out.paint.text {
        command.arg("--no-color");
    }
    if session.program == Program::Pm2 {
        command.arg("--pm2");
    }
    // It comes back only when it fails.
    Err(companion::not_executed(&companion, &command.exec()))
}

/// Refuses what is no terminal, as the companion does, but in the words of the name that was used.
fn refuse_pipe() -> Result<(), Failed> {
    let ends =
        [("input", std::io::stdin().is_terminal()), ("output", std::io::stdout().is_terminal())];
    let Some((end, _)) = ends.into_iter().find(|(_, is_terminal)| !is_terminal) else {
        return Ok(());
    };
    Err(Failed::new(format!("`monit` needs a terminal, and its {end} is none"))
        .hint("in a pipe, `ostler list --watch` and `ostler logs` show the same"))
}

/// Refuses a terminal on which nothing can be drawn.
fn refuse_dumb() -> Result<(), Failed> {
    let term = std::env::var_os(ostler_env::TERM).unwrap_or_default();
    let text = match term.to_str() {
        Some("dumb") => "`TERM` is `dumb`: nothing can be drawn on this terminal",
        Some("") => "`TERM` is not set: it is not known how to draw on this terminal",
        Some(_) | None => return Ok(()),
    };
    Err(Failed::new(text)
        .hint("`ostler list --watch` shows the apps in lines, `ostler logs` what they write"))
}
