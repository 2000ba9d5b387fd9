//! Messages of a service to systemd, over the socket that the environment names.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The socket of the service manager; without one every message is dropped.
#[derive(Debug)]
pub(crate) struct Notify {
    address: Option<OsString>,
    /// How often it must be told that the service is alive; `None`: never.
    pub(crate) every: Option<Duration>,
}

impl Notify {
    /// The manager that is named by `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`. A third of
    /// the time leaves room for a daemon that has to be replaced first.
    pub(crate) fn from_env(var: impl Fn(&str) -> Option<OsString>) -> Self {
        let number = |name| var(name).and_then(|value| value.to_str()?.parse::<u64>().ok());
        let ours =
            number(ostler_env::WATCHDOG_PID).is_none_or(|pid| pid == u64::from(std::process::id()));
        let every = number(ostler_env::WATCHDOG_USEC)
            .filter(|usec| ours && 0 < *usec)
            .map(|usec| Duration::from_micros(usec / 3));
        let address = var(ostler_env::NOTIFY_SOCKET).filter(|address| !address.is_empty());
        Self { every: every.filter(|_| address.is_some()), address }
    }

    /// Sends `KEY=value` lines to the service manager.
    ///
    /// # Errors
    /// When its socket cannot be written to.
    pub(crate) fn tell(&self, state: &str) -> io::Result<()> {
        let Some(address) = &self.address else { return Ok(()) };
        let socket = UnixDatagram::unbound()?;
        match address.as_bytes().strip_prefix(b"@") {
            Some(name) => {
                socket.send_to_addr(state.as_bytes(), &SocketAddr::from_abstract_name(name)?)
            }
            None => socket.send_to(state.as_bytes(), OsStr::new(address)),
        }
        .map(|_| ())
    }
}
