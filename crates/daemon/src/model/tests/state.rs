//! When the state is saved, and what a daemon makes of one that it finds.

use ostler_core::{Exit, ProcId, RunId};
use ostler_pm2::in_app::Kept;
use ostler_wire::control::{Change, Request};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::outcome::Outcome;
use super::super::{Input, Model, State};
use super::words::record;
use super::world::{World, settings};

/// Whether this makes the daemon save at once.
fn saves(world: &mut World, what: impl FnOnce(&mut World)) -> bool {
    let before = world.saves;
    what(world);
    before < world.saves
}

fn run_of(world: &World, id: u32) -> RunId {
    world.model.core().slot(ProcId(id)).unwrap().process().run().unwrap()
}

/// The state of a world as text that a test can change.
fn text(world: &World) -> Value {
    serde_json::to_value(world.read_disk()).unwrap()
}

/// The same world with another state on its disk, taken up by another daemon.
fn taken_up(mut world: World, state: Value) -> World {
    world.disk = Some(serde_json::from_value(state).unwrap());
    world.forget();
    world.wait(50);
    world
}

#[test]
fn what_only_looks_is_not_saved() {
    let mut world = World::with("api", "good", 1);
    for request in [
        Request::List,
        Request::Meant { word: None, script: None },
        Request::Jlist,
        Request::Find { word: "api".to_owned() },
        Request::Describe { id: 0 },
        Request::Env { id: 0 },
    ] {
        assert!(!saves(&mut world, |world| _ = world.request(request)));
    }
    assert!(!saves(&mut world, |world| world.input(Input::Usage(Vec::new()))));
}

#[test]
fn every_wish_is_saved() {
    let mut world = World::with("api", "good", 2);
    assert!(saves(&mut world, |world| _ = world.start("web", "good", 1)));
    assert!(saves(&mut world, |world| _ = world.restart(&[0])));
    assert!(saves(&mut world, |world| _ = world.act(ostler_wire::control::Action::Reset, &[0])));
    assert!(saves(&mut world, |world| _ = world.reload(&[1], "api", "mute")));
    assert!(saves(&mut world, |world| _ = world.stop(&[0])));
    assert!(saves(&mut world, |world| _ = world.delete(&[0])));
    assert!(saves(&mut world, |world| _ = world.request(Request::Kill)));
}

#[test]
fn reports_of_a_run_that_lives_are_not_saved() {
    let mut world = World::new();
    world.start("api", "good", 1);
    assert!(!saves(&mut world, |world| world.wait(50)));
}

#[test]
fn a_restart_at_once_is_saved_within_a_second() {
    let mut world = World::with("api", "good", 1);
    let crash = |world: &mut World| {
        world.crash(0, Exit::Code(1));
        world.wait(999);
    };
    assert!(!saves(&mut world, crash));
    assert!(saves(&mut world, |world| world.wait(1)));
    assert!(!saves(&mut world, |world| world.wait(10_000)));
}

#[test]
fn many_restarts_within_a_second_are_saved_once() {
    let mut world = World::with_more("api", "good", 1, json!({"max_restarts": 99}));
    let before = world.saves;
    for _ in 0..20 {
        world.crash(0, Exit::Code(1));
        world.wait(45);
    }
    assert_eq!(world.saves, before);
    world.wait(1000);
    assert_eq!(world.saves, before + 1);
}

#[test]
fn a_restart_after_a_pause_is_saved_at_once() {
    let mut world = World::with_more("api", "good", 1, json!({"restart_delay": 500}));
    let crash = |world: &mut World| {
        world.crash(0, Exit::Code(1));
        world.wait(10);
    };
    assert!(saves(&mut world, crash));
}

#[test]
fn a_save_that_failed_is_tried_again_every_two_seconds() {
    let mut world = World::with("api", "good", 1);
    world.full = true;
    world.stop(&[0]);
    world.wait(50);
    world.wait(10_000);
    world.full = false;
    assert!(!saves(&mut world, |world| world.wait(1)));
    assert!(saves(&mut world, |world| world.wait(2000)));
    assert!(!saves(&mut world, |world| world.wait(10_000)));
    world.forget();
    assert_eq!(world.state(), "api:0 stopped good");
}

#[test]
fn nothing_is_begun_that_is_not_saved() {
    let mut world = World::new();
    // The daemon dies when the state is saved and nothing has been done yet.
    world.crash_at = Some(0);
    world.start("api", "good", 1);
    assert_eq!(world.deaths, 1);
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good");
}

#[test]
fn a_daemon_that_finds_nothing_begins_with_nothing() {
    let mut world = World::new();
    world.forget();
    world.model.check_empty();
}

