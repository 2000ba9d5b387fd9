//! Asking a run to end, and forcing it.

use std::os::fd::OwnedFd;

use ostler_core::RunId;

use super::Runs;
use super::proc::{self, ProcessRef, signal};
use super::run::{Alive, Life, Pending, Run};
use crate::logbook;
use crate::reports::Reports;

impl Runs {
    /// The run is about to be asked to end. `false`: that was known, or nobody knows it.
    pub fn mark_ending(&mut self, run: RunId) -> bool {
        self.get_mut(run).is_some_and(|held| !std::mem::replace(&mut held.ending, true))
    }

    /// Whether a run is asked to end by a message over its channel, which is open.
    pub fn stops_by_message(&self, run: RunId) -> bool {
        let Some(held) = self.get(run) else { return false };
        let wanted = held.settings.as_ref().is_some_and(|spec| spec.policy.stop_by_message);
        wanted && matches!(&held.life, Life::Alive(alive) if alive.channel.is_some())
    }

    /// Asks a run to end, and its descendants. `by_message`: it was asked over its channel, and the
    /// first process gets no signal.
    pub fn terminate(&mut self, run: RunId, by_message: bool) {
        let Some(held) = self.all.get_mut(&run) else { return };
        if let Life::Asked { then } = &mut held.life {
            then.get_or_insert(Pending::Terminate);
            return;
        }
        let Some(settings) = &held.settings else { return };
        let (number, tree_kill) = (settings.policy.stop_signal, settings.policy.tree_kill);
        if let Some(processes) = held.processes_mut() {
            processes.terminated = true;
        }
        if by_message {
            return;
        }
        let below = if tree_kill { self.descendants_of(run) } else { Vec::new() };
        // The first process first: the other way round it would see its children die, and might
        // replace them.
        self.signal_first(run, number);
        self.ask_to_end(run, &below);
    }

    fn signal_first(&self, run: RunId, number: i32) {
        if let Some(Life::Alive(Alive { pidfd: Some(pidfd), processes, .. })) =
            self.all.get(&run).map(|held| &held.life)
        {
            send(pidfd, number, processes.pid);
        }
    }

    /// Asks those descendants to end that were not asked before.
    pub(super) fn ask_to_end(&mut self, run: RunId, descendants: &[ProcessRef]) {
        let Some(held) = self.all.get_mut(&run) else { return };
        let Some(number) = held.settings.as_ref().map(|spec| spec.policy.stop_signal) else {
            return;
        };
        let Some(processes) = held.processes_mut() else { return };
        for one in descendants {
            if processes.asked.insert(one.pid) {
                send(&one.fd, number, one.pid);
            }
        }
    }

    /// Kills a run with its descendants.
    pub fn kill(&mut self, run: RunId, reports: &mut Reports) {
        let Some(held) = self.all.get_mut(&run) else { return };
        if let Life::Asked { then } = &mut held.life {
            *then = Some(Pending::Kill);
            return;
        }
        let tree_kill = held.settings.as_ref().is_none_or(|spec| spec.policy.tree_kill);
        let (grouped, dead) = (held.grouped, held.is_dead());
        match &self.groups {
            Some(groups) if grouped && tree_kill => {
                if let Err(error) = groups.kill(run) {
                    logbook::error(format!(
                        "could not kill the control group of run {}: {error}",
                        run.0
                    ));
                }
            }
            _ if tree_kill => {
                for one in self.descendants_of(run) {
                    send(&one.fd, libc::SIGKILL, one.pid);
                }
            }
            _ => {}
        }
        self.signal_first(run, libc::SIGKILL);
        if dead {
            self.look_for_orphans(run, reports);
        }
    }

    /// Whether a dead run left something that is to be ended.
    pub fn has_orphans(&self, run: RunId) -> bool {
        let Some(held) = self.get(run) else { return false };
        let empty = held.grouped && !self.is_populated(run);
        held.is_dead() && !empty && !held.waits_for_output()
    }

    pub(super) fn descendants_of(&self, run: RunId) -> Vec<ProcessRef> {
        let Some(held) = self.get(run) else { return Vec::new() };
        match &self.groups {
            Some(groups) if held.grouped => {
                // A lone process, which most are, needs no walk.
                let members = groups.members(run);
                if members.iter().all(|pid| *pid == held.pid()) {
                    return Vec::new();
                }
                groups.hold_members(run, held.pid())
            }
            _ => self.walk(run, held).unwrap_or_else(|error| {
                logbook::error(format!("could not look for descendants of run {}: {error}", run.0));
                Vec::new()
            }),
        }
    }

    pub(super) fn walk(&self, run: RunId, held: &Run) -> std::io::Result<Vec<ProcessRef>> {
        proc::descendants(held.pid(), &self.mark, run)
    }
}

fn send(pidfd: &OwnedFd, number: i32, pid: u32) {
    if let Err(error) = signal(pidfd, number) {
        logbook::error(format!("could not signal process {pid}: {error}"));
    }
}
