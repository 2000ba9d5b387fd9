//! Fork mode: any program in any language, with what it is told about itself.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use ostler_testkit::procs;

use crate::start_e2e::{one, sandbox, wait_log, wait_one};

/// Whether a program is in this test's `PATH`.
fn installed(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|dir| dir.join(program).is_file())
}

/// What `PATH` finds, without shims in between.
fn real(program: &str, ask: &[&str]) -> String {
    let output = Command::new(program).args(ask).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_extension_chooses_the_interpreter() {
    let sandbox = sandbox();
    let cases = [
        (
            "js",
            "node",
            "console.log('up', process.argv.slice(2).join(' ')); setInterval(() => {}, 1e9);",
        ),
        ("sh", "bash", "echo up $@\nexec sleep 1000000"),
        ("py", "python", "import sys, time\nprint('up', *sys.argv[1:])\ntime.sleep(1e6)"),
        ("pl", "perl", "$| = 1; print \"up @ARGV\\n\"; sleep 1000000;"),
        ("rb", "ruby", "puts \"up #{ARGV.join ' '}\"; $stdout.flush; sleep"),
        (
            "php",
            "php",
            "<?php echo 'up ', implode(' ', array_slice($argv, 1)), \"\\n\"; sleep(1000000);",
        ),
    ];
    let mut seen = 0;
    for (extension, interpreter, text) in cases.into_iter().filter(|case| installed(case.1)) {
        seen += 1;
        let name = format!("in-{extension}");
        sandbox.write(format!("{name}.{extension}"), text);
        sandbox
            .ostler(["start", &format!("{name}.{extension}"), "--", "a", "-v", "--name", "b c"])
            .run();
        let log = wait_log(&sandbox, &format!("{name}-out.log"), "\n");
        assert_eq!(log, "up a -v --name b c\n", "{extension}");
        let process = one(&sandbox, &name);
        assert_eq!(process["pm2_env"]["exec_interpreter"], interpreter);
        assert_eq!(process["pm2_env"]["exec_mode"], "fork_mode");
    }
    assert!(4 <= seen, "too few interpreters are installed to show anything");
}

#[test]
fn python_may_be_called_python3() {
    let mut sandbox = sandbox();
    let bin = sandbox.work().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(real("python3", &["-c", "import sys; print(sys.executable)"]), bin.join("python3"))
        .unwrap();
    sandbox.set_env("PATH", &bin);
    sandbox.write("app.py", "import time\nprint('up')\ntime.sleep(1e6)");
    sandbox.ostler(["start", "app.py"]).run();
    // Not buffered, although standard output is no terminal.
    wait_log(&sandbox, "app-out.log", "up");
    assert_eq!(one(&sandbox, "app")["pm2_env"]["exec_interpreter"], "python3");
}

#[test]
fn an_interpreter_may_be_named_with_arguments_of_its_own() {
    let sandbox = sandbox();
    sandbox.write(
        "app.txt",
        "console.log(JSON.stringify([process.execArgv, process.argv.slice(1)])); \
         setInterval(() => {}, 1e9);",
    );
    sandbox
        .ostler([
            "start",
            "app.txt",
            "--interpreter",
            "node",
            "--node-args",
            "--no-warnings '--title=a b'",
            "--",
            "x",
        ])
        .run();
    let log = wait_log(&sandbox, "app-out.log", "\n");
    let script = sandbox.work().join("app.txt").display().to_string();
    assert_eq!(log.trim(), format!(r#"[["--no-warnings","--title=a b"],["{script}","x"]]"#));
}

#[test]
fn a_program_is_executed_as_it_is() {
    let sandbox = sandbox();
    // Found in PATH, a binary by its path, a script that says itself what runs it, and one told to
    // be executed.
    sandbox.ostler(["start", "sleep", "--", "1000001"]).run();
    let sleep = real("sh", &["-c", "command -v sleep"]);
    sandbox.ostler(["start", &sleep, "--name", "by-path", "--", "1000002"]).run();
    sandbox
        .write_executable("own", "#!/usr/bin/perl\n$| = 1; print \"up $0\\n\"; sleep 1000000;\n");
    sandbox.ostler(["start", "own"]).run();
    sandbox.write_executable(
        "exec.sh",
        "#!/usr/bin/perl\n$| = 1; print \"perl after all\\n\"; sleep 1000000;\n",
    );
    sandbox.ostler(["start", "exec.sh", "--interpreter", "none"]).run();
    assert_eq!(procs::args(sandbox.pids_of("sleep")[0]), [sleep.as_str(), "1000001"]);
    assert_eq!(procs::args(sandbox.pids_of("by-path")[0]), [sleep.as_str(), "1000002"]);
    wait_log(&sandbox, "own-out.log", "up /");
    wait_log(&sandbox, "exec-out.log", "perl after all");
    assert_eq!(one(&sandbox, "sleep")["pm2_env"]["exec_interpreter"], "none");
}

#[test]
fn a_line_with_blanks_is_for_the_shell() {
    let sandbox = sandbox();
    sandbox
        .ostler(["start", "echo one \"two  three\" && exec sleep 1000000", "--name", "line"])
        .run();
    assert_eq!(wait_log(&sandbox, "line-out.log", "\n"), "one two  three\n");
    sandbox.ostler(["start", "sleep 1000003"]).run();
    wait_one(&sandbox, "sleep 1000003", "online");
    assert!(sandbox.file("logs/sleep-1000003-out.log").exists());
}

#[test]
fn the_app_is_told_who_it_is() {
    let sandbox = sandbox();
    let text = "const { env, argv } = process, main = require.main === module;\
                console.log(JSON.stringify({ env, argv, cwd: process.cwd(), main })); \
                setInterval(() => {}, 1e9);";
    sandbox.write("sub/app.js", text);
    sandbox
        .ostler([
            "start",
            "app.js",
            "--name",
            "told",
            "--cwd",
            "sub",
            "--namespace",
            "space",
            "--",
            "--flag",
        ])
        .env("MINE", "my value")
        .run();
    let said: serde_json::Value =
        serde_json::from_str(&wait_log(&sandbox, "told-out.log", "\n")).unwrap();
    let script = sandbox.work().join("sub/app.js").display().to_string();
    assert_eq!(said["argv"][1], script.as_str(), "no wrapper");
    assert_eq!(said["argv"][2], "--flag");
    assert_eq!(said["main"], true);
    assert_eq!(said["cwd"], sandbox.work().join("sub").display().to_string().as_str());
    let home = sandbox.home().display().to_string();
    let expected = [
        ("name", "told"),
        ("namespace", "space"),
        ("pm_id", "0"),
        ("NODE_APP_INSTANCE", "0"),
        ("status", "launching"),
        ("exec_mode", "fork_mode"),
        ("exec_interpreter", "node"),
        ("pm_exec_path", script.as_str()),
        ("PM2_HOME", home.as_str()),
        ("PM2_USAGE", "CLI"),
        ("restart_time", "0"),
        ("unstable_restarts", "0"),
        ("autorestart", "true"),
        ("MINE", "my value"),
    ];
    for (name, value) in expected {
        assert_eq!(said["env"][name], value, "{name}");
    }
    let process = one(&sandbox, "told");
    for name in ["unique_id", "pm_out_log_path", "pm_err_log_path", "pm_pid_path", "pm_cwd"] {
        assert_eq!(said["env"][name], process["pm2_env"][name], "{name}");
    }
    let pid_file = process["pm2_env"]["pm_pid_path"].as_str().unwrap();
    assert_eq!(fs::read_to_string(pid_file).unwrap(), process["pid"].to_string());
    sandbox.ostler(["stop", "told"]).run();
    assert!(!Path::new(pid_file).exists(), "the pid file is still there");
}

/// The channel in a language that knows nothing of Node: a number in the environment, JSON lines
/// on a socket.
const PYTHON: &str = r#"
import os, sys, time
print('channel', os.environ['NODE_CHANNEL_FD'], os.environ['NODE_CHANNEL_SERIALIZATION_MODE'])
channel = os.fdopen(int(os.environ['NODE_CHANNEL_FD']), 'r+b', buffering=0)
time.sleep(float(os.environ.get('LATE', '0')))
print('says ready')
channel.write(b'"ready"\n')
print('got', channel.readline().decode().strip())
sys.exit(7)
"#;

#[test]
fn the_channel_is_for_every_language() {
    let sandbox = sandbox();
    sandbox.write("app.py", PYTHON);
    let began = std::time::Instant::now();
    let said = sandbox
        .ostler([
            "start",
            "app.py",
            "--wait-ready",
            "--listen-timeout",
            "60000",
            "--shutdown-with-message",
        ])
        .args(["--kill-timeout", "60000"])
        .env("LATE", "0.3")
        .run();
    // The answer came with `ready`, and not before it. (What it prints reaches the file on a way of
    // its own.)
    assert!(300 <= began.elapsed().as_millis());
    let log = wait_log(&sandbox, "app-out.log", "says ready\n");
    assert!(log.starts_with("channel 3 json\nsays ready\n"), "{log}");
    assert!(said.out.starts_with("started app 1/1 in "), "{}", said.out);
    assert!(!said.err.contains("warning:"), "{}", said.err);
    wait_one(&sandbox, "app", "online");
    sandbox.ostler(["stop", "app"]).run();
    let log = wait_log(&sandbox, "app-out.log", "got");
    assert!(log.ends_with("got \"shutdown\"\n"), "{log}");
    assert_eq!(wait_one(&sandbox, "app", "stopped")["pm2_env"]["exit_code"], 7);
}

#[test]
fn who_never_says_ready_is_online_after_its_time_and_the_user_is_told() {
    let sandbox = sandbox();
    let script = sandbox.victim("mute", ostler_testkit::Victim::NeverReady);
    let began = std::time::Instant::now();
    let said = sandbox
        .ostler(["start"])
        .arg(script)
        .args(["--wait-ready", "--listen-timeout", "300"])
        .run();
    assert!(300 <= began.elapsed().as_millis());
    let warning = "warning: `mute` (id 0) did not say `ready` within 300 ms (`listen_timeout`); \
                   it is taken as online all the same\n";
    assert!(said.err.contains(warning), "{}", said.err);
    wait_one(&sandbox, "mute", "online");
}
