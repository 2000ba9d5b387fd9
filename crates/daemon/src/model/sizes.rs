//! How many processes an app is to have.

use ostler_config::port_range;
use ostler_core::spec::MOST_INSTANCES;
use ostler_core::{AppId, Event, ProcId};
use ostler_wire::control::{Code, Failure, ScaleTo};

use super::Model;
use super::free_ports::one_port;
use super::input::{ClientId, Effect};
use super::known::Known;
use super::operations::{Operation, Reporting, Target};
use super::requests::refuse;

impl Model {
    pub(super) fn on_scale(
        &mut self,
        client: ClientId,
        (name, target, lowest_first): (&str, ScaleTo, bool),
        doing: bool,
        ticket: Option<String>,
        out: &mut Vec<Effect>,
    ) {
        let not_found = || Failure {
            code: Code::NotFound,
            message: format!("no app has the name `{name}`"),
            hint: Some("see `ostler list` for the names".to_owned()),
        };
        let named = self.known.registry.named_app(name, |_| true);
        let app = match named.and_then(|app| app.ok_or_else(not_found)) {
            Ok(app) => app,
            Err(failure) => return refuse(client, failure, out),
        };
        // Those on their way out are as good as gone.
        let stays = |id: &ProcId| self.known.core.slot(*id).is_some_and(|slot| !slot.removing());
        let ids: Vec<ProcId> =
            self.known.registry.procs_of(app).map(|(id, _)| id).filter(stays).collect();
        let now = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        if let Some(failure) = refused_size(name, now, target, lowest_first) {
            return refuse(client, failure, out);
        }
        let wanted = match self.known.size_to_be(name, app, now, target) {
            Ok(wanted) => wanted,
            Err(failure) => return refuse(client, failure, out),
        };
        let mut operation = Operation::new(Some(client), Reporting::Slots);
        operation.ticket = ticket;
        operation.doing = doing;
        // PM2, whose way that is, has no words for it.
        operation.counts = !lowest_first;
        let surplus = usize::try_from(now.saturating_sub(wanted)).unwrap_or(0);
        // Newest first: the numbers that remain have no gap.
        let go: Vec<ProcId> = match lowest_first {
            true => ids.iter().take(surplus).copied().collect(),
            false => ids.iter().rev().take(surplus).copied().collect(),
        };
        self.cut_reloads_short("scale", &go);
        for id in &go {
            operation.active.insert(*id, self.known.pending(*id, Target::Gone, false));
            self.ask(Event::Retire(*id));
        }
        for _ in now..wanted {
            if let Some(id) = self.add_instance(app) {
                operation.active.insert(id, self.known.pending(id, Target::Up, true));
            }
        }
        for (id, pending) in &operation.active {
            self.tickets.note_begun(operation.ticket.as_deref(), *id, pending);
        }
        self.begin(operation, out);
    }
}

impl Known {
    /// How many instances an app that has `now` is to have, where that is another number and there
    /// is room for it.
    fn size_to_be(
        &self,
        name: &str,
        app: AppId,
        now: u32,
        target: ScaleTo,
    ) -> Result<u32, Failure> {
        let wanted = size_after(now, target);
        if wanted == now {
            return Err(Failure {
                code: Code::NothingToDo,
                message: format!("`{name}` has {} already", processes(now)),
                hint: None,
            });
        }
        if wanted > now.max(MOST_INSTANCES) {
            return Err(too_many(name, wanted));
        }
        let version = self.registry.app(app).and_then(|of| self.registry.version(of.spec));
        let has_one_port =
            version.is_some_and(|of| !of.is_cluster() && port_range(&of.spec).is_some());
        if now < wanted && has_one_port {
            return Err(one_port(name));
        }
        let more = usize::try_from(wanted.saturating_sub(now)).unwrap_or(usize::MAX);
        self.check_room("scale", self.more_instances(app, more))?;
        Ok(wanted)
    }
}

fn size_after(now: u32, target: ScaleTo) -> u32 {
    match target {
        ScaleTo::Exactly(count) => count,
        ScaleTo::Add(more) => now.saturating_add(more),
        ScaleTo::Remove(fewer) => now.saturating_sub(fewer),
    }
}

/// Why an app is not scaled to nothing, by which it would be forgotten; `pm2s_way`: PM2 does so
/// for the number 0.
fn refused_size(name: &str, now: u32, target: ScaleTo, pm2s_way: bool) -> Option<Failure> {
    let zero = 0 < now && size_after(now, target) == 0;
    (zero && !(pm2s_way && target == ScaleTo::Exactly(0))).then(|| Failure {
        code: Code::Invalid,
        message: format!("`{name}` has {}, and `scale` leaves at least one", processes(now)),
        hint: Some(format!(
            "`ostler stop {pasted}` stops all of them, `ostler delete {pasted}` forgets the app",
            pasted = ostler_shell::operand(name)
        )),
    })
}

/// A number of processes, in words.
fn processes(count: u32) -> String {
    if count == 1 { "1 process".to_owned() } else { format!("{count} processes") }
}

/// An app would have more processes than one may have.
fn too_many(name: &str, wanted: u32) -> Failure {
    Failure {
        code: Code::Invalid,
        message: format!(
            "`{name}` would have {wanted} processes, and an app may have {MOST_INSTANCES}"
        ),
        hint: Some(format!(
            "write how many there are to be, as in `ostler scale {pasted} 4`",
            pasted = ostler_shell::operand(name)
        )),
    }
}
