//! The daemon: everything it knows, and the loop in which everything happens.
//!
//! One thread. Sources of events (keeper, clients, channels, listeners, log engine, signals, time)
//! are polled together; each is turned into calls of the pure machines; what these decide is
//! carried out in order, after what must survive has been saved. Nothing here waits for anything
//! but the poll.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Waker};
use ostler_core::{Action, AppId, Event, ProcId, RunId, Supervisor};
use ostler_keeper::link::Link;
use ostler_logs::Engine;

use crate::book::Book;
use crate::cluster::Cluster;
use crate::control::conn::Conn;
use crate::courtesy::Courtesy;
use crate::guard::Guard;
use crate::jobs::Job;
use crate::keepers::KeeperProcess;
use crate::probes::Said;
use crate::runs::{Run, Tree};
use crate::state_file::State;
use crate::tokens::{Source, token};
use crate::tree::Groups;
use crate::update::{Checked, Update};
use crate::{clock, logbook};

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
    pub poll: Poll,
    pub link: Link,
    /// Keeps accepted connections when we die.
    pub guard: Guard,
    /// Workers on trial that let others go first.
    pub courtesy: Courtesy,
    /// The link's descriptor, while it is watched for room to write.
    pub link_full: Option<RawFd>,
    /// The keeper's process and how many daemons it has started.
    pub keeper: (u32, u32),
    /// The limits of open files that programs get.
    pub nofile: (u64, u64),
    pub core: Supervisor,
    pub book: Book,
    pub runs: BTreeMap<RunId, Run>,
    pub cluster: Cluster,
    pub engine: Engine,
    pub groups: Option<Groups>,
    /// Tells when control groups are empty: watch → run.
    pub inotify: OwnedFd,
    pub watches: BTreeMap<i32, RunId>,
    /// Marks processes of this home in their environment.
    pub mark: String,
    pub listener: UnixListener,
    pub conns: BTreeMap<usize, Conn>,
    pub next_conn: usize,
    pub jobs: Vec<Job>,
    /// Slots about which something was told since the jobs were last looked at.
    pub touched: BTreeSet<ProcId>,
    pub actions: VecDeque<Action>,
    pub events: VecDeque<Event>,
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
    /// Something that must survive has changed.
    pub dirty: bool,
    /// When to save what may wait, or to try again what failed.
    pub save_by: Option<u64>,
    pub signals: OwnedFd,
    pub probed: (mpsc::Sender<Said>, mpsc::Receiver<Said>),
    pub waker: std::sync::Arc<Waker>,
    /// Log subscribers: connection.
    pub subscribers: BTreeMap<u64, usize>,
    pub flushes: BTreeMap<u64, usize>,
    pub next_flush: u64,
    pub window: Vec<u8>,
    pub ending: Ending,
    /// Until then the last output of ended runs is waited for at the end of everything.
    pub output_by: Option<u64>,
    /// When memory limits are looked at next.
    pub memory_at: Option<u64>,
    /// Lock that says which daemon is the one of this home; held as long as keeper or daemon live.
    pub lock: OwnedFd,
    /// Our copies of what the log engine wants kept.
    pub kept_logs: BTreeMap<String, OwnedFd>,
    /// Decisions of restored primaries that wait for the channels.
    pub pending_cluster: Vec<(AppId, ostler_cluster::Output)>,
    /// A change of program under way.
    pub update: Option<Update>,
    /// Programs that were tried for it.
    pub checked: (mpsc::Sender<Checked>, mpsc::Receiver<Checked>),
    pub keeper_process: KeeperProcess,
    /// Runs whose descriptors are to be asked for again: there was no room for them.
    pub refetch: BTreeSet<RunId>,
    /// When to try again what failed for want of descriptors.
    pub retry_at: Option<u64>,
    /// Dead runs whose descendants are to be looked for then.
    pub relook: BTreeSet<RunId>,
    /// Descriptors held back for then.
    pub reserve: crate::reserve::Reserve,
    /// What candidates that have ended wrote last.
    pub words: BTreeMap<RunId, (AppId, Vec<String>)>,
    /// Specification and pid of runs that left, until that is said.
    pub gone: BTreeMap<RunId, (ostler_core::SpecId, u32)>,
}

