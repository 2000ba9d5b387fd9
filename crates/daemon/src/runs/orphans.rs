//! Orphans of dead runs: found, watched, and reported when none is left.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::MaybeUninit;

use ostler_core::{Event, Millis, RunId};
use ostler_poll::Interest;
use rustix::fs::inotify::{self, WatchFlags};

use super::cgroup;
use super::left::{self, Left};
use super::life::{Dead, Descendants, Life};
use super::proc::ProcessRef;
use super::run::Run;
use super::walk::Purpose;
use super::{Polled, Runs};
use crate::reports::{Report, Reports};
use crate::starts::Start;
use crate::{clock, daemon_log};

/// How long output that cannot be written is waited for at the end of everything, ms.
const LAST_OUTPUT: u64 = 2000;
/// How long a reader for whom apps wait may take nothing until its last lines are given up, ms.
const LAST_READING: u64 = 5000;

impl Runs {
    /// Finds out whether descendants of a dead run are left, where that is cheap or asked for.
    pub fn look_for_orphans(&mut self, run: RunId, reports: &mut Reports) {
        let Some(held) = self.get(run) else { return };
        let tree_kill = held.settings.as_ref().is_some_and(|spec| spec.policy.tree_kill);
        if !tree_kill {
            self.orphans_gone(run, reports);
        } else if self.groups.is_some() && held.grouped {
            if self.is_populated(run) {
                self.ask_the_rest(run);
                self.watch_group(run, reports);
            } else {
                self.orphans_gone(run, reports);
            }
        } else if held.ending || held.swept {
            // Without control groups a look costs a walk over all processes. After a crash that
            // walk is not made for nothing: the core asks for it by `Sweep`.
            self.look_for_descendants(run, Purpose::Watch);
        }
    }

    /// Whether any process is in the control group of a run.
    pub(super) fn is_populated(&self, run: RunId) -> bool {
        match self.get(run).and_then(|held| held.processes()?.events.as_ref()) {
            Some(events) => cgroup::is_populated(events),
            None => self.groups.as_ref().is_some_and(|groups| groups.is_populated(run)),
        }
    }

    fn watch_group(&mut self, run: RunId, reports: &mut Reports) {
        let Some(groups) = &self.groups else { return };
        let path = groups.path(run).join("cgroup.events");
        match inotify::add_watch(&*self.inotify, &path, WatchFlags::MODIFY) {
            Ok(watch) => _ = self.watches.insert(watch, run),
            Err(error) => {
                // Without the watch the deadlines of the machine ask again.
                daemon_log::error(format!("could not watch `{}`: {error}", path.display()));
            }
        }
        if let Some(dead) = self.get_mut(run).and_then(Run::dead_mut) {
            dead.descendants = Descendants::Group;
        }
        // It may have become empty before the watch was there.
        if !self.is_populated(run) {
            self.orphans_gone(run, reports);
        }
    }

