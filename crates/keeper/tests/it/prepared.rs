//! Starts that are prepared for the end of a run: once or never, whoever dies.

use std::collections::BTreeSet;
use std::os::unix::net::UnixListener;

use ostler_keeper::proto::{ExitStatus, FromKeeper, Preparation, SpawnSpec, SpawnStage, ToKeeper};
use rustix::process::{Signal, pidfd_send_signal};

use crate::home::{Daemon, Home, Inventory, Run, open_pidfd, program, sh};

const KILLED: ExitStatus = ExitStatus::Signal(9, false);

/// A start that any end of the run sets off.
fn upon(after: u64, spec: SpawnSpec) -> Preparation {
    Preparation { after, not_before: 0, not_after: u64::MAX, except_codes: vec![], spec }
}

fn sleeper(run: u64) -> SpawnSpec {
    SpawnSpec { want_out: true, ..sh(run, "echo up; exec sleep 1000") }
}

fn prepare(daemon: &mut Daemon, preparation: Preparation) {
    daemon.send(&ToKeeper::Prepare(preparation));
    sync(daemon);
}

/// Waits until the keeper has obeyed everything.
fn sync(daemon: &mut Daemon) {
    daemon.send(&ToKeeper::SetMeta { name: "nothing".to_owned(), meta: vec![] });
    assert_eq!(daemon.expect_refusal(), "there is no descriptor of this name");
}

/// Waits for the end of a run and what was started upon it.
#[track_caller]
fn expect_next(home: &mut Home, daemon: &mut Daemon, run: u64, status: ExitStatus) -> Run {
    daemon.expect(&FromKeeper::Exited { run, status, next: Some(run + 1) });
    home.spawned(daemon, run + 1)
}

/// Lets the keeper see all of this at once.
fn at_once(home: &Home, happens: impl FnOnce()) {
    let keeper = open_pidfd(home.pid());
    pidfd_send_signal(&keeper, Signal::STOP).unwrap();
    happens();
    pidfd_send_signal(&keeper, Signal::CONT).unwrap();
}

pub fn a_prepared_run_begins_when_the_other_ends() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let mut run = home.spawn(&mut daemon, sleeper(1));
    for number in 1..5 {
        prepare(&mut daemon, upon(number, sh(77, "replaced by the next")));
        prepare(&mut daemon, upon(number, sleeper(number + 1)));
        run.line();
        run.kill();
        run = expect_next(&mut home, &mut daemon, number, KILLED);
    }
    run.line();
    run.kill();
    daemon.expect_exit(5, KILLED);
}

pub fn a_prepared_run_gets_what_a_spawned_one_gets() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let first = home.spawn(&mut daemon, sleeper(1));
    let listen = |name: &str| UnixListener::bind(home.dir.path().join(name)).unwrap().into();
    let sockets = vec![listen("a"), listen("b")];
    let spec = SpawnSpec { want_ipc: true, meta: b"meta".to_vec(), ..program(2, "listen") };
    daemon.send_with(&ToKeeper::Prepare(upon(1, spec)), sockets);
    sync(&mut daemon);
    first.kill();
    let mut next = expect_next(&mut home, &mut daemon, 1, KILLED);
    assert_eq!(next.output(), "2 channel Ok(\"5\")");
    daemon.expect_exit(2, ExitStatus::Code(0));
    let last = home.spawn(&mut daemon, sleeper(10));
    prepare(&mut daemon, upon(10, SpawnSpec { want_err: true, ..program(11, "fds") }));
    last.kill();
    assert_eq!(expect_next(&mut home, &mut daemon, 10, KILLED).output(), "[0, 1, 2]");
    daemon.die();
    let (_daemon, inventory) = home.served_daemon();
    assert_eq!((inventory.runs[&2].1.as_slice(), inventory.next[&1]), (&b"meta"[..], 2));
}

