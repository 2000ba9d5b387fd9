//! One keeper takes the place of another.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use ostler_keeper::link::{Link, pair};
use ostler_keeper::proto::{ExitStatus, FromKeeper, RunFds, SpawnSpec, ToKeeper, VERSION};
use rustix::process::{Signal, pidfd_send_signal};

use crate::home::{Daemon, Home, Run, open_pidfd, sh, wait_readable};
use crate::parts::start_adopting;

const KILLED: ExitStatus = ExitStatus::Signal(9, false);

fn upgrade() -> ToKeeper {
    ToKeeper::Upgrade {
        exe: std::env::current_exe().unwrap().into_os_string().into_encoded_bytes(),
    }
}

pub fn an_upgrade_keeps_process_children_and_descriptors() {
    let mut home = Home::new();
    let (mut daemon, before) = home.served_daemon();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let put = ToKeeper::Put { name: "pair".to_owned(), meta: b"m".to_vec() };
    daemon.send_with(&put, vec![theirs.into()]);
    let lives = home.spawn_sh(&mut daemon, 1, "exec sleep 1000");
    home.spawn_sh(&mut daemon, 2, "exit 4");
    daemon.expect_exit(2, ExitStatus::Code(4));
    let mut open = Vec::new();
    for _ in 0..3 {
        daemon.send(&upgrade());
        let expected = FromKeeper::Welcome {
            version: VERSION,
            pid: home.pid(),
            daemons: 1,
            nofile: before.nofile,
        };
        daemon.expect(&expected);
        open.push(home.open_fds());
    }
    assert_eq!(
        (open[1], open[2]),
        (open[0], open[0]),
        "each program leaves exactly what it was left"
    );

    // Still its children: it learns how this one ends, and of the daemon's death.
    lives.kill();
    daemon.expect_exit(1, ExitStatus::Signal(9, false));
    home.spawn_sh(&mut daemon, 3, "exit 9");
    daemon.expect_exit(3, ExitStatus::Code(9));
    daemon.die();
    let (mut daemon, inventory) = home.served_daemon();
    assert_eq!((inventory.keeper, inventory.daemons), (home.pid(), 2));
    let statuses: Vec<_> = inventory.runs.values().map(|(status, _, _)| status.unwrap()).collect();
    assert_eq!(statuses, [ExitStatus::Signal(9, false), ExitStatus::Code(4), ExitStatus::Code(9)]);
    let (meta, fd) = &inventory.items["pair"];
    assert_eq!(meta, b"m");
    rustix::io::write(fd, b"x").unwrap();
    wait_readable(ours.as_fd());
    let mut fds = home.spawn(&mut daemon, crate::home::program(4, "fds"));
    assert_eq!(
        fds.output(),
        "[0, 1, 2]",
        "what outlived an exec of ours does not outlive the next one"
    );
}

pub fn an_upgrade_to_nothing_changes_nothing() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let run = home.spawn_sh(&mut daemon, 1, "exec sleep 1000");
    daemon.send(&ToKeeper::Upgrade { exe: b"/no/such".to_vec() });
    daemon.expect(&FromKeeper::UpgradeFailed { errno: libc::ENOENT });
    daemon.send(&ToKeeper::Upgrade { exe: b"relative".to_vec() });
    daemon.expect(&FromKeeper::UpgradeFailed { errno: libc::EINVAL });
    let mut fds = home.spawn(&mut daemon, crate::home::program(2, "fds"));
    assert_eq!(fds.output(), "[0, 1, 2]");
    daemon.expect_exit(2, ExitStatus::Code(0));
    run.kill();
    daemon.expect_exit(1, ExitStatus::Signal(9, false));
}

pub fn requests_sent_after_an_upgrade_are_not_lost() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let stopped = open_pidfd(home.pid());
    pidfd_send_signal(&stopped, Signal::STOP).unwrap();
    let null = || std::fs::File::open("/dev/null").unwrap().into();
    daemon.send(&upgrade());
    daemon.send_with(&ToKeeper::Put { name: "a".to_owned(), meta: vec![] }, vec![null()]);
    daemon.send(&ToKeeper::Spawn(sh(1, "exit 3")));
    daemon.send_with(&ToKeeper::Put { name: "b".to_owned(), meta: vec![] }, vec![null()]);
    pidfd_send_signal(&stopped, Signal::CONT).unwrap();
    assert!(matches!(daemon.receive().0, FromKeeper::Welcome { .. }));
    home.spawned(&mut daemon, 1);
    daemon.expect_exit(1, ExitStatus::Code(3));
    daemon.die();
    let (_daemon, inventory) = home.served_daemon();
    assert_eq!(inventory.items.keys().collect::<Vec<_>>(), ["a", "b"]);
}

