//! The keeper's side of things: a new one for one that died, with our copies of everything.
//!
//! A keeper dies only by force or by a fault of the system's, and may then be lacking for a while:
//! nothing waits for it. What is asked of it meanwhile is not sent; a new keeper is given
//! everything as it is then, also the starts that the dead one left open.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mio::Interest;
use ostler_core::RunId;
use ostler_keeper::link::{self, Link};
use ostler_keeper::proto::{ExitStatus, FdMask, RunFds, ToKeeper, version};
use ostler_keeper::{KEEPER_FD_VAR, READY_FD_VAR};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::daemon::{Daemon, Ending};
use crate::tokens::Source;
use crate::tree::{self, Held};
use crate::{clock, logbook, sys};

/// A keeper that lived this long was well, ms.
const WELL: u64 = 10_000;
/// Keepers that die young one after the other are replaced without a pause so often.
const AT_ONCE: u32 = 5;
/// The longest pause before another, ms.
const LONGEST_PAUSE: u64 = 5_000;
/// What a dead keeper's last children may take to die of SIGKILL before their run is started again,
/// all of them.
const STRAYS_LIMIT: Duration = Duration::from_millis(500);

/// The keeper as the daemon sees it.
#[derive(Debug, Default)]
pub(crate) struct KeeperProcess {
    /// Its process, held fast.
    pidfd: Option<OwnedFd>,
    /// The same, if it is our child.
    child: Option<Child>,
    /// When it became ours, monotonic ms.
    since: u64,
    /// Keepers in a row that died young.
    deaths: u32,
    /// There is none; the next is started then.
    pub due: Option<u64>,
}

impl KeeperProcess {
    /// The one that started us, or that we found.
    pub fn of(pid: u32) -> Self {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pidfd = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        Self { pidfd, child: None, since: clock::monotonic(), deaths: 0, due: None }
    }

    /// Makes sure that it is dead: a keeper without a link would start another daemon.
    fn end(&mut self) {
        if let Some(pidfd) = self.pidfd.take()
            && let Err(error) = tree::signal(&pidfd, libc::SIGKILL)
        {
            logbook::error(format!("could not end the keeper: {error}"));
        }
        if let Some(mut child) = self.child.take() {
            // It was killed: this waits for nothing but the kernel.
            if let Err(error) = child.wait() {
                logbook::error(format!("could not wait for the keeper: {error}"));
            }
        }
    }

    fn pause(&self) -> u64 {
        match self.deaths.checked_sub(AT_ONCE) {
            None => 0,
            Some(more) => (10_u64 << more.min(10)).min(LONGEST_PAUSE),
        }
    }
}

impl Daemon {
    /// The keeper is gone. The apps live on; a new keeper gets our copies of everything.
    pub fn replace_keeper(&mut self, error: &std::io::Error) {
        if self.ending == Ending::Now || self.keeper_process.due.is_some() {
            return;
        }
        logbook::error(format!(
            "the keeper (pid {}) is gone ({error}); starting another",
            self.keeper.0
        ));
        self.deregister(self.link.fd());
        let now = clock::monotonic();
        let process = &mut self.keeper_process;
        process.end();
        process.deaths = if now < process.since + WELL { process.deaths + 1 } else { 1 };
        process.due = Some(now + process.pause());
        self.fail_update("the keeper died of it");
        self.start_due_keeper(now);
    }

    /// Starts a keeper when it is time.
    pub fn start_due_keeper(&mut self, now: u64) {
        if self.keeper_process.due.is_none_or(|due| now < due) {
            return;
        }
        match self.start_keeper() {
            Ok((link, child)) => {
                self.link = link;
                let pid = child.id();
                let deaths = self.keeper_process.deaths;
                self.keeper_process =
                    KeeperProcess { child: Some(child), deaths, ..KeeperProcess::of(pid) };
                self.keeper.0 = pid;
                logbook::log(format!("started keeper {pid}"));
                self.hand_over();
            }
            Err(error) => {
                self.keeper_process.deaths += 1;
                let pause = self.keeper_process.pause().max(100);
                logbook::error(format!(
                    "could not start a keeper: {error}; trying again in {pause} ms, apps go on"
                ));
                self.keeper_process.due = Some(now + pause);
            }
        }
    }

    fn start_keeper(&self) -> std::io::Result<(Link, Child)> {
        let (theirs, ours) = link::pair()?;
        // Not by its path: there may be another version by now, or none.
        let mut command = Command::new("/proc/self/exe");
        command.arg0(&self.config.exe).arg("keeper");
        command
            .env(ostler_env::OSTLER_HOME, &self.config.home)
            .env_remove(KEEPER_FD_VAR)
            .env_remove(READY_FD_VAR);
        command.current_dir("/").stdin(Stdio::null());
        command.arg("--nofile").arg(format!("{}:{}", self.nofile.0, self.nofile.1));
        let number = sys::pass_on(&mut command, theirs).to_string();
        command.arg("--adopt").arg(number);
        let link = Link::new(ours)?;
        self.register(link.fd(), Source::Keeper, Interest::READABLE)?;
        Ok((link, command.spawn()?))
    }

