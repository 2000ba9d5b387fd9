//! The end of everything: asked for by signals or a client, begun, waited for, done.

use super::Daemon;
use crate::foreground::Foreground;
use crate::model::Input;
use crate::{daemon_log, leftovers};

impl Daemon {
    pub(super) fn on_signals(&mut self) {
        let mut buffer = [0_u8; 128 * 8];
        loop {
            let count = match rustix::io::read(&*self.inbox.signals, &mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
            for info in buffer.get(..count).unwrap_or_default().chunks_exact(128) {
                let number = info.first_chunk::<4>().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
                match number {
                    // A command that found no socket asks for one.
                    libc::SIGHUP => self.look_after_home(),
                    libc::SIGUSR2 => {
                        daemon_log::log("opening all log files again");
                        self.read_settings();
                        self.logs.engine().reopen();
                    }
                    // SIGTERM and its like.
                    _ => {
                        let name = crate::model::signal_name(number);
                        daemon_log::log(format!("received {name}: saving and stopping everything"));
                        self.bus.kill(self.model.model(), true);
                        self.model.push(Input::Shutdown);
                    }
                }
            }
        }
    }

    /// The process in the foreground, for which all of this runs, has ended.
    pub(crate) fn on_foreground_end(&mut self) {
        daemon_log::log("the process in the foreground has ended: stopping everything");
        self.inbox.foreground = Foreground::Gone;
        // Nobody will read what apps still write.
        self.logs.engine().await_reader(false);
        self.bus.kill(self.model.model(), true);
        self.model.push(Input::Abandoned);
    }

    /// Goes when nothing is left, and leaves nothing behind: keeper and guard go too, sockets and
    /// pid file are removed.
    pub(super) fn end_if_over(&mut self) {
        let told = !self.model.has_effects() && !self.saver.is_busy();
        let over = told && self.model.model().is_over();
        if !over || self.model.is_gone() {
            return;
        }
        let (is_unread, took_at) = (self.clients.has_unread(), self.clients.took_at());
        if self.runs.has_unknown() || self.runs.wait_for_output(is_unread, took_at) {
            return;
        }
        self.runs.remove_groups();
        leftovers::remove(&self.config.home);
        self.rpc.door_mut().remove(&self.config.home);
        self.bus.door_mut().remove(&self.config.home);
        self.rpc.say_end();
        self.keeper.shut_down();
        self.node.end_guard();
        daemon_log::log("the daemon ends");
        self.model.go();
    }
}
