//! The home: made, locked for one daemon, with the socket at which clients come; and looked after,
//! for files of it may be deleted, moved or replaced while the daemon runs.
//!
//! `rm -rf` of a manager's home is a folk remedy, and a cleaner of old files knows nothing of
//! sockets. What a daemon needs in its home it watches, and makes again at once: a command that
//! finds no socket would start a second manager.

pub mod mark;
mod upkeep;
mod watch;

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use ostler_logs::{Names, Plain, Renamer};
use rustix::fs::{FlockOperation, flock, fstat};

use crate::{daemon_log, files};
pub use upkeep::Missing;
pub use watch::Watch;

/// The control socket.
pub const SOCKET: &str = "ostler.sock";
/// The file that is locked.
pub const LOCK: &str = "ostler.lock";
/// Our process number, where people and scripts look for it.
pub const PID: &str = "pm2.pid";
/// The saved list.
pub const DUMP: &str = "dump.pm2";
/// The log of daemon and keeper.
const LOG: &str = "pm2.log";
/// Ending of the log before it, as an earlier version had it.
const BEFORE: &str = ".1";
/// The log begins anew when it is larger, bytes.
const LARGE: u64 = 10 << 20;
/// Folders of the home.
const FOLDERS: [&str; 2] = ["logs", "pids"];

/// Which file something is: its device and its number there.
pub type FileId = (u64, u64);

/// As many descriptors as we may have: an app costs several, and a shell's soft limit is gone
/// at 200 apps.
pub fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) =
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        daemon_log::error(format!("could not raise the limit of open files: {error}"));
    }
}

/// Makes the home and the folders that programs find in it. Gives whether one of them was missing.
///
/// # Errors
/// In words for a person.
pub fn make(home: &Path) -> Result<bool, String> {
    let hint = "set OSTLER_HOME to a folder that you may write to";
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    let mut missing = false;
    let folders = FOLDERS.map(|name| home.join(name));
    for folder in std::iter::once(home.to_owned()).chain(folders) {
        missing |= !folder.is_dir();
        builder.create(&folder).map_err(|error| {
            format!("could not create `{}`: {error}\nhint: {hint}", folder.display())
        })?;
    }
    Ok(missing)
}

/// One daemon per home: the lock is held by keeper and daemon both, and free when both are dead.
///
/// # Errors
/// Another daemon has it, or it cannot be made.
pub fn take_lock(home: &Path) -> Result<OwnedFd, String> {
    let path = home.join(LOCK);
    let failed =
        |error: &dyn std::fmt::Display| format!("could not lock `{}`: {error}", path.display());
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&path);
    let file = file.map_err(|error| failed(&error))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        // A daemon that ended took the file away in between; its lock is worth nothing.
        Ok(()) => match is_at(&file, &path).map_err(|error| failed(&error))? {
            true => Ok(OwnedFd::from(file)),
            false => take_lock(home),
        },
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(format!("{} `{}`", ostler_wire::control::HOME_TAKEN, home.display()))
        }
        Err(error) => Err(failed(&error)),
    }
}

/// Whether the open file is the one at this path.
///
/// # Errors
/// It cannot be found out.
pub fn is_at(file: &impl AsFd, path: &Path) -> io::Result<bool> {
    let meta = fstat(file)?;
    Ok(id_at(path)? == Some((meta.st_dev, meta.st_ino)))
}

/// Whether the open file has no name any more.
pub fn is_deleted(file: &impl AsFd) -> bool {
    fstat(file).is_ok_and(|meta| meta.st_nlink == 0)
}

