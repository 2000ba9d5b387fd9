//! What is said by a command that waits, and by one that looks, when the daemon or the time ends.

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
