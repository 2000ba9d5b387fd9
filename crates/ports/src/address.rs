//! Where a socket is bound, and which other sockets that excludes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where a socket is bound, or is to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// A port of TCP or UDP.
    Inet {
        /// `true` = UDP.
        udp: bool,
        /// `None` is every address of the machine, of whichever family.
        ip: Option<IpAddr>,
        /// The number of the port.
        port: u16,
    },
    /// The path of a UNIX socket.
    Path(String),
    /// The name of a UNIX socket that has no path, without the `@`.
    Abstract(String),
}

/// How near a socket is to an address that it excludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Nearness {
    /// It is bound to that very address.
    Same,
    /// One of the two is every address of the machine.
    Overlapping,
}

impl Address {
    /// Reads what runtimes and we write: `*:80`, `:80`, `:::80`, `null:80`, `127.0.0.1:80`,
    /// `[::1]:80`, `localhost:80`, `udp:*:53`, `/run/x.sock`, `@name`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') && 1 < text.len() {
            return Some(Self::Path(text.to_owned()));
        }
        if let Some(name) = text.strip_prefix('@') {
            return Some(Self::Abstract(name.to_owned()));
        }
        let (udp, text) = match text.strip_prefix("udp:") {
            Some(rest) if rest.contains(':') => (true, rest),
            Some(_) | None => (false, text),
        };
        let (host, port) = text.rsplit_once(':')?;
        // A socket of ours with a number behind it: `localhost:0#1`.
        let port = port.split('#').next().unwrap_or(port);
        let port = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))?;
        let port: u16 = port.parse().ok()?;
        let ip = match host.trim_start_matches('[').trim_end_matches(']') {
            "" | "*" | "null" | "undefined" => None,
            "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            // `:::80` is `::` and a port.
            ":" => Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
            host => Some(host.parse().ok()?),
        };
        Some(Self::Inet { udp, ip, port })
    }

    /// Returns how near a socket at `held` is to this address, if it excludes it.
    pub(crate) fn excluded_by(&self, held: &Self) -> Option<Nearness> {
        let (Self::Inet { udp, ip, port }, Self::Inet { udp: of_udp, ip: of, port: at }) =
            (self, held)
        else {
            return (self == held).then_some(Nearness::Same);
        };
        if (udp, port) != (of_udp, at) {
            return None;
        }
        let (ip, of) = (ip.map(|ip| ip.to_canonical()), of.map(|ip| ip.to_canonical()));
        match (ip, of) {
            (None, None) => Some(Nearness::Same),
            (None, Some(of)) | (Some(of), None) if of.is_unspecified() => Some(Nearness::Same),
            (None, Some(_)) | (Some(_), None) => Some(Nearness::Overlapping),
            (Some(ip), Some(of)) if ip == of => Some(Nearness::Same),
            // Both families, unless the socket is for IPv6 alone, which the tables do not tell.
            (Some(IpAddr::V6(any)), Some(_)) | (Some(_), Some(IpAddr::V6(any)))
                if any.is_unspecified() =>
            {
                Some(Nearness::Overlapping)
            }
            (Some(IpAddr::V4(ip)), Some(IpAddr::V4(of))) => {
                (ip.is_unspecified() || of.is_unspecified()).then_some(Nearness::Overlapping)
            }
            (Some(_), Some(_)) => None,
        }
    }

    /// Whether a socket here leaves no room for one at the other address.
    #[must_use]
    pub fn excludes(&self, other: &Self) -> bool {
        self.excluded_by(other).is_some()
    }

    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Inet { ip, .. } => ip.is_some_and(|ip| ip.to_canonical().is_loopback()),
            Self::Path(_) | Self::Abstract(_) => true,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet { udp, ip, port } => {
                f.write_str(if *udp { "udp:" } else { "" })?;
                match ip {
                    Some(ip) if !ip.is_unspecified() => SocketAddr::new(*ip, *port).fmt(f),
                    Some(_) | None => write!(f, "*:{port}"),
                }
            }
            Self::Path(path) => f.write_str(path),
            Self::Abstract(name) => write!(f, "@{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runtimes_write_is_read() {
        let check = |text: &str, shown: Option<&str>| {
            let read = Address::parse(text).map(|address| address.to_string());
            assert_eq!(read.as_deref(), shown, "{text}");
        };
        for any in ["*:3000", ":3000", ":::3000", "null:3000", "0.0.0.0:3000", "[::]:3000"] {
            check(any, Some("*:3000"));
        }
        check("127.0.0.1:3000", Some("127.0.0.1:3000"));
        check("[::1]:3000", Some("[::1]:3000"));
        check("::1:3000", Some("[::1]:3000"));
        check("localhost:3000", Some("127.0.0.1:3000"));
        check("udp:*:53", Some("udp:*:53"));
        check("/run/a b.sock", Some("/run/a b.sock"));
        check("@name", Some("@name"));
        for none in ["", "/", "3000", "app.js:3", "*:http", "*:70000", "*:+1", "Error:"] {
            check(none, None);
        }
    }

    #[test]
    fn every_address_excludes_each_single_one_and_loopback_leaves_the_others() {
        let check = |wanted: &str, held: &str, nearness: Option<Nearness>| {
            let (one, other) = (Address::parse(wanted).unwrap(), Address::parse(held).unwrap());
            assert_eq!(one.excluded_by(&other), nearness, "{wanted} {held}");
            assert_eq!(other.excluded_by(&one), nearness, "{held} {wanted}");
        };
        let (same, overlapping) = (Some(Nearness::Same), Some(Nearness::Overlapping));
        check("*:80", "0.0.0.0:80", same);
        check("*:80", "[::]:80", same);
        check("*:80", "127.0.0.1:80", overlapping);
        check("0.0.0.0:80", "127.0.0.1:80", overlapping);
        check("0.0.0.0:80", "[::]:80", overlapping);
        check("[::]:80", "127.0.0.1:80", overlapping);
        check("[::]:80", "[::1]:80", overlapping);
        check("127.0.0.1:80", "127.0.0.1:80", same);
        check("127.0.0.1:80", "[::ffff:127.0.0.1]:80", same);
        check("127.0.0.1:80", "127.0.0.2:80", None);
        check("127.0.0.1:80", "[::1]:80", None);
        check("0.0.0.0:80", "[::1]:80", None);
        check("*:80", "*:81", None);
        check("*:80", "udp:*:80", None);
        check("/run/x", "/run/x", same);
        check("/run/x", "/run/y", None);
        check("@x", "/x", None);
    }
}
