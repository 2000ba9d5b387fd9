//! Very many random histories, each from one seed; a failing one is printed as code for `kept.rs`.
//!
//! `OSTLER_HISTORIES` sets how many (default 100,000; the project's full test runs 1,000,000),
//! `OSTLER_SEED` the first seed.

use ostler_testkit::histories::{Dice, run_histories};

use crate::histories::{Move, run_history};

fn small(dice: &mut Dice, limit: u8) -> u8 {
    u8::try_from(dice.below(u64::from(limit))).unwrap()
}

fn step(dice: &mut Dice) -> Move {
    match dice.below(36) {
        0..4 => Move::User(small(dice, 6), u32::from(small(dice, 3))),
        4..6 => Move::Reload(1 + u32::from(small(dice, 6)), dice.below(4) == 0, dice.below(4) == 0),
        6 => Move::Promote(dice.below(2) == 0),
        7..9 => Move::Crash(dice.below(20)),
        9..15 => Move::Deliver(small(dice, 6)),
        15..17 => Move::Stale(small(dice, 8), dice.below(20)),
        17..20 => Move::Wait(dice.below(80)),
        20..22 => Move::Double,
        22..25 => Move::Delay(small(dice, 6)),
        25 => Move::Forget,
        26..29 => Move::Late(dice.below(80)),
        29..31 => Move::Measure(dice.below(20), dice.below(10)),
        31..35 => Move::ForgetAt(dice.below(6)),
        _ => Move::ForgetAndEnd(dice.below(6)),
    }
}

fn history(dice: &mut Dice) -> Vec<Move> {
    let length = 1 + dice.below(40);
    (0..length).map(|_| step(dice)).collect()
}

#[test]
fn no_history_of_very_many_breaks_an_invariant() {
    run_histories(100_000, history, run_history);
}
