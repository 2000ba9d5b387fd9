//! A failure that is told when more is known of it.

use ostler_core::{AppId, ProcId};
use ostler_wire::control::{Cause, Failure};

/// A reload's failure whose last lines on standard error are still being read.
#[derive(Clone, Debug)]
pub struct AwaitedTail {
    /// App whose reload failed.
    pub app: AppId,
    /// Slot of the worker.
    pub proc: ProcId,
    /// Name of the app, which may be deleted meanwhile.
    pub name: String,
    /// Why the worker was not accepted.
    pub what: Cause,
    /// What was noted of it before its last lines were known.
    pub noted: Failure,
    /// The reload has ended, for this reason.
    pub ended: Option<Failure>,
}
