//! What a child does between its birth and its program.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, RawFd};

use crate::cstrings::CStrings;

/// Everything that a child does between its birth and its program, prepared.
pub(crate) struct Plan<'a> {
    pub(crate) program: &'a CStr,
    pub(crate) argv: &'a CStrings,
    pub(crate) envp: &'a mut CStrings,
    /// How many variables at the end are to have the child's own number, as
    /// [`LISTEN_PID`](crate::cstrings::LISTEN_PID).
    pub(crate) pids: usize,
    pub(crate) cwd: &'a CStr,
    /// What becomes 0, 1, 2, …; all of them above 2 here.
    pub(crate) fds: &'a mut [RawFd],
    /// The folder of a control group.
    pub(crate) cgroup: Option<BorrowedFd<'a>>,
    /// The child joins its control group by itself, because it was not born in it.
    pub(crate) join: bool,
    /// The score for the out-of-memory killer, in decimal.
    pub(crate) oom_score: Option<&'a CStr>,
    pub(crate) nofile: Option<(u64, u64)>,
    /// What was asked for in place of these.
    pub(crate) limits: Asked<'a>,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
}

/// Limits that were asked for: what the kernel refuses is a failure of its own.
#[derive(Default)]
pub(crate) struct Asked<'a> {
    pub(crate) nofile: Option<u64>,
    pub(crate) nice: Option<i32>,
    /// A number in decimal.
    pub(crate) oom_score: Option<&'a CStr>,
}
