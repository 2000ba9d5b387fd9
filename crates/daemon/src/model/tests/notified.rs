//! What runs say of themselves, and runs that do not say that they are alive.

use ostler_core::{ProcId, RunId};
use serde_json::json;

use super::world::World;
use crate::model::Input;
use crate::notify::Message;

fn watched() -> World {
    World::with_more("job", "good", 0, json!({"watchdog": 1000, "min_uptime": 100}))
}

fn say(world: &mut World, text: &str) {
    let run = run_of(world);
    world.input(Input::Notified { run, message: Message::read(text.as_bytes()) });
}

fn run_of(world: &World) -> RunId {
    world.model.core().slot(ProcId(0)).unwrap().process().run().unwrap()
}

#[test]
fn one_that_says_that_it_is_alive_goes_on_and_one_that_does_not_is_restarted() {
    let mut world = watched();
    for _ in 0..5 {
        world.wait(900);
        say(&mut world, "WATCHDOG=1");
    }
    world.wait(999);
    assert_eq!(world.restarts(), [0]);
    world.wait(1);
    assert_eq!(world.restarts(), [1]);
    let why = "App [job:0] is restarted: it sent no `WATCHDOG=1` for 1 s";
    assert_eq!(world.log[0], why);
    let lost = world.model.details(ProcId(0)).unwrap().view.unhealthy.unwrap();
    assert!(lost.watchdog && lost.word() == "watchdog");
    world.forget();
    assert_eq!(world.model.details(ProcId(0)).unwrap().view.unhealthy, Some(lost));
}

#[test]
fn the_next_daemon_gives_each_its_time_anew_and_keeps_what_was_said() {
    let mut world = watched();
    say(&mut world, "STATUS=is well\nWATCHDOG_USEC=5000000");
    world.wait(4900);
    world.forget();
    world.wait(4900);
    assert_eq!(world.restarts(), [0]);
    let said = world.model.details(ProcId(0)).unwrap().notified.unwrap();
    assert_eq!((said.to_string().as_str(), said.watchdog), ("is well", Some(5000)));
    world.wait(100);
    assert_eq!(world.restarts(), [1]);
}

#[test]
fn one_that_says_that_it_is_stopping_is_not_waited_for() {
    let mut world = watched();
    say(&mut world, "STOPPING=1");
    world.wait(60_000);
    assert_eq!(world.restarts(), [0]);
    world.forget();
    world.wait(60_000);
    assert_eq!(world.restarts(), [0]);
}

#[test]
fn who_was_late_itself_waits_once_more() {
    let mut world = watched();
    world.at.now += 10_000;
    world.input(Input::Deadline);
    assert_eq!(world.restarts(), [0]);
    world.wait(1000);
    assert_eq!(world.restarts(), [1]);
}

#[test]
fn nobody_waits_for_one_without_a_watchdog() {
    let mut world = World::with_more("job", "good", 0, json!({"ready": {"notify": true}}));
    say(&mut world, "WATCHDOG=trigger");
    world.wait(60_000);
    assert_eq!((world.restarts(), world.model.deadline()), (vec![0], None));
}
