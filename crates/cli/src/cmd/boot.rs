//! `boot`: what an init system runs. Starts the manager if it does not run, resurrects, and stays
//! until it ends.
//!
//! This process is neither keeper nor daemon and holds nothing: killed, it is started again by the
//! init system, and finds everything running. It ends with 0 when the manager was asked to end,
//! with 1 when keeper and daemon are both gone without having been asked. SIGTERM stops every app
//! and the manager, then ends it.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use ostler_client::{Answer, Client, Error, START_LIMIT};
use ostler_wire::control::{Reply, Request};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal};

use super::{kill, resurrect};
use crate::boot::notify::Notify;
use crate::failed::Failed;
use crate::session::Session;

/// A daemon that has answered.
struct Watched {
    client: Client,
    /// The process, to replace it when it hangs; its number could be a stranger's by then.
    pidfd: Option<OwnedFd>,
}

/// Why a wait ended.
#[derive(Debug, PartialEq, Eq)]
enum Woken {
    /// The connection ended: the daemon was replaced, died, or was asked to end.
    Lost,
    /// A signal asked this process to end.
    Signalled,
    /// It is time to check that the daemon answers.
    Due,
}

/// Runs the command `boot`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let notify = Notify::from_env(|name| std::env::var_os(name));
    session.connect()?;
    let signals = crate::sys::signal_fd(&crate::sys::TAKEN)
        .map_err(|error| Failed::new(format!("cannot take signals: {error}")))?;
    // A daemon that hangs would keep the next request waiting for ever.
    let mut watched = Watched::new(session.take_client()?, START_LIMIT)?;
    resurrect::restore(session)?;
    session.disconnect();
    notify_manager(session, &notify, "READY=1\nSTATUS=The saved apps are back.");
    session.out.flush()?;
    let mut due = notify.every.map(|every| Instant::now() + every);
    loop {
        match wait(&watched.client, &signals, due)
            .map_err(|error| Failed::new(format!("cannot wait: {error}")))?
        {
            Woken::Signalled => {
                notify_manager(session, &notify, "STOPPING=1\nSTATUS=Stopping all apps.");
                return kill::run(session);
            }
            Woken::Lost => match successor(session, notify.every.unwrap_or(START_LIMIT))? {
                Some(next) => watched = next,
                None => return Ok(()),
            },
            Woken::Due => {
                let every = notify.every.unwrap_or(START_LIMIT);
                if watched.answers(every) {
                    notify_manager(session, &notify, "WATCHDOG=1");
                } else {
                    // The keeper starts another, which takes the apps over. No ping before that one
                    // answers.
                    session.out.warn(&format!(
                        "the daemon does not answer within {every:?}: replacing it"
                    ));
                    session.out.flush()?;
                    watched.replace();
                    match successor(session, every)? {
                        Some(next) => watched = next,
                        None => return Ok(()),
                    }
                    notify_manager(session, &notify, "WATCHDOG=1");
                }
                due = notify.every.map(|every| Instant::now() + every);
            }
        }
    }
}

/// Waits for the daemon after the one that was lost; `None` when that one was asked to end.
fn successor(session: &Session, limit: Duration) -> Result<Option<Watched>, Failed> {
    loop {
        // The keeper holds the listening socket: as long as it lives, a connection waits for the
        // next daemon.
        let client = match Client::connect(&session.home) {
            Ok(client) => client,
            // The last thing that a daemon does is to remove its socket.
            Err(Error::NotRunning { socket }) if !socket.exists() => return Ok(None),
            Err(Error::NotRunning { .. }) => {
                return Err(Failed::new("keeper and daemon ended without having been asked to")
                    .hint(
                        "the init system starts this command again, which stops and starts what \
                         was left running",
                    ));
            }
            Err(error) => return Err(error.into()),
        };
        match Watched::new(client, limit) {
            Err(Failed { problem: None, .. }) => {}
            other => return other.map(Some),
        }
    }
}

impl Watched {
    /// Waits until the daemon answers. A quiet failure: the connection ended before that.
    fn new(mut client: Client, limit: Duration) -> Result<Self, Failed> {
        match client.request_within(&Request::Hello, limit, |_| ()) {
            Ok(Answer::Reply(Reply::Hello { pid, .. })) => {
                let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
                // An old kernel has no pidfds: then a daemon that hangs is left to the init system.
                let pidfd = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
                Ok(Self { client, pidfd })
            }
            Ok(other) => Err(crate::session::unexpected(&other)),
            Err(Error::Broken) => Err(Failed::quiet(1)),
            Err(error) => Err(error.into()),
        }
    }

    fn answers(&mut self, limit: Duration) -> bool {
        match self.client.request_within(&Request::Hello, limit, |_| ()) {
            Ok(_) => true,
            // It ends or is being replaced; whoever waits for the connection sees it next.
            Err(Error::Broken) => true,
            Err(_) => false,
        }
    }

    fn replace(&self) {
        if let Some(pidfd) = &self.pidfd {
            // It may have ended by itself meanwhile, which does as well.
            _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
    }
}

fn wait(client: &Client, signals: &OwnedFd, due: Option<Instant>) -> io::Result<Woken> {
    loop {
        let left = due.map(|due| due.saturating_duration_since(Instant::now()));
        let left = left.map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        let mut fds = [
            PollFd::new(signals, PollFlags::IN),
            PollFd::from_borrowed_fd(client.as_fd(), PollFlags::IN),
        ];
        match poll(&mut fds, left.as_ref()) {
            Ok(0) => return Ok(Woken::Due),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let [signal, connection] = fds.map(|fd| !fd.revents().is_empty());
        if signal && is_asked_to_end(signals)? {
            return Ok(Woken::Signalled);
        }
        // Nothing comes unasked: what can be read is the end.
        if connection {
            return Ok(Woken::Lost);
        }
    }
}

/// Reads the signals; `true` when one asks this process to end. The keeper is a child of ours when
/// we started it, and must not stay a zombie when it dies; a hangup of the terminal is ignored.
fn is_asked_to_end(signals: &OwnedFd) -> io::Result<bool> {
    let mut buffer = [0_u8; 128 * 8];
    let count = match rustix::io::read(signals, &mut buffer) {
        Ok(count) => count,
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => 0,
        Err(error) => return Err(error.into()),
    };
    let numbers = buffer.get(..count).unwrap_or_default().chunks_exact(128);
    let mut numbers =
        numbers.map(|info| info.first_chunk::<4>().map_or(0, |bytes| i32::from_ne_bytes(*bytes)));
    let asked =
        numbers.any(|number| [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT].contains(&number));
    while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
    Ok(asked)
}

fn notify_manager(session: &mut Session, notify: &Notify, state: &str) {
    if let Err(error) = notify.tell(state) {
        session.out.warn_aside(&format!(
            "cannot tell the init system `{}`: {error}",
            ostler_text::shown(state)
        ));
    }
}
