//! The runs, for a keeper in place of one that died.

use std::collections::BTreeSet;

use ostler_core::RunId;

use super::Driver;
use crate::daemon_log;
use crate::from_thread::FromThread;
use crate::keeper::{LOCK, SWEPT};
use crate::mailbox::Sender;
use crate::runs::Run;
use crate::starts::{Line, SpecLine};

impl Driver<'_> {
    /// Writes the list of starts anew, where that is due.
    pub(crate) fn shorten_starts(&mut self) {
        // What the keeper was asked for it may add meanwhile, to the file that it has.
        if self.keeper.has_long_starts() && self.runs.iter().all(|(_, held)| !held.is_asked()) {
            self.write_starts();
        }
    }

    /// Writes the list of starts, where that has failed.
    pub(crate) fn give_starts(&mut self) {
        if self.keeper.lacks_starts() {
            self.write_starts();
        }
    }

    /// Writes the list of starts anew if that of a predecessor is kept: something is to be added.
    pub(crate) fn renew_starts(&mut self) {
        if self.keeper.starts_due().is_some() {
            self.write_starts();
        }
    }

    /// Writes the list of starts anew, with the runs that there are.
    pub(crate) fn write_starts(&mut self) {
        let known = self.runs.iter().filter_map(|(run, held)| Some((run, held.process()?)));
        let lines: Vec<Line> =
            known.map(|(run, process)| (run, process, self.meta_of_run(run))).collect();
        let versions = self.model.registry().versions();
        let specs: Vec<SpecLine> =
            versions.filter_map(|(id, version)| Some((id, version.record()?))).collect();
        self.keeper.write_starts(&lines, &specs);
    }

    /// Gives the keeper all runs to hold.
    pub(crate) fn give_runs(&mut self) {
        for (run, held) in self.runs.iter() {
            if let Some(adoption) = held.adoption() {
                let meta = self.meta_of_run(run);
                self.keeper.adopt(run, meta, adoption);
            }
        }
    }

    /// Starts that a dead keeper left open. Nobody knows how far it came: what it began dies first,
    /// also what it was to begin by itself. Until the next crash there is nothing prepared.
    pub(crate) fn spawn_again(&mut self) {
        // A dead keeper may have noted what it has not told.
        let starts = self.keeper.read_starts();
        self.write_starts();
        // It may have begun what it was told to, and not have said so.
        let prepared = self.runs.drop_next();
        let asked: Vec<RunId> =
            self.runs.iter().filter(|(_, held)| held.is_asked()).map(|(run, _)| run).collect();
        if asked.is_empty() && prepared.is_empty() {
            return;
        }
        let registry = self.model.registry();
        let of_asked = asked.iter().filter_map(|run| Some(self.runs.get(*run)?.spec));
        let specs = of_asked.chain(prepared.values().copied());
        let users = specs.filter_map(|spec| registry.version(spec)?.spec.uid);
        let own = rustix::process::geteuid().as_raw();
        let users: BTreeSet<u32> = users.chain([own]).collect();
        let open = asked.into_iter().chain(prepared.into_keys()).collect();
        self.runs.want_cleared(open, starts.runs, users);
        self.clear();
    }

    /// Ends in a helper thread what a dead keeper had begun, if that is to be done now.
    fn clear(&mut self) {
        let Some(clearing) = self.runs.begin_clearing() else { return };
        let of_thread = clearing.clone();
        let work = move |sender: &Sender<FromThread>| {
            sender.send(FromThread::Cleared(of_thread.carry_out()));
        };
        if let Err(error) = self.mailbox.start("clear", work) {
            daemon_log::error(format!("no thread to end what a dead keeper had begun: {error}"));
            self.on_cleared(clearing.carry_out());
        }
    }

    /// What a dead keeper had begun of these runs is gone: those that are still waited for are
    /// asked for again.
    pub(crate) fn on_cleared(&mut self, runs: BTreeSet<RunId>) {
        // Where another keeper has died meanwhile, what that one had begun is to go first.
        let Some(runs) = self.runs.end_clearing(runs) else { return self.clear() };
        for run in runs {
            match self.runs.get(run).map(Run::is_asked) {
                Some(true) => {
                    self.runs.renew_group(run);
                    self.send_spawn(run);
                }
                Some(false) => {}
                None => self.runs.drop_group(run),
            }
        }
        // Whoever comes after us need not look for it again.
        if self.keeper.has_all() {
            self.keeper.set_meta(LOCK.to_owned(), SWEPT.to_vec());
        }
    }
}
