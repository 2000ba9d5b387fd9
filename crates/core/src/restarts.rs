//! Whether a run that ended by itself is followed by another, and after which pause.
//!
//! Every form of restart counts short runs: PM2 counts them only where there is no delay, and
//! restarts a broken app for ever as soon as `restart_delay` is set.

use crate::Millis;
use crate::run::Exit;
use crate::spec::Policy;

/// Longest pause of the growing back-off, ms (PM2: runtime behaviour §4).
const BACKOFF_CAP: Millis = 15_000;
/// A run longer than this sets the back-off to its beginning, ms (PM2: `EXP_BACKOFF_RESET_TIMER`).
const BACKOFF_RESET: Millis = 30_000;

/// Counters that the decision depends on; they are shown to the user too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restarts {
    /// Restarts so far.
    pub total: u32,
    /// Short runs in a row.
    pub unstable: u32,
    /// Last pause of the growing back-off, ms; 0 when there was none.
    pub backoff: Millis,
    /// The last run ended by itself and was followed by another: the next may well do so too.
    pub crashed: bool,
}

/// Consequence of an exit that nobody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// No further run is wanted.
    Stop,
    /// There were so many short runs in a row that no further one is tried.
    GiveUp { unstable: u32 },
    /// There is no room for it: nothing is counted, and no further run is tried.
    Refuse,
    /// Another run after this pause, ms.
    Restart { delay: Millis },
}

impl Restarts {
    /// Counts the end of a run that lived for `uptime`, and decides what follows.
    pub fn after_exit(&mut self, policy: &Policy, uptime: Millis, exit: Exit) -> Next {
        if exit == Exit::Refused {
            return Next::Refuse;
        }
        let is_final =
            matches!(exit, Exit::Code(code) if policy.final_codes().any(|one| one == code));
        if !policy.autorestart || is_final {
            return Next::Stop;
        }
        self.unstable = if uptime < policy.min_uptime { self.unstable + 1 } else { 0 };
        if 0 < self.unstable && policy.max_unstable <= self.unstable {
            return Next::GiveUp { unstable: std::mem::take(&mut self.unstable) };
        }
        self.crashed = true;
        Next::Restart { delay: self.delay(policy, uptime) }
    }

    /// Forgets the short runs: the user, or a version that passed its checks, begins anew.
    pub fn reset_counters(&mut self) {
        self.unstable = 0;
        self.backoff = 0;
        self.crashed = false;
    }

    /// Returns the pause before the next run; a growing back-off remembers it.
    fn delay(&mut self, policy: &Policy, uptime: Millis) -> Millis {
        let Some(first) = policy.backoff else { return policy.restart_delay };
        if BACKOFF_RESET < uptime {
            self.backoff = 0;
        }
        self.backoff = match self.backoff {
            0 => first,
            last => (last * 3 / 2).min(BACKOFF_CAP),
        };
        self.backoff
    }
}
