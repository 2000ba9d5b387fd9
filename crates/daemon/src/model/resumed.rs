//! Requests that are asked again after a daemon's death: what was begun under their ticket is
//! waited for, and only what was not is begun.

use ostler_core::ProcId;
use ostler_wire::control::{Action, Connections};

use super::Model;
use super::input::{ClientId, Effect};
use super::known::Known;
use super::operations::{Operation, Pending, Reporting, Target};
use super::tickets::Tickets;
use super::tickets::{Begun, Ticket};

impl Model {
    /// Apps that were added are waited for.
    pub(super) fn start_again(
        &mut self,
        client: ClientId,
        ticket: Ticket,
        (each, doing): (bool, bool),
        out: &mut Vec<Effect>,
    ) {
        let mut operation = Operation::new(Some(client), Reporting::Slots);
        let mut started = Vec::new();
        for (name, ids) in ticket.started {
            let ids: Vec<ProcId> = ids.into_iter().map(ProcId).collect();
            for id in ids.iter().copied() {
                let target =
                    if self.known.starts_by_itself(id) { Target::Up } else { Target::Down };
                let came_up = ticket.online.contains(&id.0);
                let pending = Pending { came_up, ..self.known.pending(id, target, true) };
                operation.active.insert(id, pending);
            }
            started.push((name, ids));
        }
        operation.reporting = Reporting::Started(started);
        operation.ticket = Some(ticket.name);
        operation.each = each;
        operation.doing = doing;
        self.known.tell_each(&operation, out);
        self.begin(operation, out);
    }

    /// Instances that were added or taken away are waited for.
    pub(super) fn scale_again(
        &mut self,
        client: ClientId,
        ticket: Ticket,
        doing: bool,
        out: &mut Vec<Effect>,
    ) {
        let mut operation = Operation::new(Some(client), Reporting::Slots);
        operation.doing = doing;
        for begun in ticket.begun {
            let pending = self.known.pending_again(&begun, begun.target == Target::Up);
            operation.active.insert(ProcId(begun.id), pending);
        }
        operation.ticket = Some(ticket.name);
        self.begin(operation, out);
    }

    /// Waits for a process with which something was begun under this ticket since the operation
    /// was: by another connection of the same client.
    pub(super) fn wait_again(&mut self, operation: &mut Operation, id: ProcId) -> bool {
        let ticket = operation.ticket.as_deref().and_then(|name| self.tickets.find(name));
        let Some(pending) = ticket.and_then(|ticket| self.known.waited_for(ticket, id)) else {
            return false;
        };
        operation.active.insert(id, pending);
        self.changed.insert(id);
        true
    }
}

impl Known {
    /// Lets an operation wait for those of the processes that were acted on already, and act on the
    /// others, which are returned.
    pub(super) fn act_on_rest(
        &self,
        action: Action,
        ids: &[ProcId],
        ticket: Option<&Ticket>,
        operation: &mut Operation,
    ) -> Vec<ProcId> {
        let mut rest = Vec::new();
        for id in ids.iter().copied() {
            match ticket.and_then(|ticket| self.waited_for(ticket, id)) {
                Some(pending) => _ = operation.active.insert(id, pending),
                None => rest.push(id),
            }
        }
        operation.todo = rest.iter().map(|id| (*id, action)).collect();
        rest
    }

    fn waited_for(&self, ticket: &Ticket, id: ProcId) -> Option<Pending> {
        if ticket.has_restarted(id) {
            return Some(self.pending(id, Target::Up, false));
        }
        ticket.begun(id).map(|begun| self.pending_again(begun, false))
    }

    fn pending_again(&self, begun: &Begun, added: bool) -> Pending {
        let pending = self.pending(ProcId(begun.id), begun.target, added);
        // What the daemon before counted is not known.
        let connections = Connections::Unknown;
        Pending { name: begun.name.clone(), connections, ..pending }
    }
}

impl Tickets {
    /// What was begun under a ticket, if that is known.
    pub(super) fn ticket(&self, name: Option<&str>) -> Option<Ticket> {
        name.and_then(|name| self.find(name)).cloned()
    }

    /// Notes what is begun with a process, for a client that may ask again.
    pub(super) fn note_begun(&mut self, ticket: Option<&str>, id: ProcId, pending: &Pending) {
        if let Some(ticket) = ticket {
            let (name, target) = (pending.name.clone(), pending.target);
            self.note(ticket, Begun { id: id.0, name, target });
        }
    }
}