pub fn an_end_that_was_not_meant_starts_nothing_and_says_so() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let now = ostler_poll::now();
    let spec = |run| sh(run, "exit 3");
    let any = || upon(0, SpawnSpec::default());
    let cases = [
        (Preparation { except_codes: vec![0, 3], ..any() }, false),
        (Preparation { except_codes: vec![0, 4], ..any() }, true),
        (Preparation { not_after: now, ..any() }, false),
        (Preparation { not_before: now + 1_000_000, ..any() }, false),
        (Preparation { not_before: now, not_after: now + 1_000_000, ..any() }, true),
    ];
    for (number, (case, holds)) in (0..).step_by(2).zip(cases) {
        let channel = SpawnSpec { want_ipc: true, ..sh(number, "read line <&3; exit 3") };
        let run = home.spawn(&mut daemon, channel);
        let case = Preparation { after: number, spec: spec(number + 1), ..case };
        prepare(&mut daemon, case);
        rustix::io::write(run.fds.ipc.as_ref().unwrap(), b"\n").unwrap();
        let status = ExitStatus::Code(3);
        if holds {
            expect_next(&mut home, &mut daemon, number, status);
            daemon.expect_exit(number + 1, status);
        } else {
            daemon.expect_exit(number, status);
        }
    }
    // It is used up: the run that was dropped is nowhere.
    home.spawn(&mut daemon, sh(100, "exit 0"));
    daemon.expect_exit(100, ExitStatus::Code(0));
    daemon.die();
    assert!(!home.served_daemon().1.runs.contains_key(&1));
}

pub fn what_is_revoked_before_the_end_does_not_begin() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    for number in (1..20).step_by(2) {
        let run = home.spawn(&mut daemon, sleeper(number));
        prepare(&mut daemon, upon(number, sleeper(number + 1)));
        at_once(&home, || {
            daemon.send(&ToKeeper::Revoke { after: number });
            run.kill();
            run.wait();
        });
        daemon.expect_exit(number, KILLED);
    }
    daemon.send(&ToKeeper::Revoke { after: 1 });
    daemon.send(&ToKeeper::Revoke { after: 500 });
    home.spawn_sh(&mut daemon, 100, "exit 0");
    daemon.expect_exit(100, ExitStatus::Code(0));
}

pub fn what_cannot_be_prepared_is_refused_and_the_end_is_the_daemon_s() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let run = home.spawn(&mut daemon, sleeper(5));
    prepare(&mut daemon, upon(5, sleeper(6)));
    for spec in [sleeper(5), sleeper(4), SpawnSpec { cwd: b"/a\0b".to_vec(), ..sleeper(6) }] {
        daemon.send(&ToKeeper::Prepare(upon(5, spec)));
        daemon.expect_refusal();
    }
    run.kill();
    daemon.expect_exit(5, KILLED);
    // For an end that was seen already, or a run that nobody knows, there is nothing to prepare.
    prepare(&mut daemon, upon(5, sleeper(6)));
    prepare(&mut daemon, upon(77, sleeper(78)));
    home.spawn(&mut daemon, sleeper(6)).kill();
    daemon.expect_exit(6, KILLED);
}

pub fn a_prepared_run_that_cannot_begin_is_told_and_known() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let run = home.spawn(&mut daemon, sleeper(1));
    prepare(&mut daemon, upon(1, SpawnSpec { program: b"/no/such".to_vec(), ..sleeper(2) }));
    run.kill();
    daemon.expect(&FromKeeper::Exited { run: 1, status: KILLED, next: Some(2) });
    let (stage, errno) = (SpawnStage::Exec, libc::ENOENT);
    daemon.expect(&FromKeeper::SpawnFailed { run: 2, stage, errno });
    daemon.die();
    let (_daemon, inventory) = home.served_daemon();
    assert_eq!(inventory.next[&1], 2);
    assert!(!inventory.runs.contains_key(&2));
}

pub fn without_a_daemon_what_was_prepared_begins_and_the_next_daemon_drops_the_rest() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let (dies, lives) = (home.spawn(&mut daemon, sleeper(1)), home.spawn(&mut daemon, sleeper(3)));
    prepare(&mut daemon, upon(1, sleeper(2)));
    prepare(&mut daemon, upon(3, sleeper(4)));
    at_once(&home, || {
        daemon.die();
        dies.kill();
        dies.wait();
    });
    let (mut daemon, inventory) = home.served_daemon();
    assert_eq!((inventory.runs[&1].0, inventory.next[&1]), (Some(KILLED), 2));
    assert_eq!((inventory.runs[&2].0, inventory.runs[&2].2.line()), (None, "up".to_owned()));
    assert!(!inventory.runs.contains_key(&4));
    lives.kill();
    daemon.expect_exit(3, KILLED);
}

