//! What outlives what.

use std::io::Write as _;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::process::Command;

use ostler_keeper::proto::{ExitStatus, FromKeeper, MAX_META, RunFd, ToKeeper, VERSION};
use rustix::process::{Signal, pidfd_send_signal};

use crate::home::{Daemon, Home, open_pidfd, sh, wait_readable};

const KILLED: ExitStatus = ExitStatus::Signal(9, false);

pub fn a_daemon_that_dies_before_hello_is_replaced() {
    let mut home = Home::new();
    let first = home.daemon();
    let pid = first.pid;
    first.die();
    let (second, inventory) = home.served_daemon();
    assert_ne!(second.pid, pid);
    assert_eq!(inventory.daemons, 2);
}

pub fn a_daemon_that_says_nothing_gives_way_to_one_of_another_program() {
    let mut home = Home::started_by(|dir| {
        // A program in whose place the keeper's own is taken.
        let mute = dir.join("mute");
        std::fs::write(&mute, "#!/bin/sh\nexec sleep 1000\n").unwrap();
        std::fs::set_permissions(&mute, std::fs::Permissions::from_mode(0o755)).unwrap();
        Command::new(std::env::current_exe().unwrap())
            .arg("keeper")
            .arg(dir)
            .arg("mute")
            .spawn()
            .unwrap()
    });
    let (_daemon, inventory) = home.served_daemon();
    assert_eq!(inventory.daemons, 2, "one that hangs is enough");
    let log = std::fs::read_to_string(home.dir.path().join("log")).unwrap();
    assert!(
        log.contains("no hello from the daemon") && log.contains("starting the next one from"),
        "{log}"
    );
}

pub fn a_daemon_that_answers_no_more_is_replaced_and_programs_live_on() {
    let mut home = Home::with(|command| _ = command.arg("asks"));
    let mut daemon = home.daemon();
    daemon.send(&ToKeeper::Hello { version: VERSION });
    daemon.inventory();
    let run = home.spawn_sh(&mut daemon, 1, "exec sleep 1000");
    for _ in 0..2 {
        daemon.expect(&FromKeeper::Ping);
        daemon.send(&ToKeeper::Pong);
    }
    // From now on it says nothing.
    let (mut next, inventory) = home.served_daemon();
    assert_eq!((inventory.daemons, inventory.runs.len()), (2, 1));
    assert!(inventory.runs.values().all(|(status, _, _)| status.is_none()), "it lives");
    let log = std::fs::read_to_string(home.dir.path().join("log")).unwrap();
    assert!(log.contains("no answer from the daemon"), "{log}");
    run.kill();
    next.expect_exit(1, KILLED);
}

pub fn only_the_first_daemon_is_asked_to_tell_that_it_is_ready() {
    let (read, write) = std::io::pipe().unwrap();
    rustix::io::fcntl_setfd(&write, rustix::io::FdFlags::empty()).unwrap();
    let mut home = Home::with(|command| {
        command.arg("ready").arg(write.as_raw_fd().to_string());
    });
    drop(write);
    home.served_daemon().0.die();
    home.served_daemon().0.die();
    // Nobody holds the other end any more, the keeper neither.
    assert_eq!(std::io::read_to_string(read).unwrap(), "ready");
}

pub fn a_daemon_that_dies_amid_the_inventory_is_replaced() {
    let mut home = Home::new();
    let (mut first, _) = home.served_daemon();
    for run in 1..=50 {
        home.spawn_sh(&mut first, run, "exec sleep 1000");
        first.send(&ToKeeper::SetRunMeta { run, meta: vec![run as u8; MAX_META] });
    }
    first.die();
    // Three megabytes of inventory do not fit into the socket: this one dies in the middle of it.
    let mut second = home.daemon();
    second.send(&ToKeeper::Hello { version: 1 });
    assert!(matches!(second.receive().0, FromKeeper::Welcome { .. }));
    assert!(matches!(second.receive().0, FromKeeper::Run { run: 1, .. }));
    second.die();

    let (_third, inventory) = home.served_daemon();
    assert_eq!(inventory.daemons, 3);
    assert_eq!(inventory.runs.keys().copied().collect::<Vec<_>>(), (1..=50).collect::<Vec<_>>());
    for (run, (status, meta, _)) in &inventory.runs {
        assert_eq!((status, meta.len(), meta[0]), (&None, MAX_META, *run as u8));
    }
}

