//! Where processes listen that open their ports themselves.
//!
//! Ports of cluster workers are known to the daemon, which has them; these it never sees. Looking
//! costs some thirty microseconds a process, so of a very long list nobody looks, and whoever
//! shows it says so.

use std::fs;

use ostler_ports::{Address, Sockets};
use ostler_wire::control::ProcView;

/// The most processes that are looked at.
const MOST: usize = 100;
/// The most descendants of a process that are looked at.
const MOST_CHILDREN: usize = 64;
/// From here on ports are given to sockets of UDP that asked for none: those of clients.
const EPHEMERAL: u16 = 32_768;

/// Notes where processes listen of which the daemon does not know it. Returns whether they were
/// looked at: a list may be too long for that.
pub(crate) fn note(processes: &mut [ProcView]) -> bool {
    let unknown = |process: &&mut ProcView| process.pid != 0 && process.listens.is_empty();
    let count = processes.iter_mut().filter(unknown).count();
    if count == 0 || MOST < count {
        return count == 0;
    }
    // Where the tables cannot be read, nobody knows.
    let Ok(sockets) = Sockets::read() else { return false };
    for process in processes.iter_mut().filter(unknown) {
        let found = sockets.of(&family(process.pid)).into_iter().filter(|of| !is_clients(of));
        process.listens = found.map(|address| address.to_string()).collect();
    }
    true
}

fn is_clients(address: &Address) -> bool {
    matches!(address, Address::Inet { udp: true, port, .. } if EPHEMERAL <= *port)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample::sample;

    #[test]
    fn a_process_that_listens_is_found_and_a_long_list_is_left_alone() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut process = sample(0, "app");
        process.pid = std::process::id();
        let mut processes = [process];
        assert!(note(&mut processes));
        let address = listener.local_addr().unwrap().to_string();
        assert!(processes[0].listens.contains(&address), "{processes:?}");
        let mut many: Vec<_> = (0..101).map(|id| sample(id, "app")).collect();
        assert!(!note(&mut many));
    }
}
