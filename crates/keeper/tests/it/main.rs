//! Stories about real keepers, daemons and programs.
//!
//! A keeper forks and takes over the signals of its process, so it needs one of its own: this
//! executable plays every part, by its first argument. Without one of these it runs the stories,
//! those whose names contain an argument.
//!
//! The daemon's part is played in the story itself: the process that a keeper starts as its daemon
//! only hands its end of the link over to the story and lives until it is killed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "stories without the test harness"
)]

mod death;
mod handover;
mod home;
mod limits;
mod parts;
mod prepared;
mod spawning;

use std::panic::catch_unwind;
use std::process::ExitCode;

type Story = (&'static str, fn());

macro_rules! stories {
    ($($module:ident :: $name:ident),* $(,)?) => {
        const STORIES: &[Story] =
            &[$((concat!(stringify!($module), "::", stringify!($name)), $module::$name)),*];
    };
}

stories![
    spawning::a_program_begins_writes_and_ends,
    spawning::a_repeated_spawn_starts_nothing,
    spawning::a_program_gets_its_descriptors_and_no_other,
    spawning::signals_and_limits_are_as_before_the_keeper,
    spawning::an_app_is_killed_as_easily_as_without_the_keeper,
    spawning::a_channel_reaches_the_program,
    spawning::listening_sockets_are_passed_as_systemd_does,
    spawning::failures_name_their_stage,
    spawning::a_program_becomes_another_user,
    spawning::a_program_has_the_limits_that_were_asked_for_or_does_not_begin,
    death::a_daemon_that_dies_before_hello_is_replaced,
    death::a_daemon_that_says_nothing_gives_way_to_one_of_another_program,
    death::a_daemon_that_answers_no_more_is_replaced_and_programs_live_on,
    death::only_the_first_daemon_is_asked_to_tell_that_it_is_ready,
    death::a_daemon_that_dies_amid_the_inventory_is_replaced,
    death::an_end_between_two_daemons_is_told,
    death::an_end_is_told_to_every_daemon_until_released,
    death::a_living_run_is_not_released,
    death::requests_of_a_dead_daemon_are_obeyed,
    death::named_descriptors_outlive_the_daemon,
    death::garbage_costs_the_daemon_its_life_and_nobody_else,
    death::an_unknown_message_is_refused_and_the_next_one_obeyed,
    death::a_daemon_without_a_link_is_killed,
    death::after_shutdown_the_keeper_ends_and_programs_go_on,
    death::a_signal_to_stop_reaches_each_daemon,
    death::orphans_are_reaped,
    handover::an_upgrade_keeps_process_children_and_descriptors,
    handover::an_upgrade_to_nothing_changes_nothing,
    handover::requests_sent_after_an_upgrade_are_not_lost,
    handover::a_new_keeper_takes_over_from_a_dead_one,
    handover::a_keeper_started_by_a_daemon_starts_the_next_one,
    prepared::a_prepared_run_begins_when_the_other_ends,
    prepared::a_prepared_run_gets_what_a_spawned_one_gets,
    prepared::an_end_that_was_not_meant_starts_nothing_and_says_so,
    prepared::what_is_revoked_before_the_end_does_not_begin,
    prepared::what_cannot_be_prepared_is_refused_and_the_end_is_the_daemon_s,
    prepared::a_prepared_run_that_cannot_begin_is_told_and_known,
    prepared::without_a_daemon_what_was_prepared_begins_and_the_next_daemon_drops_the_rest,
    prepared::no_start_is_lost_or_doubled_when_daemons_are_killed,
    prepared::an_upgrade_drops_what_was_prepared_and_keeps_what_was_started,
    prepared::nothing_begins_while_everything_is_to_stop,
    limits::no_descriptor_is_left_after_many_runs,
    limits::an_idle_run_costs_the_keeper_three_descriptors,
    limits::without_descriptors_spawns_fail_and_the_keeper_lives,
    limits::a_hard_limit_that_was_lowered_under_the_keeper_holds_for_what_it_starts,
    limits::without_memory_a_start_fails_and_the_keeper_lives,
    limits::a_daemon_that_does_not_read_costs_no_memory,
    limits::a_thousand_runs_fit_into_four_megabytes,
    limits::a_spawn_is_about_as_fast_as_can_be,
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    if let Some(code) = parts::play(&words) {
        return code;
    }
    let chosen = |name: &str| {
        let mut filters = words.iter().filter(|word| !word.starts_with('-')).peekable();
        filters.peek().is_none() || filters.any(|filter| name.contains(filter))
    };
    let list = words.contains(&"--list");
    let mut failed = Vec::new();
    for (name, story) in STORIES.iter().filter(|(name, _)| chosen(name)) {
        if list {
            println!("{name}: test");
            continue;
        }
        let passed = catch_unwind(story).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        println!("failed: {failed:?}");
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
