//! What clients wait for: each request that takes time is a job, looked at again whenever a slot it
//! names has changed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ostler_core::{AppId, Event, Phase, ProcId};
use ostler_wire::control::{self, Failure, Lifecycle, Reply};

use crate::clock;
use crate::daemon::Daemon;
use crate::deciding::Ending;

/// Time beyond all of a process's own limits after which a job no longer waits for it, ms: it
/// cannot be killed.
const PATIENCE: u64 = 10_000;

/// What a slot must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Up, or at rest after a failure.
    Up,
    /// Not running.
    Down,
    /// Forgotten.
    Gone,
    /// Listening on something, or not running.
    Listening,
}

/// A slot that is waited for.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its name, for the answer.
    pub name: String,
    /// What it must come to.
    pub wanted: Wanted,
    /// A scale added it.
    pub added: bool,
    /// When it is no longer waited for.
    pub until: u64,
    /// It is up because the time for readiness ran out.
    pub late: bool,
}

/// How the end of each slot is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Style {
    /// One `Acted` per slot.
    Act,
    /// One `Started` or `Failed` per app: names with their slots.
    Start(Vec<(String, Vec<ProcId>)>),
    /// One `Restored` per app: name, script, slots.
    Restore(Vec<(String, String, Vec<ProcId>)>),
    /// As `Act`, then the daemon ends.
    Kill,
    /// What this slot listens on, at the end.
    Listens(ProcId),
}

/// One request that takes time.
#[derive(Clone, Debug)]
pub struct Job {
    /// Who waits.
    pub conn: usize,
    /// How it is told.
    pub style: Style,
    /// What is still to be begun.
    pub todo: VecDeque<(ProcId, control::Action)>,
    /// How many at a time.
    pub parallel: usize,
    /// What is waited for.
    pub active: BTreeMap<ProcId, Waiting>,
    /// Slots that have ended, with what went wrong.
    pub ended: BTreeMap<ProcId, Option<Failure>>,
    /// Apps whose reload is waited for.
    pub reloads: BTreeSet<AppId>,
    /// Reloads that wait for another one to end.
    pub queued: Vec<crate::reloads::Queued>,
    /// The first failure.
    pub failure: Option<Failure>,
    /// Under what its reloads and their restarts are remembered.
    pub ticket: Option<String>,
    /// Changed specifications by app, for what is still to be begun.
    pub changes: BTreeMap<ProcId, ostler_core::SpecId>,
}

impl Job {
    /// Nothing to do yet.
    pub fn new(conn: usize, style: Style) -> Self {
        Self {
            conn,
            style,
            todo: VecDeque::new(),
            parallel: usize::MAX,
            active: BTreeMap::new(),
            ended: BTreeMap::new(),
            reloads: BTreeSet::new(),
            queued: Vec::new(),
            failure: None,
            ticket: None,
            changes: BTreeMap::new(),
        }
    }

    /// Whether the daemon is to end with it.
    pub fn is_kill(&self) -> bool {
        self.style == Style::Kill
    }

    /// When a slot is no longer waited for.
    pub fn deadline(&self) -> Option<u64> {
        self.active.values().map(|waiting| waiting.until).min()
    }

    fn is_done(&self) -> bool {
        self.todo.is_empty()
            && self.active.is_empty()
            && self.reloads.is_empty()
            && self.queued.is_empty()
    }
}

impl Daemon {
    /// What a slot is waited for, from now on.
    pub fn waiting_for(&self, id: ProcId, wanted: Wanted, added: bool) -> Waiting {
        let limit = self
            .model
            .core
            .slot(id)
            .and_then(|slot| self.model.book.versions.get(&slot.process().next_spec()));
        let limit = limit.map_or(0, |version| {
            let policy = &version.policy;
            policy.ready_timeout + policy.drain_timeout + 3 * policy.stop_grace
        });
        Waiting {
            name: self.model.book.procs.get(&id).map_or_else(String::new, |proc| proc.name.clone()),
            wanted,
            added,
            until: clock::monotonic() + limit + PATIENCE,
            late: false,
        }
    }

    /// Begins a job, and ends it at once if there is nothing to do.
    pub fn begin_job(&mut self, mut job: Job) {
        self.fill_job(&mut job);
        self.model.jobs.push(job);
        // Slots that are where they should be already are told now.
        let settled: Vec<ProcId> = self
            .model
            .jobs
            .last()
            .map_or_else(Vec::new, |job| job.active.keys().copied().collect());
        self.model.touched.extend(settled);
        self.model.dirty = true;
    }

    /// Looks again at every job that waits for a slot that has changed.
    pub fn advance_jobs(&mut self) {
        let touched = std::mem::take(&mut self.model.touched);
        if self.model.jobs.is_empty() {
            return;
        }
        let mut jobs = std::mem::take(&mut self.model.jobs);
        for job in &mut jobs {
            let changed: Vec<ProcId> = if job.active.len() < touched.len() {
                job.active.keys().copied().filter(|id| touched.contains(id)).collect()
            } else {
                touched.iter().copied().filter(|id| job.active.contains_key(id)).collect()
            };
            for id in changed {
                if let Some(end) = self.settled(id, job) {
                    self.end_slot(job, id, end);
                }
            }
            self.fill_job(job);
        }
        let (done, mut open): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(Job::is_done);
        // Work done here may have begun further jobs; keep them.
        open.append(&mut self.model.jobs);
        self.model.jobs = open;
        for job in done {
            self.end_job(job);
        }
    }

