//! Descriptors, memory and time.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use ostler_keeper::proto::{
    ExitStatus, FromKeeper, Preparation, RunFd, SpawnSpec, SpawnStage, ToKeeper,
};
use rustix::process::{Pid, Resource, Rlimit, Signal, pidfd_send_signal, prlimit};

use crate::home::{Home, open_pidfd, sh, wait_readable};

pub fn no_descriptor_is_left_after_many_runs() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let before = home.open_fds();
    for run in 1..=500 {
        let spec = SpawnSpec { want_out: true, want_err: true, want_ipc: true, ..sh(run, "") };
        match run % 5 {
            0 => {
                daemon.send(&ToKeeper::Spawn(SpawnSpec { program: b"/no/such".to_vec(), ..spec }));
                daemon.expect(&FromKeeper::SpawnFailed {
                    run,
                    stage: SpawnStage::Exec,
                    errno: libc::ENOENT,
                });
            }
            _ => {
                home.spawn(&mut daemon, SpawnSpec { program: b"/bin/true".to_vec(), ..spec });
                daemon.expect_exit(run, ExitStatus::Code(0));
                daemon.send(&ToKeeper::Release { run });
            }
        }
    }
    daemon.die();
    let (_daemon, inventory) = home.served_daemon();
    assert!(inventory.runs.is_empty());
    assert_eq!(home.open_fds(), before);
}

pub fn an_idle_run_costs_the_keeper_three_descriptors() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let before = home.open_fds();
    for run in 1..=20 {
        let spec = sh(run, "exec sleep 1000");
        home.spawn(
            &mut daemon,
            SpawnSpec { want_out: true, want_err: true, want_ipc: true, ..spec },
        );
    }
    daemon.die();
    let (_daemon, inventory) = home.served_daemon();
    assert!(inventory.runs.values().all(|(_, _, run)| run.fds.iter().count() == 4));
    assert_eq!(home.open_fds(), before + 3 * 20, "a pidfd is opened for who asks");
}

pub fn without_descriptors_spawns_fail_and_the_keeper_lives() {
    let mut home = Home::with(|command| {
        let exe = command.get_program().to_owned();
        let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        *command = std::process::Command::new("/bin/sh");
        command.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""]).arg(exe).args(args);
    });
    let (mut daemon, _) = home.served_daemon();
    let mut alive = 0;
    loop {
        let spec = SpawnSpec {
            want_out: true,
            want_err: true,
            want_ipc: true,
            ..sh(alive + 1, "exec sleep 1000")
        };
        daemon.send(&ToKeeper::Spawn(spec));
        match daemon.receive().0 {
            FromKeeper::Spawned { .. } => alive += 1,
            FromKeeper::SpawnFailed { stage, errno, .. } => {
                assert!(matches!(stage, SpawnStage::Fds | SpawnStage::Fork), "{stage:?}");
                assert_eq!(errno, libc::EMFILE);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(alive > 5, "{alive}");
    // Whatever is left goes too: what does not arrive is refused, and so noticed.
    for number in 0..20 {
        let put = ToKeeper::Put { name: number.to_string(), meta: vec![] };
        daemon.send_with(&put, vec![std::fs::File::open("/dev/null").unwrap().into()]);
    }
    assert!(daemon.expect_refusal().contains("limit of open files"));
    daemon.die();

    let (mut daemon, inventory) = home.served_daemon();
    assert_eq!(inventory.runs.len() as u64, alive);
    let (_, _, run) = &inventory.runs[&1];
    run.kill();
    daemon.expect_exit(1, ExitStatus::Signal(9, false));
    daemon.send(&ToKeeper::Release { run: 1 });
    home.spawn(&mut daemon, SpawnSpec { want_out: true, ..sh(100, "exec sleep 1000") });
}

pub fn a_hard_limit_that_was_lowered_under_the_keeper_holds_for_what_it_starts() {
    let mut home = Home::new();
    let (mut daemon, inventory) = home.served_daemon();
    assert!(inventory.nofile.1 > 70);
    let lowered = Rlimit { current: Some(70), maximum: Some(70) };
    prlimit(Some(Pid::from_child(&home.keeper)), Resource::Nofile, lowered).unwrap();
    // Without the right to raise it, asking for the old one ends in EPERM.
    let mut run = home.spawn_sh(&mut daemon, 1, "ulimit -Sn; ulimit -Hn");
    assert_eq!(run.output(), "70\n70\n");
    daemon.expect_exit(1, ExitStatus::Code(0));
}

pub fn without_memory_a_start_fails_and_the_keeper_lives() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let pid = Pid::from_child(&home.keeper);
    let limit = |bytes: Option<u64>| {
        let limits = Rlimit { current: bytes, maximum: None };
        prlimit(Some(pid), Resource::As, limits).unwrap();
    };
    let large = |run| SpawnSpec { envp: vec![vec![b'x'; 100 << 10]; 15], ..sh(run, "exit 3") };
    // Room for the frame, but not for its content as well.
    limit(Some((status_kib(home.pid(), "VmSize:") << 10) + (3 << 20)));
    daemon.send(&ToKeeper::Spawn(large(1)));
    let failed = FromKeeper::SpawnFailed { run: 1, stage: SpawnStage::Spec, errno: libc::ENOMEM };
    daemon.expect(&failed);
    home.spawn_sh(&mut daemon, 2, "exit 0");
    daemon.expect_exit(2, ExitStatus::Code(0));
    limit(None);
    home.spawn(&mut daemon, large(3));
    daemon.expect_exit(3, ExitStatus::Code(3));
}

pub fn a_daemon_that_does_not_read_costs_no_memory() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let unknown = b"\x03\0\0\0\x01\xc8\0".repeat(20_000);
    // The keeper stops to obey before its answers (a megabyte and more) fill the memory: then we
    // cannot write either.
    let mut written = 0;
    while let Ok(count) =
        rustix::net::send(&daemon.link, &unknown[written % 7..], rustix::net::SendFlags::DONTWAIT)
    {
        written += count;
        assert!(written < 20 << 20, "the keeper reads without end");
    }
    assert!(resident(home.pid()) < 16 << 10);
    // It goes on where it stopped as soon as it is read.
    for _ in 0..1000 {
        daemon.expect_refusal();
    }
    daemon.die();
    home.served_daemon();
}