pub fn no_start_is_lost_or_doubled_when_daemons_are_killed() {
    let mut home = Home::new();
    let started = home.dir.path().join("started");
    let app = |run: u64| {
        let line = format!("echo {run} >>{}; exec sleep 1000", started.display());
        SpawnSpec { want_out: true, ..sh(run, &line) }
    };
    let (mut daemon, _) = home.served_daemon();
    let mut run = home.spawn(&mut daemon, app(0));
    for number in 0..60 {
        // The daemon is killed before, together with, or after the run, and has had it revoked, has
        // read the news, or not.
        let [revokes, first, reads] = [1, 2, 4].map(|bit| number & bit != 0);
        prepare(&mut daemon, upon(number, app(number + 1)));
        if revokes {
            daemon.send(&ToKeeper::Revoke { after: number });
        }
        if first {
            daemon.die();
            run.kill();
        } else {
            run.kill();
            if reads {
                assert!(
                    matches!(daemon.receive().0, FromKeeper::Exited { run, .. } if run == number)
                );
            }
            daemon.die();
        }
        let (next, mut inventory) = home.served_daemon();
        daemon = next;
        let begun = begun_upon(number, &inventory, &mut daemon);
        assert!(begun.is_none() || (!revokes && begun == Some(number + 1)), "{number}: {begun:?}");
        assert_eq!(inventory.runs.contains_key(&(number + 1)), begun.is_some());
        run = match inventory.runs.remove(&(number + 1)) {
            Some((status, _, run)) => {
                assert_eq!(status, None);
                run
            }
            None => home.spawn(&mut daemon, app(number + 1)),
        };
        daemon.send(&ToKeeper::Release { run: number });
    }
    run.kill();
    daemon.expect_exit(60, KILLED);
    let text = std::fs::read_to_string(&started).unwrap();
    let seen: Vec<u64> = text.lines().map(|line| line.parse().unwrap()).collect();
    let unique: BTreeSet<u64> = seen.iter().copied().collect();
    assert_eq!(unique.len(), seen.len(), "a run began twice: {seen:?}");
    assert!(unique.iter().all(|run| *run <= 60), "{seen:?}");
}

/// What a new daemon learns of the end of a run: from the inventory, or a moment later.
fn begun_upon(number: u64, inventory: &Inventory, daemon: &mut Daemon) -> Option<u64> {
    match inventory.runs[&number].0 {
        Some(status) => {
            assert_eq!(status, KILLED);
            inventory.next.get(&number).copied()
        }
        // It was seen after the hello, which drops what was prepared.
        None => match daemon.receive().0 {
            FromKeeper::Exited { run, next, .. } if run == number => next,
            other => panic!("{other:?}"),
        },
    }
}

pub fn an_upgrade_drops_what_was_prepared_and_keeps_what_was_started() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let run = home.spawn(&mut daemon, sleeper(1));
    prepare(&mut daemon, upon(1, sleeper(2)));
    run.kill();
    let run = expect_next(&mut home, &mut daemon, 1, KILLED);
    prepare(&mut daemon, upon(2, sleeper(3)));
    let exe = std::env::current_exe().unwrap().into_os_string().into_encoded_bytes();
    daemon.send(&ToKeeper::Upgrade { exe });
    assert!(matches!(daemon.receive().0, FromKeeper::Welcome { .. }));
    run.kill();
    daemon.expect_exit(2, KILLED);
    daemon.die();
    let (_daemon, inventory) = home.served_daemon();
    assert_eq!(inventory.next.into_iter().collect::<Vec<_>>(), [(1, 2)]);
}

pub fn nothing_begins_while_everything_is_to_stop() {
    for signal in [true, false] {
        let mut home = Home::new();
        let (mut daemon, _) = home.served_daemon();
        let run = home.spawn(&mut daemon, sleeper(1));
        prepare(&mut daemon, upon(1, sleeper(2)));
        if signal {
            // As systemd does it: the keeper and its programs are told together.
            at_once(&home, || {
                pidfd_send_signal(open_pidfd(home.pid()), Signal::TERM).unwrap();
                run.kill();
                run.wait();
            });
            let (_daemon, inventory) = home.served_daemon();
            assert_eq!(inventory.runs.keys().copied().collect::<Vec<_>>(), [1]);
        } else {
            daemon.send(&ToKeeper::Shutdown);
            run.kill();
            daemon.expect_exit(1, KILLED);
        }
    }
}
