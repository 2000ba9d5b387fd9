//! From a request to a process: descriptors are made, strings are laid out, and only then a
//! child is born.
//!
//! The keeper waits while the child borrows its memory, that is until `execve` has found and mapped
//! the program. This is what makes a start fast and its failure exact; the price is that a program
//! or a working directory on a file system that hangs makes the keeper wait too.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::birth::{Plan, Stack};
use crate::config::{Config, KEEPER_FD_VAR, READY_FD_VAR};
use crate::cstrings::{CStrings, LISTEN_PID};
use crate::oom::OomScore;
use crate::proc_stat::start_time;
use crate::proto::{RunFds, SpawnSpec, SpawnStage};
use crate::sys::set_nonblocking;
use crate::table::Fd;

/// Variables that the keeper itself sets when the descriptors they speak of are there.
const CHANNEL_VAR: &[u8] = b"NODE_CHANNEL_FD=";
const LISTEN_VARS: [&[u8]; 2] = [b"LISTEN_FDS=", b"LISTEN_PID="];

/// The first descriptor after the standard ones.
const FIRST: RawFd = 3;

/// A failed spawn: what was being done, and the system's number.
pub(crate) type Failure = (SpawnStage, i32);

/// A process that began.
pub(crate) struct Born {
    pub(crate) pid: u32,
    pub(crate) start_time: u64,
    pub(crate) fds: RunFds<Fd>,
}

/// Starts processes, one at a time.
pub(crate) struct Spawner {
    stack: Stack,
    null: OwnedFd,
    /// Made while nobody waited.
    spare: Option<Ends>,
    /// The limit of open files that programs get.
    pub(crate) nofile: (u64, u64),
    /// Our lowered score for the out-of-memory killer, which children do not inherit.
    pub(crate) oom_score: Option<OomScore>,
}

/// Our ends (for the table) and the child's ends (closed after the birth) of what a run is given.
struct Ends {
    ours: RunFds<Fd>,
    out: Option<OwnedFd>,
    err: Option<OwnedFd>,
    ipc: Option<OwnedFd>,
}

impl Spawner {
    pub(crate) fn new(nofile: (u64, u64)) -> io::Result<Self> {
        let null = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        let mut spawner =
            Self { stack: Stack::new()?, null, spare: None, nofile, oom_score: OomScore::lower() };
        spawner.prepare();
        Ok(spawner)
    }

    /// Returns `/dev/null`, open for reading and writing.
    pub(crate) fn null(&self) -> BorrowedFd<'_> {
        self.null.as_fd()
    }

    /// Starts a program; `passed` are listening sockets for it.
    pub(crate) fn spawn(&mut self, spec: &SpawnSpec, passed: &[OwnedFd]) -> Result<Born, Failure> {
        let program = c_string(&spec.program)?;
        let cwd = c_string(&spec.cwd)?;
        let cgroup = spec.cgroup.as_deref().map(open_cgroup).transpose()?;
        let ends = self.ends(spec).map_err(|errno| (SpawnStage::Fds, errno.raw_os_error()))?;

        let null = self.null.as_raw_fd();
        let or_null = |fd: &Option<OwnedFd>| fd.as_ref().map_or(null, OwnedFd::as_raw_fd);
        let mut fds = vec![null, or_null(&ends.out), or_null(&ends.err)];
        fds.extend(passed.iter().map(OwnedFd::as_raw_fd));
        let channel = ends.ipc.as_ref().map(|ipc| {
            fds.push(ipc.as_raw_fd());
            fds.len() - 1
        });

        let (pid, pidfd) = self.stack.spawn(Plan {
            program: &program,
            argv: strings(spec.argv.iter().map(Vec::as_slice))?,
            envp: environment(&spec.envp, channel, passed.len())?,
            listen_pid: !passed.is_empty(),
            cwd: &cwd,
            fds,
            cgroup: cgroup.as_ref().map(AsFd::as_fd),
            join: false,
            oom_score: self.oom_score.as_ref().map(|score| score.original().as_c_str()),
            nofile: Some(self.nofile),
            uid: spec.uid,
            gid: spec.gid,
        })?;
        let fds = RunFds { pidfd: Some(Arc::new(pidfd)), ..ends.ours };
        Ok(Born { pid, start_time: start_time(pid), fds })
    }

    /// Makes what the next run is given, while nobody waits for it. What is open does not depend on
    /// what was started.
    pub(crate) fn prepare(&mut self) {
        if self.spare.is_none() {
            // They are made when they are needed, if they cannot be made now.
            self.spare = make_ends([true; 3]).ok();
        }
    }

    fn ends(&mut self, spec: &SpawnSpec) -> Result<Ends, Errno> {
        let wanted = [spec.want_out, spec.want_err, spec.want_ipc];
        match self.spare.take_if(|_| wanted == [true; 3]) {
            Some(ends) => Ok(ends),
            None => make_ends(wanted),
        }
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
        let program = c_string(program.as_os_str().as_bytes())?;
        let home = c_string(config.home.as_os_str().as_bytes())?;
        let args = config.daemon_args.iter().map(|arg| arg.as_bytes());
        let mut fds = vec![self.null.as_raw_fd(), 1, 2, link.as_raw_fd()];
        fds.extend(ready.map(|fd| fd.as_raw_fd()));
        let env = daemon_environment(config, ready.is_some());
        self.stack.spawn(Plan {
            program: &program,
            argv: strings(std::iter::once(name).chain(args))?,
            envp: strings(env.iter().map(Vec::as_slice))?,
            listen_pid: false,
            cwd: &home,
            fds,
            cgroup: None,
            join: false,
            oom_score: self.oom_score.as_ref().map(|score| score.original().as_c_str()),
            nofile: None,
            uid: None,
            gid: None,
        })
    }
}

