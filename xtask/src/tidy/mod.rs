//! What neither the compiler nor clippy checks: the rules of ARCHITECTURE.md and CONTRIBUTING.md.
//!
//! Each rule is a function from text to findings, so that it can be shown to fail on a fixture.

mod deps;
mod environment;
mod invariants;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{cargo, output, root};

/// Checks the repository; prints warnings, fails with all findings at once.
pub fn tidy() -> Result<()> {
    let root = root();
    let files = rust_files(&root)?;
    let mut findings = Vec::new();
    let metadata = serde_json::from_str(&output(cargo(&["metadata", "--format-version=1"]))?)?;
    findings.extend(deps::check(&metadata)?);
    for file in &files {
        let found = sources::check(file);
        for warning in found.warnings {
            println!("warning: {warning}");
        }
        findings.extend(found.errors);
        findings.extend(environment::check(file));
    }
    let page = root.join("ARCHITECTURE.md");
    let text =
        fs::read_to_string(&page).with_context(|| format!("cannot read `{}`", page.display()))?;
    findings.extend(invariants::check(&text, &files));
    if findings.is_empty() {
        println!("tidy: {} files", files.len());
        return Ok(());
    }
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    bail!("{} findings", findings.len())
}

/// A Rust file of the repository.
struct Source {
    /// From the root, with `/`: `crates/core/src/spec.rs`.
    path: String,
    text: String,
}

fn rust_files(root: &Path) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["crates", "xtask"].map(|f| root.join(f)).into();
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))?
        {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && name != "node_modules" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read `{}`", path.display()))?;
                let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}