    /// Gives a new keeper everything that it must hold.
    fn hand_over(&mut self) {
        self.keeper_send(&ToKeeper::Hello { version: version() }, Vec::new());
        let lock = self.lock.try_clone();
        let control = self.listener.try_clone().map(OwnedFd::from);
        match self.guard.for_keeper() {
            Ok((message, copy)) => self.keeper_send(&message, vec![copy]),
            Err(error) => {
                logbook::error(format!(
                    "out of descriptors for the keeper, connections are not guarded: {error}"
                ));
            }
        }
        self.put_copy(crate::start::LOCK.to_owned(), Vec::new(), lock);
        self.put_copy(crate::start::CONTROL.to_owned(), Vec::new(), control);
        let logs: Vec<(String, std::io::Result<OwnedFd>)> = self
            .kept_logs
            .iter()
            .map(|(name, fd)| (format!("log/{name}"), fd.try_clone()))
            .collect();
        for (name, fd) in logs {
            self.put_copy(name, Vec::new(), fd);
        }
        let listeners: Vec<(ostler_core::AppId, u64)> =
            self.cluster.listeners.iter().map(|(id, listener)| (listener.app, *id)).collect();
        for (app, id) in listeners {
            self.keep_listener(app, ostler_cluster::ListenerId(id), true);
        }
        let open: Vec<RunId> = self
            .runs
            .iter()
            .filter(|(_, run)| run.pid == 0 && run.exit.is_none())
            .map(|(run, _)| *run)
            .collect();
        let known: Vec<RunId> =
            self.runs.keys().copied().filter(|run| !open.contains(run)).collect();
        for run in known {
            self.hand_over_run(run);
        }
        self.spawn_again(&open);
        // Last: if we die before, what the keeper did not get is looked for.
        let swept = ToKeeper::SetMeta {
            name: crate::start::LOCK.to_owned(),
            meta: crate::start::SWEPT.to_vec(),
        };
        self.keeper_send(&swept, Vec::new());
    }

    /// Gives the keeper a copy to hold.
    fn put_copy(&mut self, name: String, meta: Vec<u8>, copy: std::io::Result<OwnedFd>) {
        match copy {
            Ok(copy) => self.keeper_send(&ToKeeper::Put { name, meta }, vec![copy]),
            Err(error) => logbook::error(format!(
                "out of descriptors for the keeper, `{name}` is not kept: {error}"
            )),
        }
    }

    fn hand_over_run(&mut self, run: RunId) {
        let Some(held) = self.runs.get(&run) else { return };
        let [out, err] = &held.pipes;
        let copy = |fd: &Option<OwnedFd>| fd.as_ref().and_then(|fd| fd.try_clone().ok());
        let status = held.exit.map(crate::driver::status_of);
        let fds = RunFds {
            pidfd: copy(&held.pidfd).filter(|_| status.is_none()),
            out: copy(out),
            err: copy(err),
            ipc: held.channel.as_ref().and_then(|channel| channel.duplicate().ok()),
        };
        let (pid, start_time) = (held.pid, held.start_time);
        let meta = self.meta_of_run(run);
        self.adopt(run, pid, start_time, meta, status, &fds);
    }

    /// Starts that a dead keeper left open. Nobody knows how far it came: what it began dies first.
    fn spawn_again(&mut self, runs: &[RunId]) {
        if runs.is_empty() {
            return;
        }
        let strays: Vec<Held> = tree::marked(&self.mark)
            .into_iter()
            .filter(|(run, _)| runs.contains(run))
            .map(|(_, held)| held)
            .collect();
        end_strays(&strays);
        for run in runs {
            if let (Some(groups), Some(held)) = (&self.groups, self.runs.get_mut(run)) {
                held.grouped = held.grouped && groups.renew(*run);
            }
            self.send_spawn(*run);
        }
    }

    /// Makes the keeper hold a run that is not its child.
    pub fn adopt(
        &mut self,
        run: RunId,
        pid: u32,
        start_time: u64,
        meta: Vec<u8>,
        status: Option<ExitStatus>,
        fds: &RunFds<OwnedFd>,
    ) {
        let copies: Result<Vec<OwnedFd>, std::io::Error> =
            fds.iter().map(OwnedFd::try_clone).collect();
        let (mask, copies): (FdMask, Vec<OwnedFd>) = match copies {
            Ok(copies) => (fds.mask(), copies),
            Err(error) => {
                logbook::error(format!("out of descriptors for the keeper: {error}"));
                return;
            }
        };
        self.keeper_send(
            &ToKeeper::Adopt { run: run.0, pid, start_time, meta, mask, status },
            copies,
        );
    }
}

/// Kills processes and waits a moment until they are gone: their ports and files must be free for
/// what comes next. The one place where the loop waits, since nothing of these runs can go on
/// before; a process dies of SIGKILL at once.
pub(crate) fn end_strays(strays: &[Held]) {
    for stray in strays {
        logbook::log(format!("process {} was left behind: killed", stray.pid));
        if let Err(error) = tree::signal(&stray.fd, libc::SIGKILL) {
            logbook::error(format!("could not kill process {}: {error}", stray.pid));
        }
    }
    let until = Instant::now() + STRAYS_LIMIT;
    for stray in strays {
        let left = until.saturating_duration_since(Instant::now());
        let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(left.subsec_nanos()) };
        match poll(&mut [PollFd::new(&stray.fd.as_fd(), PollFlags::IN)], Some(&limit)) {
            Ok(0) => {
                logbook::error(format!("process {} still dies, going on without it", stray.pid));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                logbook::error(format!("could not wait for process {}: {error}", stray.pid));
            }
        }
    }
}
