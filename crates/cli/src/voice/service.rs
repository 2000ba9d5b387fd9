//! What `startup` and `unstartup` tell.

use std::path::Path;

/// A fact about the service of an init system.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ServiceNotice<'a> {
    /// This init system is used.
    Found { platform: &'a str },
    /// Another one was found than was asked for.
    Other { found: &'a str, asked: &'a str },
    /// What is going to be installed, and by which commands.
    Planned { platform: &'a str, text: &'a str, target: &'a Path, commands: &'a [String] },
    /// The file of the service is being written.
    Writes { target: &'a Path },
    /// The commands that enable it are going to be run.
    Enables,
    /// A command is run.
    Runs { command: &'a str },
    /// The command that was run is done.
    Ran,
    /// The program belongs to a version of Node, and was copied.
    Copied { from: &'a Path, to: &'a Path },
    /// A folder of the service's `PATH` belongs to a version of something.
    Passes { folder: &'a str },
    /// The service is installed; with these options it is found again.
    Installed { platform: &'a str, target: &'a Path, options: &'a str },
    /// The service is removed.
    Removed { target: &'a Path },
    /// Only root may do it, by this command. `installs`: otherwise it removes.
    NeedsRoot { command: &'a str, installs: bool },
}
