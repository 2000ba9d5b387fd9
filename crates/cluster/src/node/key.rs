//! Which calls of `listen` mean the same socket, and what socket that is.

use std::fmt;

use ostler_wire::node::{AddressType, Query};
use serde::{Deserialize, Serialize};

/// `EINVAL` as workers want it.
pub(super) const EINVAL: i32 = -22;
/// `EADDRINUSE` as workers want it.
pub(super) const EADDRINUSE: i32 = -98;
/// `EMFILE` as workers want it.
pub(super) const EMFILE: i32 = -24;

/// libuv's bind flag "IPv6 only".
const FLAG_V6ONLY: i64 = 1;
/// libuv's bind flag "reuse the address", UDP only.
const FLAG_REUSE: i64 = 4;
/// Node's default length of the accept queue.
const DEFAULT_BACKLOG: u32 = 511;

/// Calls with equal keys share one socket. `null`, `0.0.0.0` and `::` are three keys, as in Node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Host or path, as the app wrote it.
    pub address: Option<String>,
    /// Port, or -1 with a path.
    pub port: Option<i64>,
    /// The address type, as [`AddressType::as_str`] writes it.
    pub address_type: String,
    /// Number in the app's table of descriptors.
    pub fd: Option<i64>,
    /// Only with port 0, where each call of one worker gets a port of its own.
    pub index: Option<i64>,
}

impl Key {
    /// Returns the key of a query. (Node up to 20 counts `index` up with every call, so it only
    /// matters with port 0.)
    #[must_use]
    pub fn of(query: &Query) -> Self {
        Self {
            address: query.address.clone(),
            port: query.port,
            address_type: query.address_type.as_str().to_owned(),
            fd: query.fd,
            index: (query.port == Some(0)).then_some(query.index),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fd) = self.fd {
            return write!(f, "fd:{fd}");
        }
        match self.port {
            Some(port) if port >= 0 => {
                let udp = self.address_type.starts_with("udp");
                write_port(f, udp, self.address.as_deref(), port)?;
            }
            _ => {
                let address = self.address.as_deref().unwrap_or("*");
                match address.split_once('\0') {
                    Some((_, name)) => write!(f, "@{name}")?,
                    None => f.write_str(address)?,
                }
            }
        }
        self.index.filter(|index| *index > 0).map_or(Ok(()), |index| write!(f, "#{index}"))
    }
}

fn write_port(
    f: &mut fmt::Formatter<'_>,
    udp: bool,
    address: Option<&str>,
    port: i64,
) -> fmt::Result {
    let address = address.unwrap_or("*");
    if udp {
        f.write_str("udp:")?;
    }
    if address.contains(':') {
        write!(f, "[{address}]:{port}")
    } else {
        write!(f, "{address}:{port}")
    }
}

/// A socket to open. It is written as a [`Key`] is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListenerKind {
    /// `SO_REUSEADDR`, bind, listen. Without an address: `::` for both families, and `0.0.0.0` only
    /// where there is no IPv6 at all (not on `EADDRINUSE` or `EACCES`). The address may end in a
    /// scope, such as `%eth0`.
    Tcp {
        /// IP address; `None` is every address.
        address: Option<String>,
        /// Port; 0 is any.
        port: u16,
        /// IPv4 is shut out.
        v6only: bool,
        /// Length of the accept queue.
        backlog: u32,
    },
    /// A path. A file that is there is not removed before (it is `EADDRINUSE`); ours is when the
    /// listener is closed.
    Unix {
        /// Absolute path. Above 107 bytes it must be shortened for `bind`.
        path: String,
        /// Everybody may read (`chmod a+r`).
        readable_all: bool,
        /// Everybody may write (`chmod a+w`).
        writable_all: bool,
        /// Length of the accept queue.
        backlog: u32,
    },
    /// A name in the abstract namespace of UNIX sockets, without its leading NUL.
    Abstract {
        /// The name, which may hold any character.
        name: String,
        /// Length of the accept queue.
        backlog: u32,
    },
    /// A UDP socket, which is bound and never listens.
    Udp {
        /// IP address; `None` is every address of the family.
        address: Option<String>,
        /// Port; 0 is any.
        port: u16,
        /// Of the IPv6 family.
        v6: bool,
        /// IPv4 is shut out.
        v6only: bool,
        /// `SO_REUSEADDR` is to be set.
        reuse: bool,
    },
    /// A socket that the operator configured under this number; never one of our own descriptors.
    Fd {
        /// Number in the app's table.
        number: i64,
        /// It is a UDP socket.
        udp: bool,
    },
}

