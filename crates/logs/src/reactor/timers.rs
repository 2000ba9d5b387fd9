//! What the reactor does at its times.

use std::cmp::Reverse;

use ostler_poll::{Interest, now};

use super::{Reactor, WATCH_AGAIN};
use crate::files::IDLE;

impl Reactor {
    pub(super) fn deadline(&self) -> Option<u64> {
        if !self.ready.is_empty() {
            return Some(0);
        }
        let timer = self.timers.peek().map(|Reverse((next, _))| *next);
        let show = self.show_at.first().map(|(at, _)| *at);
        [timer, show, self.idle_at, self.watch_at, self.tell_at].into_iter().flatten().min()
    }

    pub(super) fn handle_timers(&mut self) {
        if self.deadline().is_none() {
            return;
        }
        let now = now();
        while let Some((_, key)) = self.show_at.first().copied().filter(|(at, _)| *at <= now) {
            self.show_at.pop_first();
            self.queue(key);
        }
        if self.idle_at.is_some_and(|at| at <= now) {
            self.idle_at = self.files.close_idle().then_some(now + IDLE);
        }
        if self.watch_at.is_some_and(|at| at <= now) {
            self.watch_again(now);
        }
        if self.tell_at.is_some_and(|at| at <= now) {
            self.tell_dropped();
        }
        while let Some(Reverse((at, id))) =
            self.timers.peek().copied().filter(|Reverse((at, _))| *at <= now)
        {
            self.timers.pop();
            self.handle_file_timer(id, at);
        }
    }

    /// Watches the streams that could not be watched, out of kernel memory, and looks at them: of
    /// what has come meanwhile, no poll tells.
    pub(super) fn watch_again(&mut self, now: u64) {
        self.watch_at = None;
        let mut unwatched = Vec::new();
        for (key, source) in &mut self.sources {
            if source.pipe.interest().is_none() {
                let watched = source.pipe.set(Interest::READ.edge());
                self.watch_at = watched.err().map(|_| now + WATCH_AGAIN).or(self.watch_at);
                unwatched.push(*key);
            }
        }
        for key in unwatched {
            self.queue(key);
        }
    }
}
