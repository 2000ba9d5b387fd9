//! What is on disk, what signals do, and what happens when there is no room.

use std::fs;
use std::path::Path;
use std::process::Command;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, Victim, wait_exit, wait_for};

use crate::keeper_death::kill_keeper;
use crate::takeover::{SOON, kill_daemon, lives, sandbox};

/// Replaces the daemon after the home was changed behind its back.
fn replace_daemon(sandbox: &Sandbox, change: impl FnOnce()) {
    let (keeper, daemon) = (sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap());
    procs::signal(keeper, Signal::STOP);
    procs::signal(daemon, Signal::KILL);
    wait_exit(daemon, SOON);
    change();
    procs::signal(keeper, Signal::CONT);
    wait_for("another daemon", SOON, || sandbox.daemon_pid().filter(|pid| *pid != daemon));
}

fn aside(sandbox: &Sandbox) -> usize {
    let names = fs::read_dir(sandbox.home()).unwrap().flatten().map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().starts_with("ostler.state.bad-")).count()
}

#[test]
fn a_state_file_that_is_no_good_is_set_aside_and_the_one_before_is_used() {
    let sandbox = sandbox();
    sandbox.ostler(["start"]).arg(sandbox.victim("idle", Victim::Sleeper)).run();
    // Saved twice at least, so that the one before knows the app too.
    sandbox.ostler(["reset", "idle"]).run();
    let before = lives(&sandbox);
    let state = sandbox.file("ostler.state");
    let whole = fs::read_to_string(&state).unwrap();
    let older = whole.replacen("\"version\":1", "\"version\":0", 1);
    assert_ne!(older, whole);
    let torn = whole[..whole.len() / 2].to_owned();
    for (count, bad) in ["", "garbage", &torn, &older].into_iter().enumerate() {
        replace_daemon(&sandbox, || fs::write(&state, bad).unwrap());
        assert_eq!(lives(&sandbox), before, "with {bad:?}");
        assert_eq!(aside(&sandbox), count + 1, "with {bad:?}");
        sandbox.ostler(["reset", "idle"]).run();
    }
}

#[test]
fn a_state_with_things_of_a_newer_version_is_read() {
    let sandbox = sandbox();
    sandbox.ostler(["start"]).arg(sandbox.victim("idle", Victim::Sleeper)).run();
    let before = lives(&sandbox);
    let state = sandbox.file("ostler.state");
    let newer = fs::read_to_string(&state).unwrap().replace("{\"", "{\"of_tomorrow\":[1],\"");
    replace_daemon(&sandbox, || fs::write(&state, newer).unwrap());
    assert_eq!(lives(&sandbox), before);
    assert_eq!(aside(&sandbox), 0);
}

#[test]
fn a_death_between_the_two_renames_costs_nothing() {
    let sandbox = sandbox();
    sandbox.ostler(["start"]).arg(sandbox.victim("idle", Victim::Sleeper)).run();
    sandbox.ostler(["reset", "idle"]).run();
    let before = lives(&sandbox);
    let state = sandbox.file("ostler.state");
    replace_daemon(&sandbox, || fs::rename(&state, sandbox.file("ostler.state.bak")).unwrap());
    assert_eq!(lives(&sandbox), before);
    assert_eq!(aside(&sandbox), 0);
}

#[test]
fn a_signal_to_end_saves_and_stops_everything() {
    for (signal, to_keeper) in [(Signal::TERM, false), (Signal::INT, false), (Signal::TERM, true)] {
        let sandbox = sandbox();
        sandbox.ostler(["start"]).arg(sandbox.victim("idle", Victim::Sleeper)).run();
        let app = sandbox.pids_of("idle")[0];
        let (keeper, daemon) = (sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap());
        procs::signal(if to_keeper { keeper } else { daemon }, signal);
        for pid in [app, daemon, keeper] {
            assert!(wait_exit(pid, SOON), "{} lives on", procs::describe(pid));
        }
        let dump = fs::read_to_string(sandbox.file("dump.pm2")).unwrap();
        assert!(dump.contains("\"idle\"") && dump.contains("\"online\""), "{dump}");
        sandbox.ostler(["resurrect"]).run();
        sandbox.wait_status("idle", "online", 1, SOON);
    }
}

