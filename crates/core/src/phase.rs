//! Goal and phase: the user's wish for a slot, and the truth about it. These are two types, because
//! the two differ all the time.

use crate::Millis;
use crate::ending::Ending;
use crate::run::RunId;

/// The user's wish. The process itself changes it only by giving up or by ending for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The process is to run.
    Up,
    /// The process is not to run.
    Down,
}

/// The truth about a slot now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are documented; the fields say what their types say")]
pub enum Phase {
    /// No run, none due.
    Stopped,
    /// No run, none due: it was given up.
    Errored,
    /// To be spawned since `since`, or `spawned` already, not ready; taken as ready at `ready_by`.
    Starting { run: RunId, since: Millis, ready_by: Millis, spawned: bool },
    /// Spawned at `since` and ready.
    Online { run: RunId, since: Millis },
    /// The run is being brought to its end.
    Stopping(Ending),
    /// No run; the next is due at `until`.
    Backoff { until: Millis },
    /// No run; the next begins as soon as the slot is not held any more.
    Held,
    /// No run; the next begins as soon as somebody wants it. It has a later number than `after`.
    Sleeping { after: RunId },
}

impl Phase {
    /// Returns the run that it holds.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        match self {
            Self::Starting { run, .. } | Self::Online { run, .. } => Some(*run),
            Self::Stopping(ending) => Some(ending.run()),
            Self::Stopped
            | Self::Errored
            | Self::Backoff { .. }
            | Self::Held
            | Self::Sleeping { .. } => None,
        }
    }

    /// Returns the run that serves, and since when it does.
    #[must_use]
    pub fn online(&self) -> Option<(RunId, Millis)> {
        match self {
            Self::Online { run, since } => Some((*run, *since)),
            Self::Stopped
            | Self::Errored
            | Self::Starting { .. }
            | Self::Stopping(_)
            | Self::Backoff { .. }
            | Self::Held
            | Self::Sleeping { .. } => None,
        }
    }

    /// Returns when time alone changes something.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        match self {
            Self::Stopped
            | Self::Errored
            | Self::Online { .. }
            | Self::Held
            | Self::Sleeping { .. } => None,
            Self::Starting { ready_by: at, .. } | Self::Backoff { until: at } => Some(*at),
            Self::Stopping(ending) => Some(ending.deadline()),
        }
    }
}
