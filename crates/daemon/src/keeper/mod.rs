//! The keeper as the daemon sees it: the link, the process at its other end, what is asked of them.
//!
//! A keeper dies only by force or by a fault of the system's, and may then be lacking for a while:
//! nothing waits for it. What is asked of it meanwhile is not sent; a new keeper is given
//! everything as it is then, also the starts that the dead one left open.

mod giving;
mod lock;
mod process;
mod program;
mod replacing;
mod starts;
mod succession;
mod update;

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

use ostler_core::RunId;
use ostler_keeper::failpoint::hit;
use ostler_keeper::link::Link;
use ostler_keeper::proto::{FromKeeper, Preparation, RunFd, SpawnSpec, ToKeeper};
use ostler_poll::{Interest, Poll, Watched};

use crate::reserve::Reserve;
use crate::runs::Adoption;
use crate::starts::Starts;
use crate::tokens::Polled;
use crate::{clock, daemon_log};
use process::KeeperProcess;
pub use program::Tried;
use program::Update;
pub use succession::{SUCCESSION, Waited, take};

/// The name that the keeper holds the control socket under.
pub const CONTROL: &str = "control";
/// The name that the keeper holds the lock under.
pub const LOCK: &str = "lock";
/// What the names begin with under which it holds locks of homes that were moved.
pub const OLD_LOCKS: &str = "lock/";
/// Kept with the lock once orphans of an earlier keeper were looked for.
pub const SWEPT: &[u8] = b"swept";
/// How long cleanup waits for the keeper's report of a start, at most, ms.
const DEFER_CLEANUP: u64 = 10;
/// How long the last messages to the keeper may take, ms.
const FLUSH_TIMEOUT: u64 = 5000;
/// Pause before a link that lacked something is used again, ms.
const LINK_AGAIN: u64 = 10;
/// Pause before what could not be given to the keeper is given again, ms: the first one, which
/// doubles, and the longest.
const GIVE_AGAIN: (u64, u64) = (100, 30_000);
/// Pause before the keeper is told that an output is at its end, ms.
const CLOSE_LATER: u64 = 5;

/// The first version of the protocol that has [`ToKeeper::Sync`].
const SYNC_SINCE: u8 = 3;
/// The first version of keepers that ask how we are.
const PINGS_SINCE: u8 = 3;
/// The first version of keepers that set limits of processes.
const LIMITS_SINCE: u8 = 4;
/// A keeper that asks every few seconds and has said nothing for so long hangs, ms.
pub const SILENCE: u64 = 15_000;
/// So much later than it was due a look says nothing about the keeper, ms.
const LATE: u64 = 2_000;

/// What the keeper said of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Welcome {
    /// Version of the protocol that it speaks.
    pub version: u8,
    /// Number of its process.
    pub pid: u32,
    /// The limits of open files that programs get.
    pub nofile: (u64, u64),
}

/// The keeper, and what is asked of it.
pub struct Keeper {
    link: Link<Watched<OwnedFd>>,
    process: KeeperProcess,
    welcome: Welcome,
    /// The lock that says which daemon is the one of this home; held as long as keeper
    /// or daemon live.
    lock: OwnedFd,
    /// Locks of the homes that it had before, where these were moved.
    old_locks: Vec<OwnedFd>,
    /// The keeper was asked to start something: until it answers, or until this time, cleanup is
    /// deferred. On the same core, every call of ours keeps the keeper from starting it.
    starting: Option<u64>,
    /// Runs of which nothing is left; it is told when their ends are.
    released: Vec<RunId>,
    /// Ends of output that the keeper need not hold any more.
    closed: Vec<(RunId, RunFd)>,
    /// When it is told of them.
    close_at: Option<u64>,
    /// The link lacks memory or the like: when it is tried again.
    link_at: Option<u64>,
    /// Something could not be given to it: when everything is given again.
    incomplete: Option<u64>,
    /// The pause before that.
    give_pause: u64,
    /// Among it is the list of starts.
    lacks_starts: bool,
    /// It has the list of our predecessor: when it gets ours.
    starts_at: Option<u64>,
    /// When it said something the last time, monotonic ms.
    heard_at: u64,
    /// A change of program under way.
    update: Option<Update>,
    /// The list of starts, to which the keeper adds.
    starts: Starts,
    /// For the start of another keeper.
    reserve: Reserve,
    poll: Rc<Poll<Polled>>,
}

