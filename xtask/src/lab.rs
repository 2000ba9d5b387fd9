//! Labs by their names. `api`: the web API against its own document, by schemathesis. `browser`:
//! the dashboard in a real Chromium, which is 300 MB. `container`: the images of `examples/docker`,
//! and `pm2-runtime`, in a real Docker engine, in namespaces of its own; `cargo xtask labs` does
//! it, too. The others are no part of `cargo xtask test`. `deploy`: `ostler deploy` to hosts in
//! namespaces, each with a real sshd, and the same with PM2. `fleet`: one command on several such
//! hosts. `export`: what `ostler export` writes, read by validators from PyPI. `sinks`: lines
//! passed on to a real rsyslog, the journal of a real systemd and OpenTelemetry's own decoder.
//! `shapes`: process files of well-known software, each with a small project of it that is
//! installed from npm or PyPI, built, started, reloaded under requests and stopped; all of them, or
//! those that are named behind that word.
//! `swarm`: what it writes for Swarm, deployed to three hosts in namespaces, each with an engine.
//! `update`: `ostler update` under load, between two archives of `cargo xtask dist`, which are
//! named behind that word.

use std::path::PathBuf;

use anyhow::{Result, bail};
use ostler_testkit::runtimes::{cache_dir, pm2, runtime};

use crate::machine;
use crate::run::{command, is_installed, show};

/// Where Debian has the engine's own client, which builds images without a plugin.
const CLIENT: &str = "/usr/bin/docker";

/// What the package has of rsyslog's TLS.
const TLS: &str = "/usr/share/doc/rsyslog-gnutls/copyright";

/// Its programs, in one package of Debian's.
const ENGINE: [(&str, &str); 2] = [("dockerd", "docker.io"), (CLIENT, "docker.io")];

const NAMES: &str = "`api`, `browser`, `container`, `deploy`, `export`, `fleet`, \
                     `shapes [NAME…]`, `sinks`, `swarm`, `update OLD.tar.gz NEW.tar.gz`";

/// What the lab with the browser has from npm.
const DRIVERS: [&str; 2] = ["playwright-core@1.65", "axe-core@4.14"];

/// Runs the lab of this name.
pub fn lab(args: &[String]) -> Result<()> {
    let [name, archives @ ..] = args else {
        bail!("`lab` takes the name of a lab: {NAMES}");
    };
    match name.as_str() {
        "update" if archives.len() == 2 => update(archives),
        "update" => bail!("`lab update` takes the archives of two versions: OLD.tar.gz NEW.tar.gz"),
        "shapes" => shapes(archives),
        _ if !archives.is_empty() => bail!("`lab {name}` takes nothing more"),
        "api" => api(),
        "browser" => browser(),
        "container" => match container()? {
            true => Ok(()),
            false => bail!("no engine starts here"),
        },
        "deploy" => deploy(),
        "export" => export(),
        "fleet" => fleet(),
        "sinks" => sinks(),
        "swarm" => swarm(),
        _ => bail!("no lab is called `{name}`; there are {NAMES}"),
    }
}

fn export() -> Result<()> {
    let validators = cache_dir().join("export-validators");
    let mut words = vec!["tests/labs/export.sh".to_owned(), validators.display().to_string()];
    if machine::missing().is_none() {
        words.push(machine::machine()?.display().to_string());
    }
    show(command("bash", words))
}

fn sinks() -> Result<()> {
    let tools = [("rsyslogd", "rsyslog"), ("openssl", "openssl"), (TLS, "rsyslog-gnutls")];
    install_missing(&tools)?;
    let decoder = cache_dir().join("otlp-decoder").display().to_string();
    let program = with_companion()?.display().to_string();
    let mut words = vec!["tests/labs/sinks.sh".to_owned(), program, decoder];
    if machine::missing().is_none() {
        words.push(machine::machine()?.display().to_string());
    }
    show(command("bash", words))
}

fn shapes(names: &[String]) -> Result<()> {
    if names.is_empty() || names.iter().any(|name| name == "laravel") {
        install_missing(&[("php", "php-cli")])?;
    }
    let node = node_of("24")?;
    let program = machine::program()?.display().to_string();
    let words = ["tests/labs/shapes.mjs".to_owned(), program];
    show(command(node, words.into_iter().chain(names.iter().cloned())))
}

