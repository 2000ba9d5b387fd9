//! Everything at once: apps that log, crash, are scaled and reloaded, a cluster under load, while
//! daemon or keeper is killed at random. In the end a ledger must be clean.
//!
//! `OSTLER_TORTURE_SECONDS` sets how long (default a few seconds; `cargo xtask torture --minutes N`
//! the long form), `OSTLER_SEED` repeats a choice of kills.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ostler_testkit::histories::Dice;
use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Load, Report, Sandbox, Victim, wait_exit, wait_for};
use serde_json::Value;

use crate::takeover::{SOON, lives, sandbox};

/// Apps that only talk.
const TALKERS: u32 = 14;
/// Apps that talk, and then end with a code of their own.
const CRASHERS: u32 = 5;

/// What was seen in the end.
#[derive(Debug, Default)]
struct Ledger {
    daemons_killed: u32,
    keepers_killed: u32,
    lines: u64,
    bad_lines: Vec<String>,
    crashes: u64,
    wrong_exits: Vec<String>,
    requests: usize,
    failed_requests: usize,
    /// Those among them that were reset before an answer.
    restarted: Vec<String>,
    duplicates: Vec<String>,
    orphans: Vec<String>,
    reloads: u32,
    scales: u32,
    slowest: Duration,
}

/// Prints `line N PID` for ever; every number once.
const TALKER: &str = r#"#!/bin/sh
n=0
echo up
while :; do n=$((n+1)); echo "line $n $$"; sleep 0.0$((n % 9 + 1)); done
"#;

/// Prints a few lines, writes down how it is about to end, and ends so. Each life has a number
/// of its own.
const CRASHER: &str = r#"#!/bin/sh
life=$(wc -l < "$0.$pm_id.ends")
life=$((life+1))
n=0
while [ $n -lt 20 ]; do n=$((n+1)); echo "life $life line $n"; done
sleep 0.$((life % 7 + 1))
code=$((life % 100 + 1))
echo "$code" >> "$0.$pm_id.ends"
exit $code
"#;

struct Scene {
    sandbox: Sandbox,
    port: u16,
    crasher: PathBuf,
}

fn scene() -> Scene {
    let sandbox = sandbox();
    let port = sandbox.port();
    let talker = sandbox.write_executable("talker.sh", TALKER);
    let crasher = sandbox.write_executable("crasher.sh", CRASHER);
    for id in 0..TALKERS + CRASHERS + 1 {
        sandbox.write(format!("crasher.sh.{id}.ends"), "");
    }
    let forms = [&[][..], &["--time"][..], &["--log-type", "json"][..]];
    for number in 0..TALKERS {
        let name = format!("talker{number}");
        let form = forms[usize::try_from(number).unwrap() % forms.len()];
        sandbox.ostler(["start"]).arg(&talker).args(["--name", &name]).args(form).run();
    }
    for number in 0..CRASHERS {
        let name = format!("crasher{number}");
        let rest = ["--max-restarts", "1000000", "--min-uptime", "100"];
        sandbox.ostler(["start"]).arg(&crasher).args(["--name", &name]).args(rest).run();
    }
    let api = sandbox.victim("api", Victim::Http);
    sandbox
        .ostler(["start"])
        .arg(api)
        .args(["-i", "2", "--wait-ready", "--kill-timeout", "5000"])
        .env("PORT", port.to_string())
        .env("GRACEFUL", "1")
        .run();
    Scene { sandbox, port, crasher }
}

fn kill_one(sandbox: &Sandbox, dice: &mut Dice, ledger: &mut Ledger) {
    let began = Instant::now();
    let both = dice.below(8);
    if both < 5 {
        let pid = wait_for("a daemon", SOON, || sandbox.daemon_pid());
        procs::signal(pid, Signal::KILL);
        wait_exit(pid, SOON);
        ledger.daemons_killed += 1;
        wait_for("another daemon", SOON, || sandbox.daemon_pid().filter(|new| *new != pid));
    } else {
        let pid = wait_for("a keeper", SOON, || sandbox.keeper_pid());
        procs::signal(pid, Signal::KILL);
        wait_exit(pid, SOON);
        ledger.keepers_killed += 1;
        // Until it is replaced and has everything the daemon is what must not die: the answer comes
        // after that.
        wait_for("another keeper", SOON, || sandbox.keeper_pid().filter(|new| *new != pid));
        sandbox.run(&["ping"]).success();
    }
    ledger.slowest = ledger.slowest.max(began.elapsed());
}

fn torture(seconds: u64, seed: u64) -> Ledger {
    let mut ledger = Ledger::default();
    let mut dice = Dice::new(seed);
    let scene = scene();
    let sandbox = &scene.sandbox;
    let talkers = |sandbox: &Sandbox| -> BTreeMap<u64, (u64, String, u64)> {
        let all = lives(sandbox);
        all.into_iter().filter(|(id, _)| *id < u64::from(TALKERS)).collect()
    };
    let before = talkers(sandbox);
    let load = Load::to_port(scene.port)
        .connections(4)
        .connection_per_request()
        .think(Duration::from_millis(5))
        .start();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut background = Vec::new();
    let enough =
        |ledger: &Ledger| seconds / 2 <= u64::from(ledger.daemons_killed + ledger.keepers_killed);
    while Instant::now() < end || !enough(&ledger) {
        match dice.below(10) {
            0 => {
                ledger.reloads += 1;
                background.push(begin(sandbox, &["reload", "api"]));
            }
            1 => {
                ledger.scales += 1;
                let count = (1 + dice.below(3)).to_string();
                background.push(begin(sandbox, &["scale", "api", &count]));
            }
            _ => {}
        }
        let more = dice.below(30);
        load.wait_answered(more, SOON);
        kill_one(sandbox, &mut dice, &mut ledger);
    }
    for mut child in background {
        // Its daemon may have died under it; what it began goes on.
        child.wait().unwrap();
    }
    settle(sandbox);
    count_requests(&load.stop(), &mut ledger);
    let after = talkers(sandbox);
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
    ledger
}

