//! The descriptors of accepted connections, and the notes about them that outlive us.
//!
//! The problem: between `accept` and the worker's answer a connection is nowhere but in our hands.
//! Our successor gets it, and must know where it was accepted and to whom it may have been sent;
//! given to a second worker, it would be served twice. So what is known is noted in memory that
//! outlives us (a [`Ledger`]), and the notes have an order: note before the descriptor is sent,
//! take the note back before the descriptor is closed, because its number may be another
//! connection's a moment later.
//!
//! The rule: [`Connections`] owns both, and its methods are the only way to either. A descriptor
//! can be had by [`Connections::sent`] only, which has noted it then; it is closed by
//! [`Connections::acknowledged`] and [`Connections::closed`] only, which have taken the note back
//! then. What is left to do wrong is found at once: an [`OrderError`] says so, and changes nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::{ConnId, ListenerId, WorkerId};

/// Memory about the connections in our table of descriptors that is read after our death.
///
/// `F` is a descriptor. A note must be complete when the method returns; at most one thread writes.
pub trait Ledger<F> {
    /// A connection is about to be taken from the listening socket.
    fn asking(&self, socket: &F, listener: ListenerId);
    /// None was there, or it was noted by [`Ledger::hold`].
    fn asked(&self);
    /// The connection is ours, and was sent to nobody.
    fn hold(&self, conn: &F, listener: ListenerId);
    /// The connection is about to be sent to the worker, in the message of that number.
    fn send(&self, conn: &F, worker: WorkerId, seq: u64);
    /// The connection is about to be closed here.
    fn clear(&self, conn: &F);
}

/// A ledger that something else reads, too.
impl<F, L: Ledger<F> + ?Sized> Ledger<F> for std::rc::Rc<L> {
    fn asking(&self, socket: &F, listener: ListenerId) {
        (**self).asking(socket, listener);
    }

    fn asked(&self) {
        (**self).asked();
    }

    fn hold(&self, conn: &F, listener: ListenerId) {
        (**self).hold(conn, listener);
    }

    fn send(&self, conn: &F, worker: WorkerId, seq: u64) {
        (**self).send(conn, worker, seq);
    }

    fn clear(&self, conn: &F) {
        (**self).clear(conn);
    }
}

/// Why a step was not taken. The caller and we disagree about the connection, which is a fault of
/// the program; the connection stays as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderError {
    /// There is no such connection (any more).
    Unknown(ConnId),
    /// A worker is said to have acknowledged what was never sent.
    NotSent(ConnId),
}

impl std::fmt::Display for OrderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(conn) => write!(f, "connection {} is not held here", conn.0),
            Self::NotSent(conn) => {
                write!(f, "connection {} was acknowledged before it was sent", conn.0)
            }
        }
    }
}

impl std::error::Error for OrderError {}

#[derive(Debug)]
struct Held<F> {
    fd: F,
    /// The ledger knows it.
    is_noted: bool,
    was_sent: bool,
}

/// The accepted connections that no worker has acknowledged. `F` is a descriptor that is closed
/// when it is dropped.
#[derive(Debug)]
pub struct Connections<F, L> {
    ledger: L,
    by_id: BTreeMap<ConnId, Held<F>>,
    last: u64,
}

impl<F, L: Ledger<F>> Connections<F, L> {
    /// Returns an empty set.
    #[must_use]
    pub fn new(ledger: L) -> Self {
        Self { ledger, by_id: BTreeMap::new(), last: 0 }
    }

    /// Returns the ledger, for its readers.
    pub fn ledger(&self) -> &L {
        &self.ledger
    }

    /// Lets `accept` take one connection from the listening socket, and notes it. Whatever `accept`
    /// returns beside the descriptor is passed on.
    ///
    /// # Errors
    /// Those of `accept`; no connection was taken then.
    pub fn accepted<T, E>(
        &mut self,
        listener: ListenerId,
        socket: &F,
        accept: impl FnOnce(&F) -> Result<(F, T), E>,
    ) -> Result<(ConnId, T), E> {
        self.ledger.asking(socket, listener);
        let result = accept(socket);
        if let Ok((fd, _)) = &result {
            self.ledger.hold(fd, listener);
        }
        self.ledger.asked();
        let (fd, more) = result?;
        Ok((self.add(Held { fd, is_noted: true, was_sent: false }), more))
    }

    /// Takes in a connection that a predecessor had accepted. The ledger has its note already,
    /// which says whether it may have been sent (`was_sent`).
    pub fn recovered(&mut self, fd: F, was_sent: bool) -> ConnId {
        self.add(Held { fd, is_noted: true, was_sent })
    }

    /// Takes in a connection of our own making, such as that of a health check. It is not noted:
    /// nobody needs it after our death.
    pub fn unnoted(&mut self, fd: F) -> ConnId {
        self.add(Held { fd, is_noted: false, was_sent: false })
    }

    /// Notes that the connection is about to be sent in the message of that number, and returns its
    /// descriptor for that purpose. Sent again after a refusal, it is noted again.
    ///
    /// # Errors
    /// [`OrderError::Unknown`]: it is not held here.
    pub fn sent(&mut self, conn: ConnId, worker: WorkerId, seq: u64) -> Result<&F, OrderError> {
        let held = self.by_id.get_mut(&conn).ok_or(OrderError::Unknown(conn))?;
        if held.is_noted {
            self.ledger.send(&held.fd, worker, seq);
        }
        held.was_sent = true;
        Ok(&held.fd)
    }

    /// Closes our copy: the worker has its own.
    ///
    /// # Errors
    /// [`OrderError`]; nothing is closed then.
    pub fn acknowledged(&mut self, conn: ConnId) -> Result<(), OrderError> {
        let held = self.by_id.get(&conn).ok_or(OrderError::Unknown(conn))?;
        if !held.was_sent {
            return Err(OrderError::NotSent(conn));
        }
        self.closed(conn)
    }

    /// Closes our copy: nobody can have the connection any more, and the client is turned away.
    ///
    /// # Errors
    /// [`OrderError::Unknown`]: it is not held here.
    pub fn closed(&mut self, conn: ConnId) -> Result<(), OrderError> {
        let held = self.by_id.remove(&conn).ok_or(OrderError::Unknown(conn))?;
        if held.is_noted {
            self.ledger.clear(&held.fd);
        }
        // Not before: the number of a closed descriptor may be another connection's.
        drop(held);
        Ok(())
    }

    /// Returns how many connections are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Returns whether no connection is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    fn add(&mut self, held: Held<F>) -> ConnId {
        self.last += 1;
        let conn = ConnId(self.last);
        self.by_id.insert(conn, held);
        conn
    }
}
