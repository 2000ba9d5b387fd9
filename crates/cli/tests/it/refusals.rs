//! Mistakes of a person, and what the system refuses: each is said with what to do about it.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use ostler_testkit::Sandbox;
use serde_json::Value;

use crate::start_e2e::{SOON, one, sandbox, start_sh, wait_log};

/// Runs it, expects code 1 and this beginning on standard error.
#[track_caller]
fn refused(sandbox: &Sandbox, args: &[&str], err: &str) {
    begins(sandbox, args, 1, err);
}

/// Runs it, expects this code, and that standard error begins so.
#[track_caller]
fn begins(sandbox: &Sandbox, args: &[&str], code: i32, err: &str) {
    let said = sandbox.ostler(args).code(code).run();
    assert!(said.err.starts_with(err), "{args:?} said\n{}\ninstead of\n{err}", said.err);
}

/// Runs it, expects that the command line is refused with this on standard error and nothing else.
#[track_caller]
fn misused(sandbox: &Sandbox, args: &[&str], err: &str) {
    let said = sandbox.ostler(args).code(2).run();
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", err), "{args:?}");
}

/// They were accepted: a shell was given the name of a file, `all` was a namespace among others,
/// and a pipe was read for ever.
#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_started() {
    let sandbox = sandbox();
    refused(&sandbox, &["start", "my app.js"], "error: there is no script `[ROOT]/w/my app.js`\n");
    sandbox.write("a.sh", "exec sleep 1000000\n");
    let all = "a namespace cannot be called `all`: to a command that is every app";
    let hint = "give it another `--namespace`";
    let said = format!("error: {all}\nhint: {hint}\n");
    misused(&sandbox, &["start", "a.sh", "--namespace", "all"], &said);
    sandbox.write("a.json", r#"{"apps":[{"script":"a.sh","namespace":"all"}]}"#);
    refused(&sandbox, &["start", "a.json"], &format!("error[bad-name]: {all}\n"));
    let pipe = sandbox.work().join("ff.json");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
    let said = sandbox.ostler(["validate", "ff.json"]).code(1).run();
    assert!(said.err.contains("it is a pipe or a device, and no file"), "{}", said.err);
    for args in [&["list", "-m", "--json", "name"][..], &["wait", "all", "--since", "now"]] {
        sandbox.ostler(args).code(2).run();
    }
    let both = ["stop", "all", "--progress", "json", "--json", "name"];
    let said = sandbox.ostler(both).code(2).run();
    let why = "`--progress json` and `--json` exclude each other";
    assert_eq!(serde_json::from_str::<Value>(&said.out).unwrap()["message"], why);
}

/// `--health-http x` was told in the words of a file, and ports that cannot be were taken.
#[test]
fn a_health_check_that_cannot_be_asked_is_refused_by_its_option() {
    let sandbox = sandbox();
    let script = sandbox.write("a.sh", "exec sleep 1000000\n");
    let script = script.to_str().unwrap();
    for url in ["", "localhost:3000", "http://a:99999/", "http://[::1", "http://u:p@h/", "http://"]
    {
        let said = sandbox.ostler(["start", script, "--health-http", url]).code(2).run().err;
        let why = match url {
            "" => "error: `--health-http` is empty\n".to_owned(),
            url => {
                format!("error: `--health-http` is `{url}`, which is no URL that can be asked\n")
            }
        };
        assert!(said.starts_with(&why), "{said}");
    }
    misused(
        &sandbox,
        &["start", script, "--health-http", "https://h/"],
        "error: `--health-http` is `https://h/`, which is no URL that can be asked\n\
         hint: only `http://` is asked; `--health-exec` may ask more: `curl -fsS \
         https://localhost/health`\n",
    );
    misused(
        &sandbox,
        &["start", script, "--health-tcp", "3000x"],
        "error: `--health-tcp` is `3000x`, which is not `host:port`\n\
         hint: write one such as `127.0.0.1:3000`\n",
    );
    misused(
        &sandbox,
        &["start", script, "--log-otlp", "h:1"],
        "error: `--log-otlp` is `h:1`, which is no URL that can be asked\n\
         hint: write one such as `http://127.0.0.1:4318/v1/logs`\n",
    );
    assert_eq!(sandbox.daemon_pid(), None);
}

