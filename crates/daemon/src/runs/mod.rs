//! Runs: what the daemon holds of each, from the request for it until nothing of it is left.

mod beginning;
mod by_message;
mod cgroup;
mod channel;
mod clearing;
mod connections;
mod ending;
mod gauge;
mod group_limits;
mod input;
mod last;
mod left;
mod life;
mod marks;
mod memory;
mod messages;
mod meta;
mod next;
mod oom;
mod open_starts;
mod orphans;
mod proc;
mod retries;
mod run;
mod secrets;
mod sender;
mod shortage;
mod shown;
mod startup_priority;
mod stat;
mod stderr;
mod tree;
mod unknown;
mod walk;
mod walking;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use ostler_core::{Exit, Millis, ProcId, Role, RunId};
use ostler_keeper::proto::RunFd;
use ostler_logs::Stream;
use ostler_poll::{Interest, Poll, Watched};
use rustix::fs::inotify;

use crate::budget::{Budget, Capacity, Full};
use crate::environment::Prepared;
use crate::model::{Counters, Input, Usage};
use crate::reports::{Report, Reports};
use crate::tokens::Polled;
use cgroup::Groups;
use clearing::Clearings;
use last::Ends;
use oom::OomKills;
use retries::Retries;
use startup_priority::StartupPriority;
use unknown::Unknown;
use walk::Walks;

pub use by_message::kills_by_message;
pub use channel::{Channel, Seen, SendError};
pub use input::InputError;
pub use left::Left;
pub use life::Pending;
pub use marks::RUN_VARIABLE;
pub use meta::Meta;
pub use proc::{ProcessRef, end_orphans, signal};
use run::Next;
pub use run::{Adoption, NewRun, Run};
pub use secrets::Secrets;
pub use shown::Shown;
pub use stat::Stat;
pub use stderr::log_lengths;
pub use walk::Walked;

/// All runs, and what is done for them.
pub struct Runs {
    all: BTreeMap<RunId, Run>,
    /// What was made ready for the next runs of slots whose runs crash.
    prepared: BTreeMap<ProcId, Prepared>,
    /// What runs that are about to begin are given in secret.
    secrets: BTreeMap<RunId, Secrets>,
    /// Runs that the keeper begins by itself, if at all, when others end.
    next: BTreeMap<RunId, Next>,
    /// Runs that ended in this round, whose cleanup is deferred until their
    /// successors were started.
    exited: Vec<RunId>,
    /// The last run of each slot that has ended.
    ends: Ends,
    /// The place of the last run of each slot whose end was told.
    told: BTreeMap<ProcId, RunId>,
    /// What failed for lack of file descriptors.
    retries: Retries,
    /// What the keeper began and nobody knows.
    unknown: Unknown,
    /// Runs whose descendants are looked for by a walk over all processes.
    walks: Walks,
    /// What dead keepers had begun and is to go.
    clearings: Clearings,
    groups: Option<Groups>,
    /// Tells when control groups are empty.
    inotify: Watched<OwnedFd>,
    /// Whose control group a watch is on.
    watches: BTreeMap<i32, RunId>,
    /// When output that cannot be written is not waited for any more, at the end of everything.
    output_by: Option<Millis>,
    oom_kills: OomKills,
    /// Marks processes of this home in their environment.
    mark: String,
    priority: StartupPriority,
    /// The daemon was started in an environment that says so for all apps.
    kills_by_message: bool,
    poll: Rc<Poll<Polled>>,
}

impl Runs {
    /// No run yet, of the home that this mark stands for.
    ///
    /// # Errors
    /// Out of file descriptors, or nobody can tell whether there are control groups.
    pub fn new(mark: String, poll: Rc<Poll<Polled>>) -> io::Result<Self> {
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        let inotify = poll.watch(inotify::init(flags)?, Polled::Inotify, Interest::READ.edge())?;
        Ok(Self {
            all: BTreeMap::new(),
            prepared: BTreeMap::new(),
            secrets: BTreeMap::new(),
            next: BTreeMap::new(),
            exited: Vec::new(),
            ends: Ends::default(),
            told: BTreeMap::new(),
            retries: Retries::default(),
            unknown: Unknown::default(),
            walks: Walks::default(),
            clearings: Clearings::default(),
            groups: Groups::find(&mark)?,
            inotify,
            watches: BTreeMap::new(),
            output_by: None,
            oom_kills: OomKills::new(),
            mark,
            priority: StartupPriority::default(),
            kills_by_message: kills_by_message(),
            poll,
        })
    }

