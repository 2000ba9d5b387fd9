//! What became of a run: it ended, it was never there, or it was not accepted.

use ostler_core::Exit;

/// What became of a run that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The process ended.
    Ended(Exit),
    /// No process could be started.
    NotSpawned {
        /// What failed, in words.
        why: String,
    },
    /// It ran, but a check that it had to pass failed.
    NotVerified {
        /// Which check, and how it failed.
        why: String,
    },
}

impl Outcome {
    /// Why there is nothing of the run to show, where it is not how a process ended.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ended(_) => None,
            Self::NotSpawned { why } | Self::NotVerified { why } => Some(why),
        }
    }

    /// The outcome in words.
    pub fn text(&self) -> String {
        match self {
            Self::NotSpawned { why } | Self::NotVerified { why } => why.clone(),
            Self::Ended(Exit::Code(code)) => format!("exit code {code}"),
            Self::Ended(Exit::Signal { number, core }) => {
                let dumped = if *core { " (core dumped)" } else { "" };
                format!("signal {}{dumped}", signal_name(*number))
            }
            Self::Ended(Exit::Unknown) => {
                "unknown (its parent was killed and the kernel does not tell)".to_owned()
            }
            Self::Ended(Exit::NotSpawned) => "it could not be started".to_owned(),
        }
    }
}

/// A signal's name with its prefix, or its number.
pub fn signal_name(signal: i32) -> String {
    const NAMES: [(i32, &str); 16] = [
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGTRAP, "SIGTRAP"),
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGUSR2, "SIGUSR2"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGSYS, "SIGSYS"),
    ];
    let known = NAMES.iter().find(|(number, _)| *number == signal);
    known.map_or_else(|| format!("number {signal}"), |(_, name)| (*name).to_owned())
}