/// Resident memory in KiB.
fn resident(pid: u32) -> u64 {
    status_kib(pid, "VmRSS:")
}

fn status_kib(pid: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

pub fn a_thousand_runs_fit_into_four_megabytes() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let before = resident(home.pid());
    for run in 1..=1000 {
        let spec = SpawnSpec {
            want_out: true,
            want_err: true,
            want_ipc: true,
            meta: vec![7; 200],
            ..sh(run, "")
        };
        let argv = vec![b"sleep".to_vec(), b"1000".to_vec()];
        daemon.send(&ToKeeper::Spawn(SpawnSpec { program: b"/bin/sleep".to_vec(), argv, ..spec }));
        // The story's own descriptors would not do for all of them.
        let (answer, fds) = daemon.receive();
        assert!(matches!(answer, FromKeeper::Spawned { .. }), "{answer:?}");
        drop(fds);
    }
    let after = resident(home.pid());
    println!("keeper: {before} KiB with no run, {after} KiB with 1000");
    if !cfg!(debug_assertions) {
        assert!(after < 4 << 10);
    }
    // An environment of two kilobytes each.
    let envp = vec![b"A_VARIABLE_OF_SOME_LENGTH=and its value, which is it too".to_vec(); 36];
    for after in 1..=1000 {
        let spec = SpawnSpec { envp: envp.clone(), ..sh(after + 1000, "") };
        let preparation =
            Preparation { after, not_after: u64::MAX, spec, ..Preparation::default() };
        daemon.send(&ToKeeper::Prepare(preparation));
    }
    daemon.send(&ToKeeper::CloseRunFd { run: 0, which: RunFd::Out });
    assert_eq!(daemon.expect_refusal(), "there is no such run");
    let prepared = resident(home.pid());
    println!("keeper: {prepared} KiB with 1000 prepared starts as well");
    if !cfg!(debug_assertions) {
        assert!(prepared < after + (4 << 10));
    }
    daemon.send(&ToKeeper::Hello { version: 1 });
    let mut runs = 0;
    loop {
        match daemon.receive() {
            (FromKeeper::Run { .. }, fds) => {
                runs += 1;
                pidfd_send_signal(&fds[0], Signal::KILL).unwrap();
            }
            (FromKeeper::InventoryEnd, _) => break,
            _ => {}
        }
    }
    assert_eq!(runs, 1000);
}

pub fn a_spawn_is_about_as_fast_as_can_be() {
    const ROUNDS: usize = 300;
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let spec = |run| SpawnSpec {
        program: b"/bin/true".to_vec(),
        argv: vec![b"true".to_vec()],
        want_out: true,
        want_err: true,
        want_ipc: true,
        ..sh(run, "")
    };
    let mut rounds = Vec::new();
    for run in 1..=ROUNDS as u64 {
        let begin = Instant::now();
        daemon.send(&ToKeeper::Spawn(spec(run)));
        while !matches!(daemon.receive().0, FromKeeper::Exited { .. }) {}
        rounds.push(begin.elapsed());
        daemon.send(&ToKeeper::Release { run });
    }
    let mut bare = Vec::new();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        // The library uses vfork and exec here.
        std::process::Command::new("/bin/true").status().unwrap();
        bare.push(begin.elapsed());
    }
    let (keeper, bare) = (median(rounds), median(bare));
    println!(
        "spawn to known exit of /bin/true, median: {keeper:?} through the keeper, {bare:?} with \
         posix_spawn and wait"
    );
    // A generous bound: the machine may be busy.
    assert!(keeper < bare * 4 + Duration::from_millis(2), "{keeper:?} {bare:?}");
    pidfd_send_signal(open_pidfd(home.pid()), Signal::KILL).unwrap();
    wait_readable(open_pidfd(home.pid()).as_fd());
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
