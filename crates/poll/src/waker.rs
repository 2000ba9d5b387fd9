//! Waking a poll from another thread.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;

use crate::interest::Interest;
use crate::poll::Poll;
use crate::token::Token;
use crate::watched::Watched;

/// How often a write is tried that fails, for whatever reason.
const TRIES: u32 = 100;

/// Wakes a poll. Clones wake the same one, under the same token; wakes before the next wait
/// are one event.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Watched<OwnedFd>>);

impl Waker {
    /// Makes a waker whose events have this token.
    ///
    /// # Errors
    /// Out of descriptors or kernel memory.
    pub fn new<K: Token>(poll: &Poll<K>, token: K) -> io::Result<Self> {
        let counter = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Self::from_counter(poll, counter, token)
    }

    pub(crate) fn from_counter<K: Token>(
        poll: &Poll<K>,
        counter: OwnedFd,
        token: K,
    ) -> io::Result<Self> {
        // By edges: each write is an event, and nobody needs to read.
        Ok(Self(Arc::new(poll.watch(counter, token, Interest::READ.edge())?)))
    }

    /// Ends the poll's current or next wait. Never blocks.
    pub fn wake(&self) {
        let one = 1_u64.to_ne_bytes();
        for _ in 0..TRIES {
            match rustix::io::write(&**self.0, &one) {
                Ok(_) => return,
                // The counter is full, after 2⁶⁴ wakes: emptied, it takes this one.
                Err(Errno::AGAIN) => {
                    let mut count = [0; 8];
                    let _ = rustix::io::read(&**self.0, &mut count);
                }
                // Nobody wakes the poll a second time for the same.
                Err(_) => {}
            }
        }
    }
}