#[test]
fn a_hangup_is_ignored_and_usr2_opens_the_logs_again() {
    let sandbox = sandbox();
    let script = sandbox.victim("talks", Victim::Lines { every: 2, count: 1_000_000 });
    sandbox.ostler(["start"]).arg(script).run();
    let log = sandbox.file("logs/talks-out.log");
    sandbox.wait_file(&log, SOON, |text| text.contains("line 5 ").then_some(()));
    let before = lives(&sandbox);
    let (keeper, daemon) = (sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap());
    procs::signal(daemon, Signal::HUP);
    procs::signal(keeper, Signal::HUP);
    let moved = sandbox.file("logs/talks-out.log.1");
    fs::rename(&log, &moved).unwrap();
    procs::signal(daemon, Signal::USR2);
    sandbox.wait_file(&log, SOON, |text| text.lines().nth(5).map(|_| ()));
    assert_eq!(lives(&sandbox), before);
    assert_eq!((sandbox.keeper_pid(), sandbox.daemon_pid()), (Some(keeper), Some(daemon)));
    sandbox.ostler(["stop", "talks"]).run();
    let both = fs::read_to_string(&moved).unwrap() + &fs::read_to_string(&log).unwrap();
    crate::takeover::assert_ledger(&both, "rotated");
}

fn limit(pid: u32, what: &str) {
    assert!(try_limit(pid, what));
}

fn try_limit(pid: u32, what: &str) -> bool {
    Command::new("prlimit").arg("--pid").arg(pid.to_string()).arg(what).status().unwrap().success()
}

