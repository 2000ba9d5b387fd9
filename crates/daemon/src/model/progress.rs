//! Operations brought forward: begun as far as may be at once, looked at again when a slot has
//! changed, answered at their end.

use std::collections::VecDeque;

use ostler_core::spec::{Readiness, Ready};
use ostler_core::{Event, Phase, ProcId};
use ostler_wire::control::{self, Action, Connections, Failure, Lifecycle, Reply};

use super::Model;
use super::failures::{gone, superseded};
use super::input::{ClientId, Effect};
use super::known::Known;
use super::operations::{Operation, Pending, Reporting, Target};
use super::tickets::Tickets;
use super::version::Version;

/// Time beyond all of a process's own limits after which an operation no longer waits for it, ms:
/// it cannot be killed.
const PATIENCE: u64 = 10_000;

impl Model {
    /// Begins an operation. Slots that are where they should be already are told in this turn.
    pub(super) fn begin(&mut self, mut operation: Operation, out: &mut Vec<Effect>) {
        self.fill(&mut operation, out);
        self.changed.extend(operation.active.keys().copied());
        self.operations.push(operation);
        self.look_again = true;
        self.known.unsaved = true;
    }

    /// Looks again at every operation that waits for a slot that has changed.
    pub(super) fn advance(&mut self, out: &mut Vec<Effect>) {
        let changed = std::mem::take(&mut self.changed);
        let look_again = std::mem::take(&mut self.look_again);
        if changed.is_empty() && !look_again {
            return;
        }
        let mut operations = self.operations.take();
        for operation in &mut operations {
            for id in operation.waits_for(&changed) {
                match self.known.settled(id, operation) {
                    Some(end) => self.end_slot(operation, id, end, out),
                    None => self.known.tell_doing(&self.hooks, operation, id, out),
                }
            }
            self.fill(operation, out);
            operation.leaving.retain(|app, _| self.known.has_leaving(*app));
        }
        let (done, open): (Vec<_>, Vec<_>) = operations.into_iter().partition(Operation::is_done);
        self.operations.put_back(open);
        for operation in done {
            self.tickets.answer(&self.known, operation, out);
        }
    }

    /// Stops waiting for what cannot be killed, or is not spawned.
    pub(super) fn expire(&mut self, out: &mut Vec<Effect>) {
        let now = self.known.at.now;
        if self.operations.deadline().is_none_or(|at| now < at) {
            return;
        }
        let mut operations = self.operations.take();
        for operation in &mut operations {
            let expired = operation.active.iter().filter(|(_, pending)| pending.until <= now);
            let expired: Vec<_> = expired.map(|(id, pending)| (*id, pending.target)).collect();
            for (id, target) in expired {
                if self.known.waits_its_turn(id, target) {
                    let until = self.known.pending(id, target, false).until;
                    operation.active.entry(id).and_modify(|pending| pending.until = until);
                    continue;
                }
                let failure =
                    (target != Target::Listening).then(|| self.known.why_not_yet(id, target));
                self.end_slot(operation, id, failure, out);
            }
            operation.leaving.retain(|_, until| now < *until);
        }
        self.operations.put_back(operations);
        self.look_again = true;
    }

    /// Begins as much of an operation as may be under way at once. Restarts of these processes that
    /// older requests have not begun yet are not begun any more: they are stopped, and the later
    /// word counts. (One that is deleted is gone when its turn comes.)
    pub(super) fn supersede_restarts(&mut self, ids: &[ProcId], out: &mut Vec<Effect>) {
        let mut operations = self.operations.take();
        for operation in &mut operations {
            let (left, todo): (VecDeque<_>, _) = std::mem::take(&mut operation.todo)
                .into_iter()
                .partition(|(id, action)| *action == Action::Restart && ids.contains(id));
            operation.todo = todo;
            for (id, _) in left {
                self.end_slot(operation, id, Some(superseded(id)), out);
            }
        }
        self.operations.put_back(operations);
    }

