//! What watching changes, and what changes lead to: restarts and reloads.

use ostler_core::{Goal, Phase, ProcId, RunId, SpecId};
use ostler_wire::control::Watch;

use super::Model;
use super::input::Effect;
use super::known::Known;
use super::registry::{Proc, Version};
use super::watches::Changing;

impl Model {
    /// Files of a process are watched from now on, or not.
    pub(super) fn on_watch(&mut self, id: ProcId, how: Watch) {
        let Some(proc) = self.known.registry.proc(id) else { return };
        let watch = match how {
            Watch::On => Some(true),
            Watch::Off => Some(false),
            Watch::Toggle => Some(!self.known.wants_watch(id, proc)),
            Watch::Configured => None,
        };
        if let Some(proc) = self.known.registry.proc_mut(id) {
            proc.watch = watch;
            self.known.unsaved = true;
        }
    }

    /// Restarts that of which files have changed.
    pub(super) fn restart_changed(&mut self, out: &mut Vec<Effect>) {
        for (spec, Changing { path, .. }) in self.watches.take_due(self.known.at.now) {
            let slots = self.known.watched_slots(spec);
            let stale: Vec<ProcId> =
                slots.into_iter().filter(|id| !self.known.is_about_to_run(*id)).collect();
            let Some(app) = stale.first().and_then(|id| self.known.registry.app_of(*id)) else {
                continue;
            };
            let name = self.known.registry.app_name(app);
            out.push(Effect::Log(format!(
                "Change detected on path {} for app {name} - restarting",
                path.display()
            )));
            self.watches.count_restart(&self.known, app, &path, out);
            let reload = self.known.registry.version(spec).is_some_and(|of| of.watching.reload);
            let why = format!("`{}` changed", path.display());
            self.restart_by_itself(&stale, &why, reload, out);
        }
    }

    /// There are more folders than may be watched.
    pub(super) fn on_watch_limited(
        &mut self,
        spec: SpecId,
        folders: usize,
        most: Option<u64>,
        out: &mut Vec<Effect>,
    ) {
        let Some(app) =
            self.known.watched_slots(spec).first().and_then(|id| self.known.registry.app_of(*id))
        else {
            return;
        };
        let most = most.map_or_else(|| "no more".to_owned(), |most| format!("{most}"));
        let text = format!(
            "not all files of app `{}` are watched: the system lets a user watch {most} folders \
             (ostler watches {folders}); name fewer paths in `watch`, or run `sysctl \
             fs.inotify.max_user_watches=524288`",
            self.known.registry.app_name(app)
        );
        out.push(Effect::Complain(text.clone()));
        self.announce(text);
    }
}

impl Known {
    /// Whether files of a process are watched.
    pub(super) fn is_watched(&self, id: ProcId, proc: &Proc) -> bool {
        !proc.halted && self.wants_watch(id, proc)
    }

    /// Whether they are as soon as it is started.
    pub(super) fn wants_watch(&self, id: ProcId, proc: &Proc) -> bool {
        let of_version = || self.next_version(id).is_some_and(|of| of.watching.on);
        proc.watch.unwrap_or_else(of_version)
    }

    fn next_version(&self, id: ProcId) -> Option<&Version> {
        self.registry.version(self.core.slot(id)?.process().next_spec())
    }

    /// When the oldest run of a version began that goes on, ms since 1970.
    pub(super) fn oldest_run(&self, spec: SpecId) -> Option<u64> {
        let current = |run: RunId| self.facts.get(&run).filter(|of| of.spec == spec);
        let runs = self.core.slots().filter_map(|(_, slot)| slot.process().run());
        runs.filter_map(current).map(|facts| facts.since).min()
    }

    /// The slots of a version that are watched.
    pub(super) fn watched_slots(&self, spec: SpecId) -> Vec<ProcId> {
        let of_spec = |(id, proc): &(ProcId, &Proc)| {
            let slot = self.core.slot(*id);
            slot.is_some_and(|slot| slot.process().next_spec() == spec)
                && self.is_watched(*id, proc)
        };
        self.registry.procs().filter(of_spec).map(|(id, _)| id).collect()
    }

    /// Whether a run of it is to come that will find everything as it is now.
    fn is_about_to_run(&self, id: ProcId) -> bool {
        let Some(process) = self.core.slot(id).map(|slot| slot.process()) else { return true };
        match process.phase() {
            Phase::Stopping(_) => process.goal() == Goal::Up,
            Phase::Starting { spawned, .. } => !spawned,
            Phase::Held | Phase::Sleeping { .. } => true,
            Phase::Stopped | Phase::Errored | Phase::Online { .. } | Phase::Backoff { .. } => false,
        }
    }
}
