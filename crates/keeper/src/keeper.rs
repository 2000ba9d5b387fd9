//! The event loop.
//!
//! Everything is set up before the loop; from then on nothing ends the keeper but its own decision.
//! One thread waits for signals, for the link, for the ends of adopted runs and for its deadlines,
//! and never blocks anywhere else.

mod pump;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::ExitCode;

use ostler_poll::{Events, Interest, Poll, Watched, now};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;
use crate::daemon::{Daemon, Progress, UNLINKED_GRACE};
use crate::failpoint::hit;
use crate::groups;
use crate::layout::Layout;
use crate::link::{KeeperEnd, Received};
use crate::log::log;
use crate::polled::Polled;
use crate::prepared::Preparations;
use crate::pulse::Pulse;
use crate::spawn::Spawner;
use crate::sys;
use crate::table::{Fd, Table};

/// Requests handled before other events get their turn.
const TURN: usize = 64;

/// With more than this to be written the daemon's requests wait.
const MAX_UNREAD: usize = 256 << 10;

/// When to try again what failed out of memory, ms.
const STARVED: u64 = 10;

/// Descriptors held back so that a daemon can be started, and be given what there is, when no
/// other is left.
const RESERVE: usize = 8;

/// The state of a keeper, all of it.
pub(crate) struct Keeper {
    pub(crate) config: Config,
    pub(crate) table: Table,
    pub(crate) spawner: Spawner,
    pub(crate) poll: Poll<Polled>,
    pub(crate) signals: Watched<OwnedFd>,
    pub(crate) daemon: Daemon,
    /// Daemons started so far.
    pub(crate) daemons: u32,
    /// Daemons in a row that died young.
    pub(crate) failures: u32,
    /// The program that an upgrade replaced.
    pub(crate) previous: Option<OwnedFd>,
    /// Which of the programs to start daemons from.
    pub(crate) choice: usize,
    /// Whether a command started us and waits for the first daemon.
    pub(crate) awaited: bool,
    /// Whether the daemon said that it ends for good.
    pub(crate) shutdown: bool,
    /// The signal that told us to end; each daemon gets it until one of them does so.
    pub(crate) stop_signal: Option<i32>,
    /// The program to become as soon as everything is written.
    pub(crate) upgrade: Option<std::ffi::CString>,
    pub(crate) adopted: BTreeMap<u64, Adopted>,
    /// When ends are to be collected that could not be.
    pub(crate) reap_at: Option<u64>,
    pub(crate) preparations: Preparations<Layout>,
    pub(crate) reserve: Vec<OwnedFd>,
    /// Whether the program pages that the start has touched, or the work since the daemon was last
    /// asked, were given back.
    pub(crate) lean: bool,
    /// Whether whole requests may wait in the link's buffer.
    more: bool,
    /// Whether there was no memory for what the table has to tell.
    starved: bool,
    pub(crate) exit: Option<ExitCode>,
}

/// A run that is not our child.
pub(crate) struct Adopted {
    pub(crate) pidfd: Watched<Fd>,
    /// It cannot be watched for now: when that is tried again.
    pub(crate) watch_at: Option<u64>,
    /// It ended, and until this time its status may still come.
    pub(crate) give_up_at: Option<u64>,
}

/// Runs a keeper: starts the daemon, or serves the one that is there, until a daemon ends for good.
///
/// Must be called from the only thread of the process. Takes over the process's signals, standard
/// descriptors (when there is a log) and working directory, and closes every other descriptor that
/// is not in the configuration: they are the caller's, whose pipes and locks must not last as long
/// as a keeper.
pub fn run(config: Config) -> ExitCode {
    match Keeper::start(config) {
        Ok(mut keeper) => keeper.run(),
        Err(error) => {
            log(&format!("cannot start: {error}"));
            ExitCode::FAILURE
        }
    }
}

impl Keeper {
    fn start(mut config: Config) -> io::Result<Self> {
        let given = [&config.adopt, &config.ready_fd].into_iter().flatten();
        sys::close_inherited(given.map(AsRawFd::as_raw_fd).collect())?;
        let adopt = config.adopt.take();
        if !config.home.as_os_str().is_empty() {
            std::env::set_current_dir(&config.home)?;
        }
        let limit = getrlimit(Resource::Nofile);
        let unlimited = |value: Option<u64>| value.unwrap_or(u64::MAX);
        let nofile = config.nofile.unwrap_or((unlimited(limit.current), unlimited(limit.maximum)));
        let mut keeper = Self::new(config, nofile)?;
        keeper.open_log()?;
        match adopt {
            Some(link) => keeper.adopt_daemon(link)?,
            None => {
                keeper.awaited = keeper.config.ready_fd.is_some();
                keeper.start_daemon();
            }
        }
        Ok(keeper)
    }

    /// A keeper that holds nothing and has no daemon.
    pub(crate) fn new(config: Config, nofile: (u64, u64)) -> io::Result<Self> {
        sys::keep_fds_to_ourselves();
        groups::leave();
        let signals = sys::take_signals()?;
        rustix::process::set_child_subreaper(Some(Pid::INIT))?;
        let limit = getrlimit(Resource::Nofile);
        if let Err(error) =
            setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        {
            log(&format!("cannot raise the limit of open files: {error}"));
        }
        let poll = Poll::new()?;
        let signals = poll.watch(signals, Polled::Signals, Interest::READ)?;
        let mut keeper = Self {
            config,
            table: Table::default(),
            spawner: Spawner::new(nofile)?,
            poll,
            signals,
            daemon: Daemon::Waiting { start_at: now() },
            daemons: 0,
            failures: 0,
            previous: None,
            choice: 0,
            awaited: false,
            shutdown: false,
            stop_signal: None,
            upgrade: None,
            adopted: BTreeMap::new(),
            reap_at: None,
            preparations: Preparations::default(),
            reserve: Vec::new(),
            lean: false,
            more: false,
            starved: false,
            exit: None,
        };
        keeper.fill_reserve();
        Ok(keeper)
    }

