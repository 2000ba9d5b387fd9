//! A keeper that is gone or hangs is replaced by another.

use std::io;

use ostler_poll::Interest;

use super::{Keeper, LATE, PINGS_SINCE, SILENCE, process};
use crate::config::Config;
use crate::reports::Reports;
use crate::tokens::Polled;
use crate::{daemon_log, reserve};

impl Keeper {
    /// Whether there is none at present.
    pub fn is_lost(&self) -> bool {
        self.process.due.is_some()
    }

    /// When the next one is to be started.
    pub fn start_due(&self) -> Option<u64> {
        self.process.due
    }

    /// When one that has said nothing since hangs. It asks how we are every few seconds.
    pub fn silent_due(&self) -> Option<u64> {
        let asks = PINGS_SINCE <= self.welcome.version && self.process.due.is_none();
        asks.then_some(self.heard_at + SILENCE)
    }

    /// It has said nothing for long. `false`: we were late ourselves, as all of the machine was.
    pub fn is_silent(&mut self, now: u64) -> bool {
        let late = self.heard_at + SILENCE + LATE < now;
        if late {
            self.heard_at = now;
        }
        !late
    }

    /// It is gone. The apps live on; a new one is started when it is due.
    pub fn lose(&mut self, error: &io::Error, reports: &mut Reports) {
        daemon_log::error(format!(
            "the keeper (pid {}) is gone ({error}); starting another",
            self.welcome.pid
        ));
        self.link.socket_mut().unset();
        self.process.lose();
        self.fail_update("the keeper died of it", reports);
    }

    /// Starts a keeper. `false`: it is not due, or cannot be started now.
    pub fn start_due_process(&mut self, now: u64, config: &Config) -> bool {
        if self.process.due.is_none_or(|due| now < due) {
            return false;
        }
        self.reserve.release();
        let poll = &self.poll;
        let watch = |socket| poll.watch(socket, Polled::Keeper, Interest::READ.edge());
        match process::start(config, self.welcome.nofile, watch) {
            Ok((link, child)) => {
                self.link = link;
                self.welcome.pid = child.id();
                self.process.replace(child);
                self.heard_at = now;
                daemon_log::log(format!("started keeper {}", self.welcome.pid));
                true
            }
            Err(error) => {
                self.reserve.fill(reserve::KEEPER);
                let pause = self.process.fail_start(now);
                daemon_log::error(format!(
                    "could not start a keeper: {error}; trying again in {pause} ms, apps go on"
                ));
                false
            }
        }
    }
}