pub fn an_end_between_two_daemons_is_told() {
    let mut home = Home::new();
    let (mut first, _) = home.served_daemon();
    let dies = home.spawn_sh(&mut first, 1, "echo last words; exec sleep 1000");
    let lives = home.spawn_sh(&mut first, 2, "echo alive; exec sleep 1000");
    lives.line();
    wait_readable(dies.fds.out.as_ref().unwrap().as_fd());
    // Both at once, and the daemon has read nothing of the output.
    pidfd_send_signal(&first.pidfd, Signal::STOP).unwrap();
    dies.kill();
    dies.wait();
    first.die();

    let (mut second, mut inventory) = home.served_daemon();
    let (status, _, mut run) = inventory.runs.remove(&1).unwrap();
    assert_eq!((status, run.pid, run.fds.pidfd.is_none()), (Some(KILLED), dies.pid, true));
    assert_eq!(run.output(), "last words\n");
    let (status, _, run) = inventory.runs.remove(&2).unwrap();
    assert_eq!(status, None);
    run.kill();
    second.expect_exit(2, KILLED);
}

pub fn an_end_is_told_to_every_daemon_until_released() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    home.spawn_sh(&mut daemon, 1, "exit 7");
    daemon.expect_exit(1, ExitStatus::Code(7));
    for _ in 0..2 {
        daemon.die();
        let (next, inventory) = home.served_daemon();
        assert_eq!(inventory.runs[&1].0, Some(ExitStatus::Code(7)));
        daemon = next;
    }
    daemon.send(&ToKeeper::Release { run: 1 });
    daemon.send(&ToKeeper::Release { run: 1 });
    daemon.die();
    let (_daemon, inventory) = home.served_daemon();
    assert!(inventory.runs.is_empty());
}

pub fn a_living_run_is_not_released() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let run = home.spawn_sh(&mut daemon, 1, "exec sleep 1000");
    daemon.send(&ToKeeper::Release { run: 1 });
    assert_eq!(daemon.expect_refusal(), "the run is alive");
    daemon.send(&ToKeeper::CloseRunFd { run: 1, which: RunFd::Out });
    daemon.send(&ToKeeper::CloseRunFd { run: 2, which: RunFd::Out });
    assert_eq!(daemon.expect_refusal(), "there is no such run");
    daemon.die();
    let (_daemon, inventory) = home.served_daemon();
    assert_eq!((inventory.runs[&1].2.pid, inventory.runs[&1].2.fds.out.is_none()), (run.pid, true));
}

pub fn requests_of_a_dead_daemon_are_obeyed() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let stopped = open_pidfd(home.pid());
    pidfd_send_signal(&stopped, Signal::STOP).unwrap();
    daemon.send(&ToKeeper::Spawn(sh(1, "exit 5")));
    daemon
        .link
        .send(&ToKeeper::Put { name: "null".to_owned(), meta: vec![] }, vec![null()])
        .unwrap();
    daemon.die();
    pidfd_send_signal(&stopped, Signal::CONT).unwrap();
    let (mut daemon, inventory) = home.served_daemon();
    assert!(inventory.items.contains_key("null"));
    match inventory.runs[&1].0 {
        Some(status) => assert_eq!(status, ExitStatus::Code(5)),
        None => daemon.expect_exit(1, ExitStatus::Code(5)),
    }
}

pub fn named_descriptors_outlive_the_daemon() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let put =
        |name: &str, meta: &[u8]| ToKeeper::Put { name: name.to_owned(), meta: meta.to_vec() };
    daemon.send_with(&put("listener/app", b"old"), vec![null()]);
    daemon.send_with(&put("listener/app", b"new"), vec![theirs.into()]);
    daemon.send_with(&put("gone", b""), vec![null()]);
    daemon.send(&ToKeeper::Del { name: "gone".to_owned() });
    daemon.send(&ToKeeper::Del { name: "never".to_owned() });
    daemon.send(&ToKeeper::SetMeta { name: "listener/app".to_owned(), meta: b"newest".to_vec() });
    daemon.send(&put("without", b""));
    assert!(daemon.expect_refusal().contains("descriptors"));
    daemon.send(&ToKeeper::SetMeta { name: "never".to_owned(), meta: vec![] });
    assert_eq!(daemon.expect_refusal(), "there is no descriptor of this name");
    daemon.die();

    let (_daemon, mut inventory) = home.served_daemon();
    assert_eq!(inventory.items.len(), 1);
    let (meta, fd) = inventory.items.remove("listener/app").unwrap();
    assert_eq!(meta, b"newest");
    ours.write_all(b"x").unwrap();
    wait_readable(fd.as_fd());
}