#[test]
fn without_descriptors_starts_fail_and_apps_live_on() {
    let sandbox = sandbox();
    let script = sandbox.victim("idle", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(&script).args(["--name", "first"]).run();
    let before = lives(&sandbox);
    let daemon = sandbox.daemon_pid().unwrap();
    let room = procs::open_fds(daemon);
    // One more client may come in, and nothing else.
    limit(daemon, &format!("--nofile={}:4096", room + 1));
    let second = sandbox.ostler(["start"]).arg(&script).args(["--name", "second"]).code(1).run();
    assert!(second.err.contains("out of file descriptors (the manager may have"), "{second:?}");
    assert_eq!(lives(&sandbox)[&0], before[&0]);
    limit(daemon, "--nofile=4096:4096");
    // Nothing of it was begun.
    assert!(sandbox.statuses_of("second").is_empty());
    sandbox.ostler(["start"]).arg(&script).args(["--name", "second"]).run();
    sandbox.wait_status("second", "online", 1, SOON);
    assert_eq!(
        (sandbox.daemon_pid(), lives(&sandbox)[&0].clone()),
        (Some(daemon), before[&0].clone())
    );
    sandbox.ostler(["stop", "second"]).run();
    assert_eq!(sandbox.statuses_of("second"), ["stopped"]);

    // The keeper cannot make pipes: that is an answer.
    let keeper = sandbox.keeper_pid().unwrap();
    limit(keeper, "--nofile=3:4096");
    let third = sandbox.ostler(["start"]).arg(&script).args(["--name", "third"]).code(1).run();
    limit(keeper, "--nofile=4096:4096");
    assert!(
        third.out.contains("out of file descriptors")
            || third.err.contains("out of file descriptors"),
        "{third:?}"
    );
    assert_eq!(lives(&sandbox)[&0], before[&0]);
}

#[test]
fn without_memory_nothing_of_the_apps_is_lost() {
    let sandbox = sandbox();
    let script = sandbox.victim("idle", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(&script).run();
    let before = lives(&sandbox);
    let daemon = sandbox.daemon_pid().unwrap();
    limit(daemon, "--as=1000000:");
    // Whatever it cannot do now, it does not take an app with it.
    sandbox.ostler(["describe", "idle"]).any_code().run();
    sandbox.ostler(["start"]).arg(&script).args(["--name", "more"]).any_code().run();
    // It may have died of it; then the next one is not limited.
    try_limit(daemon, "--as=unlimited:");
    assert_eq!(lives(&sandbox)[&0], before[&0]);
}

#[test]
fn a_full_disk_is_an_answer_and_what_was_saved_stays() {
    let mut sandbox = sandbox();
    let home = sandbox.root().join("small");
    fs::create_dir(&home).unwrap();
    let mount = |args: &[&str]| {
        Command::new("mount").args(args).arg(&home).status().is_ok_and(|status| status.success())
    };
    assert!(mount(&["-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs"]), "this test needs root");
    sandbox.set_env("OSTLER_HOME", &home);
    full_disk_story(&sandbox, &home);
    sandbox.ostler(["kill"]).run();
    assert!(Command::new("umount").arg(&home).status().unwrap().success());
}

fn full_disk_story(sandbox: &Sandbox, home: &Path) {
    let script = sandbox.victim("idle", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(&script).run();
    sandbox.ostler(["save"]).run();
    let saved = fs::read_to_string(home.join("dump.pm2")).unwrap();
    let before = lives(sandbox);
    let fill = home.join("fill");
    // Fills it to the last byte.
    let mut size = 256 << 10;
    let mut file = fs::File::create(&fill).unwrap();
    while 0 < size {
        if std::io::Write::write_all(&mut file, &vec![b'x'; size]).is_err() {
            size /= 2;
        }
    }
    let save = sandbox.ostler(["save"]).any_code().run();
    assert!(save.code == 1 && save.err.contains("could not save the list"), "{save:?}");
    assert_eq!(fs::read_to_string(home.join("dump.pm2")).unwrap(), saved);
    // An app may be started all the same: what cannot be saved now is saved later, and that is
    // said.
    let start = sandbox.ostler(["start"]).arg(&script).args(["--name", "second"]).code(1).run();
    assert!(start.err.contains("it is done, but could not save the state"), "{}", start.err);
    let both = lives(sandbox);
    let daemon = fs::read_to_string(home.join("pm2.pid")).unwrap().parse().unwrap();
    procs::signal(daemon, Signal::KILL);
    assert!(wait_exit(daemon, SOON));
    assert_eq!(lives(sandbox), both, "it runs, and is taken over");
    let knows = |name: &str| {
        fs::read_to_string(home.join("ostler.state")).unwrap_or_default().contains(name)
    };
    assert!(!knows("\"second\""));
    drop(file);
    fs::remove_file(fill).unwrap();
    wait_for("the state to be saved", SOON, || knows("\"second\"").then_some(()));
    let after = lives(sandbox);
    assert_eq!((after.len(), &after[&0]), (2, &before[&0]));
}

#[test]
fn without_room_for_processes_a_start_fails_and_a_keeper_is_tried_for_until_there_is() {
    let sandbox = sandbox();
    let script = sandbox.victim("idle", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(&script).run();
    let before = lives(&sandbox);
    let group =
        Path::new("/sys/fs/cgroup/pids").join(format!("ostler-test-{}", std::process::id()));
    fs::create_dir(&group)
        .unwrap_or_else(|error| panic!("this test needs the pids controller: {error}"));
    let manager = [sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap()];
    for pid in manager {
        fs::write(group.join("cgroup.procs"), pid.to_string()).unwrap();
    }
    fs::write(group.join("pids.max"), "1").unwrap();
    let failed = sandbox.ostler(["start"]).arg(&script).args(["--name", "more"]).any_code().run();
    assert!((failed.out + &failed.err).contains("could not be forked"));
    let keeper = manager[0];
    procs::signal(keeper, Signal::KILL);
    wait_exit(keeper, SOON);
    sandbox
        .wait_file("pm2.log", SOON, |log| log.contains("could not start a keeper").then_some(()));
    assert_eq!(lives(&sandbox)[&0], before[&0], "the daemon answers without a keeper");
    fs::write(group.join("pids.max"), "max").unwrap();
    wait_for("another keeper", SOON, || sandbox.keeper_pid());
    sandbox.ostler(["restart", "idle"]).run();
    kill_daemon(&sandbox);
    kill_keeper(&sandbox);
    assert_eq!(sandbox.statuses_of("idle"), ["online"]);
    for pid in fs::read_to_string(group.join("cgroup.procs")).unwrap().lines() {
        fs::write("/sys/fs/cgroup/pids/cgroup.procs", pid).unwrap();
    }
    wait_for("the group to be empty", SOON, || fs::remove_dir(&group).ok());
}
