//! How log files are opened. With whose rights, the owner of the engine may say.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

/// Opens log files for writing.
pub trait Opener: Send + Sync {
    /// Opens the file, made with the folders that lead to it.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &Path) -> io::Result<OwnedFd>;

    /// Opens the file if it is there.
    ///
    /// # Errors
    /// What the system says.
    fn open_existing(&self, path: &Path) -> io::Result<OwnedFd>;

    /// Returns the file's own path: where a link leads to.
    fn resolve(&self, path: &Path) -> PathBuf;

    /// Gives the file a new name in its folder, which nothing has.
    ///
    /// # Errors
    /// The system's; [`AlreadyExists`](io::ErrorKind::AlreadyExists) when something has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Opens the folder that the file is in.
    ///
    /// # Errors
    /// Whatever the system says.
    fn folder(&self, path: &Path) -> io::Result<OwnedFd>;
}

/// With the rights of this process, wherever the path leads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Plain {
    /// How files are opened.
    pub const FLAGS: OFlags =
        OFlags::WRONLY.union(OFlags::CLOEXEC).union(OFlags::NOCTTY).union(OFlags::NONBLOCK);
    /// Who may read and write a file that is made.
    pub const MODE: Mode = Mode::from_raw_mode(0o644);

    /// Makes the folders that lead to a file.
    ///
    /// # Errors
    /// What the system says.
    pub fn make_folders(path: &Path) -> io::Result<()> {
        let Some(folder) = path.parent() else { return Ok(()) };
        std::fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)
    }

    /// Gives a file a new name, which nothing has. Both are in these folders.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn rename_at(
        (from_folder, from): (impl AsFd, &OsStr),
        (to_folder, to): (impl AsFd, &OsStr),
    ) -> io::Result<()> {
        let (old, new) = (from_folder.as_fd(), to_folder.as_fd());
        match rustix::fs::renameat_with(old, from, new, to, RenameFlags::NOREPLACE) {
            // A file system that cannot do it in one step; nobody else gives such names.
            Err(Errno::INVAL | Errno::NOSYS) => {
                match rustix::fs::statat(new, to, AtFlags::SYMLINK_NOFOLLOW) {
                    Err(Errno::NOENT) => Ok(rustix::fs::renameat(old, from, new, to)?),
                    Err(error) => Err(error.into()),
                    Ok(_) => Err(Errno::EXIST.into()),
                }
            }
            renamed => Ok(renamed?),
        }
    }
}

impl Opener for Plain {
    fn open(&self, path: &Path) -> io::Result<OwnedFd> {
        let flags = Self::FLAGS | OFlags::CREATE;
        match rustix::fs::open(path, flags, Self::MODE) {
            Err(Errno::NOENT) => {
                Self::make_folders(path)?;
                Ok(rustix::fs::open(path, flags, Self::MODE)?)
            }
            opened => Ok(opened?),
        }
    }

    fn open_existing(&self, path: &Path) -> io::Result<OwnedFd> {
        Ok(rustix::fs::open(path, Self::FLAGS, Self::MODE)?)
    }

    fn resolve(&self, path: &Path) -> PathBuf {
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Self::rename_at((CWD, from.as_os_str()), (CWD, to.as_os_str()))
    }

    fn folder(&self, path: &Path) -> io::Result<OwnedFd> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(rustix::fs::open(folder, flags, Mode::empty())?)
    }
}
