//! Why a process waits for an app that it depends on, as a fact. Ours is the `Display`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::facts::Outcome;

/// A dependency that has not come to what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// Name of the app that is waited for.
    pub app: String,
    /// What it must have come to.
    pub condition: Condition,
    /// What it is instead.
    pub lacks: Lacks,
}

/// What an app must have come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It runs, ready or not.
    Started,
    /// It is online.
    Ready,
    /// Its health check has passed.
    Healthy,
    /// It has ended with success.
    Completed,
}

/// Why an app has not come to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lacks {
    /// No app of that name is in the list.
    Missing,
    /// It is stopped.
    Stopped,
    /// It was given up.
    Errored {
        /// How its last run ended.
        last: Option<Outcome>,
    },
    /// It has ended by itself.
    Ended {
        /// How that run ended.
        how: Outcome,
    },
    /// It is being started.
    Starting,
    /// It runs, and has not lived for long enough.
    Young {
        /// How long that is, ms.
        enough: u64,
    },
    /// It did not say in time that it is ready.
    Late,
    /// Its health check goes on.
    Unchecked,
    /// Its health check failed, and is made again.
    Unhealthy {
        /// How it failed.
        why: String,
    },
    /// It has not ended yet.
    Running,
    /// It is being stopped.
    Stopping,
    /// It is started again after a pause.
    Pauses,
    /// It waits itself.
    Waits,
}

impl Lacks {
    /// Whether whoever wants to see an end of the waiting sees none: nobody is at work to change
    /// that, or the time for it is over.
    #[must_use]
    pub fn is_in_vain(&self) -> bool {
        self.rests() || matches!(self, Self::Late | Self::Unhealthy { .. })
    }

    /// Whether nobody is at work to change that.
    #[must_use]
    pub fn rests(&self) -> bool {
        match self {
            Self::Missing | Self::Stopped | Self::Errored { .. } | Self::Ended { .. } => true,
            Self::Starting
            | Self::Young { .. }
            | Self::Late
            | Self::Unchecked
            | Self::Unhealthy { .. }
            | Self::Running
            | Self::Stopping
            | Self::Pauses
            | Self::Waits => false,
        }
    }
}

/// What it is to do, after the name of an app.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Started => "to be started",
            Self::Ready => "to be ready",
            Self::Healthy => "to be healthy",
            Self::Completed => "to complete",
        })
    }
}

impl fmt::Display for Lacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no app of that name is in the list"),
            Self::Stopped => f.write_str("it is stopped"),
            Self::Errored { last: None } => f.write_str("it was given up"),
            Self::Errored { last: Some(last) } => write!(f, "it was given up: {last}"),
            Self::Ended { how } => write!(f, "it has ended: {how}"),
            Self::Starting => f.write_str("it is being started"),
            Self::Young { enough } => write!(f, "it has not lived for {enough} ms yet"),
            Self::Late => f.write_str("it did not say `ready` in time"),
            Self::Unchecked => f.write_str("its health check goes on"),
            Self::Unhealthy { why } => write!(f, "its health check failed: {why}"),
            Self::Running => f.write_str("it has not ended yet"),
            Self::Stopping => f.write_str("it is being stopped"),
            Self::Pauses => f.write_str("it has ended, and is started again after a pause"),
            Self::Waits => f.write_str("it waits, too"),
        }
    }
}

/// The whole, after `waits for`.
impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {} ({})", self.app, self.condition, self.lacks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_says_for_what_and_why_it_is_not_there() {
        let check = |condition, lacks, expected: &str| {
            let waits = Waits { app: "db".to_owned(), condition, lacks };
            assert_eq!(waits.to_string(), expected);
            let text = serde_json::to_string(&waits).unwrap();
            assert_eq!(serde_json::from_str::<Waits>(&text).unwrap(), waits, "{text}");
        };
        check(Condition::Ready, Lacks::Starting, "`db` to be ready (it is being started)");
        let how = Outcome::Code(3);
        check(
            Condition::Completed,
            Lacks::Ended { how },
            "`db` to complete (it has ended: exit code 3)",
        );
        let last = Some(Outcome::Code(1));
        check(
            Condition::Healthy,
            Lacks::Errored { last },
            "`db` to be healthy (it was given up: exit code 1)",
        );
    }
}
