//! From a layout to a process: pipes are put in place, and a child is born.
//!
//! The keeper waits while the child borrows its memory, that is until `execve` has found and mapped
//! the program. This is what makes a start fast and its failure exact; the price is that a program
//! or a working directory on a file system that hangs makes the keeper wait too.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::birth::{Asked, Plan, Stack};
use crate::config::{Config, KEEPER_FD_VAR, READY_FD_VAR};
use crate::layout::{FIRST, Failure, Layout, MAX_GIVEN, c_string, strings};
use crate::oom::OomScore;
use crate::proto::{RunFds, SpawnStage};
use crate::sys::set_nonblocking;
use crate::table::Fd;

/// A process that began.
pub(crate) struct Born {
    pub(crate) pid: u32,
    pub(crate) pidfd: OwnedFd,
    pub(crate) fds: RunFds<Fd>,
}

/// Starts processes, one at a time.
pub(crate) struct Spawner {
    stack: Stack,
    null: OwnedFd,
    /// Standard output, standard error and channel of the next run, made while nobody waited.
    spare: [Option<Pair>; 3],
    /// Its standard input.
    spare_input: Option<OwnedFd>,
    /// Whether some of them were taken.
    taken: bool,
    /// The limit of open files that programs get.
    pub(crate) nofile: (u64, u64),
    /// Our lowered score for the out-of-memory killer, which children do not inherit.
    pub(crate) oom_score: Option<OomScore>,
}

/// Our end (for the table) and the child's end (closed after the birth).
struct Pair {
    ours: Fd,
    theirs: OwnedFd,
}

impl Spawner {
    pub(crate) fn new(nofile: (u64, u64)) -> io::Result<Self> {
        let null = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        let (stack, oom_score) = (Stack::new()?, OomScore::lower());
        let (spare, spare_input) = ([None, None, None], None);
        let mut spawner = Self { stack, null, spare, spare_input, taken: true, nofile, oom_score };
        spawner.refill();
        Ok(spawner)
    }

