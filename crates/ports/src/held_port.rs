//! Who has a port without listening on it.
//!
//! Problem: the kernel gives ports to those who connect, and nobody else can listen there then.
//! Rule: the connections of the port are looked at, and it is tried whether they are in the way:
//! those that a server has accepted are not.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use rustix::io::Errno;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};

use crate::diag::of_port;
use crate::find::{Found, holders_of, nearest};
use crate::{Address, proc};

/// Finds whose connection has an address on which nobody listens.
pub(crate) fn find_connection(wanted: &Address) -> io::Result<Found> {
    let Address::Inet { udp: false, ip, port } = wanted else { return Ok(Found::Nobody) };
    // A kernel that does not tell leaves it at that nobody listens.
    let all = of_port(*port).unwrap_or_default();
    let connections = nearest(wanted, all);
    if connections.is_empty() || is_free(*ip, *port) {
        return Ok(Found::Nobody);
    }
    let holders = holders_of(&connections)?;
    let open = connections.iter().find(|of| of.inode != 0);
    Ok(match (holders.is_empty(), open, connections.first()) {
        (false, ..) => Found::Connected(holders),
        (true, Some(of), _) => {
            Found::Hidden { address: of.address.clone(), uid: of.uid, listens: false }
        }
        (true, None, Some(of)) => Found::Closing(of.address.clone()),
        (true, None, None) => Found::Nobody,
    })
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

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::find::{Holder, find};

    #[test]
    fn a_connection_that_has_a_port_is_found_with_its_process() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let local = client.local_addr().unwrap();
        let me = std::process::id();
        for wanted in [local.to_string(), format!("*:{}", local.port())] {
            let Found::Connected(holders) = find(&Address::parse(&wanted).unwrap()).unwrap() else {
                panic!("{wanted}");
            };
            let is_mine = |of: &Holder| of.pid == me && of.address.to_string() == local.to_string();
            assert!(holders.iter().any(is_mine), "{holders:?}");
        }
        assert!(given_to_connections().is_some_and(|range| range.contains(&local.port())));
    }

    /// The old listener of a server is gone, its connections stay: another may listen there.
    #[test]
    fn a_connection_that_a_server_accepted_has_no_port_of_its_own() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let _client = TcpStream::connect(address).unwrap();
        let _accepted = server.accept().unwrap();
        drop(server);
        assert_eq!(find(&Address::parse(&address.to_string()).unwrap()).unwrap(), Found::Nobody);
    }
}
