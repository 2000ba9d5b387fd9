//! The services by which PM2 and we start with the machine.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use ostler_env::{OSTLER_HOME, PM2_HOME};

use crate::cmd::startup;
use crate::failed::Failed;
use crate::session::Session;
use crate::voice::{MigrationNotice, Notice};

/// Where an administrator's units are.
const UNITS: &str = "/etc/systemd/system";

/// Finds the unit that starts the PM2 of this home: the name of its file.
pub(super) fn find(home: &Path) -> Option<String> {
    find_with(&[format!("Environment={PM2_HOME}={}", home.display())])
}

/// Finds the unit that starts the manager of this home of ours.
fn find_ours(home: &Path) -> Option<String> {
    let home = home.display();
    find_with(&[PM2_HOME, OSTLER_HOME].map(|name| format!("Environment=\"{name}={home}\"")))
}

/// Finds a unit that has one of these lines.
fn find_with(lines: &[String]) -> Option<String> {
    let unit = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let is_unit = entry.path().extension().is_some_and(|suffix| suffix == "service");
        let text = fs::read_to_string(entry.path()).ok().filter(|_| is_unit)?;
        text.lines().any(|found| lines.iter().any(|line| found.trim() == line)).then_some(name)
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
    systemctl(
        &["disable", "--now", unit],
        "PM2 would start its saved apps again with the machine: disable its service",
    )?;
    session.out.tell(&Notice::Migration(MigrationNotice::ServiceMoved { unit }));
    Ok(())
}

/// Puts the service of the PM2 of this home in the place of ours. Without root, says what
/// root has to do.
pub(super) fn give_back(session: &mut Session, home: &Path) -> Result<(), Failed> {
    let (Some(unit), Some(ours)) = (find(home), find_ours(session.home.path())) else {
        return Ok(());
    };
    let (unit, ours) = (unit.as_str(), ours.as_str());
    if rustix::process::geteuid().is_root() {
        let hint = "ostler starts with the machine, and has no app any more: `ostler unstartup`";
        systemctl(&["enable", unit], hint)?;
        systemctl(&["disable", ours], hint)?;
        session.out.tell(&Notice::Migration(MigrationNotice::ServiceReturned { unit, ours }));
    } else {
        session.out.tell(&Notice::Migration(MigrationNotice::ServiceStays { unit, ours }));
    }
    Ok(())
}

fn systemctl(words: &[&str], hint: &str) -> Result<(), Failed> {
    let status = Command::new("systemctl")
        .args(words)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failed::new(format!("cannot run `systemctl`: {error}")).hint(hint))?;
    if status.success() {
        return Ok(());
    }
    Err(Failed::new(format!(
        "`systemctl {}` failed: {}",
        words.join(" "),
        ostler_text::exit(status)
    ))
    .hint(hint))
}
