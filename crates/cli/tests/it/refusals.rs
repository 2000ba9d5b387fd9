//! Mistakes of a person, and what the system refuses: each is said with what to do about it.

use std::collections::BTreeSet;

use ostler_testkit::Sandbox;
use serde_json::Value;

use crate::start_e2e::{SOON, one, sandbox};

/// Runs it, expects code 1 and this beginning on standard error.
#[track_caller]
pub(crate) fn refused(sandbox: &Sandbox, args: &[&str], err: &str) {
    begins(sandbox, args, 1, err);
}

/// Runs it, expects this code, and that standard error begins so.
#[track_caller]
pub(crate) fn begins(sandbox: &Sandbox, args: &[&str], code: i32, err: &str) {
    let said = sandbox.ostler(args).code(code).run();
    assert!(said.err.starts_with(err), "{args:?} said\n{}\ninstead of\n{err}", said.err);
}

/// Runs it, expects that the command line is refused with this on standard error and nothing else.
#[track_caller]
pub(crate) fn misused(sandbox: &Sandbox, args: &[&str], err: &str) {
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
         hint: write one, as in `ostler start [ROOT]/w/a.sh --health-tcp 127.0.0.1:3000`\n",
    );
    misused(
        &sandbox,
        &["start", script, "--log-otlp", "h:1"],
        "error: `--log-otlp` is `h:1`, which is no URL that can be asked\n\
         hint: write one, as in `ostler start [ROOT]/w/a.sh --log-otlp \
         http://127.0.0.1:4318/v1/logs`\n",
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
        "error: unknown command `relaod`\nhint: did you mean `reload`? write it as in \
         `ostler reload api`; `ostler help reload` shows what it takes\n",
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
        let said = format!("{only}hint: `ostler {command} idle` does without it\n");
        begins(&sandbox, &[command, "idle", "--only", "x"], 2, &said);
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
        "error: `--lines` needs a number, but is `abc`\nhint: write a number, as in \
         `ostler logs --lines 50`\n",
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
