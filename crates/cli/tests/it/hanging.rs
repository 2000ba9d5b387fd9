//! A part of the manager hangs, as one does that is stopped: the other notices and replaces it.

use std::time::Duration;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Victim, wait_exit};

use crate::takeover::{SOON, lives, sandbox};

/// The parts ask each other every five seconds, and wait ten for an answer.
const NOTICED: Duration = Duration::from_secs(60);

#[test]
fn a_daemon_that_hangs_is_replaced_and_apps_go_on() {
    let sandbox = sandbox();
    sandbox.ostler(["start"]).arg(sandbox.victim("idle", Victim::Sleeper)).run();
    let before = lives(&sandbox);
    let daemon = sandbox.daemon_pid().unwrap();
    procs::signal(daemon, Signal::STOP);
    assert!(wait_exit(daemon, NOTICED), "nobody noticed");
    assert_eq!(lives(&sandbox), before);
}

#[test]
fn a_start_whose_keeper_hangs_is_done_by_another_keeper() {
    let sandbox = sandbox();
    let script = sandbox.victim("idle", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(&script).args(["--name", "first"]).run();
    let before = lives(&sandbox);
    let keeper = sandbox.keeper_pid().unwrap();
    procs::signal(keeper, Signal::STOP);
    sandbox.ostler(["start"]).arg(&script).args(["--name", "second"]).limit(NOTICED).run();
    assert!(wait_exit(keeper, SOON), "what hangs is ended");
    let after = lives(&sandbox);
    assert_eq!((after.len(), &after[&0]), (2, &before[&0]));
}
