//! What is done, and with whom.

use ostler_wire::control::{Phase, ProcView};

/// What is done with apps, as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// The one app that the command line describes is started.
    Start,
    /// Apps of a process file are started.
    StartFile,
    /// Processes of the list are started again.
    StartAgain,
    /// Processes are stopped.
    Stop,
    /// Processes are stopped and started.
    Restart,
    /// Processes are stopped and forgotten.
    Delete,
    /// Counters are set to zero.
    Reset,
    /// Processes are replaced one by one.
    Reload,
    /// The version of a canary is rolled out.
    Promote,
    /// A canary is taken back.
    Rollback,
    /// Processes are added or removed.
    Scale,
    /// What was saved is started.
    Resurrect,
    /// What a file of `export` has is started.
    Import,
    /// Everything is stopped and forgotten, then the daemon ends.
    Kill,
}

impl Act {
    /// Returns what is done, in one word.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Start | Self::StartFile | Self::StartAgain => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Delete => "delete",
            Self::Reset => "reset",
            Self::Reload => "reload",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
            Self::Scale => "scale",
            Self::Resurrect => "resurrect",
            Self::Import => "import",
            Self::Kill => "kill",
        }
    }
}

/// A process that something is done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Number of the process.
    pub(crate) id: u32,
    /// Name of its app.
    pub(crate) name: String,
    /// It is a worker of a cluster.
    pub(crate) cluster: bool,
    /// Nothing of it runs, and nothing is going to by itself.
    pub(crate) rests: bool,
}

impl Target {
    /// The process as something is done with it.
    pub(crate) fn of(process: &ProcView) -> Self {
        let rests = matches!(process.phase, Phase::Stopped | Phase::Errored);
        let rests = rests && process.leaving.is_empty() && process.candidate.is_none();
        Self { id: process.id, name: process.name.clone(), cluster: process.cluster, rests }
    }
}

/// The word that chose processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Selector<'a> {
    /// As it was typed, or the name of an app of a process file.
    pub(crate) word: &'a str,
    /// The ids as PM2 prints them: those that were typed stay text.
    pub(crate) ids: &'a serde_json::Value,
}

/// An app that is going to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// Name of the app.
    pub(crate) name: String,
    /// How many processes.
    pub(crate) instances: u32,
    /// They are started, and not only added to the list.
    pub(crate) starts: bool,
}

/// What a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject<'a> {
    /// A process that was to be acted on.
    Process { id: u32, name: &'a str },
    /// A process whose counters were to be reset.
    Counters { id: u32, name: &'a str },
    /// An app that was to be acted on.
    App { name: &'a str },
    /// An app, which the message names.
    Named { name: &'a str },
    /// An app of the saved list.
    Saved { name: &'a str, script: &'a str },
}

impl Subject<'_> {
    /// Returns a message about it, with its name unless the message has it.
    pub(super) fn about(&self, message: &str) -> String {
        match self {
            // It was deleted before its name was known.
            Self::Process { name: "", .. } => message.to_owned(),
            Self::Process { id, name } | Self::Counters { id, name } => {
                format!("{} (id {id}): {message}", ostler_text::shown(name))
            }
            Self::App { name } | Self::Saved { name, .. } => {
                format!("{}: {message}", ostler_text::shown(name))
            }
            Self::Named { .. } => message.to_owned(),
        }
    }
}
