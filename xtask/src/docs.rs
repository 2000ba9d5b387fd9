//! Writes the documentation that the program makes from its tables.

use std::fs;

use anyhow::{Context, Result};

use crate::run::{cargo, output, root, show};

/// Writes every page anew; says which ones changed.
pub fn docs() -> Result<()> {
    show(cargo(&["build", "--package", "ostler"]))?;
    let generate =
        |name| output(cargo(&["run", "--quiet", "--package", "ostler", "--", "generate", name]));
    for line in generate("list")?.lines() {
        let (name, file) = line.split_once(' ').context("a line without a file")?;
        let path = root().join(file);
        let new = generate(name)?;
        let old = fs::read_to_string(&path).unwrap_or_default();
        if old == new {
            println!("  {file} as it was");
            continue;
        }
        let folder = path.parent().context("a file without a folder")?;
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
        fs::write(&path, new).with_context(|| format!("cannot write `{}`", path.display()))?;
        println!("  {file} written");
    }
    Ok(())
}
