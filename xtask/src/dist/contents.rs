//! What every package carries.

use anyhow::{Context, Result};

use super::archive::{Entry, gzip};
use super::build::{self, Built};
use super::release::Release;
use super::repository::read;
use super::sbom;

/// One sentence on the program, for every index.
pub const SUMMARY: &str = "Process manager for applications in any language: restarts, cluster, \
                           reloads without a lost request, logs; takes PM2's commands";

/// Where packages of Linux have what there is to read.
pub const DOC: &str = "usr/share/doc/ostler";

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

    /// The files of a package of Linux that are the same in each; `zsh`: the folder in which its
    /// zsh looks for completions.
    pub fn installed(&self, zsh: &str) -> Result<Vec<Entry>> {
        let share = "usr/share";
        let [bash_script, zsh_script, fish_script] = self.completions.clone();
        let programs = self.programs.iter();
        let program = |(name, data): &(&str, Vec<u8>)| {
            Entry::program(format!("usr/bin/{name}"), data.clone())
        };
        let mut files: Vec<Entry> = programs.map(program).collect();
        files.extend([
            Entry::file("usr/lib/systemd/system/ostler@.service", self.unit.clone()),
            Entry::file(format!("{share}/man/man1/ostler.1.gz"), gzip(&self.man)?),
            Entry::file(format!("{share}/bash-completion/completions/ostler"), bash_script),
            Entry::file(format!("{zsh}/_ostler"), zsh_script),
            Entry::file(format!("{share}/fish/vendor_completions.d/ostler.fish"), fish_script),
            Entry::file(format!("{DOC}/README.md"), self.readme.clone()),
            Entry::file(format!("{DOC}/sbom.cdx.json"), self.sbom.clone()),
        ]);
        Ok(files)
    }
}