    /// Stops waiting for what cannot be killed.
    pub fn expire_jobs(&mut self, now: u64) {
        let mut jobs = std::mem::take(&mut self.model.jobs);
        for job in &mut jobs {
            let late: Vec<ProcId> = job
                .active
                .iter()
                .filter(|(_, waiting)| waiting.until <= now)
                .map(|(id, _)| *id)
                .collect();
            for id in late {
                self.model.touched.insert(id);
                if job.active.get(&id).is_some_and(|waiting| waiting.wanted == Wanted::Listening) {
                    self.end_slot(job, id, None);
                    continue;
                }
                let failure = Failure {
                    message: format!("process {} is still there after SIGKILL", id.0),
                    hint: Some(
                        "it hangs in the kernel (see `ps -o stat,wchan`); ostler goes on trying"
                            .to_owned(),
                    ),
                };
                self.end_slot(job, id, Some(failure));
            }
        }
        jobs.append(&mut self.model.jobs);
        self.model.jobs = jobs;
    }

    /// Forgets the jobs of a client that left; what was begun is finished.
    pub fn drop_jobs(&mut self, conn: usize) {
        for job in &mut self.model.jobs {
            if job.conn == conn {
                job.conn = usize::MAX;
            }
        }
    }

    /// `Some` when the slot has come to what is waited for, with what went wrong.
    fn settled(&self, id: ProcId, job: &mut Job) -> Option<Option<Failure>> {
        let waiting = job.active.get_mut(&id)?;
        let Some(slot) = self.model.core.slot(id) else { return Some(None) };
        let phase = slot.process().phase();
        match (waiting.wanted, phase) {
            (Wanted::Gone, _) => None,
            (Wanted::Listening, Phase::Starting { run, .. } | Phase::Online { run, .. }) => {
                (!self.node.listeners_of(run).is_empty()).then_some(None)
            }
            (
                Wanted::Listening,
                Phase::Stopped | Phase::Errored | Phase::Backoff { .. } | Phase::Stopping(_),
            ) => Some(None),
            // Also the runs that a reload replaced and that had not left yet.
            (Wanted::Down, Phase::Stopped | Phase::Errored) => {
                slot.leaving().next().is_none().then_some(None)
            }
            (Wanted::Up, Phase::Online { run, .. }) => {
                waiting.late = self.runs.get(run).is_some_and(|held| !held.ready);
                Some(None)
            }
            (Wanted::Up, Phase::Stopped) => {
                // It ran and ended well, as one that is not to be restarted does, or was stopped by
                // somebody else.
                let reason = self
                    .model
                    .book
                    .procs
                    .get(&id)
                    .and_then(|proc| proc.last_exit.as_ref()?.reason.clone());
                Some(reason.map(|message| Failure { message, hint: None }))
            }
            (Wanted::Up, Phase::Errored) => {
                let proc = self.model.book.procs.get(&id);
                let last =
                    proc.and_then(|proc| proc.last_exit.as_ref()).map(crate::book::LastExit::text);
                let name = proc.map_or("", |proc| proc.name.as_str());
                let message = format!(
                    "app `{name}` did not start: {}",
                    last.unwrap_or_else(|| "unknown".to_owned())
                );
                Some(Some(Failure {
                    message,
                    hint: Some(format!("see `ostler logs {name} --err`")),
                }))
            }
            (Wanted::Up, Phase::Backoff { .. }) => Some(None),
            (
                Wanted::Down,
                Phase::Starting { .. }
                | Phase::Online { .. }
                | Phase::Stopping(_)
                | Phase::Backoff { .. },
            )
            | (Wanted::Up, Phase::Starting { .. } | Phase::Stopping(_)) => None,
        }
    }

    /// Begins as much of a job as may be under way at once.
    fn fill_job(&mut self, job: &mut Job) {
        while job.active.len() < job.parallel {
            let Some((id, action)) = job.todo.pop_front() else { return };
            if self.model.core.slot(id).is_none() {
                let failure = Failure { message: format!("process {} is gone", id.0), hint: None };
                self.end_slot(job, id, Some(failure));
                continue;
            }
            let (event, wanted) = match action {
                control::Action::Stop => (Event::Stop(id), Wanted::Down),
                control::Action::Delete => (Event::Delete(id), Wanted::Gone),
                control::Action::Restart => {
                    if let Some(ticket) = &job.ticket {
                        self.model.book.tickets.restart(ticket, id);
                    }
                    let change = job.changes.get(&id).and_then(|spec| {
                        Some((*spec, self.model.book.versions.get(spec)?.policy.clone()))
                    });
                    (Event::Restart { proc: id, change }, Wanted::Up)
                }
                control::Action::Reset => {
                    self.reset(id);
                    self.end_slot(job, id, None);
                    continue;
                }
            };
            job.active.insert(id, self.waiting_for(id, wanted, false));
            self.model.dirty = true;
            self.model.touched.insert(id);
            self.handle_now(event);
        }
    }

