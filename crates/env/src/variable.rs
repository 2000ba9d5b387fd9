//! What is known of one variable.

/// One environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name, as the environment has it.
    pub name: &'static str,
    /// Every part that reads it.
    pub readers: &'static [Reader],
    /// What it means, in sentences.
    pub meaning: &'static str,
    /// What holds while it is not set; empty where there is nothing to say.
    pub default: &'static str,
    /// Who gave it this meaning.
    pub origin: Origin,
    /// Who is meant to set it.
    pub audience: Audience,
    /// Whether applications find it in their environment because ostler puts it there.
    pub given_to_apps: bool,
}

/// A part that reads a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The `ostler` command.
    Command,
    /// The daemon, which decides.
    Daemon,
    /// The keeper, which starts apps.
    Keeper,
    /// The application itself, or a library in it.
    App,
    /// The server of static files, which is an app.
    Serve,
    /// The companion, which serves the web API.
    Companion,
    /// The project's tests and tasks.
    Test,
}

impl Reader {
    /// Returns the word for it in a table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Daemon => "daemon",
            Self::Keeper => "keeper",
            Self::App => "application",
            Self::Serve => "server of files",
            Self::Companion => "companion",
            Self::Test => "tests",
        }
    }
}

/// Who gave a variable its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This project alone.
    Ours,
    /// PM2: it means the same here.
    Pm2,
    /// Node.js: the protocol between a cluster's primary and its workers, and Node's own options.
    Node,
    /// The service manager of the machine.
    Systemd,
    /// A convention that many programs follow.
    Convention,
}

impl Origin {
    /// Returns the word for it in a table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ostler",
            Self::Pm2 => "PM2",
            Self::Node => "Node.js",
            Self::Systemd => "systemd",
            Self::Convention => "convention",
        }
    }
}

/// Who is meant to set a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The person who uses ostler.
    User,
    /// A part of ostler, for another part or for an application.
    Internal,
    /// Somebody who works on ostler.
    Developer,
}
