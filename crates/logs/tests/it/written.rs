//! What a process of the ledger writes.

use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::pieces;
use crate::rig::Dice;

pub(crate) fn write_lines(
    mut pipe: File,
    (mode, index): (&str, usize),
    seed: u64,
    stop: &AtomicBool,
    total: &AtomicU64,
) -> u64 {
    let mut dice = Dice(seed);
    let mut number = 0;
    let mut block = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..=dice.below(40) {
            let tail = "x".repeat(usize::try_from(dice.below(200)).unwrap());
            match mode {
                "pieces" => block.extend(pieces::line(index, number).bytes()),
                _ => block.extend(format!("{index} {number} {tail}.\n").bytes()),
            }
            number += 1;
        }
        // In pieces, so that lines are cut on the way.
        let cut = usize::try_from(dice.below(block.len() as u64)).unwrap();
        pipe.write_all(&block[..cut]).unwrap();
        total.fetch_add(cut as u64, Ordering::Relaxed);
        block.drain(..cut);
        if dice.below(4) == 0 {
            std::thread::yield_now();
        }
    }
    pipe.write_all(&block).unwrap();
    number
}