#[test]
fn everything_that_is_kept_of_a_process_outlives_the_daemon() {
    let mut world = World::new();
    let more = json!({"increment_var": "PORT", "env": {"PORT": "3000"}});
    world.start_with("api", "good", 2, more);
    world.wait(50);
    world.crash(1, Exit::Code(3));
    world.wait(1000);
    let kept = |world: &World| (world.each(Clone::clone), world.restarts(), world.pids());
    let before = kept(&world);
    world.forget();
    world.wait(50);
    assert_eq!(kept(&world), before);
}

/// What a daemon of the first release wrote, by hand: only what had no default then.
fn first_release() -> Value {
    let spec: Value = serde_json::from_str(record("api", "good", 1, json!({})).get()).unwrap();
    json!({
        "version": 1, "boot": "boot", "last_run": 4,
        "apps": [[3, "default", "api", 5]],
        "specs": [[5, spec]],
        "procs": [{
            "id": 2, "app": 3, "name": "api", "instance": 1, "created_at": 77,
            "unique_id": "one", "spec": 5, "up": true,
        }],
        "reloads": [],
    })
}

#[test]
fn a_state_of_the_first_release_loads() {
    let world = taken_up(World::new(), first_release());
    assert_eq!(world.state(), "api:2 online good");
    let proc = world.each(Clone::clone).remove(0);
    assert_eq!((proc.instance, proc.created_at, proc.unique_id.as_str()), (1, 77, "one"));
}

#[test]
fn new_numbers_follow_those_that_were_saved() {
    let mut world = taken_up(World::new(), first_release());
    assert_eq!(run_of(&world, 2), RunId(5));
    world.start("web", "good", 1);
    let app = world.model.registry().app_of(ProcId(3)).unwrap();
    assert_eq!((app.0, world.versions()), (4, (vec![5, 6], 2)));
}

#[test]
fn things_of_a_newer_release_do_not_keep_a_state_from_loading() {
    let mut state = first_release();
    state["of_tomorrow"] = json!([1]);
    state["procs"][0]["of_tomorrow"] = json!({"a": 1});
    assert_eq!(taken_up(World::new(), state).state(), "api:2 online good");
}

#[test]
fn every_old_form_of_how_a_run_ended_loads() {
    for (saved, loaded) in [
        (json!([{"code": 3}, null]), Outcome::Ended(Exit::Code(3))),
        (json!([{"signal": 9}, null]), Outcome::Ended(Exit::Signal { number: 9, core: false })),
        (json!(["unknown", null]), Outcome::Ended(Exit::Unknown)),
        (json!(["spawn_failed", null]), Outcome::Ended(Exit::NotSpawned)),
        (json!(["spawn_failed", "why"]), Outcome::NotSpawned { why: "why".to_owned() }),
    ] {
        let mut state = first_release();
        state["procs"][0]["last_exit"] = saved;
        let world = taken_up(World::new(), state);
        assert_eq!(world.each(|proc| proc.last.clone()), [Some(loaded)]);
    }
}

#[test]
fn how_a_run_ended_is_saved_as_it_is() {
    for last in [
        Outcome::Ended(Exit::Code(3)),
        Outcome::Ended(Exit::Signal { number: 11, core: true }),
        Outcome::Ended(Exit::Unknown),
        Outcome::Ended(Exit::NotSpawned),
        Outcome::NotSpawned { why: "why".to_owned() },
        Outcome::NotVerified { why: "why".to_owned() },
    ] {
        let mut model = Model::new(settings(1));
        let state: State = serde_json::from_value(first_release()).unwrap();
        model.recover(Default::default(), state, &[], &mut Vec::new());
        model.known.registry.proc_mut(ProcId(2)).unwrap().last = Some(last.clone());
        let text = serde_json::to_string(&model.snapshot()).unwrap();
        let mut after = Model::new(settings(1));
        let state = serde_json::from_str(&text).unwrap();
        after.recover(Default::default(), state, &[], &mut Vec::new());
        assert_eq!(after.known.registry.proc(ProcId(2)).unwrap().last, Some(last));
    }
}

#[test]
fn a_reload_in_a_direction_that_is_not_known_is_not_gone_on_with() {
    let mut world = World::with("api", "good", 2);
    world.reload(&[0, 1], "api", "mute");
    let mut state = text(&world);
    state["reloads"][0]["stage"] = json!(7);
    let world = taken_up(world, state);
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
    assert_eq!(world.model.core().saved_reloads().len(), 0);
}

