//! What failed for lack of file descriptors, and is tried again.

use std::collections::BTreeSet;

use ostler_core::{Millis, RunId};

use crate::clock;

/// It is tried again after this, ms.
const RETRY: u64 = 250;

/// What is to be tried again, and when.
#[derive(Debug, Default)]
pub(super) struct Retries {
    /// Runs whose descriptors are to be asked for again: there was no room for them.
    pub(super) refetch: BTreeSet<RunId>,
    /// Dead runs whose descendants are to be looked for again.
    pub(super) relook: BTreeSet<RunId>,
    pub(super) at: Option<Millis>,
}

impl Retries {
    pub(super) fn soon(&mut self) {
        self.at.get_or_insert(clock::monotonic() + RETRY);
    }
}
