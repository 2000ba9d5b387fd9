//! Writing files so that nobody ever reads half of one, and moving away what is of no use.
//!
//! No link is followed, neither to read nor to write, and a file has the mode that it is meant to
//! have, whatever the mask of modes: environments are in them.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Returns the path of a file beside this one, whose name goes on with the ending.
pub fn beside(path: &Path, ending: impl AsRef<OsStr>) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Makes a file anew, in the place of one that may be there, with this mode.
///
/// # Errors
/// Whatever the system says.
pub fn create(path: &Path, mode: u32) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}

/// Reads a file that is no link.
///
/// # Errors
/// Whatever the system says.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path);
    let mut file = opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => io::Error::other("it is a link, which is not followed here"),
        Some(_) | None => error,
    })?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a file whole: under a name that no other process uses, then renamed.
///
/// # Errors
/// Whatever the system says; the old file is untouched then.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let new = beside(path, format!(".{}", std::process::id()));
    let written = create(&new, mode).and_then(|mut file| file.write_all(bytes));
    or_remove(&new, written.and_then(|()| fs::rename(&new, path)))
}

/// Takes a new file away that could not be finished: it may be what the disk has no room for.
///
/// # Errors
/// Why it could not.
pub fn or_remove(new: &Path, written: io::Result<()>) -> io::Result<()> {
    if written.is_err() {
        // It may not have come so far that there is one.
        _ = fs::remove_file(new);
    }
    written
}

/// Writes a file for its owner so that it outlives a power cut: whole and synced under a new name,
/// the old one kept as a backup (`.bak`), renamed, and the folder synced.
///
/// # Errors
/// Whatever the system says; the old file is untouched then.
pub fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    or_remove(&new, write_and_replace(path, &new, bytes))
}

fn write_and_replace(path: &Path, new: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(new, 0o600)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    keep_backup(path)?;
    fs::rename(new, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Keeps a file, if it is there and no link, as its own backup.
fn keep_backup(path: &Path) -> io::Result<()> {
    if !path.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
        return Ok(());
    }
    let backup = beside(path, ".bak");
    match fs::remove_file(&backup) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // A second name, not a copy: at no moment is there no file under the old name.
    if fs::hard_link(path, &backup).is_err() {
        return create(&backup, 0o600)?.write_all(&read(path)?);
    }
    let kept = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(&backup)?;
    kept.set_permissions(Permissions::from_mode(0o600))
}

/// Moves a file away that is not understood; returns where it is. `wall` tells such files apart.
///
/// # Errors
/// Whatever the system says; the file stays where it is then.
pub fn set_aside(path: &Path, wall: u64) -> io::Result<PathBuf> {
    let aside = beside(path, format!(".bad-{wall}"));
    fs::rename(path, &aside)?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hook.cjs");
        for text in ["one", "two"] {
            write_whole(&path, text.as_bytes(), 0o644).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_durable_file_keeps_the_one_before_and_one_of_no_use_is_moved_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dump.pm2");
        for text in ["one", "two", "three"] {
            write_durably(&path, text.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "three");
        assert_eq!(fs::read_to_string(beside(&path, ".bak")).unwrap(), "two");
        let aside = set_aside(&path, 7).unwrap();
        assert_eq!(aside, folder.path().join("dump.pm2.bad-7"));
        assert!(fs::read_to_string(aside).unwrap() == "three" && !path.exists());
    }
}
