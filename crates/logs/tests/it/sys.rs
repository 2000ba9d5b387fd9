//! The only unsafe code of these tests.
#![expect(unsafe_code, reason = "inherited descriptors")]

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Takes a descriptor over that the parent process left open for this one.
pub fn inherited(fd: RawFd) -> OwnedFd {
    // SAFETY: the ledger's parent opened it for this process, which takes each number exactly once.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