impl Keeper {
    /// Takes the link to the keeper that started us.
    ///
    /// # Errors
    /// The link cannot be polled.
    pub fn new(
        link: Link,
        welcome: Welcome,
        (lock, old_locks): (OwnedFd, Vec<OwnedFd>),
        starts: Starts,
        reserve: Reserve,
        poll: Rc<Poll<Polled>>,
    ) -> io::Result<Self> {
        let link =
            link.map_socket(|socket| poll.watch(socket, Polled::Keeper, Interest::READ.edge()))?;
        let process = KeeperProcess::of(welcome.pid);
        Ok(Self {
            link,
            process,
            welcome,
            lock,
            old_locks,
            starting: None,
            released: Vec::new(),
            closed: Vec::new(),
            close_at: None,
            link_at: None,
            incomplete: None,
            give_pause: GIVE_AGAIN.0,
            lacks_starts: false,
            starts_at: None,
            heard_at: clock::monotonic(),
            update: None,
            starts,
            reserve,
            poll,
        })
    }

    /// Returns the number of its process.
    pub fn pid(&self) -> u32 {
        self.welcome.pid
    }

    /// It said hello, after its start or a change of its program.
    pub fn welcomed(&mut self, welcome: Welcome) {
        self.welcome = welcome;
    }

    /// Sends a message. A keeper that does not take it is about to be found dead by the poll.
    pub fn send(&mut self, message: &ToKeeper, fds: Vec<OwnedFd>) {
        self.send_shared(message, fds.into_iter().map(Arc::new).collect());
    }

    fn send_shared(&mut self, message: &ToKeeper, fds: Vec<Arc<OwnedFd>>) {
        if self.process.due.is_some() {
            return; // The next one is given everything as it is then.
        }
        hit("send.before");
        if let Err(error) = self.link.send_shared(message, fds) {
            daemon_log::error(format!("could not send to the keeper: {error}"));
        }
        hit("send.after");
    }

    /// Returns its next message; `None` when there is none now.
    ///
    /// # Errors
    /// It is dead, or as good as dead.
    pub fn receive(&mut self) -> io::Result<Option<(FromKeeper, Vec<OwnedFd>)>> {
        let message = self.link.receive()?;
        match message {
            Some(_) => self.heard_at = clock::monotonic(),
            None => _ = self.link.flush()?,
        }
        Ok(message)
    }

    /// Watches the link for room to write while something waits for that, and at no other time:
    /// else every message that the keeper reads would wake us, and on one core keep it from doing
    /// what it was told.
    pub fn watch_link(&mut self) {
        if self.process.due.is_some() {
            return;
        }
        let full = 0 < self.link.queued();
        let interest = if full { Interest::READ | Interest::WRITE } else { Interest::READ };
        let watched = self.link.socket_mut().set(interest.edge());
        let lacks_something = watched.is_err() || self.link.starved();
        self.link_at = lacks_something.then(|| clock::monotonic() + LINK_AGAIN);
        if let Err(error) = watched {
            daemon_log::error(format!("could not watch the link to the keeper: {error}"));
        }
    }

    /// When the link is to be used again, of which no poll tells.
    pub fn link_due(&self) -> Option<u64> {
        self.link_at.filter(|_| !self.is_lost())
    }

