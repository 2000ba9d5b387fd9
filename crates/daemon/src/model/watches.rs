//! What is watched, and what has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ostler_core::{AppId, Millis, SpecId};
use ostler_watch::Asked;

/// What is watched, and what has changed.
#[derive(Debug, Default)]
pub struct Watches {
    /// The versions that are watched.
    pub told: BTreeSet<SpecId>,
    /// What has changed and is about to be followed by a restart.
    pub changing: BTreeMap<SpecId, Changing>,
    /// Restarts in a row: how many, and when the last one was.
    pub rows: BTreeMap<AppId, (u32, Millis)>,
    /// Nothing was watched for some time: there was no daemon, or nobody who looked.
    pub missed: bool,
    /// Nothing is watched although it is wanted.
    pub failure: Option<WatchFailure>,
}

/// Why nothing is watched, and when that is tried again.
#[derive(Debug)]
pub struct WatchFailure {
    /// What the system says.
    pub why: String,
    /// When the next try is; `None` while one is under way.
    pub again: Option<Millis>,
}

/// A version whose files have changed.
#[derive(Debug)]
pub struct Changing {
    /// The first of the files.
    pub path: PathBuf,
    /// When it changed.
    pub since: Millis,
    /// When the restart is due.
    pub due: Millis,
}

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