    pub(crate) fn run(&mut self) -> ExitCode {
        let mut events = Events::with_capacity(64);
        loop {
            self.pump();
            self.try_upgrade();
            if let Some(code) = self.exit {
                return code;
            }
            self.become_lean();
            self.set_interest();
            self.spawner.refill();
            self.fill_reserve();
            if let Err(error) = self.poll.wait(&mut events, self.deadline()) {
                // Cannot happen with a good descriptor; without a pause it would take the
                // processor.
                log(&format!("cannot wait for events: {error}"));
                std::thread::sleep(std::time::Duration::from_millis(STARVED));
            }
            for event in events.iter() {
                match event.token {
                    Polled::Signals => self.on_signals(),
                    Polled::Link => self.more = true,
                    Polled::Daemon => self.on_adopted_daemon_exit(),
                    Polled::Adopted(pid) => self.on_adopted_exit(pid, event.ready),
                }
            }
            if self.more || self.is_starved() {
                self.serve_turn();
            }
            let now = now();
            if self.reap_at.is_some_and(|at| at <= now) {
                self.reap();
            }
            self.watch_again(now);
            self.expire_adopted(now);
            self.on_daemon_time(now);
        }
    }

    /// Gives memory back that the start had needed, once a daemon is served, and that work
    /// has needed since.
    fn become_lean(&mut self) {
        if !self.lean
            && let Daemon::Running(running) = &self.daemon
            && running.progress == Progress::Served
        {
            self.lean = true;
            sys::release_program_pages();
        }
    }

    /// Handles some of the daemon's requests, as long as it reads our answers.
    fn serve_turn(&mut self) {
        for _ in 0..TURN {
            if !self.may_serve() {
                return;
            }
            if !self.serve_one() {
                self.more = false;
                return;
            }
        }
    }

    /// Handles all requests that have come; `false` when that is not possible now.
    pub(crate) fn serve_waiting(&mut self) -> bool {
        while self.may_serve() {
            if !self.serve_one() {
                return !self.is_starved();
            }
        }
        // Without a link there are none.
        self.link().is_none()
    }

    /// Handles all requests that a dead daemon left.
    pub(crate) fn serve_rest(&mut self) {
        while self.serve_one() {}
        self.more = false;
    }

    /// Handles one request; `false` when there is none.
    fn serve_one(&mut self) -> bool {
        let Daemon::Running(running) = &mut self.daemon else { return false };
        let Some(link) = &mut running.link else { return false };
        match link.receive_frame() {
            Ok(None) => false,
            Ok(Some(Received::Message { message, fds, lost })) => {
                running.pulse.iter_mut().for_each(Pulse::heard);
                hit("keeper.request.before");
                self.handle(message, fds, lost);
                hit("keeper.request.after");
                true
            }
            Ok(Some(Received::Bad { kind, number, error })) => {
                self.refuse_bad(kind, number, error);
                true
            }
            Err(error) => {
                let pid = running.pid;
                let ended = error.kind() == io::ErrorKind::UnexpectedEof;
                if ended {
                    running.unlink((!self.shutdown).then(|| now() + UNLINKED_GRACE));
                } else {
                    log(&format!("broken link to the daemon (pid {pid}); replacing it: {error}"));
                    running.unlink(Some(now()));
                }
                false
            }
        }
    }

    /// Looks for requests without waiting for the link to say that there are some.
    pub(crate) fn wake(&mut self) {
        self.more = true;
    }

    fn may_serve(&self) -> bool {
        match self.link() {
            Some(link) => link.queued() <= MAX_UNREAD && self.upgrade.is_none(),
            None => false,
        }
    }

    fn link(&self) -> Option<&KeeperEnd<Watched<OwnedFd>>> {
        match &self.daemon {
            Daemon::Running(running) => running.link.as_ref(),
            Daemon::Waiting { .. } => None,
        }
    }

    fn is_starved(&self) -> bool {
        self.starved || self.link().is_some_and(|link| link.starved())
    }

    /// Returns when something is to be done unasked.
    fn deadline(&self) -> Option<u64> {
        if self.more && self.may_serve() {
            return Some(0);
        }
        let starved = self.is_starved().then(|| now() + STARVED);
        let adopted = self.adopted.values();
        let adopted =
            adopted.flat_map(|adopted| adopted.watch_at.into_iter().chain(adopted.give_up_at));
        adopted.chain(self.daemon_deadline()).chain(starved).chain(self.reap_at).min()
    }

    pub(crate) fn fill_reserve(&mut self) {
        while self.reserve.len() < RESERVE {
            match rustix::io::fcntl_dupfd_cloexec(self.spawner.null(), 3) {
                Ok(fd) => self.reserve.push(fd),
                // Tried again before the next daemon is started.
                Err(_) => return,
            }
        }
    }
}
