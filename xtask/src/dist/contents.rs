//! What every package carries.

use anyhow::{Context, Result};

use super::build::{self, Built};
use super::release::Release;
use super::repository::read;
use super::sbom;

/// One sentence on the program, for every index.
pub const SUMMARY: &str = "Process manager for applications in any language: restarts, cluster, \
                           reloads without a lost request, logs; takes PM2's commands";

/// Programs and texts.
pub struct Contents {
    /// The programs, the command first.
    pub programs: Vec<(&'static str, Vec<u8>)>,
    /// What is in the programs, in CycloneDX's form.
    pub sbom: Vec<u8>,
    /// The page of the manual.
    pub man: Vec<u8>,
    /// A script for each shell: bash, zsh, fish.
    pub completions: [Vec<u8>; 3],
    /// The licences: name and text.
    pub licences: [(&'static str, Vec<u8>); 2],
    /// What there is to read first.
    pub readme: Vec<u8>,
    /// What has changed.
    pub changelog: Vec<u8>,
    /// The unit of systemd.
    pub unit: Vec<u8>,
}

impl Contents {
    /// Collects them from the repository.
    pub fn of(release: &Release, built: &[Built]) -> Result<Self> {
        let command = built.first().context("no program was built")?;
        let completion = |shell| build::says(command, &["completion", shell]);
        Ok(Self {
            programs: built.iter().map(|of| (of.name, of.data.clone())).collect(),
            sbom: sbom::make(release, built)?,
            man: read("docs/man/ostler.1")?,
            completions: [completion("bash")?, completion("zsh")?, completion("fish")?],
            licences: [
                ("LICENSE-APACHE", read("LICENSE-APACHE")?),
                ("LICENSE-MIT", read("LICENSE-MIT")?),
            ],
            readme: read("README.md")?,
            changelog: read("CHANGELOG.md")?,
            unit: read("packaging/ostler@.service")?,
        })
    }
}
