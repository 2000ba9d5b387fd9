//! What is seen of a process that is waited for, and what follows from it.
//!
//! # When a process is ready
//! - With `wait_ready`: when it has said `ready`. One that was not heard of within
//!   `listen_timeout` counts as online, but not as ready.
//! - A worker of a cluster: when it listens on something.
//! - Any other: when it, or a process that descends from it, listens on a port of TCP or on a
//!   path; or, as most programs listen on nothing, when it has lived for `min_uptime`, for
//!   [`LOADED`] where it still loads or may be a server, and for [`FREED`] where the run before
//!   found its port taken.

use ostler_wire::control::{Outcome, Phase, Waits};

/// How often it is looked whether a process listens on something, ms.
const LOOK_EVERY: u64 = 50;

/// After so long one is taken for what listens on nothing, though it may be a server or still
/// loads, ms. A worker that never listens is not waited for longer.
pub(crate) const LOADED: u64 = 3000;
/// So long one must live that listens on nothing after a run which found its port taken, ms.
pub(crate) const FREED: u64 = 10_000;

/// What is seen of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// What is true of it.
    pub(crate) phase: Phase,
    /// Number of its current run.
    pub(crate) run: Option<u64>,
    /// It is another one than at the first look, or than the one that the command began.
    pub(crate) is_next: bool,
    /// How it is found to be ready.
    pub(crate) sign: Sign,
    /// What it listens on.
    pub(crate) listens: Vec<String>,
    /// It is a job that has done its work.
    pub(crate) completed: bool,
    /// What it waits for before it begins.
    pub(crate) waits_for: Vec<Waits>,
    /// How its last run ended that is over.
    pub(crate) last: Option<Outcome>,
    /// It ended so by itself: nobody stopped it.
    pub(crate) by_itself: bool,
    /// How many short runs it had in a row.
    pub(crate) unstable: u32,
}

/// How a process is found to be ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It says so, or does what its app says. `late`: it did not within `limit`, ms.
    Told { by: By, late: bool, limit: u64 },
    /// It listens at an address.
    Listens,
    /// It listens, or has lived for long enough. It lives for `age`, ms. `taken`: its run before
    /// found its port taken.
    Age { age: u64, enough: u64, taken: bool },
}

/// What makes a process that starts a ready one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// That its runtime is up.
    Runtime,
    /// That it says `ready`.
    Message,
    /// That it does this: `listen on port 3000`.
    Does(String),
}

/// How it stands with a process that is to become ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// It is ready.
    Ready,
    /// It did what it was started for: it has ended with 0 and is not started again.
    Done,
    /// Not yet. `again`: when to look at it although nothing was told of it.
    NotYet { why: NotYet, again: Option<Again> },
    /// It will not be.
    Never(Never),
}

/// When a process is looked at although nothing was told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// After so many ms.
    After(u64),
    /// When the daemon sees it listen.
    Listening,
}

/// What a process that is not ready does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotYet {
    /// It was started and has not done yet what makes it ready.
    Starts { by: By },
    /// It runs and listens on nothing.
    Silent,
    /// It runs, listens on nothing, and has not lived for long enough, ms. `taken`: its run before
    /// found its port taken.
    Young { enough: u64, taken: bool },
    /// Its run before ended so; the next is due in so many ms.
    Pauses { due_in: u64, last: Option<Outcome> },
    /// It waits for apps that it depends on.
    Waits { waits_for: Vec<Waits> },
    /// It is being ended.
    Stops,
    /// It does not run yet: others are started before it.
    Queued,
    /// It was not looked at: the daemon did not answer in time.
    Unseen,
}

impl NotYet {
    /// Returns what it does, in a few words.
    pub(crate) fn doing(&self) -> &'static str {
        match self {
            Self::Starts { by: By::Message } => "has not said `ready` yet",
            Self::Starts { by: By::Does(_) } => "not ready yet",
            Self::Starts { by: By::Runtime } => "starting",
            Self::Silent | Self::Young { .. } => "runs and listens on nothing yet",
            Self::Pauses { .. } => "ended, and is started again",
            Self::Waits { .. } => "waits for what it depends on",
            Self::Stops => "stopping",
            Self::Queued => "waits for its turn to start",
            Self::Unseen => "not looked at yet",
        }
    }
}

/// Why a process will not be ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Never {
    /// It is not in the list any more.
    Gone,
    /// Its daemon was ended, and so was it.
    Unmanaged,
    /// Somebody has stopped it, or nobody has started it.
    Stopped,
    /// It has ended by itself, and is not to be restarted.
    Rests(Option<Outcome>),
    /// A run of it ended before it was ready.
    Ended(Option<Outcome>),
    /// It was given up after several short runs.
    GivenUp(Option<Outcome>),
    /// It did not do what makes it ready within this time, ms.
    Late { by: By, limit: u64 },
}

/// Judges a process that is still to be started by a request which has not come to its end, and
/// otherwise as [`ready`].
pub(crate) fn ready_in_turn(seen: &Seen, first: bool) -> Stand {
    match seen.phase {
        Phase::Stopped if !seen.by_itself && !seen.completed => not_yet(NotYet::Queued, None),
        _ => ready(seen, first),
    }
}

