//! The home: whose it is, who may look into it, and what is in the place of its files.

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use ostler_testkit::{Sandbox, procs};

use crate::keeper_death::kill_both;
use crate::start_e2e::{SOON, sandbox, start_sh};

fn mode_of(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Runs a command of ostler's under this mask of modes.
fn masked(s: &Sandbox, mask: &str, args: &[&str]) -> Output {
    let mut command = s.command_of("sh");
    command.args(["-c", &format!("umask {mask}; exec \"$@\""), "sh"]);
    command.arg(env!("CARGO_BIN_EXE_ostler")).args(args).output().unwrap()
}

/// Every file below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn files_of_a_home_are_for_its_owner_whatever_home_and_mask() {
    let s = sandbox();
    set_mode(&s.home(), 0o755);
    let app = s.write("app.sh", "exec sleep 1000000");
    let start = ["start", app.to_str().unwrap(), "--name", "app", "--interpreter", "sh"];
    let started = masked(&s, "0", &start);
    assert!(started.status.success());
    let said = String::from_utf8(started.stderr).unwrap();
    assert!(said.contains("others can look into"), "{said}");
    for _ in 0..2 {
        // The second time there is a list before it.
        set_mode_of_list(&s);
        s.ostler(["save"]).run();
        s.ostler(["restart", "app"]).run();
    }
    let logs = s.file("logs");
    let mut seen = Vec::new();
    for path in files_below(&s.home()).iter().filter(|path| !path.starts_with(&logs)) {
        let name = path.strip_prefix(s.home()).unwrap().to_str().unwrap().to_owned();
        // What is loaded into workers says nothing that not everybody may know.
        if name != "drain.cjs" {
            assert_eq!(mode_of(path), 0o600, "{name}");
        }
        seen.push(name);
    }
    for name in ["ostler.state", "ostler.state.bak", "dump.pm2", "dump.pm2.bak", "pm2.pid"] {
        assert!(seen.iter().any(|seen| seen == name), "no {name} in {seen:?}");
    }
    assert!(seen.iter().any(|seen| seen.starts_with("pids/app")), "{seen:?}");
}

/// As PM2 had written it.
fn set_mode_of_list(s: &Sandbox) {
    let list = s.file("dump.pm2");
    if list.exists() {
        set_mode(&list, 0o644);
    }
}

#[test]
fn a_home_that_we_make_is_ours_alone_whatever_the_mask() {
    for mask in ["0", "777"] {
        let mut s = sandbox();
        let home = s.root().join("new");
        s.set_env("OSTLER_HOME", &home);
        assert!(masked(&s, mask, &["cleardump"]).status.success(), "umask {mask}");
        assert_eq!(mode_of(&home), 0o700);
        assert_eq!(mode_of(&home.join("dump.pm2")), 0o600);
    }
}

/// Every command that has to do with a home, with words that it takes.
const COMMANDS: [&[&str]; 61] = [
    &["list"],
    &["start", "app.js"],
    &["start", "eco.json"],
    &["stop", "all"],
    &["restart", "all"],
    &["reload", "all"],
    &["startOrRestart", "eco.json"],
    &["startOrReload", "eco.json"],
    &["delete", "all"],
    &["scale", "app", "2"],
    &["promote", "app"],
    &["rollback", "app"],
    &["jlist"],
    &["prettylist"],
    &["describe", "app"],
    &["env", "0"],
    &["logs", "--nostream"],
    &["flush"],
    &["reloadLogs"],
    &["pid"],
    &["id", "app"],
    &["reset", "all"],
    &["ping"],
    &["wait", "app", "--for", "ready"],
    &["save"],
    &["resurrect"],
    &["cleardump"],
    &["update"],
    &["kill"],
    &["boot"],
    &["sendSignal", "SIGUSR2", "app"],
    &["trigger", "app", "x"],
    &["send", "0", "x"],
    &["attach", "0"],
    &["pull", "app"],
    &["forward", "app"],
    &["backward", "app"],
    &["health"],
    &["inspect", "app"],
    &["alert", "test", "app"],
    &["monitor", "app"],
    &["unmonitor", "app"],
    &["report"],
    &["export"],
    &["import", "list.json"],
    &["get"],
    &["conf"],
    &["set", "a", "b"],
    &["multiset", "a b"],
    &["unset", "a"],
    &["profile:cpu", "app"],
    &["profile:mem", "app"],
    &["migrate"],
    &["plan", "eco.json"],
    &["apply", "eco.json"],
    &["serve"],
    &["logrotate"],
    &["web"],
    &["install", "a-module"],
    &["uninstall", "a-module"],
    &["module:update", "a-module"],
];

