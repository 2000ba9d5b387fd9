//! Where the manager runs.

use ostler_testkit::Sandbox;

use crate::start_e2e::sandbox_without_groups;
use crate::takeover::sandbox;

/// A kind of surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variation {
    /// As it is: as root in the tests that we run, with control groups where the machine has them.
    Usual,
    /// Without control groups.
    NoGroups,
    /// As a user who may nothing.
    OrdinaryUser,
}

/// All of them.
pub const ALL: [Variation; 3] = [Variation::Usual, Variation::NoGroups, Variation::OrdinaryUser];

impl Variation {
    /// A sandbox of this kind.
    pub fn sandbox(self) -> Sandbox {
        match self {
            Self::Usual => sandbox(),
            Self::NoGroups => sandbox_without_groups(),
            Self::OrdinaryUser => {
                let mut sandbox = sandbox();
                sandbox.become_ordinary_user();
                sandbox
            }
        }
    }
}
