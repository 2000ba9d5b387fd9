//! When a foreground ends, and with which code. Decides, and does nothing.

/// A time between two looks where PM2 counts how often nothing ran, ms.
const BETWEEN: u64 = 2000;
/// Looks in a row at which nothing runs, after which PM2 goes.
const LOOKS: u32 = 4;
/// The time before the first of them, ms.
const BEFORE: u64 = 4000;
/// PM2's exit code when nothing runs any more.
const NOTHING_RUNS: u8 = 2;

/// What becomes of a foreground in which nothing runs any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AutoExit {
    /// It ends, with the exit code of the first that failed.
    AtOnce,
    /// It ends with 2 when nothing ran at four looks.
    AsPm2,
    /// It stays until it is told to end.
    Never,
}

/// What happened while it stays in the foreground.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// A signal came to this process.
    Signal(i32),
    /// What was to be started is, or not all of it.
    Started { failed: bool },
    /// Something happened to a process.
    Changed,
    /// What the processes do.
    Looked(Vec<Seen>),
    /// The time is over.
    Due,
    /// The stream of logs is over: the manager is gone.
    LogsOver,
}

/// A process as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// It runs, or is going to without being asked.
    pub(super) alive: bool,
    /// The exit code of its last run, 128 more than the number of a signal.
    pub(super) code: u8,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// See what the processes do.
    Look,
    /// Say that nothing runs, and how often that will be looked at again.
    Say(u32),
    /// Open the log files again.
    Reopen,
    /// Collect children that have ended.
    Reap,
    /// Find the manager again, or start another.
    Reconnect,
    /// Stop everything and end with this code.
    Stop(u8),
}

/// How far a foreground has come.
#[derive(Debug)]
pub(super) struct Course {
    auto_exit: AutoExit,
    /// This is the first process, to which a hangup means no terminal.
    is_first: bool,
    started: bool,
    stopping: bool,
    /// Looks at which nothing may run before it ends.
    left: u32,
    due: Option<u64>,
}

impl Course {
    pub(super) fn new(auto_exit: AutoExit, is_first: bool) -> Self {
        Self { auto_exit, is_first, started: false, stopping: false, left: LOOKS, due: None }
    }

