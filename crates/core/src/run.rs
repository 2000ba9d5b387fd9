//! Names of things: a process slot, an app, a specification, one run. A pid is never one of them:
//! pids are used again.

use crate::Millis;

/// A process slot as the user sees it (PM2's `pm_id`). It outlives its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcId(pub u32);

/// A group of slots that are scaled and reloaded together, by namespace and name; numbered by the
/// driver that calls us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId(pub u32);

/// One version of an app's specification, numbered by the driver and never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpecId(pub u32);

/// One spawn. A report that names another run than the one at hand is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It ended by itself, with this code.
    Code(i32),
    /// It was killed by a signal.
    Signal {
        /// The number of the signal.
        number: i32,
        /// Whether the kernel wrote a core dump.
        core: bool,
    },
    /// It is gone and nobody can tell how (its parent died first and the kernel does not say).
    Unknown,
    /// It was never spawned.
    NotSpawned,
    /// It was never spawned, and would not be the next time: there is no room for it.
    Refused,
}

/// Why a candidate was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It ended while it was being verified.
    Exited(Exit),
    /// It did not say `ready` in time.
    NotReady,
    /// It does not listen on what the run it replaces listens on.
    NotListening,
    /// It listens, but elsewhere.
    Elsewhere,
    /// Its health check failed.
    Unhealthy,
}

/// The part that a run plays in its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The run that the slot shows.
    Current,
    /// To become the current one when it has passed its checks.
    Candidate,
    /// Replaced or given up; on its way out.
    Leaving,
}

/// A run found alive or dead after the daemon lost its memory, as the keeper tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenRun {
    /// The run's number.
    pub run: RunId,
    /// The slot that it belongs to.
    pub proc: ProcId,
    /// The specification that it was spawned with.
    pub spec: SpecId,
    /// Its role when that was last noted.
    pub role: Role,
    /// When it was spawned.
    pub since: Millis,
    /// Whether it was ready before.
    pub ready: bool,
    /// Whether it had a listener before.
    pub listening: bool,
    /// Whether it had been asked to end, or was about to be.
    pub ending: bool,
    /// How it ended, if it did.
    pub exit: Option<Exit>,
    /// The prepared run that was begun when it ended.
    pub next: Option<RunId>,
}
