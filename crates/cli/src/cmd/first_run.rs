//! What becomes of apps right after they were started: by `start`, `restart`, `scale`.
//!
//! Problem: an app that finds its port taken ends a moment after it was said that it runs. Rule: it
//! is looked for a moment whether the first run holds, and why it did not is a warning. On a
//! terminal, where somebody reads where it answers, that takes until it listens, else until it has
//! loaded; half a second at most. `--wait` takes the time that it takes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ostler_ports::Rest;
use ostler_wire::control::{ProcView, Reply, Request};

use crate::args::FlagId;
use crate::program::Program;
use crate::session::{Session, heed, hold_back};
use crate::voice::{Notice, Problem, Progress, Under};
use crate::wait::{self, Awaited, End, Ended, Never, explain};

/// How long it is waited for an app to listen, to load or to end.
const MOMENT: Duration = Duration::from_millis(500);
/// What has used no processor for so long has loaded.
const AT_REST: Duration = Duration::from_millis(100);
/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Of more processes it is only looked which of them have ended by then.
const MOST: usize = 50;

/// Of so many apps it is told why they ended; of the others how many they are.
const WARNED: usize = 4;

/// Waits a moment for these processes, which were started just now, and tells which of them ended:
/// they are not counted as started. Returns what the first that is ready listens on, if known.
pub(super) fn watch(session: &mut Session, ids: &[u32]) -> Vec<String> {
    let ended = look(session, ids);
    for of in ended.iter().filter(has_ended) {
        session.out.tell(&Notice::EndedEarly { id: of.id });
    }
    warn(session, &ended);
    addresses(&ended)
}

fn look(session: &mut Session, ids: &[u32]) -> Vec<Ended> {
    let told_later = session.ends_ready || session.has(FlagId::Attach);
    if session.program == Program::Pm2 || told_later || ids.is_empty() {
        return Vec::new();
    }
    let (ids, moment) = match session.out.progress() {
        Some(Progress::Live) => {
            session.out.tell(&Notice::Looks);
            (ids.to_vec(), MOMENT)
        }
        Some(Progress::Plain | Progress::Json | Progress::Silent) => {
            (ended_in_a_moment(session, ids), Duration::ZERO)
        }
        None => return Vec::new(),
    };
    if ids.is_empty() {
        return Vec::new();
    }
    let until = Some(Instant::now() + moment);
    // Of one that is gone nothing is told.
    let named: Vec<_> = ids.iter().map(|id| (*id, "")).collect();
    // Who cannot look any more has done what was asked for.
    wait::wait(session, &named, Awaited::Ready { first: true, late: false }, until)
        .unwrap_or_default()
}

/// Returns which of these processes ended by themselves before they had loaded.
fn ended_in_a_moment(session: &mut Session, ids: &[u32]) -> Vec<u32> {
    // Who interrupts it is told that the apps were started.
    let Ok(interrupts) = hold_back() else { return Vec::new() };
    let until = Instant::now() + MOMENT;
    let mut rests: BTreeMap<u32, (Instant, Rest)> = BTreeMap::new();
    loop {
        heed(&mut session.out, Some(&interrupts), Under::Way);
        // A daemon that is gone is not started for this.
        let request = Request::Meant { word: None, script: None };
        let Some(Reply::List { processes: list }) = session.ask_soon(&request, MOMENT) else {
            return Vec::new();
        };
        let all = || list.iter().filter(|of| ids.contains(&of.id));
        let has_ended =
            |of: &&ProcView| of.ended.as_ref().is_some_and(|end| end.is_own_since(session.since));
        let now = Instant::now();
        let is_loaded = |of: &ProcView| {
            // It may wait for the daemon, which listens for it.
            if of.cluster {
                return !of.listens.is_empty();
            }
            let rest = Rest::look(of.pid);
            let (since, before) = rests.entry(of.id).or_insert_with(|| (now, rest.clone()));
            if !rest.since(before) {
                (*since, *before) = (now, rest);
            }
            *since + AT_REST <= now
        };
        let open: Vec<bool> =
            all().filter(|of| of.pid != 0 && !has_ended(of)).map(is_loaded).collect();
        // Where one has ended, the others that were started with it have the whole moment, too.
        let has_failed = ids.len() <= MOST && !open.is_empty() && all().any(|of| has_ended(&of));
        let loaded = ids.len() > MOST || open.iter().all(|one| *one);
        if loaded && !has_failed || until <= now {
            return all().filter(has_ended).map(|of| of.id).collect();
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Returns what the first of them that is ready listens on.
fn addresses(ended: &[Ended]) -> Vec<String> {
    let listens = |of: &Ended| match &of.end {
        End::Ready { listens } => Some(listens.clone()),
        End::Done | End::Exited(_) | End::Line(_) | End::Never(_) | End::TimedOut(_) => None,
    };
    ended.iter().find_map(listens).unwrap_or_default()
}

fn has_ended(of: &&Ended) -> bool {
    matches!(of.end, End::Never(Never::Ended(_) | Never::GivenUp(_)))
}

/// Warns of the apps of which a process ended in its first run before it was ready.
fn warn(session: &mut Session, ended: &[Ended]) {
    let mut names = BTreeSet::new();
    for of in ended.iter().filter(has_ended) {
        if !names.insert(of.name.as_str()) || WARNED < names.len() {
            continue;
        }
        let failed = explain(session, of, "ready", None);
        if let Some(Problem::Other { message, hint }) = failed.and_then(|failed| failed.problem) {
            let (text, hint) = (message.as_str(), hint.as_deref());
            session.out.tell(&Notice::Warning { text, hint, apart: true });
        }
    }
    let text = match names.len().saturating_sub(WARNED) {
        0 => return,
        1 => "another app ended, too: `ostler list` shows it".to_owned(),
        more => format!("{more} more apps ended, too: `ostler list` shows them"),
    };
    session.out.tell(&Notice::Warning { text: &text, hint: None, apart: true });
}