/// Commands that need no home: they install or print something, or make a home of their own.
/// `monit` wants a terminal before it wants a home; what `mcp` calls complains of it.
const WITHOUT_HOME: [&str; 18] = [
    "startup",
    "unstartup",
    "completion",
    "help",
    "run",
    "slist",
    "init",
    "examples",
    "link-pm2",
    "module:generate",
    "package",
    "publish",
    "deploy",
    "validate",
    "explain",
    "monit",
    "mcp",
    "skill",
];

#[test]
fn each_command_is_tried_in_a_home_that_may_not_be_used() {
    let s = sandbox();
    let page = s.ostler(["help"]).run().out;
    let names = page.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names =
        names.filter(|name| !name.is_empty() && !name.starts_with('-') && *name != "ostler");
    for name in names {
        let is_known = COMMANDS.iter().any(|args| args[0] == name) || WITHOUT_HOME.contains(&name);
        assert!(is_known, "`{name}` is missing here");
    }
}

#[track_caller]
fn assert_refused(s: &Sandbox, said: &str) {
    for args in COMMANDS {
        let ran = s.run(args);
        assert_eq!(ran.code, 1, "{args:?}: {ran:?}");
        assert!(ran.err.contains(said), "{args:?}: {ran:?}");
        assert!(ran.err.contains("hint:"), "{args:?}: {}", ran.err);
    }
    assert_eq!(files_below(&s.home()), Vec::<PathBuf>::new());
}

#[test]
fn a_home_that_others_can_write_is_refused() {
    let mut s = sandbox();
    s.write("app.js", "");
    s.write("eco.json", r#"{ "script": "app.js" }"#);
    s.write("list.json", "[]");
    for mode in [0o770, 0o707, 0o1777, 0o720] {
        set_mode(&s.home(), mode);
        assert_refused(&s, "others can write it");
    }
    set_mode(&s.home(), 0o700);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(s.home(), Some(12_345), None).unwrap();
        assert_refused(&s, "it belongs to user 12345");
        std::os::unix::fs::chown(s.home(), Some(0), None).unwrap();
    }
    let home = s.home();
    let file = s.write("file", "");
    s.set_env("OSTLER_HOME", &file);
    assert_refused(&s, "as home directory: ");
    s.set_env("OSTLER_HOME", &home);
    s.ostler(["list"]).run();
}

/// Files that the manager reads or writes beside those without which it does not start.
const FILES: [&str; 11] = [
    "ostler.state",
    "ostler.state.new",
    "ostler.state.bak",
    "ostler.starts",
    "dump.pm2",
    "dump.pm2.new",
    "dump.pm2.bak",
    "pm2.pid",
    "drain.cjs",
    "ostler.sock",
    "pids/app-0.pid",
];

