//! Requests that take time. Each is an operation, looked at again whenever a slot it
//! names has changed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ostler_core::{AppId, Millis, ProcId, ReloadOptions, SpecId};
use ostler_wire::control::{Action, Change, Connections, Doing, Failure, Lifecycle};
use serde::{Deserialize, Serialize};

use super::input::ClientId;
use super::known::Known;

/// What a slot must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Up, or at rest after a failure.
    Up,
    /// No run, none due.
    Down,
    /// Out of the list.
    Gone,
    /// Listening on something, or not running.
    Listening,
}

/// A slot that is waited for.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Name of the process, for the answer.
    pub name: String,
    /// What it must come to.
    pub target: Target,
    /// A start or a scale added it.
    pub added: bool,
    /// Since when it is waited for, ms since 1970.
    pub since: u64,
    /// When it is no longer waited for.
    pub until: Millis,
    /// It is up because the time for readiness ran out.
    pub late: bool,
    /// It was up before the request was asked again.
    pub came_up: bool,
    /// What became of the connections of the runs that were ended for it.
    pub connections: Connections,
    /// What it was told to be doing last.
    pub told: Option<Doing>,
}

/// How the end of each slot is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reporting {
    /// One `Acted` per slot.
    Slots,
    /// One `Started` or `Failed` per app: names with their slots.
    Started(Vec<(String, Vec<ProcId>)>),
    /// One `Restored` per app: name, script, slots.
    Restored(Vec<(String, String, Vec<ProcId>)>),
    /// As `Slots`, then the daemon ends.
    Kill,
    /// What this slot listens on, at the end.
    Listens(ProcId),
}

/// A reload that waits for another one of the same app.
#[derive(Clone, Debug)]
pub struct QueuedReload {
    /// Which app is reloaded.
    pub app: AppId,
    /// The slots of the app that are replaced, in order.
    pub procs: Vec<ProcId>,
    /// The new version, as it was planned.
    pub spec: SpecId,
    /// The version that was to be changed; another one since means to plan again.
    pub from: Option<SpecId>,
    /// What is to be changed.
    pub change: Change,
    /// Parallelism, surge, canary and rollback.
    pub options: ReloadOptions,
}

/// One request that takes time.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Who waits; nobody when the daemon itself began it or the client has left.
    pub client: Option<ClientId>,
    /// How the end of each slot is told.
    pub reporting: Reporting,
    /// What is still to be begun.
    pub todo: VecDeque<(ProcId, Action)>,
    /// Slots under way at a time.
    pub parallel: usize,
    /// What is waited for.
    pub active: BTreeMap<ProcId, Pending>,
    /// Slots that have ended, with what went wrong.
    pub ended: BTreeMap<ProcId, Option<Failure>>,
    /// Those of them that are up because the time for readiness ran out.
    pub late: BTreeSet<ProcId>,
    /// Apps whose reload is waited for.
    pub reloads: BTreeSet<AppId>,
    /// Apps whose reload is over and whose old workers may still leave, and until when they
    /// are waited for.
    pub leaving: BTreeMap<AppId, Millis>,
    /// Whether the client wants to know how many connections are dropped.
    pub counts: bool,
    /// Whether the client is told of each process that it starts.
    pub each: bool,
    /// Whether the client is told what is under way with each process.
    pub doing: bool,
    /// Reloads that wait for another one to end.
    pub queued: Vec<QueuedReload>,
    /// The first failure.
    pub failure: Option<Failure>,
    /// Under what its reloads and restarts are remembered.
    pub ticket: Option<String>,
    /// Changed specifications by slot, for what is still to be begun.
    pub changes: BTreeMap<ProcId, SpecId>,
    /// What is told of a process that it has brought up again.
    pub again: Lifecycle,
}

impl Operation {
    /// An operation with nothing to do yet.
    pub fn new(client: Option<ClientId>, reporting: Reporting) -> Self {
        Self {
            client,
            reporting,
            todo: VecDeque::new(),
            parallel: usize::MAX,
            active: BTreeMap::new(),
            ended: BTreeMap::new(),
            late: BTreeSet::new(),
            reloads: BTreeSet::new(),
            leaving: BTreeMap::new(),
            counts: false,
            each: false,
            doing: false,
            queued: Vec::new(),
            failure: None,
            ticket: None,
            changes: BTreeMap::new(),
            again: Lifecycle::Restart,
        }
    }