    /// Returns `/dev/null`, open for reading and writing.
    pub(crate) fn null(&self) -> BorrowedFd<'_> {
        self.null.as_fd()
    }

    /// Starts a program. With pipes in reserve, all that happens before is system calls.
    pub(crate) fn start(&mut self, layout: &mut Layout) -> Result<Born, Failure> {
        let started = self.try_start(layout);
        if !matches!(started, Err((_, libc::EMFILE))) || self.spare.iter().all(Option::is_none) {
            return started;
        }
        // What is in reserve is better used than kept.
        (self.spare, self.spare_input) = ([None, None, None], None);
        self.try_start(layout)
    }

    fn try_start(&mut self, layout: &mut Layout) -> Result<Born, Failure> {
        let [out, err, ipc] =
            self.pairs(layout.wanted).map_err(|errno| (SpawnStage::Fds, errno.raw_os_error()))?;
        self.taken = true;
        // Without one the app reads the end of it at once.
        let input = self.spare_input.take().or_else(|| make_input().ok());
        let null = self.null.as_raw_fd();
        let theirs = |pair: &Option<Pair>| pair.as_ref().map(|pair| pair.theirs.as_raw_fd());
        let standard = [
            input.as_ref().map_or(null, AsRawFd::as_raw_fd),
            theirs(&out).unwrap_or(null),
            theirs(&err).unwrap_or(null),
        ];
        let mut room = [-1; MAX_GIVEN];
        let fds = layout.give(standard, theirs(&ipc), &mut room);
        let (pid, pidfd) = self.stack.spawn(Plan {
            program: &layout.program,
            argv: &layout.argv,
            envp: &mut layout.envp,
            pids: layout.pids,
            cwd: &layout.cwd,
            fds,
            cgroup: layout.cgroup.as_ref().map(AsFd::as_fd),
            join: false,
            oom_score: self.oom_score.as_ref().map(|score| score.original().as_c_str()),
            nofile: Some(self.nofile),
            limits: Asked {
                nofile: layout.limits.nofile,
                nice: layout.limits.nice,
                oom_score: layout.oom_score.as_deref(),
            },
            uid: layout.uid,
            gid: layout.gid,
        })?;
        let ours = |pair: Option<Pair>| pair.map(|pair| pair.ours);
        let fds = RunFds { pidfd: None, out: ours(out), err: ours(err), ipc: ours(ipc) };
        Ok(Born { pid, pidfd, fds })
    }

    /// Makes what the next run is given, while nobody waits for it. What is open does not depend on
    /// what was started.
    pub(crate) fn refill(&mut self) {
        if !std::mem::take(&mut self.taken) {
            return;
        }
        if self.spare_input.is_none() {
            self.spare_input = make_input().ok();
        }
        for (which, spare) in self.spare.iter_mut().enumerate() {
            if spare.is_none() {
                // They are made when they are needed, if they cannot be made now.
                *spare = make_pair(which == CHANNEL).ok();
            }
        }
    }

    /// Takes the pairs that are wanted out of the reserve, or makes them.
    fn pairs(&mut self, wanted: [bool; 3]) -> Result<[Option<Pair>; 3], Errno> {
        let mut pairs = [None, None, None];
        for (which, (pair, spare)) in pairs.iter_mut().zip(&mut self.spare).enumerate() {
            if wanted.get(which) == Some(&true) {
                self.taken = true;
                *pair = match spare.take() {
                    Some(spare) => Some(spare),
                    None => Some(make_pair(which == CHANNEL)?),
                };
            }
        }
        Ok(pairs)
    }

    /// Starts the daemon with its end of the link; our own standard output and error become its.
    pub(crate) fn spawn_daemon(
        &mut self,
        config: &Config,
        program: &Path,
        link: BorrowedFd<'_>,
        ready: Option<BorrowedFd<'_>>,
    ) -> Result<(u32, OwnedFd), Failure> {
        let name = config.program.as_os_str().as_bytes();
        let args = config.daemon_args.iter().map(|arg| arg.as_bytes());
        let env = daemon_environment(config, ready.is_some());
        // A home that was deleted is made again by the daemon.
        let home = if config.home.is_dir() { &config.home } else { Path::new("/") };
        let mut fds = vec![self.null.as_raw_fd(), 1, 2, link.as_raw_fd()];
        fds.extend(ready.map(|fd| fd.as_raw_fd()));
        self.stack.spawn(Plan {
            program: &c_string(program.as_os_str().as_bytes().to_vec())?,
            argv: &strings(std::iter::once(name).chain(args))?,
            envp: &mut strings(env.iter().map(Vec::as_slice))?,
            pids: 0,
            cwd: &c_string(home.as_os_str().as_bytes().to_vec())?,
            fds: &mut fds,
            cgroup: None,
            join: false,
            oom_score: self.oom_score.as_ref().map(|score| score.original().as_c_str()),
            nofile: None,
            limits: Asked::default(),
            uid: None,
            gid: None,
        })
    }
}

/// The place of the channel among what a run is given.
const CHANNEL: usize = 2;

/// Makes a channel, or a pipe. Our end must not block us, and a pipe's other end must
/// block the program.
fn make_pair(channel: bool) -> Result<Pair, Errno> {
    let (ours, theirs) = if channel {
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?
    } else {
        pipe_with(PipeFlags::CLOEXEC)?
    };
    set_nonblocking(ours.as_fd())
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    Ok(Pair { ours: Arc::new(ours), theirs })
}

/// Makes a standard input: a pipe that its reader holds for writing, too. So it does not end
/// while nobody else writes, and costs us no descriptor: whoever has something for the process
/// writes to `/proc/PID/fd/0`.
fn make_input() -> Result<OwnedFd, Errno> {
    let (read, _write) = pipe_with(PipeFlags::CLOEXEC)?;
    let path = format!("/proc/self/fd/{}", read.as_raw_fd());
    open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
}

fn daemon_environment(config: &Config, ready: bool) -> Vec<Vec<u8>> {
    let replaced = |name: &OsStr| config.daemon_env.iter().any(|(added, _)| added == name);
    let mut env: Vec<Vec<u8>> = std::env::vars_os()
        .filter(|(name, _)| ostler_env::is_for_manager(name) && !replaced(name))
        .chain(config.daemon_env.iter().cloned())
        .map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat())
        .collect();
    env.push(format!("{KEEPER_FD_VAR}={FIRST}").into_bytes());
    if ready {
        env.push(format!("{READY_FD_VAR}={}", FIRST + 1).into_bytes());
    }
    env
}
