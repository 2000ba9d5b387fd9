//! What each request of a client does.

use std::collections::{BTreeMap, BTreeSet};

use ostler_core::{AppId, Phase, ProcId};
use ostler_wire::control::{Action, Change, Code, Failure, Reply, Request};

use super::Model;
use super::input::{ClientId, Effect};
use super::known::Known;
use super::listed::Listed;
use super::operations::{Operation, Pending, Reporting, Target};
use super::registry::{App, Ended, Registry};

impl Model {
    /// One request of a client.
    pub(super) fn on_request(&mut self, client: ClientId, request: Request, out: &mut Vec<Effect>) {
        if self.known.closing && !is_answered_to_the_end(&request) {
            return refuse(client, closing(), out);
        }
        match request {
            Request::List => self.on_list(client, Listed::default(), out),
            Request::Meant { word, script } => {
                self.on_list(client, Listed { word, script }, out);
            }
            Request::Find { word } => {
                let ids = self.known.registry.find(&word);
                out.push(Effect::Reply { client, reply: Reply::Found { ids } });
            }
            Request::Jlist => out.push(Effect::Raw { client, text: self.known.jlist() }),
            Request::Describe { id } => {
                let details = self.details(ProcId(id)).map(|of| Reply::Describe(Box::new(of)));
                answer(client, details.ok_or_else(|| unknown(ProcId(id))), out);
            }
            Request::Metrics => {
                let processes = self.known.metrics();
                out.push(Effect::Reply { client, reply: Reply::Metrics { processes } });
            }
            Request::Env { id } => {
                let vars = self.known.env_of(ProcId(id)).map(|vars| Reply::Env { vars });
                answer(client, vars.ok_or_else(|| unknown(ProcId(id))), out);
            }
            Request::Listens { id, within } => self.on_listens(client, ProcId(id), within, out),
            Request::Start { apps, only_new, each, doing, ticket } => {
                match self.tickets.ticket(ticket.as_deref()) {
                    Some(begun) => self.start_again(client, begun, (each, doing), out),
                    None => self.on_start(client, (&apps, only_new), (each, doing), ticket, out),
                }
            }
            Request::Act { action, ids, change, ticket } => {
                self.on_act(client, action, (&ids, &change), ticket, out);
            }
            Request::Scale { name, target, lowest_first, doing, ticket } => {
                match self.tickets.ticket(ticket.as_deref()) {
                    Some(begun) => self.scale_again(client, begun, doing, out),
                    None => {
                        self.on_scale(client, (&name, target, lowest_first), doing, ticket, out);
                    }
                }
            }
            Request::Reload { ids, change, options, ticket } => {
                self.on_reload(Some(client), &ids, &change, options, ticket, out);
            }
            Request::Promote { name, keep, ticket } => {
                self.on_promote(client, &name, keep, ticket.as_deref(), out);
            }
            Request::Save { force } => self.on_save(client, force, out),
            Request::Resurrect => out.push(Effect::ReadDump { client, told: false }),
            Request::ResurrectTold => out.push(Effect::ReadDump { client, told: true }),
            Request::Export => {
                let text = self.known.dump_text();
                let text = String::from_utf8_lossy(&text).into_owned();
                out.push(Effect::Raw { client, text });
            }
            Request::Import { elements, heir_of: _, told } => {
                self.on_import((client, told), &elements, out);
            }
            Request::Kill => self.on_kill(client, false, out),
            Request::KillTold => self.on_kill(client, true, out),
            // These need no decision: the parts around the model answer them.
            Request::Hello
            | Request::Logs { .. }
            | Request::LastLines { .. }
            | Request::Unwritten { .. }
            | Request::Talk { .. }
            | Request::Flush { .. }
            | Request::ReloadLogs
            | Request::Profile { .. }
            | Request::Update { .. } => {}
        }
    }

