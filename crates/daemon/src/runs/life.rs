//! How far a run has come, and what it has by then.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use ostler_core::{Exit, Millis};
use ostler_poll::Watched;

use super::channel::Channel;
use super::gauge::Gauge;
use super::proc::ProcessRef;
use super::tree::Tree;

/// How far a run has come.
#[derive(Debug)]
pub(super) enum Life {
    /// The keeper was asked for it.
    Asked {
        /// What is to be done as soon as it is there.
        then: Option<Pending>,
    },
    /// Its first process runs, as far as is known.
    Alive(Alive),
    /// Its first process has ended.
    Dead(Dead),
}

/// A request to a run that is not spawned yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    /// Ask it to end.
    Terminate,
    /// Kill it with its descendants.
    Kill,
}

/// What is known of the processes of a run, until nothing of it is left.
#[derive(Debug, Default)]
pub(super) struct Processes {
    /// The first one; 0 when it ended before its number was known.
    pub pid: u32,
    /// When that began, clock ticks after boot.
    pub start_time: u64,
    /// The read ends of its output, which the log engine shares, for a keeper that
    /// must be replaced.
    pub pipes: [Option<Arc<OwnedFd>>; 2],
    /// What tells whether its control group is empty, when it is about to be asked.
    pub events: Option<OwnedFd>,
    /// We have asked it to end.
    pub terminated: bool,
    /// Descendants that were asked to end.
    pub asked: BTreeSet<u32>,
}

/// What a live run has.
#[derive(Debug)]
pub(super) struct Alive {
    pub processes: Processes,
    /// Its first process; `None` for one that was found dead and is about to be told so.
    pub pidfd: Option<Arc<OwnedFd>>,
    /// Its IPC channel, while it is open.
    pub channel: Option<Channel>,
    /// Its figures, opened at the first look.
    pub gauge: Option<Box<Gauge>>,
    /// What its other processes use, where it has a memory limit.
    pub tree: Option<Box<Tree>>,
    /// CPU time at the last look, ns, and when that was.
    pub sample: (u64, Millis),
    /// CPU use between the last two looks, percent.
    pub cpu: f32,
    /// When it was last looked at to be shown.
    pub shown: Option<Millis>,
}

/// What a dead run leaves.
#[derive(Debug)]
pub(super) struct Dead {
    pub processes: Processes,
    pub exit: Exit,
    /// The machine was told of it.
    pub reported: bool,
    /// All its output is written.
    pub drained: bool,
    pub descendants: Descendants,
}

/// What became of a dead run's descendants.
#[derive(Debug)]
pub(super) enum Descendants {
    /// Nobody looked yet.
    Unknown,
    /// These live; each is watched.
    Watched(Vec<Watched<ProcessRef>>),
    /// The control group tells when it is empty.
    Group,
    /// Nothing is left.
    Gone,
}

impl Alive {
    pub(super) fn new(process: (u32, u64), pidfd: Option<Arc<OwnedFd>>, since: Millis) -> Self {
        let (pid, start_time) = process;
        let processes = Processes { pid, start_time, ..Processes::default() };
        Self {
            processes,
            pidfd,
            channel: None,
            gauge: None,
            tree: None,
            sample: (0, since),
            cpu: 0.0,
            shown: None,
        }
    }

    /// What its first process uses; `None` when none runs. The way to it stays open where there is
    /// room for that.
    pub(super) fn gauge<T>(&mut self, read: impl Fn(&Gauge) -> Option<T>) -> Option<T> {
        let pidfd = self.pidfd.as_ref()?;
        if let Some(gauge) = &self.gauge {
            return read(gauge);
        }
        let gauge = Gauge::open(self.processes.pid, pidfd)?;
        let value = read(&gauge);
        self.gauge = Some(gauge).filter(Gauge::may_stay).map(Box::new);
        value
    }
}
