//! Waiting for many descriptors at once, on Linux's epoll.
//!
//! Problem: epoll watches an open file, not a descriptor, and forgets it only when its last
//! duplicate is closed. The keeper holds a duplicate of nearly everything that the daemon polls, so
//! closing a descriptor here leaves it in the set: its events come for ever, under a token that
//! means something else by then.
//!
//! Rule: whatever is polled is owned by a [`Watched`], which takes it out of the set before it
//! closes it. A `Watched` lends its content by shared reference only, so that nothing can be put in
//! the content's place.
//!
//! What must be watched, and cannot be for want of kernel memory, is watched by a later wait:
//! [`Watched::set_or_owe`].
//!
//! ```
//! use ostler_poll::{Events, Interest, Poll, now};
//!
//! let poll: Poll<u64> = Poll::new()?;
//! let mut events = Events::with_capacity(64);
//! let (read, write) = std::io::pipe()?;
//! let read = poll.watch(read, 7, Interest::READ)?;
//! std::io::Write::write_all(&mut &write, b"x")?;
//! poll.wait(&mut events, Some(now() + 1000))?;
//! assert_eq!(events.iter().map(|event| event.token).collect::<Vec<_>>(), [7]);
//! drop(read); // taken out of the set, then closed
//! # Ok::<(), std::io::Error>(())
//! ```

#![deny(unsafe_code)]

mod interest;
mod poll;
mod set;
mod token;
mod waker;
mod watched;

pub use interest::{Interest, Ready};
pub use poll::{Event, Events, Poll, now};
pub use token::{Token, pack, unpack};
pub use waker::Waker;
pub use watched::Watched;

#[cfg(test)]
mod tests;
