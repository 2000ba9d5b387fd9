//! Each package is installed from its file on something fresh, and used: start, list, reload, kill.

use std::path::Path;

use anyhow::{Result, bail};

use super::release::Release;
use crate::run::{command, is_installed, show};
use crate::{lab, machine};

/// What the lab needs of the machine.
const NEEDED: [&str; 5] = ["node", "npm", "python3", "dpkg", "curl"];

/// What reads some of the packages, and Debian's package that has it.
const WANTED: [(&str, &str); 8] = [
    ("rpm", "rpm"),
    ("makepkg", "makepkg"),
    ("pacman", "pacman-package-manager"),
    ("bsdtar", "libarchive-tools"),
    ("fakeroot", "fakeroot"),
    ("ruby", "ruby"),
    ("busybox", "busybox-static"),
    ("dockerd", "docker.io"),
];

/// Tries them all.
pub fn try_out(release: &Release, packages: &Path) -> Result<()> {
    let missing: Vec<&str> = NEEDED.into_iter().filter(|of| !is_installed(of)).collect();
    if !missing.is_empty() {
        bail!("packages cannot be tried without {}", missing.join(", "));
    }
    if is_installed("apt-get") {
        lab::install_missing(&WANTED)?;
    }
    let packages = packages.to_string_lossy();
    let mut words = vec!["tests/labs/packages.sh", &packages, &release.version];
    // Where there is no machine of its own, the deb is laid into a folder.
    let root = match machine::missing() {
        None => machine::machine()?.to_string_lossy().into_owned(),
        Some(reason) => {
            println!("!!! the deb is not installed on a machine of its own: {reason}");
            String::new()
        }
    };
    if !root.is_empty() {
        words.push(&root);
    }
    show(command("bash", words))
}
