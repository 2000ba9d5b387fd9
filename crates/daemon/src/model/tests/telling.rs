//! What is told to watchers, to the daemon's log and to the parts around the model, in order.

use ostler_core::Exit;
use serde_json::json;

use super::nature::signal;
use super::world::World;

#[test]
fn a_start_is_told_to_watchers() {
    let mut world = World::new();
    world.start("api", "good", 1);
    world.wait(50);
    assert_eq!(world.lifecycle, ["api:0 online", "api:0 start"]);
}

#[test]
fn a_stop_is_told_to_watchers() {
    let mut world = World::with("api", "good", 1);
    world.stop(&[0]);
    world.wait(50);
    assert_eq!(world.lifecycle, ["api:0 exit", "api:0 stop"]);
}

#[test]
fn a_restart_is_told_to_watchers() {
    let mut world = World::with("api", "good", 1);
    world.restart(&[0]);
    world.wait(50);
    assert_eq!(world.lifecycle, ["api:0 exit", "api:0 online", "api:0 restart"]);
}

#[test]
fn a_delete_is_told_to_watchers() {
    let mut world = World::with("api", "good", 1);
    world.delete(&[0]);
    world.wait(50);
    assert_eq!(world.lifecycle, ["api:0 exit", "api:0 delete"]);
}

#[test]
fn a_crash_is_told_to_watchers() {
    let mut world = World::with("api", "good", 1);
    world.crash(0, signal(11));
    world.wait(50);
    assert_eq!(world.lifecycle, ["api:0 exit", "api:0 online"]);
}

#[test]
fn that_an_app_was_given_up_is_told_to_watchers() {
    let mut world = World::new();
    world.start("api", "exits", 1);
    world.wait(1000);
    assert_eq!(
        world.lifecycle,
        ["api:0 exit", "api:0 exit", "api:0 exit", "api:0 restart overlimit"]
    );
}

#[test]
fn a_reload_is_told_to_watchers() {
    let mut world = World::with("api", "good", 1);
    world.reload(&[0], "api", "better");
    world.wait(50);
    assert_eq!(world.lifecycle, ["api:0 online", "api:0 reload", "api:0 exit"]);
}

#[test]
fn a_reset_is_not_told_to_watchers() {
    let mut world = World::with("api", "good", 1);
    world.act(ostler_wire::control::Action::Reset, &[0]);
    assert!(world.lifecycle.is_empty());
}

#[test]
fn a_life_is_in_the_log() {
    let mut world = World::new();
    world.start_with("api", "good", 1, json!({"restart_delay": 500}));
    world.wait(50);
    world.crash(0, Exit::Code(3));
    world.wait(1000);
    world.crash(0, signal(11));
    world.wait(1000);
    world.delete(&[0]);
    world.wait(50);
    assert_eq!(
        world.log,
        [
            "App [api:0] online",
            "App [api:0] exited with code [3]",
            "App [api:0] will restart in 500ms",
            "App [api:0] online",
            "App [api:0] exited with code [0] via signal [SIGSEGV]",
            "App [api:0] will restart in 500ms",
            "App [api:0] online",
            "App [api:0] exited with code [0] via signal [SIGINT]",
            "App [api:0] deleted",
        ]
    );
}

#[test]
fn that_an_app_was_given_up_is_in_the_log() {
    let mut world = World::new();
    world.start("api", "missing", 1);
    world.wait(1000);
    assert_eq!(
        world.log[world.log.len() - 3..],
        [
            "App [api:0] could not execute `missing`",
            "App [api:0] could not be started",
            "Script of app [api:0] had too many unstable restarts (3). Stopped. \"errored\"",
        ]
    );
}

#[test]
fn a_health_check_that_failed_is_in_the_log() {
    let mut world = World::with("api", "good", 1);
    let health = json!({"health": {"tcp": "127.0.0.1:3000"}});
    let records = vec![super::words::record("api", "sick", 1, health)];
    let change = ostler_wire::control::Change { records, ..Default::default() };
    world.reload_by(&[0], change, Default::default());
    world.wait(50);
    assert!(
        world.log.contains(&"health check of run 2 failed: answered 500".to_owned()),
        "{:?}",
        world.log
    );
}

#[test]
fn listening_sockets_are_closed_when_the_last_worker_rests() {
    let mut world = World::with("api", "good", 2);
    world.stop(&[0]);
    world.wait(50);
    assert!(world.parts.is_empty(), "{:?}", world.parts);
    world.stop(&[1]);
    world.wait(50);
    assert_eq!(world.parts, ["close all of app 0"]);
}

#[test]
fn listening_sockets_are_closed_when_an_app_is_given_up() {
    let mut world = World::with("api", "good", 1);
    for _ in 0..3 {
        world.crash(0, Exit::Code(1));
        while world.deliver() {}
    }
    assert_eq!(world.parts, ["close all of app 0"]);
}

