//! Reloads as clients see them: one at a time for each app, each step told, the end with its
//! reason.

use std::collections::BTreeMap;

use ostler_core::spec::ExecMode;
use ostler_core::{AppId, Event, ProcId, ReloadOptions, SpecId};
use ostler_wire::control::{self, Change, Failure, Reply};

use crate::daemon::Daemon;
use crate::jobs::{Job, Style, Wanted};
use crate::tickets::Ticket;

/// A reload that waits for another one of the same app.
#[derive(Clone, Debug)]
pub struct Queued {
    /// The app.
    pub app: AppId,
    /// Its slots, in order.
    pub procs: Vec<ProcId>,
    /// The new version.
    pub spec: SpecId,
    /// How.
    pub options: ReloadOptions,
}

impl Daemon {
    /// A client asks for a reload.
    pub fn on_reload(
        &mut self,
        conn: usize,
        ids: &[u32],
        change: &Change,
        options: control::ReloadOptions,
        ticket: Option<String>,
    ) {
        let mut apps: BTreeMap<AppId, Vec<ProcId>> = BTreeMap::new();
        let mut job = Job::new(conn, Style::Act);
        let begun = ticket.as_deref().and_then(|name| self.model.book.tickets.find(name)).cloned();
        job.ticket = ticket;
        job.parallel = usize::try_from(change.parallel.unwrap_or(2)).unwrap_or(2).max(1);
        for id in ids.iter().copied().map(ProcId) {
            let Some(proc) = self.model.book.procs.get(&id) else {
                let message = format!("process {} not found", id.0);
                return self.reply(
                    conn,
                    &Reply::Error(Failure { message, hint: Some("see `ostler list`".to_owned()) }),
                );
            };
            let app = proc.app;
            let cluster = self.slot_cluster(id);
            match &begun {
                Some(begun) if cluster && begun.part(app).is_some() => {}
                Some(begun) if !cluster && begun.has_restarted(id) => {
                    job.active.insert(id, self.waiting_for(id, Wanted::Up, false));
                }
                _ => apps.entry(app).or_default().push(id),
            }
        }
        self.take_up_begun(begun.as_ref(), &mut job);
        if !options.wait
            && let Some(app) = apps.keys().find(|app| self.model.core.reload(**app).is_some())
        {
            let name = self.app_name(*app);
            let failure = Failure {
                message: format!("a reload of app `{name}` is under way"),
                hint: Some(format!(
                    "wait for it, or use `--wait` to queue behind it; a canary ends with `ostler promote {name}` or `ostler rollback {name}`"
                )),
            };
            return self.reply(conn, &Reply::Error(failure));
        }
        let mut versions = BTreeMap::new();
        for (app, procs) in &apps {
            for id in procs {
                match self.changed_spec(*id, change, true) {
                    Ok(spec) => _ = versions.entry((*app, self.slot_cluster(*id))).or_insert(spec),
                    Err(failure) => return self.reply(conn, &Reply::Error(failure)),
                }
            }
        }
        for (app, procs) in apps {
            let (cluster, fork): (Vec<ProcId>, Vec<ProcId>) =
                procs.into_iter().partition(|id| self.slot_cluster(*id));
            for id in fork {
                // Two processes of an app that binds its own port cannot live at the same time: it
                // is restarted.
                if let Some(spec) = versions.get(&(app, false)) {
                    job.changes.insert(id, *spec);
                }
                job.todo.push_back((id, control::Action::Restart));
            }
            if let (false, Some(spec)) = (cluster.is_empty(), versions.get(&(app, true))) {
                let core = ReloadOptions {
                    parallel: options.parallel.or(options.surge).unwrap_or(1),
                    surge: options.surge,
                    canary: options.canary,
                    no_rollback: options.no_rollback,
                };
                job.queued.push(Queued { app, procs: cluster, spec: *spec, options: core });
            }
        }
        self.begin_job(job);
        self.begin_queued_reloads();
    }

    /// Processes that a user stops, restarts or deletes leave the reload they are in; whoever waits
    /// for it must know.
    pub fn cut_reloads_short(&mut self, action: control::Action, ids: &[u32]) {
        for id in ids.iter().copied().map(ProcId) {
            let Some(app) = self.model.book.procs.get(&id).map(|proc| proc.app) else { continue };
            if !self.model.core.reload(app).is_some_and(|reload| reload.is_open(id)) {
                continue;
            }
            let word = match action {
                control::Action::Stop => "stop",
                control::Action::Restart => "restart",
                control::Action::Delete => "delete",
                control::Action::Reset => "reset",
            };
            let name = self.app_name(app);
            let failure = Failure {
                message: format!(
                    "the reload of app `{name}` was cut short: a `{word}` took process {} out of it",
                    id.0
                ),
                hint: Some(format!(
                    "see `ostler list`; `ostler reload {name}` again for the new version"
                )),
            };
            self.model.book.tickets.fail(app, &failure);
            for job in self.model.jobs.iter_mut().filter(|job| job.reloads.contains(&app)) {
                job.failure.get_or_insert_with(|| failure.clone());
            }
        }
    }

