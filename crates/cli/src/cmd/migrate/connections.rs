//! Which connections a process has been handed and has not closed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The kernel's number for a connection that is open in both directions.
const ESTABLISHED: &str = "01";

/// Counts the TCP connections at these ports of this machine that one of the processes has, which
/// are looked at in this order: one that goes from an earlier to a later one is not missed.
pub(super) fn of(pids: &[u32], ports: &BTreeSet<u16>) -> usize {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let inodes: BTreeSet<u64> = tables
        .iter()
        .flatten()
        .flat_map(|table| table.lines().skip(1))
        .filter_map(|line| established(line, ports))
        .collect();
    if inodes.is_empty() {
        return 0;
    }
    let sockets = pids.iter().filter_map(|pid| ostler_ports::sockets(*pid));
    sockets.flat_map(BTreeMap::into_keys).filter(|inode| inodes.contains(inode)).count()
}

/// Returns the inode of a line of the kernel's table that is a connection at one of the ports.
fn established(line: &str, ports: &BTreeSet<u16>) -> Option<u64> {
    let mut fields = line.split_ascii_whitespace();
    let (_, port) = fields.nth(1)?.rsplit_once(':')?;
    u16::from_str_radix(port, 16).ok().filter(|port| ports.contains(port))?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?.parse().ok()?;
    (state == ESTABLISHED).then_some(inode)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_counts_until_it_is_closed_and_only_at_its_port() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (here, ports) = ([std::process::id()], BTreeSet::from([port]));
        assert_eq!(of(&here, &ports), 0);
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (served, _) = listener.accept().unwrap();
        assert_eq!(of(&here, &ports), 1, "its other end is at another port");
        assert_eq!(of(&here, &BTreeSet::from([port.wrapping_add(1)])), 0);
        assert_eq!(of(&[], &ports), 0);
        drop(served);
        drop(client);
        assert_eq!(of(&here, &ports), 0);
    }
}
