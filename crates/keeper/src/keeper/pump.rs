//! What goes over the link to the daemon.

use std::io;

use ostler_poll::Interest;

use super::Keeper;
use crate::daemon::Daemon;
use crate::failpoint::hit;
use crate::log::log;
use crate::proto::FromKeeper;
use crate::report::next_report;
use crate::table::Fd;

impl Keeper {
    /// Sends a message. What fails to be sent is told again to the next daemon, and a broken link
    /// is seen by reading.
    pub(crate) fn reply(&mut self, message: &FromKeeper, fds: Vec<Fd>) {
        if let Err(error) = self.try_reply(message, fds)
            && !matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
        {
            log(&format!("cannot answer the daemon: {error}"));
        }
    }

    fn try_reply(&mut self, message: &FromKeeper, fds: Vec<Fd>) -> io::Result<()> {
        hit("keeper.reply.before");
        if let Daemon::Running(running) = &mut self.daemon
            && let Some(link) = &mut running.link
        {
            link.send_shared(message, fds)?;
        }
        hit("keeper.reply.after");
        Ok(())
    }

    /// Writes what waits, and then what the table has to tell, one message at a time: nothing piles
    /// up for a daemon that does not read.
    pub(super) fn pump(&mut self) {
        self.starved = false;
        loop {
            let Daemon::Running(running) = &mut self.daemon else { return };
            let Some(link) = &mut running.link else { return };
            if !link.flush().unwrap_or(false) {
                return;
            }
            let Ok(report) = next_report(&mut self.table, &mut self.reserve, &running.progress)
            else {
                self.starved = true;
                return;
            };
            let Some(report) = report else { return };
            let sent = self.try_reply(&report.message, report.fds);
            match sent {
                Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
                    if let FromKeeper::Exited { run, .. } = report.message {
                        self.table.mark_unreported(run);
                    }
                    self.starved = true;
                    return;
                }
                // What a broken link does not take is told to the next daemon.
                Ok(()) | Err(_) => {
                    if let Daemon::Running(running) = &mut self.daemon {
                        running.progress = report.progress;
                    }
                    if let Some((message, fds)) = report.then {
                        self.reply(&message, fds);
                    }
                }
            }
        }
    }

    pub(super) fn set_interest(&mut self) {
        let may_serve = self.may_serve();
        let Daemon::Running(running) = &mut self.daemon else { return };
        let Some(link) = &mut running.link else { return };
        let full = link.queued() > 0 && !link.starved();
        let wanted = match (may_serve, full) {
            (true, true) => Interest::READ | Interest::WRITE,
            (true, false) => Interest::READ,
            (false, true) => Interest::WRITE,
            (false, false) => Interest::HANGUP,
        };
        // What it has to read cannot be read now: it would be reported again and again.
        let wanted = if link.starved() { Interest::HANGUP } else { wanted };
        if let Err(error) = link.socket_mut().set(wanted) {
            log(&format!("cannot watch the link: {error}"));
        }
    }
}
