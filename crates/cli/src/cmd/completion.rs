//! `completion`: the script that teaches a shell to complete command lines of this program.

use crate::complete::Shell;
use crate::failed::Failed;
use crate::session::Session;

/// Runs the command `completion`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let shell = match session.args.words.first() {
        Some(word) => Shell::named(word).ok_or_else(|| {
            Failed::misuse(format!("there is no completion for `{}`", word.escape_debug()))
                .hint(format!("the known shells are {}", Shell::ALL.map(Shell::name).join(", ")))
        })?,
        None => std::env::var_os(ostler_env::SHELL)
            .and_then(|path| Shell::of_program(&path))
            .unwrap_or(Shell::Bash),
    };
    session.out.data(&shell.script(session.program.name()));
    Ok(())
}
