//! Restarts because files have changed.
//!
//! Each version of an app that is watched is told to whoever looks at the files. What changes
//! together is one restart: it waits until nothing more changes. A change while a process is on its
//! way to a new run is in that run already.
//!
//! # Invariants
//! - What the user stopped is not watched. Test: `what_was_stopped_is_not_started_by_a_change`.
//! - What changes together is one restart. Test: `changes_that_come_together_are_one_restart`.
//! - Whoever looks at the files may fail at any time. It is begun again, and what changed meanwhile
//!   is found. Test: `a_watch_that_ends_is_begun_again_and_what_changed_meanwhile_is_found`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ostler_core::{AppId, Goal, Millis, Phase, ProcId, RunId, SpecId};
use ostler_watch::Asked;
use ostler_wire::control::Watch;

use super::Model;
use super::input::Effect;
use super::registry::{Proc, Version};
use super::watches::{Changing, ToWatch, WatchFailure};

/// For so long nothing more may change, ms.
const REST: Millis = 30;
/// A restart waits so long at most for more changes, ms.
const LONGEST: Millis = 2000;
/// Restarts that follow each other within this are in a row, ms.
const IN_A_ROW: Millis = 3000;
/// After so many of them the app probably changes its files itself, and each pause is longer.
const TOO_MANY: u32 = 5;
/// A watch that failed is tried again after this, ms.
const WATCH_AGAIN: Millis = 10_000;
/// The first and the longest of these pauses, ms.
const PAUSES: (Millis, Millis) = (500, 15_000);

impl Model {
    /// When a change is followed by a restart.
    pub(super) fn changed_at(&self) -> Option<Millis> {
        let again = self.watches.failure.as_ref().and_then(|of| of.again);
        self.watches.changing.values().map(|of| of.due).chain(again).min()
    }

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

    /// Files of a process are watched from now on, or not.
    pub(super) fn on_watch(&mut self, id: ProcId, how: Watch) {
        let Some(proc) = self.registry.proc(id) else { return };
        let watch = match how {
            Watch::On => Some(true),
            Watch::Off => Some(false),
            Watch::Toggle => Some(!self.wants_watch(id, proc)),
            Watch::Configured => None,
        };
        if let Some(proc) = self.registry.proc_mut(id) {
            proc.watch = watch;
            self.unsaved = true;
        }
    }

    /// Tells which versions are watched, where these are others now.
    pub(super) fn arm_watches(&mut self, out: &mut Vec<Effect>) {
        let any = |(_, proc): (ProcId, &Proc)| proc.watch == Some(true);
        if self.watches.told.is_empty()
            && !self.registry.versions().any(|(_, of)| of.watching.on)
            && !self.registry.procs().any(any)
        {
            return;
        }
        let of_slot = |(id, proc): (ProcId, &Proc)| {
            let slot = self.core.slot(id).filter(|slot| !slot.removing())?;
            let watched = !self.closing && self.is_watched(id, proc);
            watched.then(|| slot.process().next_spec())
        };
        let wanted: BTreeSet<SpecId> = self.registry.procs().filter_map(of_slot).collect();
        let waits = self.watches.failure.as_ref().is_some_and(|of| of.again.is_some());
        if wanted.is_empty() {
            self.watches.failure = None;
        } else if waits {
            return;
        }
        let missed = std::mem::take(&mut self.watches.missed);
        if wanted == self.watches.told {
            return;
        }
        let list = wanted.iter().filter_map(|spec| {
            let version = self.registry.version(*spec)?;
            let since = if missed { self.oldest_run(*spec) } else { None };
            Some(ToWatch { spec: *spec, asked: asked(version), since })
        });
        out.push(Effect::Watch(list.collect()));
        self.watches.changing.retain(|spec, _| wanted.contains(spec));
        self.watches.told = wanted;
    }

    /// When the oldest run of a version began that goes on, ms since 1970.
    fn oldest_run(&self, spec: SpecId) -> Option<u64> {
        let current = |run: RunId| self.facts.get(&run).filter(|of| of.spec == spec);
        let runs = self.core.slots().filter_map(|(_, slot)| slot.process().run());
        runs.filter_map(current).map(|facts| facts.since).min()
    }

    /// A file of a version has changed.
    pub(super) fn on_changed(&mut self, spec: SpecId, path: PathBuf) {
        let (Some(version), true) =
            (self.registry.version(spec), self.watches.told.contains(&spec))
        else {
            return;
        };
        let (delay, rest) = (version.watching.delay, version.watching.rest.unwrap_or(REST));
        let (now, pause) = (self.at.now, self.pause(spec));
        let changing = self.watches.changing.entry(spec);
        let of = changing.or_insert_with(|| Changing { path, since: now, due: now });
        let longest = of.since + LONGEST.max(delay).max(rest);
        of.due = (of.since + delay.max(pause)).max(longest.min(now + rest));
    }

    /// The pause before the next restart of an app that seems to change its own files.
    fn pause(&self, spec: SpecId) -> Millis {
        let app = self.watched_slots(spec).first().and_then(|id| self.registry.app_of(*id));
        let row = app.and_then(|app| self.watches.rows.get(&app));
        let Some((count, _)) = row.filter(|(_, at)| self.at.now < at + IN_A_ROW) else { return 0 };
        let (first, longest) = PAUSES;
        match count.checked_sub(TOO_MANY) {
            Some(more) => first.checked_shl(more).unwrap_or(longest).min(longest),
            None => 0,
        }
    }

