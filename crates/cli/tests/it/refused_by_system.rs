//! What the system refuses: each is said with what to do about it.

use crate::refusals::{begins, refused};
use crate::start_e2e::{SOON, one, sandbox, start_sh, wait_log};
use ostler_testkit::Sandbox;
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

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

/// `No such file` was said of a script that is there, and 15 restarts of what never ran.
#[test]
fn a_script_whose_interpreter_is_missing_is_said_as_such_with_its_line() {
    let sandbox = sandbox();
    let script = sandbox.write_executable("tool", "#!/nope/interp -x\necho never\n");
    let said = sandbox.ostler(["start"]).arg(&script).code(1).run().err;
    let line = "error: app `tool` did not start: could not execute `[ROOT]/w/tool`: line 1 of it, \
                `#!/nope/interp -x`, names an interpreter that is not there\n\
                hint: change line 1 of `[ROOT]/w/tool` or install what it names, then `ostler \
                restart tool`\n";
    assert!(said.contains(line), "{said}");
    let described = sandbox.ostler(["describe", "tool"]).run().out;
    assert!(described.contains("names an interpreter that is not there"), "{described}");
    let listed = sandbox.ostler(["list", "--format", "{status} {restarts}"]).run().out;
    assert_eq!(listed, "errored 0\n");
    sandbox.write_executable("tool", "#!/bin/sh\nexec sleep 1000000\n");
    sandbox.ostler(["restart", "tool"]).run();
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
        command.arg("ping").env("OSTLER_HOME", &home);
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
