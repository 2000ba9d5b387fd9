//! `NAMESPACE/NAME` where an app is named: the app of that namespace is meant, and no other.

use std::os::unix::process::CommandExt as _;

use ostler_testkit::run::finish;
use ostler_testkit::{Sandbox, Victim};

use crate::logs::Stream;
use crate::start_e2e::{SOON, sandbox};

/// Two apps `api`: number 0 in the usual namespace, number 1 in `shop`.
fn two() -> Sandbox {
    let sandbox = sandbox();
    let app = sandbox.victim("idle", Victim::Sleeper);
    for namespace in ["default", "shop"] {
        let args = ["start", "--name", "api", "--namespace", namespace, "--force"];
        sandbox.ostler(args).arg(&app).run();
    }
    sandbox
}

/// `scale`, `logs` and the profiles found no app, and `start` no file.
#[test]
fn every_command_that_takes_names_of_apps_takes_the_namespace_before_one() {
    let sandbox = two();
    let said = |line: &str| {
        let ran = sandbox.ostler(line.split(' ')).run();
        assert_eq!(ran.code, 0, "{line}: {}{}", ran.out, ran.err);
        ran.out
    };
    assert_eq!(said("id shop/api"), "1\n");
    assert_eq!(said("list shop/api --format {id}"), "1\n");
    assert_eq!(said("describe shop/api --format {id}"), "1\n");
    said("wait shop/api --for log=up");
    let logs = said("logs shop/api --nostream --json");
    assert!(!logs.is_empty());
    assert!(logs.lines().all(|line| line.contains("\"process_id\":1,")), "{logs}");
    assert_eq!(said("pid shop/api").lines().count(), 1);
    assert!(said("env shop/api").contains("PATH="));
    for line in ["health", "wait", "reset", "flush", "monitor", "unmonitor"] {
        said(&format!("{line} shop/api"));
    }
    let status = || said("list --format {id}:{status}");
    said("sendSignal SIGCONT shop/api");
    said("stop shop/api");
    assert_eq!(status(), "0:online\n1:stopped\n");
    said("start shop/api");
    said("restart shop/api");
    said("reload shop/api");
    assert_eq!(status(), "0:online\n1:online\n");
    said("scale shop/api 2");
    assert_eq!(said("list shop --format {id}"), "1\n2\n");
    said("delete shop/api");
    assert_eq!(status(), "0:online\n");
    for line in
        ["alert test", "attach", "inspect", "profile:cpu", "promote", "pull", "send", "trigger"]
    {
        let rest = if matches!(line, "send" | "trigger") { " x" } else { "" };
        let known = sandbox.ostler(format!("{line} default/api{rest}").split(' ')).any_code().run();
        for no in ["no app has the name", "no process has"] {
            assert!(!known.err.contains(no), "{line}: {}", known.err);
        }
    }
}

#[test]
fn a_file_of_that_path_is_started_and_not_the_app() {
    let sandbox = two();
    sandbox.ostler(["stop", "shop/api"]).run();
    let error = sandbox.ostler(["start", "shop/other"]).code(1).run().err;
    assert!(error.contains("shop/other"), "{error}");
    sandbox.write("shop/api", "#!/bin/sh\nexec sleep 1000\n");
    sandbox.ostler(["start", "shop/api", "--name", "file", "--interpreter", "sh"]).run();
    let list = sandbox.ostler(["list", "--format", "{name} {status}"]).run().out;
    assert_eq!(list, "api online\nfile online\napi stopped\n");
}

#[test]
fn under_the_name_pm2_a_namespace_before_a_name_means_nothing() {
    let sandbox = two();
    for line in ["scale shop/api 2", "stop shop/api", "start shop/api", "describe shop/api"] {
        let mut command = sandbox.command();
        command.arg0("pm2").args(line.split(' '));
        let ran = finish(command, &[], SOON);
        assert_eq!(ran.code, 1, "{line}: {}", ran.out);
    }
    let list = sandbox.ostler(["list", "--format", "{id}:{status}"]).run().out;
    assert_eq!(list, "0:online\n1:online\n");
}

/// They were followed as they were at the beginning.
#[test]
fn logs_of_an_app_or_of_a_namespace_follow_what_is_added_meanwhile_and_no_other() {
    let sandbox = sandbox();
    sandbox.write("tick.sh", "while :; do echo tick; sleep 0.05; done");
    for namespace in ["default", "shop"] {
        let args = ["start", "tick.sh", "--name", "api", "--namespace", namespace, "--force"];
        sandbox.ostler(args).run();
    }
    let is_of = |line: &str, id: u32| {
        line.contains(&format!("\"process_id\":{id},")) || line.starts_with(&format!("api:{id} "))
    };
    for (args, added) in [(["shop/api", "--json"], 2), (["shop", "--lines=0"], 3)] {
        let stream = Stream::begin(&sandbox, &args);
        let find = |id| {
            stream.find(|line| {
                assert!(!is_of(line, 0), "{args:?}: {line}");
                is_of(line, id)
            })
        };
        // From then on it follows.
        find(1);
        sandbox.ostler(["scale", "shop/api", "+1"]).run();
        find(added);
    }
}
