//! The end of everything: asked for by signals or a client, begun, waited for, done.

use super::Daemon;
use crate::model::Input;
use crate::runs::{Run, Tree};
use crate::{clock, logbook, state_file};

/// How long output that cannot be written is waited for at the end of everything, ms.
const LAST_OUTPUT: u64 = 2000;

impl Daemon {
    pub fn on_signals(&mut self) {
        let mut buffer = [0_u8; 128 * 8];
        loop {
            let count = match rustix::io::read(&*self.signals, &mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
            for info in buffer.get(..count).unwrap_or_default().chunks_exact(128) {
                let number = info.first_chunk::<4>().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
                match number {
                    libc::SIGHUP => logbook::log("SIGHUP is ignored"),
                    libc::SIGUSR2 => {
                        logbook::log("opening all log files again");
                        self.logs.engine().reopen();
                    }
                    _ => self.stop_everything(number),
                }
            }
        }
    }

    /// SIGTERM and its like: the list is saved, everything is stopped, the daemon goes.
    fn stop_everything(&mut self, signal: i32) {
        logbook::log(format!(
            "received {}: saving and stopping everything",
            crate::model::signal_name(signal)
        ));
        self.model.push(Input::Shutdown);
    }

    /// Goes when nothing is left.
    pub fn end_if_over(&mut self) {
        let over = self.model.model().is_over() && !self.saver.is_busy();
        if over && !self.model.is_gone() && !self.waits_for_output() {
            self.go();
        }
    }

    /// Whether runs are left that are to be waited for. Output that cannot be written (no room, no
    /// such folder) would be waited for in vain: it has a little time.
    fn waits_for_output(&mut self) -> bool {
        if self.runs.is_empty() {
            return false;
        }
        let now = clock::monotonic();
        let waits_for_files = |held: &Run| held.exit.is_some() && matches!(held.tree, Tree::Gone);
        if !self.runs.values().all(waits_for_files)
            || now < *self.output_by.get_or_insert(now + LAST_OUTPUT)
        {
            return true;
        }
        let runs: Vec<u64> = self.runs.keys().map(|run| run.0).collect();
        logbook::error(format!(
            "the last output of runs {runs:?} cannot be written and is lost; see the errors above"
        ));
        false
    }

    /// Leaves nothing behind: the keeper goes too, sockets and pid file are removed.
    pub fn go(&mut self) {
        if let Some(groups) = &self.groups {
            groups.remove_base();
        }
        for name in ["ostler.sock", "ostler.lock", "pm2.pid", "drain.cjs"] {
            // What is not there need not be removed.
            _ = std::fs::remove_file(self.config.home.join(name));
        }
        state_file::remove(&self.config.home);
        self.keeper.shut_down();
        logbook::log("the daemon ends");
        self.model.go();
    }
}
