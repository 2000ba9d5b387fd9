//! `completion`: the script that teaches a shell to complete command lines of this program.

use crate::complete::{self, Shell};
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;

/// Runs the command `completion`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    if let (Program::Pm2, Some(line)) = (session.program, line()) {
        session.out.data(&complete::of_line(&line, &session.home));
        return Ok(());
    }
    let shell = match session.args.words.first() {
        Some(word) => Shell::named(word).ok_or_else(|| {
            Failed::misuse(format!("there is no completion for `{}`", ostler_text::shown(word)))
                .hint(format!("the known shells are {}", Shell::ALL.map(Shell::name).join(", ")))
        })?,
        None => std::env::var_os(ostler_env::SHELL)
            .and_then(|path| Shell::of_program(&path))
            .unwrap_or(Shell::Bash),
    };
    session.out.data(&shell.script(session.program.name()));
    Ok(())
}

/// Returns the line up to the cursor about which the script asks that PM2 has put into the user's
/// shell; it stays there when PM2 goes.
fn line() -> Option<String> {
    let mut line = std::env::var(ostler_env::COMP_LINE).ok()?;
    let point = std::env::var(ostler_env::COMP_POINT).ok().and_then(|text| text.parse().ok());
    if let Some(point) = point.filter(|point| line.is_char_boundary(*point)) {
        line.truncate(point);
    }
    Some(line)
}