    fn fill(&mut self, operation: &mut Operation, out: &mut Vec<Effect>) {
        let free = self.known.free_of(operation);
        while operation.active.len() < operation.parallel {
            let Some((id, action)) = operation.take_next(free.as_ref()) else { return };
            if self.known.core.slot(id).is_none() {
                self.end_slot(operation, id, Some(gone(id)), out);
                continue;
            }
            if self.wait_again(operation, id) {
                continue;
            }
            let (event, target) = match action {
                Action::Stop => (Event::Stop(id), Target::Down),
                Action::Delete => (Event::Delete(id), Target::Gone),
                Action::Restart => {
                    if self.known.runs(id) {
                        self.known.registry.count_asked_restart(id);
                    }
                    if let Some(spec) = self.known.spec_to_be(operation, id) {
                        self.hold_dependent(id, spec);
                    }
                    (self.tickets.note_restart(&self.known, operation, id), Target::Up)
                }
                Action::Reset => {
                    self.reset(id);
                    self.end_slot(operation, id, None, out);
                    continue;
                }
            };
            let pending = self.known.pending(id, target, false);
            if target != Target::Up {
                self.tickets.note_begun(operation.ticket.as_deref(), id, &pending);
            }
            operation.active.insert(id, pending);
            self.known.unsaved = true;
            self.changed.insert(id);
            self.ask(event);
        }
    }

    fn reset(&mut self, id: ProcId) {
        self.ask(Event::Reset(id));
        let wall = self.known.at.wall;
        if let Some(proc) = self.known.registry.proc_mut(id) {
            proc.created_at = wall;
            proc.over_memory = None;
            proc.asked_restarts = 0;
            proc.dropped.reset();
        }
        self.known.unsaved = true;
    }

    fn end_slot(
        &mut self,
        operation: &mut Operation,
        id: ProcId,
        failure: Option<Failure>,
        out: &mut Vec<Effect>,
    ) {
        let pending = operation.active.remove(&id);
        if let (None, Some(pending)) = (&failure, &pending) {
            self.publish_done(operation, id, pending, out);
        }
        if operation.failure.is_none() {
            operation.failure.clone_from(&failure);
        }
        let late = pending.as_ref().is_some_and(|pending| pending.late);
        let client = operation.client;
        match &operation.reporting {
            Reporting::Listens(_) => return,
            Reporting::Slots | Reporting::Kill => {
                let known = || self.known.registry.proc(id).map(|proc| (proc.name.clone(), false));
                let connections = pending.as_ref().filter(|_| operation.counts);
                let connections =
                    connections.map_or(Connections::Unknown, |pending| pending.connections);
                let (name, added) = pending
                    .map(|pending| (pending.name, pending.added))
                    .or_else(known)
                    .unwrap_or_default();
                operation.ended.insert(id, failure.clone());
                let event =
                    control::Event::Acted { id: id.0, name, error: failure, added, connections };
                tell(client, event, out);
            }
            Reporting::Started(_) | Reporting::Restored(_) => {
                let told = pending.as_ref().filter(|pending| operation.brings_up(pending));
                if let (true, None, Some(pending)) = (operation.each, &failure, told) {
                    let name = pending.name.clone();
                    tell(client, control::Event::Starting { id: id.0, name, up: true }, out);
                }
                operation.ended.insert(id, failure);
                operation.late.extend(late.then_some(id));
                for app in operation.take_finished_apps() {
                    let ids = app.ids.iter().map(|id| id.0).collect();
                    let (name, error, late) = (app.name, app.failure, app.late);
                    let event = match (app.script, error) {
                        (Some(script), error) => control::Event::Restored { name, script, error },
                        (None, None) => control::Event::Started { name, ids, late },
                        (None, Some(error)) => control::Event::Failed { name, error },
                    };
                    tell(client, event, out);
                }
            }
        }
        if late {
            self.known.warn_late(client, id, out);
        }
    }
}

impl Model {
    /// Publishes what was done to a slot.
    fn publish_done(
        &mut self,
        operation: &Operation,
        id: ProcId,
        pending: &Pending,
        out: &mut Vec<Effect>,
    ) {
        let starts = pending.added || operation.starts();
        match pending.target {
            Target::Up if starts => self.known.publish(id, Lifecycle::Start, out),
            Target::Up => self.known.publish_by(operation.client, id, operation.again, out),
            // A process that was saved at rest is in the list again, and nobody stopped it.
            Target::Down if matches!(operation.reporting, Reporting::Restored(_)) => {}
            Target::Down => self.known.publish_by(operation.client, id, Lifecycle::Stop, out),
            // The end of the slot was published when it went; listening is nothing done to it.
            Target::Gone | Target::Listening => {}
        }
    }
}

