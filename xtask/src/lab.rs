//! Labs that are no part of `cargo xtask test`. `browser`: the dashboard in a real Chromium, which
//! is 300 MB. `container`: the images of `examples/docker` in a real Docker engine, in namespaces of
//! its own; that is 200 MB, and needs more of the kernel than most machines of CI give. `deploy`:
//! `ostler deploy` to hosts in namespaces, each with a real sshd, and the same with PM2. `export`:
//! what `ostler export` writes, read by validators of PyPI.

use std::path::PathBuf;

use anyhow::{Result, bail};
use ostler_testkit::runtimes::{cache_dir, pm2, runtime};

use crate::labs;
use crate::run::{command, is_installed, show};

/// Where Debian has the engine's own client, which builds images without a plugin.
const CLIENT: &str = "/usr/bin/docker";

const NAMES: &str = "`browser`, `container`, `deploy`, `export`";

/// What the lab with the browser has from npm.
const DRIVERS: [&str; 2] = ["playwright-core@1.65", "axe-core@4.14"];

/// Runs the lab of this name.
pub fn lab(args: &[String]) -> Result<()> {
    let [name] = args else {
        bail!("`lab` takes the name of a lab: {NAMES}");
    };
    match name.as_str() {
        "browser" => browser(),
        "container" => container(),
        "deploy" => deploy(),
        "export" => export(),
        _ => bail!("no lab is called `{name}`; there are {NAMES}"),
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

fn browser() -> Result<()> {
    if !is_installed("chromium") {
        install("chromium")?;
    }
    let modules = cache_dir().join("browser").display().to_string();
    let mut npm = command("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"]);
    npm.args(["--prefix", &modules]).args(DRIVERS);
    show(npm)?;
    let program = labs::program()?.display().to_string();
    show(command("cargo", ["build", "--package", "ostler-companion"]))?;
    show(command(node()?, ["tests/labs/browser.mjs".to_owned(), program, modules]))
}

fn container() -> Result<()> {
    if let Some(reason) = labs::missing() {
        bail!("no container can be run here: {reason}");
    }
    if !is_installed("dockerd") || !PathBuf::from(CLIENT).exists() {
        install("docker.io")?;
    }
    let paths = [labs::machine()?, labs::program()?, node()?];
    let paths = paths.map(|path| path.to_string_lossy().into_owned());
    let words = ["tests/labs/container.sh".to_owned()].into_iter().chain(paths);
    show(command("bash", words.collect::<Vec<_>>()))
}

fn deploy() -> Result<()> {
    if let Some(reason) = labs::missing() {
        bail!("no hosts can be made here: {reason}");
    }
    if !is_installed("/usr/sbin/sshd") {
        install("openssh-server")?;
    }
    let Some(pm2) = pm2() else {
        bail!("PM2 is not installed; `cargo xtask setup` installs it");
    };
    let paths = [labs::program()?, node()?, pm2].map(|path| path.to_string_lossy().into_owned());
    let words = ["tests/labs/deploy.sh".to_owned()].into_iter().chain(paths);
    show(command("bash", words.collect::<Vec<_>>()))
}

/// Installs a package of Debian's.
fn install(package: &str) -> Result<()> {
    show(command("apt-get", ["update", "-qq"]))?;
    show(command("apt-get", ["install", "-y", "-qq", "--no-install-recommends", package]))
}

/// A program of Node.
fn node() -> Result<PathBuf> {
    let Some(node) = runtime("node-22") else {
        bail!("Node 22 is not installed; `cargo xtask setup` installs it");
    };
    Ok(node.path)
}
