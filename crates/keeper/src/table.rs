//! What the keeper holds: runs with their descriptors and ends, and descriptors under names.
//!
//! A daemon that begins must learn all of it, whatever the one before it had read; so an end is
//! never handed over and forgotten, it stays until it is released, and "was it told to this
//! daemon?" is a separate fact.
//!
//! # Invariants
//! - A run that ended stays, with its status and descriptors,
//!   until released (`an_end_stays_until_it_is_released`).
//! - A refused request changes nothing (`what_is_refused_changes_nothing`).
//! - The table is bounded (`the_table_is_bounded`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::proto::{ExitStatus, MAX_META, RunFd, RunFds, SpawnStage};

/// A descriptor of the table; a message that waits to be sent shares it, so that sending needs
/// no new descriptor.
pub type Fd = Arc<OwnedFd>;

/// Most runs, and most named descriptors.
pub const MAX_ENTRIES: usize = 1 << 16;

/// Most bytes of metadata in all.
pub const MAX_TOTAL_META: usize = 64 << 20;

/// Whether a run is alive, and who its parent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// Our child: its end comes from `waitpid`. No pidfd of it is kept, since its number cannot
    /// be another's before that.
    Child,
    /// A child of an earlier keeper: its end comes from its pidfd.
    Adopted,
    /// It ended like this.
    Ended(ExitStatus),
}

/// One life of a process.
#[derive(Debug)]
pub struct Run {
    /// Its process's pid.
    pub pid: u32,
    /// When the process started, in clock ticks after boot.
    pub start_time: u64,
    /// Whether it is alive.
    pub liveness: Liveness,
    /// The daemon's bytes.
    pub meta: Vec<u8>,
    /// What was started when it ended.
    pub next: Option<Next>,
    /// The descriptors that belong to it.
    pub fds: RunFds<Fd>,
}

/// A run that was prepared for the end of another, and started then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// The number of the run.
    pub run: u64,
    /// Why it could not begin, if so; a keeper that takes over by an upgrade does not know.
    pub failed: Option<(SpawnStage, i32)>,
}

impl Run {
    /// Returns how it ended, when it did.
    pub fn status(&self) -> Option<ExitStatus> {
        match self.liveness {
            Liveness::Child | Liveness::Adopted => None,
            Liveness::Ended(status) => Some(status),
        }
    }
}

/// A descriptor under a name.
#[derive(Debug)]
pub struct Item {
    /// The daemon's bytes.
    pub meta: Vec<u8>,
    /// The descriptor itself.
    pub fd: Fd,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such run.
    UnknownRun,
    /// The run is alive.
    RunAlive,
    /// Another process has the run's number.
    RunTaken,
    /// There is no such name.
    UnknownName,
    /// The metadata is over [`MAX_META`], or all of it over [`MAX_TOTAL_META`].
    MetaTooLong,
    /// There are [`MAX_ENTRIES`] already.
    Full,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownRun => "there is no such run",
            Self::RunAlive => "the run is alive",
            Self::RunTaken => "another process has this run's number",
            Self::UnknownName => "there is no descriptor of this name",
            Self::MetaTooLong => "the metadata is too long",
            Self::Full => "the table is full",
        })
    }
}

impl std::error::Error for Refusal {}

/// All that the keeper holds.
#[derive(Debug, Default)]
pub struct Table {
    runs: BTreeMap<u64, Run>,
    alive: BTreeMap<u32, u64>,
    items: BTreeMap<String, Item>,
    unreported: BTreeSet<u64>,
    meta_bytes: usize,
}

impl Table {
    /// Checks whether another run with this much metadata has room.
    pub fn check_room(&self, meta: &[u8]) -> Result<(), Refusal> {
        if self.runs.len() >= MAX_ENTRIES {
            return Err(Refusal::Full);
        }
        self.check_meta(0, meta)
    }

    /// Adds a run. One of the same number must not be there, as [`get`](Self::get) tells.
    pub fn insert(&mut self, run: u64, entry: Run) -> Result<(), Refusal> {
        self.check_room(&entry.meta)?;
        if self.runs.contains_key(&run) {
            return Err(Refusal::RunTaken);
        }
        self.meta_bytes += entry.meta.len();
        match entry.liveness {
            Liveness::Child | Liveness::Adopted => {
                self.alive.insert(entry.pid, run);
            }
            Liveness::Ended(_) => {
                self.unreported.insert(run);
            }
        }
        self.runs.insert(run, entry);
        Ok(())
    }

    /// Returns the run of this number.
    pub fn get(&self, run: u64) -> Option<&Run> {
        self.runs.get(&run)
    }

    /// Returns the run that is alive in this process.
    pub fn run_of_pid(&self, pid: u32) -> Option<u64> {
        self.alive.get(&pid).copied()
    }

    /// Takes the run that is alive in this process, which was reaped: its number may belong to
    /// another process from now on.
    pub fn take_pid(&mut self, pid: u32) -> Option<u64> {
        self.alive.remove(&pid)
    }

    /// Notes an end, and what was started upon it. The pidfd is closed; the pipes keep what is
    /// unread in them.
    pub fn end(&mut self, run: u64, status: ExitStatus, next: Option<Next>) {
        if let Some(entry) = self.runs.get_mut(&run)
            && entry.status().is_none()
        {
            entry.liveness = Liveness::Ended(status);
            entry.next = next;
            entry.fds.pidfd = None;
            // A new run may have the pid already.
            if self.alive.get(&entry.pid) == Some(&run) {
                self.alive.remove(&entry.pid);
            }
            self.unreported.insert(run);
        }
    }

