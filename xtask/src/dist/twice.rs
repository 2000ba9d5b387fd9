//! Whether a second build gives the same bytes, in another folder, from nothing.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::release::Release;
use crate::run::{cargo, command, output, root, show};

/// Refuses a tree with changes: the second build is one of the commit.
pub fn refuse_changes() -> Result<()> {
    let changed = output(command("git", ["status", "--porcelain"]))?;
    if !changed.trim().is_empty() {
        bail!("`--twice` compares builds of a commit, but there are changes:\n{changed}");
    }
    Ok(())
}

/// Builds in a fresh clone, and compares every file.
pub fn compare(release: &Release, first: &Path) -> Result<()> {
    let place = root().join("target/twice");
    if place.exists() {
        fs::remove_dir_all(&place)
            .with_context(|| format!("cannot empty `{}`", place.display()))?;
    }
    let clone = place.join("another/folder");
    let paths = [root(), clone.clone()].map(|path| path.to_string_lossy().into_owned());
    show(command("git", ["clone", "--quiet", "--shared", &paths[0], &paths[1]]))?;
    let second = place.join("packages").to_string_lossy().into_owned();
    let mut again = cargo(&["xtask", "dist", "--target", &release.target.triple, "--out", &second]);
    again.current_dir(&clone);
    again.env(ostler_env::CARGO_TARGET_DIR, place.join("target"));
    show(again)?;
    let sums = |folder: &Path| {
        let path = folder.join("SHA256SUMS");
        fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))
    };
    let (one, other) = (sums(first)?, sums(Path::new(&second))?);
    if one != other {
        bail!("two builds differ:\n{one}\n{other}");
    }
    println!("two builds, in two folders: the same bytes");
    fs::remove_dir_all(&place).with_context(|| format!("cannot remove `{}`", place.display()))
}
