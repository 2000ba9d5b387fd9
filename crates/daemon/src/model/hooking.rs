//! What comes before and after runs and reloads: secrets that are read, commands of the user.
//!
//! Problem: a command may take long, may hang, and its daemon may die. Rule: an action of the
//! core that something comes before waits here until that is over. `pre_start` and the secrets keep
//! a run from being asked for, `pre_stop` keeps it from being asked to end (the core kills it in
//! time all the same), `pre_reload` keeps the first worker of a reload from being asked for. What
//! comes after is begun and not waited for, but at the end of everything.
//!
//! None of it is saved. What the death of the daemon cuts off before a start or an end is begun
//! anew, since that start or end is; what comes after is not. Each begin is a line in the log of
//! the app, so that a second one is seen.

use std::collections::BTreeSet;
use std::sync::Arc;

use ostler_core::spec::Hook;
use ostler_core::{Action, AppId, Event, Exit, ProcId, Role, RunId, SpecId};

use super::Model;
use super::hooks::{PreReload, PreStop, Prelude};
use super::input::{Effect, HookRun};
use super::known::Known;
use crate::environment;

impl Model {
    /// Lets an action of the core out, or what comes before it.
    pub(super) fn let_out(&mut self, action: Action, out: &mut Vec<Effect>) {
        match action {
            Action::Spawn { proc, run, spec } => {
                self.goes_on(run);
                if !self.waits_for_pre_reload((proc, run, spec), out) {
                    self.begin_prelude((proc, run, spec), out);
                }
            }
            Action::Terminate(run) => {
                self.goes_on(run);
                if !self.cancel_prelude(run, out) && !self.begin_pre_stop(run, out) {
                    out.push(Effect::Core(action));
                }
            }
            Action::Disconnect(run) => {
                if !self.cancel_prelude(run, out) {
                    out.push(Effect::Core(action));
                }
            }
            Action::Kill(run) => {
                self.goes_on(run);
                if self.cancel_prelude(run, out) {
                    return;
                }
                if self.hooks.stops.get(&run) == Some(&PreStop::Runs) {
                    self.hooks.stops.insert(run, PreStop::Over);
                    out.push(Effect::EndHooks(run));
                }
                out.push(Effect::Core(action));
            }
            Action::Prepare { .. }
            | Action::Revoke { .. }
            | Action::Begun { .. }
            | Action::Sweep(_)
            | Action::Probe(_)
            | Action::Note { .. }
            | Action::Tell(_) => out.push(Effect::Core(action)),
        }
    }

    /// The first worker of a reload waits for `pre_reload`, as do those that come meanwhile.
    fn waits_for_pre_reload(
        &mut self,
        (proc, run, spec): (ProcId, RunId, SpecId),
        out: &mut Vec<Effect>,
    ) -> bool {
        let Some((_, Role::Candidate)) = self.known.core.owner(run) else { return false };
        let Some(app) = self.known.registry.app_of(proc) else { return false };
        match self.hooks.reloads.get_mut(&app) {
            Some(PreReload::Over) => false,
            Some(PreReload::Runs { waiting, .. }) => {
                waiting.push((proc, run, spec));
                true
            }
            None => match self.known.hook_run(proc, run, spec, Hook::PreReload) {
                Some(hook) => {
                    let waiting = vec![(proc, run, spec)];
                    self.hooks.reloads.insert(app, PreReload::Runs { by: run, waiting });
                    self.hooks.others += 1;
                    out.push(Effect::Hook(Box::new(hook)));
                    true
                }
                // What it is taken back to may have one, which is not for this.
                None => {
                    self.hooks.reloads.insert(app, PreReload::Over);
                    false
                }
            },
        }
    }

    fn begin_prelude(&mut self, (proc, run, spec): (ProcId, RunId, SpecId), out: &mut Vec<Effect>) {
        match self.known.prelude(proc, run, spec) {
            Some(prelude) => {
                self.hooks.preludes.insert(run, Prelude { proc, spec, cancelled: false });
                out.push(Effect::Prelude(Box::new(prelude)));
            }
            None => out.push(Effect::Core(Action::Spawn { proc, run, spec })),
        }
    }

    /// A run is to end before it was asked for. `false`: it was, or is not known.
    fn cancel_prelude(&mut self, run: RunId, out: &mut Vec<Effect>) -> bool {
        if let Some(prelude) = self.hooks.preludes.get_mut(&run) {
            if !std::mem::replace(&mut prelude.cancelled, true) {
                out.push(Effect::EndHooks(run));
            }
            return true;
        }
        let mut waits = false;
        for reload in self.hooks.reloads.values_mut() {
            if let PreReload::Runs { waiting, .. } = reload {
                let before = waiting.len();
                waiting.retain(|(_, of, _)| *of != run);
                waits |= waiting.len() < before;
            }
        }
        if waits {
            self.never_began(run, out);
        }
        waits
    }

    /// What was to come before a run is over.
    pub(super) fn on_prelude_over(
        &mut self,
        run: RunId,
        result: Result<(), String>,
        out: &mut Vec<Effect>,
    ) {
        let Some(Prelude { proc, spec, cancelled }) = self.hooks.preludes.remove(&run) else {
            return;
        };
        match result {
            _ if cancelled => self.never_began(run, out),
            Ok(()) => out.push(Effect::Core(Action::Spawn { proc, run, spec })),
            Err(why) => {
                let why = format!("could not be started: {why}");
                self.on_not_spawned(run, why, Exit::NotSpawned, out);
            }
        }
    }

