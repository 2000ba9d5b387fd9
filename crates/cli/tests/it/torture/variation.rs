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
    /// With at most 256 descriptors.
    FewDescriptors,
}

/// All of them.
pub const ALL: [Variation; 4] =
    [Variation::Usual, Variation::NoGroups, Variation::OrdinaryUser, Variation::FewDescriptors];

impl Variation {
    /// A sandbox of this kind.
    pub fn sandbox(self) -> Sandbox {
        match self {
            Self::Usual | Self::FewDescriptors => sandbox(),
            Self::NoGroups => sandbox_without_groups(),
            Self::OrdinaryUser => {
                let mut sandbox = sandbox();
                sandbox.become_ordinary_user();
                sandbox
            }
        }
    }

    /// Lowers what the parts that are there, and those after them, may use.
    pub fn limit(self, sandbox: &Sandbox) {
        if self == Self::FewDescriptors {
            sandbox.limit_descriptors(256);
        }
    }
}