/// Which file is at this path; `None` when there is none.
///
/// # Errors
/// It cannot be found out. Then nothing may be made in its place: it may be there, and be ours.
pub fn id_at(path: &Path) -> io::Result<Option<FileId>> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some((meta.dev(), meta.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Which file we have just made at this path.
///
/// # Errors
/// It cannot be found out, or somebody took it away.
pub fn id_of_new(path: &Path) -> io::Result<FileId> {
    id_at(path)?.ok_or(io::ErrorKind::NotFound.into())
}

/// The control socket, and which file it is. We have the lock, so whatever is in its place is a
/// dead daemon's, or nobody's.
///
/// # Errors
/// In words for a person.
pub fn bind_control(home: &Path) -> Result<(UnixListener, FileId), String> {
    let path = home.join(SOCKET);
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
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let id = id_of_new(&path).map_err(failed)?;
    Ok((listener, id))
}

/// Where our process number is written.
fn pid_path(home: &Path) -> PathBuf {
    let given = std::env::var_os(ostler_env::PM2_PID_FILE_PATH).filter(|path| !path.is_empty());
    home.join(given.unwrap_or_else(|| PID.into()))
}

/// Takes our process number away, wherever it was written.
pub fn remove_pid(home: &Path) {
    if has_pid(home) {
        // The manager goes in any case.
        _ = std::fs::remove_file(pid_path(home));
    }
}

/// Writes our process number.
///
/// # Errors
/// Which file could not be written, and why.
pub fn write_pid(home: &Path) -> Result<(), String> {
    let path = pid_path(home);
    let own = std::process::id().to_string();
    // Whole: whoever reads it in between finds the number of the daemon before.
    files::write_whole(&path, own.as_bytes(), 0o600)
        .map_err(|error| format!("could not write `{}`: {error}", path.display()))
}

/// Whether the home has our process number.
pub fn has_pid(home: &Path) -> bool {
    let own = std::process::id().to_string();
    files::read(&pid_path(home)).is_ok_and(|text| text == own.as_bytes())
}

/// Rotates the log that is ours when it has become large. Returns whether it has.
pub fn bound_log(home: &Path) -> bool {
    let path = home.join(LOG);
    // When nobody can tell whether it is ours, it is looked at another time.
    if !is_at(&rustix::stdio::stdout(), &path).unwrap_or(false) {
        return false;
    }
    match rotate(&path, LARGE) {
        Ok(false) => return false,
        Ok(true) => {}
        Err(error) => {
            daemon_log::error(format!("could not rotate `{}`: {error}", path.display()));
            return false;
        }
    }
    reopen_log(home);
    true
}

/// Returns the path of the log.
pub fn log_path(home: &Path) -> PathBuf {
    home.join(LOG)
}

/// Empties the log, and takes the one before it away that an earlier version has left.
///
/// # Errors
/// Whatever the system says.
pub fn empty_log(home: &Path) -> io::Result<()> {
    let path = home.join(LOG);
    match std::fs::remove_file(files::beside(&path, BEFORE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).open(&path)?.set_len(0)
}

/// Rotates a file that is larger than this.
fn rotate(path: &Path, large: u64) -> io::Result<bool> {
    let is_large = std::fs::symlink_metadata(path)?.len() > large;
    if is_large {
        Renamer::default().rename(path, &Names::default(), &Plain)?;
    }
    Ok(is_large)
}

/// Goes on in the log that has the name, if ours has lost it.
pub fn reopen_log(home: &Path) {
    let path = home.join(LOG);
    // Where nobody can tell, opening it again does no harm.
    if is_at(&rustix::stdio::stdout(), &path).unwrap_or(false) {
        return;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let reopened = options.open(&path).and_then(|file| {
        rustix::stdio::dup2_stdout(&file)?;
        Ok(rustix::stdio::dup2_stderr(&file)?)
    });
    if let Err(error) = reopened {
        daemon_log::error(format!("could not open `{}`: {error}", path.display()));
    }
}

/// What the keeper keeps with the control socket: the mark of the home, and which file
/// the socket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The mark of the home.
    pub mark: String,
    /// The socket's file.
    pub socket: FileId,
}

impl Note {
    /// Returns the bytes that the keeper keeps.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { mark, socket: (dev, ino) } = self;
        format!("{mark} {dev} {ino}").into_bytes()
    }

    /// Returns what the bytes say; `None` for those of an earlier version, which kept none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(bytes).ok()?.split(' ');
        let mark = words.next().filter(|mark| !mark.is_empty())?.to_owned();
        let socket = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { mark, socket })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_made_and_what_is_missing_in_it_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        assert_eq!((make(&home), make(&home)), (Ok(true), Ok(false)));
        std::fs::remove_dir(home.join("pids")).unwrap();
        assert_eq!(make(&home), Ok(true));
        assert!(!has_pid(&home));
        write_pid(&home).unwrap();
        assert!(has_pid(&home));
    }

    #[test]
    fn a_large_log_is_rotated_and_nothing_of_it_is_lost() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(LOG);
        for text in ["first", "second"] {
            std::fs::write(&path, text).unwrap();
            assert!(!rotate(&path, text.len() as u64).unwrap());
            assert!(rotate(&path, text.len() as u64 - 1).unwrap());
        }
        assert!(!path.exists());
        let entries = std::fs::read_dir(home.path()).unwrap();
        let mut texts: Vec<String> =
            entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
        texts.sort();
        assert_eq!(texts, ["first", "second"]);
        let before = home.path().join("pm2.log.1");
        std::fs::write(&before, "of an earlier version").unwrap();
        std::fs::write(&path, "third").unwrap();
        empty_log(home.path()).unwrap();
        assert_eq!((std::fs::read(&path).unwrap().len(), before.exists()), (0, false));
    }

    #[test]
    fn a_lock_is_one_daemons_until_its_file_is_gone() {
        let home = tempfile::tempdir().unwrap();
        let first = take_lock(home.path()).unwrap();
        let refused = take_lock(home.path()).unwrap_err();
        assert!(refused.starts_with(ostler_wire::control::HOME_TAKEN), "{refused}");
        let path = home.path().join(LOCK);
        assert!(is_at(&first, &path).unwrap() && !is_deleted(&first));
        std::fs::remove_file(&path).unwrap();
        assert!(is_deleted(&first) && !is_at(&first, &path).unwrap());
        let second = take_lock(home.path()).unwrap();
        assert!(is_at(&second, &path).unwrap());
    }

    #[test]
    fn a_socket_is_bound_in_place_of_whatever_is_there_and_nobody_else_may_use_it() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(SOCKET), "a plain file").unwrap();
        let (_listener, id) = bind_control(home.path()).unwrap();
        let path = home.path().join(SOCKET);
        assert_eq!(id_at(&path).unwrap(), Some(id));
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_nobody_can_look_for_is_not_taken_for_gone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(id_at(&file.path().join("below-a-file")).is_err());
        assert!(is_at(&file, &file.path().join("below-a-file")).is_err());
        assert_eq!(id_at(Path::new("/nowhere/at/all")).unwrap(), None);
        assert!(is_at(&file, file.path()).unwrap());
    }

    #[test]
    fn a_note_comes_back_and_an_earlier_version_left_none() {
        let note = Note { mark: "0123456789abcdef".to_owned(), socket: (5, 7) };
        assert_eq!(Note::from_bytes(&note.to_bytes()), Some(note));
        assert_eq!(Note::from_bytes(b""), None);
    }
}
