//! The home: made, locked for one daemon, with the socket at which clients come.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use ostler_keeper::link::Link;
use ostler_keeper::proto::ToKeeper;

use crate::keeper::{CONTROL, LOCK};
use crate::{daemon_log, files};

/// As many descriptors as we may have: an app costs several, and a shell's soft limit is gone
/// at 200 apps.
pub(super) fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) =
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        daemon_log::error(format!("could not raise the limit of open files: {error}"));
    }
}

/// Makes the home and the folders that programs find in it.
pub(super) fn make_home(home: &Path) -> Result<(), String> {
    let hint = "set OSTLER_HOME to a folder that you may write to";
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    for folder in [home.to_owned(), home.join("logs"), home.join("pids")] {
        builder.create(&folder).map_err(|error| {
            format!("could not create `{}`: {error}\nhint: {hint}", folder.display())
        })?;
    }
    Ok(())
}

/// One daemon per home: the lock is held by keeper and daemon both, and free when both are dead.
pub(super) fn take_lock(home: &Path, link: &mut Link) -> Result<OwnedFd, String> {
    let path = home.join("ostler.lock");
    let failed =
        |error: &dyn std::fmt::Display| format!("could not lock `{}`: {error}", path.display());
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    let file = file.map_err(|error| failed(&error))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        // A daemon that ended took the file away in between; its lock is worth nothing.
        Ok(()) if !is_at(&file, &path) => return take_lock(home, link),
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            return Err(format!("another daemon has the home `{}`", home.display()));
        }
        Err(error) => return Err(failed(&error)),
    }
    let file = OwnedFd::from(file);
    let copy = file.try_clone().map_err(|error| failed(&error))?;
    link.send(&ToKeeper::Put { name: LOCK.to_owned(), meta: Vec::new() }, vec![copy])
        .map_err(|error| failed(&error))?;
    Ok(file)
}

/// Whether the open file is the one at this path.
fn is_at(file: &std::fs::File, path: &Path) -> bool {
    let same =
        |a: &std::fs::Metadata, b: &std::fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    matches!((file.metadata(), std::fs::metadata(path)), (Ok(a), Ok(b)) if same(&a, &b))
}

/// The control socket. We have the lock, so a file in its place is a dead daemon's.
pub(super) fn bind_control(home: &Path, link: &mut Link) -> Result<UnixListener, String> {
    let path = home.join("ostler.sock");
    let failed = |error: io::Error| {
        let hint = if path.as_os_str().len() > 107 {
            "\nhint: the path is longer than 107 bytes: set OSTLER_HOME to a shorter one"
        } else {
            ""
        };
        format!("could not listen on `{}`: {error}{hint}", path.display())
    };
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(failed)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let copy = OwnedFd::from(listener.try_clone().map_err(failed)?);
    link.send(&ToKeeper::Put { name: CONTROL.to_owned(), meta: Vec::new() }, vec![copy])
        .map_err(failed)?;
    Ok(listener)
}

/// The mark of a home in the environment of what it runs: its path, hashed by FNV-1a, the same
/// in every version.
pub(super) fn mark_of(home: &Path) -> String {
    let path = std::fs::canonicalize(home).unwrap_or_else(|_| home.to_owned());
    let hash = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{hash:016x}")
}

/// Writes our process number where people and scripts look for it.
pub(super) fn write_pid(home: &Path) {
    let path = home.join("pm2.pid");
    let pid = std::process::id().to_string();
    // Whole: whoever reads it in between finds the number of the daemon before.
    if let Err(error) = files::write_whole(&path, pid.as_bytes(), 0o600) {
        daemon_log::error(format!("could not write `{}`: {error}", path.display()));
    }
}