#[test]
fn listening_sockets_are_kept_while_a_run_is_due() {
    let mut world = World::with_more("api", "good", 1, json!({"restart_delay": 500}));
    world.crash(0, Exit::Code(1));
    world.wait(50);
    assert!(world.parts.is_empty(), "{:?}", world.parts);
}

#[test]
fn sockets_that_nobody_uses_are_closed_when_the_old_workers_have_left() {
    let mut world = World::with("api", "busy", 1);
    world.reload(&[0], "api", "good");
    world.wait(1000);
    assert!(!world.parts.iter().any(|part| part.starts_with("close")), "{:?}", world.parts);
    world.wait(8000);
    assert_eq!(world.parts.last().unwrap(), "close unused of app 0");
}

#[test]
fn sockets_that_nobody_uses_are_closed_when_an_instance_was_removed() {
    let mut world = World::with("api", "good", 2);
    world.delete(&[1]);
    world.wait(50);
    assert_eq!(world.parts.last().unwrap(), "close unused of app 0");
}

#[test]
fn the_cluster_of_an_app_is_forgotten_with_it() {
    let mut world = World::with("api", "good", 1);
    world.delete(&[0]);
    world.wait(50);
    assert_eq!(world.parts, ["forget app 0"]);
}

#[test]
fn plain_processes_have_no_listening_sockets() {
    let mut world = World::with("job", "good", 0);
    world.stop(&[0]);
    world.wait(50);
    assert!(world.parts.is_empty(), "{:?}", world.parts);
}

#[test]
fn the_pid_file_goes_when_a_process_rests() {
    let mut world = World::with("api", "good", 2);
    world.stop(&[1]);
    world.wait(50);
    assert_eq!(world.removed, ["/srv/api-1.pid"]);
}

#[test]
fn the_pid_file_goes_when_the_next_run_has_to_wait() {
    let mut world = World::with_more("api", "good", 1, json!({"restart_delay": 500}));
    world.crash(0, Exit::Code(1));
    world.wait(50);
    assert_eq!(world.removed, ["/srv/api-0.pid"]);
}

#[test]
fn the_pid_file_stays_for_a_run_that_follows_at_once() {
    let mut world = World::with("api", "good", 1);
    world.crash(0, Exit::Code(1));
    world.restart(&[0]);
    world.wait(50);
    assert!(world.removed.is_empty(), "{:?}", world.removed);
}

#[test]
fn the_pid_file_goes_with_the_process() {
    let more = json!({"pm_pid_path": "/run/api.pid"});
    let mut world = World::with_more("api", "good", 1, more);
    world.delete(&[0]);
    world.wait(50);
    assert!(world.removed.contains(&"/run/api-0.pid".to_owned()), "{:?}", world.removed);
}

#[test]
fn what_nobody_asks_for_after_a_restart_is_closed_when_the_app_has_settled() {
    let mut world = World::with("api", "good", 2);
    world.wait(1000);
    world.parts.clear();
    world.restart(&[0, 1]);
    world.wait(299);
    assert_eq!(world.parts, [""; 0], "a worker may be about to listen on more");
    world.wait(300);
    assert_eq!(world.parts, ["close unused of app 0"]);
}

#[test]
fn a_worker_that_said_it_is_ready_is_not_about_to_listen_on_more() {
    let more = json!({"wait_ready": true, "listen_timeout": 9000});
    let mut world = World::with_more("api", "good", 2, more);
    world.wait(1000);
    world.parts.clear();
    world.restart(&[0, 1]);
    world.wait(500);
    assert_eq!(world.parts, ["close unused of app 0"], "not only after `listen_timeout`");
}

#[test]
fn a_worker_that_is_stopped_leaves_no_socket_open() {
    let mut world = World::with("api", "good", 2);
    world.wait(1000);
    world.parts.clear();
    world.stop(&[1]);
    world.wait(50);
    assert_eq!(world.parts, ["close unused of app 0"], "it may have had one of its own");
}

#[test]
fn workers_that_listen_on_nothing_any_more_keep_nothing_open() {
    let mut world = World::with("api", "mute", 1);
    world.wait(1000);
    assert_eq!(world.parts, ["close unused of app 0"]);
}

#[test]
fn what_is_not_waited_for_any_longer_is_told_as_what_it_is() {
    let mut world = World::with_more("job", "hangs", 0, json!({"kill_timeout": 5000}));
    let first = world.stop(&[0]);
    let until = world.model.operations.deadline().unwrap();
    world.wait(6000);
    world.restart(&[0]);
    world.thaw();
    world.wait(50);
    assert_eq!((world.state().as_str(), world.heard(first)), ("job:0 online hangs", String::new()));
    world.wait(until - world.at.now - 10);
    // It is stopped anew, and is not killed before its time.
    let second = world.stop(&[0]);
    world.wait(10);
    assert!(world.reply(first).contains("process 0 has not ended yet"), "{}", world.reply(first));
    world.wait(60_000);
    let said = world.reply(second);
    assert!(said.contains("process 0 is still there after SIGKILL"), "{said}");
}
