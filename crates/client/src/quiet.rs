//! A daemon that is there and says nothing, since it is stopped or hangs.
//!
//! Problem: whoever asks it sees nothing at all, until its keeper has replaced it or the limit is
//! over. Rule: after a second it is told once which process is waited for, and how long. An answer
//! that depends on apps may take its time; there the daemon is asked for its name over a second
//! connection, which a daemon that is well answers at once.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use ostler_wire::control::{self, FrameKind, Request};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::Home;
use crate::parts::{is_stopped, parts_of};
use crate::waits::ANSWER_LIMIT;

/// After this without a word it is told that a daemon says nothing.
pub(crate) const LATE: Duration = Duration::from_secs(1);

/// Whether the silence of a daemon is worth a word.
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    /// The daemon that was there at the last look.
    daemon: Option<u32>,
    probe: Option<Probe>,
    told: bool,
}

/// What a look comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silent {
    /// It is waited on.
    Wait,
    /// It is waited on, and told that nothing is heard.
    Tell,
    /// The daemon answers nobody.
    GiveUp,
}

impl Quiet {
    /// The daemon has said something.
    pub(crate) fn heard(&mut self) {
        (self.daemon, self.probe) = (None, None);
    }

    /// Judges a look at a daemon of which nothing was heard for so long.
    /// `for_apps`: it may wait for apps.
    pub(crate) fn look(&mut self, home: &Home, silent: Duration, for_apps: bool) -> Silent {
        let owed = if for_apps { self.probed(home) } else { Some(silent) };
        if for_apps && owed.is_some_and(|owed| ANSWER_LIMIT <= owed) {
            return Silent::GiveUp;
        }
        if self.told || silent < LATE {
            return Silent::Wait;
        }
        let parts = parts_of(home.path());
        // A daemon that is well can start nothing while its keeper is stopped.
        let is_stopped = for_apps && parts.iter().any(|part| is_stopped(part.pid));
        let Some(silent) = owed.or(is_stopped.then_some(silent)) else { return Silent::Wait };
        let daemon = parts.iter().find(|part| part.daemon).map(|part| part.pid);
        // One that has just begun is not one that hangs.
        let stays = daemon.is_some() && std::mem::replace(&mut self.daemon, daemon) == daemon;
        self.told = stays && LATE <= silent;
        if self.told { Silent::Tell } else { Silent::Wait }
    }

    /// For how long the daemon has owed its name; nothing where it owes none.
    fn probed(&mut self, home: &Home) -> Option<Duration> {
        match &self.probe {
            Some(probe) if probe.is_answered() => self.heard(),
            Some(probe) => return Some(probe.since.elapsed()),
            None => self.probe = Probe::new(home),
        }
        None
    }
}

/// A question that any daemon answers at once.
#[derive(Debug)]
struct Probe {
    stream: UnixStream,
    since: Instant,
}

impl Probe {
    /// Asks; nothing where nobody can be asked.
    fn new(home: &Home) -> Option<Self> {
        let mut stream = UnixStream::connect(home.checked_socket().ok()?).ok()?;
        let mut frame = Vec::with_capacity(64);
        control::encode_json(FrameKind::Request, &Request::Hello, &mut frame).ok()?;
        stream.write_all(&frame).ok()?;
        Some(Self { stream, since: Instant::now() })
    }

    /// Whether it was answered, or nobody is there any more who could.
    fn is_answered(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let there = poll(&mut [PollFd::new(&self.stream, PollFlags::IN)], Some(&now));
        // What cannot be looked at says nothing against the daemon.
        there != Ok(0)
    }
}
