//! What becomes of apps right after a plain `start`.
//!
//! Problem: an app that finds its port taken ends a moment after `start` has said that it runs.
//! Rule: on a terminal, where somebody reads, `start` looks for a moment whether the first run
//! holds, and says why it did not. Elsewhere it is not waited for that; `--wait` does.

use std::time::{Duration, Instant};

use crate::args::FlagId;
use crate::program::Program;
use crate::session::Session;
use crate::voice::{Notice, Problem, Progress};
use crate::wait::{self, Awaited, End, Ended, Never, explain};

/// How long it is waited for an app to listen or to end.
const MOMENT: Duration = Duration::from_millis(500);

/// Waits a moment for these processes, where somebody reads what became of them. `waited`: time was
/// given to them already.
pub(super) fn watch(session: &mut Session, ids: &[u32], waited: bool) -> Vec<Ended> {
    let told_later = session.ends_ready || session.has(FlagId::Attach);
    if session.program == Program::Pm2 || told_later || ids.is_empty() {
        return Vec::new();
    }
    let moment = match session.out.progress() {
        Some(Progress::Live) => MOMENT,
        _ if waited => Duration::ZERO,
        Some(Progress::Plain | Progress::Json | Progress::Silent) | None => return Vec::new(),
    };
    let until = Some(Instant::now() + moment);
    // Who cannot look any more has done what was asked for.
    wait::wait(session, ids, Awaited::Ready { first: true, late: false }, until).unwrap_or_default()
}

/// Returns what the first of them that is ready listens on.
pub(super) fn addresses(ended: &[Ended]) -> Vec<String> {
    let listens = |of: &Ended| match &of.end {
        End::Ready { listens } => Some(listens.clone()),
        End::Done | End::Exited(_) | End::Line(_) | End::Never(_) | End::TimedOut(_) => None,
    };
    ended.iter().find_map(listens).unwrap_or_default()
}

/// Tells which of them ended before they were ready: they are not counted as started.
pub(super) fn tell_ended(session: &mut Session, ended: &[Ended]) {
    for of in ended.iter().filter(has_ended) {
        session.out.tell(&Notice::EndedEarly { id: of.id });
    }
}

fn has_ended(of: &&Ended) -> bool {
    matches!(of.end, End::Never(Never::Ended(_) | Never::GivenUp(_)))
}

/// Warns of the first of them whose first run ended before it was ready.
pub(super) fn warn(session: &mut Session, ended: &[Ended]) {
    let failed = ended.iter().find(has_ended).and_then(|of| explain(session, of, "ready", None));
    if let Some(Problem::Other { message, hint }) = failed.and_then(|failed| failed.problem) {
        let (text, hint) = (message.as_str(), hint.as_deref());
        session.out.tell(&Notice::Warning { text, hint, apart: true });
    }
}
