//! Very many random histories, by a plain loop: what proptest does well (choosing small cases) it
//! does slowly, and a rare order of events is found by numbers. Each history follows from one seed;
//! a failing one is shrunk by leaving steps out, and printed as code for `kept.rs`.
//!
//! `OSTLER_HISTORIES` sets how many (default 20,000), `OSTLER_SEED` the first seed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::histories::run_history;
use super::moves::Move;

/// splitmix64: every seed is a good one.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn history(&mut self) -> Vec<Move> {
        let length = 1 + self.next() % 40;
        let deaths = !self.next().is_multiple_of(4);
        (0..length).map(|_| Move::of(self.next(), deaths)).collect()
    }
}

fn fails(history: &[Move]) -> bool {
    catch_unwind(AssertUnwindSafe(|| run_history(history))).is_err()
}

/// Leaves out whatever is not needed for the failure: halves first, then single steps.
fn shrink(mut history: Vec<Move>) -> Vec<Move> {
    let mut size = history.len().div_ceil(2);
    while 0 < size {
        let mut at = 0;
        while at < history.len() {
            let mut shorter = history.clone();
            shorter.drain(at..(at + size).min(history.len()));
            if fails(&shorter) {
                history = shorter;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    history
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn no_history_of_very_many_breaks_an_invariant() {
    let count = number("OSTLER_HISTORIES", 20_000);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let first = number("OSTLER_SEED", u64::try_from(now % u128::from(u64::MAX)).unwrap());
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if count <= number {
                return None;
            }
            let seed = first.wrapping_add(number);
            let history = Dice(seed).history();
            if fails(&history) {
                failed.store(true, Ordering::Relaxed);
                return Some((seed, history));
            }
        }
        None
    };
    let found: Vec<(u64, Vec<Move>)> = std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    println!("{count} histories from seed {first}");
    if let Some((seed, history)) = found.into_iter().next() {
        let small = shrink(history);
        println!("seed {seed} fails; keep it in kept.rs:\n{small:?}");
        run_history(&small);
    }
}