#[test]
fn no_link_in_a_home_is_followed() {
    let s = sandbox();
    let target = s.write("precious", "[]");
    set_mode(&target, 0o640);
    let is_untouched = || fs::read(&target).unwrap() == b"[]" && mode_of(&target) == 0o640;
    for name in ["start.lock", "pm2.log"] {
        symlink(&target, s.file(name)).unwrap();
        let ran = s.run(&["ping"]);
        assert_eq!(ran.code, 1, "{name}: {ran:?}");
        assert!(is_untouched(), "{name}");
        fs::remove_file(s.file(name)).unwrap();
    }
    fs::create_dir_all(s.file("pids")).unwrap();
    for name in FILES {
        _ = fs::remove_file(s.file(name));
        symlink(&target, s.file(name)).unwrap();
    }
    start_sh(&s, "app", "exec sleep 1000000", &[]);
    s.ostler(["save"]).run();
    s.ostler(["save"]).run();
    // At once: a log that is missing is made again.
    symlink(&target, s.file("link")).unwrap();
    fs::rename(s.file("link"), s.file("pm2.log")).unwrap();
    s.ostler(["flush"]).run();
    assert!(is_untouched());
    let list = s.file("dump.pm2");
    assert!(fs::symlink_metadata(&list).unwrap().is_file());
    assert!(fs::symlink_metadata(s.file("ostler.sock")).unwrap().file_type().is_socket());
    fs::remove_file(s.file("pm2.log")).unwrap();
    // A list elsewhere, which somebody has put in the place of ours.
    s.ostler(["delete", "app"]).run();
    fs::rename(&list, s.file("elsewhere")).unwrap();
    fs::remove_file(s.file("dump.pm2.bak")).unwrap();
    symlink(s.file("elsewhere"), &list).unwrap();
    let ran = s.run(&["resurrect"]);
    assert!(ran.err.contains("it is a link, which is not followed here"), "{ran:?}");
    assert_eq!(s.jlist().len(), 0);
    fs::remove_file(&list).unwrap();
    fs::rename(s.file("elsewhere"), &list).unwrap();
    s.ostler(["resurrect"]).run();
    s.wait_status("app", "online", 1, SOON);
}

/// A process that says in its environment that it is of a run of ours, and is not of its user.
#[test]
fn a_stranger_who_claims_to_be_of_a_run_is_left_alone() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let s = sandbox();
    start_sh(&s, "app", "exec sleep 1000000", &[]);
    let app = s.pids_of("app")[0];
    let environment = fs::read(format!("/proc/{app}/environ")).unwrap();
    let mut variables = environment.split(|byte| *byte == 0);
    let claim = variables.find_map(|one| one.strip_prefix(b"OSTLER_RUN=")).unwrap();
    // Of a run that nobody knows: what is left of such a one is ended.
    let claim = String::from_utf8(claim.to_vec()).unwrap();
    let claim = format!("{}:999999", claim.split_once(':').unwrap().0);
    let mut stranger = Command::new("sleep");
    stranger.arg("1000000").uid(12_345).env("OSTLER_RUN", claim);
    let mut stranger = stranger.spawn().unwrap();
    kill_both(&s);
    s.ostler(["list"]).run();
    s.wait_for("the app to be started cleanly", Duration::from_secs(30), || {
        s.pids_of("app").first().filter(|pid| **pid != app && **pid != 0).copied()
    });
    let lives = stranger.try_wait().unwrap().is_none();
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert!(lives, "it was taken for a process of the app");
    assert!(!procs::alive(app), "two of one slot");
}

#[test]
fn a_socket_that_another_user_planted_is_told_nothing() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut theirs = sandbox();
    theirs.become_ordinary_user();
    theirs.ostler(["ping"]).run();
    // It becomes root's, and others can write it, as they could before.
    std::os::unix::fs::chown(theirs.home(), Some(0), Some(0)).unwrap();
    set_mode(&theirs.home(), 0o777);
    let root = Command::new(env!("CARGO_BIN_EXE_ostler"))
        .arg("list")
        .env("OSTLER_HOME", theirs.home())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&root.stderr);
    assert_eq!(root.status.code(), Some(1), "{said}");
    assert!(said.contains("user 65534 listens at its `ostler.sock`, and this is user 0"), "{said}");
    std::os::unix::fs::chown(theirs.home(), Some(65534), Some(65534)).unwrap();
    set_mode(&theirs.home(), 0o700);
    theirs.ostler(["kill"]).run();
}