    /// Takes out what is begun next, of what may be begun. What is in a cycle is not left for ever.
    pub fn take_next(&mut self, free: Option<&BTreeSet<ProcId>>) -> Option<(ProcId, Action)> {
        let at = match free {
            None => Some(0),
            Some(free) => self.todo.iter().position(|(id, _)| free.contains(id)),
        };
        self.todo.remove(at.or_else(|| self.active.is_empty().then_some(0))?)
    }

    /// Whether the daemon is to end with it.
    pub fn is_kill(&self) -> bool {
        self.reporting == Reporting::Kill
    }

    /// Whether it adds the processes that it starts.
    pub fn starts(&self) -> bool {
        matches!(self.reporting, Reporting::Started(_) | Reporting::Restored(_))
    }

    /// Whether a slot that was waited for is up then: what was saved stopped is not.
    pub fn brings_up(&self, pending: &Pending) -> bool {
        !matches!(self.reporting, Reporting::Restored(_)) || pending.target != Target::Down
    }

    /// Whether nothing is left to do and nothing is waited for.
    pub fn is_done(&self) -> bool {
        let begun = self.todo.is_empty() && self.queued.is_empty();
        begun && self.active.is_empty() && self.reloads.is_empty() && self.leaving.is_empty()
    }

    /// When a slot is no longer waited for.
    pub fn deadline(&self) -> Option<Millis> {
        let slots = self.active.values().map(|pending| pending.until);
        slots.chain(self.leaving.values().copied()).min()
    }

    /// The specifications that it will still need.
    pub fn specs(&self) -> impl Iterator<Item = SpecId> {
        self.changes.values().copied().chain(self.queued.iter().map(|queued| queued.spec))
    }

    /// Which of these slots it waits for.
    pub fn waits_for(&self, changed: &BTreeSet<ProcId>) -> Vec<ProcId> {
        if self.active.len() < changed.len() {
            self.active.keys().copied().filter(|id| changed.contains(id)).collect()
        } else {
            changed.iter().copied().filter(|id| self.active.contains_key(id)).collect()
        }
    }

    /// Takes out the apps all of whose slots have ended: name, slots and the first failure.
    pub fn take_finished_apps(&mut self) -> Vec<FinishedApp> {
        let (ended, late) = (&self.ended, &self.late);
        let late = |ids: &[ProcId]| ids.iter().any(|id| late.contains(id));
        let over = |ids: &[ProcId]| ids.iter().all(|id| ended.contains_key(id));
        let failure = |ids: &[ProcId]| ids.iter().find_map(|id| ended.get(id).cloned().flatten());
        let mut finished = Vec::new();
        match &mut self.reporting {
            Reporting::Started(apps) => {
                for (name, ids) in apps.extract_if(.., |(_, ids)| over(ids)) {
                    let (failure, late) = (failure(&ids), late(&ids));
                    finished.push(FinishedApp { name, script: None, ids, failure, late });
                }
            }
            Reporting::Restored(apps) => {
                for (name, script, ids) in apps.extract_if(.., |(_, _, ids)| over(ids)) {
                    let (failure, late) = (failure(&ids), late(&ids));
                    finished.push(FinishedApp { name, script: Some(script), ids, failure, late });
                }
            }
            Reporting::Slots | Reporting::Kill | Reporting::Listens(_) => {}
        }
        finished
    }
}

/// An app all of whose processes have ended their start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedApp {
    /// Name of the app.
    pub name: String,
    /// Script of the app, where it was restored from the saved list.
    pub script: Option<String>,
    /// Processes of the app.
    pub ids: Vec<ProcId>,
    /// The first failure.
    pub failure: Option<Failure>,
    /// One of them is up because the time for readiness ran out.
    pub late: bool,
}

/// All operations under way, oldest first.
#[derive(Debug, Default)]
pub struct Operations(Vec<Operation>);

impl Operations {
    /// When a slot is no longer waited for.
    pub fn deadline(&self) -> Option<Millis> {
        self.0.iter().filter_map(Operation::deadline).min()
    }