    fn on_act(
        &mut self,
        client: ClientId,
        action: Action,
        (ids, change): (&[u32], &Change),
        ticket: Option<String>,
        out: &mut Vec<Effect>,
    ) {
        let ids = distinct(ids);
        let mut operation = Operation::new(Some(client), Reporting::Slots);
        let begun = self.tickets.ticket(ticket.as_deref());
        operation.counts = change.connections;
        operation.doing = change.doing;
        operation.ticket = ticket;
        let mut rest = self.known.act_on_rest(action, &ids, begun.as_ref(), &mut operation);
        if begun.is_some() {
            // It was there when the client asked for the first time.
            rest.retain(|id| self.known.core.slot(*id).is_some());
        }
        let mut below = Vec::new();
        if action == Action::Restart {
            operation.parallel = self.known.restarts_at_a_time(&ids, change.parallel);
            below = self.known.down_below(&rest, &BTreeMap::new());
            let all: Vec<ProcId> = rest.iter().chain(&below).copied().collect();
            if let Err(failure) = self.known.check_room("restart", self.known.more_of_slots(&all)) {
                return refuse(client, failure, out);
            }
            match self.changed_specs(&rest, change, false) {
                Ok(changed) => {
                    self.known.registry.put_in_force(&changed);
                    if !changed.is_empty() {
                        below = self.known.down_below(&rest, &changed);
                    }
                    operation.changes = changed;
                }
                Err(failure) => return refuse(client, failure, out),
            }
        }
        if let (Action::Stop | Action::Delete, Some(count)) = (action, change.parallel) {
            operation.parallel = usize::try_from(count).unwrap_or(usize::MAX).max(1);
        }
        if action != Action::Reset {
            self.cut_reloads_short(word_of(action), &rest);
        }
        match action {
            Action::Stop => {
                self.supersede_restarts(&rest, out);
                self.known.registry.halt(&rest, true);
                self.known.end_by_user(&rest);
            }
            Action::Restart => self.known.registry.halt(&rest, false),
            Action::Delete | Action::Reset => {}
        }
        if let Some(how) = change.watch {
            rest.iter().for_each(|id| self.on_watch(*id, how));
        }
        self.start_dependencies(&below, &mut operation);
        self.begin(operation, out);
    }

    fn on_listens(&mut self, client: ClientId, id: ProcId, within: u32, out: &mut Vec<Effect>) {
        let mut operation = Operation::new(Some(client), Reporting::Listens(id));
        let until = self.known.at.now + u64::from(within);
        let pending = Pending { until, ..self.known.pending(id, Target::Listening, false) };
        operation.active.insert(id, pending);
        self.begin(operation, out);
    }

    fn on_kill(&mut self, client: ClientId, doing: bool, out: &mut Vec<Effect>) {
        let mut operation = Operation::new(Some(client), Reporting::Kill);
        operation.counts = true;
        operation.doing = doing;
        let ids: Vec<ProcId> = self.known.registry.procs().map(|(id, _)| id).collect();
        for id in ids {
            operation.active.insert(id, self.known.pending(id, Target::Gone, false));
        }
        self.begin(operation, out);
        self.close();
    }
}

impl Known {
    /// The user stopped these processes: that is why those do not run which were to be started
    /// again, or had been given up.
    fn end_by_user(&mut self, ids: &[ProcId]) {
        let at = self.at.wall;
        for id in ids {
            let phase = self.core.slot(*id).map(|slot| slot.process().phase());
            let waits_or_failed =
                matches!(phase, Some(Phase::Backoff { .. } | Phase::Held | Phase::Errored));
            let proc = self.registry.proc_mut(*id).filter(|_| waits_or_failed);
            if let Some(ended) = proc.and_then(|proc| proc.ended.as_mut()) {
                let own_at = if ended.asked { ended.own_at } else { Some(ended.at) };
                // How that end was stays true.
                let oom = ended.oom && own_at.is_some();
                *ended = Ended { at, asked: true, oom, own_at };
            }
        }
    }

    /// As PM2: one of two instances stays up, two at a time of more (command line §1.1).
    fn restarts_at_a_time(&self, ids: &[ProcId], asked: Option<u32>) -> usize {
        let default = if ids.len() <= 2 { 1 } else { 2 };
        let apps: BTreeSet<AppId> = ids.iter().filter_map(|id| self.registry.app_of(*id)).collect();
        let asked = asked.and_then(|count| usize::try_from(count).ok());
        asked.unwrap_or(default * apps.len().max(1)).max(1)
    }
}