/// Whether and how the daemon is about to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is not.
    No,
    /// Everything is being stopped; it goes when nothing runs.
    Stopping,
    /// Now.
    Now,
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
        while self.ending != Ending::Now {
            let timeout = self
                .deadline()
                .map(|at| Duration::from_millis(at.saturating_sub(clock::monotonic())));
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                self.on_ready(
                    Source::of(event.token()),
                    event.is_readable() || event.is_read_closed() || event.is_error(),
                );
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
        let jobs = self.jobs.iter().filter_map(Job::deadline).min();
        [
            self.core.deadline(),
            self.cluster.deadline(),
            self.memory_at,
            self.save_by,
            self.closed.1,
            self.spawning,
            self.retry_at,
            self.keeper_process.due,
            self.update_due(),
            self.guard.due,
            self.courtesy.deadline(),
            self.output_by,
            jobs,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn on_time(&mut self) {
        let now = clock::monotonic();
        if self.core.deadline().is_some_and(|at| at <= now) {
            self.events.push_back(Event::Deadline);
        }
        if self.cluster.deadline().is_some_and(|at| at <= now) {
            self.on_cluster_deadline(now);
        }
        if self.memory_at.is_some_and(|at| at <= now) {
            self.check_memory(now);
        }
        if self.closed.1.is_some_and(|at| at <= now) {
            self.close_outputs();
        }
        if self.save_by.is_some_and(|at| at <= now) {
            self.dirty = true;
        }
        if self.spawning.is_some_and(|at| at <= now) {
            self.spawning = None;
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry();
        }
        self.start_due_keeper(now);
        self.expire_update(now);
        self.courtesy.on_time(now);
        if self.output_by.is_some_and(|at| at <= now) {
            self.end_if_empty();
            self.output_by = None;
        }
        if self.guard.due.is_some_and(|at| at <= now) {
            self.guard.spawn();
            self.watch_guard();
        }
        self.expire_jobs(now);
    }

    fn on_ready(&mut self, source: Source, readable: bool) {
        match source {
            Source::Keeper => self.on_keeper(),
            Source::Control => self.accept_clients(),
            Source::Client(number) => self.on_client(number, readable),
            Source::Channel(run) => self.on_channel(run, readable),
            Source::Listener(listener) => self.on_listener(listener),
            Source::Signals => self.on_signals(),
            Source::Waker => self.on_wake(),
            Source::Descendant(pid) => self.on_descendant(pid),
            Source::Inotify => self.on_inotify(),
            Source::Guard => self.guard.bury(),
        }
    }

    /// Lets the machine take what has come, carries out what it decides, tells who waits for it,
    /// until nothing is left.
    pub fn work(&mut self) {
        loop {
            let now = clock::monotonic();
            let mut out = Vec::new();
            while let Some(event) = self.events.pop_front() {
                self.core.handle(now, event, &mut out);
            }
            self.actions.extend(out);
            let unsaved = self.dirty && self.ending != Ending::Now;
            let buried = self.dead.is_empty() || self.bury_later();
            if self.actions.is_empty() && self.touched.is_empty() && buried && !unsaved {
                break;
            }
            if self.ending != Ending::Now {
                self.save_if_dirty();
            }
            while let Some(action) = self.actions.pop_front() {
                self.carry_out(now, action);
            }
            self.advance_jobs();
            if !self.bury_later() {
                self.bury();
            }
        }
        self.tell_own();
        self.watch_link();
        self.flush_clients();
        if self.conns.is_empty() {
            self.reserve.refill();
        }
        // Not later: a daemon that is killed must have told of every end that it acted on.
        logbook::flush();
    }

    /// Watches the link for room to write while something waits for that, and at no other time:
    /// else every message that the keeper reads would wake us, and on one core keep it from doing
    /// what it was told.
    fn watch_link(&mut self) {
        let fd = self.link.fd();
        let full = 0 < self.link.queued();
        if full != (self.link_full == Some(fd)) {
            let interest =
                if full { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            if let Err(error) =
                self.poll.registry().reregister(&mut SourceFd(&fd), token(Source::Keeper), interest)
            {
                logbook::error(format!("could not watch the link to the keeper: {error}"));
            }
        }
        self.link_full = full.then_some(fd);
    }

    /// Polls a descriptor from now on.
    pub fn register(&self, fd: RawFd, source: Source, interest: Interest) -> std::io::Result<()> {
        self.poll.registry().register(&mut SourceFd(&fd), token(source), interest)
    }

    /// Polls the guard, to replace it when it dies.
    pub fn watch_guard(&self) {
        if let Some(pidfd) = self.guard.pidfd()
            && let Err(error) = self.register(pidfd.as_raw_fd(), Source::Guard, Interest::READABLE)
        {
            logbook::error(format!("the guard of connections cannot be watched: {error}"));
        }
    }

    /// Polls a descriptor no more. To be called before it is closed: the keeper's duplicate keeps
    /// it alive.
    pub fn deregister(&self, fd: RawFd) {
        // It may never have been registered; then there is nothing to undo.
        _ = self.poll.registry().deregister(&mut SourceFd(&fd));
    }

    fn on_wake(&mut self) {
        self.on_log_events();
        while let Ok(result) = self.checked.1.try_recv() {
            self.on_update_checked(result);
        }
        while let Ok(said) = self.probed.1.try_recv() {
            let (run, result) = match said {
                Said::End(run, result) => (run, result),
                Said::Connect(run, listener, fd) => {
                    self.send_probe_connection(run, listener, fd);
                    continue;
                }
            };
            if let Some(held) = self.runs.get_mut(&run) {
                held.probing = false;
            }
            if let Err(why) = &result {
                logbook::error(format!("health check of run {} failed: {why}", run.0));
                self.note_failure(run, format!("its health check failed: {why}"));
            }
            self.events.push_back(Event::Probed { run, healthy: result.is_ok() });
        }
    }

    fn on_signals(&mut self) {
        let mut buffer = [0_u8; 128 * 8];
        loop {
            let count = match rustix::io::read(&self.signals, &mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
            for info in buffer.get(..count).unwrap_or_default().chunks_exact(128) {
                let number = info.first_chunk::<4>().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
                match number {
                    libc::SIGHUP => logbook::log("SIGHUP is ignored"),
                    libc::SIGUSR2 => {
                        logbook::log("opening all log files again");
                        self.engine.reopen();
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
            crate::book::signal_name(signal)
        ));
        // Told again (by the init system and by the keeper), the list is already getting shorter.
        if self.ending == Ending::No
            && !self.book.procs.is_empty()
            && let Err(error) = self.write_dump()
        {
            logbook::error(error.message);
        }
        self.begin_end();
    }

    /// Stops and forgets everything; the daemon goes when that is done.
    pub fn begin_end(&mut self) {
        self.ending = Ending::Stopping;
        let ids: Vec<ProcId> = self.book.procs.keys().copied().collect();
        self.dirty = true;
        for id in ids {
            self.events.push_back(Event::Delete(id));
        }
        self.end_if_empty();
    }

    /// Goes when nothing is left.
    pub fn end_if_empty(&mut self) {
        if self.ending != Ending::Stopping || !self.book.procs.is_empty() || self.waits_for_output()
        {
            return;
        }
        if !self.jobs.iter().any(|job| job.is_kill()) {
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
        State::remove(&self.config.home);
        if let Err(error) = self.link.send(&ostler_keeper::proto::ToKeeper::Shutdown, Vec::new()) {
            logbook::error(format!("could not tell the keeper to go: {error}"));
        }
        logbook::log("the daemon ends");
        self.dirty = false;
        self.ending = Ending::Now;
    }
}
