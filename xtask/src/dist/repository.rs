//! Files of the repository that go into packages.

use std::fs;

use anyhow::{Context, Result};

use crate::run::root;

/// Reads a file of the repository.
pub fn read(path: &str) -> Result<Vec<u8>> {
    fs::read(root().join(path)).with_context(|| format!("cannot read `{path}`"))
}
