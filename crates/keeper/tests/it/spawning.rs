//! What a program finds when it begins.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};

use ostler_keeper::proto::{ExitStatus, FromKeeper, Limits, SpawnSpec, SpawnStage, ToKeeper};

use crate::home::{Home, program, sh};

pub fn a_program_begins_writes_and_ends() {
    let mut home = Home::new();
    let (mut daemon, inventory) = home.served_daemon();
    assert_eq!((inventory.daemons, inventory.keeper), (1, home.pid()));
    assert!(inventory.runs.is_empty() && inventory.items.is_empty());

    let spec = SpawnSpec {
        want_out: true,
        want_err: true,
        cwd: b"/proc".to_vec(),
        ..sh(1, "pwd; echo bad >&2; exit 3")
    };
    let mut run = home.spawn(&mut daemon, spec);
    daemon.expect_exit(1, ExitStatus::Code(3));
    assert_eq!(run.output(), "/proc\n");
    assert_eq!(crate::home::read_all(run.fds.err.take().unwrap()), "bad\n");
}

pub fn a_repeated_spawn_starts_nothing() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let first = home.spawn_sh(&mut daemon, 1, "exec sleep 1000");
    let second = home.spawn_sh(&mut daemon, 1, "exec sleep 1000");
    assert_eq!(first.pid, second.pid);
    first.kill();
    daemon.expect_exit(1, ExitStatus::Signal(9, false));
    let third = home.spawn_sh(&mut daemon, 1, "exec sleep 1000");
    assert_eq!((first.pid, third.fds.pidfd.is_none()), (third.pid, true));
    daemon.expect_exit(1, ExitStatus::Signal(9, false));
}

pub fn a_program_gets_its_descriptors_and_no_other() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    for number in 1..5 {
        home.spawn_sh(&mut daemon, number, "exec sleep 1000");
    }
    let mut plain = home.spawn(&mut daemon, program(10, "fds"));
    assert_eq!(plain.output(), "[0, 1, 2]");
    daemon.expect_exit(10, ExitStatus::Code(0));
    let mut all =
        home.spawn(&mut daemon, SpawnSpec { want_err: true, want_ipc: true, ..program(11, "fds") });
    assert_eq!(all.output(), "[0, 1, 2, 3]");
}

pub fn signals_and_limits_are_as_before_the_keeper() {
    let mut home = Home::with(|command| {
        let exe = command.get_program().to_owned();
        let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        *command = std::process::Command::new("/bin/sh");
        command.args([
            "-c",
            "ulimit -Sn 333; ulimit -Hn 4000; trap '' HUP USR1 QUIT; exec \"$0\" \"$@\"",
        ]);
        command.arg(exe).args(args);
    });
    let (mut daemon, inventory) = home.served_daemon();
    assert_eq!(inventory.nofile, (333, 4000));
    let script = "ulimit -Sn; ulimit -Hn; exec grep -E '^Sig(Blk|Ign)' /proc/self/status";
    let mut run = home.spawn_sh(&mut daemon, 1, script);
    assert_eq!(run.output(), "333\n4000\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    let raised = std::fs::read_to_string(format!("/proc/{}/limits", home.pid())).unwrap();
    let files = raised.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().nth(3), Some("4000"), "{files}");
}

pub fn an_app_is_killed_as_easily_as_without_the_keeper() {
    // A score of this process's own can be lowered to 0 without a privilege, to -1000 with it.
    let mut home = Home::with(|command| {
        let exe = command.get_program().to_owned();
        let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        *command = std::process::Command::new("/bin/sh");
        command.args(["-c", "echo 321 >/proc/self/oom_score_adj; exec \"$0\" \"$@\""]);
        command.arg(exe).args(args);
    });
    let score = |pid: u32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap();
        text.trim().parse::<i32>().unwrap()
    };
    for _ in 0..2 {
        let (mut daemon, _) = home.served_daemon();
        let lowered = score(home.pid());
        assert!(lowered == -1000 || lowered == 0, "{lowered}");
        assert_eq!(score(daemon.pid), 321);
        let mut run = home.spawn_sh(&mut daemon, 1, "cat /proc/self/oom_score_adj");
        assert_eq!(run.output(), "321\n");
        daemon.expect_exit(1, ExitStatus::Code(0));
        daemon.send(&ToKeeper::Release { run: 1 });
        // The same after the keeper became another program, and after it could not.
        daemon.send(&ToKeeper::Upgrade { exe: b"/no/such".to_vec() });
        daemon.expect(&FromKeeper::UpgradeFailed { errno: libc::ENOENT });
        assert_eq!(score(home.pid()), lowered);
        let exe = std::env::current_exe().unwrap().into_os_string().into_encoded_bytes();
        daemon.send(&ToKeeper::Upgrade { exe });
        assert!(matches!(daemon.receive().0, FromKeeper::Welcome { .. }));
        assert_eq!(score(home.pid()), lowered);
        daemon.die();
    }
}