#[test]
fn without_any_home_the_variable_to_set_is_named() {
    let sandbox = sandbox();
    let mut list = sandbox.ostler(["list"]).code(1);
    for name in ["OSTLER_HOME", "PM2_HOME", "HOME"] {
        list = list.env_remove(name);
    }
    let said = list.run().err;
    let expected = "error: there is no home directory: neither OSTLER_HOME, PM2_HOME nor HOME is \
         set\nhint: set OSTLER_HOME to a directory that you may write to\n";
    assert_eq!(said, expected);
}

#[test]
fn mistakes_on_the_command_line_are_named_with_what_was_probably_meant() {
    let sandbox = sandbox();
    misused(
        &sandbox,
        &["relaod"],
        "error: unknown command `relaod`\nhint: did you mean `ostler reload`?\n",
    );
    misused(
        &sandbox,
        &["list", "--sotr", "name"],
        "error: unknown option `--sotr`\nhint: did you mean `ostler list --sort name`?\n",
    );
    misused(
        &sandbox,
        &["start", "x.js", "--name"],
        "error: `--name` needs a value\nhint: write it as in `ostler start x.js --name api`\n",
    );
    misused(
        &sandbox,
        &["kill", "--raw", "--silent"],
        "error: `kill` does not take `--raw`\nhint: `ostler kill --silent` does without; `--raw` \
         is for `run` and `logs`\n",
    );
    misused(
        &sandbox,
        &["create"],
        "error: there is no `create`: a folder of examples from the network\n\
         hint: `ostler init` writes a process file to begin with\n",
    );
    let said = sandbox.ostler([] as [&str; 0]).code(2).run();
    assert!(said.out.is_empty() && said.err.contains("\n  ostler start app.js"), "{}", said.err);
    assert_eq!(sandbox.pids(), BTreeSet::new(), "a mistake started a daemon");
}

