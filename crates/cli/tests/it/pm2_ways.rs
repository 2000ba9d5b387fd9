//! What differs under the name `pm2`.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::start_e2e::{SOON, one, sandbox, wait_log};

#[test]
fn under_the_name_pm2_scale_and_update_go_pm2s_way() {
    let sandbox = sandbox();
    let pm2 = sandbox.work().join("pm2");
    symlink(env!("CARGO_BIN_EXE_ostler"), &pm2).unwrap();
    let script = sandbox.write("app.sh", "exec sleep 1000000");
    let run = |args: &[&str]| {
        let mut command = sandbox.command_of(&pm2);
        command.args(args);
        ostler_testkit::run::finish(command, &[], SOON).success()
    };
    sandbox.ostler(["start", "-i", "3"]).arg(script).run();
    let instances = || -> Vec<u64> {
        let list = sandbox.jlist();
        list.iter().map(|one| one["pm2_env"]["NODE_APP_INSTANCE"].as_u64().unwrap()).collect()
    };
    run(&["scale", "app", "2"]);
    assert_eq!(instances(), [1, 2], "the lowest number goes");
    sandbox.ostler(["scale", "app", "1"]).run();
    assert_eq!(instances(), [1], "the newest goes");
    run(&["scale", "app", "3"]);
    assert_eq!(instances(), [1, 0, 2], "free numbers are used again");
    sandbox.ostler(["restart", "app"]).run();
    let restarts = || -> Vec<Value> {
        sandbox.jlist().iter().map(|one| one["pm2_env"]["restart_time"].clone()).collect()
    };
    sandbox.ostler(["update"]).run();
    assert_eq!(restarts(), [1, 1, 1]);
    run(&["update"]);
    assert_eq!(restarts(), [0, 0, 0]);
}

#[test]
fn the_environment_of_the_first_command_says_what_it_says_to_pm2() {
    let mut sandbox = sandbox();
    let pid_file = sandbox.work().join("manager.pid");
    sandbox.set_env("PM2_PID_FILE_PATH", &pid_file);
    sandbox.set_env("PM2_KILL_USE_MESSAGE", "true");
    sandbox.set_env("PM2_DEEP_MONITORING", "true");
    let text = "process.on('message', (said) => { console.log('told', said); process.exit(0); });
        process.on('SIGINT', () => console.log('signalled')); setInterval(() => {}, 1000);
        console.log('up');";
    let script = sandbox.write("app.js", text);
    sandbox.ostler(["start"]).arg(script).run();
    wait_log(&sandbox, "app-out.log", "up");
    let daemon = fs::read_to_string(&pid_file).unwrap();
    assert!(sandbox.pids().contains(&daemon.parse().unwrap()), "{daemon}");
    assert!(!sandbox.file("pm2.pid").exists());
    assert_eq!(one(&sandbox, "app")["pm2_env"]["deep_monitoring"], true);
    sandbox.ostler(["stop", "app"]).run();
    assert_eq!(wait_log(&sandbox, "app-out.log", "told"), "up\ntold shutdown\n");
    sandbox.ostler(["kill"]).run();
    assert!(!pid_file.exists());
}

#[test]
fn a_list_that_starts_the_daemon_is_json_alone_where_that_is_asked_for() {
    let mut sandbox = sandbox();
    sandbox.set_env("PM2_SILENT", "");
    sandbox.set_env("PM2_DISCRETE_MODE", "true");
    let pm2 = sandbox.work().join("pm2");
    symlink(env!("CARGO_BIN_EXE_ostler"), &pm2).unwrap();
    let run = |args: &[&str]| {
        let mut command = sandbox.command_of(&pm2);
        command.args(args);
        ostler_testkit::run::finish(command, &[], SOON).success()
    };
    assert_eq!(run(&["jlist"]).out, "[]");
    let script = sandbox.write("app.sh", "exec sleep 1000000");
    let started = run(&["start", script.to_str().unwrap(), "--trace", "--deep-monitoring"]);
    assert!(started.err.contains("`--trace` does nothing: the agent in apps traces nothing"));
    sandbox.wait_status("app", "online", 1, SOON);
}

#[test]
fn the_script_that_pm2_has_put_into_a_shell_is_answered() {
    let sandbox = sandbox();
    let pm2 = sandbox.work().join("pm2");
    symlink(env!("CARGO_BIN_EXE_ostler"), &pm2).unwrap();
    let script = sandbox.write("app.sh", "exec sleep 1000000");
    sandbox.ostler(["start", "--name", "web"]).arg(script).run();
    let asked = |line: &str| {
        let mut command = sandbox.command_of(&pm2);
        command.args(["completion", "--"]).args(line.split_whitespace());
        command.env("COMP_LINE", line).env("COMP_POINT", line.len().to_string());
        command.env("COMP_CWORD", "1");
        ostler_testkit::run::finish(command, &[], SOON).success().out
    };
    assert_eq!(asked("pm2 restart "), "all\nweb\n");
    assert_eq!(asked("pm2 resu"), "resurrect\n");
}
