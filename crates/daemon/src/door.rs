//! A socket of PM2's in the home: bound where nobody else listens, held by the keeper as well, and
//! open to those who may control us.
//!
//! A PM2 that runs in the home has sockets of these names: they are its own, and stay.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::rc::Rc;

use ostler_poll::{Interest, Poll, Watched};

use crate::home::{FileId, id_at, id_of_new};
use crate::keeper::Keeper;
use crate::tokens::Polled;
use crate::{clock, daemon_log, reserve, sys};

/// The socket of calls.
pub const RPC: &str = "rpc.sock";
/// The socket of events.
pub const PUB: &str = "pub.sock";
/// Who could not be taken in is tried again after this, ms.
const RETRY: u64 = 250;
/// What could not be bound is tried again after this, ms.
const MEND_AGAIN: u64 = 5000;

/// One of PM2's sockets.
pub struct Door {
    name: &'static str,
    source: Polled,
    open: Option<Open>,
    guests: Guests,
    /// When those are taken in for whom there was no room.
    accept_at: Option<u64>,
    /// When it is tried again to bind it.
    mend_at: Option<u64>,
    poll: Rc<Poll<Polled>>,
}

struct Open {
    listener: Watched<UnixListener>,
    /// Which file it is.
    file: FileId,
}

/// Who may come in beside us and root, by number, as `PM2_SOCKET_USER` and `PM2_SOCKET_GROUP` say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guests {
    /// Who has this number.
    pub user: Option<u32>,
    /// Members of this group.
    pub group: Option<u32>,
}

impl Guests {
    /// Those of the environment.
    pub fn of_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok()?.parse().ok();
        Self {
            user: number(ostler_env::PM2_SOCKET_USER),
            group: number(ostler_env::PM2_SOCKET_GROUP),
        }
    }

    /// Says why the peer may not come in, if it may not: whoever controls the daemon runs
    /// programs as us.
    ///
    /// # Errors
    /// In words for a log.
    pub fn check(&self, stream: &UnixStream) -> Result<(), String> {
        let peer = rustix::net::sockopt::socket_peercred(stream)
            .map_err(|error| format!("peer credentials unavailable: {error}"))?;
        let (user, own) = (peer.uid.as_raw(), rustix::process::geteuid().as_raw());
        let is_member = |group| {
            peer.gid.as_raw() == group
                || sys::peer_groups(stream).is_ok_and(|all| all.contains(&group))
        };
        let may = [Some(own), Some(0), self.user].contains(&Some(user))
            || self.group.is_some_and(is_member);
        if may { Ok(()) } else { Err(format!("it is of user {user}")) }
    }

    fn mode(&self) -> u32 {
        if self.group.is_some() { 0o660 } else { 0o600 }
    }
}

impl Door {
    /// The socket of this name, with what the keeper held of it.
    pub fn new(
        name: &'static str,
        source: Polled,
        kept: Option<(Vec<u8>, OwnedFd)>,
        poll: &Rc<Poll<Polled>>,
    ) -> Self {
        let guests = Guests::of_environment();
        let mut door = Self {
            name,
            source,
            open: None,
            guests,
            accept_at: None,
            mend_at: None,
            poll: Rc::clone(poll),
        };
        if let Some((note, fd)) = kept {
            let file = file_of(&note).unwrap_or_default();
            if let Err(error) = door.listen_at(UnixListener::from(fd), file) {
                daemon_log::error(format!("could not take `{name}` over: {error}"));
            }
        }
        door
    }

    fn listen_at(&mut self, listener: UnixListener, file: FileId) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = self.poll.watch(listener, self.source, Interest::READ.edge())?;
        self.open = Some(Open { listener, file });
        Ok(())
    }

    /// Binds the socket where it is not there, and has the keeper hold it.
    pub fn look_after(&mut self, home: &Path, keeper: &mut Keeper) {
        if self.look(home) {
            self.keep(keeper);
        }
    }

    /// Binds the socket where it is not there, or says once why it cannot be bound and tries again
    /// later. Returns whether it was bound.
    fn look(&mut self, home: &Path) -> bool {
        match self.mend(home) {
            Ok(bound) => {
                self.mend_at = None;
                bound
            }
            Err(problem) => {
                if self.mend_at.replace(clock::monotonic() + MEND_AGAIN).is_none() {
                    daemon_log::error(problem);
                }
                false
            }
        }
    }

    /// Binds the socket where it is not there. Returns whether it was bound.
    ///
    /// # Errors
    /// In words for a person.
    pub fn mend(&mut self, home: &Path) -> Result<bool, String> {
        let path = home.join(self.name);
        let failed =
            |error: io::Error| format!("could not listen on `{}`: {error}", path.display());
        let there = id_at(&path).map_err(failed)?;
        if self.open.is_some() && self.open.as_ref().map(|open| open.file) == there {
            return Ok(false);
        }
        if UnixStream::connect(&path).is_ok() {
            return Err(format!(
                "a PM2 runs in this home: `{}` is its socket, so its clients reach it and not \
                 ostler; `pm2 kill` with PM2's own command ends it",
                path.display()
            ));
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path).map_err(failed)?;
        let Guests { user, group } = self.guests;
        if user.is_some() || group.is_some() {
            std::os::unix::fs::chown(&path, user, group).map_err(failed)?;
        }
        let mode = std::fs::Permissions::from_mode(self.guests.mode());
        std::fs::set_permissions(&path, mode).map_err(failed)?;
        let file = id_of_new(&path).map_err(failed)?;
        self.listen_at(listener, file).map_err(failed)?;
        Ok(true)
    }

    /// Takes the socket away, if it is ours.
    pub fn remove(&mut self, home: &Path) {
        let path = home.join(self.name);
        if self.open.take().is_some_and(|open| id_at(&path).is_ok_and(|id| id == Some(open.file))) {
            // The manager goes in any case.
            _ = std::fs::remove_file(path);
        }
    }

    /// Gives a duplicate to the keeper to hold.
    pub fn keep(&self, keeper: &mut Keeper) {
        let Some(Open { listener, file: (device, number) }) = &self.open else { return };
        let note = format!("{device} {number}").into_bytes();
        keeper.put(self.name.to_owned(), note, listener.try_clone().map(OwnedFd::from));
    }

    /// When [`look_after`](Self::look_after) and [`accept`](Self::accept) are due again.
    pub fn deadline(&self) -> Option<u64> {
        self.accept_at.into_iter().chain(self.mend_at).min()
    }

    /// Takes in the next client that may come in; `inside`: how many there are.
    pub fn accept(&mut self, inside: usize) -> Option<UnixStream> {
        self.accept_at = None;
        let open = self.open.as_ref()?;
        loop {
            match open.listener.accept() {
                Ok((stream, _)) => {
                    let result = if reserve::most_clients() <= inside {
                        Err(format!("there are {inside} already"))
                    } else {
                        self.guests.check(&stream)
                    };
                    match result.and_then(|()| {
                        stream.set_nonblocking(true).map_err(|error| error.to_string())
                    }) {
                        Ok(()) => return Some(stream),
                        Err(why) => daemon_log::error(format!(
                            "rejected a client at `{}`: {why}",
                            self.name
                        )),
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Who waits in the queue is taken a little later.
                    daemon_log::error(format!("could not accept at `{}`: {error}", self.name));
                    self.accept_at = Some(clock::monotonic() + RETRY);
                    return None;
                }
            }
        }
    }
}

fn file_of(note: &[u8]) -> Option<FileId> {
    let (device, number) = std::str::from_utf8(note).ok()?.split_once(' ')?;
    Some((device.parse().ok()?, number.parse().ok()?))
}