#[test]
fn an_option_that_would_change_nothing_is_refused() {
    let sandbox = sandbox();
    let script = sandbox.write("idle.sh", "exec sleep 1000000");
    sandbox.ostler(["start", "idle.sh"]).run();
    let only = "error: `--only` chooses among the apps of a process file, and `idle` is none\n";
    for command in ["stop", "restart", "reload", "delete", "start"] {
        begins(&sandbox, &[command, "idle", "--only", "x"], 2, only);
    }
    sandbox.write("eco.json", r#"{ "script": "idle.sh" }"#);
    for word in ["idle", "eco.json"] {
        let force = format!("error: `--force` starts a script once more, and `{word}` is none\n");
        begins(&sandbox, &["start", word, "-f"], 2, &force);
    }
    for option in [&["-i", "4"][..], &["-x"], &["--no-autostart"]] {
        let args = [&["start", "idle"], option].concat();
        let said = sandbox.ostler(args).code(1).run();
        assert!(said.err.contains("` is for an app that is not in the list yet\n"), "{}", said.err);
    }
    assert_eq!(one(&sandbox, "idle")["pm2_env"]["status"], "online", "{}", script.display());
    sandbox.ostler(["stop", "idle"]).run();
    let more = "error: `idle` is in the list with 1 process, not 2\n\
                hint: `ostler scale idle 2` changes how many there are\n";
    refused(&sandbox, &["start", "idle.sh", "-i", "2"], more);
    sandbox.ostler(["start", "idle.sh", "-i", "1"]).run();
    assert_eq!(one(&sandbox, "idle")["pm2_env"]["status"], "online");
    misused(
        &sandbox,
        &["logs", "--lines", "abc"],
        "error: `--lines` needs a number, but is `abc`\nhint: write a number, as in `--lines 4`\n",
    );
}

#[test]
fn help_and_version_need_neither_a_daemon_nor_a_home() {
    let sandbox = sandbox();
    let run = |args: &[&str]| {
        let mut command = sandbox.command();
        command.args(args).env_remove("OSTLER_HOME").env_remove("HOME");
        ostler_testkit::run::finish(command, &[], SOON).success().out
    };
    let pages = include_str!("snapshots/help.txt");
    for args in [&["help"][..], &["help", "stop"], &["--help"]] {
        assert!(pages.contains(&run(args)), "{args:?}");
    }
    assert_eq!(run(&["stop", "--help"]), run(&["help", "stop"]));
    assert_eq!(run(&["--version"]), format!("ostler {}\n", env!("CARGO_PKG_VERSION")));
    let verbose = run(&["--version", "--verbose"]);
    let keys: Vec<&str> =
        verbose.lines().map(|line| line.split([':', ' ']).next().unwrap()).collect();
    assert_eq!(keys, ["ostler", "build", "commit", "target", "pm2", "home"], "{verbose}");
    assert_eq!(sandbox.pids(), BTreeSet::new());
}

#[test]
fn what_is_not_done_yet_is_never_confirmed() {
    let sandbox = sandbox();
    let script = sandbox.write("idle.sh", "exec sleep 1000000");
    sandbox.write("eco.json", r#"{ "script": "idle.sh", "v8": true, "trace": true }"#);
    let agent = "error: no `--v8` yet: the agent in apps traces nothing\nhint: leave it out\n";
    misused(&sandbox, &["start", "idle.sh", "--v8"], agent);
    let said = sandbox.ostler(["start", "eco.json"]).run();
    assert!(said.err.contains("warning[no-effect]: `trace` has no effect yet: "), "{}", said.err);
    assert!(said.err.contains("  --> eco.json:1:45 (trace)\n"), "{}", said.err);
    let started = sandbox.pids_of("idle");
    misused(&sandbox, &["restart", "idle", "--v8"], agent);
    assert_eq!(sandbox.pids_of("idle"), started, "of {}", script.display());
    let list = sandbox.ostler(["list"]).run().err;
    assert_eq!(list, "warning: not yet in effect: trace of idle; v8 of idle\n");
    let described = sandbox.ostler(["describe", "idle"]).run().out;
    assert!(described.contains("no effect yet: trace, v8\n"), "{described}");
    sandbox.ostler(["save"]).run();
    sandbox.ostler(["delete", "idle"]).run();
    let said = sandbox.ostler(["resurrect"]).run();
    let said = format!("{}{}", said.out, said.err);
    assert!(said.contains("`idle`: \"trace\" has no effect yet"), "{said}");
}

#[test]
fn a_directory_runs_what_node_would_run_in_fork_and_cluster_mode() {
    let sandbox = sandbox();
    sandbox.write("proj/package.json", r#"{ "main": "lib/main.js", "version": "1.2.3" }"#);
    let main = "console.log('main of', process.env.name); setInterval(() => {}, 1000)";
    sandbox.write("proj/lib/main.js", main);
    let proj = sandbox.work().join("proj");
    sandbox.ostler(["start", "."]).cwd(&proj).run();
    sandbox.ostler(["start", "./proj", "-i", "2", "-n", "cl"]).run();
    sandbox.write("eco.json", r#"{ "script": ".", "cwd": "proj", "name": "of-file" }"#);
    sandbox.ostler(["start", "eco.json"]).run();
    for (log, text) in [
        ("proj-out.log", "main of proj"),
        ("cl-out-1.log", "main of cl"),
        ("of-file-out.log", "main of of-file"),
    ] {
        wait_log(&sandbox, log, text);
    }
    let versions: Vec<Value> =
        sandbox.jlist().iter().map(|one| one["pm2_env"]["version"].clone()).collect();
    assert_eq!(versions, ["1.2.3"; 4]);
    refused(&sandbox, &["start", "./proj"], "error: `proj` runs already\n");
}

#[test]
fn what_cannot_be_started_is_said_and_not_listed() {
    let sandbox = sandbox();
    let work = sandbox
        .work()
        .display()
        .to_string()
        .replace(&sandbox.root().display().to_string(), "[ROOT]");
    sandbox.write("server.js", "");
    fs::create_dir(sandbox.work().join("folder")).unwrap();
    sandbox.write("plain.sh", "exec sleep 1000000");
    refused(
        &sandbox,
        &["start", "sever.js"],
        &format!(
            "error: there is no script `{work}/sever.js`\n\
             hint: did you mean `ostler start server.js`?\n"
        ),
    );
    refused(
        &sandbox,
        &["start", "./folder"],
        &format!("error: there is nothing to run in the directory `{work}/folder`\n"),
    );
    let not_executable = format!("error: the script `{work}/plain.sh` is not executable\n");
    refused(&sandbox, &["start", "plain.sh", "--interpreter", "none"], &not_executable);
    refused(
        &sandbox,
        &["start", "plain.sh", "--interpreter", "nope"],
        "error: the interpreter `nope` is not in PATH\nhint: install `nope`",
    );
    begins(
        &sandbox,
        &["start", "plain.sh", "--kill-timeout", "soon", "-i", "abc"],
        2,
        "error: `--instances` must be a whole number or `max`, but is `abc`\n\
         hint: write a number, or `--instances max` for one per CPU\n\n\
         error: `--kill-timeout` must be a number, but is `soon`\n\
         hint: write a number of milliseconds, such as `2000`\n",
    );
    refused(&sandbox, &["start", "nope.json"], "error[no-file]: there is no file `nope.json`\n");
    sandbox.write("eco.json", r#"{ "script": "server.js" }"#);
    begins(
        &sandbox,
        &["start", "eco.json", "-i", "4"],
        2,
        "error: `--instances` changes nothing of what a process file says\n\
         hint: set `instances` in the file\n",
    );
    assert_eq!(sandbox.jlist(), Vec::<Value>::new());
}

#[test]
fn a_number_of_instances_that_is_no_whole_number_is_refused_and_nothing_starts() {
    let sandbox = sandbox();
    sandbox.write_executable("plain.sh", "#!/bin/sh\nsleep 60\n");
    for count in ["abc", "1.5"] {
        let said =
            format!("error: `--instances` must be a whole number or `max`, but is `{count}`");
        begins(&sandbox, &["start", "plain.sh", "-i", count], 2, &said);
    }
    assert!(sandbox.jlist().is_empty());
}

#[test]
fn what_the_system_cannot_execute_ends_as_errored_with_the_reason() {
    let sandbox = sandbox();
    let bad = sandbox.write_executable("bad", b"\x7fELF\x00\x01not a program");
    let said = sandbox.ostler(["start"]).arg(&bad).code(1).run();
    let line = "error: app `bad` did not start: could not execute `[ROOT]/w/bad`: it is \
                neither a binary nor a script with a `#!` line\n";
    assert_eq!(said.err.matches(line).count(), 1, "{}", said.err);
    assert_eq!(one(&sandbox, "bad")["pm2_env"]["status"], "errored");
    let described = sandbox.run(&["describe", "bad"]).success().out;
    assert!(described.contains("neither a binary nor a script"), "{described}");
    // A folder and an interpreter that vanish later.
    fs::create_dir(sandbox.work().join("dir")).unwrap();
    start_sh(
        &sandbox,
        "app",
        "exec sleep 1000000",
        &["--cwd", sandbox.work().join("dir").to_str().unwrap()],
    );
    fs::remove_dir(sandbox.work().join("dir")).unwrap();
    let said = sandbox.ostler(["restart", "app"]).code(1).run();
    let gone = "the working directory of app `app` is gone: `[ROOT]/w/dir`; nothing was stopped";
    assert!(said.err.contains(gone), "{}", said.err);
    assert_eq!(one(&sandbox, "app")["pm2_env"]["status"], "online");
    sandbox.ostler(["stop", "app"]).run();
    let said = sandbox.ostler(["restart", "app"]).code(1).run();
    assert!(
        said.err.contains("could not enter the working directory `[ROOT]/w/dir`: No such file"),
        "{}",
        said.err
    );
    assert_eq!(one(&sandbox, "app")["pm2_env"]["status"], "errored");
    let tool = sandbox.write_executable("tool", "#!/bin/sh\nexec sleep 1000000\n");
    start_sh(&sandbox, "tooled", "", &["--interpreter", tool.to_str().unwrap()]);
    fs::remove_file(&tool).unwrap();
    let said = sandbox.ostler(["restart", "tooled"]).code(1).run();
    let gone = "the interpreter of app `tooled` is gone: `[ROOT]/w/tool`; nothing was stopped";
    assert!(said.err.contains(gone), "{}", said.err);
    sandbox.ostler(["stop", "tooled"]).run();
    let said = sandbox.ostler(["restart", "tooled"]).code(1).run();
    assert!(said.err.contains("could not execute `[ROOT]/w/tool`: No such file"), "{}", said.err);
    // Once it is there again, a restart is all it takes.
    sandbox.write_executable("tool", "#!/bin/sh\nexec sleep 1000000\n");
    sandbox.ostler(["restart", "tooled"]).run();
    assert_eq!(one(&sandbox, "tooled")["pm2_env"]["status"], "online");
}

#[test]
fn a_port_in_use_reaches_the_app_as_its_error() {
    let mut sandbox = sandbox();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    sandbox.set_env("PORT", taken.local_addr().unwrap().port().to_string());
    let text = "const server = require('http').createServer();\n\
        const port = Number(process.env.PORT);\n\
        server.on('error', (e) => console.log('got', e.code, e.syscall, e.port === port));\n\
        server.listen(port, '127.0.0.1'); setInterval(() => {}, 1e9);";
    sandbox.write("app.js", text);
    sandbox.ostler(["start", "app.js", "-i", "2"]).run();
    for id in 0..2 {
        let log = wait_log(&sandbox, &format!("app-out-{id}.log"), "got");
        assert!(log.starts_with("got EADDRINUSE "), "{log}");
    }
    sandbox.wait_status("app", "online", 2, SOON);
}

#[test]
fn a_home_that_cannot_be_used_is_said_with_what_to_do() {
    let sandbox = sandbox();
    let long = sandbox.root().join("l".repeat(120));
    let said = sandbox.ostler(["list"]).env("OSTLER_HOME", &long).code(1).run();
    assert!(
        said.err.contains("bytes, the system allows 107\nhint: set OSTLER_HOME to a shorter path"),
        "{}",
        said.err
    );
    assert!(!long.exists());
    let file = sandbox.write("file", "");
    let said = sandbox.ostler(["list"]).env("OSTLER_HOME", &file).code(1).run();
    assert!(said.err.contains("cannot use `[ROOT]/w/file` as home directory"), "{}", said.err);
    let locked = sandbox.work().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(sandbox.root(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    for home in [locked.clone(), locked.join("below")] {
        let mut command = as_nobody(&sandbox);
        command.arg("list").env("OSTLER_HOME", &home);
        let said = ostler_testkit::run::finish(command, &[], SOON);
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        let text = format!("cannot use `{}` as home directory: Permission denied", home.display());
        assert!(
            said.err.contains(&text) && said.err.contains("hint: set OSTLER_HOME"),
            "{}",
            said.err
        );
    }
}

/// The program as a user who may write next to nothing.
fn as_nobody(sandbox: &Sandbox) -> Command {
    let root = fs::metadata("/proc/self").unwrap();
    if std::os::unix::fs::MetadataExt::uid(&root) != 0 {
        return sandbox.command();
    }
    // The program may lie where only root gets to.
    let copy = sandbox.work().join("ostler");
    // By a child, so that no other thread's fork holds it open for writing when it is executed.
    let installed = Command::new("install")
        .args(["-m", "755", env!("CARGO_BIN_EXE_ostler")])
        .arg(&copy)
        .status();
    assert!(installed.is_ok_and(|status| status.success()));
    let mut command = sandbox.command_of("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(copy);
    command
}

/// They were taken, and a word for all apps could not tell the one from the others.
#[test]
fn names_that_mean_something_else_and_empty_ones_are_refused() {
    let sandbox = sandbox();
    let script = sandbox.write("a.sh", "exec sleep 1000000\n");
    let script = script.to_str().unwrap();
    for (name, means) in [("all", "every app"), ("/x/", "every app whose name matches it")] {
        let error =
            format!("error: an app cannot be called `{name}`: to a command that is {means}");
        let ran = sandbox.ostler(["start", script, "--name", name]).code(2).run();
        assert!(ran.err.starts_with(&error), "{name}: {}", ran.err);
    }
    let file = sandbox.write("all.json", format!("[{{\"name\":\"all\",\"script\":\"{script}\"}}]"));
    let said = "error[bad-name]: an app cannot be called `all`";
    for command in ["start", "validate", "apply"] {
        refused(&sandbox, &[command, file.to_str().unwrap()], said);
    }
    let said = sandbox.ostler(["start", script, "--name", ""]).code(2).run();
    assert!(said.err.starts_with("error: `--name` needs a value, but is empty\n"), "{}", said.err);
}
