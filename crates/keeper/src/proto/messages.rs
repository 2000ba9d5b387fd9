//! The messages. [`ToKeeper`] are requests, [`FromKeeper`] answers and reports.

use super::run_fds::{FdMask, RunFd};

/// What a daemon asks of the keeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToKeeper {
    /// The first message of each daemon. Answered by [`FromKeeper::Welcome`], the inventory (each
    /// run, each item) and [`FromKeeper::InventoryEnd`]. Answers to requests that follow may come
    /// before that end, and a run that they began may then be in the inventory too. Ends are
    /// reported from the end of the inventory on.
    Hello {
        /// The daemon's protocol version.
        version: u8,
    },
    /// Start a program. Answered by [`FromKeeper::Spawned`] or [`FromKeeper::SpawnFailed`]; a run
    /// that exists already is answered as it is and not started again. Descriptors that ride on the
    /// frame are listening sockets for the program: it gets them as 3, 4, … with `LISTEN_FDS`
    /// and `LISTEN_PID` set.
    Spawn(SpawnSpec),
    /// Start a program as soon as a run ends, without being asked again: see
    /// [the rules](super#starts-that-are-prepared). Descriptors ride on the frame as with
    /// [`ToKeeper::Spawn`]. Replaces what was prepared for that end before, even when this one is
    /// refused. Since version 2.
    Prepare(Preparation),
    /// Drop what was prepared for the end of a run. Nothing happens when there is nothing.
    /// Since version 2.
    Revoke {
        /// The run's number.
        after: u64,
    },
    /// Replace the metadata kept with a run.
    SetRunMeta {
        /// The run's number.
        run: u64,
        /// The new metadata, at most [`MAX_META`](super::MAX_META) bytes.
        meta: Vec<u8>,
    },
    /// Forget a run that ended: its status is acknowledged, its descriptors are closed. Nothing
    /// happens when the run is unknown; it is refused while the run is alive.
    Release {
        /// The run's number.
        run: u64,
    },
    /// Close the keeper's copy of one of a run's descriptors.
    CloseRunFd {
        /// The run's number.
        run: u64,
        /// Which descriptor it is.
        which: RunFd,
    },
    /// Keep the one descriptor that rides on the frame under a name; replaces what had the name.
    Put {
        /// The name, at most [`MAX_NAME`](super::MAX_NAME) bytes.
        name: String,
        /// Metadata, at most [`MAX_META`](super::MAX_META) bytes.
        meta: Vec<u8>,
    },
    /// Replace the metadata of a named descriptor.
    SetMeta {
        /// The name that the descriptor has.
        name: String,
        /// The new metadata, at most [`MAX_META`](super::MAX_META) bytes.
        meta: Vec<u8>,
    },
    /// Close a named descriptor. Nothing happens when there is none.
    Del {
        /// The name that the descriptor has.
        name: String,
    },
    /// Take over a run whose parent was an earlier keeper. The descriptors that `mask` announces
    /// ride on the frame; of a run that is alive the pidfd must be among them.
    Adopt {
        /// The run's number.
        run: u64,
        /// Its process's pid.
        pid: u32,
        /// When the process started, as in [`FromKeeper::Spawned`].
        start_time: u64,
        /// Metadata, at most [`MAX_META`](super::MAX_META) bytes.
        meta: Vec<u8>,
        /// Which descriptors ride on the frame.
        mask: FdMask,
        /// How it ended, if it did: it is kept until it is released, as ever.
        status: Option<ExitStatus>,
    },
    /// The daemon is about to exit for good: do not start another one, exit 0. Runs that are alive
    /// are left alone.
    Shutdown,
    /// Replace the keeper's program by the one at `exe`, state and children kept. When it is done
    /// the new program sends [`FromKeeper::Welcome`] once more (without an inventory);
    /// otherwise comes [`FromKeeper::UpgradeFailed`].
    Upgrade {
        /// The path of the program, absolute.
        exe: Vec<u8>,
    },
    /// Start another daemon beside this one, which says nothing more: the keeper closes the link.
    /// This one decides nothing any more and holds what it holds until the other has everything,
    /// so that the keeper's death in between loses nothing. Since version 3.
    Succeed,
    /// Answer by [`FromKeeper::Synced`] when everything that was asked for before is done: what was
    /// to be closed is closed. Since version 3.
    Sync {
        /// Comes back in the answer.
        number: u64,
    },
    /// The answer to [`FromKeeper::Ping`]. Since version 3.
    Pong,
}

