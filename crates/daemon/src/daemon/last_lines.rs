//! Clients that want to know what a run wrote last, and wait until that is written.

use ostler_core::ProcId;
use ostler_wire::control::Reply;

use super::Daemon;

/// Who waits for the last lines of which slot.
#[derive(Debug, Default)]
pub(super) struct LastLines(Vec<(usize, ProcId)>);

impl LastLines {
    /// The client has left.
    pub(super) fn forget(&mut self, client: usize) {
        self.0.retain(|(waiting, _)| *waiting != client);
    }
}

impl Daemon {
    /// A client wants to know what the last run of a slot wrote last that is over.
    pub(super) fn on_last_lines(&mut self, client: usize, id: ProcId) {
        match self.runs.last_lines(id) {
            Some((lines, err)) => self.clients.reply(client, &Reply::LastLines { lines, err }),
            None => self.last_lines.0.push((client, id)),
        }
    }

    /// The output of a run is written: tells who waits for that.
    pub(super) fn tell_last_lines(&mut self) {
        for (client, id) in std::mem::take(&mut self.last_lines.0) {
            self.on_last_lines(client, id);
        }
    }
}