impl Known {
    /// What a slot is waited for, from now on.
    pub(super) fn pending(&self, id: ProcId, target: Target, added: bool) -> Pending {
        let spec = self.core.slot(id).map(|slot| slot.process().next_spec());
        let policy = spec.and_then(|spec| self.registry.version(spec)).map(|of| &of.policy);
        let limit = policy.map_or(0, |policy| {
            policy.ready_timeout + policy.drain_timeout + 3 * policy.stop_grace
        });
        Pending {
            name: self.registry.proc(id).map_or_else(String::new, |proc| proc.name.clone()),
            target,
            added,
            since: self.at.wall,
            until: self.at.now + limit + PATIENCE,
            late: false,
            came_up: false,
            connections: Connections::Nowhere,
            told: None,
        }
    }

    /// Whether a process has a run that is not on its way out.
    fn runs(&self, id: ProcId) -> bool {
        let phase = self.core.slot(id).map(|slot| slot.process().phase());
        matches!(phase, Some(Phase::Starting { .. } | Phase::Online { .. }))
    }

    /// Tells of each process that an operation is starting, if its client wants to know.
    pub(super) fn tell_each(&self, operation: &Operation, out: &mut Vec<Effect>) {
        let starting = operation.active.iter().filter(|(_, of)| of.target == Target::Up);
        for (id, pending) in starting.filter(|_| operation.each) {
            let name = pending.name.clone();
            let event = control::Event::Starting { id: id.0, name, up: false };
            tell(operation.client, event, out);
        }
    }

    fn warn_late(&self, client: Option<ClientId>, id: ProcId, out: &mut Vec<Effect>) {
        let name = self.registry.proc(id).map_or("", |proc| proc.name.as_str());
        let version = self.version_of_run(id);
        let by_message = version.is_none_or(|of| of.policy.readiness == Readiness::Message);
        let limit = version.map_or(0, |of| of.policy.ready_timeout);
        let ready = version.and_then(|of| of.spec.ready.as_ref()).unwrap_or(&Ready::Message);
        let (did_not, then) = match by_message {
            true => (ready.to_do(), ""),
            false => (
                "begin as a worker of a cluster".to_owned(),
                ": cluster mode is for Node, `exec_mode: \"fork\"` for any other program",
            ),
        };
        let text = format!(
            "`{name}` (id {}) did not {did_not} within {limit} ms (`listen_timeout`); \
             it is taken as online all the same{then}",
            id.0,
        );
        tell(client, control::Event::Warning { text, unready: by_message.then_some(id.0) }, out);
    }

    /// The version that says by what the slot's run was to be ready, and within what time.
    fn version_of_run(&self, id: ProcId) -> Option<&Version> {
        let process = self.core.slot(id)?.process();
        let of_run = process.run().and_then(|run| self.version_by_run(run));
        of_run.or_else(|| self.registry.version(process.spec()))
    }

    fn addresses(&self, id: ProcId) -> Vec<String> {
        let run = self.core.slot(id).and_then(|slot| slot.process().run());
        run.and_then(|run| self.facts.get(&run)).map_or_else(Vec::new, |facts| facts.addresses())
    }
}

impl Tickets {
    fn note_restart(&mut self, known: &Known, operation: &Operation, id: ProcId) -> Event {
        if let Some(ticket) = &operation.ticket {
            self.restart(ticket, id);
        }
        let change = operation
            .changes
            .get(&id)
            .and_then(|spec| Some((*spec, known.registry.version(*spec)?.policy.clone())));
        Event::Restart { proc: id, change }
    }

    fn answer(&mut self, known: &Known, operation: Operation, out: &mut Vec<Effect>) {
        if let Some(ticket) = &operation.ticket {
            self.close(ticket);
        }
        let Some(client) = operation.client else { return };
        let reply = match (operation.reporting, operation.failure) {
            (Reporting::Listens(id), _) => Reply::Listens { addresses: known.addresses(id) },
            (_, None) => Reply::Done,
            (_, Some(failure)) => Reply::Error(failure),
        };
        out.push(Effect::Reply { client, reply });
    }
}

/// Tells a client something, if one waits.
pub(super) fn tell(client: Option<ClientId>, event: control::Event, out: &mut Vec<Effect>) {
    out.extend(client.map(|client| Effect::Event { client, event }));
}
