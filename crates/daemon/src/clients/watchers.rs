//! What clients that watch are told.

use ostler_core::ProcId;
use ostler_logs::{Line, Stream};
use ostler_wire::control::{Event, Lifecycle, LinePlace, LogLine, LogStart};

use super::conn::Conn;
use super::{Clients, Watching};
use crate::{clock, daemon_log};

impl Clients {
    /// A client reads logs from now on.
    pub fn watch(&mut self, number: usize, watching: Watching) {
        if watching.own {
            daemon_log::watch(true);
        }
        if let Some(conn) = self.connected.get_mut(&number) {
            conn.watching = Some(watching);
        }
    }

    /// A client reads lines from now on: if it wants to be told that, it is told where those of
    /// its processes begin; `None` = of all.
    pub fn confirm(&mut self, number: usize, starts: impl FnOnce(Option<&[u32]>) -> Vec<LogStart>) {
        let Some(conn) = self.connected.get_mut(&number) else { return };
        if let Some(watching) = conn.watching.as_ref().filter(|watching| watching.confirm) {
            let starts = starts(watching.ids.as_deref());
            conn.event(&Event::Following { starts });
        }
    }

    /// Tells who watches what happened to a process.
    pub fn publish(&mut self, id: ProcId, name: &str, what: Lifecycle) {
        let at = clock::wall();
        for conn in self.connected.values_mut() {
            let wants = |watching: &Watching| {
                watching.events && watching.ids.as_ref().is_none_or(|ids| ids.contains(&id.0))
            };
            if conn.watching.as_ref().is_some_and(wants) {
                conn.stream(&Event::Process { id: id.0, name: name.to_owned(), what, at });
            }
        }
    }

    /// Passes on what was written into the daemon's own log. Returns whether anybody wants it.
    pub fn publish_own(&mut self, fresh: &[(u64, String)]) -> bool {
        let mut watched = false;
        let wants = |conn: &&mut Conn| conn.watching.as_ref().is_some_and(|of| of.own);
        for conn in self.connected.values_mut().filter(wants) {
            watched = true;
            for (at, text) in fresh {
                conn.stream(&Event::Own { at: *at, text: text.clone() });
            }
        }
        watched
    }

    /// Passes lines of output on to who reads them.
    pub fn lines(&mut self, number: usize, lines: Vec<Line>) {
        let Some(conn) = self.connected.get_mut(&number) else { return };
        let mut dropped = 0;
        let patient = conn.is_patient();
        conn.owes |= patient;
        for line in lines {
            if !patient && conn.is_slow() {
                // Only a reader that does not read loses lines, and it is told how many.
                dropped += 1 + line.dropped;
                continue;
            }
            let missed = std::mem::take(&mut conn.missed);
            conn.event(&Event::Log(LogLine {
                id: line.proc_id,
                name: line.name.to_string(),
                err: line.stream == Stream::Err,
                at: line.at_ms,
                text: line.text.to_string(),
                dropped: line.dropped + missed,
                place: line.place.map(|place| LinePlace {
                    log: place.log,
                    inode: place.inode,
                    start: place.start,
                    end: place.end,
                    check: (place.check.length, place.check.hash),
                }),
            }));
        }
        conn.missed += dropped;
    }
}
