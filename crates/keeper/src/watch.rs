//! Births and deaths: signals, our children, adopted runs, and the daemon itself.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{PidfdFlags, WaitOptions, pidfd_open, wait};

use crate::daemon::{Daemon, HELLO_LIMIT, Running, count_failures, pause};
use crate::keeper::{ADOPTED, DAEMON, Keeper, LINK, log};
use crate::link::{self, KeeperEnd};
use crate::proc_stat::zombie_status;
use crate::proto::ExitStatus;
use crate::sys;
use crate::table::{Fd, Life};

/// How long the parent of an adopted run that ended has to reap it, when only then the kernel tells
/// us its status.
const REAP_GRACE: Duration = Duration::from_secs(1);

/// With a signal to end and so many daemons in a row that did not live to obey it, the keeper ends.
const MAX_FAILED_STOPS: u32 = 3;

/// Daemons of one program that may die young in a row before another program is tried.
const TRIES: u32 = 3;

/// Where a daemon's program may come from.
enum Program {
    /// The path that the keeper was told.
    Configured,
    /// What the keeper was before an upgrade: under its path there may be another program by now.
    Previous(RawFd),
    /// What the keeper is.
    Own,
}

/// Adopted runs that ended without a status, and until when it may come.
pub(crate) type Graces = BTreeMap<u64, Instant>;

