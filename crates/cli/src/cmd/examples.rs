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
            Program::Ostler => writeln!(out, "{}", row(&line, about)),
        };
    }
    session.out.data(&out);
    Ok(())
}

/// A line that can be pasted, and behind it or below it what it does, in 80 columns.
fn row(line: &str, about: &str) -> String {
    const LEFT: usize = 37;
    let gap = if line.len() <= LEFT { String::new() } else { format!("\n{:LEFT$}", "") };
    format!("{line:LEFT$}{gap} # {about}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_fits_80_columns_and_is_not_broken() {
        let all = COMMANDS.iter().flat_map(|command| examples_of(command.id)).chain(FIRST);
        for (line, about) in all {
            let row = row(line, about);
            assert!(row.lines().all(|of| of.chars().count() <= 80), "{row}");
            assert!(row.starts_with(line) && row.ends_with(&format!(" # {about}")), "{row}");
        }
    }
}
