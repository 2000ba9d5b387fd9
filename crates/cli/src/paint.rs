//! When and how text is coloured.

use std::io::IsTerminal as _;

use crate::program::Program;

/// Ways in which a terminal shows text, by their codes (SGR): the first four of style, then
/// foregrounds, then backgrounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Ink {
    Bold = 1,
    Dim = 2,
    Italic = 3,
    Inverse = 7,
    Red = 31,
    Green = 32,
    Yellow = 33,
    Blue = 34,
    Cyan = 36,
    White = 37,
    Grey = 90,
    OnGrey = 100,
}

impl Ink {
    fn end(self) -> u8 {
        match self {
            Self::Bold | Self::Dim => 22,
            Self::Italic => 23,
            Self::Inverse => 27,
            Self::Red
            | Self::Green
            | Self::Yellow
            | Self::Blue
            | Self::Cyan
            | Self::White
            | Self::Grey => 39,
            Self::OnGrey => 49,
        }
    }
}

/// What is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint {
    /// Whether text is coloured.
    pub(crate) text: bool,
    /// Whether the frames and heads of tables are coloured too: only where a person looks.
    pub(crate) frame: bool,
}

impl Paint {
    /// Nothing is coloured.
    pub(crate) const PLAIN: Self = Self { text: false, frame: false };

    /// Decides: on a terminal unless told otherwise; under the name of PM2 as PM2 does, also
    /// anywhere when `PM2_HOME` is set.
    pub(crate) fn detect(program: Program, no_color: bool) -> Self {
        let var = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let terminal = std::io::stdout().is_terminal();
        let forced = var(ostler_env::FORCE_COLOR);
        let off = no_color || forced.as_ref().is_some_and(|value| value == "0" || value == "false");
        if off {
            return Self { text: false, frame: false };
        }
        if forced.is_some() {
            return Self { text: true, frame: true };
        }
        let dumb = var(ostler_env::NO_COLOR).is_some()
            || var(ostler_env::TERM).is_some_and(|term| term == "dumb");
        let everywhere = program == Program::Pm2 && var(ostler_env::PM2_HOME).is_some();
        Self { text: !dumb && (terminal || everywhere), frame: !dumb && terminal }
    }

    /// Returns the text in these inks, the first outermost.
    pub(crate) fn ink(self, inks: &[Ink], text: &str) -> String {
        if self.text { wrap(inks, text) } else { text.to_owned() }
    }

    /// Returns a part of a frame or a head in these inks.
    pub(crate) fn frame(self, inks: &[Ink], text: &str) -> String {
        if self.frame { wrap(inks, text) } else { text.to_owned() }
    }
}

fn wrap(inks: &[Ink], text: &str) -> String {
    let open: String = inks.iter().map(|ink| format!("\x1b[{}m", *ink as u8)).collect();
    let close: String = inks.iter().rev().map(|ink| format!("\x1b[{}m", ink.end())).collect();
    format!("{open}{text}{close}")
}
