//! Who a sandbox's commands are, and what they may use.

use std::path::Path;
use std::process::Command;

use super::Sandbox;

/// The user and group that may nothing.
pub(super) const NOBODY: u32 = 65534;

impl Sandbox {
    /// From now on commands run as a user who may nothing, by a copy of the program in a place that
    /// this user gets to; the home and the work folder become this user's. Without effect unless
    /// the test is root's.
    pub fn become_ordinary_user(&mut self) {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        if let Some(program) = &self.program {
            let copy = self.root().join("ostler");
            let done = Command::new("install").arg(program).arg(&copy).status();
            assert!(done.is_ok_and(|status| status.success()), "cannot copy the program");
            self.program = Some(copy);
        }
        self.ordinary = true;
        self.give_away(self.root());
    }

    /// Makes a file or folder, with what is in it, the ordinary user's.
    pub(super) fn give_away(&self, path: &Path) {
        let owner = format!("{NOBODY}:{NOBODY}");
        let done = Command::new("chown").args(["-R", &owner]).arg(path).status();
        assert!(done.is_ok_and(|status| status.success()), "cannot give `{}` away", path.display());
    }
}
