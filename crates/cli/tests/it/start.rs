//! The first command of the README, and what a newcomer sees of it: an unchanged app
//! on several workers.

use std::fs;

use ostler_testkit::{Sandbox, nodes, runtimes};

use crate::start_e2e::{SOON, answers, example, get, sandbox, untimed, wait_log};

/// Waits until each of the workers 0 and 1 has said that it listens.
fn wait_two_workers(sandbox: &Sandbox, name: &str) {
    for id in 0..2 {
        wait_log(sandbox, &format!("{name}-out-{id}.log"), "port");
    }
}

fn check_even(port: u16, requests: usize) {
    let by = answers(port, requests);
    assert_eq!(
        by.values().copied().collect::<Vec<_>>(),
        vec![requests / 2; 2],
        "not in exact turns: {by:?}"
    );
}

/// `start app.js -i 2` ended with its address, and the same app of a file without one.
#[test]
fn the_start_of_a_file_with_one_app_that_listens_ends_with_its_address() {
    let sandbox = sandbox();
    let port = sandbox.port();
    let script = example("hello.js").display().to_string();
    let app =
        format!("[{{ name: 'web', script: '{script}', instances: 2, env: {{ PORT: {port} }} }}]");
    sandbox.write("eco.json", app);
    let said = sandbox.ostler(["start", "eco.json"]).run();
    assert_eq!(untimed(&said.out), format!("started web 2/2 in TIME, http://127.0.0.1:{port}\n"));
}

#[test]
fn the_first_command_serves_one_port_by_two_workers_in_exact_turns_and_says_what_next() {
    let mut sandbox = sandbox();
    let port = sandbox.port();
    sandbox.set_env("PORT", port.to_string());
    let said = sandbox.ostler(["start"]).arg(example("hello.js")).args(["-i", "2"]).run();
    let head = format!("started hello 2/2 in TIME, http://127.0.0.1:{port}\n");
    assert_eq!(untimed(&said.out), head);
    let first = said.err.lines().next().unwrap();
    assert_eq!(first, "started the daemon in [ROOT]/h");
    let curl = format!("curl http://127.0.0.1:{port}");
    for next in [
        curl.as_str(),
        "ostler logs hello",
        "ostler reload hello",
        "ostler stop all",
        "ostler kill",
    ] {
        assert!(said.err.contains(next), "no `{next}` among what to do next: {}", said.err);
    }
    wait_two_workers(&sandbox, "hello");
    check_even(port, 40);
    let pids = sandbox.pids_of("hello");
    let answer = get(port);
    assert!(
        pids.iter().any(|pid| answer == format!("hello from {pid}")),
        "{answer}, not one of {pids:?}"
    );
    // The second start of anything gives no lesson again.
    let again = sandbox.ostler(["restart", "hello"]).run().err;
    assert!(!again.contains("What next"), "{again}");
}

#[test]
fn who_does_not_listen_is_not_waited_for_without_end() {
    for (script, options) in [
        ("setInterval(() => {}, 1 << 30)", &["-i", "1"][..]),
        ("require('http').createServer().listen(process.env.PORT)", &[]),
        ("process.exit(1)", &["-i", "1", "--no-autorestart"]),
    ] {
        let mut sandbox = sandbox();
        sandbox.set_env("PORT", sandbox.port().to_string());
        sandbox.write("mute.js", script);
        let said = sandbox.ostler(["start", "mute.js"]).args(options).any_code().run();
        assert!(!said.err.contains("curl") && !said.out.contains("http"), "{}", said.out);
    }
    let sandbox = sandbox();
    sandbox.write("app.js", "require('http').createServer().listen(process.cwd() + '/a b.sock')");
    let said = sandbox.ostler(["start", "app.js", "-i", "1"]).run().err;
    let command = "curl --unix-socket '[ROOT]/w/a b.sock' http://localhost ";
    assert!(said.contains(command), "{said}");
}

#[test]
fn the_same_holds_for_every_version_of_node() {
    for node in nodes() {
        let mut sandbox = sandbox();
        sandbox.use_runtime(&node);
        let port = sandbox.port();
        sandbox.set_env("PORT", port.to_string());
        sandbox.ostler(["start"]).arg(example("hello.js")).args(["-i", "2"]).run();
        wait_two_workers(&sandbox, "hello");
        check_even(port, 20);
    }
}

#[test]
fn an_express_app_is_shared_unchanged() {
    let mut sandbox = sandbox();
    let port = sandbox.port();
    sandbox.set_env("PORT", port.to_string());
    fs::copy(example("express/app.js"), sandbox.work().join("app.js")).unwrap();
    let modules = runtimes::cache_dir().join("express/node_modules");
    assert!(
        modules.join("express").is_dir(),
        "express is not installed\nhint: run `cargo xtask setup`"
    );
    std::os::unix::fs::symlink(modules, sandbox.work().join("node_modules")).unwrap();
    sandbox.ostler(["start", "app.js", "-i", "2", "--name", "shop"]).run();
    wait_two_workers(&sandbox, "shop");
    check_even(port, 20);
    // Its handler of SIGINT ends it well, long before it would be killed.
    sandbox.ostler(["stop", "shop"]).run();
    for process in sandbox.jlist() {
        assert_eq!(
            (&process["pm2_env"]["status"], &process["pm2_env"]["exit_code"]),
            (&"stopped".into(), &0.into())
        );
        assert_eq!(process["pm2_env"]["exit_signal"], serde_json::Value::Null, "it was killed");
    }
}

#[test]
fn an_app_with_two_ports_is_shared_on_both() {
    let mut sandbox = sandbox();
    // Both must be free; the second is held too, so that no other test is given it.
    let port = loop {
        let (one, two) = (sandbox.port(), sandbox.port());
        if two == one + 1 {
            break one;
        }
    };
    sandbox.set_env("PORT", port.to_string());
    sandbox.ostler(["start"]).arg(example("two-ports.js")).args(["-i", "2", "--name", "two"]).run();
    for id in 0..2 {
        let said = wait_log(&sandbox, &format!("two-out-{id}.log"), "health");
        sandbox.wait_for("both ports", SOON, || said.contains("health").then_some(()));
        wait_log(&sandbox, &format!("two-out-{id}.log"), "site");
    }
    check_even(port, 20);
    check_even(port + 1, 20);
    let described = sandbox.ostler(["describe", "two"]).run().out;
    for port in [port, port + 1] {
        assert!(
            described.contains(&port.to_string()),
            "describe does not name port {port}: {described}"
        );
    }
}
