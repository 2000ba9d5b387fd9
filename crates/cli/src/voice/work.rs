//! What is under way with a process, in words, and how long it may take.

use std::time::Duration;

use ostler_wire::control::Doing;

use super::span::span;

/// What is under way with a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Work {
    /// Name of its app.
    pub(super) name: String,
    /// Since when it does this.
    since: Duration,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// It takes the time that it takes.
    Does(String),
    /// At that time it is over: then this is done to it.
    Until { what: String, by: Duration, then: &'static str },
    /// It waits, and why.
    Waits(String),
}

impl Work {
    /// What takes the time that it takes.
    pub(super) fn of(name: &str, what: &str, since: Duration) -> Self {
        Self { name: name.to_owned(), since, what: What::Does(what.to_owned()) }
    }

    /// What the daemon tells `now`.
    pub(super) fn told(name: &str, doing: &Doing, now: Duration) -> Self {
        let until = |what: &str, within: u64, then| What::Until {
            what: what.to_owned(),
            by: now + Duration::from_millis(within),
            then,
        };
        let what = match doing {
            Doing::Drains { within } => until("finishes its connections", *within, "asked to end"),
            Doing::PreStop { within } => until("runs its `pre_stop`", *within, "killed"),
            Doing::Asked { signal: Some(signal), within } => {
                until(&format!("asked to end by {signal}"), *within, "killed")
            }
            Doing::Asked { signal: None, within } => {
                until("asked to end by a message", *within, "killed")
            }
            Doing::Killed => What::Does("killed, and still there".to_owned()),
            Doing::OldLeave => What::Does("its old worker finishes its connections".to_owned()),
            Doing::Starts => What::Does("starting".to_owned()),
            Doing::Waits { waits_for } => {
                let all: Vec<String> = waits_for.iter().map(ToString::to_string).collect();
                What::Waits(format!("waits for {}", all.join(", and for ")))
            }
        };
        Self { name: name.to_owned(), since: now, what }
    }

    /// Whether that is what takes its time.
    pub(super) fn does(&self, text: &str) -> bool {
        matches!(&self.what, What::Does(what) if what == text)
    }

    /// Returns since when that is so.
    pub(super) fn since(&self) -> Duration {
        self.since
    }

    /// Returns it in words, as it stands `now`.
    pub(super) fn words(&self, now: Duration) -> String {
        match &self.what {
            What::Does(what) => format!("{what}  {}", span(now.saturating_sub(self.since))),
            What::Until { what, by, then } => match by.checked_sub(now) {
                Some(left) => format!("{what}, {then} in {}", span(left)),
                None => what.clone(),
            },
            What::Waits(what) => what.clone(),
        }
    }
}
