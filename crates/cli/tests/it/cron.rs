//! Restarts by the clock, with real processes.

use ostler_testkit::Sandbox;

use crate::takeover::{SOON, kill_daemon, sandbox};

const EACH_SECOND: &str = "* * * * * *";

fn restarts(sandbox: &Sandbox) -> u64 {
    sandbox.jlist()[0]["pm2_env"]["restart_time"].as_u64().unwrap()
}

fn wait_restart(sandbox: &Sandbox) {
    let before = restarts(sandbox);
    sandbox.wait_for("a restart by the clock", SOON, || (before < restarts(sandbox)).then_some(()));
}

#[test]
fn cron_restarts_until_the_app_is_stopped_also_by_the_daemon_after_and_after_resurrect() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    sandbox.ostler(["start", "idle.sh", "--cron-restart", EACH_SECOND]).run();
    wait_restart(&sandbox);
    kill_daemon(&sandbox);
    wait_restart(&sandbox);
    let described = sandbox.ostler(["describe", "idle"]).run().out;
    assert!(described.contains(&format!("cron restart: {EACH_SECOND} (next 20")), "{described}");
    sandbox.ostler(["save"]).run();
    sandbox.ostler(["kill"]).run();
    sandbox.ostler(["resurrect"]).run();
    wait_restart(&sandbox);

    sandbox.ostler(["stop", "idle"]).run();
    let described = sandbox.ostler(["describe", "idle"]).run().out;
    assert!(described.contains(&format!("cron restart: {EACH_SECOND}\n")), "{described}");
    // The clock of another app shows that its time has come again and again.
    sandbox.write("other.sh", "exec sleep 1000000");
    sandbox.ostler(["start", "other.sh", "--cron-restart", EACH_SECOND]).run();
    let of_other = || sandbox.jlist()[1]["pm2_env"]["restart_time"].as_u64();
    sandbox.wait_for("two seconds", SOON, || of_other().filter(|count| 2 <= *count));
    assert_eq!(sandbox.statuses_of("idle"), ["stopped"]);
    sandbox.ostler(["start", "idle"]).run();
    wait_restart(&sandbox);
}

#[test]
fn a_cron_pattern_that_is_no_good_is_refused_with_its_field() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    let said = sandbox.ostler(["start", "idle.sh", "-c", "0 25 * * *"]).code(2).run();
    assert!(said.err.contains("its field `25` is no hour: 0 to 23"), "{}", said.err);
    assert!(sandbox.jlist().is_empty());
}
