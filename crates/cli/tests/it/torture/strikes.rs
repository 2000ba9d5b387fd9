//! How parts of the manager are struck.

use std::time::{Duration, Instant};

use ostler_testkit::histories::Dice;
use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, wait_exit, wait_for};

use super::ledger::Ledger;
use crate::takeover::{self, SOON};

/// How long a part stands still, when it is not killed.
const STANDSTILL: Duration = Duration::from_secs(10);

/// A part of the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Daemon,
    Keeper,
    Guard,
}

impl Part {
    const ALL: [Self; 3] = [Self::Daemon, Self::Keeper, Self::Guard];

    fn pid(self, sandbox: &Sandbox) -> Option<u32> {
        match self {
            Self::Daemon => sandbox.daemon_pid(),
            Self::Keeper => sandbox.keeper_pid(),
            Self::Guard => {
                let daemon = sandbox.daemon_pid()?;
                let parent = |pid: &u32| procs::stat(*pid).is_some_and(|of| of.parent == daemon);
                // A keeper that the daemon has started is its child, too.
                sandbox.pids().into_iter().filter(parent).find(takeover::is_guard)
            }
        }
    }
}

/// Kills one part and waits for another in its place, or lets it stand still for a while.
pub fn one(sandbox: &Sandbox, dice: &mut Dice, ledger: &mut Ledger, may_stop: bool) {
    let began = Instant::now();
    let part = match dice.below(8) {
        0..5 => Part::Daemon,
        5..7 => Part::Keeper,
        _ => Part::Guard,
    };
    if may_stop && dice.below(20) == 0 {
        Ledger::count(&mut ledger.strikes, "standstill");
        stand_still(sandbox, part);
        return;
    }
    kill(sandbox, part, ledger);
    ledger.slowest = ledger.slowest.max(began.elapsed());
}

fn kill(sandbox: &Sandbox, part: Part, ledger: &mut Ledger) {
    let pid = wait_for(format_args!("a {part:?}"), SOON, || part.pid(sandbox));
    procs::signal(pid, Signal::KILL);
    wait_exit(pid, SOON);
    let kind = match part {
        Part::Daemon => "daemon",
        Part::Keeper => "keeper",
        Part::Guard => "guard",
    };
    Ledger::count(&mut ledger.strikes, kind);
    wait_for(format_args!("another {part:?}"), SOON, || {
        part.pid(sandbox).filter(|new| *new != pid)
    });
    if part == Part::Keeper {
        // Until it is replaced and has everything the daemon is what must not die: the answer comes
        // after that.
        sandbox.run(&["ping"]).success();
    }
}

/// A part does nothing for ten seconds, and is killed by whoever waits for it, or goes on.
fn stand_still(sandbox: &Sandbox, part: Part) {
    let pid = wait_for(format_args!("a {part:?}"), SOON, || part.pid(sandbox));
    procs::signal(pid, Signal::STOP);
    wait_exit(pid, STANDSTILL);
    procs::signal(pid, Signal::CONT);
    sandbox.run(&["ping"]).success();
}

/// Kills several parts in the same instant.
pub fn together(sandbox: &Sandbox, parts: &[Part]) {
    let pids: Vec<u32> = parts
        .iter()
        .map(|part| wait_for(format_args!("a {part:?}"), SOON, || part.pid(sandbox)))
        .collect();
    // Who stands still replaces nobody.
    for signal in [Signal::STOP, Signal::KILL] {
        for pid in &pids {
            procs::signal(*pid, signal);
        }
    }
    for pid in pids {
        wait_exit(pid, SOON);
    }
}

/// Every pair of parts, and all three.
pub fn combinations() -> [Vec<Part>; 4] {
    let without = |part: Part| Part::ALL.into_iter().filter(|other| *other != part).collect();
    [without(Part::Daemon), without(Part::Keeper), without(Part::Guard), Part::ALL.to_vec()]
}

/// Killed without a wait for another keeper, it would take apps along with the next daemon.
#[test]
fn a_keeper_that_the_daemon_started_is_not_taken_for_its_guard() {
    let sandbox = takeover::sandbox();
    sandbox.ostler(["ping"]).run();
    let mut ledger = Ledger::default();
    for part in [Part::Keeper, Part::Guard] {
        kill(&sandbox, part, &mut ledger);
    }
    let guard = Part::Guard.pid(&sandbox);
    assert!(guard.is_some_and(|pid| takeover::is_guard(&pid)));
    assert_ne!(guard, sandbox.keeper_pid());
}
