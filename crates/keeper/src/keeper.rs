//! The event loop.
//!
//! Everything is set up before the loop; from then on nothing ends the keeper but its own decision.
//! One thread waits for signals, for the link, for the ends of adopted runs and for its deadlines,
//! and never blocks anywhere else.

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;
use crate::daemon::{Daemon, Phase, Running};
use crate::failpoint::hit;
use crate::link::Received;
use crate::proto::FromKeeper;
use crate::spawn::Spawner;
use crate::sys;
use crate::table::Table;
use crate::watch::Graces;

/// Epoll's tokens; an adopted run has the pid of its process above these bits.
pub(crate) const SIGNALS: u64 = 1;
pub(crate) const LINK: u64 = 2;
pub(crate) const DAEMON: u64 = 3;
pub(crate) const ADOPTED: u64 = 1 << 32;

/// Requests handled before other events get their turn.
const TURN: usize = 64;

/// With more than this to be written the daemon's requests wait.
const MAX_UNREAD: usize = 256 << 10;

/// When to try again what failed for want of memory.
const STARVED: Duration = Duration::from_millis(10);

/// Descriptors held back so that a daemon can be started when no other is left.
const RESERVE: usize = 8;

/// The keeper.
pub(crate) struct Keeper {
    pub(crate) config: Config,
    pub(crate) table: Table,
    pub(crate) spawner: Spawner,
    pub(crate) epoll: OwnedFd,
    pub(crate) signals: OwnedFd,
    pub(crate) daemon: Daemon,
    /// Daemons started so far.
    pub(crate) daemons: u32,
    /// Daemons in a row that died young.
    pub(crate) failures: u32,
    /// The program that an upgrade replaced.
    pub(crate) previous: Option<OwnedFd>,
    /// Which of the programs to start daemons from.
    pub(crate) choice: usize,
    /// The daemon said that it ends for good.
    pub(crate) shutdown: bool,
    /// The signal that told us to end; each daemon gets it until one of them does so.
    pub(crate) stop_signal: Option<i32>,
    /// The program to become as soon as everything is written.
    pub(crate) upgrade: Option<std::ffi::CString>,
    /// Adopted runs that ended and whose status may still come.
    pub(crate) graces: Graces,
    pub(crate) reserve: Vec<OwnedFd>,
    /// What epoll watches the link for.
    pub(crate) interest: EventFlags,
    /// Whole requests may wait in the link's buffer.
    more: bool,
    pub(crate) exit: Option<ExitCode>,
}

