//! What is done for an app is done with the app's rights.
//!
//! The problem: root's daemon opens and removes sockets where an app says. With root's rights it
//! would bind ports and make files that the app's user may not, and remove other people's files
//! through a link that the app has made.
//!
//! The rule: what an app with a user of its own asks for is done in a thread that has that user's
//! file system identity, the group that the app runs with, and no capability. The user identity
//! proper stays root's, so the user cannot signal or trace that thread; its rights end with it.
//! What the configuration names (`privileged_ports`, `fds`) the operator has asked for: that is
//! done with the daemon's own rights.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use ostler_cluster::ListenerKind;
use ostler_core::spec::AppSpec;
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_thread_groups};

use crate::sys;

static TURN: Mutex<()> = Mutex::new(());

/// The rights of one app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    user: Option<User>,
    /// Ports that it may have whatever its user may.
    ports: BTreeSet<u16>,
}

/// A user whose rights are not the daemon's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct User {
    uid: u32,
    /// `None`: no change, as in the app's processes.
    gid: Option<u32>,
}

impl Rights {
    /// Returns what an app of this specification may do.
    pub fn of(spec: &AppSpec) -> Self {
        let uid = spec.uid.filter(|_| rustix::process::geteuid().is_root());
        Self {
            user: uid.and_then(|uid| User::other(uid, spec.gid)),
            ports: spec.privileged_ports.clone(),
        }
    }

    /// Returns the rights with which the socket was made; if that was root, these.
    pub fn of_maker(&self, socket: &OwnedFd) -> Self {
        let stat = rustix::fs::fstat(socket).ok();
        let user = stat.and_then(|stat| User::other(stat.st_uid, Some(stat.st_gid)));
        Self { user: user.or(self.user), ports: BTreeSet::new() }
    }

    /// Returns whether they are the daemon's own.
    pub fn are_ours(&self) -> bool {
        self.user.is_none()
    }

    /// Returns whether they are those of the same user.
    pub fn has_user_of(&self, other: &Self) -> bool {
        self.user.map(|user| user.uid) == other.user.map(|user| user.uid)
    }

    /// Returns whether they are those of this group.
    pub fn has_group(&self, gid: u32) -> bool {
        self.user.is_none_or(|user| user.gid.unwrap_or(0) == gid)
    }

    /// Opens a socket, with the daemon's rights if its port was granted.
    ///
    /// # Errors
    /// Those of `open`, or those of the change of rights.
    pub fn open<T: Send>(
        &self,
        kind: &ListenerKind,
        open: impl FnOnce(&ListenerKind) -> Result<T, Errno> + Send,
    ) -> Result<T, Errno> {
        let granted = kind.port().is_some_and(|port| self.ports.contains(&port));
        if granted { open(kind) } else { self.act(|| open(kind)) }
    }

    /// Does something with these rights.
    ///
    /// # Errors
    /// Those of `act`, or those of the change of rights; nothing was done then.
    pub fn act<T: Send>(&self, act: impl FnOnce() -> Result<T, Errno> + Send) -> Result<T, Errno> {
        let Some(user) = self.user else { return act() };
        // One at a time, so that what is found before is what is to be afterwards.
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let before = dumpable_behavior()?;
        let done = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("rights".to_owned());
            let thread = thread
                .spawn_scoped(scope, move || user.assume().and_then(|()| act()))
                .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::AGAIN))?;
            // It has no panic of ours; one of the library's is no reason to end.
            thread.join().unwrap_or(Err(Errno::IO))
        });
        // The kernel took the change for a program that became somebody else, and shut our memory
        // also from those who may look into it.
        if before == DumpableBehavior::Dumpable {
            set_dumpable_behavior(before)?;
        }
        done
    }

    /// Returns what to tell about a refused port: that it could be granted.
    pub fn hint(&self, kind: &ListenerKind, error: Errno) -> Option<String> {
        let (user, port) = (self.user?, kind.port().filter(|port| *port < 1024)?);
        (error == Errno::ACCESS).then(|| {
            format!(
                "user {} may not have port {port}; grant it by `privileged_ports: [{port}]`",
                user.uid
            )
        })
    }
}

