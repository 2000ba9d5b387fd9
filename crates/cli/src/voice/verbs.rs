//! What a command does to apps, as words.

use super::Act;

/// Returns what goes on.
pub(super) fn going(act: Act) -> &'static str {
    match act {
        Act::Start | Act::StartFile | Act::StartAgain => "starting",
        Act::Stop | Act::Kill => "stopping",
        Act::Restart => "restarting",
        Act::Delete => "deleting",
        Act::Reset => "resetting",
        Act::Reload => "reloading",
        Act::Promote => "promoting",
        Act::Rollback => "rolling back",
        Act::Scale => "scaling",
        Act::Resurrect => "resurrecting",
        Act::Import => "importing",
    }
}

/// Returns the past tense of what is done.
pub(super) fn verb(act: Act) -> &'static str {
    match act {
        Act::Start | Act::StartFile | Act::StartAgain => "started",
        Act::Stop => "stopped",
        Act::Restart => "restarted",
        Act::Delete | Act::Kill => "deleted",
        Act::Reset => "reset the counters of",
        Act::Reload => "reloaded",
        Act::Promote => "promoted",
        Act::Rollback => "rolled back",
        Act::Scale => "scaled",
        Act::Resurrect => "resurrected",
        Act::Import => "imported",
    }
}
