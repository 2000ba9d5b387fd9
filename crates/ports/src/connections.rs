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

/// Who keeps processes from being ended until somebody connects to what they share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Nobody has a connection to them.
    Nobody,
    /// Somebody has one.
    Somebody,
    /// They listen here by themselves, too: whoever comes there finds nobody when they have ended.
    Own(Address),
    /// It may not be seen, or there is too much of it.
    Hidden,
}

/// Looks whether anybody has a connection to these processes, which belong together and listen on
/// what they share.
#[must_use]
pub fn idle(pids: &[u32], shared: &[Address]) -> Idle {
    let Some(theirs) = sockets_of(pids) else { return Idle::Hidden };
    let look = || -> io::Result<Idle> {
        let own = own_of(&theirs)?;
        Ok(match (own.into_iter().next(), look_for(&theirs, &[], shared)?) {
            (Some(own), _) => Idle::Own(own.address),
            (None, Open::Count(1..)) => Idle::Somebody,
            (None, Open::Count(0) | Open::Nowhere) => Idle::Nobody,
            (None, Open::Hidden) => Idle::Hidden,
        })
    };
    look().unwrap_or(Idle::Hidden)
}

/// Counts the connections that clients have to these processes, which belong together. `shared`:
/// what they listen on without having the socket, which outlives them.
#[must_use]
pub fn open(pids: &[u32], shared: &[Address]) -> Open {
    let Some(theirs) = sockets_of(pids) else { return Open::Hidden };
    let look = || look_for(&theirs, &own_of(&theirs)?, shared);
    look().unwrap_or(Open::Hidden)
}

/// The sockets of these processes, if they may be seen.
fn sockets_of(pids: &[u32]) -> Option<BTreeSet<u64>> {
    let mut theirs = BTreeSet::new();
    for pid in pids {
        theirs.extend(sockets::sockets_of_few(*pid, MOST)?.into_keys());
    }
    Some(theirs)
}

/// Those of them that listen.
fn own_of(theirs: &BTreeSet<u64>) -> io::Result<Vec<Socket>> {
    let mut own = Vec::new();
    if !theirs.is_empty() {
        own = listening()?;
        own.extend(listening_unix()?);
        own.retain(|socket| theirs.contains(&socket.inode));
    }
    Ok(own)
}

/// Where the kernel does not tell quickly, nothing is told. `own`: those that listen.
fn look_for(theirs: &BTreeSet<u64>, own: &[Socket], shared: &[Address]) -> io::Result<Open> {
    // The connections of all are looked at only where theirs may be among them.
    if theirs.is_empty() || (own.is_empty() && shared.is_empty()) {
        return Ok(count(theirs, own, &[], shared));
    }
    let mut all = connected()?;
    let addresses = own.iter().map(|socket| &socket.address).chain(shared);
    if addresses.into_iter().any(|of| !matches!(of, Address::Inet { .. })) {
        all.extend(unix_connected(&String::from_utf8_lossy(&fs::read("/proc/net/unix")?)));
    }
    Ok(count(theirs, own, &all, shared))
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
    fn whoever_listens_by_itself_is_told_from_who_shares() {
        let own = TcpListener::bind("127.0.0.1:0").unwrap();
        let me = [std::process::id()];
        let elsewhere = [Address::parse("*:1").unwrap()];
        // Other tests of this process listen, too.
        assert!(matches!(idle(&me, &elsewhere), Idle::Own(_)));
        drop(own);
        assert_eq!(idle(&[], &elsewhere), Idle::Nobody, "it has no socket at all");
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
