//! Taking up what a predecessor left.

use std::path::Path;

use ostler_keeper::failpoint::hit;

use super::Daemon;
use crate::guard::Left;
use crate::keeper::{LOCK, SWEPT};
use crate::model::State;
use crate::takeover::{Inventory, OnDisk};
use crate::{daemon_log, guard, state_file};

impl Daemon {
    /// Takes up everything that a predecessor left: in the keeper, or, where the keeper died too,
    /// in the state file and among the processes of this machine. `swept`: what an earlier keeper
    /// left was looked for. `listed`: this keeper has a list of starts.
    pub(crate) fn take_over(&mut self, mut inventory: Inventory, swept: bool, listed: bool) {
        let mut had_state = false;
        let state = self.state.read(|problem| {
            had_state = true;
            daemon_log::error(problem);
        });
        had_state |= state.is_some();
        let state =
            if swept { state } else { self.look_for_orphans(state, had_state, &mut inventory) };
        let state = state.unwrap_or_else(|| State::empty(state_file::boot_id()));
        let (connections, guards) = guard::recover(&mut inventory.items, self.node.ledger());
        for name in guards {
            self.keeper.forget(name);
        }
        self.on_log_events();
        if state.procs.is_empty() && inventory.runs.is_empty() && inventory.unknown.is_empty() {
            self.logs.engine().resumed();
            self.driver().give_recovered(connections);
            self.model.recover(state, &[]);
            inventory.forget(&mut self.keeper);
        } else {
            self.take_up(state, inventory, connections);
        }
        if swept && listed {
            self.keeper.keep_starts();
        } else {
            self.driver().write_starts();
        }
    }

    /// Adopts what runs though keeper and daemon were killed. Without a saved state, one is made of
    /// it. `had_state`: there were files of one, whether they can be read or not.
    fn look_for_orphans(
        &mut self,
        state: Option<State>,
        had_state: bool,
        inventory: &mut Inventory,
    ) -> Option<State> {
        let starts = self.keeper.read_starts();
        let state = if had_state || !starts.runs.is_empty() {
            let unreadable = state.is_none();
            let saved = if unreadable { self.saver.peek() } else { Vec::new() };
            let broken = self.state.was_broken();
            let disk = OnDisk { state, starts, saved, broken };
            let known = self.driver().adopt_orphans(disk, inventory);
            if unreadable && (broken || !known.procs.is_empty()) {
                let running = known.procs.iter().filter(|proc| proc.up).count();
                let count = (running, known.procs.len() - running);
                self.model.announce(recovered(&self.config.home, count));
            }
            Some(known)
        } else {
            state
        };
        self.keeper.set_meta(LOCK.to_owned(), SWEPT.to_vec());
        state
    }

    /// First what is to be read and heard of, then the machine, then what it decides.
    fn take_up(&mut self, state: State, mut inventory: Inventory, connections: Vec<Left>) {
        let found = std::mem::take(&mut inventory.runs);
        let for_model: Vec<_> = found.iter().map(|(run, found)| found.for_model(*run)).collect();
        self.model.recover(state, &for_model);
        hit("takeover.recovered");
        self.driver().restore_primary(&found, &mut inventory.items);
        let begun: Vec<_> = found.values().filter_map(|found| found.next).collect();
        let crashed = found
            .values()
            .any(|found| 0 < found.meta.counters.restarts.max(found.meta.counters.unstable));
        let mut dead = Vec::new();
        for (run, found) in found {
            dead.extend(self.driver().take_up_run(run, found));
        }
        self.driver().give_recovered(connections);
        // Now there is somebody to whom the connections of dead workers can go.
        for (run, exit) in dead {
            self.driver().on_found_dead(run, exit);
        }
        self.take_reports();
        self.on_log_events();
        self.logs.engine().resumed();
        inventory.forget(&mut self.keeper);
        self.driver().after_takeover();
        self.driver().take_up_begun(&begun);
        if crashed {
            self.runs.remove_unused_groups();
        }
        hit("takeover.after");
        daemon_log::log(format!(
            "New daemon (pid {}) took over {} processes, {} online",
            std::process::id(),
            self.model.registry().procs().len(),
            self.model.model().known().count_online()
        ));
    }
}

/// What the user is told of a state that was made of what runs and of what was saved.
fn recovered(home: &Path, (running, stopped): (usize, usize)) -> String {
    let what = match running {
        1 => "1 running process was",
        _ => &format!("{running} running processes were"),
    };
    let rest = match stopped {
        0 => "nothing that was saved is missing",
        1 => "1 process of the saved list does not run and is listed as stopped",
        _ => &format!("{stopped} processes of the saved list do not run and are listed as stopped"),
    };
    format!(
        "the manager was killed, and its state in `{}` could not be read: {what} recovered, \
         {rest}; what was stopped and not saved is not in the list any more; pm2.log says what \
         became of each",
        home.display()
    )
}
