//! What is counted, and what must be nothing in the end.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use ostler_testkit::{Report, Sandbox, procs};

use super::scene::{SCRIPTS, Scene, Size};
use crate::takeover::lives;

/// What was seen in the end.
#[derive(Debug, Default)]
pub struct Ledger {
    pub strikes: BTreeMap<&'static str, u32>,
    pub commands: BTreeMap<&'static str, u32>,
    pub lines: u64,
    pub bad_lines: Vec<String>,
    pub crashes: u64,
    pub wrong_exits: Vec<String>,
    pub requests: usize,
    pub failed_requests: usize,
    /// Those among them that were reset before an answer.
    pub restarted: Vec<String>,
    pub duplicates: Vec<String>,
    pub orphans: Vec<String>,
    pub slowest: Duration,
}

impl Ledger {
    /// Counts one of a kind.
    pub fn count(counts: &mut BTreeMap<&'static str, u32>, kind: &'static str) {
        *counts.entry(kind).or_default() += 1;
    }

    /// Nothing was lost, doubled, restarted or left.
    #[track_caller]
    pub fn assert_clean(&self) {
        eprintln!("{self:#?}");
        assert!(self.bad_lines.is_empty() && self.wrong_exits.is_empty(), "{self:#?}");
        assert_eq!(self.failed_requests, 0, "{self:#?}");
        assert!(
            self.restarted.is_empty() && self.duplicates.is_empty() && self.orphans.is_empty(),
            "{self:#?}"
        );
    }
}

pub fn count_requests(report: &Report, ledger: &mut Ledger) {
    ledger.requests = report.samples.len();
    ledger.failed_requests = report.failures().count();
    if 0 < ledger.failed_requests {
        eprintln!("{report}");
    }
}

/// Every process that runs one of the scripts must be one of the list.
pub fn find_strangers(sandbox: &Sandbox, ledger: &mut Ledger) {
    let runs =
        |pid: &u32, script: &str| procs::args(*pid).get(1).is_some_and(|arg| arg.ends_with(script));
    // A crasher comes and goes; what is there twice in a row and is not listed is a stranger.
    let look = || {
        let pids = sandbox.pids();
        let listed: Vec<u64> = lives(sandbox).values().map(|life| life.0).collect();
        let scripts = SCRIPTS;
        let ours = pids.into_iter().filter(|pid| scripts.iter().any(|script| runs(pid, script)));
        ours.filter(|pid| !listed.contains(&u64::from(*pid))).collect::<Vec<u32>>()
    };
    let first = look();
    let second = look();
    ledger
        .duplicates
        .extend(first.into_iter().filter(|pid| second.contains(pid)).map(procs::describe));
}

pub fn read_logs(scene: &Scene, ledger: &mut Ledger) {
    let (sandbox, Size { talkers, crashers }) = (&scene.sandbox, scene.size);
    for number in 0..talkers {
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
    for number in 0..crashers {
        let (id, name) = (talkers + number, format!("crasher{number}"));
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