impl Registry {
    /// One of a process's restarts was asked for, or is a try to begin what never ran.
    pub(super) fn count_asked_restart(&mut self, id: ProcId) {
        if let Some(proc) = self.proc_mut(id) {
            proc.asked_restarts = proc.asked_restarts.saturating_add(1);
        }
    }

    /// The user stopped these processes, or wants them up again.
    pub(super) fn halt(&mut self, ids: &[ProcId], halted: bool) {
        for id in ids {
            if let Some(proc) = self.proc_mut(*id) {
                proc.halted = halted;
            }
        }
    }

    /// The app that a user means, of those that may be meant: by its name, or by `NAMESPACE/NAME`
    /// where several have the name.
    pub(super) fn named_app(
        &self,
        word: &str,
        may_be_meant: impl Fn(AppId) -> bool,
    ) -> Result<Option<AppId>, Failure> {
        let named = |is_named: &dyn Fn(&App) -> bool| -> Vec<(AppId, String)> {
            let fits = |(id, app): &(AppId, &App)| is_named(app) && may_be_meant(*id);
            let apps = self.apps().filter(fits);
            apps.map(|(id, app)| (id, app.namespace.clone())).collect()
        };
        let mut found = named(&|app| app.name == word);
        if found.is_empty() {
            // Both may have a `/`.
            let name = |app: &App| word.strip_prefix(&app.namespace)?.strip_prefix('/');
            found = named(&|app| name(app) == Some(&app.name));
        }
        match found.as_slice() {
            [] => Ok(None),
            [(app, _)] => Ok(Some(*app)),
            [(_, first), ..] => {
                let namespaces: Vec<String> =
                    found.iter().map(|(_, namespace)| format!("`{namespace}`")).collect();
                Err(Failure {
                    code: Code::Ambiguous,
                    message: format!(
                        "several apps are named `{word}`, in the namespaces {}",
                        namespaces.join(", ")
                    ),
                    hint: Some(format!(
                        "name one of them, such as `{}`",
                        ostler_shell::word(&format!("{first}/{word}"))
                    )),
                })
            }
        }
    }
}

/// Answers a request with what it asked for, or says why not.
fn answer(client: ClientId, result: Result<Reply, Failure>, out: &mut Vec<Effect>) {
    let reply = result.unwrap_or_else(Reply::Error);
    out.push(Effect::Reply { client, reply });
}

/// Ends a request that cannot be done.
pub(super) fn refuse(client: ClientId, failure: Failure, out: &mut Vec<Effect>) {
    out.push(Effect::Reply { client, reply: Reply::Error(failure) });
}

/// Why nothing is begun any more.
pub fn closing() -> Failure {
    Failure {
        code: Code::Closing,
        message: "the daemon is about to end".to_owned(),
        hint: Some("try again".to_owned()),
    }
}

/// Whether a request is answered while everything is being ended: whoever looks need not try again.
pub fn is_answered_to_the_end(request: &Request) -> bool {
    matches!(
        request,
        Request::Hello
            | Request::List
            | Request::Meant { .. }
            | Request::Find { .. }
            | Request::Jlist
            | Request::Describe { .. }
            | Request::Metrics
            | Request::Env { .. }
            | Request::LastLines { .. }
            | Request::Kill
            | Request::KillTold
    )
}

/// The command that asks for it.
fn word_of(action: Action) -> &'static str {
    match action {
        Action::Stop => "stop",
        Action::Restart => "restart",
        Action::Delete => "delete",
        Action::Reset => "reset",
    }
}

/// The processes that a request names, each once, in their order.
pub(super) fn distinct(ids: &[u32]) -> Vec<ProcId> {
    let mut seen = BTreeSet::new();
    ids.iter().filter(|id| seen.insert(**id)).copied().map(ProcId).collect()
}

/// A process that is not in the list.
pub(super) fn unknown(id: ProcId) -> Failure {
    Failure {
        code: Code::NotFound,
        message: format!("process {} not found", id.0),
        hint: Some("see `ostler list` for the ids".to_owned()),
    }
}