/// Runs a keeper: starts the daemon, or serves the one that is there, until a daemon ends for good.
///
/// Must be called from the only thread of the process. Takes over the process's signals, standard
/// descriptors (when there is a log) and working directory.
pub fn run(config: Config) -> ExitCode {
    match Keeper::start(config) {
        Ok(mut keeper) => keeper.run(),
        Err(error) => {
            log(&format!("cannot start: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes a line to standard error, which is the log.
pub(crate) fn log(line: &str) {
    // There is no place left to tell of a failure of this.
    let _ = writeln!(io::stderr(), "keeper: {line}");
}

impl Keeper {
    fn start(mut config: Config) -> io::Result<Self> {
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
            None => keeper.start_daemon(),
        }
        Ok(keeper)
    }

    /// A keeper that holds nothing and has no daemon.
    pub(crate) fn new(config: Config, nofile: (u64, u64)) -> io::Result<Self> {
        sys::keep_fds_to_ourselves();
        let signals = sys::take_signals()?;
        rustix::process::set_child_subreaper(Some(Pid::INIT))?;
        let limit = getrlimit(Resource::Nofile);
        if let Err(error) =
            setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        {
            log(&format!("cannot raise the limit of open files: {error}"));
        }
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &signals, EventData::new_u64(SIGNALS), EventFlags::IN)?;
        let mut keeper = Self {
            config,
            table: Table::default(),
            spawner: Spawner::new(nofile)?,
            epoll,
            signals,
            daemon: Daemon::Waiting { start_at: Instant::now() },
            daemons: 0,
            failures: 0,
            previous: None,
            choice: 0,
            shutdown: false,
            stop_signal: None,
            upgrade: None,
            graces: Graces::default(),
            reserve: Vec::new(),
            interest: EventFlags::IN,
            more: false,
            exit: None,
        };
        keeper.fill_reserve();
        Ok(keeper)
    }

    pub(crate) fn run(&mut self) -> ExitCode {
        let mut events = Vec::with_capacity(64);
        loop {
            self.pump();
            self.try_upgrade();
            if let Some(code) = self.exit {
                return code;
            }
            self.set_interest();
            let timeout = self.timeout();
            events.clear();
            match epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                timeout.as_ref(),
            ) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    // Cannot happen with a good descriptor; without a pause it would take the
                    // processor.
                    log(&format!("cannot wait for events: {error}"));
                    std::thread::sleep(STARVED);
                }
            }
            for event in &events {
                let (data, flags) = (event.data, event.flags);
                match data.u64() {
                    SIGNALS => self.on_signals(),
                    LINK => self.more = true,
                    DAEMON => self.on_adopted_daemon_exit(),
                    token => self.on_adopted_exit(token & !ADOPTED, flags),
                }
            }
            if self.more {
                self.serve_turn();
            }
            self.on_deadlines(Instant::now());
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
                hit("keeper.request.before");
                self.handle(message, fds, lost);
                hit("keeper.request.after");
                true
            }
            Ok(Some(Received::Bad { kind, error })) => {
                self.refuse(format!("message of type `{kind}`"), &error);
                true
            }
            Err(error) => {
                let pid = running.pid;
                let ended = error.kind() == io::ErrorKind::UnexpectedEof;
                if ended {
                    running.unlink(
                        (!self.shutdown).then(|| Instant::now() + crate::daemon::UNLINKED_GRACE),
                    );
                } else {
                    log(&format!(
                        "the link to the daemon (pid {pid}) is broken, it is replaced: {error}"
                    ));
                    running.unlink(Some(Instant::now()));
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

    fn link(&self) -> Option<&crate::link::KeeperEnd> {
        match &self.daemon {
            Daemon::Running(running) => running.link.as_ref(),
            Daemon::Waiting { .. } => None,
        }
    }

    /// Sends a message. What fails to be sent is told again to the next daemon, and a broken link
    /// is seen by reading.
    pub(crate) fn reply(&mut self, message: &FromKeeper, fds: Vec<crate::table::Fd>) {
        hit("keeper.reply.before");
        if let Daemon::Running(running) = &mut self.daemon
            && let Some(link) = &mut running.link
            && let Err(error) = link.send_shared(message, fds)
            && !matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
        {
            log(&format!("cannot answer the daemon (pid {}): {error}", running.pid));
        }
        hit("keeper.reply.after");
    }

    /// Writes what waits, and then what the table has to tell, one message at a time: nothing piles
    /// up for a daemon that does not read.
    fn pump(&mut self) {
        loop {
            let Daemon::Running(running) = &mut self.daemon else { return };
            let Some(link) = &mut running.link else { return };
            if !link.flush().unwrap_or(false) {
                return;
            }
            let Some((message, fds)) = next_report(&mut self.table, running) else { return };
            self.reply(&message, fds);
        }
    }

    fn set_interest(&mut self) {
        let mut wanted = EventFlags::empty();
        wanted.set(EventFlags::IN, self.may_serve());
        let Some(link) = self.link() else { return };
        wanted.set(EventFlags::OUT, link.queued() > 0 && !link.starved());
        if wanted != self.interest {
            match epoll::modify(&self.epoll, link, EventData::new_u64(LINK), wanted) {
                Ok(()) => self.interest = wanted,
                Err(error) => log(&format!("cannot watch the link: {error}")),
            }
        }
    }

    fn timeout(&self) -> Option<epoll_time::Timespec> {
        let now = Instant::now();
        let mut wait = self.deadline().map(|at| at.saturating_duration_since(now));
        if self.link().is_some_and(|link| link.starved()) {
            wait = Some(wait.map_or(STARVED, |wait| wait.min(STARVED)));
        }
        if self.more && self.may_serve() {
            wait = Some(Duration::ZERO);
        }
        wait.map(epoll_time::from)
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

/// What the table has to tell a daemon next: the inventory, then ends.
fn next_report(
    table: &mut Table,
    running: &mut Running,
) -> Option<(FromKeeper, Vec<crate::table::Fd>)> {
    match &running.phase {
        Phase::Silent => None,
        Phase::Runs { told } => Some(match table.run_after(*told) {
            Some((run, entry)) => {
                running.phase = Phase::Runs { told: Some(run) };
                let (pid, start_time, status) = (entry.pid, entry.start_time, entry.status());
                let (meta, mask) = (entry.meta.clone(), entry.fds.mask());
                let fds = entry.fds.iter().cloned().collect();
                table.mark_reported(run);
                (FromKeeper::Run { run, pid, start_time, status, meta, mask }, fds)
            }
            None => {
                running.phase = Phase::Items { told: None };
                return next_report(table, running);
            }
        }),
        Phase::Items { told } => Some(match table.item_after(told.as_deref()) {
            Some((name, item)) => {
                running.phase = Phase::Items { told: Some(name.to_owned()) };
                (
                    FromKeeper::Item { name: name.to_owned(), meta: item.meta.clone() },
                    vec![Arc::clone(&item.fd)],
                )
            }
            None => {
                running.phase = Phase::Served;
                (FromKeeper::InventoryEnd, Vec::new())
            }
        }),
        Phase::Served => table
            .take_unreported()
            .map(|(run, status)| (FromKeeper::Exited { run, status }, Vec::new())),
    }
}

/// Epoll's way to write a duration.
mod epoll_time {
    pub(super) use rustix::time::Timespec;
    use std::time::Duration;

    /// Rounded up to a millisecond, which is what old kernels wait in: waking early would be waking
    /// in vain.
    pub(super) fn from(wait: Duration) -> Timespec {
        let millis = wait.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128);
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        let rounded = Duration::from_millis(millis);
        Timespec {
            tv_sec: i64::try_from(rounded.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: rounded.subsec_nanos().into(),
        }
    }
}
