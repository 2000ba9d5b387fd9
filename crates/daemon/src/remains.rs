//! What a dead run left behind: found, watched, and told when nothing of it is left.

use ostler_core::{Event, RunId};
use ostler_poll::Interest;
use rustix::fs::inotify::{self, WatchFlags};

use crate::daemon::Daemon;
use crate::logbook;
use crate::runs::{Run, Tree};
use crate::tokens::Source;
use crate::tree::{self, Held};

impl Daemon {
    /// Finds out whether descendants of a dead run are left, where that is cheap or asked for.
    pub fn look_at_tree(&mut self, run: RunId) {
        let Some(held) = self.runs.get(&run) else { return };
        let tree_kill = self
            .model
            .registry()
            .version(held.spec)
            .is_some_and(|version| version.spec.policy.tree_kill);
        match &self.groups {
            _ if !tree_kill => self.tree_gone(run),
            Some(_) if held.grouped => {
                if self.is_populated(run) {
                    self.ask_the_rest(run);
                    self.watch_group(run);
                } else {
                    self.tree_gone(run);
                }
            }
            // Without control groups a look costs a walk over all processes. After a crash that
            // walk must not delay the next run: the core asks for it by `Sweep`.
            _ if held.ending => self.watch_descendants(run),
            _ => {}
        }
    }

    /// Who was born while the others were asked to end, or has only its first process asked by a
    /// message, is told now.
    fn ask_the_rest(&mut self, run: RunId) {
        if self.runs.get(&run).is_some_and(|held| held.terminated) {
            let left = self.descendants_of(run);
            self.ask_to_end(run, &left);
        }
    }

    /// Whether any process is in the control group of a run.
    pub fn is_populated(&self, run: RunId) -> bool {
        match self.runs.get(&run).and_then(|held| held.events.as_ref()) {
            Some(events) => tree::is_populated(events),
            None => self.groups.as_ref().is_some_and(|groups| groups.is_populated(run)),
        }
    }

    fn watch_group(&mut self, run: RunId) {
        let Some(groups) = &self.groups else { return };
        let path = groups.path(run).join("cgroup.events");
        match inotify::add_watch(&*self.inotify, &path, WatchFlags::MODIFY) {
            Ok(watch) => _ = self.watches.insert(watch, run),
            Err(error) => {
                // Without the watch the deadlines of the machine ask again.
                logbook::error(format!("could not watch `{}`: {error}", path.display()));
            }
        }
        if let Some(held) = self.runs.get_mut(&run) {
            held.tree = Tree::Group;
        }
        // It may have become empty before the watch was there.
        if !self.is_populated(run) {
            self.tree_gone(run);
        }
    }

    /// A control group changed.
    pub fn on_inotify(&mut self) {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut changed = Vec::new();
        let mut reader = inotify::Reader::new(&*self.inotify, &mut buffer);
        while let Ok(event) = reader.next() {
            changed.extend(self.watches.get(&event.wd()).copied());
        }
        for run in changed {
            if !self.is_populated(run) {
                self.tree_gone(run);
            }
        }
    }

    fn watch_descendants(&mut self, run: RunId) {
        let Some(held) = self.runs.get(&run) else { return };
        let left = match tree::descendants(held.pid, &self.mark, run) {
            Ok(left) => left,
            Err(error) => {
                // Nobody knows, so it is not over; asked again a little later.
                logbook::error(format!("could not look for descendants of run {}: {error}", run.0));
                self.relook.insert(run);
                return self.retry_soon();
            }
        };
        if left.is_empty() {
            self.tree_gone(run);
            return;
        }
        if held.terminated {
            self.ask_to_end(run, &left);
        }
        let watch = |one: Held| {
            let pid = one.pid;
            let mut one = self.poll.unwatched(one, Source::Descendant(pid));
            if let Err(error) = one.set(Interest::READ.edge()) {
                logbook::error(format!("could not watch process {pid}: {error}"));
            }
            one
        };
        let left = left.into_iter().map(watch).collect();
        if let Some(held) = self.runs.get_mut(&run) {
            held.tree = Tree::Watched(left);
        }
    }

    /// A watched descendant ended.
    pub fn on_descendant(&mut self, pid: u32) {
        let watched = |run: &Run| matches!(&run.tree, Tree::Watched(list) if list.iter().any(|one| one.pid == pid));
        let Some(run) = self.runs.iter().find(|(_, run)| watched(run)).map(|(id, _)| *id) else {
            return;
        };
        let Some(held) = self.runs.get_mut(&run) else { return };
        let Tree::Watched(list) = &mut held.tree else { return };
        list.retain(|one| one.pid != pid);
        if list.is_empty() {
            // One of them may have left a child of its own behind.
            self.watch_descendants(run);
        }
    }

    pub fn tree_gone(&mut self, run: RunId) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        if matches!(held.tree, Tree::Gone) {
            return;
        }
        held.tree = Tree::Gone;
        self.watches.retain(|_, watched| *watched != run);
        if let Some(groups) = &self.groups {
            groups.remove(run);
        }
        self.model.report(Event::TreeGone(run));
        self.release(run);
    }
}
