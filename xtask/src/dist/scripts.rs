//! The script that installs the archive.

use anyhow::{Result, bail};

use super::artifact::Artifact;
use super::release::Release;
use super::repository::read;

/// What stands for the version in the script.
const VERSION: &str = "@VERSION@";

/// Returns it for this version.
pub fn install(release: &Release) -> Result<Artifact> {
    let text = String::from_utf8(read("packaging/install.sh")?)?;
    if !text.contains(VERSION) {
        bail!("`packaging/install.sh` does not say where the version belongs: `{VERSION}`");
    }
    let data = text.replace(VERSION, &release.version).into_bytes();
    Ok(Artifact { name: "install.sh".to_owned(), data })
}
