//! The machine that labs need: the files of a Debian with systemd, and what this one must allow.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ostler_testkit::runtimes::cache_dir;

use crate::run::{cargo, command, is_installed, output, show, target_directory};

/// Packages that the machine needs besides the smallest Debian.
const PACKAGES: &str =
    "--include=systemd,systemd-sysv,dbus,procps,libpam-systemd,dbus-user-session";

/// Exit code of a lab when its machine does not boot here, or its engine does not start.
const NO_MACHINE: i32 = 77;

/// Runs the script of a lab. `false`: what it needs does not run here.
pub fn script(script: &str, words: &[&Path]) -> Result<bool> {
    println!("> {script}");
    let words = [Path::new(script)].into_iter().chain(words.iter().copied());
    let status = command("bash", words.map(|word| word.to_string_lossy().into_owned())).status()?;
    match status.code() {
        Some(0) => Ok(true),
        Some(NO_MACHINE) => Ok(false),
        Some(_) | None => bail!("`{script}` failed: {status}"),
    }
}

/// Builds the program, and returns where it is.
pub fn program() -> Result<PathBuf> {
    show(cargo(&["build", "--package", "ostler"]))?;
    Ok(target_directory()?.join("debug/ostler"))
}

/// Why no machine can be had here.
pub fn missing() -> Option<String> {
    let uid = output(command("id", ["-u"])).unwrap_or_default();
    if uid.trim() != "0" {
        return Some("it needs root".to_owned());
    }
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let groups = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"));
    let Some(groups) = groups.and_then(|line| line.split(' ').nth(1)) else {
        return Some("it needs control groups of version 2".to_owned());
    };
    let probe = Path::new(groups).join(format!("ostler-lab-{}", std::process::id()));
    if let Err(error) = fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe)) {
        return Some(format!("it needs control groups that may be written: {error}"));
    }
    let namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--fork", "true"];
    if let Err(error) = output(command("unshare", namespaces)) {
        return Some(format!("it needs namespaces: {error:#}"));
    }
    if !is_made() && !is_installed("debootstrap") && !is_installed("apt-get") {
        return Some("it needs debootstrap, and there is no apt to install it".to_owned());
    }
    None
}

/// Where the files of the machine are.
fn place() -> PathBuf {
    cache_dir().join("sdroot")
}

/// A tree that was not finished has another name.
fn is_made() -> bool {
    place().join("sbin/init").symlink_metadata().is_ok()
}

/// Makes the files of a machine with systemd, once. They never change: the machine writes to
/// a layer above them.
pub fn machine() -> Result<PathBuf> {
    let place = place();
    if is_made() {
        return Ok(place);
    }
    if !is_installed("debootstrap") {
        show(command("apt-get", ["update", "-qq"]))?;
        show(command("apt-get", ["install", "-y", "-qq", "debootstrap"]))?;
    }
    let new = place.with_extension("new");
    if new.exists() {
        fs::remove_dir_all(&new).with_context(|| format!("cannot remove `{}`", new.display()))?;
    }
    fs::create_dir_all(cache_dir())?;
    // The program was linked against this machine's C library: the same release has the same one.
    let suite = codename(Path::new("/etc/os-release")).unwrap_or_else(|| "bookworm".to_owned());
    show(command("debootstrap", ["--variant=minbase", PACKAGES, &suite, &new.to_string_lossy()]))?;
    fs::rename(&new, &place).with_context(|| format!("cannot rename `{}`", new.display()))?;
    Ok(place)
}

fn codename(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(value.trim_matches('"').to_owned()).filter(|name| !name.is_empty())
}