    /// A slot is not waited for any longer.
    pub fn stop_waiting_for(&mut self, id: ProcId, now: Millis) {
        let waiting = self.0.iter_mut().filter_map(|operation| operation.active.get_mut(&id));
        for pending in waiting.filter(|pending| pending.target != Target::Listening) {
            pending.until = pending.until.min(now);
        }
    }

    /// Whether one of them is about to do something with a slot.
    pub fn will_act_on(&self, id: ProcId) -> bool {
        self.0.iter().any(|operation| operation.todo.iter().any(|(of, _)| *of == id))
    }

    /// Whether one of them is about something that is under way, or to come, with a slot.
    pub fn touch(&self, id: ProcId) -> bool {
        let queued = |operation: &Operation| {
            operation.queued.iter().any(|queued| queued.procs.contains(&id))
        };
        let mut all = self.0.iter();
        self.will_act_on(id) || all.any(|one| one.active.contains_key(&id) || queued(one))
    }

    /// A slot that had to wait for others is waited for from now on.
    pub fn wait_anew(&mut self, known: &Known, id: ProcId) {
        for pending in self.0.iter_mut().filter_map(|operation| operation.active.get_mut(&id)) {
            if pending.target != Target::Listening {
                pending.until = known.pending(id, pending.target, pending.added).until;
            }
        }
    }

    /// Whether nothing is under way.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a client waits for the end of everything.
    pub fn has_kill(&self) -> bool {
        self.0.iter().any(Operation::is_kill)
    }

    /// Whether a reload waits.
    pub fn has_queued(&self) -> bool {
        self.0.iter().any(|operation| !operation.queued.is_empty())
    }

    /// All of them, to be looked at.
    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = &Operation> {
        self.0.iter()
    }

    /// Begins another operation.
    pub fn push(&mut self, operation: Operation) {
        self.0.push(operation);
    }

    /// Takes all out, to be looked at one after the other; [`put_back`](Self::put_back) follows.
    pub fn take(&mut self) -> Vec<Operation> {
        std::mem::take(&mut self.0)
    }

    /// Puts back what was taken out, before what was begun since.
    pub fn put_back(&mut self, mut taken: Vec<Operation>) {
        taken.append(&mut self.0);
        self.0 = taken;
    }

    /// Those that wait for the reload of an app.
    pub fn waiting_for_reload(&mut self, app: AppId) -> impl Iterator<Item = &mut Operation> {
        self.0.iter_mut().filter(move |operation| operation.reloads.contains(&app))
    }

    /// Reloads that wait replace this process too, as they replace others of its version.
    pub fn queue_too(&mut self, id: ProcId, spec: SpecId) {
        let queued = self.0.iter_mut().flat_map(|operation| &mut operation.queued);
        for queued in queued.filter(|queued| queued.from == Some(spec)) {
            queued.procs.push(id);
        }
    }

    /// Whether somebody wants to know how many connections end with a run of this slot.
    pub fn counts(&self, id: ProcId, app: Option<AppId>) -> bool {
        let of_app = |operation: &Operation, app| {
            operation.reloads.contains(&app) || operation.leaving.contains_key(&app)
        };
        self.0.iter().any(|operation| {
            let waits = operation.active.contains_key(&id);
            let client = operation.counts && operation.client.is_some();
            client && (waits || app.is_some_and(|app| of_app(operation, app)))
        })
    }

    /// A run of this slot has ended.
    pub fn add_connections(&mut self, id: ProcId, connections: Connections) {
        for pending in self.0.iter_mut().filter_map(|operation| operation.active.get_mut(&id)) {
            pending.connections = pending.connections.and(connections);
        }
    }

    /// Who waits for the reload of an app, or for the workers that it replaced.
    pub fn clients_of_reload(&self, app: AppId) -> Vec<ClientId> {
        let waiting = self.0.iter().filter(|operation| {
            operation.reloads.contains(&app) || operation.leaving.contains_key(&app)
        });
        waiting.filter_map(|operation| operation.client).collect()
    }

    /// The client has left: nobody waits for what it began.
    pub fn forget_client(&mut self, client: ClientId) {
        for operation in self.0.iter_mut().filter(|one| one.client == Some(client)) {
            operation.client = None;
        }
    }

    /// The specifications that operations will still need.
    pub fn specs(&self) -> impl Iterator<Item = SpecId> {
        self.0.iter().flat_map(Operation::specs)
    }
}
