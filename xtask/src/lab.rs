//! Labs that are no part of `cargo xtask test`. `container`: the images of `examples/docker` in a
//! real Docker engine, in namespaces of its own; that is 200 MB, and needs more of the kernel than
//! most machines of CI give. `export`: what `ostler export` writes, read by validators from PyPI.

use std::path::PathBuf;

use anyhow::{Result, bail};
use ostler_testkit::runtimes::{cache_dir, runtime};

use crate::labs;
use crate::run::{command, is_installed, show};

/// Where Debian has the engine's own client, which builds images without a plugin.
const CLIENT: &str = "/usr/bin/docker";

/// Runs the lab of this name.
pub fn lab(args: &[String]) -> Result<()> {
    let [name] = args else {
        bail!("`lab` takes the name of a lab: `container` or `export`");
    };
    match name.as_str() {
        "container" => container(),
        "export" => export(),
        _ => bail!("no lab is called `{name}`; there are `container` and `export`"),
    }
}

fn export() -> Result<()> {
    let validators = cache_dir().join("export-validators");
    let mut words = vec!["tests/labs/export.sh".to_owned(), validators.display().to_string()];
    if labs::missing().is_none() {
        words.push(labs::machine()?.display().to_string());
    }
    show(command("bash", words))
}

fn container() -> Result<()> {
    if let Some(reason) = labs::missing() {
        bail!("no container can be run here: {reason}");
    }
    if !is_installed("dockerd") || !PathBuf::from(CLIENT).exists() {
        show(command("apt-get", ["update", "-qq"]))?;
        let packages = ["install", "-y", "-qq", "--no-install-recommends", "docker.io"];
        show(command("apt-get", packages))?;
    }
    let Some(node) = runtime("node-22") else {
        bail!("Node 22 is not installed; `cargo xtask setup` installs it");
    };
    let (root, program) = (labs::machine()?, labs::program()?);
    let paths = [root, program, node.path].map(|path| path.to_string_lossy().into_owned());
    let words = ["tests/labs/container.sh".to_owned()].into_iter().chain(paths);
    show(command("bash", words.collect::<Vec<_>>()))
}
