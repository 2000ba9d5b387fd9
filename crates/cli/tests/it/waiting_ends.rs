//! What is said by a command that waits, and by one that looks, when daemon, process or time end.

use ostler_testkit::Victim;

use crate::start_e2e::{SOON, sandbox, wait_log};
use crate::waiting::{begin, end, wait_until_it_waits, waits_for_go};

/// It started a daemon to ask what had become of the app, which the user had just ended.
#[test]
fn a_command_that_reads_starts_no_daemon_also_after_a_kill_meanwhile() {
    let sandbox = sandbox();
    let fresh = sandbox.ostler(["list"]).run();
    assert!(fresh.err.contains("nothing is managed yet"), "{fresh:?}");
    for (read, code) in [
        (&["list", "--json", "name"][..], 0),
        (&["jlist"], 0),
        (&["prettylist"], 0),
        (&["pid"], 0),
        (&["describe", "app"], 1),
        (&["env", "0"], 1),
        (&["id", "app"], 1),
        (&["inspect", "app"], 1),
        (&["logs", "--nostream"], 0),
        (&["wait", "app"], 1),
        (&["health"], 1),
        (&["export"], 1),
    ] {
        assert_eq!(sandbox.run(read).code, code, "{read:?}");
        assert!(!sandbox.file("ostler.sock").exists(), "{read:?} started a daemon");
    }
    waits_for_go(&sandbox);
    let never = "error: no such line of app (id 0), and none will come: ";
    for (awaited, code, said) in
        [("exit", 0, "app (id 0) "), ("log=never", 1, never), ("ready", 1, "error: app (id 0) ")]
    {
        let start = ["start", "app.js", "--wait-ready", "--listen-timeout", "600000"];
        let starts = begin(&sandbox, &start);
        sandbox.wait_for("the app", SOON, || sandbox.jlist().first().map(drop));
        let waits = begin(&sandbox, &["wait", "app", "--for", awaited]);
        wait_until_it_waits(&waits);
        sandbox.ostler(["kill"]).run();
        let (rc, out, err) = end(waits);
        assert!(rc == code && (out + &err).starts_with(said), "{awaited}: {rc} {err}");
        end(starts);
        assert!(!sandbox.file("ostler.sock").exists(), "`--for {awaited}` started a daemon");
    }
}

/// A program that asked for objects got none when the limit was over.
#[test]
fn what_a_program_asked_for_is_printed_also_when_the_wait_fails() {
    let sandbox = sandbox();
    let app = sandbox.victim("app", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(app).run();
    let object = "[{\"name\":\"app\"}]\n";
    let words = ["wait", "app", "--for", "exit", "--timeout", "100ms", "--json", "name"];
    sandbox.ostler(words).code(124).stdout(object).run();
    assert_eq!(sandbox.ostler(["wait", "nope", "--json", "name"]).code(1).run().out, "");
    // They take longer to end than the limit.
    let slow = "process.on('SIGINT', () => {}); console.log('up'); setInterval(() => {}, 1 << 30);";
    sandbox.write("slow.js", slow);
    let app = |name| format!(r#"{{"name": "{name}", "script": "slow.js", "kill_timeout": 1000}}"#);
    sandbox.write("two.json", format!(r#"{{"apps": [{}, {}]}}"#, app("a"), app("b")));
    sandbox.ostler(["start", "two.json"]).run();
    wait_log(&sandbox, "a-out.log", "up");
    wait_log(&sandbox, "b-out.log", "up");
    let late = sandbox.ostler(["reload", "two.json", "--wait=50ms", "--json", "name"]).code(124);
    let late = late.run();
    assert!(late.err.contains("error: the reload of a, b was not done within 50ms"), "{late:?}");
    assert_eq!(late.out, "[{\"name\":\"a\"},\n {\"name\":\"b\"}]\n");
}

/// The other one was ready, so both were said to be.
#[test]
fn an_app_is_not_ready_while_one_of_its_processes_is_dead() {
    let sandbox = sandbox();
    sandbox.write(
        "half.js",
        "if (process.env.NODE_APP_INSTANCE === '1') { console.error('boom'); process.exit(9) }
        require('http').createServer(() => {}).listen(process.env.PORT, '127.0.0.1');",
    );
    let port = sandbox.port().to_string();
    let said = "error: half (id 1) ended with exit code 9 before it was ready\n  \
                its last lines on stderr:\n    boom\n";
    let start = |more: &[&str]| {
        let mut start = sandbox.ostler(["start", "half.js", "-i", "2"]);
        start = start.args(more).env("PORT", &port);
        start
    };
    let waits = start(&["--wait", "--no-autorestart"]).code(1).run();
    assert!(waits.err.contains(said) && waits.out.contains("started half 1/2 "), "{waits:?}");
    let later = sandbox.ostler(["wait", "half"]).code(1).run();
    let said = "error: half (id 1) ended with exit code 9";
    assert!(later.err.starts_with(said), "{later:?}");
    sandbox.ostler(["delete", "half"]).run();
    // Without `--wait` it is a warning.
    let plain = start(&[]).run();
    assert!(plain.out.contains("started half 1/2 "), "{plain:?}");
    // It may be given up by then.
    assert!(plain.err.starts_with("warning: half (id 1) "), "{plain:?}");
    assert!(plain.err.contains("exit code 9"), "{plain:?}");
}
