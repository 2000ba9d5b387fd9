//! Everything at once: apps that log, crash, are scaled and reloaded, a cluster under load, while
//! daemon or keeper is killed at random. In the end a ledger must be clean.
//!
//! `OSTLER_TORTURE_SECONDS` sets how long (default a few seconds; `cargo xtask torture --minutes N`
//! the long form), `OSTLER_SEED` repeats a choice of kills.

mod ledger;
mod scene;
mod strikes;
mod together;
mod variation;

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ostler_testkit::histories::Dice;
use ostler_testkit::{Load, Sandbox, procs};
use serde_json::Value;

use crate::takeover::{SOON, lives};
use ledger::{Ledger, count_requests, find_strangers, read_logs};
use scene::{Size, scene};
use variation::Variation;

fn torture(variation: Variation, seconds: u64, seed: u64) {
    let mut ledger = Ledger::default();
    let mut dice = Dice::new(seed);
    let scene = scene(variation.sandbox(), variation.size());
    let Size { talkers, crashers } = scene.size;
    let sandbox = &scene.sandbox;
    let steady = |sandbox: &Sandbox| -> BTreeMap<u64, (u64, String, u64)> {
        let all = lives(sandbox);
        // All but those that end by themselves, and what commands do something to.
        let others = u64::from(talkers + crashers);
        let steady = |id: u64| id < u64::from(talkers) || (others..others + 2).contains(&id);
        all.into_iter().filter(|(id, _)| steady(*id)).collect()
    };
    let before = steady(sandbox);
    let load = Load::to_port(scene.port)
        .connections(4)
        .connection_per_request()
        .think(Duration::from_millis(5))
        .start();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut background = Vec::new();
    let enough = |ledger: &Ledger| {
        let struck: u32 = ledger.strikes.values().sum();
        seconds / 2 <= u64::from(struck)
    };
    while Instant::now() < end || !enough(&ledger) {
        background.extend(command(sandbox, &mut dice, &mut ledger));
        let more = dice.below(30);
        load.wait_answered(more, SOON);
        strikes::one(sandbox, &mut dice, &mut ledger, LONG <= seconds);
    }
    for mut child in background {
        // Its daemon may have died under it; what it began goes on.
        child.wait().unwrap();
    }
    settle(sandbox);
    count_requests(&load.stop(), &mut ledger);
    let after = steady(sandbox);
    for (id, was) in &before {
        if after.get(id) != Some(was) {
            ledger.restarted.push(format!("{id}: {was:?}, now {:?}", after.get(id)));
        }
    }
    find_strangers(sandbox, &mut ledger);
    sandbox.ostler(["stop", "all"]).run();
    read_logs(&scene, &mut ledger);
    sandbox.ostler(["kill"]).run();
    let left = sandbox.pids();
    ledger.orphans.extend(left.into_iter().map(procs::describe));
    // Here, while the sandbox is there to show its log.
    ledger.assert_clean();
}

/// Now and then, a command is under way when a part is struck.
fn command(sandbox: &Sandbox, dice: &mut Dice, ledger: &mut Ledger) -> Option<Child> {
    let count = (1 + dice.below(3)).to_string();
    let spare = sandbox.work().join("spare.sh").display().to_string();
    let words: &[&str] = match dice.below(20) {
        0 | 1 => &["reload", "api"],
        2 | 3 => &["scale", "api", &count],
        4 => &["update"],
        5 => &["start", &spare, "--name", "spare"],
        6 => &["restart", "spare"],
        7 => &["stop", "spare"],
        8 => &["delete", "spare"],
        9 => &["save"],
        _ => return None,
    };
    let names = ["reload", "scale", "update", "start", "restart", "stop", "delete", "save"];
    if let Some(name) = names.into_iter().find(|name| words.first() == Some(name)) {
        Ledger::count(&mut ledger.commands, name);
    }
    let mut command = sandbox.command();
    command.args(words).stdout(Stdio::null()).stderr(Stdio::null());
    Some(command.spawn().unwrap())
}

/// Waits until the cluster is what is wanted of it.
fn settle(sandbox: &Sandbox) {
    sandbox.wait_list("the cluster to rest", Duration::from_secs(60), |list| {
        let api: Vec<&Value> = list.iter().filter(|process| process["name"] == "api").collect();
        let rests = |process: &&Value| process["pm2_env"]["status"] == "online";
        let alive = sandbox
            .pids()
            .into_iter()
            .filter(|pid| procs::args(*pid).iter().any(|arg| arg.ends_with("api.js")));
        (!api.is_empty() && api.iter().all(rests) && alive.count() == api.len()).then_some(())
    });
}

/// From this on it is the long form, seconds: parts also stand still.
const LONG: u64 = 60;

fn play(variation: Variation, otherwise: u64) {
    let seconds =
        std::env::var("OSTLER_TORTURE_SECONDS").map_or(otherwise, |text| text.parse().unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = std::env::var("OSTLER_SEED").map_or(u64::from(now), |text| text.parse().unwrap());
    eprintln!("{variation:?}, seed {seed}");
    torture(variation, seconds, seed);
}

#[test]
fn nothing_is_lost_doubled_or_left_when_the_manager_is_killed_at_random() {
    play(Variation::Usual, 8);
}

#[test]
fn nothing_is_lost_doubled_or_left_without_control_groups() {
    play(Variation::NoGroups, 3);
}

#[test]
fn nothing_is_lost_doubled_or_left_as_an_ordinary_user() {
    play(Variation::OrdinaryUser, 3);
}

#[test]
fn nothing_is_lost_doubled_or_left_with_256_descriptors() {
    play(Variation::FewDescriptors, 3);
}
