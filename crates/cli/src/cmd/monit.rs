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
    // Without a terminal the companion refuses, and nothing is to be started for that.
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        session.connect()?;
        session.out.flush()?;
    }
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