/// What to start, and how. Paths, arguments and variables are bytes without NUL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpawnSpec {
    /// Names this one life of a process; never used again.
    pub run: u64,
    /// The program's path, already looked up; relative ones are taken from `cwd`.
    pub program: Vec<u8>,
    /// All arguments, the zeroth too.
    pub argv: Vec<Vec<u8>>,
    /// The whole environment, `NAME=value`. The keeper adds `NODE_CHANNEL_FD` (with `want_ipc`),
    /// `LISTEN_FDS` and `LISTEN_PID` (with descriptors on the frame), and `WATCHDOG_PID` (where
    /// there is a `WATCHDOG_USEC`).
    pub envp: Vec<Vec<u8>>,
    /// The working directory.
    pub cwd: Vec<u8>,
    /// The user to become.
    pub uid: Option<u32>,
    /// The group to become, the supplementary groups are then this one only.
    pub gid: Option<u32>,
    /// Whether standard output is a pipe; else `/dev/null`.
    pub want_out: bool,
    /// Whether standard error is a pipe; else `/dev/null`.
    pub want_err: bool,
    /// Whether there is an IPC channel.
    pub want_ipc: bool,
    /// The directory of a control group that the process joins before it begins.
    pub cgroup: Option<Vec<u8>>,
    /// Metadata of the daemon's, at most [`MAX_META`](super::MAX_META) bytes.
    pub meta: Vec<u8>,
    /// What the process may take of the machine. Since version 4.
    pub limits: Limits,
}

/// What a process may take of the machine; what is `None` is as for the keeper's starter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The most files that it may have open, soft and hard.
    pub nofile: Option<u64>,
    /// Its nice value.
    pub nice: Option<i32>,
    /// Its score for the out-of-memory killer.
    pub oom_score: Option<i32>,
}

/// What to start when a run ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preparation {
    /// The number of the run that must end; it is alive.
    pub after: u64,
    /// The first monotonic ms at which the end may come.
    pub not_before: u64,
    /// The first monotonic ms at which it may come no more; `u64::MAX` for any time.
    pub not_after: u64,
    /// Exit codes upon which nothing is started. Upon any other code and any signal it is; upon an
    /// end of which the status is not known, nothing.
    pub except_codes: Vec<i32>,
    /// The run to start; its number is greater than `after`.
    pub spec: SpawnSpec,
}

