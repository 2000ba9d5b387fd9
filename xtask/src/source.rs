//! The Rust files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A Rust file of the repository.
pub struct Source {
    /// From the root, with `/`: `crates/core/src/spec.rs`.
    pub path: String,
    /// The whole file.
    pub text: String,
}

impl Source {
    /// Returns every file below `crates` and `xtask`, sorted by path.
    pub fn all(root: &Path) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        let mut folders: Vec<PathBuf> = ["crates", "xtask"].map(|f| root.join(f)).into();
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder);
            for entry in entries.with_context(|| format!("cannot read `{}`", folder.display()))? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if path.is_dir() {
                    if name != "target" && name != "node_modules" && !name.starts_with('.') {
                        folders.push(path);
                    }
                } else if name.ends_with(".rs") {
                    found.push(Self::read(root, &path)?);
                }
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn read(root: &Path, path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        let path = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
        Ok(Self { path, text })
    }
}
