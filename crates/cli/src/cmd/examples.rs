//! `examples`: command lines for everyday needs, and what they do.

use std::fmt::Write as _;

use crate::args::{COMMANDS, FIRST, examples_of};
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;

/// Runs the command `examples`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let mut all: Vec<&(&str, &str)> = FIRST.iter().collect();
    for command in COMMANDS {
        all.extend(examples_of(command.id).iter().filter(|one| !FIRST.contains(one)));
    }
    let name = session.program.name();
    let mut out = match session.program {
        Program::Pm2 => "[PM2] pm2 usage examples:\n".to_owned(),
        Program::Ostler => String::new(),
    };
    for (line, about) in all {
        let line = line.replace("ostler", name);
        // Writing to a string cannot fail.
        let _ = match session.program {
            Program::Pm2 => writeln!(out, "\n- {about}:\n\n  $ {line}"),
            Program::Ostler => writeln!(out, "{line:52} # {about}"),
        };
    }
    session.out.data(&out);
    Ok(())
}