fn adopt(run: u64, run_of: &Run) -> ToKeeper {
    let fds = &run_of.fds;
    let (pid, start_time) = (run_of.pid, run_of.start_time);
    ToKeeper::Adopt { run, pid, start_time, meta: b"meta".to_vec(), mask: fds.mask(), status: None }
}

fn list(fds: &RunFds<std::os::fd::OwnedFd>) -> Vec<std::os::fd::OwnedFd> {
    fds.iter().map(|fd| fd.try_clone().unwrap()).collect()
}

/// The story itself is the daemon whose keeper died.
pub fn a_new_keeper_takes_over_from_a_dead_one() {
    let mut old = Home::new();
    let (mut daemon, _) = old.served_daemon();
    let spec =
        SpawnSpec { want_out: true, want_ipc: true, ..sh(1, "echo ready; read line <&3; exit 6") };
    let code = old.spawn(&mut daemon, spec);
    let lives = old.spawn_sh(&mut daemon, 2, "echo ready; exec sleep 1000");
    let early = old.spawn_sh(&mut daemon, 3, "exec sleep 1000");
    code.line();
    lives.line();
    old.keeper.kill().unwrap();
    old.wait();
    early.kill();
    early.wait();

    let (theirs, ours) = pair().unwrap();
    let mut home = Home::started_by(|dir| start_adopting(dir, &theirs));
    let mut link = Link::new(ours).unwrap();
    let hello = vec![
        (ToKeeper::Hello { version: 1 }, vec![]),
        (adopt(1, &code), list(&code.fds)),
        (adopt(1, &code), list(&code.fds)),
        (adopt(2, &lives), list(&lives.fds)),
        (adopt(3, &early), list(&early.fds)),
        (adopt(4, &Run { pid: 77, start_time: 1, fds: RunFds::default() }), vec![]),
    ];
    for (message, fds) in hello {
        link.send(&message, fds).unwrap();
    }
    let mut receive = || loop {
        match link.receive().unwrap() {
            Some((message, _)) => return message,
            None => wait_readable(link.as_fd()),
        }
    };
    let welcome =
        FromKeeper::Welcome { version: VERSION, pid: home.pid(), daemons: 0, nofile: (1000, 2000) };
    assert_eq!(receive(), welcome);

    lives.kill();
    rustix::io::write(code.fds.ipc.as_ref().unwrap(), b"end\n").unwrap();
    let (mut ended, mut refused) = (std::collections::BTreeMap::new(), 0);
    while ended.len() < 3 || refused == 0 {
        match receive() {
            FromKeeper::Exited { run, status, .. } => assert_eq!(ended.insert(run, status), None),
            FromKeeper::Refused { .. } => refused += 1,
            // Answers may come before it.
            FromKeeper::Run { .. } | FromKeeper::InventoryEnd => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, 1);
    for (run, status) in [(1, ExitStatus::Code(6)), (2, KILLED), (3, KILLED)] {
        assert!(
            ended[&run] == status || (!tells_statuses() && ended[&run] == ExitStatus::Unknown),
            "{ended:?}"
        );
    }
    home.keeper.kill().unwrap();
}

/// An older kernel does not tell a status when the parent was quicker to reap than we to look.
fn tells_statuses() -> bool {
    let uname = rustix::system::uname();
    let mut numbers = uname
        .release()
        .to_str()
        .unwrap()
        .split(['.', '-'])
        .map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap(), numbers.next().unwrap()) >= (6, 15)
}

pub fn a_keeper_started_by_a_daemon_starts_the_next_one() {
    // The foster is a daemon in a process of its own: it can die.
    let mut home = Home::started_by(|dir| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .arg("foster")
            .arg(dir)
            .spawn()
            .unwrap()
    });
    let (mut foster, inventory): (Daemon, _) = home.served_daemon();
    assert_eq!((inventory.daemons, inventory.nofile), (0, (1000, 2000)));
    let keeper = open_pidfd(inventory.keeper);
    let run: Run = home.spawn_sh(&mut foster, 1, "echo ready; exec sleep 1000");
    run.line();
    foster.send(&upgrade());
    assert!(matches!(foster.receive().0, FromKeeper::Welcome { daemons: 0, .. }));
    foster.die();

    let (mut next, inventory) = home.served_daemon();
    assert_eq!((inventory.daemons, inventory.runs[&1].2.pid), (1, run.pid));
    run.kill();
    next.expect_exit(1, ExitStatus::Signal(9, false));
    next.send(&ToKeeper::Shutdown);
    next.die();
    wait_readable(keeper.as_fd());
}