    /// Lets the machine take one event before anything else, so that the phase is true when it is
    /// looked at.
    pub fn handle_now(&mut self, event: Event) {
        let mut out = Vec::new();
        self.model.core.handle(clock::monotonic(), event, &mut out);
        self.model.actions.extend(out);
    }

    fn end_slot(&mut self, job: &mut Job, id: ProcId, failure: Option<Failure>) {
        let waiting = job.active.remove(&id);
        if let (None, Some(waiting)) = (&failure, &waiting) {
            let starts = waiting.added || matches!(job.style, Style::Start(_) | Style::Restore(_));
            match waiting.wanted {
                Wanted::Up if starts => self.lifecycle(id, Lifecycle::Start),
                Wanted::Up => self.lifecycle(id, Lifecycle::Restart),
                Wanted::Down => self.lifecycle(id, Lifecycle::Stop),
                Wanted::Gone | Wanted::Listening => {} // Told when it went; not done to it.
            }
        }
        if job.failure.is_none() {
            job.failure.clone_from(&failure);
        }
        let late = waiting.as_ref().is_some_and(|waiting| waiting.late);
        match &job.style {
            Style::Act | Style::Kill => {
                let name =
                    waiting.as_ref().map_or_else(String::new, |waiting| waiting.name.clone());
                let added = waiting.is_some_and(|waiting| waiting.added);
                self.event(
                    job.conn,
                    &control::Event::Acted { id: id.0, name, error: failure.clone(), added },
                );
                job.ended.insert(id, failure);
                if late {
                    self.warn_late(job.conn, id);
                }
            }
            Style::Listens(_) => {}
            Style::Start(_) | Style::Restore(_) => {
                job.ended.insert(id, failure);
                self.end_apps(job, late);
                if late {
                    self.warn_late(job.conn, id);
                }
            }
        }
    }

    fn warn_late(&mut self, conn: usize, id: ProcId) {
        let name =
            self.model.book.procs.get(&id).map_or_else(String::new, |proc| proc.name.clone());
        let text = format!(
            "[{name}]({}) did not say `ready` within its listen_timeout; it is taken as online all the same",
            id.0
        );
        self.event(conn, &control::Event::Warning { text });
    }

    /// Tells of apps all of whose processes have ended their start.
    fn end_apps(&mut self, job: &mut Job, late: bool) {
        let ended = &job.ended;
        let over = |ids: &[ProcId]| ids.iter().all(|id| ended.contains_key(id));
        let first_failure =
            |ids: &[ProcId]| ids.iter().find_map(|id| ended.get(id).cloned().flatten());
        let mut told = Vec::new();
        match &mut job.style {
            Style::Start(apps) => apps.retain(|(name, ids)| {
                if over(ids) {
                    told.push(match first_failure(ids) {
                        None => {
                            let ids = ids.iter().map(|id| id.0).collect();
                            control::Event::Started { name: name.clone(), ids, late }
                        }
                        Some(error) => control::Event::Failed { name: name.clone(), error },
                    });
                }
                !over(ids)
            }),
            Style::Restore(apps) => apps.retain(|(name, script, ids)| {
                if over(ids) {
                    let (name, script) = (name.clone(), script.clone());
                    told.push(control::Event::Restored { name, script, error: first_failure(ids) });
                }
                !over(ids)
            }),
            Style::Act | Style::Kill | Style::Listens(_) => {}
        }
        for event in told {
            self.event(job.conn, &event);
        }
    }

    fn end_job(&mut self, job: Job) {
        if job.is_kill() {
            self.reply(job.conn, &Reply::Done);
            self.flush_clients();
            self.end_if_empty();
            return;
        }
        if let Style::Listens(id) = job.style {
            let addresses = self.listens(id);
            return self.reply(job.conn, &Reply::Listens { addresses });
        }
        match job.failure {
            None => self.reply(job.conn, &Reply::Done),
            Some(failure) => self.reply(job.conn, &Reply::Error(failure)),
        }
        if self.model.ending == Ending::Stopping {
            self.end_if_empty();
        }
    }

    fn listens(&self, id: ProcId) -> Vec<String> {
        let run = self.model.core.slot(id).and_then(|slot| slot.process().run());
        let listeners = run.map_or_else(Vec::new, |run| self.node.listeners_of(run));
        listeners.into_iter().map(|listener| listener.address).collect()
    }

    fn reset(&mut self, id: ProcId) {
        self.handle_now(Event::Reset(id));
        if let Some(proc) = self.model.book.procs.get_mut(&id) {
            proc.created_at = clock::wall();
        }
        self.model.dirty = true;
    }
}
