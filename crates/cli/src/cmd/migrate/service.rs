//! The service by which PM2 starts with the machine.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cmd::startup;
use crate::failed::Failed;
use crate::session::Session;
use crate::voice::{MigrationNotice, Notice};

/// Where an administrator's units are.
const UNITS: &str = "/etc/systemd/system";

/// Finds the unit that starts the PM2 of this home: the name of its file.
pub(super) fn find(home: &Path) -> Option<String> {
    let line = format!("Environment=PM2_HOME={}", home.display());
    let unit = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let is_unit = entry.path().extension().is_some_and(|suffix| suffix == "service");
        let text = fs::read_to_string(entry.path()).ok().filter(|_| is_unit)?;
        text.lines().any(|found| found.trim() == line).then_some(name)
    };
    fs::read_dir(startup::below_root(Path::new(UNITS))).ok()?.flatten().find_map(unit)
}

/// Installs ours in its place. Without root, says what root has to do.
pub(super) fn hand_over(session: &mut Session, unit: Option<&str>) -> Result<(), Failed> {
    let Some(unit) = unit else { return Ok(()) };
    if !rustix::process::geteuid().is_root() {
        session.out.tell(&Notice::Migration(MigrationNotice::ServiceLeft { unit }));
        return Ok(());
    }
    startup::startup(session)?;
    // Its stop ends PM2, whose apps have ended.
    let status = Command::new("systemctl")
        .args(["disable", "--now", unit])
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failed::new(format!("cannot run `systemctl`: {error}")))?;
    if !status.success() {
        return Err(Failed::new(format!("`systemctl disable --now {unit}` failed: {status}"))
            .hint("PM2 would start its saved apps again with the machine: disable its service"));
    }
    session.out.tell(&Notice::Migration(MigrationNotice::ServiceMoved { unit }));
    Ok(())
}
