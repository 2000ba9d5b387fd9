//! When text is coloured.

use std::io::IsTerminal as _;

pub(crate) use ostler_show::{Ink, Paint};

use crate::program::Program;

/// Decides: on a terminal unless told otherwise; under the name of PM2 as PM2 does, also
/// anywhere when `PM2_HOME` is set.
pub(crate) fn detect(program: Program, no_color: bool) -> Paint {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let terminal = std::io::stdout().is_terminal();
    let forced = var(ostler_env::FORCE_COLOR);
    let off = no_color || forced.as_ref().is_some_and(|value| value == "0" || value == "false");
    if off {
        return Paint::PLAIN;
    }
    if forced.is_some() {
        return Paint { text: true, frame: true };
    }
    let dumb = var(ostler_env::NO_COLOR).is_some()
        || var(ostler_env::TERM).is_some_and(|term| term == "dumb");
    let everywhere = program == Program::Pm2 && var(ostler_env::PM2_HOME).is_some();
    Paint { text: !dumb && (terminal || everywhere), frame: !dumb && terminal }
}

/// Whether nothing can be drawn on the terminal, as far as is known.
pub(crate) fn is_dumb() -> bool {
    std::env::var_os(ostler_env::TERM).is_none_or(|term| term == "dumb")
}
