//! The keeper's process: ended for certain when its link is gone, and replaced.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use ostler_keeper::link::{self, Link};
use ostler_poll::Watched;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::config::Config;
use crate::{clock, daemon_log, runs, sys};

/// A keeper that lived this long was well, ms.
const WELL: u64 = 10_000;
/// Keepers that die young one after the other are replaced without a pause so often.
const AT_ONCE: u32 = 5;
/// The longest pause before another, ms.
const LONGEST_PAUSE: u64 = 5_000;

/// A keeper's process.
#[derive(Debug, Default)]
pub struct KeeperProcess {
    /// Its descriptor, for its number may be another's.
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

    /// Its descriptor, where there is one.
    pub fn fd(&self) -> Option<&OwnedFd> {
        self.pidfd.as_ref()
    }

    /// It is as good as dead: it ends, and another one is due.
    pub fn lose(&mut self) {
        self.end();
        let now = clock::monotonic();
        self.deaths = if now < self.since + WELL { self.deaths + 1 } else { 1 };
        self.due = Some(now + self.pause());
    }

    /// Another one was started in its place.
    pub fn replace(&mut self, child: Child) {
        let deaths = self.deaths;
        *self = Self { deaths, ..Self::of(child.id()) };
        self.child = Some(child);
    }

    /// None could be started; returns how long it takes until the next try, ms.
    pub fn fail_start(&mut self, now: u64) -> u64 {
        self.deaths += 1;
        let pause = self.pause().max(100);
        self.due = Some(now + pause);
        pause
    }

    /// Makes sure that it is dead: a keeper without a link would start another daemon.
    fn end(&mut self) {
        let killed = self.pidfd.take().map(|pidfd| runs::signal(&pidfd, libc::SIGKILL));
        let child = self.child.take();
        // A child that was not waited for keeps its number.
        let killed = match (killed, child) {
            (Some(Ok(())), child) => Ok(child),
            (_, Some(mut child)) => child.kill().map(|()| Some(child)),
            (Some(Err(error)), None) => Err(error),
            (None, None) => Ok(None),
        };
        if let Err(error) = &killed {
            daemon_log::error(format!("could not end the keeper: {error}"));
        }
        if let Ok(Some(child)) = killed {
            reap(child);
        }
    }

    fn pause(&self) -> u64 {
        match self.deaths.checked_sub(AT_ONCE) {
            None => 0,
            Some(more) => (10_u64 << more.min(10)).min(LONGEST_PAUSE),
        }
    }
}

/// Waits for the end of a keeper that was killed, beside the loop: what it waits for in the kernel,
/// such as a file system that does not answer, nobody else is to wait for.
fn reap(mut child: Child) {
    let wait = move || {
        if let Err(error) = child.wait() {
            daemon_log::error(format!("could not wait for the keeper: {error}"));
        }
    };
    if let Err(error) = std::thread::Builder::new().name("reap".to_owned()).spawn(wait) {
        // It stays as a zombie: the lesser evil.
        daemon_log::error(format!("could not wait for the keeper: {error}"));
    }
}

/// Starts a keeper that takes up what is running.
///
/// # Errors
/// Whatever the system says.
pub fn start(
    config: &Config,
    nofile: (u64, u64),
    watch: impl FnOnce(OwnedFd) -> io::Result<Watched<OwnedFd>>,
) -> io::Result<(Link<Watched<OwnedFd>>, Child)> {
    let (theirs, ours) = link::pair()?;
    // Not by its path: there may be another version by now, or none.
    let mut command = Command::new("/proc/self/exe");
    command.arg0(&config.exe).arg("keeper");
    command
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| ostler_env::is_for_manager(name)))
        .env(ostler_env::OSTLER_HOME, &config.home);
    command.current_dir("/").stdin(Stdio::null());
    command.arg("--nofile").arg(format!("{}:{}", nofile.0, nofile.1));
    let number = sys::pass_on(&mut command, theirs).to_string();
    command.arg("--adopt").arg(number);
    let link = Link::new(watch(ours)?)?;
    Ok((link, command.spawn()?))
}
