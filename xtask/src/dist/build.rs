//! The programs: static, small, and without a trace of where they were built.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::release::Release;
use crate::run::{cargo, command, output, show};

/// The packages of cargo, which have the names of their programs. Each is built alone: what one of
/// them needs of a crate is not put into the others.
const PROGRAMS: [&str; 2] = ["ostler", "ostler-companion"];

/// A built program.
pub struct Built {
    /// The name of the program.
    pub name: &'static str,
    /// What is in its file.
    pub data: Vec<u8>,
    /// Where it was built.
    pub path: PathBuf,
}

/// Builds all of them.
pub fn programs(release: &Release) -> Result<Vec<Built>> {
    let target = release.metadata.get("target_directory").and_then(|of| of.as_str());
    let folder = Path::new(target.context("cargo metadata names no target directory")?)
        .join(&release.target.triple)
        .join("dist");
    PROGRAMS.map(|name| program(release, name, folder.join(name))).into_iter().collect()
}

fn program(release: &Release, name: &'static str, path: PathBuf) -> Result<Built> {
    let mut build = cargo(&["build", "--locked", "--profile", "dist", "--package", name]);
    build.args(["--target", &release.target.triple]);
    build.env(ostler_env::CARGO_ENCODED_RUSTFLAGS, flags()?.join("\x1f"));
    build.env(ostler_env::SOURCE_DATE_EPOCH, release.epoch.to_string());
    build.env(ostler_env::OSTLER_COMMIT, &release.commit);
    show(build)?;
    let data = fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(Built { name, data, path })
}

/// What the compiler is told besides the profile. Paths of our own source are relative already.
fn flags() -> Result<Vec<String>> {
    let home = std::env::var_os(ostler_env::CARGO_HOME).map(PathBuf::from);
    let home = match home {
        Some(home) => home,
        None => {
            let user = std::env::var_os(ostler_env::HOME).context("HOME is not set")?;
            Path::new(&user).join(".cargo")
        }
    };
    let registry = home.join("registry/src");
    let mut flags = vec![
        "-Ctarget-feature=+crt-static".to_owned(),
        // The path is from the repository on, so that it is the same in each folder.
        "-Clink-arg=-Wl,-T,packaging/no-unwinding.ld,--no-eh-frame-hdr".to_owned(),
        // Functions of the same instructions are one; nothing here compares their addresses.
        "-Clink-arg=-Wl,--icf=all".to_owned(),
        // A table of addresses to move takes a twentieth of its place.
        "-Clink-arg=-Wl,-z,pack-relative-relocs".to_owned(),
        "-Clink-arg=-Wl,--build-id=none".to_owned(),
    ];
    // The registry's folder has a number of the machine's configuration in its name.
    let entries =
        fs::read_dir(&registry).with_context(|| format!("cannot read `{}`", registry.display()))?;
    for entry in entries {
        flags.push(format!("--remap-path-prefix={}=/crates", entry?.path().display()));
    }
    Ok(flags)
}

/// Returns what a program prints.
pub fn says(built: &Built, args: &[&str]) -> Result<Vec<u8>> {
    output(command(&built.path, args)).map(String::into_bytes)
}
