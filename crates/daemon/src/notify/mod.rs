//! The socket on which apps say how they are (`NOTIFY_SOCKET`), in the form of `sd_notify`.
//!
//! Problem: a message must not be lost when the daemon dies, an app may run as another user, and
//! anybody may send to a socket whose name is known. Rule: it is one socket for all apps, with an
//! abstract name that follows from the mark of the home, made when the first app needs it. The
//! keeper holds it as well, so that messages wait in it while there is no daemon. The kernel says
//! of each message which process has sent it; whoever is no process of an app is not heard.

mod message;

use std::io;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::rc::Rc;

use ostler_poll::{Interest, Poll, Watched};

use crate::tokens::Polled;
use crate::{clock, daemon_log, sys};

pub use message::{Message, Watchdog};

/// The name under which the keeper holds it.
pub const NOTIFY: &str = "notify";
/// The longest message that is read, bytes.
const LONGEST: usize = 4096;
/// That somebody was not heard is said so often at most, ms.
const COMPLAIN_EVERY: u64 = 60_000;

/// The socket, while some app needs it.
pub struct Notify {
    socket: Option<Watched<UnixDatagram>>,
    mark: String,
    /// When somebody was last said not to be heard.
    complained: Option<u64>,
    poll: Rc<Poll<Polled>>,
}

/// A message that came.
#[derive(Debug)]
pub struct Received {
    /// The process that sent it; 0 for one that cannot be seen from here.
    pub pid: u32,
    /// The user of that process.
    pub uid: u32,
    /// What it says.
    pub message: Message,
    /// What came with it: whoever waits for the end of these waits until the message is taken.
    pub fds: Vec<OwnedFd>,
}

/// The address of the socket, as a variable has it.
pub fn address(mark: &str) -> String {
    format!("@{}", name(mark))
}

fn name(mark: &str) -> String {
    format!("ostler/{mark}/notify")
}

impl Notify {
    /// The socket of the home that this mark stands for, with what the keeper held of it.
    pub fn new(kept: Option<(Vec<u8>, OwnedFd)>, mark: &str, poll: &Rc<Poll<Polled>>) -> Self {
        let mark = mark.to_owned();
        let mut notify = Self { socket: None, mark, complained: None, poll: Rc::clone(poll) };
        if let Some(Err(error)) = kept.map(|(_, fd)| notify.watch(fd.into())) {
            daemon_log::error(format!("could not take the socket of messages over: {error}"));
        }
        notify
    }

    fn watch(&mut self, socket: UnixDatagram) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        self.socket = Some(self.poll.watch(socket, Polled::Notify, Interest::READ)?);
        Ok(())
    }

    /// Makes the socket where it is not there. Returns whether it was made: then the keeper is to
    /// hold it as well.
    ///
    /// # Errors
    /// Why there can be none, in words.
    pub fn open(&mut self) -> Result<bool, String> {
        if self.socket.is_some() {
            return Ok(false);
        }
        let bind = || {
            let address = SocketAddr::from_abstract_name(name(&self.mark))?;
            let socket = UnixDatagram::bind_addr(&address)?;
            rustix::net::sockopt::set_socket_passcred(&socket, true)?;
            Ok(socket)
        };
        let made: io::Result<()> = bind().and_then(|socket| self.watch(socket));
        made.map_err(|error| {
            format!("could not be given a socket for its messages (`NOTIFY_SOCKET`): {error}")
        })?;
        Ok(true)
    }

    /// A duplicate for the keeper, if there is a socket.
    pub fn copy(&self) -> Option<io::Result<OwnedFd>> {
        Some(self.socket.as_ref()?.try_clone().map(OwnedFd::from))
    }

    /// Returns the next message that waits.
    pub fn receive(&self) -> Option<Received> {
        let socket = self.socket.as_ref()?;
        let mut text = [0; LONGEST];
        match sys::receive_from_process(&**socket, &mut text) {
            Ok((length, (pid, uid), fds)) => {
                let message = Message::read(text.get(..length).unwrap_or_default());
                Some(Received { pid, uid, message, fds })
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => {
                daemon_log::error(format!("could not read a message of an app: {error}"));
                None
            }
        }
    }

    /// A message came from a process that is of no app that runs.
    pub fn complain(&mut self, pid: u32) {
        let now = clock::monotonic();
        if self.complained.is_some_and(|at| now < at.saturating_add(COMPLAIN_EVERY)) {
            return;
        }
        self.complained = Some(now);
        daemon_log::error(format!(
            "process {pid} was not heard at `NOTIFY_SOCKET`: it is of no app that has `ready: {{ \
             notify: true }}` or `watchdog`, or was gone by then"
        ));
    }
}
