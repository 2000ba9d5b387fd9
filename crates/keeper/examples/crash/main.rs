//! From a crash to the first instruction of the next run: the keeper beside a bare loop.
//!
//! `cargo run --release -p ostler-keeper --example crash [CRASHES]` has a program crash again and
//! again under four supervisors, in alternating rounds, and prints the medians of the time between
//! the program's last instruction and the first one of its successor:
//! - `bare`: a loop of `waitpid` and `posix_spawn`, the least that there can be;
//! - `waiting`: the same, with the next child forked in advance, which waits before it executes;
//! - `keeper`: the keeper, which reports the end and is told what to start;
//! - `prepared`: the keeper, which was told before the end.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement")]

mod supervisors;
mod sys;

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use ostler_keeper::{Config, link};

/// How long the program lives: longer than it takes to prepare its successor.
const LIFE: Duration = Duration::from_millis(10);
const ROUNDS: usize = 16;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    match words.as_slice() {
        ["victim", file] => victim(Path::new(file)),
        ["keeper", home, fd] => {
            let adopt = Some(link::inherited(fd.parse().unwrap()).unwrap());
            let log = Some(Path::new(home).join("log"));
            ostler_keeper::run(Config { adopt, log, home: home.into(), ..Config::default() });
        }
        [] => measure(2000),
        [crashes] => measure(crashes.parse().unwrap()),
        _ => println!("usage: crash [CRASHES]"),
    }
}

/// Notes its first moment and its last one, and crashes.
fn victim(file: &Path) {
    let first = sys::now_ns();
    let mut file = std::fs::OpenOptions::new().append(true).open(file).unwrap();
    std::thread::sleep(LIFE);
    let mut note = [0; 16];
    note[..8].copy_from_slice(&first.to_le_bytes());
    note[8..].copy_from_slice(&sys::now_ns().to_le_bytes());
    file.write_all(&note).unwrap();
    sys::crash();
}

fn measure(crashes: usize) {
    let per_round = crashes.div_ceil(ROUNDS);
    let mut all: [(&str, supervisors::Supervisor, Vec<u64>); 4] = [
        ("bare", supervisors::bare, Vec::new()),
        ("waiting", supervisors::waiting, Vec::new()),
        ("keeper", supervisors::keeper, Vec::new()),
        ("prepared", supervisors::prepared, Vec::new()),
    ];
    for _ in 0..ROUNDS {
        for (_, supervise, times) in &mut all {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("times");
            std::fs::write(&file, b"").unwrap();
            supervise(folder.path(), &file, per_round + 1);
            times.extend(gaps(&std::fs::read(&file).unwrap()));
        }
    }
    let [(_, _, bare), ..] = &mut all;
    bare.sort_unstable();
    let bare = at(bare, 50);
    for (name, _, times) in &mut all {
        times.sort_unstable();
        let (median, p90) = (at(times, 50), at(times, 90) as f64 / 1000.0);
        let (us, ratio) = (median as f64 / 1000.0, median as f64 / bare as f64);
        let count = times.len();
        println!(
            "{name:9} {count} crashes: median {us:6.1} µs, p90 {p90:6.1} µs, {ratio:.2} × bare"
        );
    }
}

/// The times between the last moment of each run and the first of the next.
fn gaps(notes: &[u8]) -> Vec<u64> {
    let times: Vec<u64> =
        notes.chunks_exact(8).map(|bytes| bytes.try_into().map_or(0, u64::from_le_bytes)).collect();
    let ends = times.iter().skip(1).step_by(2);
    let begins = times.iter().skip(2).step_by(2);
    ends.zip(begins).map(|(end, begin)| begin.saturating_sub(*end)).collect()
}

/// A percentile of sorted times.
fn at(times: &[u64], percent: usize) -> u64 {
    times.get(times.len() * percent / 100).copied().unwrap_or_default()
}