fn begin(sandbox: &Sandbox, args: &[&str]) -> std::process::Child {
    let mut command = sandbox.command();
    command.args(args).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.spawn().unwrap()
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

fn count_requests(report: &Report, ledger: &mut Ledger) {
    ledger.requests = report.samples.len();
    ledger.failed_requests = report.failures().count();
    if 0 < ledger.failed_requests {
        eprintln!("{report}");
    }
}

/// Every process that runs one of the scripts must be one of the list.
fn find_strangers(sandbox: &Sandbox, ledger: &mut Ledger) {
    let runs =
        |pid: &u32, script: &str| procs::args(*pid).get(1).is_some_and(|arg| arg.ends_with(script));
    // A crasher comes and goes; what is there twice in a row and is not listed is a stranger.
    let look = || {
        let pids = sandbox.pids();
        let listed: Vec<u64> = lives(sandbox).values().map(|life| life.0).collect();
        let scripts = ["talker.sh", "crasher.sh", "api.js"];
        let ours = pids.into_iter().filter(|pid| scripts.iter().any(|script| runs(pid, script)));
        ours.filter(|pid| !listed.contains(&u64::from(*pid))).collect::<Vec<u32>>()
    };
    let first = look();
    let second = look();
    ledger
        .duplicates
        .extend(first.into_iter().filter(|pid| second.contains(pid)).map(procs::describe));
}

fn read_logs(scene: &Scene, ledger: &mut Ledger) {
    let sandbox = &scene.sandbox;
    for number in 0..TALKERS {
        let name = format!("talker{number}");
        let text = fs::read_to_string(sandbox.file(format!("logs/{name}-out.log"))).unwrap();
        let mut next = 1;
        for line in text.lines().filter(|line| !line.contains("up")) {
            let number = line
                .find("line ")
                .and_then(|at| line[at + 5..].split(' ').next()?.parse::<u64>().ok());
            if number != Some(next) {
                ledger.bad_lines.push(format!("{name}: {line:?} where {next} is due"));
            }
            next = number.unwrap_or(next) + 1;
        }
        ledger.lines += next - 1;
    }
    for number in 0..CRASHERS {
        let (id, name) = (TALKERS + number, format!("crasher{number}"));
        let ends = fs::read_to_string(format!("{}.{id}.ends", scene.crasher.display())).unwrap();
        let text = fs::read_to_string(sandbox.file(format!("logs/{name}-out.log"))).unwrap();
        let mut lines = text.lines();
        for life in 1..=ends.lines().count() {
            for n in 1..=20 {
                let line = lines.next();
                if line != Some(&format!("life {life} line {n}")) {
                    ledger
                        .bad_lines
                        .push(format!("{name}: {line:?} where life {life} line {n} is due"));
                    break;
                }
            }
            ledger.lines += 20;
        }
        check_ends(sandbox, &name, id, &ends, ledger);
    }
}

/// The daemon's log must tell of each end, with its code, once and in order.
fn check_ends(sandbox: &Sandbox, name: &str, id: u32, ends: &str, ledger: &mut Ledger) {
    let log = fs::read_to_string(sandbox.file("pm2.log")).unwrap();
    let mark = format!("App [{name}:{id}] exited with code [");
    let told: Vec<&str> = log
        .lines()
        .filter(|line| !line.contains("via signal"))
        .filter_map(|line| line.split_once(mark.as_str())?.1.strip_suffix(']'))
        .collect();
    ledger.crashes += ends.lines().count() as u64;
    let mut told = told.into_iter().peekable();
    for (life, code) in ends.lines().enumerate() {
        // A daemon may die after it wrote of an end and before it had any effect; the next one
        // writes it again.
        let mut seen = false;
        while told.next_if_eq(&code).is_some() {
            seen = true;
        }
        if !seen {
            ledger.wrong_exits.push(format!(
                "{name}: life {} ended with {code}, {:?} is told",
                life + 1,
                told.peek()
            ));
        }
    }
    if told.peek().is_some() {
        ledger.wrong_exits.push(format!("{name}: {:?} is told beyond its ends", told.peek()));
    }
}

#[test]
fn nothing_is_lost_doubled_or_left_when_the_manager_is_killed_at_random() {
    let seconds = std::env::var("OSTLER_TORTURE_SECONDS").map_or(8, |text| text.parse().unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = std::env::var("OSTLER_SEED").map_or(u64::from(now), |text| text.parse().unwrap());
    eprintln!("seed {seed}");
    let ledger = torture(seconds, seed);
    eprintln!("{ledger:#?}");
    assert!(ledger.bad_lines.is_empty() && ledger.wrong_exits.is_empty(), "{ledger:#?}");
    assert_eq!(ledger.failed_requests, 0, "{ledger:#?}");
    assert!(
        ledger.restarted.is_empty() && ledger.duplicates.is_empty() && ledger.orphans.is_empty(),
        "{ledger:#?}"
    );
}