    /// Control groups changed.
    pub fn on_inotify(&mut self, reports: &mut Reports) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut changed = Vec::new();
        let mut reader = inotify::Reader::new(&*self.inotify, &mut buffer);
        while let Ok(event) = reader.next() {
            changed.extend(self.watches.get(&event.wd()).copied());
        }
        for run in changed {
            if !self.is_populated(run) {
                self.orphans_gone(run, reports);
            }
        }
    }

    /// Watches the descendants of a dead run that are left.
    pub(super) fn watch_descendants(
        &mut self,
        run: RunId,
        left: Vec<ProcessRef>,
        reports: &mut Reports,
    ) {
        if left.is_empty() {
            return self.orphans_gone(run, reports);
        }
        let terminated = |held: &Run| held.processes().is_some_and(|all| all.terminated);
        if self.get(run).is_some_and(terminated) {
            self.ask_to_end(run, &left);
        }
        let watch = |one: ProcessRef| {
            let pid = one.pid;
            let mut one = self.poll.unwatched(one, Polled::Descendant(pid));
            if let Err(error) = one.set_or_owe(Interest::READ.edge()) {
                daemon_log::error(format!("could not watch process {pid}: {error}"));
            }
            one
        };
        let left = left.into_iter().map(watch).collect();
        if let Some(dead) = self.get_mut(run).and_then(Run::dead_mut) {
            dead.descendants = Descendants::Watched(left);
        }
    }

    /// A watched descendant ended.
    pub fn on_descendant(&mut self, pid: u32) {
        let watched = |(run, held): (&RunId, &mut Run)| {
            let Descendants::Watched(list) = &mut held.dead_mut()?.descendants else { return None };
            let before = list.len();
            list.retain(|one| one.pid != pid);
            (list.len() < before).then_some((*run, list.is_empty()))
        };
        if let Some((run, true)) = self.all.iter_mut().find_map(watched) {
            // One of them may have left a child of its own behind.
            self.look_for_descendants(run, Purpose::Watch);
        }
    }

    /// Nothing is left of a dead run but output that may not be written yet.
    fn orphans_gone(&mut self, run: RunId, reports: &mut Reports) {
        let Some(held) = self.all.get_mut(&run) else { return };
        let Some(dead) = held.dead_mut() else { return };
        if matches!(dead.descendants, Descendants::Gone) {
            return;
        }
        dead.descendants = Descendants::Gone;
        self.watches.retain(|_, watched| *watched != run);
        if let Some(groups) = &self.groups {
            groups.remove(run);
        }
        reports.push_back(Report::Core(Event::TreeGone(run)));
        self.release(run, reports);
    }

    /// Forgets a run of which nothing is left.
    pub fn release(&mut self, run: RunId, reports: &mut Reports) {
        let over = |held: &Run| {
            matches!(
                held.life,
                Life::Dead(Dead { descendants: Descendants::Gone, drained: true, .. })
            )
        };
        if self.get(run).is_some_and(over) {
            self.all.remove(&run);
            reports.push_back(Report::Released(run));
        }
    }

    /// Whether runs are left that are to be waited for at the end of everything, or output of
    /// them. What cannot be written (no room, no such folder) or is not read would be waited for
    /// in vain: it has a little time, and a reader has it again with each byte that it takes.
    pub fn wait_for_output(&mut self, is_unread: bool, took_at: Option<Millis>) -> bool {
        let mut left = self.all.iter().filter(|(_, held)| !held.unsignalable).peekable();
        if left.peek().is_none() && !is_unread {
            return false;
        }
        let runs: Vec<u64> = left.clone().map(|(run, _)| run.0).collect();
        let now = clock::monotonic();
        let patience = if is_unread { LAST_READING } else { LAST_OUTPUT };
        let by = self.output_by.get_or_insert(now + patience);
        if let Some(took_at) = took_at {
            *by = (*by).max(took_at + LAST_READING);
        }
        if now < *by || !left.all(|(_, held)| held.waits_for_output()) {
            return true;
        }
        daemon_log::error(if is_unread {
            "whoever reads the logs has taken nothing for too long: the last lines are lost".into()
        } else {
            format!(
                "the last output of runs {runs:?} cannot be written and is lost; see the errors"
            )
        });
        false
    }

    /// When output is not waited for any more.
    pub fn output_due(&self) -> Option<Millis> {
        self.output_by
    }

    /// Forgets that output was waited for.
    pub fn forget_output(&mut self) {
        self.output_by = None;
    }

    /// Finds what an earlier daemon and its keeper left running.
    pub fn find_left(
        &self,
        starts: &BTreeMap<RunId, Start>,
        users: &BTreeSet<u32>,
    ) -> BTreeMap<RunId, Left> {
        left::find(&self.mark, self.groups.as_ref(), starts, users)
    }

    /// Ends the control groups of runs that nobody knows, with whatever is in them.
    pub fn end_other_groups(&self, is_known: impl Fn(RunId) -> bool) {
        if let Some(groups) = &self.groups {
            groups.end_others(is_known);
        }
    }

    /// Takes control groups away that were made for runs that never came.
    pub fn remove_unused_groups(&self) {
        self.end_other_groups(|run| self.contains(run));
    }

    /// Takes the folder of all control groups away.
    pub fn remove_groups(&self) {
        if let Some(groups) = &self.groups {
            groups.remove_base();
        }
    }

    /// Whether a run's control group has any process in it, for a run that is not known yet.
    pub fn is_group_populated(&self, run: RunId) -> bool {
        self.groups.as_ref().is_some_and(|groups| groups.is_populated(run))
    }
}
