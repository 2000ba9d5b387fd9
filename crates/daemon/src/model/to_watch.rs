//! An app whose files are to be watched, as whoever looks at them is told.

use ostler_core::SpecId;
use ostler_watch::Asked;

/// A version of an app that is to be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToWatch {
    /// Which version of which app.
    pub spec: SpecId,
    /// What of it is watched.
    pub asked: Asked,
    /// Files that were written after this have changed, ms since 1970.
    pub since: Option<u64>,
}
