//! The end of everything: the list is written, then all is stopped and forgotten.

use std::path::PathBuf;

use ostler_core::{Event, ProcId};
use ostler_wire::control::{Failure, Reply};

use super::Model;
use super::input::{ClientId, Effect};
use super::known::Known;

impl Model {
    /// Everything has ended but what may not be signalled, and whoever waited for that was told.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let is_left = |(id, _)| self.known.unsignalable(id).is_none();
        let begun = self.known.closing && !self.writes_last;
        let rests = !self.operations.has_kill() && self.hooks.is_empty();
        begun && rests && !self.known.registry.procs().any(is_left)
    }

    /// A signal, or the init system, ends everything.
    pub(super) fn on_shutdown(&mut self, out: &mut Vec<Effect>) {
        // Told again (by the init system and by the keeper), the list is already getting shorter.
        if self.known.closing {
            return;
        }
        if self.known.registry.procs().len() == 0 {
            return self.close();
        }
        // Nothing else is begun, and the end only when the list is on disk: a daemon that takes
        // over in between finds all of it.
        self.known.closing = true;
        self.writes_last = true;
        self.write_dump(None, out);
    }

    /// The process in the foreground is gone. Its apps were never meant to come back by themselves.
    pub(super) fn on_abandoned(&mut self) {
        if !self.known.closing {
            self.close();
        }
    }

    /// The list was written, or could not be.
    pub(super) fn on_dump_written(
        &mut self,
        client: Option<ClientId>,
        count: usize,
        result: Result<PathBuf, Failure>,
        out: &mut Vec<Effect>,
    ) {
        let Some(client) = client else {
            if std::mem::take(&mut self.writes_last) {
                self.close();
            }
            return;
        };
        let reply = match result {
            Ok(path) => Reply::Saved { path: path.display().to_string(), count },
            Err(failure) => Reply::Error(failure),
        };
        out.push(Effect::Reply { client, reply });
    }

    /// Stops and forgets everything; the daemon goes when that is done.
    pub(super) fn close(&mut self) {
        self.known.closing = true;
        self.known.unsaved = true;
        let ids: Vec<ProcId> = self.known.registry.procs().map(|(id, _)| id).collect();
        self.cut_reloads_short("kill", &ids);
        // What is on its way out already need not finish its connections.
        let goes = |id: &ProcId| self.known.core.slot(*id).is_some_and(|slot| slot.removing());
        for id in ids.into_iter().filter(goes).collect::<Vec<_>>() {
            self.ask(Event::Delete(id));
        }
        self.deletes_left = true;
        self.delete_in_order();
    }
}

impl Known {
    /// Everything is being ended: nothing new is begun.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing
    }
}
