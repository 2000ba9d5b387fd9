//! Apps that depend on others: a slot is held until each app that it depends on has come to what
//! is asked of it.
//!
//! Whether a slot is held follows from what is true of the others, and is worked out again whenever
//! something has happened; nothing of it is saved. So a daemon that takes over knows it, too. The
//! one thing that is saved is that a slot is to be restarted once an app that it depends on has
//! recovered from its end.
//!
//! # Invariants
//! - A slot is held exactly as long as one of its dependencies is not there.
//!   Test of that in random histories: `every_request_is_answered_once`.
//! - Who waits goes on waiting when the daemon dies.
//!   Test of that at every effect: `the_daemon_may_die_at_every_effect_while_apps_wait`.

mod look;
mod order;
mod refused;
mod settle;
mod shown;

use std::collections::BTreeMap;

use ostler_core::{Millis, ProcId};
use ostler_wire::control::Waits;

pub(super) use look::Look;

/// What is remembered of slots that wait.
#[derive(Debug, Default)]
pub(super) struct Dependents {
    /// Something has happened since it was last looked at who is held.
    pub(super) stale: bool,
    /// When a health check is to be made again, or something has lived for long enough.
    pub(super) due: Option<Millis>,
    /// Slots that waited at the last look, of which the log says so.
    pub(super) waiting: BTreeMap<ProcId, Waiting>,
}

/// What a slot waits for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    waits: Vec<Waits>,
    /// What it waits for in vain, as things stand.
    in_vain: Option<Waits>,
}

impl Dependents {
    /// When it is to be looked at again who is held.
    pub(super) fn due(&self) -> Option<Millis> {
        self.due
    }
}