    /// Whether a run that ended so was ended by the kernel for want of memory, which is asked once
    /// for each end.
    pub fn is_out_of_memory(&mut self, run: RunId, exit: Exit) -> bool {
        if !matches!(exit, Exit::Signal { number: libc::SIGKILL, .. }) {
            return false;
        }
        let pid = self.first_process(run);
        // Where its group has a limit of its own, that counts for it alone.
        let in_group = self.count_group_kills(run).is_some_and(|kills| 0 < kills);
        self.oom_kills.ended(pid, in_group)
    }

    /// Returns a run.
    pub fn get(&self, run: RunId) -> Option<&Run> {
        self.all.get(&run)
    }

    /// Returns a run, to change what is known of it.
    pub fn get_mut(&mut self, run: RunId) -> Option<&mut Run> {
        self.all.get_mut(&run)
    }

    /// Returns all runs, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (RunId, &Run)> {
        self.all.iter().map(|(id, run)| (*id, run))
    }

    /// Whether the run is known.
    pub fn contains(&self, run: RunId) -> bool {
        self.all.contains_key(&run)
    }

    /// Finds out whether there are descriptors for another run of a slot. What is open to save
    /// time makes room.
    ///
    /// # Errors
    /// There are none.
    pub fn check_room(&mut self, of: ProcId, listeners: usize) -> Result<(), Full> {
        self.check_budget(self.budget(Some(of), listeners))
    }

    /// Finds out whether there are descriptors for so many listening sockets.
    ///
    /// # Errors
    /// There are none.
    pub fn check_listeners(&mut self, listeners: usize) -> Result<(), Full> {
        self.check_budget(self.budget(None, listeners))
    }

    fn check_budget(&mut self, budget: Budget) -> Result<(), Full> {
        budget.check().or_else(|_| {
            self.all.values_mut().for_each(Run::close_caches);
            Budget { caches: 0, ..budget }.check()
        })
    }

    /// What descriptors are needed for, with another run of this slot.
    fn budget(&self, of: Option<ProcId>, listeners: usize) -> Budget {
        let alive = || self.all.values().filter(|held| !held.is_dead());
        let slots: BTreeSet<ProcId> = alive().map(|held| held.proc).chain(of).collect();
        let runs = alive().count() + usize::from(of.is_some());
        Budget {
            limit: Capacity::now(listeners).limit,
            slots: slots.len(),
            extras: runs.saturating_sub(slots.len()),
            listeners,
            caches: self.all.values().map(Run::count_caches).sum(),
        }
    }

    /// Lets those that serve go first while the run is being verified.
    pub fn lower_priority(&mut self, run: RunId) {
        if let Some(held) = self.all.get(&run) {
            self.priority.lower(run, held.pid(), held.nice());
        }
    }

    /// Gives the run the share that goes with its nice value, if it has one.
    pub fn settle_priority(&mut self, run: RunId) {
        if let Some(held) = self.all.get(&run).filter(|held| held.nice() != 0) {
            self.priority.settle(run, held.pid(), held.nice());
        }
    }

    /// The same for a run that an earlier daemon may have lowered, or not come to settle.
    pub fn take_up_priority(&mut self, run: RunId) {
        let Some(held) = self.all.get(&run).filter(|held| !held.is_dead()) else { return };
        if held.nice() != 0 {
            self.priority.settle(run, held.pid(), held.nice());
        } else if held.is_cluster() {
            self.priority.take_over(run, held.pid());
        }
    }

    /// The run passed its checks.
    pub fn restore_priority(&mut self, run: RunId) {
        self.priority.restore(run);
    }

    /// When [`restore_priorities`](Self::restore_priorities) is due.
    pub fn priority_due(&self) -> Option<Millis> {
        self.priority.deadline()
    }

    /// Gives those their usual priority whose time is over.
    pub fn restore_priorities(&mut self, now: Millis) {
        self.priority.on_time(now);
    }

    /// Returns a run's channel, while it is open.
    pub fn channel(&mut self, run: RunId) -> Option<&mut Channel> {
        self.all.get_mut(&run)?.alive_mut()?.channel.as_mut()
    }

    /// Closes a run's channel.
    pub fn close_channel(&mut self, run: RunId) {
        if let Some(alive) = self.all.get_mut(&run).and_then(Run::alive_mut) {
            alive.channel = None;
        }
    }

    /// Nobody writes to an output of the run any more. `None`: nobody knows the run.
    pub fn output_closed(&mut self, run: RunId, stream: Stream) -> Option<RunFd> {
        let held = self.all.get_mut(&run)?;
        let (at, which) = match stream {
            Stream::Out => (0, RunFd::Out),
            Stream::Err => (1, RunFd::Err),
        };
        if let Some(pipe) = held.processes_mut().and_then(|all| all.pipes.get_mut(at)) {
            *pipe = None;
        }
        Some(which)
    }

    /// It is looked from now on whether a run is ready. Returns what ends that when it is gone;
    /// `None`: it is looked at already, or need not be.
    pub fn begin_watch(&mut self, run: RunId) -> Option<Weak<()>> {
        let held = self.get_mut(run).filter(|held| held.watch.is_none() && !held.ready)?;
        Some(Arc::downgrade(held.watch.insert(Arc::default())))
    }

    /// It need not be looked any more whether a run is ready. `false`: nobody did.
    pub fn end_watch(&mut self, run: RunId) -> bool {
        self.get_mut(run).is_some_and(|held| held.watch.take().is_some())
    }

    /// A health check of the run begins. `false`: one is under way.
    pub fn begin_probe(&mut self, run: RunId) -> bool {
        self.get_mut(run).is_some_and(|held| !std::mem::replace(&mut held.probing, true))
    }

    /// The health check of the run is over.
    pub fn end_probe(&mut self, run: RunId) {
        if let Some(held) = self.get_mut(run) {
            held.probing = false;
        }
    }

    /// The run listens on everything that the one that it is to replace listens on. `false`: that
    /// was known, or nobody knows the run.
    pub fn set_covers(&mut self, run: RunId) -> bool {
        self.get_mut(run).is_some_and(|held| !std::mem::replace(&mut held.covers, true))
    }

    /// Tells what a run uses, as [`measure`](Self::measure), unless it was looked at a moment ago.
    pub fn look_at(&mut self, run: RunId, now: Millis, reports: &mut Reports) {
        let look = self.get_mut(run).and_then(|held| held.look(now));
        report_usage(look.map(|(cpu, memory)| (run, Usage { cpu, memory })), reports);
    }

    /// Tells the same of all runs that were not looked at a moment ago.
    pub fn look_at_all(&mut self, now: Millis, reports: &mut Reports) {
        let look = |(run, held): (&RunId, &mut Run)| {
            let (cpu, memory) = held.look(now)?;
            Some((*run, Usage { cpu, memory }))
        };
        report_usage(self.all.iter_mut().filter_map(look), reports);
    }

    /// What is to be kept with a run.
    pub fn meta(
        &self,
        run: RunId,
        role: Role,
        listening: bool,
        counters: Counters,
    ) -> Option<Meta> {
        Some(self.get(run)?.meta(role, listening, counters))
    }

    /// The first process of a run has ended, and its channel was read to the end. `reported`: the
    /// machine is told of it at once.
    pub fn die(&mut self, run: RunId, exit: Exit, reported: bool) {
        self.priority.forget(run);
        if let Some(held) = self.all.get_mut(&run) {
            held.die(exit, reported);
            self.ends.note(run, held);
        }
    }

    /// What a dead run left is seen to after its successor was started.
    pub fn defer_cleanup(&mut self, run: RunId) {
        self.exited.push(run);
    }

    /// How many dead runs wait for their cleanup.
    pub fn deferred(&self) -> usize {
        self.exited.len()
    }

    /// Takes the dead runs that wait for their cleanup.
    pub fn take_exited(&mut self) -> Vec<RunId> {
        std::mem::take(&mut self.exited)
    }

    /// All output of a dead run is written. Returns how it ended, if the machine was not told yet.
    pub fn drained(&mut self, run: RunId) -> Option<Exit> {
        self.ends.written(run);
        let dead = self.all.get_mut(&run)?.dead_mut()?;
        dead.drained = true;
        (!std::mem::replace(&mut dead.reported, true)).then_some(dead.exit)
    }
}

fn report_usage(usage: impl IntoIterator<Item = (RunId, Usage)>, reports: &mut Reports) {
    reports.push_back(Report::Model(Input::Usage(usage.into_iter().collect())));
}
