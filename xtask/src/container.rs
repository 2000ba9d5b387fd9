//! The images of `examples/docker` in a real Docker engine, in namespaces of its own. It is no
//! part of `cargo xtask test`: the engine is 200 MB, and needs more of the kernel than most
//! machines of CI give.

use std::path::PathBuf;

use anyhow::{Result, bail};
use ostler_testkit::runtimes::runtime;

use crate::labs;
use crate::run::{command, is_installed, show};

/// Where Debian has the engine's own client, which builds images without a plugin.
const CLIENT: &str = "/usr/bin/docker";

/// Runs the lab of this name.
pub fn lab(args: &[String]) -> Result<()> {
    let [name] = args else {
        bail!("`lab` takes the name of a lab: `container`");
    };
    if name != "container" {
        bail!("no lab is called `{name}`; there is `container`");
    }
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
