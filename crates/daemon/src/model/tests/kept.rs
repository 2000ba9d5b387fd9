//! Histories that broke an invariant once.

use super::histories::run_history;
use super::moves::Move::{
    Act, Change, Crash, Deliver, Double, Forget, ForgetAndEnd, ForgetAt, Kill, Late, Listens,
    Promote, Reload, Save, Start, Together, Wait,
};

#[test]
fn two_apps_were_given_one_name() {
    run_history(&[Start(2, 6, 2, 9), Start(0, 0, 2, 25), Change(2, 15)]);
}

#[test]
fn what_failed_when_a_canary_was_taken_back_was_kept() {
    run_history(&[
        Start(2, 11, 0, 112),
        Start(2, 6, 1, 95),
        Start(0, 3, 3, 41),
        Reload(21, 1, 47),
        Wait(66),
        Promote(0, false),
    ]);
}

#[test]
fn an_app_and_a_process_were_given_one_name() {
    run_history(&[
        Start(0, 1, 0, 37),
        Start(2, 7, 3, 32),
        Act(2, 18),
        Start(0, 4, 0, 56),
        Change(2, 13),
    ]);
}

#[test]
fn an_end_was_not_told_of_a_run_that_was_to_be_stopped_and_was_followed_before() {
    run_history(&[
        Start(1, 15, 3, 26),
        Reload(3, 2, 27),
        Wait(114),
        Forget,
        Crash(0),
        ForgetAt(4),
        Kill,
    ]);
}

#[test]
fn ends_were_told_again_in_a_row_of_an_app_that_was_given_up() {
    run_history(&[
        Start(2, 1, 2, 24),
        Crash(1),
        Wait(7),
        ForgetAndEnd(0),
        Start(0, 13, 2, 106),
        Forget,
    ]);
}

#[test]
fn an_end_was_told_again_after_that_of_a_candidate_that_took_over() {
    run_history(&[
        Start(0, 3, 3, 17),
        Reload(4, 3, 52),
        ForgetAndEnd(4),
        Deliver(3),
        ForgetAndEnd(3),
        Together(7),
    ]);
}

#[test]
fn a_number_was_given_again_of_a_run_that_was_never_there() {
    run_history(&[
        Start(1, 5, 2, 89),
        Deliver(1),
        Together(6),
        Late(564),
        Together(6),
        ForgetAt(2),
        Save,
        Reload(23, 8, 10),
    ]);
}

#[test]
fn the_end_of_a_candidate_was_told_as_one_of_its_slot() {
    run_history(&[
        Start(0, 7, 0, 111),
        Start(1, 13, 3, 39),
        Change(3, 14),
        Reload(14, 11, 59),
        Deliver(3),
        Start(1, 10, 0, 49),
        ForgetAt(3),
        Double,
        Late(319),
        ForgetAndEnd(1),
        Reload(21, 1, 58),
    ]);
}

#[test]
fn a_number_was_given_again_of_a_run_whose_pre_start_failed() {
    run_history(&[
        Start(2, 10, 0, 900),
        Late(4635),
        Listens(1),
        Together(4),
        Reload(7, 0, 29),
        Together(6),
        ForgetAndEnd(4),
        Wait(60),
    ]);
}

#[test]
fn the_ends_of_runs_whose_numbers_are_given_again_are_told_again() {
    run_history(&[
        Start(0, 15, 3, 953),
        Start(1, 8, 3, 853),
        Deliver(4),
        ForgetAndEnd(3),
        Deliver(1),
        Act(0, 18),
        Deliver(4),
        Forget,
        Start(0, 0, 0, 0),
    ]);
}
