//! The daemon: everything it knows, and the loop in which everything happens.
//!
//! One thread. Sources of events (keeper, clients, channels, listeners, log engine, signals, time)
//! are polled together; each is turned into calls of the pure machines; what these decide is
//! carried out in order, after what must survive has been saved. Nothing here waits for anything
//! but the poll.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;

use ostler_core::{AppId, ProcId, RunId};
use ostler_keeper::link::Link;
use ostler_poll::{Events, Interest, Poll, Watched};

use crate::clients::Clients;
use crate::cluster::Cluster;
use crate::courtesy::Courtesy;
use crate::decisions::Decisions;
use crate::guard::Guard;
use crate::keepers::KeeperProcess;
use crate::logs::Logs;
use crate::mailbox::{FromThread, Mailbox};
use crate::model::Input;
use crate::probes::Said;
use crate::reports::{Report, Reports};
use crate::runs::{Run, Tree};
use crate::saver::Saver;
use crate::tokens::Source;
use crate::tree::Groups;
use crate::update::Update;
use crate::{clock, logbook, state_file};

mod output;

/// What the daemon is told when it starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// The home directory.
    pub home: PathBuf,
    /// The program, to start keepers from.
    pub exe: PathBuf,
    /// Version of the program.
    pub version: &'static str,
}

/// Everything.
pub(crate) struct Daemon {
    pub config: Config,
    pub model: Decisions,
    pub saver: Saver,
    pub poll: Rc<Poll<Source>>,
    pub link: Link<Watched<OwnedFd>>,
    /// Keeps accepted connections when we die.
    pub guard: Guard,
    /// Workers on trial that let others go first.
    pub courtesy: Courtesy,
    /// The keeper's process and how many daemons it has started.
    pub keeper: (u32, u32),
    /// The limits of open files that programs get.
    pub nofile: (u64, u64),
    pub runs: BTreeMap<RunId, Run>,
    pub cluster: Cluster,
    pub logs: Logs,
    pub clients: Clients,
    pub mailbox: Mailbox<FromThread>,
    pub reports: Reports,
    pub groups: Option<Groups>,
    /// Tells when control groups are empty: watch → run.
    pub inotify: Watched<OwnedFd>,
    pub watches: BTreeMap<i32, RunId>,
    /// Marks processes of this home in their environment.
    pub mark: String,
    /// Runs that ended in this round: what is left of them is seen to after their successors were
    /// started.
    pub dead: Vec<RunId>,
    /// What was made ready for the next runs of slots whose runs crash.
    pub prepared: BTreeMap<ProcId, crate::environment::Prepared>,
    /// The keeper was asked to start something: until it answers, or until this time, what can wait
    /// waits. On the same core, every call of ours keeps the keeper from starting it.
    pub spawning: Option<u64>,
    /// Ends of output that the keeper need not hold any more, and when it is told.
    pub closed: (Vec<(RunId, ostler_keeper::proto::RunFd)>, Option<u64>),
    pub signals: Watched<OwnedFd>,
    pub window: Vec<u8>,
    /// Until then the last output of ended runs is waited for at the end of everything.
    pub output_by: Option<u64>,
    /// Lock that says which daemon is the one of this home; held as long as keeper or daemon live.
    pub lock: OwnedFd,
    /// Decisions of restored primaries that wait for the channels.
    pub pending_cluster: Vec<(AppId, ostler_cluster::Output)>,
    /// A change of program under way.
    pub update: Option<Update>,
    pub keeper_process: KeeperProcess,
    /// Runs whose descriptors are to be asked for again: there was no room for them.
    pub refetch: BTreeSet<RunId>,
    /// When to try again what failed for want of descriptors.
    pub retry_at: Option<u64>,
    /// Dead runs whose descendants are to be looked for then.
    pub relook: BTreeSet<RunId>,
}

/// How long chores wait for the keeper's report of a start, at most, ms.
pub const CHORES_WAIT: u64 = 10;
/// How long the last words to the keeper may take, ms.
const GOODBYE: u64 = 5000;
/// How long output that cannot be written is waited for at the end of everything, ms.
const LAST_OUTPUT: u64 = 2000;
/// So many dead runs do not wait.
const MOST_DEAD: usize = 64;

