//! Faults that must not bring keeper or daemon down.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ostler_testkit::{Victim, procs};

use crate::start_e2e::{SOON, both_kinds, one, sandbox, start_sh, wait_log, wait_one};

#[test]
fn a_hundred_first_commands_at_once_start_one_daemon() {
    let sandbox = sandbox();
    let begin = || {
        sandbox.command().arg("ping").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let all: Vec<Child> = (0..100).map(|_| begin()).collect();
    let mut started = 0;
    for child in all {
        let output = child.wait_with_output().unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "{said}");
        started += usize::from(said.contains("started the daemon in"));
    }
    assert_eq!(started, 1);
    let log = fs::read_to_string(sandbox.file("pm2.log")).unwrap();
    assert_eq!(log.matches("New daemon started").count(), 1, "{log}");
    assert_eq!(sandbox.pids().len(), 3, "a keeper, a daemon and its guard");
}

#[test]
fn a_peer_that_speaks_nonsense_is_cut_off_and_one_that_says_nothing_hurts_nobody() {
    let sandbox = sandbox();
    start_sh(&sandbox, "app", "exec sleep 1000000", &[]);
    let (daemon, keeper, app) =
        (sandbox.daemon_pid(), sandbox.keeper_pid(), sandbox.pids_of("app"));
    let connect = || {
        let stream = UnixStream::connect(sandbox.file("ostler.sock")).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream
    };
    let silent = connect();
    let mut half = connect();
    half.write_all(b"\0\0\0\x20Q{\"li").unwrap();
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\xff\xff\xff\xffQ",
        b"\0\0\0\0",
        b"\0\0\0\x05X1234",
        b"\0\0\0\x06Q{bad}",
        b"\0\0\0\x09Q\"unheard\"",
        b"\0\0\0\x03R[]",
    ] {
        let mut peer = connect();
        peer.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // Whoever is cut off in the middle of its bytes may see a reset instead of the end.
        let ended = peer.read_to_end(&mut answer);
        assert!(
            !matches!(&ended, Err(e) if e.kind() == std::io::ErrorKind::WouldBlock),
            "{bytes:?} is not cut off"
        );
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.contains("error") && answer.contains("message"),
            "{bytes:?} was answered {answer:?}"
        );
    }
    for _ in 0..100 {
        drop(connect());
    }
    assert_eq!(
        (sandbox.daemon_pid(), sandbox.keeper_pid(), sandbox.pids_of("app")),
        (daemon, keeper, app)
    );
    // Half a request may still become a whole one.
    half.write_all(&b"st\":null}".iter().copied().cycle().take(27).collect::<Vec<u8>>()).unwrap();
    drop(silent);
}

/// Sets the soft limit of open files of a process.
fn limit_files(pid: u32, soft: u64) {
    let done = Command::new("prlimit")
        .args(["--pid", &pid.to_string(), &format!("--nofile={soft}:")])
        .status();
    assert!(done.is_ok_and(|status| status.success()), "prlimit failed");
}

/// Leaves a process no more descriptors than it has now, and those that it closes.
fn limit_files_to_open(pid: u32) {
    let names = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let highest = names
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u64>().ok())
        .max()
        .unwrap();
    limit_files(pid, highest + 1);
}

#[test]
fn a_daemon_without_free_descriptors_answers_and_recovers() {
    for (kind, sandbox) in both_kinds() {
        start_sh(&sandbox, "app", "echo up\nexec sleep 1000000", &["--kill-timeout", "300"]);
        let daemon = sandbox.daemon_pid().unwrap();
        limit_files_to_open(daemon);
        // Many that connect and say nothing: each takes what is left, and gives way.
        let idle: Vec<UnixStream> =
            (0..64).map(|_| UnixStream::connect(sandbox.file("ostler.sock")).unwrap()).collect();
        for _ in 0..3 {
            assert_eq!(sandbox.statuses_of("app"), ["online"], "{kind}");
        }
        let app = sandbox.pids_of("app")[0];
        sandbox.ostler(["stop", "app"]).run();
        assert!(!procs::alive(app), "{kind}: `stop` says that it is done and is not");
        sandbox.write("more.sh", "echo up\nexec sleep 1000000");
        let start =
            |name| sandbox.ostler(["start", "more.sh", "--listen-timeout", "300", "--name", name]);
        let names = ["more-0", "more-1", "more-2", "more-3"];
        for name in names {
            // Either there was room for it, or the user is told that there was none.
            let said = start(name).any_code().run();
            assert!(said.code == 0 || said.err.contains("descriptors"), "{kind}: {}", said.err);
        }
        limit_files(daemon, 1024);
        // What was refused before anything of it began is not in the list.
        for name in names.iter().filter(|name| sandbox.statuses_of(name).is_empty()) {
            start(name).run();
        }
        sandbox.ostler(["restart", "all"]).run();
        sandbox.wait_list("five apps online", SOON, |list| {
            (list.len() == 5 && list.iter().all(|process| process["pm2_env"]["status"] == "online"))
                .then_some(())
        });
        assert_eq!(sandbox.daemon_pid(), Some(daemon), "{kind}");
        drop(idle);
    }
}

