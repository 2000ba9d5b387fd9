//! Who has an address, and which addresses a process has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use crate::Address;
use crate::address::Nearness;
use crate::diag::listening;
use crate::proc;
use crate::table::{Socket, inet, unix};

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
    /// A process whose descriptors may not be seen, of this user where that is known.
    Hidden {
        /// Where its socket is bound.
        address: Address,
        /// Who runs it.
        uid: Option<u32>,
    },
}

/// Finds who has an address.
///
/// # Errors
/// `/proc` cannot be read.
pub fn find(wanted: &Address) -> io::Result<Found> {
    let nearest = nearest(wanted, read()?);
    if nearest.is_empty() {
        return Ok(Found::Nobody);
    }
    let mut holders = Vec::new();
    for pid in proc::pids()? {
        let Some(sockets) = proc::sockets(pid) else { continue };
        if let Some(socket) = nearest.iter().find(|socket| sockets.contains(&socket.inode)) {
            let address = socket.address.clone();
            holders.push(Holder { pid, command: proc::command(pid), address });
        }
    }
    Ok(told(holders, nearest))
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
        Ok(Self(wanted.map(|socket| (socket.inode, socket.address)).collect()))
    }

    /// Returns what a process and those that descend from it listen on, each address once; `None`
    /// when the descriptors of one of them may not be seen.
    #[must_use]
    pub fn of_family(&self, pid: u32) -> Option<Vec<Address>> {
        self.of(|| proc::family(pid), proc::sockets)
    }

    /// Where there is no socket, nobody is looked at.
    fn of(
        &self,
        family: impl FnOnce() -> Vec<u32>,
        sockets: impl Fn(u32) -> Option<BTreeSet<u64>>,
    ) -> Option<Vec<Address>> {
        if self.0.is_empty() {
            return Some(Vec::new());
        }
        let mut found: BTreeSet<&Address> = BTreeSet::new();
        for pid in family() {
            found.extend(sockets(pid)?.iter().filter_map(|inode| self.0.get(inode)));
        }
        Some(found.into_iter().cloned().collect())
    }
}

/// Returns what these processes listen on, each address once.
///
/// # Errors
/// `/proc` cannot be read.
pub fn listened_on(pids: &[u32]) -> io::Result<Vec<Address>> {
    let inodes: BTreeSet<u64> =
        pids.iter().filter_map(|pid| proc::sockets(*pid)).flatten().collect();
    if inodes.is_empty() {
        return Ok(Vec::new());
    }
    let of_them = read()?.into_iter().filter(|socket| inodes.contains(&socket.inode));
    let addresses: BTreeSet<Address> = of_them.map(|socket| socket.address).collect();
    Ok(addresses.into_iter().collect())
}

/// The sockets that exclude an address and are nearest to it.
fn nearest(wanted: &Address, sockets: Vec<Socket>) -> Vec<Socket> {
    let excluding = sockets
        .into_iter()
        .filter_map(|socket| Some((wanted.excluded_by(&socket.address)?, socket)));
    let (same, overlapping): (Vec<_>, Vec<_>) =
        excluding.partition(|(nearness, _)| *nearness == Nearness::Same);
    let chosen = if same.is_empty() { overlapping } else { same };
    chosen.into_iter().map(|(_, socket)| socket).collect()
}

/// What is told of the sockets, given who was seen to have them.
fn told(mut holders: Vec<Holder>, sockets: Vec<Socket>) -> Found {
    if holders.is_empty() {
        return match sockets.into_iter().next() {
            Some(socket) => Found::Hidden { address: socket.address, uid: socket.uid },
            None => Found::Nobody,
        };
    }
    holders.sort_by_key(|holder| holder.pid);
    Found::Held(holders)
}

/// Every socket that excludes others. A kernel may lack a family.
fn read() -> io::Result<Vec<Socket>> {
    let text = |name: &str| match fs::read(format!("/proc/net/{name}")) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    };
    let mut sockets = unix(&text("unix")?);
    for name in ["udp", "udp6"] {
        sockets.extend(inet(&text(name)?, true));
    }
    match listening() {
        Ok(tcp) => sockets.extend(tcp),
        // A kernel without it, or a sandbox that forbids it: the slow way.
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
    use std::net::{TcpListener, UdpSocket};
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
            Found::Hidden { address, uid: Some(7) }
        );
        assert_eq!(told(Vec::new(), Vec::new()), Found::Nobody);
    }

    #[test]
    fn what_a_family_listens_on_is_found_once_and_one_that_is_hidden_makes_it_unknown() {
        let all = ["*:80", "*:81", "*:82"].map(|of| Address::parse(of).unwrap());
        let sockets = Sockets((1..).zip(all.clone()).collect());
        let of = |pid| match pid {
            7 => Some(BTreeSet::from([1, 99])),
            8 => Some(BTreeSet::from([1, 2])),
            _ => None,
        };
        assert_eq!(sockets.of(|| vec![7, 8], of), Some(all[..2].to_vec()));
        assert_eq!(sockets.of(|| vec![7, 9, 8], of), None);
        let none = Sockets(BTreeMap::new());
        assert_eq!(none.of(|| panic!("nobody is looked at"), of), Some(Vec::new()));
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
        fs::remove_file(dir).unwrap();
        let freed = Address::parse(&addresses[0]).unwrap();
        assert_eq!(find(&freed).unwrap(), Found::Nobody);
    }
}
