//! The packages of npm: `ostler`, which needs Node only until the program has taken its place, and
//! one that carries the programs for one machine.

use anyhow::Result;
use serde_json::json;

use super::archive::{Entry, gzip, tar};
use super::artifact::Artifact;
use super::contents::{Contents, SUMMARY};
use super::release::Release;
use super::repository::read;

/// The scope of the packages for one machine.
const SCOPE: &str = "@ostler-pm";

/// Machines for which packages are published. npm installs the one that fits, but Yarn fails when
/// one of them is not in the registry.
const MACHINES: [&str; 1] = ["x64"];

/// Makes both of them.
pub fn make(release: &Release, contents: &Contents) -> Result<Vec<Artifact>> {
    Ok(vec![main(release, contents)?, platform(release, contents)?])
}

fn main(release: &Release, contents: &Contents) -> Result<Artifact> {
    let version = &release.version;
    let optional: serde_json::Map<_, _> =
        MACHINES.map(|of| (format!("{SCOPE}/linux-{of}"), json!(version))).into_iter().collect();
    let package = json!({
        "name": "ostler",
        "version": version,
        "description": SUMMARY,
        "license": "MIT OR Apache-2.0",
        "repository": { "type": "git", "url": "git+https://github.com/ostler-pm/ostler.git" },
        "keywords": ["process manager", "pm2", "cluster", "daemon", "reload"],
        "type": "commonjs",
        "os": ["linux"],
        "engines": { "node": ">=18" },
        "bin": { "ostler": "bin/ostler" },
        "files": ["bin", "lib"],
        "scripts": { "postinstall": "node lib/install.cjs" },
        "optionalDependencies": optional,
    });
    let mut entries = vec![
        Entry::file("package.json", serde_json::to_string_pretty(&package)? + "\n"),
        Entry::program("bin/ostler", read("packaging/npm/ostler.cjs")?),
        Entry::file("lib/install.cjs", read("packaging/npm/install.cjs")?),
        Entry::file("lib/find.cjs", read("packaging/npm/find.cjs")?),
        Entry::file("README.md", contents.readme.clone()),
    ];
    entries.extend(licences(contents));
    pack(&format!("ostler-{version}.tgz"), &entries, release)
}

fn platform(release: &Release, contents: &Contents) -> Result<Artifact> {
    let (version, machine) = (&release.version, release.target.npm());
    let package = json!({
        "name": format!("{SCOPE}/linux-{machine}"),
        "version": version,
        "description": format!("The programs of ostler for Linux on {machine}"),
        "license": "MIT OR Apache-2.0",
        "repository": { "type": "git", "url": "git+https://github.com/ostler-pm/ostler.git" },
        "os": ["linux"],
        "cpu": [machine],
        "files": ["bin", "sbom.cdx.json"],
        "preferUnplugged": true,
    });
    let mut entries = vec![
        Entry::file("package.json", serde_json::to_string_pretty(&package)? + "\n"),
        Entry::file("README.md", format!("The programs of `ostler` for Linux on {machine}.\n")),
        Entry::file("sbom.cdx.json", contents.sbom.clone()),
    ];
    for (name, data) in &contents.programs {
        entries.push(Entry::program(format!("bin/{name}"), data.clone()));
    }
    entries.extend(licences(contents));
    pack(&format!("ostler-pm-linux-{machine}-{version}.tgz"), &entries, release)
}

fn licences(contents: &Contents) -> impl Iterator<Item = Entry> {
    contents.licences.iter().map(|(name, text)| Entry::file(*name, text.clone()))
}

fn pack(name: &str, entries: &[Entry], release: &Release) -> Result<Artifact> {
    let data = gzip(&tar(entries, "package/", release.epoch)?)?;
    Ok(Artifact { name: name.to_owned(), data })
}
