//! What is sent to runs: bytes over their channels, and signals.

use std::io;

use ostler_core::RunId;

use super::Runs;
use super::channel::SendError;
use super::proc::signal;
use crate::daemon_log;

impl Runs {
    /// Writes bytes to the application, which must be whole lines.
    pub fn send(&mut self, run: RunId, bytes: &[u8]) {
        let sent = self.channel(run).map(|channel| channel.send(bytes, None));
        if sent == Some(Err(SendError::Full)) {
            daemon_log::error(format!(
                "run {} does not read its IPC channel: a message was dropped",
                run.0
            ));
        }
    }

    /// Writes the same to several applications.
    pub fn send_all(&mut self, runs: &[RunId], bytes: &[u8]) {
        for run in runs {
            self.send(*run, bytes);
        }
    }

    /// Sends a signal to the first process of a run.
    ///
    /// # Errors
    /// It does not run, or the system refuses.
    pub fn signal(&mut self, run: RunId, number: i32) -> io::Result<()> {
        let pidfd = self.all.get_mut(&run).and_then(|held| held.alive_mut()?.pidfd.as_ref());
        signal(pidfd.ok_or(rustix::io::Errno::SRCH)?, number)
    }
}