    /// The slots of a version that are watched.
    fn watched_slots(&self, spec: SpecId) -> Vec<ProcId> {
        let of_spec = |(id, proc): &(ProcId, &Proc)| {
            let slot = self.core.slot(*id);
            slot.is_some_and(|slot| slot.process().next_spec() == spec)
                && self.is_watched(*id, proc)
        };
        self.registry.procs().filter(of_spec).map(|(id, _)| id).collect()
    }

    /// Restarts that of which files have changed.
    pub(super) fn restart_changed(&mut self, out: &mut Vec<Effect>) {
        let now = self.at.now;
        let changing = std::mem::take(&mut self.watches.changing);
        let (due, later): (BTreeMap<SpecId, Changing>, _) =
            changing.into_iter().partition(|(_, of)| of.due <= now);
        self.watches.changing = later;
        for (spec, Changing { path, .. }) in due {
            let slots = self.watched_slots(spec);
            let stale: Vec<ProcId> =
                slots.into_iter().filter(|id| !self.is_about_to_run(*id)).collect();
            let Some(app) = stale.first().and_then(|id| self.registry.app_of(*id)) else {
                continue;
            };
            let name = self.registry.app_name(app);
            out.push(Effect::Log(format!(
                "Change detected on path {} for app {name} - restarting",
                path.display()
            )));
            self.count_restart(app, &path, out);
            let reload = self.registry.version(spec).is_some_and(|of| of.watching.reload);
            self.restart_by_itself(&stale, reload, out);
        }
    }

    /// Says it once when an app seems to change its own files.
    fn count_restart(&mut self, app: AppId, path: &std::path::Path, out: &mut Vec<Effect>) {
        let now = self.at.now;
        self.watches.rows.retain(|id, _| self.registry.app(*id).is_some());
        let (count, at) = self.watches.rows.entry(app).or_default();
        // The pauses that are longer than this do not end it.
        let in_a_row =
            0 < *count && now < *at + IN_A_ROW + PAUSES.1 * u64::from(TOO_MANY <= *count);
        *count = if in_a_row { *count + 1 } else { 1 };
        *at = now;
        if *count == TOO_MANY {
            out.push(Effect::Complain(format!(
                "app [{}] was restarted {TOO_MANY} times in a row since files changed, the last \
                 time `{}`; if it writes that file itself, add it to `ignore_watch`",
                self.registry.app_name(app),
                path.display()
            )));
        }
    }

    /// Whether a run of it is to come that will find everything as it is now.
    fn is_about_to_run(&self, id: ProcId) -> bool {
        let Some(process) = self.core.slot(id).map(|slot| slot.process()) else { return true };
        match process.phase() {
            Phase::Stopping(_) => process.goal() == Goal::Up,
            Phase::Starting { spawned, .. } => !spawned,
            Phase::Stopped | Phase::Errored | Phase::Online { .. } | Phase::Backoff { .. } => false,
        }
    }

    /// Nothing is watched any more, or nothing could be.
    pub(super) fn on_watch_ended(&mut self, why: String, out: &mut Vec<Effect>) {
        self.watches.told.clear();
        self.watches.missed = true;
        let before = self.watches.failure.take();
        // What fails again in the same way is told once.
        if before.is_none_or(|before| before.why != why) {
            out.push(Effect::Complain(format!(
                "files of apps are not watched: {why}; trying again every {} s",
                WATCH_AGAIN / 1000
            )));
        }
        let again = Some(self.at.now + WATCH_AGAIN);
        self.watches.failure = Some(WatchFailure { why, again });
    }

    /// It is time to watch again what could not be watched.
    pub(super) fn watch_again(&mut self, out: &mut Vec<Effect>) {
        let now = self.at.now;
        if let Some(failure) = &mut self.watches.failure
            && failure.again.take_if(|at| *at <= now).is_some()
        {
            self.arm_watches(out);
        }
    }

    /// All that is to be watched is watched.
    pub(super) fn on_watching(&mut self, out: &mut Vec<Effect>) {
        if self.watches.failure.take_if(|of| of.again.is_none()).is_some() {
            out.push(Effect::Log("Files of apps are watched again".to_owned()));
        }
    }

    /// Why files of a process are not watched although they are to be.
    pub(super) fn why_unwatched(&self, id: ProcId, proc: &Proc) -> Option<String> {
        let failure = self.watches.failure.as_ref().filter(|_| self.is_watched(id, proc))?;
        Some(failure.why.clone())
    }

    /// There are more folders than may be watched.
    pub(super) fn on_watch_limited(
        &mut self,
        spec: SpecId,
        folders: usize,
        most: Option<u64>,
        out: &mut Vec<Effect>,
    ) {
        let Some(app) = self.watched_slots(spec).first().and_then(|id| self.registry.app_of(*id))
        else {
            return;
        };
        let most = most.map_or_else(|| "no more".to_owned(), |most| format!("{most}"));
        let text = format!(
            "not all files of app `{}` are watched: the system lets a user watch {most} folders \
             (ostler watches {folders}); name fewer paths in `watch`, or run `sysctl \
             fs.inotify.max_user_watches=524288`",
            self.registry.app_name(app)
        );
        out.push(Effect::Complain(text.clone()));
        self.announce(text);
    }
}

fn asked(version: &Version) -> Asked {
    let (spec, watching) = (&version.spec, &version.watching);
    Asked {
        folder: spec.cwd.clone(),
        paths: watching.paths.clone(),
        ignored: watching.ignored.clone(),
        usual_ignored: watching.usual_ignored,
        gitignore: watching.gitignore,
        endings: watching.endings.clone(),
        depth: watching.depth,
        follows: watching.follows,
        script: spec.script.clone(),
    }
}
