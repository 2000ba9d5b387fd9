//! A failure that is told when more is known of it.

use ostler_core::AppId;
use ostler_wire::control::Failure;

/// A reload's failure whose last lines on standard error are still being read.
#[derive(Clone, Debug)]
pub struct AwaitedTail {
    /// App whose reload failed.
    pub app: AppId,
    /// What was noted of it before its last lines were known.
    pub noted: Failure,
    /// The reload has ended, for this reason.
    pub ended: Option<Failure>,
}
