//! Where processes listen that open their ports themselves.
//!
//! Ports of cluster workers are known to the daemon, which has them; these it never sees. Looking
//! costs some fifty microseconds a process, so what was found is kept in a file of the home, by
//! which the next look passes over whoever cannot have changed. What cannot be seen is said to be
//! unknown, never that there is nothing.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ostler_client::Home;
use ostler_ports::{Address, Looks, Memory, Process, Sockets};
use ostler_wire::control::ProcView;

/// Stands among the addresses of a process that may have others, which cannot be seen.
pub const UNKNOWN: &str = "?";
/// From here on ports are given to sockets of UDP that asked for none: those of clients.
const EPHEMERAL: u16 = 32_768;
/// The most of the file that is read, bytes.
const MOST_KEPT: u64 = 4 << 20;

/// Notes where processes listen of which the daemon does not know it. `whole`: they are the whole
/// list, and what is found is kept for the next look.
pub fn note_ports(home: &Home, processes: &mut [ProcView], whole: bool) {
    let path = home.ports();
    let mut looks = None;
    let made = &mut looks;
    note_from(processes, move || {
        let sockets = Sockets::read(serves).ok();
        *made = sockets.map(|sockets| Looks::new(sockets, remembered(&path)));
        move |process| made.as_mut()?.of(process)
    });
    if let Some(news) = looks.and_then(Looks::news).filter(|_| whole) {
        // Where it cannot be written everybody is looked at again: that only takes longer.
        _ = remember(&home.ports(), &news);
    }
}

/// Notes it by a look that is prepared only when one is needed, and that may see nothing.
fn note_from<L: FnMut(Process) -> Option<Vec<Address>>>(
    processes: &mut [ProcView],
    prepare: impl FnOnce() -> L,
) {
    let wanted = |process: &&mut ProcView| process.pid != 0 && process.listens.is_empty();
    let mut wanted = processes.iter_mut().filter(wanted).peekable();
    if wanted.peek().is_none() {
        return;
    }
    let mut look = prepare();
    for process in wanted {
        process.listens = match look((process.pid, process.since)) {
            Some(addresses) => addresses.iter().map(Address::to_string).collect(),
            None => vec![UNKNOWN.to_owned()],
        };
    }
}

/// What an earlier look found. A file of somebody else's, or one that is none, tells nothing.
fn remembered(path: &Path) -> Memory {
    let read = || -> io::Result<String> {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let about = file.metadata()?;
        let mut text =
            String::with_capacity(usize::try_from(about.len().min(MOST_KEPT)).unwrap_or(0) + 1);
        if about.is_file() && about.uid() == rustix::process::geteuid().as_raw() {
            file.take(MOST_KEPT).read_to_string(&mut text)?;
        }
        Ok(text)
    };
    Memory::parse(&read().unwrap_or_default())
}

/// Keeps it for the next look, whole or not at all.
fn remember(path: &Path, memory: &Memory) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}", std::process::id()));
    let new = PathBuf::from(new);
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
    let written = made.and_then(|mut file| file.write_all(memory.text().as_bytes()));
    let kept = written.and_then(|()| fs::rename(&new, path));
    if kept.is_err() {
        _ = fs::remove_file(&new);
    }
    kept
}

fn serves(address: &Address) -> bool {
    !matches!(address, Address::Inet { udp: true, port, .. } if EPHEMERAL <= *port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::sample;

    /// One that is not there, in which nothing is kept.
    fn home() -> Home {
        Home::new("/dev/null/none")
    }

    fn running(id: u32, pid: u32) -> ProcView {
        ProcView { pid, ..sample(id, "app") }
    }

    #[test]
    fn a_process_that_listens_is_found_and_a_client_of_udp_serves_nobody() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut processes = [running(0, std::process::id())];
        note_ports(&home(), &mut processes, false);
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
        note_ports(&home(), &mut processes, false);
        drop(ours);
        shell.wait().unwrap();
        assert_eq!(processes[0].listens, [address]);
    }

    #[test]
    fn only_those_are_looked_at_that_run_and_of_which_nothing_is_known() {
        let mut worker = running(1, 11);
        worker.listens = vec!["*:3000".to_owned()];
        let mut known = [running(0, 0), worker.clone()];
        note_from(&mut known, || -> fn(Process) -> Option<Vec<Address>> { panic!("no look") });
        let mut some = [running(0, 0), worker, running(2, 12)];
        note_from(&mut some, || {
            |(pid, _)| {
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
        note_from(&mut many, || {
            |(pid, _)| (pid != 1300).then(|| vec![Address::parse("*:80").unwrap()])
        });
        let shown: Vec<&str> = many.iter().flat_map(|of| &of.listens).map(String::as_str).collect();
        assert_eq!(shown.len(), 500);
        assert_eq!(shown.iter().position(|of| *of == UNKNOWN), Some(300));
    }

    /// It took five milliseconds of a list of a hundred apps, each time.
    #[test]
    fn what_was_found_is_kept_for_the_next_look_and_a_port_opened_since_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        let first = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut processes = [running(0, std::process::id())];
        note_ports(&home, &mut processes, true);
        let kept = fs::read_to_string(home.ports()).unwrap();
        let looked = |pid: u32| kept.lines().any(|line| line.starts_with(&format!("{pid} ")));
        assert!(looked(std::process::id()), "{kept}");
        assert_ne!(remembered(&home.ports()), Memory::default());
        let second = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut processes = [running(0, std::process::id())];
        note_ports(&home, &mut processes, true);
        for listener in [first, second] {
            let address = listener.local_addr().unwrap().to_string();
            assert!(processes[0].listens.contains(&address), "{processes:?}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_a_link_or_a_pipe_is_not_read_and_nothing_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        let memory = "ostler-ports 1\n1 2 \n";
        fs::write(folder.path().join("other"), memory).unwrap();
        std::os::unix::fs::symlink(folder.path().join("other"), home.ports()).unwrap();
        assert_eq!(remembered(&home.ports()), Memory::default());
        fs::remove_file(home.ports()).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, home.ports(), mode).unwrap();
        assert_eq!(remembered(&home.ports()), Memory::default());
        fs::rename(folder.path().join("other"), home.ports()).unwrap();
        assert_eq!(remembered(&home.ports()), Memory::parse(memory));
    }
}
