//! Packages from npm, by its own command.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::package::cannot;
use crate::failed::Failed;

/// Installs a package, with what it needs, below a folder. Returns its name.
pub(super) fn install(word: &str, folder: &Path) -> Result<String, Failed> {
    let note = folder.join("package.json");
    // npm looks upwards for a project unless there is one here.
    fs::write(&note, "{\"private\":true}\n").map_err(|error| cannot("write", &note, &error))?;
    let mut command = Command::new("npm");
    // A folder is copied, not linked: it may change while the module runs.
    command.args(["install", "--install-links", "--omit=dev", "--no-audit", "--no-fund"]);
    command.args(["--loglevel=error", "--prefix"]).arg(folder).arg("--").arg(wanted(word));
    run(command, word)?;
    let text = fs::read_to_string(&note).map_err(|error| cannot("read", &note, &error))?;
    let name = serde_json::from_str(&text).ok().and_then(|package: Value| {
        package.get("dependencies")?.as_object()?.keys().next().cloned()
    });
    let name = name.filter(|name| ostler_pm2::module::is_name(name));
    name.ok_or_else(|| Failed::new(format!("npm did not say which package `{word}` is")))
}

/// Publishes the package in this folder.
pub(crate) fn publish(folder: &Path) -> Result<(), Failed> {
    let mut command = Command::new("npm");
    command.arg("publish").current_dir(folder);
    run(command, &folder.display().to_string())
}

/// Returns what npm is asked for: a path is taken from where we are.
fn wanted(word: &str) -> String {
    let path = Path::new(word.strip_prefix("file:").unwrap_or(word));
    let is_path = word.starts_with("file:") || word.starts_with(['.', '/']) || path.is_dir();
    match std::path::absolute(path) {
        Ok(path) if is_path => path.display().to_string(),
        Ok(_) | Err(_) => word.to_owned(),
    }
}

fn run(mut command: Command, word: &str) -> Result<(), Failed> {
    // What it says is no output of ours.
    command.stdin(Stdio::null()).stdout(std::io::stderr());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            Err(Failed::new(format!("npm failed with `{word}`: {}", ostler_text::exit(status)))
                .hint("what it says stands above"))
        }
        Err(error) => Err(Failed::new(format!("cannot run npm: {error}"))
            .hint("install Node.js with npm, and see that both are in PATH")),
    }
}
