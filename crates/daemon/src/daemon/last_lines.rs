//! Clients that want to know what a run wrote last, and wait until that is written.

use ostler_core::ProcId;
use ostler_wire::control::Reply;

use crate::clients::Clients;
use crate::runs::Runs;

/// Who waits for the last lines of which slot.
#[derive(Debug, Default)]
pub(super) struct LastLines(Vec<(usize, ProcId)>);

impl LastLines {
    /// A client wants to know what the last run of a slot wrote last that is over.
    pub(super) fn ask(&mut self, client: usize, id: ProcId, runs: &Runs, clients: &mut Clients) {
        match runs.last_lines(id) {
            Some((lines, err)) => clients.reply(client, &Reply::LastLines { lines, err }),
            None => self.0.push((client, id)),
        }
    }

    /// The output of a run is written: tells who waits for that.
    pub(super) fn tell(&mut self, runs: &Runs, clients: &mut Clients) {
        for (client, id) in std::mem::take(&mut self.0) {
            self.ask(client, id, runs, clients);
        }
    }

    /// The client has left.
    pub(super) fn forget(&mut self, client: usize) {
        self.0.retain(|(waiting, _)| *waiting != client);
    }
}