    /// A client ends a canary.
    pub fn on_promote(&mut self, conn: usize, name: &str, keep: bool, ticket: Option<&str>) {
        let begun = ticket.and_then(|name| self.model.book.tickets.find(name)).cloned();
        if begun.is_some() {
            let mut job = Job::new(conn, Style::Act);
            self.take_up_begun(begun.as_ref(), &mut job);
            return self.begin_job(job);
        }
        let waits = |app: &AppId| {
            self.model.core.reload(*app).is_some_and(ostler_core::reload::Reload::is_canary)
                && self.app_name(*app) == name
        };
        let Some(app) = self.model.book.apps.keys().copied().find(waits) else {
            let failure = Failure {
                message: format!("app `{name}` has no canary"),
                hint: Some("begin one with `ostler reload NAME --canary`".to_owned()),
            };
            return self.reply(conn, &Reply::Error(failure));
        };
        let mut job = Job::new(conn, Style::Act);
        job.reloads.insert(app);
        if let Some(ticket) = ticket {
            self.model.book.tickets.begin(ticket, app);
        }
        self.begin_job(job);
        self.handle_now(Event::Promote { app, keep });
        self.model.dirty = true;
    }

    /// A client asks again: it waits for what goes on, and is told what has ended.
    fn take_up_begun(&self, begun: Option<&Ticket>, job: &mut Job) {
        for part in begun.into_iter().flat_map(|ticket| &ticket.parts) {
            let app = AppId(part.app);
            if part.over {
                job.failure = job.failure.take().or_else(|| part.failure.clone());
            } else if self.model.core.reload(app).is_some() {
                job.reloads.insert(app);
            } else {
                job.failure.get_or_insert_with(|| Failure {
                    message: format!(
                        "how the reload of app `{}` ended is not known",
                        self.app_name(app)
                    ),
                    hint: Some("see `ostler list` and pm2.log in the home directory".to_owned()),
                });
            }
        }
    }

    /// Begins reloads that waited and need not any more.
    pub fn begin_queued_reloads(&mut self) {
        let mut jobs = std::mem::take(&mut self.model.jobs);
        for job in &mut jobs {
            let (ready, rest): (Vec<Queued>, Vec<Queued>) = std::mem::take(&mut job.queued)
                .into_iter()
                .partition(|queued| self.model.core.reload(queued.app).is_none());
            job.queued = rest;
            for queued in ready {
                if self.model.core.reload(queued.app).is_some() {
                    job.queued.push(queued);
                    continue;
                }
                let Some(policy) = self
                    .model
                    .book
                    .versions
                    .get(&queued.spec)
                    .map(|version| version.policy.clone())
                else {
                    continue;
                };
                job.reloads.insert(queued.app);
                if let Some(ticket) = &job.ticket {
                    self.model.book.tickets.begin(ticket, queued.app);
                }
                self.model.dirty = true;
                let Queued { app, procs, spec, options } = queued;
                self.handle_now(Event::Reload { app, procs, spec, policy, options });
            }
        }
        jobs.append(&mut self.model.jobs);
        self.model.jobs = jobs;
    }

    /// Tells everybody who waits for the app's reload.
    pub fn step(&mut self, app: AppId, id: ProcId, text: &str) {
        let name = self.app_name(app);
        crate::logbook::log(format!("reload of app [{name}]: {text}"));
        let waiting: Vec<usize> = self
            .model
            .jobs
            .iter()
            .filter(|job| job.reloads.contains(&app))
            .map(|job| job.conn)
            .collect();
        for conn in waiting {
            self.event(
                conn,
                &control::Event::Step { name: name.clone(), id: id.0, text: text.to_owned() },
            );
        }
    }

    /// The reload of an app is over, or (`None` failure and `canary`) waits for the user.
    pub fn reload_over(&mut self, app: AppId, failure: Option<&Failure>) {
        self.model.book.tickets.end(app, failure);
        for job in &mut self.model.jobs {
            if job.reloads.remove(&app) && job.failure.is_none() {
                job.failure = failure.cloned();
            }
        }
        self.begin_queued_reloads();
        // Jobs are looked at once more, although no slot may have changed.
        self.model
            .touched
            .extend(self.model.book.procs_of(app).map(|(id, _)| id).collect::<Vec<_>>());
        self.model.dirty = true;
    }

    /// An app's name.
    pub fn app_name(&self, app: AppId) -> String {
        self.model.book.apps.get(&app).map_or_else(String::new, |app| app.key.1.clone())
    }

    fn slot_cluster(&self, id: ProcId) -> bool {
        let spec = self.model.core.slot(id).map(|slot| slot.process().next_spec());
        spec.and_then(|spec| self.model.book.versions.get(&spec))
            .is_some_and(|version| version.spec.exec_mode == ExecMode::Cluster)
    }
}
