//! Words for what a process does and how its last run ended.

use ostler_wire::control::{Details, Ended, Outcome, Phase, ProcView};

use crate::paint::Ink;

/// Returns one word for what a process does. `exited` is one that ended by itself and is not to be
/// restarted, `stopped` one that was asked to, `completed` a job that has done its work.
pub fn status(process: &ProcView) -> &'static str {
    match process.phase {
        Phase::Stopped if process.completed => "completed",
        Phase::Stopped if process.ended.as_ref().is_some_and(|ended| !ended.asked) => "exited",
        Phase::Stopped => "stopped",
        Phase::Errored => "errored",
        Phase::Starting => "starting",
        Phase::Online => "online",
        Phase::Stopping => "stopping",
        Phase::Backoff { .. } | Phase::Waiting => "waiting",
        Phase::Sleeping => "sleeping",
    }
}

/// How much a phase deserves to be looked at; the greatest stands for the app.
pub(crate) fn weight(phase: Phase) -> u8 {
    match phase {
        Phase::Errored => 5,
        Phase::Backoff { .. } | Phase::Waiting => 4,
        Phase::Starting => 3,
        Phase::Stopping => 2,
        Phase::Stopped => 1,
        Phase::Online | Phase::Sleeping => 0,
    }
}

/// Returns the sign and the colour of a phase.
pub(crate) fn sign(phase: Phase) -> (char, &'static [Ink]) {
    match phase {
        Phase::Online => ('●', &[Ink::Green]),
        Phase::Starting | Phase::Stopping => ('◐', &[Ink::Blue]),
        Phase::Backoff { .. } | Phase::Waiting => ('◌', &[Ink::Yellow]),
        Phase::Errored => ('×', &[Ink::Red]),
        Phase::Sleeping => ('◌', &[Ink::Green]),
        Phase::Stopped => ('○', &[]),
    }
}

/// Returns the sign and the colour of a word that [`status`] returns.
pub(crate) fn sign_of(word: &str) -> Option<(char, &'static [Ink])> {
    Some(sign(match word {
        "online" => Phase::Online,
        "starting" => Phase::Starting,
        "stopping" => Phase::Stopping,
        "waiting" => Phase::Waiting,
        "sleeping" => Phase::Sleeping,
        "errored" => Phase::Errored,
        "stopped" | "exited" | "completed" => Phase::Stopped,
        _ => return None,
    }))
}

/// Returns the end that a process came to by itself, if its last one was such, also where a command
/// stopped it since.
pub fn own_end(process: &ProcView) -> Option<&Ended> {
    process.ended.as_ref().filter(|ended| ended.by_itself().is_some())
}

/// Returns for whom a process waits, in as few words as possible.
pub(crate) fn waits(process: &ProcView) -> String {
    match process.waits_for.as_slice() {
        [] => "waiting".to_owned(),
        [one] => format!("waits for {}", one.app),
        [first, rest @ ..] => format!("waits for {} +{}", first.app, rest.len()),
    }
}

/// The memory that the kernel lets a process have with its descendants, bytes, if it was told so.
pub(crate) fn most_memory(details: &Details) -> Option<u64> {
    let given = details.settings.iter().find(|(name, _)| name == "max_memory");
    given.and_then(|(_, bytes)| bytes.parse().ok())
}

/// Returns how a run ended, in as few words as possible.
pub fn short_end(ended: &Ended) -> String {
    match &ended.how {
        _ if ended.oom => "out of memory".to_owned(),
        Outcome::Code(code) => format!("exit {code}"),
        Outcome::Signal { name, core: false } => name.clone(),
        Outcome::Signal { name, core: true } => format!("{name}, core"),
        Outcome::Unknown => "unknown end".to_owned(),
        Outcome::NotSpawned { .. } => "not started".to_owned(),
        Outcome::NotVerified { .. } => "unhealthy".to_owned(),
    }
}
