//! Who has an address, and which addresses a process has.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use rustix::io::Errno;

use crate::diag::{listening, listening_unix};
use crate::proc;
use crate::sockets::sockets;
use crate::table::{Socket, inet, nearest, unix};
use crate::{Address, held_port};

/// A process that has a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number in the system.
    pub pid: u32,
    /// What it was started as, shortened.
    pub command: String,
    /// Where its socket is bound.
    pub address: Address,
}

/// Who has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nobody, any more.
    Nobody,
    /// Processes that share the socket, by number.
    Held(Vec<Holder>),
    /// Nobody listens there; it is the port of connections of these processes.
    Connected(Vec<Holder>),
    /// It is the port of a connection that both ends have closed, for a minute at most.
    Closing(Address),
    /// A process whose descriptors may not be seen, of this user where that is known.
    Hidden {
        /// Where its socket is bound.
        address: Address,
        /// Who runs it.
        uid: Option<u32>,
        /// It listens there, or has a connection with that port.
        listens: bool,
    },
}

/// Finds who has an address.
///
/// # Errors
/// `/proc` cannot be read.
pub fn find(wanted: &Address) -> io::Result<Found> {
    let nearest = nearest(wanted, read()?);
    if nearest.is_empty() {
        return of_connections(&held_port::in_the_way(wanted));
    }
    Ok(told(holders_of(&nearest)?, nearest))
}

/// What is told of the connections that are in the way of whoever wants to listen.
fn of_connections(connections: &[Socket]) -> io::Result<Found> {
    let Some(first) = connections.first() else { return Ok(Found::Nobody) };
    let holders = holders_of(connections)?;
    if !holders.is_empty() {
        return Ok(Found::Connected(holders));
    }
    Ok(match connections.iter().find(|of| of.inode != 0) {
        Some(of) => Found::Hidden { address: of.address.clone(), uid: of.uid, listens: false },
        None => Found::Closing(first.address.clone()),
    })
}

/// Returns the processes that have one of these sockets, by number.
fn holders_of(wanted: &[Socket]) -> io::Result<Vec<Holder>> {
    let mut holders = Vec::new();
    for pid in proc::pids()? {
        let Some(sockets) = sockets(pid) else { continue };
        if let Some(socket) = wanted.iter().find(|socket| sockets.contains_key(&socket.inode)) {
            let address = socket.address.clone();
            holders.push(Holder { pid, command: proc::command(pid), address });
        }
    }
    holders.sort_by_key(|holder| holder.pid);
    Ok(holders)
}

/// Every socket that excludes others, read once to look at many processes.
#[derive(Clone, Debug)]
pub struct Sockets(BTreeMap<u64, Address>);

impl Sockets {
    /// Reads those that are wanted.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn read(wanted: impl Fn(&Address) -> bool) -> io::Result<Self> {
        let wanted = read()?.into_iter().filter(|socket| wanted(&socket.address));
        Ok(wanted.map(|socket| (socket.inode, socket.address)).collect())
    }

    /// The numbers of all.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.keys().copied()
    }

    /// Where the socket of this number is bound.
    pub(crate) fn address(&self, inode: u64) -> Option<&Address> {
        self.0.get(&inode)
    }
}

impl FromIterator<(u64, Address)> for Sockets {
    fn from_iter<I: IntoIterator<Item = (u64, Address)>>(sockets: I) -> Self {
        Self(sockets.into_iter().collect())
    }
}

/// Returns the ports of TCP and UDP that somebody has, at whichever address.
///
/// # Errors
/// `/proc` cannot be read.
pub fn taken_ports() -> io::Result<BTreeSet<u16>> {
    let port = |socket: Socket| match socket.address {
        Address::Inet { port, .. } => Some(port),
        Address::Path(_) | Address::Abstract(_) => None,
    };
    Ok(read()?.into_iter().filter_map(port).collect())
}

