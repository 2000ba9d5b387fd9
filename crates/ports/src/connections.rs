//! How many connections clients have to a process.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use crate::Address;
use crate::diag::{connected, listening, listening_unix};
use crate::sockets;
use crate::table::{Socket, unix_connected};

/// Of a process with more descriptors it is not found out: whoever asks is about to end
/// it, and waits.
const MOST: i64 = 4096;

/// The connections that clients have to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// It listens nowhere.
    Nowhere,
    /// So many, with those that it has not accepted yet.
    Count(u64),
    /// They may not be seen, or there are too many.
    Hidden,
}

/// Counts the connections that clients have to these processes, which belong together. `shared`:
/// what they listen on without having the socket, which outlives them.
#[must_use]
pub fn open(pids: &[u32], shared: &[Address]) -> Open {
    let mut theirs = BTreeSet::new();
    for pid in pids {
        let Some(sockets) = sockets::sockets_of_few(*pid, MOST) else { return Open::Hidden };
        theirs.extend(sockets.into_keys());
    }
    look(&theirs, shared).unwrap_or(Open::Hidden)
}

/// Where the kernel does not tell quickly, nothing is told.
fn look(theirs: &BTreeSet<u64>, shared: &[Address]) -> io::Result<Open> {
    let mut own = Vec::new();
    if !theirs.is_empty() {
        own = listening()?;
        own.extend(listening_unix()?);
        own.retain(|socket| theirs.contains(&socket.inode));
    }
    // The connections of all are looked at only where theirs may be among them.
    if theirs.is_empty() || (own.is_empty() && shared.is_empty()) {
        return Ok(count(theirs, &own, &[], shared));
    }
    let mut all = connected()?;
    let addresses = own.iter().map(|socket| &socket.address).chain(shared);
    if addresses.into_iter().any(|of| !matches!(of, Address::Inet { .. })) {
        all.extend(unix_connected(&String::from_utf8_lossy(&fs::read("/proc/net/unix")?)));
    }
    Ok(count(theirs, &own, &all, shared))
}

/// Counts among all connections. What a process connected to itself has another port, or no name.
fn count(theirs: &BTreeSet<u64>, listening: &[Socket], all: &[Socket], shared: &[Address]) -> Open {
    if listening.is_empty() && shared.is_empty() {
        return Open::Nowhere;
    }
    let is_to = |connection: &Address, listens: &Address| match (connection, listens) {
        (Address::Inet { port, .. }, Address::Inet { port: at, udp: false, .. }) => port == at,
        (connection, listens) => connection == listens,
    };
    let is_client = |socket: &&Socket| {
        let own = listening.iter().any(|of| is_to(&socket.address, &of.address));
        // Nobody has accepted it: it goes with the socket that listens.
        let waits = socket.inode == 0;
        let shared = || shared.iter().any(|of| is_to(&socket.address, of));
        (own && waits) || (theirs.contains(&socket.inode) && (own || shared()))
    };
    Open::Count(u64::try_from(all.iter().filter(is_client).count()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    fn socket(address: &str, inode: u64) -> Socket {
        Socket { address: Address::parse(address).unwrap(), inode, uid: None }
    }

    #[test]
    fn clients_are_counted_and_what_a_process_is_itself_a_client_of_is_not() {
        let theirs = BTreeSet::from([1, 2, 3, 4]);
        let all = [
            socket("10.0.0.1:80", 2),
            socket("10.0.0.1:80", 9),   // Another's, of the same port.
            socket("10.0.0.1:80", 0),   // Not accepted yet.
            socket("10.0.0.1:5000", 3), // To a database.
            socket("/run/a.sock", 4),
        ];
        let check = |listening: &[Socket], shared: &[&str], expected: Open| {
            let shared: Vec<_> = shared.iter().map(|of| Address::parse(of).unwrap()).collect();
            assert_eq!(count(&theirs, listening, &all, &shared), expected);
        };
        check(&[], &[], Open::Nowhere);
        check(&[socket("*:80", 1)], &[], Open::Count(2));
        // What waits there is taken by another worker.
        check(&[], &["*:80"], Open::Count(1));
        check(&[socket("/run/a.sock", 1)], &[], Open::Count(1));
        check(&[socket("*:81", 1)], &["udp:*:80"], Open::Count(0));
    }

    #[test]
    fn a_process_without_sockets_has_no_clients() {
        let shared = [Address::parse("*:80").unwrap()];
        let mut child = std::process::Command::new("sleep").arg("1000000").spawn().unwrap();
        let clients = [&shared[..], &[]].map(|shared| open(&[child.id()], shared));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(clients, [Open::Count(0), Open::Nowhere]);
    }

    #[test]
    fn what_the_kernel_tells_of_this_process_is_counted() {
        let me = [std::process::id()];
        let before = |open| if let Open::Count(count) = open { count } else { 0 };
        let path = std::env::temp_dir().join(format!("ostler-open-{}", me[0]));
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let unix = UnixListener::bind(&path).unwrap();
        let Open::Count(none) = open(&me, &[]) else { panic!("it listens") };
        let client = TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
        let waiting = before(open(&me, &[]));
        let accepted = tcp.accept().unwrap();
        let local = UnixStream::connect(&path).unwrap();
        let of_unix = unix.accept().unwrap();
        let all = before(open(&me, &[]));
        fs::remove_file(&path).unwrap();
        assert_eq!((waiting, all), (none + 1, none + 2));
        drop((client, accepted, local, of_unix));
    }
}
