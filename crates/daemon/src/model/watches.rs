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
use std::path::{Path, PathBuf};

use ostler_core::{AppId, Millis, ProcId, SpecId};
use ostler_watch::Asked;

use super::input::Effect;
use super::known::Known;
use super::registry::{Proc, Version};
use super::to_watch::ToWatch;

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

/// What is watched, and what has changed.
#[derive(Debug, Default)]
pub struct Watches {
    /// The versions that are watched.
    told: BTreeSet<SpecId>,
    /// What has changed and is about to be followed by a restart.
    changing: BTreeMap<SpecId, Changing>,
    /// Restarts in a row: how many, and when the last one was.
    rows: BTreeMap<AppId, (u32, Millis)>,
    /// Nothing was watched for some time: there was no daemon, or nobody who looked.
    missed: bool,
    /// Nothing is watched although it is wanted.
    failure: Option<WatchFailure>,
}

/// Why nothing is watched, and when that is tried again.
#[derive(Debug)]
struct WatchFailure {
    /// What the system says.
    why: String,
    /// When the next try is; `None` while one is under way.
    again: Option<Millis>,
}

/// A version whose files have changed.
#[derive(Debug)]
pub struct Changing {
    /// The first of the files.
    pub path: PathBuf,
    /// When it changed.
    pub since: Millis,
    /// When the restart is due.
    pub due: Millis,
}

impl Watches {
    /// When a change is followed by a restart.
    pub(super) fn due(&self) -> Option<Millis> {
        let again = self.failure.as_ref().and_then(|of| of.again);
        self.changing.values().map(|of| of.due).chain(again).min()
    }

    /// Tells which versions are watched, where these are others now.
    pub(super) fn arm(&mut self, known: &Known, out: &mut Vec<Effect>) {
        let any = |(_, proc): (ProcId, &Proc)| proc.watch == Some(true);
        if self.told.is_empty()
            && !known.registry.versions().any(|(_, of)| of.watching.on)
            && !known.registry.procs().any(any)
        {
            return;
        }
        let of_slot = |(id, proc): (ProcId, &Proc)| {
            let slot = known.core.slot(id).filter(|slot| !slot.removing())?;
            let watched = !known.closing && known.is_watched(id, proc);
            watched.then(|| slot.process().next_spec())
        };
        let wanted: BTreeSet<SpecId> = known.registry.procs().filter_map(of_slot).collect();
        let waits = self.failure.as_ref().is_some_and(|of| of.again.is_some());
        if wanted.is_empty() {
            self.failure = None;
        } else if waits {
            return;
        }
        let missed = std::mem::take(&mut self.missed);
        if wanted == self.told {
            return;
        }
        let list = wanted.iter().filter_map(|spec| {
            let version = known.registry.version(*spec)?;
            let since = if missed { known.oldest_run(*spec) } else { None };
            Some(ToWatch { spec: *spec, asked: asked(version), since })
        });
        out.push(Effect::Watch(list.collect()));
        self.changing.retain(|spec, _| wanted.contains(spec));
        self.told = wanted;
    }

    /// A file of a version has changed.
    pub(super) fn on_changed(&mut self, known: &Known, spec: SpecId, path: PathBuf) {
        let (Some(version), true) = (known.registry.version(spec), self.told.contains(&spec))
        else {
            return;
        };
        let (delay, rest) = (version.watching.delay, version.watching.rest.unwrap_or(REST));
        let (now, pause) = (known.at.now, self.pause(known, spec));
        let changing = self.changing.entry(spec);
        let of = changing.or_insert_with(|| Changing { path, since: now, due: now });
        let longest = of.since + LONGEST.max(delay).max(rest);
        of.due = (of.since + delay.max(pause)).max(longest.min(now + rest));
    }

    /// Takes out what is to be followed by a restart now.
    pub(super) fn take_due(&mut self, now: Millis) -> BTreeMap<SpecId, Changing> {
        let (due, later) =
            std::mem::take(&mut self.changing).into_iter().partition(|(_, of)| of.due <= now);
        self.changing = later;
        due
    }

    /// Nothing was watched until now: there was no daemon.
    pub(super) fn begin_anew(&mut self) {
        self.missed = true;
    }

    /// The pause before the next restart of an app that seems to change its own files.
    fn pause(&self, known: &Known, spec: SpecId) -> Millis {
        let app = known.watched_slots(spec).first().and_then(|id| known.registry.app_of(*id));
        let row = app.and_then(|app| self.rows.get(&app));
        let Some((count, _)) = row.filter(|(_, at)| known.at.now < at + IN_A_ROW) else { return 0 };
        let (first, longest) = PAUSES;
        match count.checked_sub(TOO_MANY) {
            Some(more) => first.checked_shl(more).unwrap_or(longest).min(longest),
            None => 0,
        }
    }

    /// Says it once when an app seems to change its own files.
    pub(super) fn count_restart(
        &mut self,
        known: &Known,
        app: AppId,
        path: &Path,
        out: &mut Vec<Effect>,
    ) {
        let now = known.at.now;
        self.rows.retain(|id, _| known.registry.app(*id).is_some());
        let (count, at) = self.rows.entry(app).or_default();
        // The pauses that are longer than this do not end it.
        let in_a_row = now < *at + IN_A_ROW + PAUSES.1 * u64::from(TOO_MANY <= *count);
        *count = if in_a_row { *count + 1 } else { 1 };
        *at = now;
        if *count == TOO_MANY {
            out.push(Effect::Complain(format!(
                "app [{}] was restarted {TOO_MANY} times in a row since files changed, the last \
                 time `{}`; if it writes that file itself, add it to `ignore_watch`",
                known.registry.app_name(app),
                path.display()
            )));
        }
    }

    /// Nothing is watched any more, or nothing could be.
    pub(super) fn on_ended(&mut self, known: &Known, why: String, out: &mut Vec<Effect>) {
        self.told.clear();
        self.missed = true;
        let before = self.failure.take();
        // What fails again in the same way is told once.
        if before.is_none_or(|before| before.why != why) {
            out.push(Effect::Complain(format!(
                "files of apps are not watched: {why}; trying again every {} s",
                WATCH_AGAIN / 1000
            )));
        }
        let again = Some(known.at.now + WATCH_AGAIN);
        self.failure = Some(WatchFailure { why, again });
    }

    /// It is time to watch again what could not be watched.
    pub(super) fn try_again(&mut self, known: &Known, out: &mut Vec<Effect>) {
        let now = known.at.now;
        if let Some(failure) = &mut self.failure
            && failure.again.take_if(|at| *at <= now).is_some()
        {
            self.arm(known, out);
        }
    }

    /// All that is to be watched is watched.
    pub(super) fn on_watching(&mut self, out: &mut Vec<Effect>) {
        if self.failure.take_if(|of| of.again.is_none()).is_some() {
            out.push(Effect::Log("Files of apps are watched again".to_owned()));
        }
    }

    /// Why files of a process are not watched although they are to be.
    pub(super) fn why_not(&self, known: &Known, id: ProcId, proc: &Proc) -> Option<String> {
        let failure = self.failure.as_ref().filter(|_| known.is_watched(id, proc))?;
        Some(failure.why.clone())
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
