//! The archive for everyone without a package: a tree to lay over `/usr/local` or `~/.local`.

use anyhow::Result;

use super::archive::{Entry, gzip, tar};
use super::artifact::Artifact;
use super::contents::Contents;
use super::release::Release;

/// Makes this package.
pub fn make(release: &Release, contents: &Contents) -> Result<Artifact> {
    let top = format!("ostler-{}/", release.version);
    let mut entries: Vec<Entry> = contents
        .programs
        .iter()
        .map(|(name, data)| Entry::program(format!("bin/{name}"), data.clone()))
        .collect();
    let [bash, zsh, fish] = contents.completions.clone();
    entries.extend([
        Entry::file("share/man/man1/ostler.1", contents.man.clone()),
        Entry::file("share/bash-completion/completions/ostler", bash),
        Entry::file("share/zsh/site-functions/_ostler", zsh),
        Entry::file("share/fish/vendor_completions.d/ostler.fish", fish),
        Entry::file("share/doc/ostler/README.md", contents.readme.clone()),
        // For `/usr`: whoever lays it elsewhere changes the path in it, or asks `ostler startup`.
        Entry::file("share/doc/ostler/ostler@.service", contents.unit.clone()),
        Entry::file("share/doc/ostler/sbom.cdx.json", contents.sbom.clone()),
    ]);
    for (name, text) in &contents.licences {
        entries.push(Entry::file(format!("share/doc/ostler/{name}"), text.clone()));
    }
    let data = gzip(&tar(&entries, &top, release.epoch)?)?;
    Ok(Artifact { name: release.file("tar.gz"), data })
}