    fn never_began(&mut self, run: RunId, out: &mut Vec<Effect>) {
        out.push(Effect::ForgetPrelude(run));
        self.ask(Event::Exited { run, exit: Exit::NotSpawned, next: None });
        self.on_report(Event::TreeGone(run), out);
    }

    /// A run is to be asked to end. `true`: `pre_stop` comes first.
    fn begin_pre_stop(&mut self, run: RunId, out: &mut Vec<Effect>) -> bool {
        match self.hooks.stops.get(&run) {
            Some(PreStop::Runs) => return true,
            Some(PreStop::Over) => return false,
            None => {}
        }
        let Some(facts) = self.known.facts.get(&run).filter(|facts| facts.pid != 0) else {
            return false;
        };
        let (proc, spec) = (facts.proc, facts.spec);
        let Some(hook) = self.known.hook_run(proc, run, spec, Hook::PreStop) else { return false };
        self.hooks.stops.insert(run, PreStop::Runs);
        out.push(Effect::Hook(Box::new(hook)));
        true
    }

    /// Runs a command that nothing waits for, if the app has one for this moment.
    pub(super) fn run_hook(&mut self, id: ProcId, run: RunId, hook: Hook, out: &mut Vec<Effect>) {
        let spec = self.known.facts.get(&run).map(|facts| facts.spec);
        let Some(hook) = spec.and_then(|spec| self.known.hook_run(id, run, spec, hook)) else {
            return;
        };
        self.hooks.others += 1;
        out.push(Effect::Hook(Box::new(hook)));
    }

    /// A run is about to be forgotten, of which nothing is left.
    pub(super) fn after_run(&mut self, run: RunId, out: &mut Vec<Effect>) {
        self.hooks.stops.remove(&run);
        let began = self.known.facts.get(&run).filter(|facts| facts.pid != 0);
        if let Some(id) = began.map(|facts| facts.proc) {
            self.run_hook(id, run, Hook::PostStop, out);
        }
    }

    /// A reload is over.
    pub(super) fn after_reload(&mut self, app: AppId, good: bool, out: &mut Vec<Effect>) {
        self.hooks.reloads.remove(&app);
        let first = self.known.registry.procs_of(app).map(|(id, _)| id).next();
        let run = first.and_then(|id| self.known.core.slot(id)?.process().run());
        if let (Some(id), Some(run), true) = (first, run, good) {
            self.run_hook(id, run, Hook::PostReload, out);
        }
    }

    /// A daemon takes over: reloads that have begun workers are past their `pre_reload`.
    pub(super) fn take_up_reloads(&mut self) {
        let slots = self.known.core.slots();
        let verified: BTreeSet<AppId> = slots
            .filter(|(_, slot)| slot.candidate().is_some())
            .map(|(_, slot)| slot.app())
            .collect();
        for reload in self.known.core.saved_reloads() {
            if !reload.done.is_empty() || verified.contains(&reload.app) {
                self.hooks.reloads.insert(reload.app, PreReload::Over);
            }
        }
    }

    /// A command is over.
    pub(super) fn on_hook_over(
        &mut self,
        (label, run): (String, RunId),
        hook: Hook,
        result: Result<(), String>,
        out: &mut Vec<Effect>,
    ) {
        if let Err(why) = result {
            out.push(Effect::Complain(format!("App [{label}] {why}")));
        }
        match hook {
            Hook::PreStop => {
                let stop = self.hooks.stops.get_mut(&run).filter(|of| **of == PreStop::Runs);
                if let Some(stop) = stop {
                    *stop = PreStop::Over;
                    self.goes_on(run);
                    out.push(Effect::Core(Action::Terminate(run)));
                }
            }
            Hook::PreReload => {
                self.hooks.others = self.hooks.others.saturating_sub(1);
                let mut ready = Vec::new();
                for reload in self.hooks.reloads.values_mut() {
                    match reload {
                        PreReload::Runs { by, waiting } if *by == run => {
                            ready.append(waiting);
                            *reload = PreReload::Over;
                        }
                        PreReload::Runs { .. } | PreReload::Over => {}
                    }
                }
                ready.into_iter().for_each(|spawn| self.begin_prelude(spawn, out));
            }
            Hook::PostStart | Hook::PostStop | Hook::PostReload => {
                self.hooks.others = self.hooks.others.saturating_sub(1);
            }
            // It is a part of what comes before a run.
            Hook::PreStart => {}
        }
    }
}

impl Known {
    /// The command of an app for a moment, if it has one.
    fn hook_run(&self, id: ProcId, run: RunId, spec: SpecId, hook: Hook) -> Option<HookRun> {
        self.registry.version(spec)?.spec.hook(hook)?;
        self.any_hook_run(id, run, spec, hook)
    }

    /// What comes before a run.
    fn prelude(&self, id: ProcId, run: RunId, spec: SpecId) -> Option<HookRun> {
        self.registry.version(spec).filter(|version| version.spec.has_prelude())?;
        self.any_hook_run(id, run, spec, Hook::PreStart)
    }

    fn any_hook_run(&self, id: ProcId, run: RunId, spec: SpecId, hook: Hook) -> Option<HookRun> {
        let spec = Arc::clone(&self.registry.version(spec)?.spec);
        let env = environment::of_hook(&spec, self.particulars(id, run)?);
        Some(HookRun { id, run, label: self.registry.label(id), hook, spec, env })
    }
}