    /// Forgets a run that ended; an unknown one is forgotten already.
    pub fn release(&mut self, run: u64) -> Result<(), Refusal> {
        match self.runs.get(&run).map(|entry| entry.liveness) {
            Some(Liveness::Child | Liveness::Adopted) => Err(Refusal::RunAlive),
            Some(Liveness::Ended(_)) => {
                if let Some(entry) = self.runs.remove(&run) {
                    self.meta_bytes -= entry.meta.len();
                }
                self.unreported.remove(&run);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Drops a descriptor of a run.
    pub fn close_fd(&mut self, run: u64, which: RunFd) -> Result<(), Refusal> {
        let entry = self.runs.get_mut(&run).ok_or(Refusal::UnknownRun)?;
        *entry.fds.get_mut(which) = None;
        Ok(())
    }

    /// Replaces a run's metadata.
    pub fn set_run_meta(&mut self, run: u64, meta: Vec<u8>) -> Result<(), Refusal> {
        let old = self.runs.get(&run).ok_or(Refusal::UnknownRun)?.meta.len();
        self.check_meta(old, &meta)?;
        self.meta_bytes = self.meta_bytes - old + meta.len();
        if let Some(entry) = self.runs.get_mut(&run) {
            entry.meta = meta;
        }
        Ok(())
    }

    /// Keeps a descriptor under a name, in place of what had it.
    pub fn put(&mut self, name: String, meta: Vec<u8>, fd: Fd) -> Result<(), Refusal> {
        let old = self.items.get(&name).map(|item| item.meta.len());
        if old.is_none() && self.items.len() >= MAX_ENTRIES {
            return Err(Refusal::Full);
        }
        self.check_meta(old.unwrap_or(0), &meta)?;
        self.meta_bytes = self.meta_bytes - old.unwrap_or(0) + meta.len();
        self.items.insert(name, Item { meta, fd });
        Ok(())
    }

    /// Replaces the metadata of a named descriptor.
    pub fn set_meta(&mut self, name: &str, meta: Vec<u8>) -> Result<(), Refusal> {
        let old = self.items.get(name).ok_or(Refusal::UnknownName)?.meta.len();
        self.check_meta(old, &meta)?;
        self.meta_bytes = self.meta_bytes - old + meta.len();
        if let Some(item) = self.items.get_mut(name) {
            item.meta = meta;
        }
        Ok(())
    }

    /// Drops a named descriptor, if there is one.
    pub fn del(&mut self, name: &str) {
        if let Some(item) = self.items.remove(name) {
            self.meta_bytes -= item.meta.len();
        }
    }

    /// Returns all runs, by number.
    pub fn runs(&self) -> impl ExactSizeIterator<Item = (u64, &Run)> {
        self.runs.iter().map(|(run, entry)| (*run, entry))
    }

    /// Returns all named descriptors, by name.
    pub fn items(&self) -> impl ExactSizeIterator<Item = (&str, &Item)> {
        self.items.iter().map(|(name, item)| (name.as_str(), item))
    }

    /// Returns the descriptor of this name.
    pub fn item(&self, name: &str) -> Option<&Item> {
        self.items.get(name)
    }

    /// Returns the first run after that one.
    pub fn run_after(&self, run: Option<u64>) -> Option<(u64, &Run)> {
        let from = run.map_or(Bound::Unbounded, Bound::Excluded);
        self.runs.range((from, Bound::Unbounded)).next().map(|(run, entry)| (*run, entry))
    }

    /// Returns the first named descriptor after that one.
    pub fn item_after(&self, name: Option<&str>) -> Option<(&str, &Item)> {
        let from = name.map_or(Bound::Unbounded, Bound::Excluded);
        self.items
            .range::<str, _>((from, Bound::Unbounded))
            .next()
            .map(|(name, item)| (name.as_str(), item))
    }

    /// Notes that all ends so far will be told with the inventory.
    pub fn expect_inventory(&mut self) {
        self.unreported.clear();
    }

    /// Notes that the run was told as it is.
    pub fn mark_reported(&mut self, run: u64) {
        self.unreported.remove(&run);
    }

    /// Notes that the end of the run could not be told.
    pub fn mark_unreported(&mut self, run: u64) {
        self.unreported.insert(run);
    }

    /// Returns whether the end of the run is still to be told to this daemon.
    pub fn is_unreported(&self, run: u64) -> bool {
        self.unreported.contains(&run)
    }

    /// Takes an end that was not told to this daemon.
    pub fn take_unreported(&mut self) -> Option<(u64, ExitStatus, Option<Next>)> {
        while let Some(run) = self.unreported.pop_first() {
            if let Some(entry) = self.runs.get(&run)
                && let Some(status) = entry.status()
            {
                return Some((run, status, entry.next));
            }
        }
        None
    }

    fn check_meta(&self, old: usize, new: &[u8]) -> Result<(), Refusal> {
        if new.len() > MAX_META || self.meta_bytes - old + new.len() > MAX_TOTAL_META {
            return Err(Refusal::MetaTooLong);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