#[test]
fn a_specification_that_is_not_understood_is_complained_of_and_its_processes_end() {
    let mut world = World::with("api", "good", 1);
    world.start("web", "better", 1);
    world.wait(50);
    let mut state = text(&world);
    state["specs"][0][1] = json!({"name": "api"});
    let world = taken_up(world, state);
    assert_eq!((world.state().as_str(), world.alive()), ("web:1 online better", 1));
    assert!(
        world.log.contains(
            &"saved specification 0 is not understood; its processes are lost".to_owned()
        ),
        "{:?}",
        world.log
    );
}

#[test]
fn an_app_whose_processes_were_lost_is_not_there_any_more() {
    let mut world = World::with("api", "good", 1);
    let mut state = text(&world);
    state["specs"][0][1] = json!({"name": "api"});
    world = taken_up(world, state);
    world.model.check_empty();
}

#[test]
fn counters_that_were_noted_with_a_run_count() {
    let mut world = World::with_more("api", "good", 1, json!({"max_restarts": 99}));
    for _ in 0..3 {
        world.crash(0, Exit::Code(1));
        while world.deliver() {}
    }
    // Nothing of it is saved yet.
    assert_eq!(world.read_disk().procs[0].restarts, 0);
    world.forget();
    world.wait(10);
    assert_eq!(world.counters()[0], (3, 3, 0, None));
}

#[test]
fn a_pause_goes_on_for_the_rest_of_its_time() {
    let mut world = World::with_more("api", "good", 1, json!({"restart_delay": 500}));
    world.crash(0, Exit::Code(1));
    world.wait(300);
    world.forget();
    world.wait(199);
    assert_eq!(world.state(), "api:0 pausing good");
    world.wait(1);
    assert!(world.state() != "api:0 pausing good", "{}", world.state());
}

#[test]
fn a_change_that_was_to_come_with_the_next_run_comes_with_it() {
    let mut world = World::with("api", "stubborn", 1);
    let records = vec![record("api", "better", 1, json!({}))];
    let change = Change { records, ..Change::default() };
    world.act_with(ostler_wire::control::Action::Restart, &[0], change);
    world.wait(5);
    assert_eq!(world.state(), "api:0 stopping stubborn");
    world.forget();
    world.wait(100);
    assert_eq!(world.state(), "api:0 online better");
}

#[test]
fn the_facts_of_one_process_are_those_of_the_list_and_what_its_run_said_is_saved() {
    let mut world = World::with("api", "good", 1);
    let known = world.model.known();
    assert_eq!((known.pid_of(ProcId(0)), known.pid_of(ProcId(7))), (101, 0));
    assert_eq!(known.proc_of_run(RunId(1)), Some(ProcId(0)));
    for text in [known.element(ProcId(0)), known.event_env(ProcId(0))] {
        let text = text.unwrap();
        assert!(text.contains("\"name\":\"api\""), "{text}");
    }
    let kept = Kept::Action("drain".to_owned(), "{}".to_owned());
    world.input(Input::Kept { run: RunId(1), kept });
    assert_eq!(world.model.deadline(), Some(world.at.now + 100), "it is saved soon");
    world.wait(100);
    world.forget();
    let said = world.model.known().in_app_of(RunId(1)).expect("the next daemon knows it");
    assert!(said.has_action("drain"));
}

#[test]
fn a_state_that_does_not_say_who_stopped_a_process_means_the_user() {
    let apps = ["good", "good", "exits"];
    let mut world = World::new();
    for (name, script) in ["up", "down", "bad"].into_iter().zip(apps) {
        world.start(name, script, 0);
    }
    world.stop(&[1]);
    world.wait(1000);
    let mut state = text(&world);
    for proc in state["procs"].as_array_mut().unwrap() {
        proc.as_object_mut().unwrap().remove("halted").expect("it is saved today");
    }
    let world = taken_up(world, state);
    assert_eq!(world.state(), "up:0 online good, down:1 stopped good, bad:2 errored exits");
    assert_eq!(world.each(|proc| proc.halted), [false, true, false]);
}

#[test]
fn restarts_of_what_does_not_run_are_kept() {
    let mut world = World::with("job", "good", 0);
    world.crash(0, Exit::Code(1));
    world.wait(50);
    world.stop(&[0]);
    world.wait(50);
    assert_eq!(world.restarts(), [1]);
    world.forget();
    assert_eq!((world.restarts(), world.state().as_str()), (vec![1], "job:0 stopped good"));
}

#[test]
fn a_specification_is_saved_again_as_it_was_found() {
    let mut world = World::with("api", "good", 1);
    let mut state = world.read_disk();
    let spaced = format!(" {}", state.specs[0].1.get().replacen('{', "{ ", 1));
    state.specs[0].1 = RawValue::from_string(spaced.trim().to_owned()).unwrap().into();
    world.disk = Some(state);
    world.forget();
    world.stop(&[0]);
    assert_eq!(world.read_disk().specs[0].1.get(), spaced.trim());
}
