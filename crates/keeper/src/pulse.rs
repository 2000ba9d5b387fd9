//! Whether a daemon still answers.
//!
//! A daemon that is stopped, spins or waits for something that never comes is as good as dead, and
//! nobody but the keeper notices. It is asked every few seconds, and replaced when it does not say
//! anything for long. Whoever was late himself, because the whole machine was, asks once more.

/// Pause between an answer and the next question, ms.
const INTERVAL: u64 = 5_000;
/// How long an answer may take, ms.
pub(crate) const ANSWER_LIMIT: u64 = 10_000;
/// So much later than it was due a look says nothing about the daemon, ms.
const LATE: u64 = 2_000;

/// What is known of a daemon's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pulse {
    /// When to look again, monotonic ms.
    due: u64,
    /// It was asked, and has said nothing since.
    asked: bool,
    /// It has answered once.
    answered: bool,
    limit: u64,
}

/// What is to be done about a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nothing is due yet.
    Wait,
    /// Ask it whether it is well.
    Ask,
    /// It has not answered in time.
    Hangs,
}

impl Pulse {
    /// Of a daemon that has said hello now, and has `limit` ms for each answer.
    pub(crate) fn new(now: u64, limit: u64) -> Self {
        Self { due: now + INTERVAL.min(limit), asked: false, answered: false, limit }
    }

    /// When to look again.
    pub(crate) fn due(&self) -> u64 {
        self.due
    }

    /// Whether it was well once.
    pub(crate) fn has_answered(&self) -> bool {
        self.answered
    }

    /// It has said something.
    pub(crate) fn heard(&mut self) {
        self.asked = false;
    }

    /// It has answered.
    pub(crate) fn answer(&mut self, now: u64) {
        (self.asked, self.answered) = (false, true);
        self.due = now + INTERVAL.min(self.limit);
    }

    /// Time has passed.
    pub(crate) fn look(&mut self, now: u64) -> Look {
        if now < self.due {
            return Look::Wait;
        }
        let late = self.due + LATE.min(self.limit) < now;
        if self.asked && !late {
            self.due = u64::MAX;
            return Look::Hangs;
        }
        self.asked = true;
        self.due = now + self.limit;
        Look::Ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_answers_is_asked_again_and_again() {
        let mut pulse = Pulse::new(0, ANSWER_LIMIT);
        for round in 1..5 {
            let now = round * INTERVAL;
            assert_eq!(pulse.look(now - 1), Look::Wait);
            assert_eq!(pulse.look(now), Look::Ask);
            pulse.answer(now);
        }
        assert!(pulse.has_answered());
    }

    #[test]
    fn a_daemon_that_says_nothing_hangs_and_one_that_says_something_else_is_asked_again() {
        let mut pulse = Pulse::new(0, ANSWER_LIMIT);
        assert_eq!(pulse.look(INTERVAL), Look::Ask);
        pulse.heard();
        assert_eq!(pulse.look(INTERVAL + ANSWER_LIMIT), Look::Ask);
        let at = INTERVAL + 2 * ANSWER_LIMIT;
        assert_eq!(pulse.look(at), Look::Hangs);
        assert_eq!(pulse.look(at + ANSWER_LIMIT), Look::Wait, "it is killed once");
    }

    #[test]
    fn a_keeper_that_was_late_itself_asks_once_more() {
        let mut pulse = Pulse::new(0, ANSWER_LIMIT);
        assert_eq!(pulse.look(INTERVAL), Look::Ask);
        let late = INTERVAL + ANSWER_LIMIT + 60_000;
        assert_eq!(pulse.look(late), Look::Ask);
        assert_eq!(pulse.look(late + ANSWER_LIMIT), Look::Hangs);
    }
}
