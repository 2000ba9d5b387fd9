//! Reloads as clients see them: one at a time for each app, each step told, the end
//! with its reason.

use std::collections::BTreeMap;

use ostler_core::reload::Reload;
use ostler_core::spec::AppSpec;
use ostler_core::{AppId, Event, ProcId, ReloadOptions, SpecId};
use ostler_wire::control::{self, Action, Change, Code, Failure, Lifecycle};

use super::Model;
use super::connections::LEAVING;
use super::failures::gone;
use super::input::{ClientId, Effect};
use super::known::Known;
use super::operations::{Operation, QueuedReload, Reporting, Target};
use super::registry::Registry;
use super::requests::{distinct, refuse, unknown};
use super::room::Grant;
use super::tickets::Ticket;

impl Model {
    /// A client, or the model itself (a memory limit), asks for a reload.
    pub(super) fn on_reload(
        &mut self,
        client: Option<ClientId>,
        ids: &[u32],
        change: &Change,
        options: control::ReloadOptions,
        ticket: Option<String>,
        out: &mut Vec<Effect>,
    ) {
        match self.plan_reload(client, ids, change, options, ticket) {
            Ok(operation) => {
                self.begin(operation, out);
                self.begin_queued_reloads();
            }
            Err(failure) => client.into_iter().for_each(|client| {
                refuse(client, failure.clone(), out);
            }),
        }
    }

    fn plan_reload(
        &mut self,
        client: Option<ClientId>,
        ids: &[u32],
        change: &Change,
        options: control::ReloadOptions,
        ticket: Option<String>,
    ) -> Result<Operation, Failure> {
        let mut operation = Operation::new(client, Reporting::Slots);
        // Also of those that are restarted: a reload was asked for.
        operation.again = Lifecycle::Reload;
        let begun = ticket.as_deref().and_then(|name| self.tickets.find(name)).cloned();
        operation.ticket = ticket;
        operation.counts = change.connections;
        operation.parallel = usize::try_from(change.parallel.unwrap_or(2)).unwrap_or(2).max(1);
        let fresh = self.take_up(ids, begun.as_ref(), &mut operation)?;
        let apps = fresh.iter().filter_map(|id| self.known.registry.app_of(*id));
        if !options.wait
            && let Some(app) =
                apps.into_iter().find(|app| self.failures.reload_goes_on(&self.known, *app))
        {
            return Err(self.known.under_way(app));
        }
        if options.canary
            && let Some(id) = fresh.iter().find(|id| !self.known.is_cluster(**id))
        {
            return Err(self.known.has_no_workers(*id));
        }
        let versions = self.changed_specs(&fresh, change, true)?;
        self.known.registry.halt(&fresh, false);
        if let Some(how) = change.watch {
            fresh.iter().for_each(|id| self.on_watch(*id, how));
        }
        let mut clusters: BTreeMap<AppId, QueuedReload> = BTreeMap::new();
        for (id, spec) in fresh.iter().filter_map(|id| Some((*id, *versions.get(id)?))) {
            // Two processes of an app that binds its own port cannot live at the same time: it is
            // restarted.
            // What waits has nothing that could be replaced.
            let waits = self.known.core.slot(id).is_some_and(|slot| slot.process().waits());
            if waits || !self.known.registry.is_cluster_version(spec) {
                operation.changes.insert(id, spec);
                operation.todo.push_back((id, Action::Restart));
                continue;
            }
            let Some(app) = self.known.registry.app_of(id) else { continue };
            let queued = clusters.entry(app).or_insert_with(|| QueuedReload {
                app,
                procs: Vec::new(),
                spec,
                from: self.known.core.slot(id).map(|slot| slot.process().next_spec()),
                change: change.clone(),
                options: core_options(options),
            });
            queued.procs.push(id);
        }
        self.known.registry.put_in_force(&operation.changes);
        operation.queued.extend(clusters.into_values());
        Ok(operation)
    }

    /// Lets an operation wait for what was begun already under its ticket. Returns the processes
    /// that are still to be replaced.
    fn take_up(
        &self,
        ids: &[u32],
        begun: Option<&Ticket>,
        operation: &mut Operation,
    ) -> Result<Vec<ProcId>, Failure> {
        let mut fresh = Vec::new();
        let mut missing = None;
        for id in distinct(ids) {
            match (self.known.registry.app_of(id), begun) {
                (None, None) => return Err(unknown(id)),
                // It was there when the client asked for the first time.
                (None, Some(_)) => _ = missing.get_or_insert(id),
                (Some(app), Some(begun))
                    if self.known.is_cluster(id) && begun.part(app).is_some() => {}
                (Some(_), Some(begun)) if !self.known.is_cluster(id) && begun.has_restarted(id) => {
                    operation.active.insert(id, self.known.pending(id, Target::Up, false));
                }
                (Some(_), Some(_) | None) => fresh.push(id),
            }
        }
        self.take_up_begun(begun, operation);
        if begun.is_some_and(|begun| begun.parts.is_empty()) && operation.failure.is_none() {
            operation.failure = missing.map(gone);
        }
        Ok(fresh)
    }

