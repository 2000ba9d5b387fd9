//! The home directory: who may look into it, and the names of the files in it.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::Error;

/// Bytes of a socket path that fit into an address, the closing zero taken off
/// (`sun_path` has 108).
pub const SOCKET_PATH_LIMIT: usize = 107;

/// The home directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// Names the home at this path, which need not exist yet. A relative path is taken from
    /// the working directory.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let root = std::path::absolute(&root).unwrap_or(root);
        Self { root }
    }

    /// Returns the directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Returns the path of ostler's control socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.root.join("ostler.sock")
    }

    /// Returns the path of the log of daemon and keeper.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.root.join("pm2.log")
    }

    /// Returns the path of the saved process list.
    #[must_use]
    pub fn dump(&self) -> PathBuf {
        self.root.join("dump.pm2")
    }

    /// Returns the path of the lock that whoever starts a daemon holds.
    #[must_use]
    pub fn start_lock(&self) -> PathBuf {
        self.root.join("start.lock")
    }

    /// Makes the directory, for its owner only, if it is not there.
    ///
    /// # Errors
    /// [`Error::HomeUnusable`] when it cannot be made.
    pub fn create(&self) -> Result<(), Error> {
        let unusable = |source| Error::HomeUnusable { home: self.root.clone(), source };
        match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.root) {
            Ok(()) => Ok(()),
            // `mkdir` says "exists" also for a file of that name; say what is wrong with it.
            Err(_) if self.root.exists() && !self.root.is_dir() => {
                Err(unusable(io::Error::new(io::ErrorKind::NotADirectory, "it is not a directory")))
            }
            Err(source) => Err(unusable(source)),
        }
    }

    /// Returns the path of the control socket, if it fits into a socket address.
    pub(crate) fn checked_socket(&self) -> Result<PathBuf, Error> {
        let path = self.socket();
        let length = path.as_os_str().as_bytes().len();
        if SOCKET_PATH_LIMIT < length {
            return Err(Error::HomeTooLong { path, length, limit: SOCKET_PATH_LIMIT });
        }
        Ok(path)
    }
}
