//! Files of the home are deleted, moved or replaced while the manager runs.

use std::fs;
use std::os::unix::net::UnixListener;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, Victim, wait_exit};

use crate::start_e2e::{SOON, both_kinds, sandbox};
use crate::takeover::{kill_daemon, lives};

/// What somebody does to a home, with a word for messages.
type Deed = (&'static str, fn(&Sandbox));

fn remove(sandbox: &Sandbox, name: &str) {
    fs::remove_file(sandbox.file(name)).unwrap();
}

const DEEDS: [Deed; 9] = [
    ("the socket is deleted", |sandbox| remove(sandbox, "ostler.sock")),
    ("a plain file is in its place", |sandbox| {
        let other = sandbox.write("other", "");
        fs::rename(other, sandbox.file("ostler.sock")).unwrap();
    }),
    ("a stale socket is in its place", |sandbox| {
        let other = sandbox.work().join("stale");
        drop(UnixListener::bind(&other).unwrap());
        fs::rename(other, sandbox.file("ostler.sock")).unwrap();
    }),
    ("the lock is deleted", |sandbox| remove(sandbox, "ostler.lock")),
    ("the number of the daemon is deleted", |sandbox| remove(sandbox, "pm2.pid")),
    ("the log is deleted", |sandbox| remove(sandbox, "pm2.log")),
    ("a folder is deleted", |sandbox| fs::remove_dir_all(sandbox.file("pids")).unwrap()),
    ("the home is deleted", |sandbox| {
        // As `rm -rf` does it: what the daemon makes meanwhile is deleted as well.
        while fs::remove_dir_all(sandbox.home()).is_err() {}
    }),
    ("the home is moved", |sandbox| {
        fs::rename(sandbox.home(), sandbox.root().join("moved")).unwrap();
    }),
];

#[test]
fn what_is_missing_in_the_home_is_made_again_and_the_manager_stays_the_same() {
    for (deed, act) in DEEDS {
        let sandbox = sandbox();
        let app = sandbox.victim("app", Victim::Sleeper);
        sandbox.ostler(["start"]).arg(app).run();
        let (before, parts) = (lives(&sandbox), sandbox.pids());
        let daemon = sandbox.daemon_pid().unwrap();
        act(&sandbox);
        assert_eq!(lives(&sandbox), before, "{deed}");
        assert_eq!(sandbox.pids(), parts, "{deed}: another manager was started");
        let files = ["ostler.sock", "ostler.lock", "ostler.state", "ostler.mark", "ostler.starts"];
        for name in files.into_iter().chain(["pm2.log", "pids/app-0.pid", "logs"]) {
            sandbox.wait_for(format_args!("{deed}: `{name}`"), SOON, || {
                sandbox.file(name).exists().then_some(())
            });
        }
        sandbox.wait_for("the number of the daemon", SOON, || {
            (sandbox.daemon_pid() == Some(daemon)).then_some(())
        });
        // The next daemon finds all of it.
        kill_daemon(&sandbox);
        assert_eq!(lives(&sandbox), before, "{deed}");
        sandbox.ostler(["kill"]).run();
        assert_eq!(sandbox.pids(), Default::default(), "{deed}");
    }
}

#[test]
fn that_the_socket_was_gone_is_said_in_the_log() {
    let sandbox = sandbox();
    sandbox.ostler(["ping"]).run();
    remove(&sandbox, "ostler.sock");
    sandbox.wait_file("pm2.log", SOON, |text| {
        text.contains("ostler.sock` was gone: bound anew").then_some(())
    });
}

#[test]
fn a_home_that_was_deleted_while_there_was_no_daemon_is_made_again_by_the_next() {
    for (kind, sandbox) in both_kinds() {
        let app = sandbox.victim("app", Victim::Sleeper);
        sandbox.ostler(["start"]).arg(app).run();
        let (keeper, daemon) = (sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap());
        // The keeper starts no daemon while it is stopped.
        procs::signal(keeper, Signal::STOP);
        procs::signal(daemon, Signal::KILL);
        assert!(wait_exit(daemon, SOON));
        fs::remove_dir_all(sandbox.home()).unwrap();
        procs::signal(keeper, Signal::CONT);
        sandbox.wait_for("a daemon", SOON, || sandbox.daemon_pid());
        assert_eq!(sandbox.keeper_pid(), Some(keeper), "{kind}");
        sandbox.ostler(["ping"]).run();
        sandbox.ostler(["kill"]).run();
        assert_eq!(sandbox.pids(), Default::default(), "{kind}");
    }
}

#[test]
fn a_manager_that_makes_no_socket_is_neither_doubled_nor_said_to_be_gone() {
    let sandbox = sandbox();
    let app = sandbox.victim("app", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(app).run();
    let (before, parts) = (lives(&sandbox), sandbox.pids());
    let (keeper, daemon) = (sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap());
    // A keeper that runs replaces a daemon that hangs.
    for pid in [keeper, daemon] {
        procs::signal(pid, Signal::STOP);
    }
    remove(&sandbox, "ostler.sock");
    for words in [&["list"][..], &["stop", "all"], &["kill"]] {
        let said = sandbox.ostler(words.iter().copied()).code(1).run();
        assert!(said.err.contains(&format!("process {daemon} manages")), "{words:?}: {}", said.err);
        assert_eq!(sandbox.pids(), parts, "{words:?}");
    }
    for pid in [daemon, keeper] {
        procs::signal(pid, Signal::CONT);
    }
    assert_eq!(lives(&sandbox), before);
    sandbox.ostler(["kill"]).run();
    assert_eq!(sandbox.pids(), Default::default());
}

#[test]
fn in_a_home_that_was_moved_under_its_manager_no_second_one_starts() {
    for (kind, mut sandbox) in both_kinds() {
        let app = sandbox.victim("app", Victim::Sleeper);
        sandbox.ostler(["start"]).arg(app).run();
        let (before, parts) = (lives(&sandbox), sandbox.pids());
        let (home, moved) = (sandbox.home(), sandbox.root().join("moved"));
        fs::rename(&home, &moved).unwrap();
        sandbox.wait_for("a home in its place", SOON, || {
            home.join("ostler.sock").exists().then_some(())
        });
        sandbox.set_env("OSTLER_HOME", &moved);
        // As long as the sockets for PM2's clients were not made anew, those in the moved home
        // answer.
        sandbox.wait_for(format_args!("{kind}: the home is taken"), SOON, || {
            let said = sandbox.ostler(["list"]).code(1).run();
            said.err.contains("another daemon has the home").then_some(())
        });
        sandbox.set_env("OSTLER_HOME", &home);
        sandbox.wait_for(format_args!("{kind}: the end of the second keeper"), SOON, || {
            (sandbox.pids() == parts).then_some(())
        });
        assert_eq!(lives(&sandbox), before, "{kind}");
        // Also a successor has the lock of the home that was moved.
        kill_daemon(&sandbox);
        sandbox.set_env("OSTLER_HOME", &moved);
        sandbox.ostler(["list"]).code(1).run();
        sandbox.set_env("OSTLER_HOME", &home);
        assert_eq!(lives(&sandbox), before, "{kind}");
    }
}

#[test]
fn a_copy_of_a_running_home_touches_nothing_of_the_original() {
    for (kind, sandbox) in both_kinds() {
        let script = sandbox.victim("idle", Victim::Sleeper);
        sandbox.ostler(["start"]).arg(&script).run();
        let before = sandbox.pids_of("idle");
        for without_mark in [false, true] {
            let copy = sandbox.root().join(format!("copy-{without_mark}"));
            let mut command = sandbox.command_of("cp");
            command.arg("-a").arg(sandbox.home()).arg(&copy);
            assert!(command.status().unwrap().success());
            // Sockets and locks of the original lie there, and nobody is at them.
            if without_mark {
                fs::remove_file(copy.join("ostler.mark")).unwrap();
            }
            let list = sandbox.ostler(["jlist"]).env("OSTLER_HOME", &copy).run().out;
            assert!(list.trim_end().ends_with("[]"), "{kind}: {list}");
            sandbox.ostler(["kill"]).env("OSTLER_HOME", &copy).run();
            assert_eq!(sandbox.pids_of("idle"), before, "{kind}, without mark: {without_mark}");
        }
    }
}

#[test]
fn who_deletes_a_home_in_use_is_not_disturbed_and_the_saved_list_comes_back() {
    let sandbox = sandbox();
    let app = sandbox.victim("app", Victim::Sleeper);
    let talks = sandbox.victim("talks", Victim::Lines { every: 1, count: 1_000_000 });
    sandbox.ostler(["start"]).arg(app).run();
    sandbox.ostler(["start"]).arg(talks).run();
    // A Node that begins reads a file in the home.
    sandbox.wait_file("logs/talks-out.log", SOON, |text| text.contains("line").then_some(()));
    sandbox.ostler(["save"]).run();
    let saved = fs::read_to_string(sandbox.file("dump.pm2")).unwrap();
    let before = lives(&sandbox);
    let mut remove = sandbox.command_of("rm");
    let removed = remove.arg("-rf").arg(sandbox.home()).output().unwrap();
    assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    sandbox.wait_file("dump.pm2", SOON, |text| (text == saved).then_some(()));
    assert_eq!(lives(&sandbox), before);
    sandbox.wait_file("logs/talks-out.log", SOON, |text| text.contains("line").then_some(()));
    // Taken away for itself, it stays away, also when the home is deleted later.
    remove_and_wait(&sandbox);
    let removed = sandbox.command_of("rm").arg("-rf").arg(sandbox.home()).status().unwrap();
    assert!(removed.success());
    sandbox.wait_for("a home", SOON, || sandbox.file("ostler.state").exists().then_some(()));
    assert!(!sandbox.file("dump.pm2").exists());
}

/// Deletes the saved list, and waits until the daemon has made again what else was deleted.
fn remove_and_wait(sandbox: &Sandbox) {
    fs::remove_file(sandbox.file("dump.pm2")).unwrap();
    fs::remove_dir_all(sandbox.file("pids")).unwrap();
    sandbox.wait_for("a folder", SOON, || sandbox.file("pids").exists().then_some(()));
    // It answers this when it has done the rest, and the log files are open again.
    sandbox.ostler(["flush"]).run();
}

/// `pm2 kill` with both variables set killed everything in the home of `OSTLER_HOME`.
#[test]
fn under_the_name_pm2_pm2_home_wins_and_an_app_reaches_its_manager_by_both_names() {
    use std::os::unix::process::CommandExt as _;
    let sandbox = sandbox();
    sandbox.ostler(["start"]).arg(sandbox.victim("ours", Victim::Sleeper)).run();
    let theirs = sandbox.root().join("p");
    let called = |name: &str, args: &[&str]| {
        let mut command = sandbox.command();
        command.arg0(name).args(args).env("PM2_HOME", &theirs);
        ostler_testkit::run::finish(command, &[], SOON).success().out
    };
    let program = env!("CARGO_BIN_EXE_ostler");
    let script = format!(
        "for name in pm2 ostler; do (exec -a $name {program} pid asks); done > got.new\n\
         echo \"$OSTLER_HOME $PM2_HOME\" >> got.new; mv got.new got; exec sleep 1000000\n"
    );
    let script = sandbox.write("asks.sh", script);
    let script = script.to_str().unwrap();
    let homes = |home: &std::path::Path| format!("{0} {0}", home.display());
    // Where the shell has both variables, each name means its own.
    called("pm2", &["start", script, "--interpreter", "bash"]);
    let pid = called("pm2", &["pid", "asks"]);
    let got = || {
        let text = fs::read_to_string(sandbox.work().join("got")).ok()?;
        Some(text.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let asked = sandbox.wait_for("what the app was told", SOON, got);
    assert_eq!(asked, [pid.trim(), pid.trim(), &homes(&theirs)]);
    assert_eq!(called("ostler", &["list", "--format", "{name}"]), "ours\n");
    called("pm2", &["kill"]);
    assert!(!theirs.join("pm2.pid").exists());
    assert_eq!(called("ostler", &["list", "--format", "{name} {status}"]), "ours online\n");
    // And the other way round.
    fs::remove_file(sandbox.work().join("got")).unwrap();
    called("ostler", &["start", script, "--interpreter", "bash"]);
    let pid = called("ostler", &["pid", "asks"]);
    let asked = sandbox.wait_for("what the app was told", SOON, got);
    assert_eq!(asked, [pid.trim(), pid.trim(), &homes(&sandbox.home())]);
}
