//! Apps whose workers begin to listen, until they have settled.

use std::collections::{BTreeMap, BTreeSet};

use ostler_core::{AppId, Millis, SpecId};

/// Apps whose workers begin to listen.
#[derive(Debug, Default)]
pub struct Settling {
    /// When each has settled.
    pub due: BTreeMap<AppId, Millis>,
    /// The version that a worker of each app listened with last.
    pub listened: BTreeMap<AppId, SpecId>,
    /// Apps of which another version listens since they settled.
    pub renewed: BTreeSet<AppId>,
}

impl Settling {
    /// The app is gone.
    pub fn forget(&mut self, app: AppId) {
        self.due.remove(&app);
        self.listened.remove(&app);
        self.renewed.remove(&app);
    }
}