/// What the keeper tells a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromKeeper {
    /// The answer to [`ToKeeper::Hello`], and the sign that [`ToKeeper::Upgrade`] is done.
    Welcome {
        /// The keeper's protocol version.
        version: u8,
        /// The keeper's process.
        pid: u32,
        /// How many daemons this keeper has started.
        daemons: u32,
        /// The soft and hard limit of open files that the keeper was started with and
        /// that programs get.
        nofile: (u64, u64),
    },
    /// One run of the inventory. The descriptors of `mask` ride on the frame.
    Run {
        /// The run's number.
        run: u64,
        /// Its process; not to be signalled by number.
        pid: u32,
        /// When it started, in clock ticks after boot (field 22 of `/proc/PID/stat`);
        /// 0 when unknown.
        start_time: u64,
        /// How it ended, when it did.
        status: Option<ExitStatus>,
        /// The metadata kept with it.
        meta: Vec<u8>,
        /// Which descriptors ride on the frame.
        mask: FdMask,
        /// The prepared run that was started when it ended. If the inventory does not have that
        /// one, it could not begin. Since version 2.
        next: Option<u64>,
    },
    /// One named descriptor of the inventory; it rides on the frame.
    Item {
        /// The name that the descriptor has.
        name: String,
        /// The metadata kept with it.
        meta: Vec<u8>,
    },
    /// The inventory is complete.
    InventoryEnd,
    /// A run began; `mask` and the descriptors are as in [`FromKeeper::Run`].
    Spawned {
        /// The run's number.
        run: u64,
        /// Its process's pid.
        pid: u32,
        /// When it started.
        start_time: u64,
        /// Which descriptors ride on the frame.
        mask: FdMask,
    },
    /// A run could not begin; the keeper remembers nothing of it.
    SpawnFailed {
        /// The run's number.
        run: u64,
        /// What was being done.
        stage: SpawnStage,
        /// Why it failed, as the system's number.
        errno: i32,
    },
    /// A run ended. Kept, and repeated to the next daemon, until [`ToKeeper::Release`].
    Exited {
        /// The run's number.
        run: u64,
        /// How it ended.
        status: ExitStatus,
        /// The prepared run that was started: its [`FromKeeper::Spawned`] or
        /// [`FromKeeper::SpawnFailed`] follows at once. `None` when nothing was started, whatever
        /// had been prepared. Since version 2.
        next: Option<u64>,
    },
    /// To be answered by [`ToKeeper::Pong`]: a daemon that hangs is replaced. Sent every few
    /// seconds to daemons that speak version 3.
    Ping,
    /// A request could not be obeyed and changed nothing.
    Refused {
        /// What was asked for, in words.
        what: String,
        /// The reason, in words.
        why: String,
    },
    /// All requests before this [`ToKeeper::Sync`] were obeyed or refused. Since version 3.
    Synced {
        /// The number of the request.
        number: u64,
    },
    /// The keeper's program could not be replaced; the old one goes on.
    UpgradeFailed {
        /// Why, as the system's number.
        errno: i32,
    },
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// It exited with this code.
    Code(i32),
    /// This signal killed it, with or without a core dump.
    Signal(i32, bool),
    /// It was not our child and the system does not tell.
    Unknown,
}

/// What the keeper was doing when a spawn failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SpawnStage {
    /// Reading the request: a NUL byte where none may be (`EINVAL`), or no room in the
    /// keeper's table (`ENOSPC`).
    Spec = 1,
    /// Making pipes and the channel, or putting them in place.
    Fds = 2,
    /// Making the process.
    Fork = 3,
    /// Joining the control group.
    Cgroup = 4,
    /// Giving back the original limits: open files, score for the out-of-memory killer.
    Limits = 5,
    /// Becoming the group.
    Gid = 6,
    /// Becoming the user.
    Uid = 7,
    /// Entering the working directory.
    Cwd = 8,
    /// Executing the program.
    Exec = 9,
    /// Setting the limit of open files that was asked for. Since version 4.
    Nofile = 10,
    /// Setting the nice value that was asked for. Since version 4.
    Nice = 11,
    /// Setting the score for the out-of-memory killer that was asked for. Since version 4.
    OomScore = 12,
}

impl SpawnStage {
    /// The stage with that number.
    pub fn from_u8(byte: u8) -> Option<Self> {
        use SpawnStage::{
            Cgroup, Cwd, Exec, Fds, Fork, Gid, Limits, Nice, Nofile, OomScore, Spec, Uid,
        };
        [Spec, Fds, Fork, Cgroup, Limits, Gid, Uid, Cwd, Exec, Nofile, Nice, OomScore]
            .into_iter()
            .find(|stage| *stage as u8 == byte)
    }
}

impl ExitStatus {
    /// From the number that `waitpid` gives.
    pub fn from_wait(raw: i32) -> Self {
        match raw & 0x7f {
            0 => Self::Code((raw >> 8) & 0xff),
            signal => Self::Signal(signal, raw & 0x80 != 0),
        }
    }
}