fn api() -> Result<()> {
    let paths = [with_companion()?, node()?, cache_dir().join("api-checkers")];
    let words = paths.map(|path| path.display().to_string());
    show(command("bash", ["tests/labs/api.sh".to_owned()].into_iter().chain(words)))
}

fn update(archives: &[String]) -> Result<()> {
    let words = ["tests/labs/update.sh".to_owned()].into_iter().chain(archives.iter().cloned());
    show(command("bash", words))
}

fn browser() -> Result<()> {
    install_missing(&[("chromium", "chromium")])?;
    let modules = cache_dir().join("browser").display().to_string();
    let mut npm = command("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"]);
    npm.args(["--prefix", &modules]).args(DRIVERS);
    show(npm)?;
    let program = with_companion()?.display().to_string();
    show(command(node()?, ["tests/labs/browser.mjs".to_owned(), program, modules]))
}

/// Whether there is an engine for containers.
pub fn has_engine() -> bool {
    ENGINE.iter().all(|(program, _)| is_installed(program))
}

/// Runs the lab of containers. `false`: no engine starts here.
pub fn container() -> Result<bool> {
    if let Some(reason) = machine::missing() {
        bail!("no container can be run here: {reason}");
    }
    install_missing(&ENGINE)?;
    let (root, program, node) = (machine::machine()?, machine::program()?, node()?);
    machine::script("tests/labs/container.sh", &[&root, &program, &node])
}

fn swarm() -> Result<()> {
    if let Some(reason) = machine::missing() {
        bail!("no hosts can be made here: {reason}");
    }
    let tools = [("busybox", "busybox-static"), ("curl", "curl"), ("bc", "bc")];
    install_missing(&[&ENGINE[..], &tools].concat())?;
    match machine::script("tests/labs/swarm.sh", &[&machine::program()?, &node()?])? {
        true => Ok(()),
        false => bail!("no engine starts here"),
    }
}

fn fleet() -> Result<()> {
    let paths = [machine::program()?, node()?].map(|path| path.to_string_lossy().into_owned());
    on_hosts("tests/labs/fleet.sh", paths)
}

fn deploy() -> Result<()> {
    let Some(pm2) = pm2() else {
        bail!("PM2 is not installed; `cargo xtask setup` installs it");
    };
    let paths = [machine::program()?, node()?, pm2].map(|path| path.to_string_lossy().into_owned());
    on_hosts("tests/labs/deploy.sh", paths)
}

/// Runs a script that makes hosts with an sshd.
fn on_hosts(script: &str, words: impl IntoIterator<Item = String>) -> Result<()> {
    if let Some(reason) = machine::missing() {
        bail!("no hosts can be made here: {reason}");
    }
    install_missing(&[("/usr/sbin/sshd", "openssh-server")])?;
    show(command("bash", [script.to_owned()].into_iter().chain(words).collect::<Vec<_>>()))
}

/// Installs packages of Debian's of which the program is missing.
pub fn install_missing(wanted: &[(&str, &str)]) -> Result<()> {
    let missing = wanted.iter().filter(|(program, _)| !is_installed(program));
    let packages: Vec<&str> = missing.map(|(_, package)| *package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    show(command("apt-get", ["update", "-qq"]))?;
    let mut apt = command("apt-get", ["install", "-y", "-qq", "--no-install-recommends"]);
    apt.args(packages);
    show(apt)
}

/// Our program, with the companion beside it.
fn with_companion() -> Result<PathBuf> {
    let program = machine::program()?;
    show(command("cargo", ["build", "--package", "ostler-companion"]))?;
    Ok(program)
}

/// A program of Node.
fn node() -> Result<PathBuf> {
    node_of("22")
}

fn node_of(version: &str) -> Result<PathBuf> {
    let Some(node) = runtime(&format!("node-{version}")) else {
        bail!("Node {version} is not installed; `cargo xtask setup` installs it");
    };
    Ok(node.path)
}