#[test]
fn a_keeper_without_free_descriptors_refuses_to_spawn_and_recovers() {
    let sandbox = sandbox();
    start_sh(&sandbox, "app", "exec sleep 1000000", &[]);
    let (keeper, app) = (sandbox.keeper_pid().unwrap(), sandbox.pids_of("app"));
    limit_files(keeper, 3);
    sandbox.write("more.sh", "exec sleep 1000000");
    let said = sandbox.ostler(["start", "more.sh"]).code(1).run();
    assert!(said.err.contains("out of file descriptors? see `ulimit -n`"), "{}", said.err);
    assert_eq!(one(&sandbox, "more")["pm2_env"]["status"], "errored");
    assert_eq!(sandbox.pids_of("app"), app);
    limit_files(keeper, 1024);
    sandbox.ostler(["restart", "all"]).run();
    assert_eq!(
        (sandbox.statuses_of("more"), sandbox.keeper_pid()),
        (vec!["online".to_owned()], Some(keeper))
    );
}

#[test]
fn an_app_that_floods_its_output_delays_nobody() {
    let sandbox = sandbox();
    sandbox.ostler(["ping"]).run();
    let before = sandbox.pace();
    let script = sandbox.victim("flood", Victim::Floods);
    sandbox.ostler(["start"]).arg(script).args(["--time"]).run();
    sandbox.wait_for("a megabyte", SOON, || {
        (1 << 20 < fs::metadata(sandbox.file("logs/flood-out.log")).ok()?.len()).then_some(())
    });
    let daemon = sandbox.daemon_pid().unwrap();
    let times: Vec<Duration> = (0..10)
        .map(|_| {
            let began = Instant::now();
            sandbox.ostler(["list"]).run();
            began.elapsed()
        })
        .collect();
    let best = *times.iter().min().unwrap();
    assert!(best < Duration::from_millis(500).max(before * 20), "{before:?} before, {times:?}");
    assert!(procs::resident_kib(daemon) < 64 << 10, "{} KiB", procs::resident_kib(daemon));
    sandbox.ostler(["delete", "flood"]).run();
}

#[test]
fn an_app_without_output_is_as_good_as_any() {
    let sandbox = sandbox();
    let script = sandbox.victim("mute", Victim::ClosesOutput);
    sandbox.ostler(["start"]).arg(&script).run();
    sandbox.ostler(["start"]).arg(&script).args(["--name", "mutes", "-i", "2"]).run();
    let pid = sandbox.pids_of("mute")[0];
    sandbox.wait_for("the keeper to hold its pipes no more", SOON, || {
        let open = |fd| {
            fs::read_link(format!("/proc/{pid}/fd/{fd}"))
                .is_ok_and(|to| to.to_string_lossy().starts_with("pipe:"))
        };
        (!open(1) && !open(2)).then_some(())
    });
    sandbox.ostler(["restart", "mute"]).run();
    sandbox.ostler(["stop", "all"]).run();
    wait_one(&sandbox, "mute", "stopped");
    sandbox.wait_status("mutes", "stopped", 2, SOON);
}

#[test]
fn garbage_on_the_channel_of_one_app_is_its_own_affair() {
    let mut sandbox = sandbox();
    let port = sandbox.port();
    sandbox.set_env("PORT", port.to_string());
    let garbage = sandbox.victim("garbage", Victim::GarbageOnIpc);
    let http = sandbox.victim("http", Victim::Http);
    sandbox.ostler(["start"]).arg(http).args(["-i", "2"]).run();
    sandbox.ostler(["start"]).arg(&garbage).run();
    sandbox.ostler(["start"]).arg(&garbage).args(["--name", "worker", "-i", "2"]).run();
    let raw = "import os\nos.write(int(os.environ['NODE_CHANNEL_FD']), b'\\xff{{{\\n' * 1000 + \
               b'x' * (3 << 20))\nprint('wrote')\nimport time\ntime.sleep(1e6)";
    sandbox.write("raw.py", raw);
    sandbox.ostler(["start", "raw.py"]).run();
    let (daemon, keeper) = (sandbox.daemon_pid(), sandbox.keeper_pid());
    wait_log(&sandbox, "garbage-out.log", "up");
    for id in 0..2 {
        wait_log(&sandbox, &format!("http-out-{id}.log"), "up");
    }
    sandbox.wait_status("worker", "online", 2, SOON);
    let answers = crate::start_e2e::answers(port, 10);
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert_eq!((sandbox.daemon_pid(), sandbox.keeper_pid()), (daemon, keeper));
    assert_eq!(sandbox.statuses_of("raw"), ["online"]);
    assert!(procs::resident_kib(daemon.unwrap()) < 64 << 10);
    sandbox.ostler(["stop", "all"]).run();
}

#[test]
fn an_end_by_signal_is_told_as_such() {
    let sandbox = sandbox();
    let script = sandbox.victim("segv", Victim::KillsItself { signal: "SEGV" });
    sandbox.ostler(["start"]).arg(script).arg("--no-autorestart").run();
    assert_eq!(wait_one(&sandbox, "segv", "stopped")["pm2_env"]["exit_signal"], "SIGSEGV");
}
