//! What the daemon holds of each run: its process, its descriptors, how far its end has come.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

use ostler_core::{Exit, Millis, ProcId, Role, RunId, SeenRun, SpecId};
use ostler_poll::Watched;
use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::gauge::{Gauge, Usage};
use crate::tree::Held;

/// One run.
#[derive(Debug)]
pub struct Run {
    /// Of which slot.
    pub proc: ProcId,
    /// With which specification.
    pub spec: SpecId,
    /// Its process; 0 until the keeper says that it was spawned.
    pub pid: u32,
    /// When its process began, clock ticks after boot.
    pub start_time: u64,
    /// Its process, held fast.
    pub pidfd: Option<OwnedFd>,
    /// When it was asked for, on the monotonic clock.
    pub since: Millis,
    /// The same, ms since 1970.
    pub since_wall: u64,
    /// Our own copies of the read ends of its output, for a keeper that must be replaced.
    pub pipes: [Option<OwnedFd>; 2],
    /// Its IPC channel, while it is open.
    pub channel: Option<Channel>,
    /// The channel was closed by the application.
    pub disconnected: bool,
    /// A cluster worker.
    pub cluster: bool,
    /// It runs in a control group of its own.
    pub grouped: bool,
    /// What tells whether its control group is empty, when it is about to be asked.
    pub events: Option<OwnedFd>,
    /// It was asked to end, or is about to be.
    pub ending: bool,
    /// It was asked to end by us.
    pub terminated: bool,
    /// Descendants that were asked to end.
    pub asked: BTreeSet<u32>,
    /// It said `ready` or is taken as ready.
    pub ready: bool,
    /// Its listeners cover those of the run it replaces.
    pub covers: bool,
    /// How its first process ended.
    pub exit: Option<Exit>,
    /// The same, while the machine is not told of it yet.
    pub untold: Option<Exit>,
    /// What became of its descendants.
    pub tree: Tree,
    /// All its output is written.
    pub drained: bool,
    /// What to do once it is spawned, where it was asked for before.
    pub pending: Option<Pending>,
    /// Length of its error file when it began, to quote its last words and nobody else's.
    pub err_mark: u64,
    /// Its figures, opened at the first look.
    pub gauge: Option<Gauge>,
    /// CPU time at the last look, ns, and when that was.
    pub sample: (u64, Millis),
    /// CPU use between the last two looks, percent.
    pub cpu: f32,
    /// Health probing is under way.
    pub probing: bool,
}

/// What became of a run's descendants.
#[derive(Debug)]
pub enum Tree {
    /// Nobody looked yet.
    Unknown,
    /// These live; each is watched.
    Watched(Vec<Watched<Held>>),
    /// The control group tells when it is empty.
    Group,
    /// Nothing is left.
    Gone,
}

/// A request to a run that is not spawned yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    /// Ask it to end.
    Terminate,
    /// Force it.
    Kill,
}

/// What the keeper keeps with a run for the next daemon.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Meta {
    /// Slot.
    pub p: u32,
    /// Specification.
    pub s: u32,
    /// Role: 0 current, 1 candidate, 2 leaving.
    pub r: u8,
    /// Since, monotonic ms.
    pub t: u64,
    /// Since, ms since 1970.
    pub w: u64,
    /// Flags: 1 ready, 2 listening, 4 ending, 8 cluster, 16 grouped.
    pub f: u8,
    /// Restarts of the slot so far, and short runs in a row.
    pub n: (u32, u32),
    /// Length of the error file when it began.
    #[serde(default)]
    pub e: u64,
}

impl Run {
    /// A run about to be spawned.
    pub fn new(proc: ProcId, spec: SpecId, cluster: bool, now: Millis, wall: u64) -> Self {
        Self {
            proc,
            spec,
            pid: 0,
            start_time: 0,
            pidfd: None,
            since: now,
            since_wall: wall,
            pipes: [None, None],
            channel: None,
            disconnected: false,
            cluster,
            grouped: false,
            events: None,
            ending: false,
            terminated: false,
            asked: BTreeSet::new(),
            ready: false,
            covers: false,
            exit: None,
            untold: None,
            tree: Tree::Unknown,
            drained: false,
            pending: None,
            err_mark: 0,
            gauge: None,
            sample: (0, now),
            cpu: 0.0,
            probing: false,
        }
    }

    /// What its first process uses; `None` when none runs. The way to it stays open where there is
    /// room for that.
    pub fn usage(&mut self) -> Option<Usage> {
        let (Some(pidfd), None) = (&self.pidfd, self.exit) else { return None };
        if let Some(gauge) = &self.gauge {
            return gauge.read();
        }
        let gauge = Gauge::open(self.pid, pidfd)?;
        let usage = gauge.read();
        self.gauge = Some(gauge).filter(Gauge::may_stay);
        usage
    }

    /// Its first process has ended.
    pub fn end(&mut self, exit: Exit) {
        self.exit = Some(exit);
        self.pidfd = None;
        self.gauge = None;
    }

    /// What to keep with it.
    pub fn meta(&self, role: Role, listening: bool, counters: (u32, u32)) -> Meta {
        let flags = [self.ready, listening, self.ending, self.cluster, self.grouped];
        Meta {
            p: self.proc.0,
            s: self.spec.0,
            r: match role {
                Role::Current => 0,
                Role::Candidate => 1,
                Role::Leaving => 2,
            },
            t: self.since,
            w: self.since_wall,
            f: flags.iter().enumerate().map(|(bit, set)| u8::from(*set) << bit).sum(),
            n: counters,
            e: self.err_mark,
        }
    }
}

impl Meta {
    /// The bytes the keeper keeps.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether a flag is set.
    pub fn has(&self, bit: u8) -> bool {
        self.f & (1 << bit) != 0
    }

    /// For the core.
    pub fn seen(&self, run: RunId, exit: Option<Exit>) -> SeenRun {
        SeenRun {
            run,
            proc: ProcId(self.p),
            spec: SpecId(self.s),
            role: match self.r {
                0 => Role::Current,
                1 => Role::Candidate,
                _ => Role::Leaving,
            },
            since: self.t,
            ready: self.has(0),
            listening: self.has(1),
            ending: self.has(2),
            exit,
        }
    }
}