    /// Returns when [`News::Due`] is to be told, ms.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.due
    }

    /// Returns what is to be done about it; `now` in ms.
    pub(super) fn handle(&mut self, now: u64, news: &News) -> Option<Step> {
        if self.stopping {
            return None;
        }
        let step = match news {
            News::Signal(number) => self.on_signal(*number),
            News::Started { failed: true } if self.auto_exit != AutoExit::Never => {
                Some(Step::Stop(1))
            }
            News::Started { .. } => self.on_started(now),
            News::Changed => self.on_changed(now),
            News::Looked(seen) => self.on_looked(now, seen),
            News::Due => {
                self.due = None;
                Some(Step::Look)
            }
            News::LogsOver => Some(Step::Reconnect),
        };
        self.stopping = matches!(step, Some(Step::Stop(_)));
        step
    }

    fn on_signal(&self, number: i32) -> Option<Step> {
        match number {
            libc::SIGTERM | libc::SIGINT | libc::SIGQUIT => Some(Step::Stop(0)),
            libc::SIGHUP => (!self.is_first).then_some(Step::Stop(0)),
            libc::SIGUSR2 => Some(Step::Reopen),
            libc::SIGCHLD => Some(Step::Reap),
            _ => None,
        }
    }

    fn on_started(&mut self, now: u64) -> Option<Step> {
        self.started = true;
        match self.auto_exit {
            AutoExit::AsPm2 => {
                self.due = Some(now + BEFORE);
                None
            }
            AutoExit::AtOnce | AutoExit::Never => Some(Step::Look),
        }
    }

    fn on_changed(&mut self, now: u64) -> Option<Step> {
        match self.auto_exit {
            // Nothing is looked at as long as something runs and nothing happens.
            AutoExit::AsPm2 if self.started => {
                self.due.get_or_insert(now);
                None
            }
            AutoExit::AsPm2 => None,
            AutoExit::AtOnce | AutoExit::Never => Some(Step::Look),
        }
    }

    fn on_looked(&mut self, now: u64, seen: &[Seen]) -> Option<Step> {
        let is_over = self.started && !seen.iter().any(|process| process.alive);
        match self.auto_exit {
            AutoExit::Never => None,
            AutoExit::AtOnce if is_over => {
                let code = seen.iter().map(|process| process.code).find(|code| *code != 0);
                Some(Step::Stop(code.unwrap_or(0)))
            }
            AutoExit::AsPm2 if is_over && self.left == 0 => Some(Step::Stop(NOTHING_RUNS)),
            AutoExit::AsPm2 if is_over => {
                self.left -= 1;
                self.due = Some(now + if self.left == 0 { BETWEEN / 4 } else { BETWEEN });
                Some(Step::Say(self.left))
            }
            AutoExit::AtOnce | AutoExit::AsPm2 => {
                self.left = LOOKS;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Seen = Seen { alive: true, code: 0 };

    fn down(code: u8) -> Seen {
        Seen { alive: false, code }
    }

    fn looked(seen: &[Seen]) -> News {
        News::Looked(seen.to_vec())
    }

    fn started(auto_exit: AutoExit) -> Course {
        let mut course = Course::new(auto_exit, true);
        course.handle(0, &News::Started { failed: false });
        course
    }

    #[test]
    fn it_ends_with_the_last_app_and_the_code_of_the_first_that_failed() {
        let mut course = started(AutoExit::AtOnce);
        assert_eq!(course.handle(1, &News::Changed), Some(Step::Look));
        assert_eq!(course.handle(1, &looked(&[UP, down(3)])), None);
        assert_eq!(course.handle(2, &looked(&[down(0), down(3)])), Some(Step::Stop(3)));
        assert_eq!(course.handle(2, &News::Signal(libc::SIGTERM)), None, "it ends already");
        assert_eq!(started(AutoExit::AtOnce).handle(1, &looked(&[])), Some(Step::Stop(0)));
    }

    #[test]
    fn nothing_is_over_before_it_was_started() {
        let mut course = Course::new(AutoExit::AtOnce, true);
        assert_eq!(course.handle(0, &News::Changed), Some(Step::Look));
        assert_eq!(course.handle(0, &looked(&[])), None);
        assert_eq!(course.handle(0, &News::Started { failed: true }), Some(Step::Stop(1)));
    }

    #[test]
    fn pm2s_way_counts_four_looks_and_ends_with_2() {
        let mut course = started(AutoExit::AsPm2);
        let mut said = Vec::new();
        let mut now = 0;
        loop {
            now = course.deadline().unwrap().max(now);
            assert_eq!(course.handle(now, &News::Due), Some(Step::Look));
            match course.handle(now, &looked(&[down(3)])) {
                Some(Step::Say(left)) => said.push((now, left)),
                step => break assert_eq!(step, Some(Step::Stop(2))),
            }
        }
        assert_eq!(said, [(4000, 3), (6000, 2), (8000, 1), (10_000, 0)]);
    }

    #[test]
    fn pm2s_way_waits_for_a_change_while_something_runs() {
        let mut course = started(AutoExit::AsPm2);
        course.handle(4000, &News::Due);
        assert_eq!(course.handle(4000, &looked(&[UP])), None);
        assert_eq!(course.deadline(), None, "idle it costs nothing");
        course.handle(9000, &News::Changed);
        assert_eq!(course.deadline(), Some(9000));
        course.handle(9000, &News::Due);
        assert_eq!(course.handle(9000, &looked(&[down(1)])), Some(Step::Say(3)));
        course.handle(11_000, &News::Due);
        assert_eq!(course.handle(11_000, &looked(&[UP])), None);
        course.handle(20_000, &News::Changed);
        course.handle(20_000, &News::Due);
        assert_eq!(course.handle(20_000, &looked(&[down(1)])), Some(Step::Say(3)), "anew");
    }

    #[test]
    fn one_that_is_to_stay_stays() {
        let mut course = started(AutoExit::Never);
        assert_eq!(course.handle(1, &looked(&[down(1)])), None);
        assert_eq!(course.handle(2, &News::Signal(libc::SIGINT)), Some(Step::Stop(0)));
    }

    #[test]
    fn a_hangup_ends_who_has_a_terminal_and_not_the_first_process() {
        let mut first = Course::new(AutoExit::Never, true);
        assert_eq!(first.handle(0, &News::Signal(libc::SIGHUP)), None);
        let mut other = Course::new(AutoExit::Never, false);
        assert_eq!(other.handle(0, &News::Signal(libc::SIGHUP)), Some(Step::Stop(0)));
    }
}
