//! Very many random histories, each from one seed; a failing one is printed as code for `kept.rs`.
//!
//! `OSTLER_HISTORIES` sets how many (default 20,000), `OSTLER_SEED` the first seed.

use ostler_testkit::histories::{Dice, run_histories};

use super::histories::run_history;
use super::moves::Move;

fn history(dice: &mut Dice) -> Vec<Move> {
    let length = 1 + dice.roll() % 40;
    let deaths = !dice.roll().is_multiple_of(4);
    (0..length).map(|_| Move::of(dice.roll(), deaths)).collect()
}

#[test]
fn no_history_of_very_many_breaks_an_invariant() {
    run_histories(20_000, history, run_history);
}
