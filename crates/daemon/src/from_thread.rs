//! What the helper threads of the daemon tell.

use std::collections::BTreeSet;
use std::io;

use ostler_core::RunId;
use ostler_sinks::Found;
use ostler_watch::WatchNews;

use crate::hooks::HookDone;
use crate::keeper::Tried;
use crate::log_care::Cared;
use crate::probes::ProbeMessage;
use crate::runs::Walked;
use crate::saver::Done;

/// What a helper thread tells.
#[derive(Debug)]
pub(crate) enum FromThread {
    /// How a health check goes.
    Probe(ProbeMessage),
    /// A command of an app is over.
    Hook(HookDone),
    /// What trying another program came to.
    Tried(Tried),
    /// Which descendants runs have.
    Walked(Walked),
    /// Nothing is left of what a dead keeper had begun of these runs.
    Cleared(BTreeSet<RunId>),
    /// What happened to files of apps, or why they are watched no more.
    Watched(io::Result<WatchNews>),
    /// What became of the saved list.
    Saver(Done),
    /// A receiver of alerts will not forget the one of this number.
    Alerted(u64),
    /// A rule about log lines has found one.
    Found(Found),
    /// What was done for rotated log files.
    Cared(Cared),
}

impl From<Tried> for FromThread {
    fn from(tried: Tried) -> Self {
        Self::Tried(tried)
    }
}

impl From<HookDone> for FromThread {
    fn from(done: HookDone) -> Self {
        Self::Hook(done)
    }
}

impl From<Cared> for FromThread {
    fn from(cared: Cared) -> Self {
        Self::Cared(cared)
    }
}

impl From<Found> for FromThread {
    fn from(found: Found) -> Self {
        Self::Found(found)
    }
}

impl From<Done> for FromThread {
    fn from(done: Done) -> Self {
        Self::Saver(done)
    }
}
