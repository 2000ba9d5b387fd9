//! Rules that neither the compiler nor clippy checks: those of ARCHITECTURE.md and CONTRIBUTING.md.
//!
//! Each rule is a function from text to findings, so that it can be shown to fail on a fixture.

mod deps;
mod environment;
mod hints;
mod invariants;
mod sources;

use std::fs;

use anyhow::{Context, Result, bail};

use crate::measure;
use crate::run::{cargo, output, root};
use crate::source::Source;

/// Checks the repository; prints warnings, fails with all findings at once.
pub fn tidy() -> Result<()> {
    let root = root();
    let files = Source::all(&root)?;
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
        findings.extend(hints::check(file));
    }
    findings.extend(measure::held(&files)?);
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
