//! Who has a port without listening on it.
//!
//! Problem: the kernel gives ports to those who connect, and nobody else can listen there then.
//! Rule: the connections of the port are looked at, and it is tried whether they are in the way:
//! those that a server has accepted are not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use rustix::io::Errno;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};

use crate::diag::of_port;
use crate::table::{Socket, nearest};
use crate::{Address, proc};

/// Returns the connections that keep a server from an address on which nobody listens.
pub(crate) fn in_the_way(wanted: &Address) -> Vec<Socket> {
    let Address::Inet { udp: false, ip, port } = wanted else { return Vec::new() };
    // A kernel that does not tell leaves it at that nobody listens.
    let connections = nearest(wanted, of_port(*port).unwrap_or_default());
    if connections.is_empty() || is_free(*ip, *port) { Vec::new() } else { connections }
}

/// Whether a server could have this port now. Nobody else is in its way who tries: to listen is
/// what excludes others.
fn is_free(ip: Option<IpAddr>, port: u16) -> bool {
    let any = || IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let tried = match try_bind(SocketAddr::new(ip.unwrap_or_else(any), port)) {
        Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) if ip.is_none() => {
            try_bind(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))
        }
        tried => tried,
    };
    tried != Err(Errno::ADDRINUSE)
}

fn try_bind(address: SocketAddr) -> Result<(), Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // As servers do; and as they do, for both families.
    set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        set_ipv6_v6only(&socket, false)?;
    }
    bind(&socket, &address)
}

/// Returns the ports that the kernel gives to those who connect.
#[must_use]
pub fn given_to_connections() -> Option<RangeInclusive<u16>> {
    let text = proc::read_all("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let text = String::from_utf8(text).ok()?;
    let (first, last) = text.trim().split_once(char::is_whitespace)?;
    Some(first.parse().ok()?..=last.trim().parse().ok()?)
}
