//! The daemon's lifecycle as the keeper drives it: which program it is started from, its start, its
//! adoption and its end.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ostler_poll::{Interest, Watched, now};
use rustix::process::{PidfdFlags, pidfd_open};

use crate::daemon::{Daemon, HELLO_LIMIT, Progress, Running, count_failures, pause};
use crate::failpoint::hit;
use crate::keeper::Keeper;
use crate::link::{self, KeeperEnd};
use crate::log::log;
use crate::polled::Polled;
use crate::proto::{ExitStatus, FromKeeper};
use crate::pulse::{self, Look, Pulse};
use crate::sys;

/// With a signal to end and so many daemons in a row that did not live to obey it, the keeper ends.
const MAX_FAILED_STOPS: u32 = 3;

/// Daemons of one program that may die young in a row before another program is tried.
const TRIES: u32 = 3;

/// The exit code of a daemon that has said why it cannot run.
pub const CANNOT_RUN: i32 = 2;

/// Where a daemon's program may come from.
enum Program {
    /// The path that the keeper was told.
    Configured,
    /// What the keeper was before an upgrade: under its path there may be another program by now.
    Previous(RawFd),
    /// What the keeper is.
    Own,
}

impl Keeper {
    /// Returns when the daemon is to be started or killed.
    pub(crate) fn daemon_deadline(&self) -> Option<u64> {
        match &self.daemon {
            Daemon::Waiting { start_at } => Some(*start_at),
            Daemon::Running(running) => {
                let pulse = running.pulse.iter().map(Pulse::due);
                let hello_by = running.hello_by(self.hello_limit());
                running.kill_at.into_iter().chain(hello_by).chain(pulse).min()
            }
        }
    }

    fn hello_limit(&self) -> u64 {
        let limit = self.config.hello_limit.map(|limit| limit.as_millis().try_into());
        limit.map_or(HELLO_LIMIT, |limit| limit.unwrap_or(u64::MAX))
    }

    /// How long a daemon may take for an answer, ms.
    pub(crate) fn answer_limit(&self) -> u64 {
        let limit = self.config.answer_limit.map(|limit| limit.as_millis().try_into());
        limit.map_or(pulse::ANSWER_LIMIT, |limit| limit.unwrap_or(u64::MAX))
    }

    /// Asks the daemon whether it is well, and kills one that hangs.
    fn on_pulse(&mut self, now: u64) {
        let Daemon::Running(running) = &mut self.daemon else { return };
        let Some(pulse) = &mut running.pulse else { return };
        match pulse.look(now) {
            Look::Wait => {}
            Look::Ask => self.reply(&FromKeeper::Ping, Vec::new()),
            Look::Hangs => {
                // One that was never well says something of its program.
                running.mute = !pulse.has_answered();
                log(&format!("no answer from the daemon (pid {}); killing it", running.pid));
                running.signal(libc::SIGKILL);
            }
        }
    }

    pub(crate) fn on_daemon_time(&mut self, now: u64) {
        self.on_pulse(now);
        let limit = self.hello_limit();
        match &mut self.daemon {
            Daemon::Waiting { start_at } if *start_at <= now => self.start_daemon(),
            Daemon::Running(running) if running.kill_at.is_some_and(|at| at <= now) => {
                running.kill_at = None;
                log(&format!(
                    "daemon (pid {}) has no link and does not exit; killing it",
                    running.pid
                ));
                running.signal(libc::SIGKILL);
            }
            Daemon::Running(running) if running.hello_by(limit).is_some_and(|at| at <= now) => {
                running.mute = true;
                let pid = running.pid;
                log(&format!("no hello from the daemon (pid {pid}) for {limit} ms; killing it"));
                running.signal(libc::SIGKILL);
            }
            Daemon::Waiting { .. } | Daemon::Running(_) => {}
        }
    }

    /// Starts a daemon, or waits before the next try.
    pub(crate) fn start_daemon(&mut self) {
        self.reserve.clear();
        if let Err(error) = self.reopen_log() {
            log(&format!("cannot open the log: {error}"));
        }
        let program = self.program();
        if let Err(error) = self.try_start_daemon(&program) {
            self.failures = self.failures.saturating_add(1);
            self.choose(TRIES);
            let wait = pause(self.failures);
            let program = program.display();
            log(&format!("cannot start the daemon `{program}`; next try in {wait} ms: {error}"));
            self.daemon = Daemon::Waiting { start_at: now() + wait };
            self.check_stop();
        }
        self.fill_reserve();
    }

