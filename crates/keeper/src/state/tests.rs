use std::os::fd::IntoRawFd as _;

use super::*;

/// Opens these numbers, as an earlier program leaves them.
fn leave_open(numbers: impl Iterator<Item = RawFd>) {
    let null: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    for number in numbers {
        let fd = rustix::io::fcntl_dupfd_cloexec(&null, number).unwrap();
        assert_eq!(fd.into_raw_fd(), number);
    }
}

fn raw(fd: Option<&Arc<OwnedFd>>) -> RawFd {
    fd.map_or(-1, AsRawFd::as_raw_fd)
}

/// The file was written by the keeper of commit 5c8a17d. It is never to be made anew.
#[test]
fn a_state_of_version_1_loads_for_ever() {
    leave_open(900..=910);
    let saved = load(include_bytes!("../../tests/states/version-1.bin")).unwrap();
    let config = &saved.config;
    assert_eq!(config.program, PathBuf::from("/opt/ostler/bin/ostler"));
    assert_eq!(
        (&config.daemon_args[..], config.home.to_str()),
        (&["daemon".into()][..], Some("/tmp"))
    );
    assert_eq!(config.daemon_env, [("OSTLER_HOME".into(), "/tmp".into())]);
    assert_eq!(config.log, Some("/tmp/keeper.log".into()));
    assert!(config.ready_fd.is_none());
    assert_eq!((saved.nofile, saved.daemons), ((1024, 4096), 3));
    assert_eq!((saved.stop_signal, saved.shutdown), (Some(15), false));

    let daemon = &saved.daemon;
    assert_eq!((daemon.pid, daemon.child, daemon.greeted), (4321, true, true));
    assert_eq!((daemon.link.as_raw_fd(), daemon.pidfd.as_raw_fd()), (900, 902));
    assert_eq!(daemon.leftover.input, b"half a frame");
    let (range, fds) = &daemon.leftover.batches[0];
    assert_eq!((range.clone(), fds[0].as_raw_fd()), (2..12, 901));

    let runs: Vec<_> = saved
        .runs
        .iter()
        .map(|(run, unreported, entry)| {
            let fds = &entry.fds;
            let fds = [&fds.pidfd, &fds.out, &fds.err, &fds.ipc].map(|fd| raw(fd.as_ref()));
            (*run, *unreported, entry.pid, entry.start_time, entry.liveness, fds)
        })
        .collect();
    let crashed = Liveness::Ended(ExitStatus::Signal(11, true));
    assert_eq!(
        runs,
        [
            (7, false, 77, 7777, Liveness::Child, [903, 904, 905, 906]),
            (8, false, 88, 8888, Liveness::Adopted, [907, -1, -1, -1]),
            (9, true, 99, 9999, crashed, [-1, 908, -1, -1]),
        ]
    );
    assert_eq!(saved.runs[0].2.meta, b"meta");
    let (name, meta, fd) = &saved.items[0];
    assert_eq!((name.as_str(), &meta[..], fd.as_raw_fd()), ("listener/1/80", &b"m"[..], 909));
    assert_eq!(saved.previous.map(|fd| fd.as_raw_fd()), Some(910));
}
