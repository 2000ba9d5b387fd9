//! What the keeper held for us, asked for before the loop begins.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;

use ostler_core::{Exit, RunId};
use ostler_keeper::link::Link;
use ostler_keeper::proto::{FromKeeper, RunFds, ToKeeper, version};
use rustix::event::{PollFd, PollFlags, poll};

use super::room::Room;
use crate::exit::exit_of;
use crate::keeper::{Keeper, Welcome};
use crate::model::FoundRun;
use crate::runs::{self, Meta};
use crate::{clock, daemon_log};

/// A run in the keeper's inventory.
pub struct Found {
    /// Number of its process.
    pub pid: u32,
    /// When that began.
    pub start_time: u64,
    /// How it ended, if it did.
    pub exit: Option<Exit>,
    /// The prepared run that the keeper began when it ended.
    pub next: Option<RunId>,
    /// What was kept with it.
    pub meta: Meta,
    /// Descriptors of the run.
    pub fds: RunFds<OwnedFd>,
}

impl Found {
    /// What the model must know of it.
    pub fn for_model(&self, run: RunId) -> FoundRun {
        FoundRun {
            seen: self.meta.seen(run, self.exit, self.next),
            pid: self.pid,
            since: self.meta.since_wall,
            counters: self.meta.counters,
        }
    }

    /// Whether it came with what is needed of it. Without its pidfd it cannot be dealt with, for
    /// lack of room, and the keeper is asked again.
    pub fn is_whole(&self) -> bool {
        self.fds.pidfd.is_some() || self.exit.is_some()
    }
}

/// A run whose note is not understood.
pub(crate) struct Unknown {
    pub run: u64,
    pub pidfd: Option<OwnedFd>,
    /// What is wrong with the note.
    pub why: String,
}

impl Unknown {
    /// Kills its first process.
    pub fn end(&self) {
        let Self { run, pidfd, why } = self;
        daemon_log::error(format!(
            "the keeper holds run {run}, which is not understood ({why}): killed"
        ));
        if let Some(Err(error)) = pidfd.as_ref().map(|pidfd| runs::signal(pidfd, libc::SIGKILL)) {
            daemon_log::error(format!("could not kill it: {error}"));
        }
    }
}

/// What the keeper holds under a name: what was noted with it, and its descriptor.
pub(crate) type Items = BTreeMap<String, (Vec<u8>, OwnedFd)>;

/// Everything the keeper held for us.
#[derive(Default)]
pub(crate) struct Inventory {
    pub welcome: Welcome,
    pub runs: BTreeMap<RunId, Found>,
    pub items: Items,
    pub unknown: Vec<Unknown>,
}

impl Inventory {
    /// Lets the keeper close what nobody took up, such as the sockets of apps that are gone.
    pub(crate) fn forget(self, keeper: &mut Keeper) {
        for name in self.items.into_keys() {
            keeper.forget(name);
        }
        for unknown in self.unknown {
            unknown.end();
        }
    }
}

/// Asks the keeper for everything it holds, and waits for all of it.
pub(super) fn take_inventory(link: &mut Link, mut room: Room) -> io::Result<Inventory> {
    link.send(&ToKeeper::Hello { version: version() }, Vec::new())?;
    let mut inventory = Inventory::default();
    loop {
        match link.receive()? {
            Some((FromKeeper::InventoryEnd, _)) => {
                inventory.correct_begun();
                return Ok(inventory);
            }
            Some((message, mut fds)) => {
                if !room.has_spare(link, &fds) && !room.make_for(&message) {
                    // Told without them: they are asked for again, when there is room.
                    fds.clear();
                }
                inventory.take(message, fds);
            }
            None => {
                let written = link.flush()?;
                let interest = if written { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
                poll(&mut [PollFd::new(link, interest)], None)?;
            }
        }
    }
}

impl Inventory {
    /// Says of runs that the keeper began by itself when that was: they are noted as of when
    /// they were prepared.
    fn correct_begun(&mut self) {
        for run in self.runs.values().filter_map(|found| found.next).collect::<Vec<_>>() {
            let Some(found) = self.runs.get_mut(&run) else { continue };
            let late = clock::of_ticks(found.start_time).saturating_sub(found.meta.since);
            found.meta.since += late;
            found.meta.since_wall += late;
        }
    }

    fn take(&mut self, message: FromKeeper, fds: Vec<OwnedFd>) {
        match message {
            FromKeeper::Welcome { version, pid, nofile, .. } => {
                self.welcome = Welcome { version, pid, nofile };
            }
            FromKeeper::Run { run, pid, start_time, status, meta, mask, next } => {
                let fds = RunFds::from_list(mask, fds).unwrap_or_default();
                match Meta::from_bytes(&meta) {
                    Ok(meta) => {
                        let exit = status.map(exit_of);
                        let next = next.map(RunId);
                        let found = Found { pid, start_time, exit, next, meta, fds };
                        self.runs.insert(RunId(run), found);
                    }
                    Err(why) => self.unknown.push(Unknown { run, pidfd: fds.pidfd, why }),
                }
            }
            FromKeeper::Item { name, meta } => {
                if let Some(fd) = fds.into_iter().next() {
                    self.items.insert(name, (meta, fd));
                }
            }
            FromKeeper::Exited { run, status, next } => {
                if let Some(found) = self.runs.get_mut(&RunId(run)) {
                    (found.exit, found.next) = (Some(exit_of(status)), next.map(RunId));
                }
            }
            // It is asked again.
            FromKeeper::Ping
            | FromKeeper::InventoryEnd
            | FromKeeper::Spawned { .. }
            | FromKeeper::SpawnFailed { .. }
            | FromKeeper::Refused { .. }
            | FromKeeper::UpgradeFailed { .. }
            | FromKeeper::Synced { .. } => {}
        }
    }
}