/// Judges a process that is to become ready. `first`: its first run is to; otherwise it may take
/// as many as it gets.
pub(crate) fn ready(seen: &Seen, first: bool) -> Stand {
    let ended_before = first && (0 < seen.unstable || seen.is_next && seen.by_itself);
    match seen.phase {
        Phase::Stopped if seen.completed => Stand::Done,
        Phase::Stopped => match &seen.last {
            Some(Outcome::Code(0)) if seen.by_itself => Stand::Done,
            Some(_) if first && seen.by_itself => Stand::Never(Never::Ended(seen.last.clone())),
            Some(_) | None => Stand::Never(rest(seen)),
        },
        Phase::Errored => Stand::Never(Never::GivenUp(seen.last.clone())),
        Phase::Backoff { .. } | Phase::Starting | Phase::Online if ended_before => {
            Stand::Never(Never::Ended(seen.last.clone()))
        }
        Phase::Backoff { .. } if first => Stand::Never(Never::Ended(seen.last.clone())),
        Phase::Backoff { due_in } => {
            not_yet(NotYet::Pauses { due_in, last: seen.last.clone() }, None)
        }
        Phase::Starting => {
            let by = match &seen.sign {
                Sign::Told { by, .. } => by.clone(),
                Sign::Listens | Sign::Age { .. } => By::Runtime,
            };
            not_yet(NotYet::Starts { by }, None)
        }
        Phase::Waiting => not_yet(NotYet::Waits { waits_for: seen.waits_for.clone() }, None),
        Phase::Stopping => not_yet(NotYet::Stops, None),
        // Whoever comes is answered.
        Phase::Sleeping => Stand::Ready,
        Phase::Online => online(seen),
    }
}

/// Why a process that does not run, and is not started again, does not.
pub(crate) fn rest(seen: &Seen) -> Never {
    let last = seen.last.clone();
    match seen.phase {
        Phase::Errored => Never::GivenUp(last),
        Phase::Stopped | Phase::Stopping if seen.by_itself && last.is_some() => Never::Rests(last),
        Phase::Stopped
        | Phase::Stopping
        | Phase::Starting
        | Phase::Online
        | Phase::Waiting
        | Phase::Sleeping
        | Phase::Backoff { .. } => Never::Stopped,
    }
}

fn online(seen: &Seen) -> Stand {
    match seen.sign {
        Sign::Told { ref by, late: true, limit } => {
            Stand::Never(Never::Late { by: by.clone(), limit })
        }
        Sign::Told { late: false, .. } => Stand::Ready,
        Sign::Listens | Sign::Age { .. } if !seen.listens.is_empty() => Stand::Ready,
        Sign::Listens => not_yet(NotYet::Silent, Some(Again::Listening)),
        Sign::Age { age, enough, .. } if enough <= age => Stand::Ready,
        Sign::Age { age, enough, taken } => {
            let again = Again::After(LOOK_EVERY.min(enough - age));
            not_yet(NotYet::Young { enough, taken }, Some(again))
        }
    }
}

fn not_yet(why: NotYet, again: Option<Again>) -> Stand {
    Stand::NotYet { why, again }
}