pub fn a_channel_reaches_the_program() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let spec = SpawnSpec {
        want_ipc: true,
        ..sh(1, "read line <&$NODE_CHANNEL_FD; echo got $line >&$NODE_CHANNEL_FD")
    };
    let run =
        home.spawn(&mut daemon, SpawnSpec { envp: vec![b"NODE_CHANNEL_FD=77".to_vec()], ..spec });
    let mut channel = UnixStream::from(run.fds.ipc.unwrap());
    channel.write_all(b"this\n").unwrap();
    // The program ends; the keeper holds no copy of its end, so we see that.
    daemon.expect_exit(1, ExitStatus::Code(0));
    let mut answer = String::new();
    channel.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "got this\n");
}

pub fn listening_sockets_are_passed_as_systemd_does() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let listen = |name: &str| UnixListener::bind(home.dir.path().join(name)).unwrap().into();
    let sockets = vec![listen("a"), listen("b")];
    let spec = SpawnSpec { want_ipc: true, ..program(1, "listen") };
    daemon.send_with(&ToKeeper::Spawn(spec), sockets);
    let mut run = home.spawned(&mut daemon, 1);
    assert_eq!(run.output(), "2 channel Ok(\"5\")");
    daemon.expect_exit(1, ExitStatus::Code(0));
}

pub fn failures_name_their_stage() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let file = home.dir.path().join("file");
    std::fs::write(&file, "no program").unwrap();
    let file = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        file.to_str().unwrap().as_bytes().to_vec()
    };
    let good = || sh(1, "exit 0");
    let mut check = |spec: SpawnSpec, stage, errno| {
        daemon.send(&ToKeeper::Spawn(spec));
        daemon.expect(&FromKeeper::SpawnFailed { run: 1, stage, errno });
    };
    check(SpawnSpec { program: b"/no/such".to_vec(), ..good() }, SpawnStage::Exec, libc::ENOENT);
    check(SpawnSpec { program: file(0o600), ..good() }, SpawnStage::Exec, libc::EACCES);
    check(SpawnSpec { program: file(0o700), ..good() }, SpawnStage::Exec, libc::ENOEXEC);
    check(SpawnSpec { cwd: b"/no/such".to_vec(), ..good() }, SpawnStage::Cwd, libc::ENOENT);
    check(
        SpawnSpec { cgroup: Some(b"/no/such".to_vec()), ..good() },
        SpawnStage::Cgroup,
        libc::ENOENT,
    );
    check(SpawnSpec { cwd: b"/a\0b".to_vec(), ..good() }, SpawnStage::Spec, libc::EINVAL);
    check(SpawnSpec { argv: vec![b"a\0b".to_vec()], ..good() }, SpawnStage::Spec, libc::EINVAL);
    // Nothing is remembered of them, and the number is free.
    home.spawn(&mut daemon, good());
    daemon.expect_exit(1, ExitStatus::Code(0));
}

pub fn a_program_becomes_another_user() {
    let root = rustix::process::geteuid().is_root();
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let spec = SpawnSpec {
        uid: Some(12345),
        gid: Some(54321),
        want_out: true,
        ..sh(1, "id -u; id -g; id -G")
    };
    if root {
        let mut run = home.spawn(&mut daemon, spec);
        assert_eq!(run.output(), "12345\n54321\n54321\n");
    } else {
        daemon.send(&ToKeeper::Spawn(spec));
        daemon.expect(&FromKeeper::SpawnFailed {
            run: 1,
            stage: SpawnStage::Gid,
            errno: libc::EPERM,
        });
    }
}

pub fn a_program_has_the_limits_that_were_asked_for_or_does_not_begin() {
    let mut home = Home::new();
    let (mut daemon, _) = home.served_daemon();
    let script = "ulimit -Sn; ulimit -Hn; nice; cat /proc/self/oom_score_adj";
    let limits = Limits { nofile: Some(345), nice: Some(6), oom_score: Some(123) };
    let mut run = home.spawn(&mut daemon, SpawnSpec { limits, want_out: true, ..sh(1, script) });
    assert_eq!(run.output(), "345\n345\n6\n123\n");
    daemon.expect_exit(1, ExitStatus::Code(0));
    // Above what even root may give.
    let limits = Limits { nofile: Some(1 << 40), ..Limits::default() };
    daemon.send(&ToKeeper::Spawn(SpawnSpec { limits, ..sh(2, "exit 0") }));
    daemon.expect(&FromKeeper::SpawnFailed {
        run: 2,
        stage: SpawnStage::Nofile,
        errno: libc::EPERM,
    });
    if !rustix::process::geteuid().is_root() {
        let limits = Limits { nice: Some(-1), ..Limits::default() };
        daemon.send(&ToKeeper::Spawn(SpawnSpec { limits, ..sh(3, "exit 0") }));
        let FromKeeper::SpawnFailed { run: 3, stage: SpawnStage::Nice, .. } = daemon.receive().0
        else {
            panic!("an ordinary user went ahead of others");
        };
    }
}
