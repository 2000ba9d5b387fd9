//! The end of everything: asked for by signals or a client, begun, waited for, done.

use ostler_core::{Event, ProcId};

use super::Daemon;
use crate::deciding::Ending;
use crate::state_file::State;
use crate::{clock, logbook};

/// How long output that cannot be written is waited for at the end of everything, ms.
const LAST_OUTPUT: u64 = 2000;

impl Daemon {
    pub fn on_signals(&mut self) {
        let mut buffer = [0_u8; 128 * 8];
        loop {
            let count = match rustix::io::read(&*self.inbox.signals, &mut buffer) {
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
            crate::book::signal_name(signal)
        ));
        // Told again (by the init system and by the keeper), the list is already getting shorter.
        if self.model.ending == Ending::No
            && !self.model.book.procs.is_empty()
            && let Err(error) = self.write_dump()
        {
            logbook::error(error.message);
        }
        self.begin_end();
    }

    /// Stops and forgets everything; the daemon goes when that is done.
    pub fn begin_end(&mut self) {
        self.model.ending = Ending::Stopping;
        let ids: Vec<ProcId> = self.model.book.procs.keys().copied().collect();
        self.model.dirty = true;
        for id in ids {
            self.model.events.push_back(Event::Delete(id));
        }
        self.end_if_empty();
    }

    /// Goes when nothing is left.
    pub fn end_if_empty(&mut self) {
        if self.model.ending != Ending::Stopping
            || !self.model.book.procs.is_empty()
            || self.waits_for_output()
        {
            return;
        }
        if !self.model.jobs.iter().any(|job| job.is_kill()) {
            self.go();
        }
    }

    /// Whether runs are left that are to be waited for. Output that cannot be written (no room, no
    /// such folder) would be waited for in vain: it has a little time.
    fn waits_for_output(&mut self) -> bool {
        if self.runs.iter().next().is_none() {
            return false;
        }
        let now = clock::monotonic();
        if !self.runs.iter().all(|(_, held)| held.waits_for_output())
            || now < *self.output_by.get_or_insert(now + LAST_OUTPUT)
        {
            return true;
        }
        let runs: Vec<u64> = self.runs.iter().map(|(run, _)| run.0).collect();
        logbook::error(format!(
            "the last output of runs {runs:?} cannot be written and is lost; see the errors above"
        ));
        false
    }

    /// Leaves nothing behind: the keeper goes too, sockets and pid file are removed.
    pub fn go(&mut self) {
        self.runs.remove_groups();
        for name in ["ostler.sock", "ostler.lock", "pm2.pid", "drain.cjs"] {
            // What is not there need not be removed.
            _ = std::fs::remove_file(self.config.home.join(name));
        }
        State::remove(&self.config.home);
        self.keeper.shut_down();
        logbook::log("the daemon ends");
        self.model.dirty = false;
        self.model.ending = Ending::Now;
    }
}
