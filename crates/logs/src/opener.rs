//! How log files are opened. With whose rights, the owner of the engine may say.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

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
}

impl Opener for Plain {
    fn open(&self, path: &Path) -> io::Result<OwnedFd> {
        let flags = Self::FLAGS | OFlags::CREATE;
        match rustix::fs::open(path, flags, Self::MODE) {
            Err(rustix::io::Errno::NOENT) => {
                Self::make_folders(path)?;
                Ok(rustix::fs::open(path, flags, Self::MODE)?)
            }
            opened => Ok(opened?),
        }
    }

    fn open_existing(&self, path: &Path) -> io::Result<OwnedFd> {
        Ok(rustix::fs::open(path, Self::FLAGS, Self::MODE)?)
    }
}
