//! The end of the manager itself.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use ostler_testkit::procs;

use crate::start_e2e::{SOON, sandbox, start_sh};

/// `kill` was over with its connection, which its processes and their hold on the home outlived.
#[test]
fn kill_returns_when_keeper_daemon_and_guard_are_gone() {
    let sandbox = sandbox();
    for _ in 0..3 {
        start_sh(&sandbox, "app", "exec sleep 1000000", &[]);
        let daemon = sandbox.daemon_pid().unwrap();
        let guard = sandbox.wait_for("the guard", SOON, || {
            let is_guard = |pid: &u32| {
                fs::read_to_string(format!("/proc/{pid}/comm"))
                    .is_ok_and(|name| name.trim() == "ostler-guard")
            };
            sandbox.pids().into_iter().find(is_guard)
        });
        let all = [sandbox.keeper_pid().unwrap(), daemon, guard];
        sandbox.ostler(["kill"]).run();
        for pid in all {
            assert!(!procs::alive(pid), "{}", procs::describe(pid));
        }
    }
}

/// So much was said to the keeper that its socket was full, and the word to go was left unsaid:
/// another daemon began.
#[test]
fn kill_of_very_many_apps_is_the_end_of_the_keeper_too() {
    let sandbox = sandbox();
    let app = |n: u32| {
        let name = format!("a{n}");
        let script = "/bin/sleep";
        serde_json::json!({"name": name, "script": script, "args": "1000", "interpreter": "none"})
    };
    let apps: Vec<serde_json::Value> = (0..800).map(app).collect();
    let file = sandbox.write("many.json", serde_json::json!({ "apps": apps }).to_string());
    sandbox.ostler(["start"]).arg(file).limit(Duration::from_secs(60)).run();
    let keeper = sandbox.keeper_pid().unwrap();
    sandbox.ostler(["kill"]).limit(Duration::from_secs(60)).run();
    assert!(!procs::alive(keeper), "the keeper goes on");
    assert_eq!(sandbox.pids(), Default::default());
}

/// Nobody but root ends what has become root's: the manager waited for it for ever.
#[test]
fn what_has_become_another_user_is_named_and_the_manager_goes_without_it() {
    if !rustix::process::geteuid().is_root() {
        return; // Only root can make a program that becomes another user.
    }
    let sandbox = sandbox();
    let install = |from: &str, to: &str, mode: &str| {
        let to = sandbox.work().join(to);
        let status = Command::new("install").args(["-m", mode, from]).arg(&to).status();
        assert!(status.is_ok_and(|status| status.success()));
        to
    };
    let ostler = install(env!("CARGO_BIN_EXE_ostler"), "ostler", "755");
    let setpriv = install("/usr/bin/setpriv", "become", "4755");
    let open = |path: &std::path::Path| {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
    };
    fs::create_dir_all(sandbox.home()).unwrap();
    [sandbox.root(), &sandbox.work(), &sandbox.home()].into_iter().for_each(open);
    let app = format!(
        "#!/bin/sh\nexec {} --reuid=0 --regid=0 --clear-groups sleep 1000000\n",
        setpriv.display()
    );
    let app = sandbox.write_executable("app.sh", app);
    let as_nobody = |args: &[&str]| {
        let mut command = sandbox.command_of("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&ostler);
        command.args(args).output().unwrap()
    };
    let started = as_nobody(&["start", app.to_str().unwrap()]);
    assert!(started.status.success(), "{started:?}");
    let pid = sandbox.wait_for("root's process", SOON, || {
        let is_it = |pid: &u32| procs::args(*pid).first().is_some_and(|arg| arg == "sleep");
        sandbox.pids().into_iter().find(is_it)
    });
    let named = format!("pid {pid} runs as root (uid 0) and may not be signalled");
    for command in [&["stop", "app"], &["kill"][..]] {
        let output = as_nobody(command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(&named), "{command:?}: {said}");
    }
    assert_eq!(sandbox.pids(), [pid].into(), "the manager stays");
    procs::signal(pid, procs::Signal::KILL);
    assert!(ostler_testkit::wait_exit(pid, SOON));
}

/// The guard of a daemon that had been killed was nobody's, and outlived the manager.
#[test]
fn kill_right_after_the_daemon_was_killed_leaves_no_guard() {
    let sandbox = sandbox();
    for _ in 0..5 {
        start_sh(&sandbox, "app", "exec sleep 1000000", &[]);
        procs::signal(sandbox.daemon_pid().unwrap(), procs::Signal::KILL);
        sandbox.ostler(["kill"]).run();
        assert_eq!(sandbox.pids(), Default::default());
    }
}

/// It was made empty, and written then.
#[test]
fn the_pid_file_of_the_manager_is_read_whole_at_any_time() {
    let sandbox = sandbox();
    sandbox.ostler(["ping"]).run();
    let path = sandbox.file("pm2.pid");
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut read = 0;
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                let text = fs::read_to_string(&path).unwrap();
                assert!(text.parse::<u32>().is_ok(), "{text:?}");
                read += 1;
            }
            read
        });
        for _ in 0..10 {
            crate::takeover::kill_daemon(&sandbox);
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(reader.join().is_ok_and(|read| 10 < read), "a read was not whole");
    });
}

/// `kill` counted what had been stopped before, and two at once were an error of one.
#[test]
fn kill_counts_what_it_stops_and_two_at_once_are_no_error() {
    let sandbox = sandbox();
    start_sh(&sandbox, "up", "exec sleep 1000000", &[]);
    start_sh(&sandbox, "down", "exec sleep 1000000", &[]);
    sandbox.ostler(["stop", "down"]).run();
    let kill = || {
        let mut command = sandbox.command();
        command.arg0("ostler").arg("kill").stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let said = [kill(), kill()].map(|one| {
        let output = one.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    });
    for said in &said {
        let one = said.starts_with("stopped 1 process and the daemon in ");
        let none = said.starts_with("stopped the daemon in ");
        assert!(one || none || said.starts_with("no daemon runs in "), "{said}");
    }
    assert!(said.iter().any(|said| said.starts_with("stopped 1 process and ")), "{said:?}");
}
