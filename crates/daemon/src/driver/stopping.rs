//! A run's end: asked for, forced, reported, and what is done about what it leaves.

use ostler_core::{Exit, Phase, Role, RunId};
use ostler_keeper::proto::ToKeeper;
use ostler_wire::node::outgoing;

use super::Driver;
use crate::drain;
use crate::model::Input;

/// More dead runs than this are cleaned up at once.
const MOST_DEFERRED: usize = 64;

impl Driver<'_> {
    pub(crate) fn on_exited(&mut self, run: RunId, exit: Exit, next: Option<RunId>) {
        let Some(held) = self.runs.get(run) else {
            // Nobody knows it any more: the keeper need not either.
            return self.keeper.release(run);
        };
        if held.is_dead() {
            return; // ProbeMessage before.
        }
        self.runs.begin_next(run, next);
        let (node, mut parts) = self.node();
        node.close_channel(run, &mut parts);
        let candidate = self.is_candidate(run);
        if self.runs.is_out_of_memory(run, exit) {
            self.tell(Input::OutOfMemory(run));
        }
        self.runs.die(run, exit, !candidate);
        if candidate {
            // Why it failed is in its last lines: the machine hears of the end when they are
            // written.
            return self.logs.engine().ended(run.0);
        }
        self.tell(Input::Exited { run, exit, next, stderr_tail: Vec::new() });
        self.runs.defer_cleanup(run);
    }

    /// Whether what is left of dead runs waits.
    pub(crate) fn defers_cleanup(&self) -> bool {
        self.keeper.starting_until().is_some() && self.runs.deferred() < MOST_DEFERRED
    }

    /// Sees to what dead runs left: their last output, their descendants. The next run of the slot
    /// does not wait for it.
    pub(crate) fn finish_exited(&mut self) {
        for run in self.runs.take_exited() {
            self.logs.engine().ended(run.0);
            self.prepare_next(run);
            self.runs.look_for_orphans(run, self.reports);
            self.runs.prepare_group(RunId(self.model.core().last_run() + 1));
        }
    }

    /// A run that the inventory says is dead: as if it were reported now, for what is ours; the
    /// core knows already.
    pub(crate) fn on_found_dead(&mut self, run: RunId, exit: Exit) {
        let (node, mut parts) = self.node();
        node.close_channel(run, &mut parts);
        self.runs.die(run, exit, true);
        self.logs.engine().ended(run.0);
        self.runs.look_for_orphans(run, self.reports);
    }

    /// All output of a dead run is written.
    pub(crate) fn on_drained(&mut self, run: RunId) {
        self.hear_no_more(run);
        if let Some(exit) = self.runs.drained(run) {
            let stderr_tail = self.runs.stderr_tail(run);
            self.tell(Input::Exited { run, exit, next: None, stderr_tail });
            self.runs.look_for_orphans(run, self.reports);
        }
        self.runs.release(run, self.reports);
    }

    /// Nothing is left of a run.
    pub(crate) fn on_released(&mut self, run: RunId) {
        self.logs.engine().detach(run.0);
        self.keeper.release(run);
    }

    pub(crate) fn disconnect(&mut self, run: RunId) {
        self.mark_ending(run);
        let held = self.runs.get(run);
        let version = held.and_then(|held| self.model.registry().version(held.spec));
        if let Some(spec) = version.map(|version| &version.spec) {
            if drain::is_wanted(spec) {
                // Before anything that makes the app close its servers.
                let word = drain::word(spec.policy.drain_timeout);
                self.runs.send(run, word.as_bytes());
            }
            if self.runs.wants_message(spec) {
                self.send_shutdown(run);
            }
        }
        let (node, mut parts) = self.node();
        node.leave(run, true, &mut parts);
    }

    pub(crate) fn terminate(&mut self, run: RunId) {
        self.mark_ending(run);
        self.count_connections(run);
        let (node, mut parts) = self.node();
        node.leave(run, false, &mut parts);
        let by_message = self.runs.stops_by_message(run);
        self.runs.terminate(run, by_message);
        if by_message {
            self.send_shutdown(run);
        }
    }

    fn send_shutdown(&mut self, run: RunId) {
        let mut bytes = Vec::new();
        if outgoing::user(&mut bytes, "\"shutdown\"").is_ok() {
            self.runs.send(run, &bytes);
        }
    }

    pub(crate) fn kill(&mut self, run: RunId) {
        self.mark_ending(run);
        self.count_connections(run);
        self.runs.kill(run, self.reports);
    }

    /// Counts the connections that a signal may drop, if anybody wants to know.
    fn count_connections(&mut self, run: RunId) {
        if let Some(listeners) = self.model.counted(run)
            && let Some(open) = self.runs.connections(run, listeners)
        {
            self.tell(Input::Counted { run, open });
        }
    }

    /// Ends the orphans of a dead run.
    pub(crate) fn sweep(&mut self, run: RunId) {
        if self.runs.has_orphans(run) {
            self.runs.mark_swept(run);
            self.runs.kill(run, self.reports);
        }
    }

    fn mark_ending(&mut self, run: RunId) {
        if self.runs.mark_ending(run) {
            self.note(run);
        }
    }

    /// Puts what a run is now where it survives.
    pub(crate) fn note(&mut self, run: RunId) {
        let Some((id, role)) = self.model.core().owner(run) else { return };
        let Some(slot) = self.model.core().slot(id) else { return };
        let phase = slot.process().phase();
        let online = matches!(phase, Phase::Online { run: online, .. } if online == run);
        let ready = online || (role == Role::Candidate && slot.candidate_is_ready());
        let Some(held) = self.runs.get_mut(run) else { return };
        held.ready |= ready;
        if held.ready {
            self.look_no_more(run);
        }
        let meta = self.meta_of_run(run);
        self.keeper.send(&ToKeeper::SetRunMeta { run: run.0, meta }, Vec::new());
        if role == Role::Candidate {
            self.compare_listeners(run);
        }
    }
}
