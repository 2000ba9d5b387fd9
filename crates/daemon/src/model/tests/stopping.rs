//! Stop, delete and reset of processes that are there.

use ostler_core::Exit;
use ostler_wire::control::{Action, Change, Request};
use serde_json::json;

use super::world::World;

/// Processes that take 300 ms to be up again.
pub fn slow(name: &str, instances: u32) -> World {
    let mut world = World::new();
    world.start_with(name, "unready", instances, json!({"wait_ready": true}));
    world.wait(1000);
    world
}

pub fn starting(world: &World) -> usize {
    world.state().matches("starting").count()
}

#[test]
fn a_stop_is_told_when_the_process_is_gone() {
    let mut world = World::with("api", "stubborn", 2);
    let client = world.stop(&[1]);
    world.wait(15);
    assert_eq!(world.heard(client), "");
    world.wait(5);
    assert_eq!(world.heard(client), "acted api:1\ndone");
    assert_eq!(world.state(), "api:0 online stubborn, api:1 stopped stubborn");
}

#[test]
fn a_stop_of_what_is_stopped_is_told_at_once() {
    let mut world = World::with("api", "good", 1);
    world.stop(&[0]);
    world.wait(50);
    let client = world.stop(&[0]);
    assert_eq!(world.heard(client), "acted api:0\ndone");
}

#[test]
fn a_stop_during_the_pause_cancels_the_restart() {
    let mut world = World::with_more("job", "exits", 0, json!({"restart_delay": 500}));
    let client = world.stop(&[0]);
    world.wait(10_000);
    assert_eq!(world.heard(client), "acted job:0\ndone");
    assert_eq!(world.state(), "job:0 stopped exits");
}

#[test]
fn a_stop_in_the_middle_of_a_restart_is_the_last_word() {
    let mut world = slow("api", 4);
    let restart = world.restart(&[0, 1, 2, 3]);
    world.wait(10);
    assert_eq!(starting(&world), 2);
    let stop = world.stop(&[0, 1, 2, 3]);
    world.wait(10_000);
    let all = (0..4).map(|id| format!("api:{id} stopped unready")).collect::<Vec<_>>();
    assert_eq!(world.state(), all.join(", "));
    assert_eq!(world.heard(stop).lines().last(), Some("done"));
    let heard = world.heard(restart);
    assert!(heard.contains("process 3 was left to a `stop` that came later"), "{heard}");
}

#[test]
fn a_stop_waits_for_the_workers_that_a_reload_replaced() {
    let mut world = World::with("api", "stubborn", 1);
    world.reload(&[0], "api", "good");
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good+");
    let client = world.stop(&[0]);
    world.wait(15);
    assert_eq!((world.state().as_str(), world.heard(client).as_str()), ("api:0 stopped good+", ""));
    world.wait(5);
    assert_eq!(world.heard(client), "acted api:0\ndone");
}

#[test]
fn a_process_that_cannot_be_killed_is_given_up_with_words_and_killed_on() {
    let mut world = World::with("api", "hangs", 1);
    let client = world.stop(&[0]);
    // The time for readiness, for open connections, for three times SIGKILL, and ten seconds.
    let all = 300 + 8000 + 3 * 16 + 10_000;
    world.wait(all - 1);
    assert_eq!(world.heard(client), "");
    world.wait(1);
    let failure = "process 0 is still there after SIGKILL";
    assert_eq!(
        world.heard(client),
        format!(
            "acted api:0: {failure}\nerror: {failure}\nhint: it is stuck in uninterruptible \
             sleep (see `ps -o stat,wchan`); ostler retries"
        )
    );
    assert_eq!(world.state(), "api:0 stopping hangs");
}

#[test]
fn a_slot_that_is_gone_is_told_and_the_others_are_done_all_the_same() {
    let mut world = World::with("api", "good", 1);
    let client = world.stop(&[7, 0]);
    world.wait(50);
    assert_eq!(
        world.heard(client),
        "acted :7: process 7 was deleted meanwhile\nacted api:0\n\
         error: process 7 was deleted meanwhile"
    );
}

#[test]
fn a_process_that_is_named_twice_is_told_once() {
    let mut world = World::with("api", "good", 1);
    for action in [Action::Restart, Action::Reset, Action::Stop, Action::Delete] {
        let client = world.act(action, &[0, 0]);
        world.wait(50);
        assert_eq!(world.heard(client), "acted api:0\ndone", "{action:?}");
    }
}

#[test]
fn as_many_are_ended_at_a_time_as_was_asked_for() {
    for action in [Action::Stop, Action::Delete] {
        let mut world = World::with("api", "good", 5);
        let change = Change { parallel: Some(2), ..Change::default() };
        world.act_with(action, &[0, 1, 2, 3, 4], change);
        assert_eq!(world.state().matches("stopping").count(), 2, "{}", world.state());
        assert_eq!(world.state().matches("online").count(), 3, "{}", world.state());
        world.wait(1000);
        assert_eq!(world.state().matches("online").count(), 0, "{}", world.state());
    }
}

#[test]
fn a_stop_takes_a_process_out_of_restarts_that_have_not_come_to_it_and_no_other() {
    let mut world = World::with("api", "good", 4);
    let change = Change { parallel: Some(1), ..Change::default() };
    let client = world.act_with(Action::Restart, &[0, 1, 2, 3], change);
    world.stop(&[3]);
    world.wait(1000);
    assert_eq!(world.restarts(), [1, 1, 1, 0]);
    assert!(world.state().ends_with("api:2 online good, api:3 stopped good"), "{}", world.state());
    assert!(world.talks[&client].over, "{}", world.heard(client));
}

