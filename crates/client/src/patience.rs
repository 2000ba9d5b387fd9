//! How long an answer is waited for while one daemon after the other ends.
//!
//! Problem: the keeper starts a new daemon whenever one ends, and holds the socket meanwhile. Where
//! each of them ends before it takes a connection, that waits there for ever, and nobody is told.
//! Rule: while a connection has heard nothing at all, it is looked now and then which daemon there
//! is. That they end is told once; when none stays, it is given up.

use std::time::Duration;

/// The time between two looks.
pub(crate) const EVERY: Duration = Duration::from_millis(500);
/// What ends after this time is no daemon that could not begin.
const STEADY: Duration = Duration::from_secs(3);

/// What was seen while nobody answered.
#[derive(Debug)]
pub(crate) struct Patience {
    /// When it is told, since the question.
    tell: Duration,
    /// When it is given up.
    give_up: Duration,
    /// The daemon that was seen last, and when for the first time.
    daemon: Option<(u32, Duration)>,
    /// A daemon had ended.
    ended: bool,
    told: bool,
}

/// What a look comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is waited on.
    Wait,
    /// It is waited on, and told that daemons end.
    Tell,
    /// No daemon stays: the command gives up.
    GiveUp,
}

impl Default for Patience {
    fn default() -> Self {
        Self::new(Duration::from_secs(3), Duration::from_secs(15))
    }
}

impl Patience {
    /// Patience that has these ends.
    pub(crate) fn new(tell: Duration, give_up: Duration) -> Self {
        Self { tell, give_up, daemon: None, ended: false, told: false }
    }

    /// Judges a look; `waited`: since the question, `daemon`: the process, if there is one.
    pub(crate) fn look(&mut self, waited: Duration, daemon: Option<u32>) -> Verdict {
        let before = self.daemon;
        self.daemon = daemon.map(|pid| match before {
            Some((same, since)) if same == pid => (same, since),
            Some(_) | None => (pid, waited),
        });
        let replaced = before.is_some_and(|(before, _)| Some(before) != daemon);
        self.ended |= daemon.is_none() || replaced;
        // One that stays and says nothing hangs, which its keeper finds out.
        let stays = self.daemon.is_some_and(|(_, since)| since + STEADY <= waited);
        if !self.ended || stays || waited < self.tell {
            return Verdict::Wait;
        }
        if self.give_up <= waited {
            return Verdict::GiveUp;
        }
        if std::mem::replace(&mut self.told, true) { Verdict::Wait } else { Verdict::Tell }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{GiveUp, Tell, Wait};

    /// What comes of looks each second, from the first one on.
    fn looks(daemons: impl IntoIterator<Item = Option<u32>>) -> Vec<Verdict> {
        let mut patience = Patience::default();
        let look = |(second, daemon): (usize, _)| {
            patience.look(Duration::from_secs(second as u64 + 1), daemon)
        };
        daemons.into_iter().enumerate().map(look).collect()
    }

    #[test]
    fn that_daemons_end_is_told_once_and_given_up_when_none_stays() {
        let told = looks((0..15).map(|pid| (pid % 2 == 0).then_some(pid)));
        assert_eq!(told[..4], [Wait, Wait, Tell, Wait]);
        assert_eq!(told.iter().filter(|one| **one == Tell).count(), 1);
        assert_eq!((told[13], told[14]), (Wait, GiveUp));
        assert_eq!(looks([None; 15])[14], GiveUp);
    }

    #[test]
    fn a_daemon_that_stays_is_waited_for() {
        assert!(looks([Some(7); 40]).iter().all(|one| *one == Wait));
        let mut daemons = vec![Some(6), Some(7)];
        daemons.extend([Some(8); 40]);
        assert_eq!(looks(daemons).iter().filter(|one| **one != Wait).count(), 1, "two had ended");
    }

    #[test]
    fn one_that_is_replaced_in_between_is_not_worth_a_word() {
        assert_eq!(looks([Some(7), None]), [Wait; 2]);
    }
}
