//! A run that the keeper held for a daemon that begins, with its descriptors.

use std::os::fd::OwnedFd;

use ostler_core::{Exit, ProcId, RunId, SpecId};
use ostler_keeper::proto::RunFds;

use crate::daemon::Daemon;
use crate::model::FoundRun;
use crate::runs::{Meta, Run};

/// A run in the keeper's inventory.
pub struct Found {
    /// Process of the run.
    pub pid: u32,
    /// When that began.
    pub start_time: u64,
    /// How it ended, if it did.
    pub exit: Option<Exit>,
    /// What was kept with it.
    pub meta: Meta,
    /// Descriptors of the run.
    pub fds: RunFds<OwnedFd>,
}

impl Found {
    /// What the model must know of it.
    pub fn for_model(&self, run: RunId) -> FoundRun {
        FoundRun {
            seen: self.meta.seen(run, self.exit),
            pid: self.known_pid(),
            since: self.meta.w,
            counters: self.meta.n,
        }
    }

    /// Without its pidfd a run is as good as not begun: there was no room, the keeper is asked
    /// again.
    fn known_pid(&self) -> u32 {
        if self.fds.pidfd.is_some() || self.exit.is_some() { self.pid } else { 0 }
    }
}

impl Daemon {
    /// Takes a found run's descriptors in.
    pub fn take_up_run(&mut self, run: RunId, found: Found) -> Option<(RunId, Exit)> {
        let pid = found.known_pid();
        let Found { start_time, exit, meta, fds, .. } = found;
        let mut held = Run::new(ProcId(meta.p), SpecId(meta.s), meta.has(3), meta.t, meta.w);
        held.pid = pid;
        held.start_time = start_time;
        held.grouped = meta.has(4);
        held.ending = meta.has(2);
        held.ready = meta.has(0);
        held.err_mark = meta.e;
        self.runs.insert(run, held);
        self.take_fds(run, fds);
        if pid == 0 {
            self.fetch_again(run);
        }
        exit.map(|exit| (run, exit))
    }
}
