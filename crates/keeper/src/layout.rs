//! A start that is laid out: descriptors are at hand and all strings are where `execve` wants them.
//!
//! Whatever can fail or take time without the process itself is done here, so that a start that was
//! prepared needs nothing but the process.

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use rustix::fs::{Mode, OFlags, open};

use crate::cstrings::{CStrings, LISTEN_PID, WATCHDOG_PID};
use crate::proto::{Limits, MAX_FDS, SpawnSpec, SpawnStage};

/// Variables that the keeper itself sets when the descriptors they speak of are there.
const CHANNEL_VAR: &[u8] = b"NODE_CHANNEL_FD=";
const LISTEN_VARS: [&[u8]; 2] = [b"LISTEN_FDS=", b"LISTEN_PID="];
/// Whoever has the first gets the second: the process that is to say that it is alive.
const WATCHDOG_VARS: [&[u8]; 2] = [b"WATCHDOG_USEC=", b"WATCHDOG_PID="];

/// The first descriptor after the standard ones.
pub(crate) const FIRST: RawFd = 3;

/// The most descriptors that a program is given: the standard ones, those passed, the channel.
pub(crate) const MAX_GIVEN: usize = 3 + MAX_FDS + 1;

/// A failed spawn: what was being done, and the system's number.
pub(crate) type Failure = (SpawnStage, i32);

/// A start that needs nothing more but its pipes.
pub(crate) struct Layout {
    pub(crate) program: CString,
    pub(crate) argv: CStrings,
    pub(crate) envp: CStrings,
    /// How many variables at the end have the process's own number.
    pub(crate) pids: usize,
    pub(crate) cwd: CString,
    pub(crate) cgroup: Option<OwnedFd>,
    /// Listening sockets for the program.
    pub(crate) passed: Vec<OwnedFd>,
    /// Whether standard output, standard error and channel are wanted.
    pub(crate) wanted: [bool; 3],
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) meta: Vec<u8>,
    pub(crate) limits: Limits,
    /// The score for the out-of-memory killer that was asked for, in decimal.
    pub(crate) oom_score: Option<CString>,
}

impl Layout {
    /// Lays a start out; `passed` are listening sockets for the program.
    pub(crate) fn new(spec: SpawnSpec, passed: Vec<OwnedFd>) -> Result<Self, Failure> {
        let channel = spec.want_ipc.then_some(3 + passed.len());
        let (envp, pids) = environment(&spec.envp, channel, passed.len())?;
        Ok(Self {
            program: c_string(spec.program)?,
            argv: strings(spec.argv.iter().map(Vec::as_slice))?,
            envp,
            pids,
            cwd: c_string(spec.cwd)?,
            cgroup: spec.cgroup.as_deref().map(open_cgroup).transpose()?,
            passed,
            wanted: [spec.want_out, spec.want_err, spec.want_ipc],
            uid: spec.uid,
            gid: spec.gid,
            meta: spec.meta,
            limits: spec.limits,
            oom_score: spec.limits.oom_score.map(decimal).transpose()?,
        })
    }

    /// Returns how much memory it takes, about.
    pub(crate) fn size(&self) -> usize {
        let paths = self.program.as_bytes().len() + self.cwd.as_bytes().len();
        size_of::<Self>() + paths + self.argv.size() + self.envp.size() + self.meta.len()
    }

    /// Returns the descriptors that the program gets as 0, 1, 2, …, in `list`.
    pub(crate) fn give<'a>(
        &self,
        [input, out, err]: [RawFd; 3],
        channel: Option<RawFd>,
        list: &'a mut [RawFd; MAX_GIVEN],
    ) -> &'a mut [RawFd] {
        let passed = self.passed.iter().map(AsRawFd::as_raw_fd);
        let given = [input, out, err].into_iter().chain(passed).chain(channel);
        let mut count = 0;
        for (place, fd) in list.iter_mut().zip(given) {
            *place = fd;
            count += 1;
        }
        list.get_mut(..count).unwrap_or_default()
    }
}

fn open_cgroup(directory: &[u8]) -> Result<OwnedFd, Failure> {
    open(directory, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| (SpawnStage::Cgroup, errno.raw_os_error()))
}

fn environment(
    given: &[Vec<u8>],
    channel: Option<usize>,
    passed: usize,
) -> Result<(CStrings, usize), Failure> {
    let [period, watched] = WATCHDOG_VARS;
    let is_watched = given.iter().any(|variable| variable.starts_with(period));
    let ours = |variable: &[u8]| {
        (channel.is_some() && variable.starts_with(CHANNEL_VAR))
            || (passed > 0 && LISTEN_VARS.iter().any(|name| variable.starts_with(name)))
            || (is_watched && variable.starts_with(watched))
    };
    let mut added = Vec::new();
    added.extend(channel.map(|fd| [CHANNEL_VAR, fd.to_string().as_bytes()].concat()));
    if passed > 0 {
        added.push(format!("LISTEN_FDS={passed}").into_bytes());
        added.push(LISTEN_PID.to_vec());
    }
    added.extend(is_watched.then(|| WATCHDOG_PID.to_vec()));
    let pids = usize::from(passed > 0) + usize::from(is_watched);
    let all = given.iter().filter(|variable| !ours(variable)).chain(&added);
    Ok((strings(all.map(Vec::as_slice))?, pids))
}

/// A number in decimal.
fn decimal(number: i32) -> Result<CString, Failure> {
    c_string(number.to_string().into_bytes())
}

/// Ends bytes with a NUL.
pub(crate) fn c_string(mut bytes: Vec<u8>) -> Result<CString, Failure> {
    // With room for the NUL, the conversion allocates nothing.
    bytes.try_reserve_exact(1).map_err(|_| (SpawnStage::Spec, libc::ENOMEM))?;
    CString::new(bytes).map_err(|_| (SpawnStage::Spec, libc::EINVAL))
}

/// Ends byte strings with a NUL each.
pub(crate) fn strings<'a>(
    list: impl Iterator<Item = &'a [u8]> + Clone,
) -> Result<CStrings, Failure> {
    CStrings::new(list).map_err(|errno| (SpawnStage::Spec, errno.raw_os_error()))
}
