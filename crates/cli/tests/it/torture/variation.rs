//! Where the manager runs.

use ostler_testkit::Sandbox;

use super::scene::Size;
use crate::descriptors::start_limited;
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
    /// A manager that may have 256 file descriptors and no more.
    FewDescriptors,
}

/// Those in which whatever command comes next may start the manager.
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
            Self::FewDescriptors => {
                let sandbox = sandbox();
                let (is_started, why) = start_limited(&sandbox, 256, &["ping"]);
                assert!(is_started, "{why}");
                sandbox
            }
        }
    }

    /// As many apps as it has room for.
    pub fn size(self) -> Size {
        match self {
            Self::Usual | Self::NoGroups | Self::OrdinaryUser => Size { talkers: 14, crashers: 5 },
            Self::FewDescriptors => Size { talkers: 8, crashers: 3 },
        }
    }
}
