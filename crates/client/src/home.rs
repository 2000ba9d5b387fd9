//! The home directory: who may look into it, and the names of the files in it.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
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

    /// Returns the path of what commands remember of the ports of apps.
    #[must_use]
    pub fn ports(&self) -> PathBuf {
        self.root.join("ostler.ports")
    }

    /// Returns the path of the lock that whoever starts a daemon holds.
    #[must_use]
    pub fn start_lock(&self) -> PathBuf {
        self.root.join("start.lock")
    }

    /// Makes the directory, for its owner only, if it is not there. Who can write into a home rules
    /// what runs from it: one that others can write is refused. So is one in which a PM2 runs.
    ///
    /// # Errors
    /// [`Error::HomeUnusable`] when it cannot be made, [`Error::HomeOfOthers`], [`Error::Pm2Runs`].
    pub fn prepare(&self) -> Result<(), Error> {
        self.make()?;
        self.refuse_unusable()
    }

    /// Refuses what [`prepare`](Self::prepare) refuses, and makes nothing: a home that is not there
    /// is none that is in the way. Whoever does nothing where no daemon answers asks this first, or
    /// it would say of a home that it may not look into that nothing runs there.
    ///
    /// # Errors
    /// Those of [`prepare`](Self::prepare).
    pub fn refuse_unusable(&self) -> Result<(), Error> {
        let unusable = |source| Error::HomeUnusable { home: self.root.clone(), source };
        if let Err(error) = self.root.metadata() {
            let is_missing = error.kind() == io::ErrorKind::NotFound;
            return if is_missing { Ok(()) } else { Err(unusable(error)) };
        }
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        rustix::fs::access(&self.root, access).map_err(|error| unusable(error.into()))?;
        self.refuse_others(rustix::process::geteuid().as_raw())?;
        self.refuse_pm2()
    }

    /// Refuses a home that is there and that others than this user can write.
    ///
    /// # Errors
    /// [`Error::HomeOfOthers`], [`Error::HomeUnusable`] when it cannot be looked at.
    pub fn refuse_others(&self, user: u32) -> Result<(), Error> {
        let meta = match self.root.metadata() {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(Error::HomeUnusable { home: self.root.clone(), source }),
        };
        let (mode, home) = (meta.mode() & 0o7777, self.root.clone());
        let why = if meta.uid() != user {
            format!("it belongs to user {}, this is user {user}", meta.uid())
        } else if mode & 0o022 != 0 {
            format!("others can write it (mode {mode:04o})")
        } else {
            return Ok(());
        };
        Err(Error::HomeOfOthers { home, why, is_own: meta.uid() == user })
    }

    /// Makes sure of who listens at the control socket before anything is said to him: in a home
    /// that others can write it may be anybody, and what he answers would be believed.
    ///
    /// # Errors
    /// [`Error::HomeOfOthers`], [`Error::Io`] when the system does not tell.
    pub(crate) fn check_listener(&self, stream: &UnixStream) -> Result<(), Error> {
        let peer = rustix::net::sockopt::socket_peercred(stream).map_err(|error| Error::Io {
            what: format!("cannot tell who listens at `{}`", self.socket().display()),
            source: error.into(),
        })?;
        let (peer, own) = (peer.uid.as_raw(), rustix::process::geteuid().as_raw());
        // Who cannot be looked up is nobody's owner.
        let owner = self.root.metadata().ok().map(|meta| meta.uid());
        if is_trusted(peer, own, owner) {
            return Ok(());
        }
        let why = format!("user {peer} listens at its `ostler.sock`, and this is user {own}");
        Err(Error::HomeOfOthers { home: self.root.clone(), why, is_own: false })
    }

    /// Whether others than its owner can look into the directory.
    #[must_use]
    pub fn is_open_to_others(&self) -> bool {
        self.root.metadata().is_ok_and(|meta| meta.mode() & 0o055 != 0)
    }

    fn make(&self) -> Result<(), Error> {
        let unusable = |source| Error::HomeUnusable { home: self.root.clone(), source };
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        let made = match builder.create(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let above = self.root.parent().map(|above| builder.recursive(true).create(above));
                above.unwrap_or(Ok(())).and_then(|()| builder.recursive(false).create(&self.root))
            }
            made => made,
        };
        match made {
            // A mask of modes may have taken away what its owner needs.
            Ok(()) => std::fs::set_permissions(&self.root, Permissions::from_mode(0o700))
                .map_err(unusable),
            Err(_) if self.root.is_dir() => Ok(()),
            // `mkdir` says "exists" also for a file of that name; say what is wrong with it.
            Err(_) if self.root.exists() => {
                Err(unusable(io::Error::new(io::ErrorKind::NotADirectory, "it is not a directory")))
            }
            Err(source) => Err(unusable(source)),
        }
    }

    /// Refuses a home in which a PM2 runs: it would go on writing its files beside us, and we would
    /// take its sockets and its list.
    ///
    /// # Errors
    /// It does: [`Error::Pm2Runs`].
    pub fn refuse_pm2(&self) -> Result<(), Error> {
        // The socket has PM2's name and may be ours: then the one that PM2 has not answers too, or
        // the manager of this home lives.
        let is_ours = || answers(&self.socket()) || crate::parts::is_there(&self.root);
        if answers(&self.root.join("rpc.sock")) && !is_ours() {
            return Err(Error::Pm2Runs { home: self.root.clone() });
        }
        Ok(())
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

/// Whether somebody listens at this socket.
fn answers(socket: &Path) -> bool {
    rustix::net::SocketAddrUnix::new(socket).is_ok_and(|address| {
        let kind = rustix::net::SocketType::STREAM;
        let flags = rustix::net::SocketFlags::NONBLOCK | rustix::net::SocketFlags::CLOEXEC;
        rustix::net::socket_with(rustix::net::AddressFamily::UNIX, kind, flags, None)
            // Whoever has no time for one more client now runs as well.
            .map(|fd| rustix::net::connect(&fd, &address))
            .is_ok_and(|to| matches!(to, Ok(()) | Err(rustix::io::Errno::AGAIN)))
    })
}

/// Whether this user's commands may believe a daemon of `peer` in a home of `owner`: it is his own,
/// root's, or, where root asks, that of the home's owner.
fn is_trusted(peer: u32, own: u32, owner: Option<u32>) -> bool {
    peer == own || peer == 0 || (own == 0 && owner == Some(peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ones_own_daemon_is_believed_and_by_root_that_of_the_home() {
        assert!(is_trusted(1000, 1000, Some(1000)) && is_trusted(0, 1000, Some(1000)));
        assert!(is_trusted(0, 0, Some(0)) && is_trusted(1000, 0, Some(1000)));
        assert!(!is_trusted(1001, 1000, Some(1000)), "planted in a home that he can write");
        assert!(!is_trusted(1001, 1000, Some(1001)), "his own home");
        assert!(!is_trusted(1001, 0, Some(0)) && !is_trusted(1001, 0, None), "root's home");
    }
}
