//! Where control groups of version 2 can be had, and the way out of an app's.
//!
//! Each run of an app may have a control group of its own, in which it is killed with all that it
//! started. A command that the app calls may be the one that starts the manager anew: the manager
//! must be neither in that group nor below it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::log::log;

/// Returns the folder below which a manager makes its control groups: its own group, or the one
/// around the groups of another manager, when an app of that one has started it.
///
/// # Errors
/// It cannot be found out.
pub fn around() -> io::Result<Option<PathBuf>> {
    let Some(own) = own()? else { return Ok(None) };
    Ok(mount()?.map(|mount| mount.join(outside(&own))))
}

/// Leaves the control group of the app by which this process was started, if there is one.
pub(crate) fn leave() {
    if let Err(error) = try_leave() {
        log(&format!(
            "cannot leave the control group of the app that started it, if it is in one, and \
             may end with that app: {error}"
        ));
    }
}

fn try_leave() -> io::Result<()> {
    let Some(own) = own()? else { return Ok(()) };
    let around = outside(&own);
    if around.len() == own.len() {
        return Ok(());
    }
    let Some(mount) = mount()? else { return Ok(()) };
    fs::write(mount.join(around).join("cgroup.procs"), "0")
}

/// Where version 2 is mounted.
fn mount() -> io::Result<Option<PathBuf>> {
    let mounts = read(Path::new("/proc/self/mountinfo"))?;
    Ok(mounts.lines().find_map(|line| {
        let (fields, kind) = line.split_once(" - ")?;
        kind.starts_with("cgroup2 ").then(|| fields.split(' ').nth(4).map(PathBuf::from)).flatten()
    }))
}

/// The text of a file; none where the kernel has no such file.
fn read(path: &Path) -> io::Result<String> {
    match fs::read(path) {
        // A mount may have any name.
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// The group that we are in, below the mount.
fn own() -> io::Result<Option<String>> {
    let own = read(Path::new("/proc/self/cgroup"))?;
    Ok(own.lines().find_map(|line| line.strip_prefix("0::/")).map(str::to_owned))
}

/// The part of a control group's path before the first group that a daemon made. A service may be
/// called `ostler-ann` too: ours have 16 hexadecimal digits.
fn outside(path: &str) -> &str {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let ours = |part: &str| {
        part.strip_prefix("ostler-")
            .is_some_and(|mark| mark.len() == 16 && mark.bytes().all(is_digit))
    };
    let mut end = 0;
    for part in path.split_inclusive('/') {
        if ours(part.trim_end_matches('/')) {
            return path.get(..end).unwrap_or_default().trim_end_matches('/');
        }
        end += part.len();
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_of_the_same_name_is_not_a_group_of_ours() {
        let unit = "system.slice/ostler-root.service";
        assert_eq!(outside(unit), unit);
        assert_eq!(outside(&format!("{unit}/ostler-0123456789abcdef/run-7")), unit);
        assert_eq!(outside("ostler-0123456789abcdef/run-7"), "");
        assert_eq!(outside("user.slice/x"), "user.slice/x");
        assert_eq!(outside(""), "");
    }
}
