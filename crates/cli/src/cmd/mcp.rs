//! `mcp`: the companion speaks to a coding agent, in place of this command.

use std::io::IsTerminal as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use ostler_env::OSTLER_HOME;

use crate::args::FlagId;
use crate::caller;
use crate::companion;
use crate::failed::Failed;
use crate::session::Session;

/// Runs the command `mcp`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let companion = companion::find("the server for agents")?;
    if std::io::stdin().is_terminal() {
        return Err(Failed::new("`mcp` speaks to a program, and its input is a terminal")
            .hint("have the agent start it: `claude mcp add ostler -- ostler mcp`"));
    }
    let program = caller::program()?;
    session.out.flush()?;
    let mut command = Command::new(&companion);
    command.arg("mcp").arg(program).env(OSTLER_HOME, session.home.path());
    for (flag, word) in [(FlagId::All, "--all"), (FlagId::Destructive, "--allow-destructive")] {
        if session.has(flag) {
            command.arg(word);
        }
    }
    // It comes back only when it fails.
    Err(companion::not_executed(&companion, &command.exec()))
}