/// How the run that a process had first has ended: `Some` when it has. `first`: that run, if there
/// was one; a process without one has ended already.
pub(crate) fn ended(seen: &Seen, first: Option<u64>) -> Option<Option<Outcome>> {
    match (seen.run, first) {
        (Some(run), Some(first)) if run == first => None,
        (Some(_), None) => None,
        (Some(_) | None, _) => Some(seen.last.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(phase: Phase, sign: Sign) -> Seen {
        Seen {
            phase,
            run: Some(1),
            is_next: false,
            sign,
            listens: Vec::new(),
            completed: false,
            waits_for: Vec::new(),
            last: None,
            by_itself: false,
            unstable: 0,
        }
    }

    fn age(age: u64) -> Sign {
        Sign::Age { age, enough: 1000, taken: false }
    }

    #[test]
    fn a_worker_is_ready_when_it_listens_however_long_that_takes() {
        let silent = seen(Phase::Online, Sign::Listens);
        let again = Some(Again::Listening);
        assert_eq!(ready(&silent, true), Stand::NotYet { why: NotYet::Silent, again });
        let listens = Seen { listens: vec!["*:80".to_owned()], ..silent };
        assert_eq!(ready(&listens, true), Stand::Ready);
        let starts = Stand::NotYet { why: NotYet::Starts { by: By::Runtime }, again: None };
        assert_eq!(ready(&Seen { phase: Phase::Starting, ..listens }, true), starts);
    }

    #[test]
    fn who_says_ready_is_ready_by_that_alone() {
        let message = |late| Sign::Told { by: By::Message, late, limit: 3000 };
        assert_eq!(ready(&seen(Phase::Online, message(false)), true), Stand::Ready);
        let late = Seen { listens: vec!["*:80".to_owned()], ..seen(Phase::Online, message(true)) };
        assert_eq!(ready(&late, false), Stand::Never(Never::Late { by: By::Message, limit: 3000 }));
        let starts = Stand::NotYet { why: NotYet::Starts { by: By::Message }, again: None };
        assert_eq!(ready(&seen(Phase::Starting, message(false)), true), starts);
    }

    #[test]
    fn any_other_is_ready_when_it_listens_or_has_lived_for_long_enough() {
        let why = NotYet::Young { enough: 1000, taken: false };
        let young = |ms| Stand::NotYet { why: why.clone(), again: Some(Again::After(ms)) };
        assert_eq!(ready(&seen(Phase::Online, age(0)), true), young(LOOK_EVERY));
        assert_eq!(ready(&seen(Phase::Online, age(990)), true), young(10));
        assert_eq!(ready(&seen(Phase::Online, age(1000)), true), Stand::Ready);
        let listens = Seen { listens: vec!["*:80".to_owned()], ..seen(Phase::Online, age(0)) };
        assert_eq!(ready(&listens, true), Stand::Ready);
    }

    #[test]
    fn the_end_of_the_first_run_is_an_answer_to_a_start_and_none_to_a_wait() {
        let last = Some(Outcome::Code(3));
        let ended = Stand::Never(Never::Ended(last.clone()));
        let pause = Phase::Backoff { due_in: 100 };
        let paused = Seen { last: last.clone(), unstable: 1, run: None, ..seen(pause, age(0)) };
        assert_eq!(ready(&paused, true), ended);
        let why = NotYet::Pauses { due_in: 100, last: last.clone() };
        assert_eq!(ready(&paused, false), Stand::NotYet { why, again: None });
        // The next run is under way, and listens even.
        let listens = vec!["*:80".to_owned()];
        let next = Seen { phase: Phase::Online, run: Some(2), listens, ..paused.clone() };
        assert_eq!(ready(&next, true), ended);
        assert_eq!(ready(&next, false), Stand::Ready);
        // It lived for longer than a short run does, and was `ready` by that.
        let long = Seen { unstable: 0, by_itself: true, is_next: true, ..next };
        assert_eq!(ready(&long, true), ended);
        let asked = Seen { by_itself: false, ..long };
        assert_eq!(ready(&asked, true), Stand::Ready, "somebody restarted it");
        let given_up = Seen { phase: Phase::Errored, ..paused };
        assert_eq!(ready(&given_up, true), Stand::Never(Never::GivenUp(last.clone())));
        assert_eq!(ready(&given_up, false), Stand::Never(Never::GivenUp(last)));
    }

    #[test]
    fn a_program_that_did_what_it_was_started_for_is_done() {
        let stopped = Seen { run: None, ..seen(Phase::Stopped, age(0)) };
        let with = |last| Seen { last, ..stopped.clone() };
        let alone = |last| Seen { by_itself: true, ..with(last) };
        assert_eq!(ready(&alone(Some(Outcome::Code(0))), true), Stand::Done);
        let bad = Some(Outcome::Code(1));
        assert_eq!(ready(&alone(bad.clone()), true), Stand::Never(Never::Ended(bad.clone())));
        // It was stopped before, and its turn to start has not come: its last end said nothing of
        // this start, and was taken for it.
        for last in [bad.clone(), Some(Outcome::Code(0))] {
            let queued = Stand::NotYet { why: NotYet::Queued, again: None };
            assert_eq!(ready_in_turn(&with(last.clone()), true), queued);
            assert_eq!(ready(&with(last), true), Stand::Never(Never::Stopped));
        }
        for last in [None, bad, Some(Outcome::Code(0))] {
            assert_eq!(ready(&with(last), false), Stand::Never(Never::Stopped));
        }
        assert_eq!(ready(&stopped, true), Stand::Never(Never::Stopped));
    }

    /// `list` calls it exited; to `wait` it was stopped.
    #[test]
    fn what_has_ended_by_itself_is_not_called_stopped() {
        let stopped = Seen { run: None, by_itself: true, ..seen(Phase::Stopped, age(0)) };
        let with = |code| Seen { last: Some(Outcome::Code(code)), ..stopped.clone() };
        assert_eq!(ready(&with(0), false), Stand::Done);
        let rests = Never::Rests(Some(Outcome::Code(3)));
        assert_eq!(ready(&with(3), false), Stand::Never(rests.clone()));
        assert_eq!(rest(&with(3)), rests);
        let given_up = Never::GivenUp(Some(Outcome::Code(3)));
        assert_eq!(rest(&Seen { phase: Phase::Errored, ..with(3) }), given_up);
        assert_eq!(rest(&Seen { by_itself: false, ..with(3) }), Never::Stopped);
    }

    #[test]
    fn a_run_has_ended_when_there_is_none_or_another() {
        let last = Some(Outcome::Code(3));
        let online = Seen { last: last.clone(), ..seen(Phase::Online, age(0)) };
        assert_eq!(ended(&online, Some(1)), None);
        assert_eq!(ended(&online, Some(0)), Some(last.clone()));
        let none = Seen { run: None, phase: Phase::Stopped, ..online };
        assert_eq!(ended(&none, Some(1)), Some(last.clone()));
        assert_eq!(ended(&none, None), Some(last));
    }
}