/// Standard output, standard error and channel, as far as they are wanted.
fn make_ends([want_out, want_err, want_ipc]: [bool; 3]) -> Result<Ends, Errno> {
    let (ours_out, out) = make_pipe(want_out)?;
    let (ours_err, err) = make_pipe(want_err)?;
    let (ours_ipc, ipc) = if want_ipc {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        set_nonblocking(ours.as_fd()).map_err(|error| errno_of(&error))?;
        (Some(Arc::new(ours)), Some(theirs))
    } else {
        (None, None)
    };
    Ok(Ends {
        ours: RunFds { pidfd: None, out: ours_out, err: ours_err, ipc: ours_ipc },
        out,
        err,
        ipc,
    })
}

/// The read end, which must not block us, and the write end, which must block the program.
fn make_pipe(wanted: bool) -> Result<(Option<Fd>, Option<OwnedFd>), Errno> {
    if !wanted {
        return Ok((None, None));
    }
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    set_nonblocking(read.as_fd()).map_err(|error| errno_of(&error))?;
    Ok((Some(Arc::new(read)), Some(write)))
}

fn open_cgroup(directory: &[u8]) -> Result<OwnedFd, Failure> {
    open(directory, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| (SpawnStage::Cgroup, errno.raw_os_error()))
}

fn environment(
    given: &[Vec<u8>],
    channel: Option<usize>,
    passed: usize,
) -> Result<CStrings, Failure> {
    let ours = |variable: &[u8]| {
        (channel.is_some() && variable.starts_with(CHANNEL_VAR))
            || (passed > 0 && LISTEN_VARS.iter().any(|name| variable.starts_with(name)))
    };
    let mut added = Vec::new();
    added.extend(channel.map(|fd| [CHANNEL_VAR, fd.to_string().as_bytes()].concat()));
    if passed > 0 {
        added.push(format!("LISTEN_FDS={passed}").into_bytes());
        added.push(LISTEN_PID.to_vec());
    }
    strings(given.iter().filter(|variable| !ours(variable)).chain(&added).map(Vec::as_slice))
}

fn daemon_environment(config: &Config, ready: bool) -> Vec<Vec<u8>> {
    let replaced = |name: &OsStr| {
        name == KEEPER_FD_VAR
            || name == READY_FD_VAR
            || config.daemon_env.iter().any(|(added, _)| added == name)
    };
    let mut env: Vec<Vec<u8>> = std::env::vars_os()
        .filter(|(name, _)| !replaced(name))
        .chain(config.daemon_env.iter().cloned())
        .map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat())
        .collect();
    env.push(format!("{KEEPER_FD_VAR}={FIRST}").into_bytes());
    if ready {
        env.push(format!("{READY_FD_VAR}={}", FIRST + 1).into_bytes());
    }
    env
}

fn c_string(bytes: &[u8]) -> Result<CString, Failure> {
    CString::new(bytes).map_err(|_| (SpawnStage::Spec, libc::EINVAL))
}

fn strings<'a>(list: impl Iterator<Item = &'a [u8]> + Clone) -> Result<CStrings, Failure> {
    CStrings::new(list).map_err(|errno| (SpawnStage::Spec, errno.raw_os_error()))
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