    /// Processes that a user's command (`word`) takes away leave the reload they are in; whoever
    /// waits for it must know.
    pub(super) fn cut_reloads_short(&mut self, word: &str, ids: &[ProcId]) {
        for id in ids.iter().copied() {
            let Some(app) = self.known.registry.app_of(id) else { continue };
            if !self.known.core.reload(app).is_some_and(|reload| reload.is_open(id)) {
                continue;
            }
            let name = self.known.registry.app_name(app);
            let pasted = ostler_shell::operand(&name);
            let failure = Failure {
                code: Code::CutShort,
                message: format!(
                    "the reload of app `{name}` was cut short: a `{word}` took process {} out of \
                     it",
                    id.0
                ),
                hint: Some(format!(
                    "see `ostler list`; `ostler reload {pasted}` again for the new version"
                )),
            };
            self.tickets.fail(app, &failure);
            for operation in self.operations.waiting_for_reload(app) {
                operation.failure.get_or_insert_with(|| failure.clone());
            }
        }
    }

    /// A client ends a canary.
    pub(super) fn on_promote(
        &mut self,
        client: ClientId,
        name: &str,
        keep: bool,
        ticket: Option<&str>,
        out: &mut Vec<Effect>,
    ) {
        let mut operation = Operation::new(Some(client), Reporting::Slots);
        operation.counts = true;
        if let Some(begun) = ticket.and_then(|name| self.tickets.find(name)).cloned() {
            self.take_up_begun(Some(&begun), &mut operation);
            return self.begin(operation, out);
        }
        let waits = |app: AppId| self.known.core.reload(app).is_some_and(Reload::is_canary);
        let pasted = ostler_shell::operand(name);
        let none = || Failure {
            code: Code::NotFound,
            message: format!("app `{name}` has no canary"),
            hint: Some(format!("`ostler reload --canary {pasted}` begins one")),
        };
        let named = self.known.registry.named_app(name, waits);
        let app = match named.and_then(|app| app.ok_or_else(none)) {
            Ok(app) => app,
            Err(failure) => return refuse(client, failure, out),
        };
        operation.reloads.insert(app);
        if let Some(ticket) = ticket {
            self.tickets.begin(ticket, app);
        }
        self.begin(operation, out);
        self.ask(Event::Promote { app, keep });
    }

    /// A client asks again: it waits for what goes on, and is told what has ended.
    fn take_up_begun(&self, begun: Option<&Ticket>, operation: &mut Operation) {
        for part in begun.into_iter().flat_map(|ticket| &ticket.parts) {
            let app = AppId(part.app);
            if part.over {
                operation.failure = operation.failure.take().or_else(|| part.failure.clone());
            } else if self.failures.reload_goes_on(&self.known, app) {
                operation.reloads.insert(app);
            } else {
                operation.failure.get_or_insert_with(|| Failure {
                    code: Code::Unknown,
                    message: format!(
                        "how the reload of app `{}` ended is not known",
                        self.known.registry.app_name(app)
                    ),
                    hint: Some("see `ostler list` and pm2.log in the home directory".to_owned()),
                });
            }
        }
    }

    /// Begins reloads that waited and need not any more.
    pub(super) fn begin_queued_reloads(&mut self) {
        if !self.operations.has_queued() {
            return;
        }
        let mut operations = self.operations.take();
        for operation in &mut operations {
            for queued in std::mem::take(&mut operation.queued) {
                if self.failures.reload_goes_on(&self.known, queued.app) {
                    operation.queued.push(queued);
                    continue;
                }
                match self.begin_reload(&queued, operation.ticket.as_deref()) {
                    Ok(true) => _ = operation.reloads.insert(queued.app),
                    Ok(false) => operation.queued.push(queued),
                    Err(failure) => _ = operation.failure.get_or_insert(failure),
                }
            }
        }
        self.operations.put_back(operations);
        self.look_again = true;
    }

    /// Begins a reload that waited. `false`: it waits on, for room.
    fn begin_reload(
        &mut self,
        queued: &QueuedReload,
        ticket: Option<&str>,
    ) -> Result<bool, Failure> {
        let app = queued.app;
        let mut options = queued.options;
        let (procs, spec) = self.plan_again(queued)?;
        options.port_change |= self.known.changes_port(queued, spec);
        if !options.canary && !self.known.has_runs(app) {
            // Nobody is to go on serving meanwhile: all begin at once, as in a start.
            options.parallel = u32::try_from(procs.len()).unwrap_or(u32::MAX);
        }
        match self.known.grant(app, procs.len(), options)? {
            Grant::Wait => return Ok(false),
            Grant::Surge(surge) => options.surge = Some(surge),
        }
        let version = self
            .known
            .registry
            .version(spec)
            .ok_or_else(|| self.known.registry.unknown_version(app))?;
        let policy = version.policy.clone();
        if let Some(ticket) = ticket {
            self.tickets.begin(ticket, app);
        }
        self.known.unsaved = true;
        self.ask(Event::Reload { app, procs, spec, policy, options });
        Ok(true)
    }

