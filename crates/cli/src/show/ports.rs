//! Where processes listen that open their ports themselves: the kernel's table of sockets that
//! listen, and which of them a process or its children have open.
//!
//! Ports of cluster workers are known to the daemon, which has them; these it never sees. Looking
//! costs some thirty microseconds a process, so above a number of processes nobody looks, and
//! whoever shows it says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};

use ostler_wire::control::ProcView;

/// The most processes that are looked at.
const MOST: usize = 100;
/// The most descendants of a process that are looked at.
const MOST_CHILDREN: usize = 64;

/// Notes where processes listen of which the daemon does not know it. Returns whether they were
/// looked at: a list may be too long for that.
pub(crate) fn note(processes: &mut [ProcView]) -> bool {
    let unknown = |process: &&mut ProcView| process.pid != 0 && process.listens.is_empty();
    if MOST < processes.iter_mut().filter(unknown).count() {
        return false;
    }
    let mut sockets: Option<BTreeMap<u64, String>> = None;
    for process in processes.iter_mut().filter(unknown) {
        let sockets = sockets.get_or_insert_with(listening);
        if sockets.is_empty() {
            break;
        }
        let mut found = BTreeSet::new();
        for pid in family(process.pid) {
            found.extend(open_sockets(pid).into_iter().filter_map(|inode| sockets.get(&inode)));
        }
        process.listens = found.into_iter().cloned().collect();
    }
    true
}

/// Returns a process and its descendants, parents first.
pub(crate) fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut at = 0;
    while let (Some(parent), true) = (all.get(at).copied(), all.len() < MOST_CHILDREN) {
        all.extend(children(parent));
        at += 1;
    }
    all
}

/// Returns the children of a process that its first thread started.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    // It has ended, or the kernel does not tell.
    let text = text.unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Returns the numbers of the sockets that a process has open.
fn open_sockets(pid: u32) -> Vec<u64> {
    // It has ended, or belongs to another user.
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let links = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let inode = |link: std::path::PathBuf| {
        let text = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
        text.parse().ok()
    };
    links.filter_map(inode).collect()
}

/// Returns every socket of TCP that listens: its number and its address.
fn listening() -> BTreeMap<u64, String> {
    let table = |name: &str| fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default();
    let mut all = parse(&table("tcp"));
    all.extend(parse(&table("tcp6")));
    all
}

/// Reads a table such as `/proc/net/tcp`.
fn parse(table: &str) -> BTreeMap<u64, String> {
    const LISTENS: &str = "0A";
    let row = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let local = fields.next()?;
        let state = fields.nth(1)?;
        let inode = fields.nth(5)?.parse().ok()?;
        (state == LISTENS).then(|| Some((inode, address(local)?)))?
    };
    table.lines().skip(1).filter_map(row).collect()
}

/// Reads an address in the kernel's way: words in the machine's order of bytes, in hexadecimal.
fn address(text: &str) -> Option<String> {
    let (host, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes: Vec<u8> = Vec::new();
    for word in host.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let host = if let Ok(v4) = <[u8; 4]>::try_from(bytes.as_slice()) {
        host_of_v4(Ipv4Addr::from(v4))
    } else {
        let v6 = Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?);
        match v6.to_ipv4_mapped() {
            Some(v4) => host_of_v4(v4),
            None if v6.is_unspecified() => "*".to_owned(),
            None => format!("[{v6}]"),
        }
    };
    Some(format!("{host}:{port}"))
}

fn host_of_v4(address: Ipv4Addr) -> String {
    if address.is_unspecified() { "*".to_owned() } else { address.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_that_listen_are_read_from_the_kernels_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   \
                     uid  timeout inode\n\
                     \x20  0: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000 \
                     0 0 4711 1 0000 100 0 0 10 0\n\
                     \x20  1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 \
                     0 0 4712 1 0000 100 0 0 10 0\n\
                     \x20  2: 0100007F:1F91 0100007F:0050 01 00000000:00000000 00:00000000 00000000 \
                     0 0 4713 1 0000 100 0 0 10 0\n\
                     garbage\n";
        let all: Vec<_> = parse(table).into_iter().collect();
        let expected = [(4711, "*:3000".to_owned()), (4712, "127.0.0.1:8080".to_owned())];
        assert_eq!(all, expected);
        let v6 = "00000000000000000000000001000000:0BB8";
        assert_eq!(address(v6).as_deref(), Some("[::1]:3000"));
        assert_eq!(address(&format!("{:0>32}:0050", "")).as_deref(), Some("*:80"));
        assert_eq!(address("0000000000000000FFFF00000100007F:0050").as_deref(), Some("127.0.0.1:80"));
    }

    #[test]
    fn a_process_that_listens_is_found_with_its_children() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut process = crate::view::sample::sample(0, "app");
        process.pid = std::process::id();
        let mut processes = [process];
        assert!(note(&mut processes));
        let address = listener.local_addr().unwrap().to_string();
        assert!(processes[0].listens.contains(&address), "{processes:?}");
        let mut many: Vec<_> = (0..101).map(|id| crate::view::sample::sample(id, "app")).collect();
        assert!(!note(&mut many));
    }
}
