//! Very many random histories, by a plain loop: what proptest does well (choosing small cases) it
//! does slowly, and a rare order of events is found by numbers. Each history follows from one seed;
//! a failing one is shrunk by leaving steps out, and printed as code to be kept.
//!
//! `OSTLER_HISTORIES` sets how many, `OSTLER_SEED` the first seed.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// splitmix64: every seed is a good one.
pub struct Dice(u64);

impl Dice {
    /// The dice of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number of which every bit is random.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below the limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    /// Returns an index of a list of this length.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }
}

/// Runs `count` histories that the dice make, on all cores. The first that panics is shrunk,
/// printed, and run again.
pub fn run_histories<M: Clone + Debug + Send>(
    count: u64,
    make: impl Fn(&mut Dice) -> Vec<M> + Sync,
    run: impl Fn(&[M]) + Sync,
) {
    let fails = |history: &[M]| catch_unwind(AssertUnwindSafe(|| run(history))).is_err();
    let count = number("OSTLER_HISTORIES", count);
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
            let history = make(&mut Dice(seed));
            if fails(&history) {
                failed.store(true, Ordering::Relaxed);
                return Some((seed, history));
            }
        }
        None
    };
    let found: Vec<(u64, Vec<M>)> = std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    eprintln!("{count} histories from seed {first}");
    if let Some((seed, history)) = found.into_iter().next() {
        let small = shrink(history, fails);
        eprintln!("seed {seed} fails; keep it in kept.rs:\n{small:?}");
        run(&small);
    }
}

/// Leaves out whatever is not needed for the failure: halves first, then single steps.
fn shrink<M: Clone>(mut history: Vec<M>, fails: impl Fn(&[M]) -> bool) -> Vec<M> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_needed_for_a_failure_is_left_out() {
        let fails = |history: &[u8]| history.contains(&7) && history.contains(&9);
        assert_eq!(shrink(vec![1, 7, 2, 3, 9, 4], fails), [7, 9]);
    }

    #[test]
    fn a_history_that_fails_among_many_is_found() {
        let make = |dice: &mut Dice| vec![dice.below(50), dice.below(50)];
        let run = |history: &[u64]| assert!(!history.contains(&7));
        assert!(catch_unwind(|| run_histories(10_000, make, run)).is_err());
    }
}