    /// What a reload that waited replaces, and by what: both may be others by now.
    fn plan_again(&mut self, queued: &QueuedReload) -> Result<(Vec<ProcId>, SpecId), Failure> {
        let stays = |id: &ProcId| {
            let slot = self.known.core.slot(*id).is_some_and(|slot| !slot.removing());
            slot && self.known.registry.app_of(*id) == Some(queued.app)
        };
        let procs: Vec<ProcId> = queued.procs.iter().copied().filter(stays).collect();
        let Some(first) = procs.first().copied() else {
            return Err(gone(queued.procs.first().copied().unwrap_or(ProcId(0))));
        };
        if self.known.core.slot(first).map(|slot| slot.process().next_spec()) == queued.from {
            return Ok((procs, queued.spec));
        }
        let versions = self.changed_specs(&procs, &queued.change, true)?;
        let spec = versions.get(&first).copied().unwrap_or(queued.spec);
        Ok((procs, spec))
    }

    /// The reload of an app is over, or waits for the user.
    pub(super) fn reload_over(&mut self, app: AppId, failure: Option<&Failure>) {
        // A command that cut it short may have come before a takeover.
        let noted = self.tickets.failure(app);
        let failure = failure.or(noted.as_ref());
        if let Some(failure) = failure {
            self.alert_reload(app, failure);
        }
        self.tickets.end(app, failure);
        let until = self.known.at.now + LEAVING;
        for operation in self.operations.waiting_for_reload(app) {
            operation.reloads.remove(&app);
            if operation.counts && failure.is_none() {
                operation.leaving.insert(app, until);
            }
            if operation.failure.is_none() {
                operation.failure = failure.cloned();
            }
        }
        self.begin_queued_reloads();
        // Operations are looked at once more, although no slot may have changed.
        self.look_again = true;
        self.known.unsaved = true;
    }
}

impl Known {
    /// A process that is no worker was to be replaced by a canary.
    fn has_no_workers(&self, id: ProcId) -> Failure {
        let name =
            self.registry.app_of(id).map_or_else(String::new, |app| self.registry.app_name(app));
        let pasted = ostler_shell::operand(&name);
        Failure {
            code: Code::Invalid,
            message: format!("app `{name}` runs in fork mode; a canary needs cluster mode"),
            hint: Some(format!("`ostler reload {pasted}` restarts it")),
        }
    }

    fn under_way(&self, app: AppId) -> Failure {
        let name = self.registry.app_name(app);
        let pasted = ostler_shell::operand(&name);
        let (message, hint) = if self.core.reload(app).is_some_and(Reload::is_canary) {
            let hint = format!(
                "`ostler promote {pasted}` rolls it out, `ostler rollback {pasted}` ends it"
            );
            (format!("app `{name}` has a canary, which somebody is to decide on first"), hint)
        } else {
            let hint = format!("`ostler reload {pasted} --wait` queues behind it");
            (format!("a reload of app `{name}` is under way"), hint)
        };
        Failure { code: Code::UnderWay, message, hint: Some(hint) }
    }

    /// Whether the configuration itself says that the app listens elsewhere: by `PORT`, or by its
    /// arguments. (That the caller's environment differs says nothing.)
    fn changes_port(&self, queued: &QueuedReload, to: SpecId) -> bool {
        let change = &queued.change;
        let old = queued.from.and_then(|spec| self.registry.version(spec));
        let (Some(old), Some(new)) = (old, self.registry.version(to)) else { return false };
        let port = |spec: &AppSpec| {
            (spec.env.get("PORT").map(str::to_owned), ostler_config::port_of(spec))
        };
        let by_file = !change.records.is_empty() || change.patch.is_some();
        by_file && (port(&old.spec) != port(&new.spec) || old.spec.args != new.spec.args)
    }

    /// Whether a process of an app has a run.
    fn has_runs(&self, app: AppId) -> bool {
        let mut ids = self.registry.procs_of(app).map(|(id, _)| id);
        ids.any(|id| self.core.slot(id).is_some_and(|slot| slot.process().run().is_some()))
    }

    fn is_cluster(&self, id: ProcId) -> bool {
        let spec = self.core.slot(id).map(|slot| slot.process().next_spec());
        spec.is_some_and(|spec| self.registry.is_cluster_version(spec))
    }
}

impl Registry {
    fn unknown_version(&self, app: AppId) -> Failure {
        let name = self.app_name(app);
        Failure::new(
            Code::Unknown,
            format!("the new version of app `{name}` is not known any more"),
        )
    }
}

fn core_options(options: control::ReloadOptions) -> ReloadOptions {
    ReloadOptions {
        parallel: options.parallel.or(options.surge).unwrap_or(1),
        surge: options.surge,
        canary: options.canary,
        no_rollback: options.no_rollback,
        port_change: options.port_change,
    }
}
