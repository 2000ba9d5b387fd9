//! Who has connections to an app.

use ostler_core::RunId;

/// What was found of the connections to an app's workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// The workers that were looked at.
    pub runs: Vec<RunId>,
    /// How many connections they were handed in all.
    pub handed: u64,
    /// Who has one now.
    pub callers: Callers,
    /// They get no more until it is decided what follows.
    pub paused: bool,
}

/// Who has a connection to an app now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Nobody has one.
    Nobody,
    /// Somebody has one, or had one since the last look.
    Somebody,
    /// Somebody may, and would not wake it: for this reason.
    Unheard(String),
}