pub fn garbage_costs_the_daemon_its_life_and_nobody_else() {
    let mut home = Home::new();
    for garbage in [&b"\xff\xff\xff\xff"[..], b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\0"] {
        let (mut daemon, inventory) = home.served_daemon();
        if inventory.runs.is_empty() {
            home.spawn_sh(&mut daemon, 1, "exec sleep 1000");
        } else {
            assert_eq!(inventory.runs[&1].0, None);
        }
        rustix::io::write(&daemon.link, garbage).unwrap();
        wait_readable(daemon.pidfd.as_fd());
    }
    // Half a frame is no garbage as long as the rest may come.
    let (mut daemon, _) = home.served_daemon();
    rustix::io::write(&daemon.link, b"\x0c\0\0\0\x01\x04\0").unwrap();
    rustix::io::write(&daemon.link, b"\x01\0\0\0\0\0\0\0\0").unwrap();
    assert!(daemon.expect_refusal().contains("bytes follow"));
    rustix::io::write(&daemon.link, b"\x0b\0\0\0\x01\x04\0").unwrap();
    daemon.die();
    assert_eq!(home.served_daemon().1.runs[&1].0, None);
}

pub fn an_unknown_message_is_refused_and_the_next_one_obeyed() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    rustix::io::write(&daemon.link, b"\x05\0\0\0\x09\xc8\0xx").unwrap();
    assert!(daemon.expect_refusal().contains("unknown to protocol version 2"));
    // A newer Release, with more in it than this keeper knows.
    rustix::io::write(&daemon.link, b"\x0d\0\0\0\x09\x04\0\x01\0\0\0\0\0\0\0xx").unwrap();
    home.spawn_sh(&mut daemon, 1, "exit 0");
    daemon.expect_exit(1, ExitStatus::Code(0));
}

pub fn a_daemon_without_a_link_is_killed() {
    let mut home = Home::new();
    let (daemon, _) = home.served_daemon();
    // Both copies of its end are shut, its process lives.
    rustix::net::shutdown(&daemon.link, rustix::net::Shutdown::Both).unwrap();
    wait_readable(daemon.pidfd.as_fd());
    assert_eq!(home.served_daemon().1.daemons, 2);
}

pub fn after_shutdown_the_keeper_ends_and_programs_go_on() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let run = home.spawn_sh(&mut daemon, 1, "echo on; exec sleep 1000");
    run.line();
    daemon.send(&ToKeeper::Shutdown);
    daemon.die();
    assert_eq!(home.wait().code(), Some(0));
    assert!(std::path::Path::new(&format!("/proc/{}", run.pid)).exists());
}

pub fn a_signal_to_stop_reaches_each_daemon() {
    let mut home = Home::new();
    let (first, _) = home.served_daemon();
    pidfd_send_signal(open_pidfd(home.pid()), Signal::HUP).unwrap();
    pidfd_send_signal(open_pidfd(home.pid()), Signal::TERM).unwrap();
    // It has no handler: the signal kills it. The next one gets it as soon as it has said hello,
    // not before.
    wait_readable(first.pidfd.as_fd());
    for _ in 0..2 {
        let mut next: Daemon = home.daemon();
        next.send(&ToKeeper::Hello { version: 1 });
        wait_readable(next.pidfd.as_fd());
    }
    assert_eq!(home.wait().code(), Some(1), "no daemon obeys: the keeper ends nevertheless");
}

pub fn orphans_are_reaped() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let run =
        home.spawn_sh(&mut daemon, 1, "(echo $(exec sh -c 'echo $PPID'); exec sleep 1000) & ");
    daemon.expect_exit(1, ExitStatus::Code(0));
    let orphan: u32 = run.line().parse().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{orphan}/status")).unwrap();
    assert!(status.contains(&format!("PPid:\t{}\n", home.pid())), "{status}");
    let pidfd = open_pidfd(orphan);
    pidfd_send_signal(&pidfd, Signal::KILL).unwrap();
    wait_readable(pidfd.as_fd());
    // The keeper tells nothing of it, and goes on; once it has answered twice it has surely reaped.
    for run in 2..4 {
        home.spawn_sh(&mut daemon, run, "exit 0");
        daemon.expect_exit(run, ExitStatus::Code(0));
    }
    assert!(!std::path::Path::new(&format!("/proc/{orphan}")).exists());
}

fn null() -> OwnedFd {
    let file = std::fs::File::open("/dev/null").unwrap();
    assert!(file.as_raw_fd() > 2);
    file.into()
}
