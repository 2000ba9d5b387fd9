//! Programs from the distribution that a few tests run against: shells whose completion is tested,
//! and a second reader of the manual page. Such a test passes without them, and says so.

use crate::run::{command, is_installed, output};

/// The programs; each has the name of its package.
const PROGRAMS: [&str; 3] = ["zsh", "fish", "mandoc"];

/// Installs what is missing where apt can, and prints a line for each.
pub fn install() {
    for program in PROGRAMS {
        let was_there = is_installed(program);
        if !was_there && is_installed("apt-get") {
            let args = ["install", "--yes", "--no-install-recommends", program];
            if let Err(error) = output(command("apt-get", args)) {
                println!("  {program:8} {error:#}");
            }
        }
        match (was_there, is_installed(program)) {
            (true, _) => println!("  {program:8} installed"),
            (false, true) => println!("  {program:8} installed (new)"),
            (false, false) => println!("  {program:8} missing: its tests are left out"),
        }
    }
}
