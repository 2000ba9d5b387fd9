//! The wheel of Python: programs for the `bin` of an environment, nothing of Python.

use anyhow::Result;

use super::archive::Entry;
use super::artifact::Artifact;
use super::contents::{Contents, SUMMARY};
use super::hash;
use super::release::Release;
use super::zip::zip;

/// Makes this package.
pub fn make(release: &Release, contents: &Contents) -> Result<Artifact> {
    let version = &release.version;
    let tag = format!("py3-none-{}", release.target.wheel());
    let info = format!("ostler-{version}.dist-info");
    let mut entries: Vec<Entry> = contents
        .programs
        .iter()
        .map(|(name, data)| {
            Entry::program(format!("ostler-{version}.data/scripts/{name}"), data.clone())
        })
        .collect();
    let man = format!("ostler-{version}.data/data/share/man/man1/ostler.1");
    entries.extend([
        Entry::file(man, contents.man.clone()),
        Entry::file(format!("{info}/METADATA"), metadata(version, &contents.readme)),
        Entry::file(format!("{info}/WHEEL"), wheel(&tag)),
        Entry::file(format!("{info}/sboms/ostler.cdx.json"), contents.sbom.clone()),
    ]);
    for (name, text) in &contents.licences {
        entries.push(Entry::file(format!("{info}/licenses/{name}"), text.clone()));
    }
    let mut record: String = entries
        .iter()
        .map(|of| format!("{},sha256={},{}\n", of.path, hash::base64(&of.data), of.data.len()))
        .collect();
    record.push_str(&format!("{info}/RECORD,,\n"));
    entries.push(Entry::file(format!("{info}/RECORD"), record));
    Ok(Artifact { name: format!("ostler-{version}-{tag}.whl"), data: zip(&entries)? })
}

fn metadata(version: &str, readme: &[u8]) -> String {
    format!(
        "Metadata-Version: 2.4\nName: ostler\nVersion: {version}\nSummary: {SUMMARY}\n\
         License-Expression: MIT OR Apache-2.0\nLicense-File: LICENSE-APACHE\nLicense-File: \
         LICENSE-MIT\nProject-URL: Repository, https://github.com/ostler-pm/ostler\n\
         Requires-Python: >=3.7\nDescription-Content-Type: text/markdown\n\n{}",
        String::from_utf8_lossy(readme)
    )
}

fn wheel(tag: &str) -> String {
    let (of, platforms) = tag.split_at("py3-none-".len());
    let tags: String =
        platforms.split('.').map(|platform| format!("Tag: {of}{platform}\n")).collect();
    format!("Wheel-Version: 1.0\nGenerator: ostler\nRoot-Is-Purelib: false\n{tags}")
}