/// Returns what these processes listen on, each address once.
///
/// # Errors
/// `/proc` cannot be read.
pub fn listened_on(pids: &[u32]) -> io::Result<Vec<Address>> {
    let inodes: BTreeSet<u64> =
        pids.iter().filter_map(|pid| sockets(*pid)).flat_map(BTreeMap::into_keys).collect();
    if inodes.is_empty() {
        return Ok(Vec::new());
    }
    let of_them = read()?.into_iter().filter(|socket| inodes.contains(&socket.inode));
    let addresses: BTreeSet<Address> = of_them.map(|socket| socket.address).collect();
    Ok(addresses.into_iter().collect())
}

/// What is told of the sockets, given who was seen to have them.
fn told(holders: Vec<Holder>, sockets: Vec<Socket>) -> Found {
    if !holders.is_empty() {
        return Found::Held(holders);
    }
    match sockets.into_iter().next() {
        Some(Socket { address, uid, .. }) => Found::Hidden { address, uid, listens: true },
        None => Found::Nobody,
    }
}

/// Every socket that excludes others. A kernel may lack a family.
fn read() -> io::Result<Vec<Socket>> {
    let text = |name: &str| match proc::read_all(&format!("/proc/net/{name}")) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(Errno::NOENT) => Ok(String::new()),
        Err(error) => Err(io::Error::from(error)),
    };
    let mut sockets = Vec::new();
    for name in ["udp", "udp6"] {
        sockets.extend(inet(&text(name)?, true));
    }
    // A kernel without these, or a sandbox that forbids them: the slow way.
    match listening_unix() {
        Ok(unix) => sockets.extend(unix),
        Err(_) => sockets.extend(unix(&text("unix")?)),
    }
    match listening() {
        Ok(tcp) => sockets.extend(tcp),
        Err(_) => {
            for name in ["tcp", "tcp6"] {
                sockets.extend(inet(&text(name)?, false));
            }
        }
    }
    Ok(sockets)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixListener;

    use super::*;

    fn socket(address: &str, inode: u64) -> Socket {
        Socket { address: Address::parse(address).unwrap(), inode, uid: Some(7) }
    }

    #[test]
    fn the_very_address_is_preferred_to_one_that_overlaps() {
        let all = ["127.0.0.1:80", "*:80", "[::1]:80", "*:81"];
        let all: Vec<Socket> =
            (1..).zip(all).map(|(inode, address)| socket(address, inode)).collect();
        let check = |wanted: &str, inodes: &[u64]| {
            let found = nearest(&Address::parse(wanted).unwrap(), all.clone());
            assert_eq!(found.iter().map(|of| of.inode).collect::<Vec<_>>(), inodes, "{wanted}");
        };
        check("127.0.0.1:80", &[1]);
        check("127.0.0.2:80", &[2]);
        check("*:80", &[2]);
        check("*:82", &[]);
    }

    #[test]
    fn what_may_not_be_seen_is_said_to_be_hidden_with_its_user() {
        let address = Address::parse("*:80").unwrap();
        assert_eq!(
            told(Vec::new(), vec![socket("*:80", 1)]),
            Found::Hidden { address, uid: Some(7), listens: true }
        );
        assert_eq!(told(Vec::new(), Vec::new()), Found::Nobody);
    }

    #[test]
    fn sockets_of_each_kind_are_found_with_their_process() {
        let dir = std::env::temp_dir().join(format!("ostler-ports-{}", std::process::id()));
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let unix = UnixListener::bind(&dir).unwrap();
        let addresses = [
            tcp.local_addr().unwrap().to_string(),
            format!("udp:{}", udp.local_addr().unwrap()),
            dir.display().to_string(),
        ];
        let me = std::process::id();
        let mine = listened_on(&[me]).unwrap();
        for text in &addresses {
            let address = Address::parse(text).unwrap();
            assert!(mine.contains(&address), "{text} in {mine:?}");
            let Found::Held(holders) = find(&address).unwrap() else { panic!("{text}") };
            assert!(holders.iter().any(|of| of.pid == me && of.address == address), "{holders:?}");
        }
        drop((tcp, unix));
        std::fs::remove_file(dir).unwrap();
        let freed = Address::parse(&addresses[0]).unwrap();
        assert_eq!(find(&freed).unwrap(), Found::Nobody);
    }

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
        assert!(
            held_port::given_to_connections().is_some_and(|range| range.contains(&local.port()))
        );
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
