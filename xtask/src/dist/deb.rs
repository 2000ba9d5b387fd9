//! The package of Debian and of what is made of it.

use std::fmt::Write as _;

use anyhow::Result;

use super::archive::{Entry, gzip, tar};
use super::artifact::Artifact;
use super::contents::{Contents, DOC, SUMMARY};
use super::release::Release;

/// Once the unit is there, systemd is told, where it runs.
const POSTINST: &str = "\
#!/bin/sh
set -e
if [ \"$1\" = configure ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
fi
if [ \"$1\" = configure ] && [ -n \"$2\" ]; then
    echo 'ostler: managers that run go on with the old version until each user runs `ostler update`'
fi
";

/// Makes this package.
pub fn make(release: &Release, contents: &Contents) -> Result<Artifact> {
    let files = files(contents)?;
    let name = format!("ostler_{}_{}.deb", release.version, release.target.deb());
    let control =
        [Entry::file("control", control(release, &files)), Entry::program("postinst", POSTINST)];
    let control = gzip(&tar(&control, "./", release.epoch)?)?;
    let data = gzip(&tar(&files, "./", release.epoch)?)?;
    let mut out = b"!<arch>\n".to_vec();
    member(&mut out, "debian-binary", b"2.0\n", release.epoch)?;
    member(&mut out, "control.tar.gz", &control, release.epoch)?;
    member(&mut out, "data.tar.gz", &data, release.epoch)?;
    Ok(Artifact { name, data: out })
}

fn files(contents: &Contents) -> Result<Vec<Entry>> {
    let mut files = contents.installed("usr/share/zsh/vendor-completions")?;
    files.extend([
        Entry::file(format!("{DOC}/changelog.gz"), gzip(&contents.changelog)?),
        Entry::file(format!("{DOC}/copyright"), copyright(contents)),
    ]);
    Ok(files)
}

fn control(release: &Release, files: &[Entry]) -> String {
    let kilobytes: usize = files.iter().map(|file| file.data.len().div_ceil(1024)).sum();
    format!(
        "Package: ostler\nVersion: {}\nArchitecture: {}\nMaintainer: The ostler developers \
         <ostler@ostler-pm.invalid>\nInstalled-Size: {kilobytes}\nSection: admin\nPriority: \
         optional\nHomepage: https://github.com/ostler-pm/ostler\nDescription: process manager for \
         applications in any language\n {SUMMARY}.\n .\n The unit `ostler@USER` starts the \
         manager of a user with the machine.\n",
        release.version,
        release.target.deb(),
    )
}

/// Both licences, in the machine-readable form of Debian.
fn copyright(contents: &Contents) -> String {
    let mut out = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
                   Upstream-Name: ostler\n\nFiles: *\nCopyright: The ostler developers\n\
                   License: MIT or Apache-2.0\n"
        .to_owned();
    for (name, text) in &contents.licences {
        let short = if *name == "LICENSE-MIT" { "MIT" } else { "Apache-2.0" };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\nLicense: {short}");
        for line in String::from_utf8_lossy(text).lines() {
            let _ = writeln!(out, " {}", if line.trim().is_empty() { "." } else { line });
        }
    }
    out
}

/// Adds a member to the outer archive, which is one of ar(5).
fn member(out: &mut Vec<u8>, name: &str, data: &[u8], epoch: u64) -> Result<()> {
    use std::io::Write as _;
    writeln!(out, "{name:<16}{epoch:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 100_644, data.len())?;
    out.extend_from_slice(data);
    if data.len() % 2 == 1 {
        out.push(b'\n');
    }
    Ok(())
}
