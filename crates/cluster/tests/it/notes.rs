//! What is known about accepted connections after a primary's death.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};

use ostler_cluster::{Ledger, ListenerId, WorkerId};

/// Where a connection was accepted, and to whom it was sent under which number.
type Note = (ListenerId, Option<(WorkerId, u64)>);

/// What is known about connections, by descriptor.
#[derive(Default)]
pub struct Notes {
    pub notes: RefCell<BTreeMap<i32, Note>>,
}

impl Ledger<OwnedFd> for Notes {
    fn asking(&self, _socket: &OwnedFd, _listener: ListenerId) {}

    fn asked(&self) {}

    fn hold(&self, conn: &OwnedFd, listener: ListenerId) {
        self.notes.borrow_mut().insert(conn.as_raw_fd(), (listener, None));
    }

    fn send(&self, conn: &OwnedFd, worker: WorkerId, seq: u64) {
        self.notes.borrow_mut().get_mut(&conn.as_raw_fd()).unwrap().1 = Some((worker, seq));
    }

    fn clear(&self, conn: &OwnedFd) {
        self.notes.borrow_mut().remove(&conn.as_raw_fd()).unwrap();
    }
}
