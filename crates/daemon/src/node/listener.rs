//! One listening socket, and those that are closed.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_cluster::ListenerId;
use ostler_poll::Watched;

/// A listening socket.
#[derive(Debug)]
pub(super) struct Listener {
    pub socket: Watched<Rc<OwnedFd>>,
    /// The machine wants connections.
    pub accepting: bool,
    /// As far as the kernel has told, somebody waits.
    pub ready: bool,
    /// A connection is about to be taken.
    pub queued: bool,
}

/// Sockets that the keeper may still hold.
#[derive(Default)]
pub(super) struct Closing {
    /// With the number of the question behind which each is closed, oldest first.
    pub held: VecDeque<(u64, ListenerId)>,
    /// The number of the last question.
    pub last: u64,
}
