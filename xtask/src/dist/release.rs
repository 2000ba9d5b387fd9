//! Which version is published.

use anyhow::{Context, Result};
use serde_json::Value;

use super::target::Target;
use crate::run::{cargo, command, output};

/// A version, built for one machine.
pub struct Release {
    /// From `Cargo.toml`, the one place that has it.
    pub version: String,
    /// The commit, shortened.
    pub commit: String,
    /// The time of everything in it, seconds since 1970.
    pub epoch: u64,
    /// What it is built for.
    pub target: Target,
    /// What cargo says of the workspace and everything in it.
    pub metadata: Value,
}

impl Release {
    /// Returns what the current commit would be published as.
    pub fn of_head(target: Target) -> Result<Self> {
        let platform = format!("--filter-platform={}", target.triple);
        let told = output(cargo(&["metadata", "--format-version=1", "--locked", &platform]))?;
        let metadata: Value = serde_json::from_str(&told)?;
        let commit = output(command("git", ["rev-parse", "--short=12", "HEAD"]))?;
        let epoch = match std::env::var(ostler_env::SOURCE_DATE_EPOCH) {
            Ok(epoch) => epoch,
            Err(_) => output(command("git", ["log", "-1", "--format=%ct"]))?,
        };
        let epoch = epoch.trim();
        Ok(Self {
            version: version(&metadata).context("cargo metadata has no package `ostler`")?,
            commit: commit.trim().to_owned(),
            epoch: epoch.parse().with_context(|| format!("`{epoch}` is no time in seconds"))?,
            target,
            metadata,
        })
    }

    /// Returns the name of a file of this version and machine.
    pub fn file(&self, extension: &str) -> String {
        format!("ostler-{}-{}-linux.{extension}", self.version, self.target.machine())
    }
}

fn version(metadata: &Value) -> Option<String> {
    let packages = metadata.get("packages")?.as_array()?;
    let ours = packages.iter().find(|package| package["name"] == "ostler")?;
    ours["version"].as_str().map(str::to_owned)
}
