//! What `cargo xtask dist` is told.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::target::Target;
use crate::run::root;

/// The options of the task.
pub struct Options {
    /// What is built for.
    pub target: Target,
    /// Whether a second build must give the same bytes.
    pub twice: bool,
    /// Whether each package is installed and used.
    pub tried: bool,
    out: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments of the task.
    pub fn of(args: &[String]) -> Result<Self> {
        let (mut target, mut twice, mut tried, mut out) = (None, false, false, None);
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("`{arg}` needs a value"));
            match arg.as_str() {
                "--target" => target = Some(Target::of(value()?)?),
                "--out" => out = Some(PathBuf::from(value()?)),
                "--twice" => twice = true,
                "--try" => tried = true,
                other => bail!(
                    "`dist` takes `--target TRIPLE`, `--out DIR`, `--twice` and `--try`, but got \
                     `{other}`"
                ),
            }
        }
        let target = match target {
            Some(target) => target,
            None => Target::of_host()?,
        };
        Ok(Self { target, twice, tried, out })
    }

    /// Returns the folder of the packages.
    pub fn out(&self) -> PathBuf {
        match &self.out {
            Some(out) => root().join(out),
            None => root().join("target/packages"),
        }
    }
}
