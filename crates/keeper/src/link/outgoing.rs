//! The sending half of a link: frames wait here until the socket takes them.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::broken::is_broken;
use crate::proto::MAX_FDS;

/// Most bytes that wait to be written; more is refused.
pub(super) const MAX_QUEUED: usize = 16 << 20;

/// What waits to be written.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    frames: VecDeque<Frame>,
    queued: usize,
    starved: bool,
}

/// One message, and how much of it is written.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) bytes: Vec<u8>,
    pub(super) written: usize,
    pub(super) fds: Vec<Arc<OwnedFd>>,
}

impl Outgoing {
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    pub(super) fn starved(&self) -> bool {
        self.starved
    }

    pub(super) fn push(&mut self, bytes: Vec<u8>, fds: Vec<Arc<OwnedFd>>) -> io::Result<()> {
        if self.queued + bytes.len() > MAX_QUEUED {
            return Err(io::Error::other("the other side does not read: too much is queued"));
        }
        self.queued += bytes.len();
        self.frames.push_back(Frame { bytes, written: 0, fds });
        Ok(())
    }

    pub(super) fn flush(&mut self, socket: BorrowedFd<'_>) -> io::Result<bool> {
        self.starved = false;
        while let Some(front) = self.frames.front_mut() {
            match front.write(socket) {
                Ok(count) => {
                    front.written += count;
                    self.queued -= count;
                    if front.written >= front.bytes.len() {
                        self.frames.pop_front();
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(error) if is_broken(error) => {
                    // The other side is gone; what it said before can still be read.
                    self.frames.clear();
                    self.queued = 0;
                    return Err(error.into());
                }
                // Out of memory, or of descriptors in flight.
                Err(_) => {
                    self.starved = true;
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

impl Frame {
    pub(super) fn write(&self, socket: BorrowedFd<'_>) -> Result<usize, Errno> {
        let rest = self.bytes.get(self.written..).unwrap_or_default();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds: Vec<BorrowedFd<'_>> = self.fds.iter().map(|fd| fd.as_fd()).collect();
        if self.written == 0
            && !fds.is_empty()
            && !control.push(SendAncillaryMessage::ScmRights(&fds))
        {
            return Err(Errno::INVAL);
        }
        sendmsg(
            socket,
            &[IoSlice::new(rest)],
            &mut control,
            SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
        )
    }
}