impl fmt::Display for ListenerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { address, port, .. } => {
                write_port(f, false, address.as_deref(), i64::from(*port))
            }
            Self::Udp { address, port, .. } => {
                write_port(f, true, address.as_deref(), i64::from(*port))
            }
            Self::Unix { path, .. } => f.write_str(path),
            Self::Abstract { name, .. } => write!(f, "@{name}"),
            Self::Fd { number, .. } => write!(f, "fd:{number}"),
        }
    }
}

impl ListenerKind {
    /// Returns what `query` asks for. `table` has the numbers that the app may use with
    /// `listen({fd})`: each is a socket of its configuration.
    ///
    /// # Errors
    /// The negative error number for the worker: what it wants makes no sense, or is a descriptor
    /// that is not in the table.
    pub fn of(query: &Query, table: &[i64]) -> Result<Self, i32> {
        let udp = query.address_type.is_udp();
        let backlog =
            u32::try_from(query.backlog).ok().filter(|n| *n > 0).unwrap_or(DEFAULT_BACKLOG);
        if let Some(number) = query.fd {
            return if table.contains(&number) {
                Ok(Self::Fd { number, udp })
            } else {
                Err(EINVAL)
            };
        }
        let v6only = query.flags & FLAG_V6ONLY != 0;
        let address = query.address.clone();
        let port = match query.port {
            Some(-1) if !udp => return Self::path(query, backlog),
            Some(port) => u16::try_from(port).map_err(|_| EINVAL)?,
            None => return Err(EINVAL),
        };
        match query.address_type {
            AddressType::Tcp4 | AddressType::Tcp6 => {
                Ok(Self::Tcp { address, port, v6only, backlog })
            }
            AddressType::Udp4 | AddressType::Udp6 => {
                let v6 = query.address_type == AddressType::Udp6;
                Ok(Self::Udp { address, port, v6, v6only, reuse: query.flags & FLAG_REUSE != 0 })
            }
            AddressType::Unix | AddressType::None | AddressType::Unknown => Err(EINVAL),
        }
    }

    /// Returns a UNIX socket. Old Nodes make such a query, without an address, of a `net.Server`
    /// that they were sent.
    fn path(query: &Query, backlog: u32) -> Result<Self, i32> {
        let Some(path) = query.address.clone().filter(|path| !path.is_empty()) else {
            return Err(EINVAL);
        };
        // The worker made an abstract name absolute, as if it were a path.
        match path.split_once('\0') {
            Some((_, "")) => Err(EINVAL),
            Some((_, name)) => Ok(Self::Abstract { name: name.to_owned(), backlog }),
            None => Ok(Self::Unix {
                path,
                readable_all: query.readable_all,
                writable_all: query.writable_all,
                backlog,
            }),
        }
    }

    /// Returns whether it is bound to a UDP port, so that only the socket itself can be shared.
    #[must_use]
    pub fn is_udp(&self) -> bool {
        match self {
            Self::Udp { .. } => true,
            Self::Fd { udp, .. } => *udp,
            Self::Tcp { .. } | Self::Unix { .. } | Self::Abstract { .. } => false,
        }
    }

    /// Returns the port that it asks for, if it asks for one of TCP or UDP.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp { port, .. } | Self::Udp { port, .. } => Some(*port),
            Self::Unix { .. } | Self::Abstract { .. } | Self::Fd { .. } => None,
        }
    }

    /// Returns the port that the worker must read in the answer, if it asked for a particular one.
    pub(super) fn wanted_port(&self) -> Option<u16> {
        self.port().filter(|port| *port > 0)
    }

    /// Returns the file to remove when the listener is closed.
    pub(super) fn unlink(&self) -> Option<&str> {
        match self {
            Self::Unix { path, .. } => Some(path),
            Self::Tcp { .. } | Self::Udp { .. } | Self::Abstract { .. } | Self::Fd { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_written_for_people() {
        let (v6only, backlog) = (false, 511);
        let tcp = |address: Option<&str>, port| {
            let address = address.map(str::to_owned);
            ListenerKind::Tcp { address, port, v6only, backlog }.to_string()
        };
        assert_eq!(tcp(None, 4451), "*:4451");
        assert_eq!(tcp(Some("127.0.0.1"), 80), "127.0.0.1:80");
        assert_eq!(tcp(Some("::1"), 80), "[::1]:80");
        let udp = ListenerKind::Udp { address: None, port: 53, v6: true, v6only, reuse: false };
        assert_eq!(udp.to_string(), "udp:*:53");
        let named = ListenerKind::Abstract { name: "door".to_owned(), backlog };
        assert_eq!(named.to_string(), "@door");
        let (path, all) = ("/tmp/door".to_owned(), false);
        let path = ListenerKind::Unix { path, readable_all: all, writable_all: all, backlog };
        assert_eq!(path.to_string(), "/tmp/door");
        assert_eq!(ListenerKind::Fd { number: 3, udp: false }.to_string(), "fd:3");
    }
}
