//! The shells, and the script that each of them loads.

use std::ffi::OsStr;
use std::path::Path;

/// A shell that can be taught to complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    /// The Bourne-again shell, from 4.4 on.
    Bash,
    /// The Z shell, with `compinit`.
    Zsh,
    /// The friendly interactive shell, from 3.0 on.
    Fish,
}

impl Shell {
    /// Every shell, in the order of the help.
    pub(crate) const ALL: [Self; 3] = [Self::Bash, Self::Zsh, Self::Fish];

    /// Finds the shell of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shell| shell.name() == name)
    }

    /// Finds the shell in the path of a program, such as the one in `SHELL`.
    pub(crate) fn of_program(path: &OsStr) -> Option<Self> {
        Self::named(Path::new(path).file_name()?.to_str()?)
    }

    /// Returns the name of its program.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }

    /// Returns the script that makes it complete the words of `program`.
    pub(crate) fn script(self, program: &str) -> String {
        let text = match self {
            Self::Bash => include_str!("scripts/ostler.bash"),
            Self::Zsh => include_str!("scripts/ostler.zsh"),
            Self::Fish => include_str!("scripts/ostler.fish"),
        };
        text.replace("ostler", program)
    }
}
