//! The supervisor against a modelled world: stories that fix what the policy means, random
//! histories that hold the invariants, and the loss of the daemon's memory at every action.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests may panic")]

mod bulk;
mod crash;
mod histories;
mod recovery;
mod spec;
mod stories;
mod world;
