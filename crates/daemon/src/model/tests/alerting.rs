//! What somebody is told of, also by the successor of a daemon that died.

use ostler_core::spec::RuleAction;
use ostler_core::{ProcId, RunId};
use ostler_wire::control::{Change, ReloadOptions};
use serde_json::json;

use super::super::{Input, RuleFound};
use super::nature::signal;
use super::words::record;
use super::world::World;

fn told(world: &World) -> Vec<&str> {
    world.alerts.iter().map(|(_, text)| text.as_str()).collect()
}

fn crashing(world: &mut World) {
    world.model.handle(world.at, Input::HomeTold(true), &mut Vec::new());
    world.start_with("api", "exits", 0, json!({"max_restarts": 2}));
    world.wait(5000);
}

#[test]
fn who_is_told_of_all_apps_hears_that_one_was_given_up_and_how_it_ended() {
    let mut world = World::new();
    crashing(&mut world);
    assert_eq!(
        told(&world),
        ["process 0 is not started again after 2 unstable restarts in a row; the last one: \
          exit code 1"]
    );
    assert!(world.model.snapshot().alerts.owed.is_empty(), "it is owed no more");
}

#[test]
fn where_nobody_is_told_nothing_is_owed() {
    let mut world = World::new();
    world.start_with("api", "exits", 0, json!({"max_restarts": 2}));
    world.wait(5000);
    assert_eq!((told(&world).len(), world.model.snapshot().alerts.last), (0, 0));
}

#[test]
fn an_app_has_people_of_its_own_who_are_told_what_they_want_to_know() {
    let mut world = World::new();
    let alerts = json!({"mail": {"to": "root", "on": ["memory"]}});
    let more = json!({"max_restarts": 2, "max_memory_restart": 100, "alerts": alerts});
    world.start_with("api", "exits", 0, more.clone());
    world.start_with("job", "good", 0, more);
    world.wait(5000);
    assert_eq!(told(&world), [""; 0]);
    world.use_memory(1, 5 << 20);
    world.wait(1000);
    assert_eq!(
        told(&world),
        ["process 1 used 5 MB of memory, more than its limit of 0 MB, and is replaced"]
    );
}

#[test]
fn a_reload_that_fails_is_told_with_why() {
    let mut world = World::with("api", "good", 2);
    world.model.handle(world.at, Input::HomeTold(true), &mut Vec::new());
    let records = vec![record("api", "exits", 1, json!({}))];
    world.reload_by(&[0, 1], Change { records, ..Change::default() }, ReloadOptions::default());
    world.wait(5000);
    let told = told(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("the new version of app `api` failed: worker 0 "), "{told:?}");
}

#[test]
fn a_log_file_that_cannot_be_written_is_told_once() {
    let out = json!({"pm_out_log_path": "/l/out.log"});
    let mut world = World::with_more("api", "good", 0, out);
    world.model.handle(world.at, Input::HomeTold(true), &mut Vec::new());
    let version = world.model.registry().versions().next().unwrap().1;
    let [path, _, _] = crate::environment::log_files(&version.spec, ProcId(0));
    let path = path.unwrap();
    for error in [Some("disk full"), Some("disk full"), None, Some("disk full")] {
        let error = error.map(str::to_owned);
        world.reports.push_back(Input::Written { path: path.clone(), error });
        world.wait(10);
    }
    assert_eq!(told(&world).len(), 2, "{:?}", told(&world));
    assert_eq!(world.model.unwritten(&[0, 0]).len(), 1);
    assert_eq!(world.model.unwritten(&[1]).len(), 0);
}

#[test]
fn what_is_owed_is_told_although_the_daemon_dies_at_any_effect() {
    let mut whole = World::new();
    crashing(&mut whole);
    for at in 0..whole.steps {
        let mut broken = World::new();
        broken.crash_at = Some(at);
        crashing(&mut broken);
        assert!(!told(&broken).is_empty(), "daemon lost at step {at}");
        assert!(broken.model.snapshot().alerts.owed.is_empty(), "daemon lost at step {at}");
    }
}

#[test]
fn health_that_is_lost_and_health_that_is_back_are_told() {
    let health = json!({"tcp": 3000, "interval": 100, "restart_after": 3, "grace": 1000});
    let more = json!({"health": health, "min_uptime": 100, "alerts": {"mail": "root"}});
    let mut world = World::with_more("job", "sick", 0, more);
    world.wait(1200);
    let lost = "process 0 is restarted: its health check failed 3 times in a row: it is sick";
    assert_eq!((told(&world), world.restarts()), (vec![lost], vec![1]));
    world.runs.values_mut().for_each(|run| run.nature.sick = false);
    world.wait(5000);
    assert_eq!(told(&world), [lost, "process 0 passes its health check again"]);
    world.forget();
    world.wait(5000);
    assert_eq!(told(&world).len(), 2, "the next daemon does not tell it again");
}

