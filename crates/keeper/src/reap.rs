//! Ends of processes: signals, our children, adopted runs.

use std::os::fd::AsFd;

use ostler_poll::{Interest, Ready, now};
use rustix::process::{WaitOptions, wait};

use crate::daemon::{Daemon, Progress};
use crate::failpoint::hit;
use crate::keeper::{Adopted, Keeper};
use crate::log::log;
use crate::polled::Polled;
use crate::proc_stat::zombie_status;
use crate::proto::ExitStatus;
use crate::sys;
use crate::table::Fd;

/// How long the parent of an adopted run that ended has to reap it, ms, when only then the kernel
/// tells us its status.
const REAP_GRACE: u64 = 1000;

/// Pause before ends are collected again that could not be, ms.
const REAP_AGAIN: u64 = 50;

/// Pause before a run that could not be watched is watched again, ms.
const WATCH_AGAIN: u64 = 50;

impl Keeper {
    pub(crate) fn on_signals(&mut self) {
        for signal in sys::read_signals(self.signals.as_fd()) {
            if signal != libc::SIGCHLD {
                log(&format!("received signal {signal}; telling the daemon to stop everything"));
                self.stop_signal = Some(signal);
                match &self.daemon {
                    Daemon::Running(running) if running.progress != Progress::Silent => {
                        running.signal(signal);
                    }
                    // It is told when it has said hello and can act on it.
                    Daemon::Running(_) | Daemon::Waiting { .. } => {}
                }
                self.check_stop();
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
                Ok(None) | Err(rustix::io::Errno::CHILD) => return self.reap_at = None,
                // Nothing tells once more that somebody has ended.
                Err(error) => {
                    log(&format!("cannot collect processes that ended: {error}"));
                    return self.reap_at = Some(now() + REAP_AGAIN);
                }
            }
        }
    }

    fn on_child_exit(&mut self, pid: u32, status: ExitStatus) {
        if let Some(run) = self.table.take_pid(pid) {
            hit("keeper.reaped");
            self.end_run(run, status);
        } else if let Daemon::Running(running) = &self.daemon
            && running.child
            && running.pid == pid
        {
            self.on_daemon_exit(Some(status));
        }
    }

    /// Starts to watch a run that is not our child.
    pub(crate) fn watch_adopted(&mut self, run: u64, pid: u32, pidfd: Fd) {
        let pidfd = self.poll.unwatched(pidfd, Polled::Adopted(pid));
        self.adopted.insert(run, Adopted { pidfd, watch_at: None, give_up_at: None });
        self.try_watch(run, now());
    }

    /// Watches what could not be watched before.
    pub(crate) fn watch_again(&mut self, now: u64) {
        let due = |(run, adopted): (&u64, &Adopted)| {
            adopted.watch_at.is_some_and(|at| at <= now).then_some(*run)
        };
        for run in self.adopted.iter().filter_map(due).collect::<Vec<_>>() {
            self.try_watch(run, now);
        }
    }

    /// A run that cannot be watched for a moment is not at its end: it would get a second process.
    fn try_watch(&mut self, run: u64, now: u64) {
        let Some(adopted) = self.adopted.get_mut(&run) else { return };
        let was_tried = adopted.watch_at.take().is_some();
        let Err(error) = adopted.pidfd.set(Interest::READ) else { return };
        // Of what can never be watched nobody will know the end.
        let never = error.kind() == std::io::ErrorKind::PermissionDenied;
        if !was_tried {
            log(&format!("cannot watch the process of run {run}: {error}"));
        }
        if never {
            self.end_run(run, ExitStatus::Unknown);
        } else {
            adopted.watch_at = Some(now + WATCH_AGAIN);
        }
    }

    pub(crate) fn on_adopted_exit(&mut self, pid: u32, ready: Ready) {
        if let Some(run) = self.table.run_of_pid(pid) {
            self.end_adopted(run, ready.is_hangup());
        }
    }

    /// Gives up the statuses that did not come in time.
    pub(crate) fn expire_adopted(&mut self, now: u64) {
        let overdue: Vec<u64> = self
            .adopted
            .iter()
            .filter(|(_, adopted)| adopted.give_up_at.is_some_and(|at| at <= now))
            .map(|(run, _)| *run)
            .collect();
        for run in overdue {
            self.end_adopted(run, true);
        }
    }

    /// An adopted run ended; `last` when waiting longer for its status is useless.
    fn end_adopted(&mut self, run: u64, last: bool) {
        let Some(entry) = self.table.get(run) else { return };
        let Some(adopted) = self.adopted.get_mut(&run) else { return };
        let status = sys::pidfd_exit_status(adopted.pidfd.as_fd())
            .or_else(|| zombie_status(entry.pid, entry.start_time));
        match status {
            Some(raw) => self.end_run(run, ExitStatus::from_wait(raw)),
            None if last => self.end_run(run, ExitStatus::Unknown),
            None => {
                // It is dead but not reaped: only its hanging up is of interest now.
                adopted.give_up_at = Some(now() + REAP_GRACE);
                if let Err(error) = adopted.pidfd.set(Interest::HANGUP) {
                    log(&format!("cannot watch run {run} any more: {error}"));
                    self.end_run(run, ExitStatus::Unknown);
                }
            }
        }
    }

    fn end_run(&mut self, run: u64, status: ExitStatus) {
        let next = self.start_next(run, status);
        self.adopted.remove(&run);
        self.table.end(run, status, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
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