    /// Returns the program to start the next daemon from.
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
                "{}; starting the next one from `{}`",
                failed(self.failures),
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
                hit("keeper.daemon.born");
                let pidfd = self.poll.unwatched(pidfd, Polled::Daemon);
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
        let pidfd = self.poll.watch(pidfd, Polled::Daemon, Interest::READ)?;
        let pid = pid.as_raw_nonzero().get().unsigned_abs();
        self.daemon = Daemon::Running(Running::new(pid, pidfd, false, link));
        Ok(())
    }

    /// Makes our end of a link, and watches it.
    pub(crate) fn watch_link(
        &self,
        socket: OwnedFd,
    ) -> std::io::Result<KeeperEnd<Watched<OwnedFd>>> {
        KeeperEnd::new(self.poll.watch(socket, Polled::Link, Interest::READ)?)
    }

    pub(crate) fn on_adopted_daemon_exit(&mut self) {
        if let Daemon::Running(running) = &self.daemon
            && !running.child
        {
            let status = sys::pidfd_exit_status(running.pidfd.as_fd()).map(ExitStatus::from_wait);
            self.on_daemon_exit(status);
        }
    }

    /// The daemon is dead: what it had asked for is done, and the next one is due.
    pub(crate) fn on_daemon_exit(&mut self, status: Option<ExitStatus>) {
        self.upgrade = None;
        self.serve_rest();
        let Daemon::Running(running) = &self.daemon else { return };
        let (pid, lived, mute) = (running.pid, now() - running.started, running.mute);
        if self.shutdown {
            log(&format!("daemon (pid {pid}) shut down; exiting"));
            self.exit = Some(ExitCode::SUCCESS);
            return;
        }
        if self.is_first() && status == Some(ExitStatus::Code(CANNOT_RUN)) {
            // Whoever started us was told why; the next command tries again.
            log(&format!("daemon (pid {pid}) cannot run, and nothing else does; exiting"));
            self.exit = Some(ExitCode::FAILURE);
            return;
        }
        // Somebody killed it while it did its work, or it makes room for another program: that is
        // no fault of the program's, and the next one is due at once.
        let forced =
            matches!(status, Some(ExitStatus::Signal(libc::SIGKILL, _) | ExitStatus::Code(0)));
        let forced = forced && running.progress == Progress::Served && !mute;
        if !forced {
            self.failures = count_failures(self.failures, lived, mute);
        }
        self.upgrade = None;
        let wait = if forced { 0 } else { pause(self.failures) };
        log(&format!(
            "daemon (pid {pid}) exited after {lived} ms ({}); starting another in {wait} ms",
            how(status)
        ));
        if !forced {
            // Waiting for one that hangs takes long; nobody should have to wait so three times.
            self.choose(if mute { 1 } else { TRIES });
        }
        self.daemon = Daemon::Waiting { start_at: now() + wait };
        self.check_stop();
    }

    /// The daemon makes room for another one, which begins now. It holds what it holds until that
    /// one has everything, and goes by itself.
    pub(crate) fn retire_daemon(&mut self) {
        let Daemon::Running(running) = &self.daemon else { return };
        hit("keeper.succession.before");
        log(&format!("daemon (pid {}) makes room for another", running.pid));
        self.daemon = Daemon::Waiting { start_at: now() };
        hit("keeper.succession.after");
    }

    /// Whether no daemon but the one that a command waits for has been started.
    fn is_first(&self) -> bool {
        self.awaited && self.daemons <= 1
    }

    /// Ends when told to and no daemon lives to do it.
    pub(crate) fn check_stop(&mut self) {
        if self.stop_signal.is_none() || matches!(self.daemon, Daemon::Running(_)) {
            return;
        }
        if self.table.runs().len() == 0 && self.is_first() {
            log("told to stop, and nothing runs; exiting");
            self.exit = Some(ExitCode::SUCCESS);
        } else if self.failures >= MAX_FAILED_STOPS {
            log("told to stop, but no daemon lives to stop the programs; exiting without them");
            self.exit = Some(ExitCode::FAILURE);
        }
    }
}

fn how(status: Option<ExitStatus>) -> String {
    match status {
        Some(ExitStatus::Code(code)) => format!("code {code}"),
        Some(ExitStatus::Signal(signal, false)) => format!("signal {signal}"),
        Some(ExitStatus::Signal(signal, true)) => format!("signal {signal}, core dumped"),
        Some(ExitStatus::Unknown) | None => "status unknown".to_owned(),
    }
}

/// Returns what has become of the last daemons.
fn failed(count: u32) -> String {
    match count {
        1 => "the daemon failed".to_owned(),
        count => format!("{count} daemons failed in a row"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_failed_daemon_is_not_called_several() {
        assert_eq!(super::failed(1), "the daemon failed");
        assert_eq!(super::failed(3), "3 daemons failed in a row");
    }
}