fn found(world: &mut World) {
    world.model.handle(world.at, Input::HomeTold(true), &mut Vec::new());
    world.start("api", "good", 0);
    world.wait(1000);
    let found = RuleFound {
        id: ProcId(0),
        rule: "oom".to_owned(),
        then: vec![RuleAction::Alert, RuleAction::Restart],
        line: "out of memory".to_owned(),
        held_back: 1,
    };
    // As the thread does that reads the lines: it goes on when somebody has seen to this one.
    for number in 0..10 {
        if !world.seen_to.is_empty() {
            break;
        }
        world.reports.push_back(Input::Found { number, found: found.clone() });
        world.wait(1000);
    }
}

#[test]
fn a_rule_tells_of_a_line_and_restarts_who_wrote_it() {
    let mut world = World::new();
    found(&mut world);
    let text = "the rule `oom` has found a line: out of memory\n(1 more before it)";
    assert_eq!((told(&world), world.restarts()), (vec![text], vec![1]));
    assert!(world.log.iter().any(|line| line == "App [api:0] is restarted by its log rule `oom`"));
}

#[test]
fn who_is_stopped_is_not_restarted_by_a_line() {
    let mut world = World::new();
    found(&mut world);
    world.stop(&[0]);
    world.wait(1000);
    let then = vec![RuleAction::Restart];
    let (rule, line) = (String::new(), String::new());
    let found = RuleFound { id: ProcId(0), rule, then, line, held_back: 0 };
    world.reports.push_back(Input::Found { number: 99, found });
    world.wait(1000);
    assert_eq!((world.seen_to.last(), world.pids().len()), (Some(&99), 0));
}

#[test]
fn a_line_is_seen_to_although_the_daemon_dies_at_any_effect() {
    let mut whole = World::new();
    found(&mut whole);
    for at in 0..whole.steps {
        let mut broken = World::new();
        broken.crash_at = Some(at);
        found(&mut broken);
        assert!(!told(&broken).is_empty(), "daemon lost at step {at}");
        assert!(!broken.seen_to.is_empty(), "daemon lost at step {at}");
        assert_eq!(broken.pids().len(), 1, "daemon lost at step {at}");
        assert_ne!(broken.pids(), [101], "daemon lost at step {at}");
    }
}

#[test]
fn whether_the_home_tells_somebody_is_saved_when_that_changes() {
    let mut world = World::new();
    for (is_told, saves) in [(true, 1), (true, 1), (false, 2)] {
        world.input(Input::HomeTold(is_told));
        assert_eq!(world.saves, saves);
    }
}

#[test]
fn an_end_for_want_of_memory_is_told_and_that_it_was_is_saved_within_a_second() {
    let mut world = World::with_more("api", "good", 0, json!({"autorestart": false}));
    world.wait(1000);
    world.input(Input::HomeTold(true));
    world.input(Input::OutOfMemory(RunId(1)));
    world.crash(0, signal(9));
    while told(&world).is_empty() {
        assert!(world.deliver(), "it is told");
    }
    assert_eq!(told(&world), ["the kernel ended process 0 for want of memory"]);
    while world.deliver() {}
    assert_eq!(world.model.deadline(), Some(world.at.now + 1000));
}

#[test]
fn one_for_which_there_is_no_room_is_told() {
    let mut world = World::new();
    world.input(Input::HomeTold(true));
    world.start("api", "good", 0);
    let why = "could not be started: out of file descriptors".to_owned();
    world.input(Input::Refused { run: RunId(1), why });
    assert_eq!(
        told(&world),
        ["process 0 cannot be started: could not be started: out of file descriptors"]
    );
}

#[test]
fn a_line_before_which_none_was_held_back_is_told_alone() {
    let mut world = World::with("api", "good", 0);
    world.input(Input::HomeTold(true));
    let (rule, line) = ("oom".to_owned(), "out of memory".to_owned());
    let found =
        RuleFound { id: ProcId(0), rule, then: vec![RuleAction::Alert], line, held_back: 0 };
    world.input(Input::Found { number: 1, found });
    assert_eq!(told(&world), ["the rule `oom` has found a line: out of memory"]);
}
