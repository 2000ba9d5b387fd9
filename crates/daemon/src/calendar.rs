//! Waking at a time of the calendar.
//!
//! The loop waits on a clock that stands still while the machine sleeps and knows nothing of
//! another time that somebody sets. A timer on the calendar does, and costs nothing until then.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_poll::{Interest, Poll, Watched};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::daemon_log;
use crate::model::Input;
use crate::tokens::Polled;

/// A timer on the calendar, made when the first time is wanted.
pub struct Calendar {
    poll: Rc<Poll<Polled>>,
    timer: Option<Watched<OwnedFd>>,
    /// What it is set to, ms since 1970.
    at: Option<u64>,
}

impl Calendar {
    /// A timer that is not set.
    pub fn new(poll: Rc<Poll<Polled>>) -> Self {
        Self { poll, timer: None, at: None }
    }

    /// Wakes the loop at this time, ms since 1970, or when the calendar is set. Where that cannot
    /// be, for want of descriptors or of kernel memory, the loop's own clock has to do.
    pub fn wake_at(&mut self, at: Option<u64>) {
        if let Err(error) = self.set(at) {
            daemon_log::error(format!("could not set a timer on the calendar: {error}"));
        }
    }

    fn set(&mut self, at: Option<u64>) -> io::Result<()> {
        if self.at == at {
            return Ok(());
        }
        let timer = match self.timer.take() {
            Some(timer) => timer,
            None => {
                let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
                let timer = timerfd_create(TimerfdClockId::Realtime, flags)?;
                self.poll.watch(timer, Polled::Calendar, Interest::READ)?
            }
        };
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = at.map_or(never, time_of);
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(&*timer, flags, &Itimerspec { it_interval: never, it_value: value })?;
        self.timer = Some(timer);
        self.at = at;
        Ok(())
    }

    /// The timer woke the loop. Returns what that means.
    pub fn on_ready(&mut self) -> Option<Input> {
        let timer = self.timer.as_ref()?;
        let read = rustix::io::read(&**timer, &mut [0_u8; 8]);
        if read == Err(Errno::AGAIN) {
            return None;
        }
        // It has to be set again in any case.
        self.at = None;
        Some(if read == Err(Errno::CANCELED) { Input::ClockSet } else { Input::Deadline })
    }
}

fn time_of(ms: u64) -> Timespec {
    let seconds = i64::try_from(ms / 1000).unwrap_or(i64::MAX);
    let rest = i64::try_from(ms % 1000).unwrap_or(0);
    // All zero would not be a time, but no timer.
    Timespec { tv_sec: seconds, tv_nsec: (rest * 1_000_000).max(1) }
}
