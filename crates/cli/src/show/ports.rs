//! Where processes listen that open their ports themselves.
//!
//! Ports of cluster workers are known to the daemon, which has them; these it never sees. Looking
//! costs some fifteen microseconds a process and some two a descriptor, so it is done only for what
//! shows ports. What cannot be seen is said to be unknown, never that there is nothing.

use ostler_ports::{Address, Sockets};
use ostler_wire::control::ProcView;

/// Stands among the addresses of a process that may have others, which cannot be seen.
pub(crate) const UNKNOWN: &str = "?";
/// From here on ports are given to sockets of UDP that asked for none: those of clients.
const EPHEMERAL: u16 = 32_768;

/// Notes where processes listen of which the daemon does not know it.
pub(crate) fn note(processes: &mut [ProcView]) {
    note_from(processes, || {
        let sockets = Sockets::read(serves).ok();
        move |pid| sockets.as_ref()?.of_family(pid)
    });
}

/// Notes it by a look that is prepared only when one is needed, and that may see nothing.
fn note_from<L: Fn(u32) -> Option<Vec<Address>>>(
    processes: &mut [ProcView],
    prepare: impl FnOnce() -> L,
) {
    let wanted = |process: &&mut ProcView| process.pid != 0 && process.listens.is_empty();
    let mut wanted = processes.iter_mut().filter(wanted).peekable();
    if wanted.peek().is_none() {
        return;
    }
    let look = prepare();
    for process in wanted {
        process.listens = match look(process.pid) {
            Some(addresses) => addresses.iter().map(Address::to_string).collect(),
            None => vec![UNKNOWN.to_owned()],
        };
    }
}

fn serves(address: &Address) -> bool {
    !matches!(address, Address::Inet { udp: true, port, .. } if EPHEMERAL <= *port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample::sample;

    fn running(id: u32, pid: u32) -> ProcView {
        ProcView { pid, ..sample(id, "app") }
    }

    #[test]
    fn a_process_that_listens_is_found_and_a_client_of_udp_serves_nobody() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut processes = [running(0, std::process::id())];
        note(&mut processes);
        let address = listener.local_addr().unwrap().to_string();
        assert!(processes[0].listens.contains(&address), "{processes:?}");
        for (address, expected) in [("udp:*:53", true), ("udp:*:40000", false), ("*:40000", true)] {
            assert_eq!(serves(&Address::parse(address).unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn where_a_child_listens_is_where_its_process_does() {
        use std::io::Read as _;
        use std::os::fd::OwnedFd;
        use std::process::Command;

        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        // `cat` has the listener, the shell closes it. Both end when our end is closed.
        let script = "exec 3<&0 0</dev/null; cat <&1 >/dev/null & exec 3<&-; echo; wait";
        let mut shell = Command::new("sh")
            .args(["-c", script])
            .stdin(OwnedFd::from(listener))
            .stdout(OwnedFd::from(theirs))
            .spawn()
            .unwrap();
        ours.read_exact(&mut [0]).unwrap();
        let mut processes = [running(0, shell.id())];
        note(&mut processes);
        drop(ours);
        shell.wait().unwrap();
        assert_eq!(processes[0].listens, [address]);
    }

    #[test]
    fn only_those_are_looked_at_that_run_and_of_which_nothing_is_known() {
        let mut worker = running(1, 11);
        worker.listens = vec!["*:3000".to_owned()];
        let mut known = [running(0, 0), worker.clone()];
        note_from(&mut known, || -> fn(u32) -> Option<Vec<Address>> { panic!("no look") });
        let mut some = [running(0, 0), worker, running(2, 12)];
        note_from(&mut some, || {
            |pid| {
                assert_eq!(pid, 12);
                Some(vec![Address::parse("*:80").unwrap()])
            }
        });
        assert_eq!(
            some.map(|of| of.listens),
            [vec![], vec!["*:3000".to_owned()], vec!["*:80".to_owned()]]
        );
    }

    /// Of more than a hundred processes nobody looked, and a pipe and `--json` said nothing of it.
    #[test]
    fn every_process_of_a_long_list_is_looked_at_and_what_is_not_seen_is_said() {
        let mut many: Vec<_> = (0..500).map(|id| running(id, 1000 + id)).collect();
        note_from(&mut many, || |pid| (pid != 1300).then(|| vec![Address::parse("*:80").unwrap()]));
        let shown: Vec<&str> = many.iter().flat_map(|of| &of.listens).map(String::as_str).collect();
        assert_eq!(shown.len(), 500);
        assert_eq!(shown.iter().position(|of| *of == UNKNOWN), Some(300));
    }
}