    /// Sends what is left to be said before we go: after a thousand releases its socket is full,
    /// and that it is not to start another daemon comes last.
    pub fn flush_link(&mut self) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let until = clock::monotonic() + FLUSH_TIMEOUT;
        while matches!(self.link.flush(), Ok(false)) && clock::monotonic() < until {
            let pause = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
            if let Err(error) = poll(&mut [PollFd::new(&self.link, PollFlags::OUT)], Some(&pause)) {
                daemon_log::error(format!("could not wait for the keeper: {error}"));
            }
        }
    }

    /// Tells it to end without starting another daemon.
    pub fn shut_down(&mut self) {
        if let Err(error) = self.link.send(&ToKeeper::Shutdown, Vec::new()) {
            daemon_log::error(format!("could not tell the keeper to go: {error}"));
        }
    }

    // ---------------------------------------------------------------------------------------------
    // runs

    /// Asks for a run. It may be asked for again: a run that is there already is answered as it is.
    pub fn spawn(&mut self, request: SpawnSpec) {
        self.send(&ToKeeper::Spawn(request), Vec::new());
        self.starting = Some(clock::monotonic() + DEFER_CLEANUP);
    }

    /// Whether it can be told what to start when a run ends.
    pub fn prepares(&self) -> bool {
        2 <= self.welcome.version && !self.is_lost()
    }

    /// Whether it sets limits of the processes that it starts. One that is lost will be replaced by
    /// one of today.
    pub fn limits(&self) -> bool {
        LIMITS_SINCE <= self.welcome.version || self.is_lost()
    }

    /// Tells it what to start when a run ends.
    pub fn prepare(&mut self, preparation: Preparation) {
        self.send(&ToKeeper::Prepare(preparation), Vec::new());
    }

    /// Tells it to start nothing when a run ends.
    pub fn revoke(&mut self, after: RunId) {
        if self.prepares() {
            self.send(&ToKeeper::Revoke { after: after.0 }, Vec::new());
        }
    }

    /// A start that was asked for is answered.
    pub fn spawn_answered(&mut self) {
        self.starting = None;
    }

    /// Whether a start is under way that is not to be held up, and until when.
    pub fn starting_until(&self) -> Option<u64> {
        self.starting
    }

    /// Makes it hold a run that is not its child.
    pub fn adopt(&mut self, run: RunId, meta: Vec<u8>, adoption: Adoption) {
        let Adoption { process: (pid, start_time), status, fds } = adoption;
        let mask = fds.mask();
        let adopt = ToKeeper::Adopt { run: run.0, pid, start_time, meta, mask, status };
        // No copies: there may be no room for them.
        self.send_shared(&adopt, fds.into_list());
    }

    /// A run need not be held any more, once all that follows from its end is done and told.
    pub fn release(&mut self, run: RunId) {
        self.released.push(run);
    }

    /// Tells it of such runs, when what was decided is in effect. It is the only one who knows how
    /// they ended until that is told; a daemon after one that dies before finds them again, and
    /// whoever comes after this will not hear of their ends.
    pub fn send_released(&mut self) {
        if !self.released.is_empty() {
            daemon_log::flush();
        }
        for run in std::mem::take(&mut self.released) {
            hit("release.before");
            self.starts.end(run);
            self.send(&ToKeeper::Release { run: run.0 }, Vec::new());
            hit("release.after");
        }
    }

    /// Nobody writes to an output any more: the keeper is told a little later. Mostly the process
    /// is at its end too, and the keeper drops all of it in a moment.
    pub fn close_output(&mut self, run: RunId, which: RunFd) {
        self.closed.push((run, which));
        self.close_at.get_or_insert(clock::monotonic() + CLOSE_LATER);
    }

    /// When [`close_outputs`](Self::close_outputs) is due.
    pub fn close_due(&self) -> Option<u64> {
        self.close_at
    }

    /// Tells it of outputs that nobody writes to any more, of runs that go on.
    pub fn close_outputs(&mut self, is_known: impl Fn(RunId) -> bool) {
        self.close_at = None;
        for (run, which) in std::mem::take(&mut self.closed) {
            if is_known(run) {
                self.send(&ToKeeper::CloseRunFd { run: run.0, which }, Vec::new());
            }
        }
    }

    // ---------------------------------------------------------------------------------------------
    // things by name

    /// Gives it a copy to hold.
    pub fn put(&mut self, name: String, meta: Vec<u8>, copy: io::Result<OwnedFd>) {
        match copy {
            Ok(copy) => self.send(&ToKeeper::Put { name, meta }, vec![copy]),
            Err(error) => self.lacks(&format!("`{name}`"), &error),
        }
    }

    /// Changes what is noted with something that it holds.
    pub fn set_meta(&mut self, name: String, meta: Vec<u8>) {
        self.send(&ToKeeper::SetMeta { name, meta }, Vec::new());
    }

    /// Something need not be held any more.
    pub fn forget(&mut self, name: String) {
        self.send(&ToKeeper::Del { name }, Vec::new());
    }

    /// Asks it to answer when everything before is done. `false`: there will be no answer; a keeper
    /// that is lost holds nothing, and an old one does not know the question.
    pub fn sync(&mut self, number: u64) -> bool {
        let answers = !self.is_lost() && SYNC_SINCE <= self.welcome.version;
        if answers {
            self.send(&ToKeeper::Sync { number }, Vec::new());
        }
        answers
    }
}
