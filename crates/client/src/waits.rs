//! Which answers come soon.

use std::time::Duration;

use ostler_wire::control::Request;

/// How long an answer may take for which no app has to do anything.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Whether the answer depends on what apps do. What only reads the daemon's memory must come soon;
/// what starts or stops apps takes as long as the apps take.
#[must_use]
pub fn waits_for_apps(request: &Request) -> bool {
    match request {
        Request::Start { .. }
        | Request::Act { .. }
        | Request::Scale { .. }
        | Request::Reload { .. }
        | Request::Promote { .. }
        | Request::Logs { .. }
        | Request::Profile { .. }
        | Request::Talk { .. }
        | Request::Resurrect
        | Request::ResurrectTold
        | Request::Import { .. }
        | Request::Update { .. }
        | Request::Kill
        | Request::KillTold => true,
        Request::Hello
        | Request::List
        | Request::Meant { .. }
        | Request::Find { .. }
        | Request::Jlist
        | Request::Describe { .. }
        | Request::Metrics
        | Request::Export
        | Request::Env { .. }
        | Request::Listens { .. }
        | Request::LastLines { .. }
        | Request::Unwritten { .. }
        | Request::Flush { .. }
        | Request::ReloadLogs
        | Request::Save { .. } => false,
    }
}