#[test]
fn who_waits_for_what_cannot_be_killed_is_told_also_when_nobody_looked_in_time() {
    let mut world = World::with("api", "hangs", 1);
    let client = world.stop(&[0]);
    world.at.now += 1_000_000;
    world.wait(1_000_000);
    assert!(world.talks[&client].over);
}

#[test]
fn what_waits_for_its_restart_or_was_given_up_is_stopped_by_the_user_who_stops_it() {
    let stopped = |more: serde_json::Value, phase: &str| {
        let mut world = World::with_more("api", "good", 1, more);
        world.crash(0, Exit::Code(3));
        world.wait(50);
        assert!(world.state().contains(phase), "{}", world.state());
        let by_user = |world: &World| world.each(|proc| proc.ended.unwrap().asked);
        assert_eq!(by_user(&world), [false]);
        world.stop(&[0]);
        world.wait(50);
        assert!(world.state().contains("stopped"), "{}", world.state());
        let own = |world: &World| world.each(|proc| proc.ended.unwrap().own_at);
        assert!(own(&world)[0].is_some(), "that it had ended by itself is still known");
        world.forget();
        world.wait(50);
        assert!(own(&world)[0].is_some(), "to the daemon after, too");
        by_user(&world)
    };
    assert_eq!(stopped(json!({"restart_delay": 60_000}), "pausing"), [true]);
    assert_eq!(stopped(json!({"max_restarts": 1, "min_uptime": 60_000}), "errored"), [true]);
}

/// Sixteen workers that were reloaded once were shown with 16 restarts, in yellow.
#[test]
fn who_waits_for_a_process_is_told_what_is_under_way_with_it() {
    let mut world = World::with("api", "stubborn", 0);
    let change = Change { doing: true, ..Change::default() };
    let told = |world: &World, client: usize| -> Vec<String> {
        let heard = world.heard(client);
        let events = heard.lines().filter_map(|line| line.strip_prefix("Doing "));
        events.filter_map(|line| Some(line.split_once("what: ")?.1.to_owned())).collect()
    };
    let client = world.act_with(Action::Restart, &[0], change.clone());
    world.wait(50);
    let asked = "Asked { signal: Some(\"SIGINT\"), within: 16 } }";
    assert_eq!(told(&world, client), [asked, "Killed }", "Starts }"]);
    let client = world.act_with(Action::Delete, &[0], change);
    world.wait(50);
    assert_eq!(told(&world, client), [asked, "Killed }"]);
    let mut world = World::with("api", "stubborn", 0);
    let client = world.restart(&[0]);
    world.wait(50);
    assert_eq!(told(&world, client), [""; 0], "nobody wants to know");
    let client = world.request(Request::KillTold);
    world.wait(50);
    assert_eq!(told(&world, client), [asked, "Killed }"]);
}

#[test]
fn a_process_that_is_deleted_before_its_turn_is_told_as_gone() {
    let mut world = slow("api", 2);
    let client = world.restart(&[0, 1]);
    world.wait(50);
    world.delete(&[1]);
    world.wait(1000);
    let heard = world.heard(client);
    assert!(
        heard.ends_with(
            "acted :1: process 1 was deleted meanwhile\nerror: process 1 was deleted meanwhile"
        ),
        "{heard}"
    );
}

#[test]
fn a_delete_ends_the_process_and_forgets_it() {
    let mut world = World::with("api", "good", 1);
    let client = world.delete(&[0]);
    world.wait(50);
    assert_eq!(world.heard(client), "acted api:0\ndone");
    world.model.check_empty();
}

#[test]
fn a_delete_of_a_process_that_cannot_be_killed_leaves_it_in_the_list() {
    let mut world = World::with("api", "hangs", 1);
    let client = world.delete(&[0]);
    world.wait(60_000);
    assert!(world.reply(client).starts_with("error: process 0 is still there after SIGKILL"));
    assert_eq!(world.state(), "api:0 stopping hangs");
}

#[test]
fn a_delete_waits_for_descendants() {
    let mut world = World::with("api", "litters", 1);
    let client = world.delete(&[0]);
    world.wait(10);
    assert_eq!((world.heard(client).as_str(), world.alive()), ("", 1));
    world.wait(50);
    assert_eq!((world.heard(client).as_str(), world.alive()), ("acted api:0\ndone", 0));
}

#[test]
fn a_reset_sets_the_counters_to_zero_and_names_the_process() {
    let mut world = World::with("api", "good", 1);
    world.restart(&[0]);
    world.wait(50);
    let client = world.act(Action::Reset, &[0]);
    assert_eq!(world.heard(client), "acted api:0\ndone");
    assert_eq!(world.restarts(), [0]);
    assert_eq!(world.each(|proc| proc.created_at), [world.at.wall]);
}

#[test]
fn a_reset_does_not_disturb_a_reload() {
    let mut world = World::with("api", "good", 1);
    let client = world.reload(&[0], "api", "mute");
    world.act(Action::Reset, &[0]);
    assert_eq!(world.state(), "api:0 online good+");
    world.wait(1000);
    assert!(world.reply(client).contains("did not listen"));
}

#[test]
fn a_process_that_may_not_be_signalled_is_named_and_not_waited_for() {
    let mut world = World::with("api", "foreign", 1);
    let client = world.stop(&[0]);
    world.wait(1000);
    let reply = world.reply(client);
    assert!(reply.contains("cannot be ended: pid 7 runs as root (uid 0) and may not"), "{reply}");
    assert_eq!(world.state(), "api:0 stopping foreign", "it is asked again and again");
    // When it ends after all, that is the end of the stop.
    world.crash(0, Exit::Code(0));
    world.wait(50);
    assert_eq!(world.state(), "api:0 stopped foreign");
}