impl User {
    /// Returns the user, if it is not root.
    fn other(uid: u32, gid: Option<u32>) -> Option<Self> {
        (uid != 0).then_some(Self { uid, gid })
    }

    /// Gives this thread the user's rights, for good.
    fn assume(self) -> Result<(), Errno> {
        let groups: Vec<_> = self.gid.map(rustix::process::Gid::from_raw).into_iter().collect();
        set_thread_groups(&groups)?;
        sys::set_file_user(self.uid, self.gid)?;
        let none = CapabilitySet::empty();
        set_capabilities(
            None,
            CapabilitySets { effective: none, permitted: none, inheritable: none },
        )
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::path::PathBuf;

    use super::*;

    const NOBODY: u32 = 65534;

    /// Rights of another user, where the test may give them.
    fn rights(ports: &[u16]) -> Option<Rights> {
        let mut spec = AppSpec::new(PathBuf::from("/a.js"), PathBuf::from("/"));
        spec.uid = Some(NOBODY);
        spec.gid = Some(NOBODY);
        spec.privileged_ports = ports.iter().copied().collect();
        rustix::process::geteuid().is_root().then(|| Rights::of(&spec))
    }

    fn create(rights: &Rights, path: &std::path::Path) -> Result<(), Errno> {
        rights.act(|| {
            std::fs::File::create(path).map(|_| ()).map_err(|e| Errno::from_io_error(&e).unwrap())
        })
    }

    #[test]
    fn a_file_is_made_as_the_user_and_not_where_the_user_may_not() {
        let Some(rights) = rights(&[]) else { return };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(create(&rights, &path), Err(Errno::ACCESS), "the folder is root's");
        std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        assert_eq!(create(&rights, &path), Ok(()));
        let meta = path.metadata().unwrap();
        assert_eq!((meta.uid(), meta.gid()), (NOBODY, NOBODY));
        // What came before is as it was.
        std::fs::write(folder.path().join("ours"), "").unwrap();
        assert_eq!(folder.path().join("ours").metadata().unwrap().uid(), 0);
    }

    #[test]
    fn a_socket_says_who_made_it() {
        let Some(rights) = rights(&[]) else { return };
        let make = || {
            use rustix::net::{AddressFamily, SocketType, socket};
            socket(AddressFamily::UNIX, SocketType::STREAM, None)
        };
        let theirs = rights.act(make).unwrap();
        assert_eq!(Rights::default().of_maker(&theirs), rights);
        assert_eq!(Rights::default().of_maker(&make().unwrap()), Rights::default());
        assert_eq!(rights.of_maker(&make().unwrap()), rights, "what root made is the app's too");
    }

    #[test]
    fn a_low_port_is_for_whom_it_was_granted() {
        let Some(rights) = rights(&[81]) else { return };
        let kind = |port| ListenerKind::Tcp {
            address: Some("127.0.0.1".to_owned()),
            port,
            v6only: false,
            backlog: 1,
        };
        let capable = |_: &ListenerKind| {
            let sets = rustix::thread::capabilities(None)?;
            Ok(sets.effective.contains(CapabilitySet::NET_BIND_SERVICE))
        };
        assert_eq!(rights.open(&kind(81), capable), Ok(true));
        assert_eq!(rights.open(&kind(80), capable), Ok(false));
        assert!(rights.hint(&kind(80), Errno::ACCESS).unwrap().contains("privileged_ports: [80]"));
        assert_eq!(rights.hint(&kind(80), Errno::ADDRINUSE), None);
        assert_eq!(rights.hint(&kind(8080), Errno::ACCESS), None);
    }

    #[test]
    fn root_and_the_daemons_own_user_are_nobody_else() {
        let mut spec = AppSpec::new(PathBuf::from("/a.js"), PathBuf::from("/"));
        assert_eq!(Rights::of(&spec), Rights::default());
        spec.uid = Some(0);
        assert_eq!(Rights::of(&spec), Rights::default());
    }
}
