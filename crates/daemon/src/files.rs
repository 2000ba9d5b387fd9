//! Writing files so that nobody ever reads half of one, and moving away what is of no use.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Returns the path of a file beside this one, whose name goes on with the ending.
pub fn beside(path: &Path, ending: impl AsRef<OsStr>) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Writes a file whole: under a name that no other process uses, then renamed.
///
/// # Errors
/// Whatever the system says; the old file is untouched then.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let new = beside(path, format!(".{}", std::process::id()));
    let written = fs::write(&new, bytes)
        .and_then(|()| fs::set_permissions(&new, Permissions::from_mode(mode)))
        .and_then(|()| fs::rename(&new, path));
    or_remove(&new, written)
}

/// Takes a new file away that could not be finished: it may be what the disk has no room for.
pub fn or_remove(new: &Path, written: io::Result<()>) -> io::Result<()> {
    if written.is_err() {
        // It may not have come so far that there is one.
        _ = fs::remove_file(new);
    }
    written
}

/// Writes a file so that it outlives a power cut: whole and synced under a new name, the old one
/// kept as a backup (`.bak`), renamed, and the folder synced.
///
/// # Errors
/// Whatever the system says; the old file is untouched then.
pub fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    or_remove(&new, write_and_replace(path, &new, bytes))
}

fn write_and_replace(path: &Path, new: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    if path.exists() {
        // A link, not a copy: at no moment is there no file under the old name.
        let backup = beside(path, ".bak");
        match fs::remove_file(&backup) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::hard_link(path, &backup).or_else(|_| fs::copy(path, &backup).map(|_| ()))?,
        }
    }
    fs::rename(new, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
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