impl Keeper {
    /// The next time at which something is to be done unasked.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let daemon = match &self.daemon {
            Daemon::Waiting { start_at } => Some(*start_at),
            Daemon::Running(running) => {
                running.kill_at.into_iter().chain(running.hello_by(self.hello_limit())).min()
            }
        };
        self.graces.values().copied().chain(daemon).min()
    }

    fn hello_limit(&self) -> Duration {
        self.config.hello_limit.unwrap_or(HELLO_LIMIT)
    }

    pub(crate) fn on_deadlines(&mut self, now: Instant) {
        let overdue: Vec<u64> =
            self.graces.iter().filter(|(_, at)| **at <= now).map(|(run, _)| *run).collect();
        for run in overdue {
            self.end_adopted(run, true);
        }
        let limit = self.hello_limit();
        match &mut self.daemon {
            Daemon::Waiting { start_at } if *start_at <= now => self.start_daemon(),
            Daemon::Running(running) if running.kill_at.is_some_and(|at| at <= now) => {
                running.kill_at = None;
                log(&format!(
                    "the daemon (pid {}) lives without a link, it is killed",
                    running.pid
                ));
                running.signal(libc::SIGKILL);
            }
            Daemon::Running(running) if running.hello_by(limit).is_some_and(|at| at <= now) => {
                running.mute = true;
                log(&format!("the daemon (pid {}) says nothing, it is killed", running.pid));
                running.signal(libc::SIGKILL);
            }
            Daemon::Waiting { .. } | Daemon::Running(_) => {}
        }
    }

    pub(crate) fn on_signals(&mut self) {
        for signal in sys::read_signals(self.signals.as_fd()) {
            if signal != libc::SIGCHLD {
                log(&format!("got signal {signal}, the daemon is told to stop everything"));
                self.stop_signal = Some(signal);
                match &self.daemon {
                    Daemon::Running(running) if running.phase != crate::daemon::Phase::Silent => {
                        running.signal(signal);
                    }
                    // It is told when it has said hello and can act on it.
                    Daemon::Running(_) | Daemon::Waiting { .. } => {}
                }
            }
        }
        self.reap();
    }

    /// Collects all children that ended. What is neither a run nor the daemon is an orphan that
    /// came to us.
    pub(crate) fn reap(&mut self) {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    let pid = pid.as_raw_nonzero().get().unsigned_abs();
                    self.on_child_exit(pid, ExitStatus::from_wait(status.as_raw()));
                }
                Err(rustix::io::Errno::INTR) => {}
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn on_child_exit(&mut self, pid: u32, status: ExitStatus) {
        if let Some(run) = self.table.run_of_pid(pid) {
            crate::failpoint::hit("keeper.reaped");
            self.forget_adopted(run);
            self.table.end(run, status);
        } else if matches!(&self.daemon, Daemon::Running(running) if running.child && running.pid == pid)
        {
            self.on_daemon_exit(Some(status));
        }
    }

    /// Starts to watch a run that is not our child.
    pub(crate) fn watch_adopted(&mut self, run: u64, pid: u32, pidfd: &Fd) {
        let token = EventData::new_u64(ADOPTED | u64::from(pid));
        if let Err(error) = epoll::add(&self.epoll, pidfd, token, EventFlags::IN) {
            log(&format!("cannot watch process {pid} of run {run}: {error}"));
            self.table.end(run, ExitStatus::Unknown);
        }
    }

    pub(crate) fn on_adopted_exit(&mut self, pid: u64, flags: EventFlags) {
        if let Some(run) = u32::try_from(pid).ok().and_then(|pid| self.table.run_of_pid(pid)) {
            self.end_adopted(run, flags.contains(EventFlags::HUP));
        }
    }

    /// An adopted run ended; `last` when waiting longer for its status is useless.
    fn end_adopted(&mut self, run: u64, last: bool) {
        let Some(entry) = self.table.get(run) else { return };
        let Some(pidfd) = entry.fds.pidfd.clone() else { return };
        let told = sys::pidfd_exit_status(pidfd.as_fd())
            .or_else(|| zombie_status(entry.pid, entry.start_time));
        match told {
            Some(raw) => self.end_run(run, ExitStatus::from_wait(raw)),
            None if last => self.end_run(run, ExitStatus::Unknown),
            None => {
                // It is dead but not reaped: only its hanging up is of interest now, and that is
                // always told.
                let token = EventData::new_u64(ADOPTED | u64::from(entry.pid));
                self.graces.insert(run, Instant::now() + REAP_GRACE);
                if let Err(error) = epoll::modify(&self.epoll, &pidfd, token, EventFlags::empty()) {
                    log(&format!("cannot watch run {run} any more: {error}"));
                    self.end_run(run, ExitStatus::Unknown);
                }
            }
        }
    }

    fn end_run(&mut self, run: u64, status: ExitStatus) {
        self.forget_adopted(run);
        self.table.end(run, status);
    }

    /// Stops watching. The daemon holds the same pidfd, so that closing ours would not be enough.
    fn forget_adopted(&mut self, run: u64) {
        self.graces.remove(&run);
        if let Some(entry) = self.table.get(run)
            && entry.life == Life::Adopted
            && let Some(pidfd) = &entry.fds.pidfd
            && let Err(error) = epoll::delete(&self.epoll, pidfd)
        {
            log(&format!("cannot stop watching run {run}: {error}"));
        }
    }

    /// Starts a daemon, or waits before the next try.
    pub(crate) fn start_daemon(&mut self) {
        self.reserve.clear();
        let program = self.program();
        if let Err(error) = self.try_start_daemon(&program) {
            self.failures = self.failures.saturating_add(1);
            self.choose(TRIES);
            let wait = pause(self.failures);
            log(&format!(
                "cannot start the daemon `{}`, next try in {wait:?}: {error}",
                program.display()
            ));
            self.daemon = Daemon::Waiting { start_at: Instant::now() + wait };
            self.check_stop();
        }
        self.fill_reserve();
    }

    /// The program to start the next daemon from.
    fn program(&self) -> PathBuf {
        let own = std::process::id();
        match self.programs().get(self.choice) {
            Some(Program::Configured) | None => self.config.program.clone(),
            Some(Program::Previous(fd)) => PathBuf::from(format!("/proc/{own}/fd/{fd}")),
            Some(Program::Own) => PathBuf::from(format!("/proc/{own}/exe")),
        }
    }

    fn programs(&self) -> Vec<Program> {
        let previous = self.previous.as_ref().map(|fd| Program::Previous(fd.as_raw_fd()));
        [Some(Program::Configured), previous, Some(Program::Own)].into_iter().flatten().collect()
    }

    /// Falls back to another program when so many daemons of this one died in a row.
    fn choose(&mut self, tries: u32) {
        if 0 < self.failures && self.failures.is_multiple_of(tries) {
            self.choice = (self.choice + 1) % self.programs().len();
            log(&format!(
                "daemons of this program do not live, the next is started from `{}`",
                self.program().display()
            ));
        }
    }

    fn try_start_daemon(&mut self, program: &Path) -> std::io::Result<()> {
        let (ours, theirs) = link::pair()?;
        let link = self.watch_link(ours)?;
        let ready = self.config.ready_fd.take();
        let result = self.spawner.spawn_daemon(
            &self.config,
            program,
            theirs.as_fd(),
            ready.as_ref().map(AsFd::as_fd),
        );
        match result {
            Ok((pid, pidfd)) => {
                self.daemons = self.daemons.saturating_add(1);
                crate::failpoint::hit("keeper.daemon.born");
                self.daemon = Daemon::Running(Running::new(pid, pidfd, true, link));
                Ok(())
            }
            Err((_, errno)) => {
                self.config.ready_fd = ready;
                Err(std::io::Error::from_raw_os_error(errno))
            }
        }
    }

    /// Serves a daemon that another keeper started.
    pub(crate) fn adopt_daemon(&mut self, socket: OwnedFd) -> std::io::Result<()> {
        let link = self.watch_link(socket)?;
        // The daemon made the socket pair, so it is the peer that the kernel names.
        let pid = rustix::net::sockopt::socket_peercred(&link)?.pid;
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        let pid = pid.as_raw_nonzero().get().unsigned_abs();
        self.watch_daemon(&pidfd)?;
        self.daemon = Daemon::Running(Running::new(pid, pidfd, false, link));
        Ok(())
    }

    /// Watches a daemon that is not our child.
    pub(crate) fn watch_daemon(&self, pidfd: &OwnedFd) -> std::io::Result<()> {
        Ok(epoll::add(&self.epoll, pidfd, EventData::new_u64(DAEMON), EventFlags::IN)?)
    }

    /// Makes our end of a link, and watches it.
    pub(crate) fn watch_link(&mut self, socket: OwnedFd) -> std::io::Result<KeeperEnd> {
        let link = KeeperEnd::new(socket)?;
        self.interest = EventFlags::IN;
        epoll::add(&self.epoll, &link, EventData::new_u64(LINK), self.interest)?;
        Ok(link)
    }

    pub(crate) fn on_adopted_daemon_exit(&mut self) {
        if let Daemon::Running(running) = &self.daemon
            && !running.child
        {
            if let Err(error) = epoll::delete(&self.epoll, &running.pidfd) {
                log(&format!("cannot stop watching the daemon: {error}"));
            }
            let status = sys::pidfd_exit_status(running.pidfd.as_fd()).map(ExitStatus::from_wait);
            self.on_daemon_exit(status);
        }
    }

    /// The daemon is dead: what it had asked for is done, and the next one is due.
    fn on_daemon_exit(&mut self, status: Option<ExitStatus>) {
        self.upgrade = None;
        self.serve_rest();
        let Daemon::Running(running) = &self.daemon else { return };
        let (pid, lived, mute) = (running.pid, running.started.elapsed(), running.mute);
        if self.shutdown {
            log(&format!("the daemon (pid {pid}) ended for good"));
            self.exit = Some(std::process::ExitCode::SUCCESS);
            return;
        }
        // Somebody killed it while it did its work, or it makes room for another program: that is
        // no fault of the program's, and the next one is due at once.
        let forced =
            matches!(status, Some(ExitStatus::Signal(libc::SIGKILL, _) | ExitStatus::Code(0)));
        let forced = forced && running.phase == crate::daemon::Phase::Served;
        if !forced {
            self.failures = count_failures(self.failures, lived, mute);
        }
        self.upgrade = None;
        let how =
            status.map_or_else(|| "how is not known".to_owned(), |status| format!("{status:?}"));
        let wait = if forced { Duration::ZERO } else { pause(self.failures) };
        log(&format!(
            "the daemon (pid {pid}) died after {lived:?} ({how}), the next one starts in {wait:?}"
        ));
        if !forced {
            // Waiting for one that hangs takes long; nobody should have to wait so three times.
            self.choose(if mute { 1 } else { TRIES });
        }
        self.daemon = Daemon::Waiting { start_at: Instant::now() + wait };
        self.check_stop();
    }

    /// Ends when told to and no daemon lives to do it.
    fn check_stop(&mut self) {
        if self.stop_signal.is_some() && self.failures >= MAX_FAILED_STOPS {
            log("told to stop, but no daemon lives to stop the programs: ending, they go on");
            self.exit = Some(std::process::ExitCode::FAILURE);
        }
    }

    /// Appends standard output and error to the log, if there is one; standard input is empty.
    pub(crate) fn open_log(&self) -> std::io::Result<()> {
        let Some(path) = &self.config.log else { return Ok(()) };
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC;
        let file = open(path, flags, Mode::RUSR | Mode::WUSR)?;
        rustix::stdio::dup2_stdin(self.spawner.null())?;
        rustix::stdio::dup2_stdout(&file)?;
        Ok(rustix::stdio::dup2_stderr(&file)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::Pid;
    use std::process::{Command, Stdio};

    #[test]
    fn a_pidfd_tells_how_a_reaped_process_ended_where_the_kernel_knows_it() {
        let mut child = Command::new("/bin/sh")
            .args(["-c", "read x; exit 7"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
        assert_eq!(sys::pidfd_exit_status(pidfd.as_fd()), None, "it is alive");
        child.wait().unwrap();
        let uname = rustix::system::uname();
        let mut parts = uname
            .release()
            .to_str()
            .unwrap()
            .split(['.', '-'])
            .map(|part| part.parse().unwrap_or(0));
        let version: (u32, u32) = (parts.next().unwrap(), parts.next().unwrap());
        let expected = (version >= (6, 15)).then_some(7 << 8);
        assert_eq!(sys::pidfd_exit_status(pidfd.as_fd()), expected);
    }
}
