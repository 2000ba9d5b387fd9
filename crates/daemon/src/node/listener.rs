//! One listening socket.

use std::os::fd::OwnedFd;
use std::rc::Rc;

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
