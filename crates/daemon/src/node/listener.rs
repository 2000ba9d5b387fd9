//! One listening socket.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_core::AppId;
use ostler_poll::Watched;

/// A listening socket.
#[derive(Debug)]
pub(super) struct Listener {
    /// The app that workers listen for.
    pub app: AppId,
    pub socket: Watched<Rc<OwnedFd>>,
    /// The machine wants connections.
    pub accepting: bool,
    /// As far as the kernel has told, somebody waits.
    pub ready: bool,
    /// A connection is about to be taken.
    pub queued: bool,
}