impl Daemon {
    /// Whether what is left of dead runs waits.
    fn bury_later(&self) -> bool {
        self.spawning.is_some() && self.dead.len() < MOST_DEAD
    }

    /// Runs until it is told to go.
    pub fn run(&mut self) -> std::io::Result<()> {
        let mut events = Events::with_capacity(256);
        // What the keeper said right after its inventory was read together with it: no poll tells
        // of it again.
        self.on_keeper();
        self.work();
        while !self.model.is_gone() {
            self.poll.wait(&mut events, self.deadline())?;
            for event in events.iter() {
                self.on_ready(event.token, event.ready.is_readable());
            }
            self.on_time();
            self.work();
        }
        self.say_goodbye();
        Ok(())
    }

    /// Everything that was said to the keeper must reach it before we go: after a thousand releases
    /// its socket is full, and the word that it is not to start another daemon comes last.
    fn say_goodbye(&mut self) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let until = clock::monotonic() + GOODBYE;
        while matches!(self.link.flush(), Ok(false)) && clock::monotonic() < until {
            let pause = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
            if let Err(error) = poll(&mut [PollFd::new(&self.link, PollFlags::OUT)], Some(&pause)) {
                logbook::error(format!("could not wait for the keeper: {error}"));
            }
        }
    }

    /// The earliest time at which something is due by time alone.
    fn deadline(&self) -> Option<u64> {
        [
            self.model.deadline(),
            self.cluster.deadline(),
            self.closed.1,
            self.spawning,
            self.retry_at,
            self.clients.deadline(),
            self.keeper_process.due,
            self.update_due(),
            self.guard.due,
            self.courtesy.deadline(),
            self.output_by,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn on_time(&mut self) {
        let now = clock::monotonic();
        if self.model.deadline().is_some_and(|at| at <= now) {
            self.model.push(Input::Deadline);
        }
        if self.cluster.deadline().is_some_and(|at| at <= now) {
            self.on_cluster_deadline(now);
        }
        if self.closed.1.is_some_and(|at| at <= now) {
            self.close_outputs();
        }
        if self.spawning.is_some_and(|at| at <= now) {
            self.spawning = None;
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry();
        }
        if self.clients.deadline().is_some_and(|at| at <= now) {
            self.clients.accept(&mut self.reports);
        }
        self.start_due_keeper(now);
        self.expire_update(now);
        self.courtesy.on_time(now);
        if self.output_by.is_some_and(|at| at <= now) {
            self.end_if_over();
            self.output_by = None;
        }
        if self.guard.due.is_some_and(|at| at <= now) {
            self.guard.spawn();
        }
        self.take_reports();
    }

    fn on_ready(&mut self, source: Source, readable: bool) {
        match source {
            Source::Keeper => self.on_keeper(),
            Source::Control => self.clients.accept(&mut self.reports),
            Source::Client(number) => {
                self.clients.on_ready(number, readable);
                self.serve();
                self.clients.flush_one(number, &mut self.reports);
            }
            Source::Channel(run) => self.on_channel(run, readable),
            Source::Listener(listener) => self.on_listener(listener),
            Source::Signals => self.on_signals(),
            Source::Waker => self.on_wake(),
            Source::Descendant(pid) => self.on_descendant(pid),
            Source::Inotify => self.on_inotify(),
            Source::Guard => self.guard.bury(),
        }
        self.take_reports();
    }

    /// Lets the machine take what has come, carries out what it decides, tells who waits for it,
    /// until nothing is left.
    pub fn work(&mut self) {
        loop {
            self.serve();
            self.model.decide();
            self.save();
            let deferred = self.dead.is_empty() || self.bury_later();
            if deferred && !self.model.has_effects() {
                break;
            }
            while let Some(effect) = self.model.next_effect() {
                self.carry_out(effect);
            }
            if !self.bury_later() {
                self.bury();
            }
        }
        self.end_if_over();
        self.clients.publish_own();
        self.watch_link();
        self.flush_clients();
        // Not later: a daemon that is killed must have told of every end that it acted on.
        logbook::flush();
    }

    /// Takes up what the parts have told.
    fn take_reports(&mut self) {
        while let Some(report) = self.reports.pop_front() {
            match report {
                Report::ClientGone { client, watched } => self.on_client_gone(client, watched),
            }
        }
    }

    /// Sends what was said to clients.
    pub fn flush_clients(&mut self) {
        self.clients.flush(&mut self.reports);
        self.take_reports();
    }

    /// Watches the link for room to write while something waits for that, and at no other time:
    /// else every message that the keeper reads would wake us, and on one core keep it from doing
    /// what it was told.
    fn watch_link(&mut self) {
        if self.keeper_process.due.is_some() {
            return;
        }
        let full = 0 < self.link.queued();
        let interest = if full { Interest::READ | Interest::WRITE } else { Interest::READ };
        if let Err(error) = self.link.socket_mut().set(interest.edge()) {
            logbook::error(format!("could not watch the link to the keeper: {error}"));
        }
    }

    fn on_wake(&mut self) {
        self.on_log_events();
        while let Some(message) = self.mailbox.try_recv() {
            match message {
                FromThread::Tried(result) => self.on_update_checked(result),
                FromThread::Saver(done) => self.on_saver(done),
                FromThread::Probe(Said::Connect(run, listener, fd)) => {
                    self.hand_own(run, listener, fd);
                }
                FromThread::Probe(Said::End(run, result)) => self.on_probed(run, result),
            }
        }
    }

    fn on_probed(&mut self, run: RunId, result: Result<(), String>) {
        if let Some(held) = self.runs.get_mut(&run) {
            held.probing = false;
        }
        self.model.push(Input::Probed { run, result });
    }

    fn on_signals(&mut self) {
        let mut buffer = [0_u8; 128 * 8];
        loop {
            let count = match rustix::io::read(&*self.signals, &mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
            for info in buffer.get(..count).unwrap_or_default().chunks_exact(128) {
                let number = info.first_chunk::<4>().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
                match number {
                    libc::SIGHUP => logbook::log("SIGHUP is ignored"),
                    libc::SIGUSR2 => {
                        logbook::log("opening all log files again");
                        self.logs.engine().reopen();
                    }
                    _ => self.stop_everything(number),
                }
            }
        }
    }

    /// SIGTERM and its like: the list is saved, everything is stopped, the daemon goes.
    fn stop_everything(&mut self, signal: i32) {
        logbook::log(format!(
            "received {}: saving and stopping everything",
            crate::model::signal_name(signal)
        ));
        self.model.push(Input::Shutdown);
    }

    /// Goes when nothing is left.
    fn end_if_over(&mut self) {
        let over = self.model.model().is_over() && !self.saver.is_busy();
        if over && !self.model.is_gone() && !self.waits_for_output() {
            self.go();
        }
    }

    /// Whether runs are left that are to be waited for. Output that cannot be written (no room, no
    /// such folder) would be waited for in vain: it has a little time.
    fn waits_for_output(&mut self) -> bool {
        if self.runs.is_empty() {
            return false;
        }
        let now = clock::monotonic();
        let waits_for_files = |held: &Run| held.exit.is_some() && matches!(held.tree, Tree::Gone);
        if !self.runs.values().all(waits_for_files)
            || now < *self.output_by.get_or_insert(now + LAST_OUTPUT)
        {
            return true;
        }
        let runs: Vec<u64> = self.runs.keys().map(|run| run.0).collect();
        logbook::error(format!(
            "the last output of runs {runs:?} cannot be written and is lost; see the errors above"
        ));
        false
    }

    /// Leaves nothing behind: the keeper goes too, sockets and pid file are removed.
    pub fn go(&mut self) {
        if let Some(groups) = &self.groups {
            groups.remove_base();
        }
        for name in ["ostler.sock", "ostler.lock", "pm2.pid", "drain.cjs"] {
            // What is not there need not be removed.
            _ = std::fs::remove_file(self.config.home.join(name));
        }
        state_file::remove(&self.config.home);
        if let Err(error) = self.link.send(&ostler_keeper::proto::ToKeeper::Shutdown, Vec::new()) {
            logbook::error(format!("could not tell the keeper to go: {error}"));
        }
        logbook::log("the daemon ends");
        self.model.go();
    }
}
