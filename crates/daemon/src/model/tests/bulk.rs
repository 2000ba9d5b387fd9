//! Very many random histories, each from one seed; a failing one is printed as code for `kept.rs`.
//!
//! `OSTLER_HISTORIES` sets how many, `OSTLER_SEED` the first seed. By default there are as many as
//! end in time on a machine with a load of 30; the project's full test runs 20,000.

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
    run_histories(4_000, history, run_history);
}
