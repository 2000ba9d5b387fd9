//! What fails for a moment is done a moment later: every call of one kind fails once, in turn.

use ostler_testkit::procs;

use crate::injected::{Fault, SOON};
use crate::scenarios::Scenario;
use crate::scene::Scene;

/// Plays a scenario once for each of its calls of this kind, and then `after`.
fn each(
    scenario: Scenario,
    role: &str,
    call: &str,
    error: &'static str,
    after: impl Fn(&Scene, u64),
) {
    let scene = Scene::start();
    let count = scenario.play(&scene, role, None).counts.get(call).copied().unwrap_or(0);
    assert!(0 < count, "no {call}");
    for nth in 1..=count {
        let fault = Fault { call: call.to_owned(), nth, error };
        scenario.play(&scene, role, Some(&fault));
        after(&scene, nth);
    }
    scene.end();
}

fn fds_of_keeper(scene: &Scene) -> Option<usize> {
    scene.sandbox.keeper_pid().map(procs::open_fds)
}

#[test]
fn what_could_not_be_given_to_a_keeper_is_given_again() {
    // A descriptor is copied by `fcntl`.
    let all = std::cell::Cell::new(None);
    each(Scenario::KeeperDeath, "daemon", "fcntl", "EMFILE", |scene, nth| {
        if nth == 1 {
            Scenario::KeeperDeath.play(scene, "daemon", None);
            all.set(fds_of_keeper(scene));
        }
        scene.sandbox.wait_for(format_args!("everything at the keeper after {nth}"), SOON, || {
            (all.get() <= fds_of_keeper(scene)).then_some(())
        });
        // Whoever comes now knows only what the keeper holds.
        Scenario::Takeover.play(scene, "daemon", None);
    });
}

#[test]
fn what_could_not_be_watched_is_watched_later() {
    each(Scenario::Takeover, "daemon", "epoll_ctl", "ENOSPC", |scene, _| {
        // A listening socket that nobody watches lets its clients wait for ever.
        scene.check_served();
        // A channel that nobody watches keeps a worker from leaving, and a new one from listening.
        scene.sandbox.ostler(["restart", "api"]).run();
        scene.wait_online("api", 2);
    });
}

#[test]
fn a_run_that_a_keeper_cannot_watch_for_a_moment_is_not_told_as_ended() {
    each(Scenario::KeeperDeath, "keeper", "epoll_ctl", "ENOMEM", |scene, _| {
        // What the keeper believes is told to the next daemon.
        Scenario::Takeover.play(scene, "daemon", None);
    });
}

#[test]
fn a_run_whose_pidfd_cannot_be_had_for_a_moment_keeps_its_number_in_the_list() {
    each(Scenario::Takeover, "keeper", "pidfd_open", "ENOSPC", |_, _| ());
}

#[test]
fn a_daemon_does_not_go_on_without_control_groups_that_it_cannot_find_for_a_moment() {
    each(Scenario::Takeover, "daemon", "mkdir", "ENOMEM", |scene, _| {
        // Whoever does not know that a run had a group waits for its end for ever.
        Scenario::Crash.play(scene, "daemon", None);
        Scenario::Stop.play(scene, "daemon", None);
    });
}

#[test]
fn a_message_that_could_not_be_sent_is_sent_again() {
    for role in ["keeper", "daemon"] {
        each(Scenario::Scale, role, "sendmsg", "EMFILE", |_, _| ());
    }
}
