//! Restarts because files have changed.

use ostler_core::{Exit, ProcId, SpecId};
use ostler_wire::control::{Action, Change, Watch};
use serde_json::{Value, json};

use super::super::Input;
use super::world::World;

fn watched(name: &str, script: &str, instances: u32, more: Value) -> World {
    let mut more = more;
    if more.get("watch").is_none() {
        more["watch"] = json!(true);
    }
    World::with_more(name, script, instances, more)
}

impl World {
    /// The versions that are watched.
    fn watched_versions(&self) -> Vec<u32> {
        self.watched.iter().map(|of| of.spec.0).collect()
    }

    /// A file of the first version that is watched changes.
    fn change(&mut self, path: &str) {
        let spec = self.watched.first().map_or(SpecId(0), |of| of.spec);
        self.input(Input::Changed { spec, path: path.into() });
    }

    /// Changes after which something was restarted.
    fn noted_changes(&self) -> usize {
        self.log.iter().filter(|line| line.starts_with("Change detected")).count()
    }

    fn switch(&mut self, action: Action, how: Watch) {
        self.act_with(action, &[0], Change { watch: Some(how), ..Change::default() });
        self.wait(50);
    }
}

#[test]
fn a_change_restarts_the_processes_of_the_app_and_no_others() {
    let mut world = watched("web", "good", 0, json!({}));
    world.start_with("api", "good", 2, json!({"watch": ["src"]}));
    world.wait(50);
    assert_eq!(world.watched_versions(), [0, 1]);
    world.quiet();
    world.change("/srv/a.js");
    world.wait(49);
    assert_eq!(world.restarts(), [1, 0, 0]);
    assert_eq!(world.log[0], "Change detected on path /srv/a.js for app web - restarting");
    world.input(Input::Changed { spec: SpecId(1), path: "/srv/src/b.js".into() });
    world.wait(100);
    assert_eq!(world.restarts(), [1, 1, 1]);
}

#[test]
fn changes_that_come_together_are_one_restart() {
    let mut world = watched("web", "good", 0, json!({}));
    for _ in 0..20 {
        world.change("/srv/a.js");
        world.wait(20);
    }
    assert_eq!(world.restarts(), [0]);
    world.wait(100);
    assert_eq!(world.restarts(), [1]);
    // What never rests is followed by a restart all the same.
    for _ in 0..150 {
        world.change("/srv/a.js");
        world.wait(20);
    }
    assert_eq!(world.restarts(), [2]);
}

#[test]
fn a_restart_waits_for_the_delay_and_for_a_rest_that_is_asked_for() {
    let mut world = watched("web", "good", 0, json!({"watch_delay": 500}));
    world.change("/srv/a.js");
    world.wait(490);
    assert_eq!(world.restarts(), [0]);
    world.wait(50);
    assert_eq!(world.restarts(), [1]);
    let options = json!({"watch_options": {"awaitWriteFinish": {"stabilityThreshold": 300}}});
    let mut world = watched("web", "good", 0, options);
    world.change("/srv/a.js");
    world.wait(200);
    world.change("/srv/a.js");
    world.wait(290);
    assert_eq!(world.restarts(), [0]);
    world.wait(50);
    assert_eq!(world.restarts(), [1]);
}

#[test]
fn a_change_on_the_way_to_the_next_run_is_in_that_run() {
    let mut world = watched("web", "stubborn", 0, json!({"kill_timeout": 5000}));
    world.restart(&[0]);
    world.change("/srv/a.js");
    world.wait(20_000);
    assert_eq!((world.restarts(), world.noted_changes()), (vec![1], 0));
    // It is not spawned yet.
    let mut world = World::new();
    world.start_with("web", "good", 0, json!({"watch": true}));
    world.change("/srv/a.js");
    world.late(100);
    assert_eq!(world.noted_changes(), 0);
    let mut world = watched("web", "unready", 0, json!({"wait_ready": true}));
    world.change("/srv/a.js");
    world.wait(100);
    assert_eq!(world.noted_changes(), 1);
}

#[test]
fn an_app_that_was_given_up_or_has_ended_is_started_by_a_change() {
    let mut world = watched("job", "good", 0, json!({"autorestart": false}));
    world.crash(0, Exit::Code(1));
    world.wait(10);
    assert_eq!(world.state(), "job:0 stopped good");
    world.change("/srv/a.js");
    world.wait(100);
    assert_eq!(world.state(), "job:0 online good");
    let mut world = watched("job", "exits", 0, json!({"max_restarts": 1}));
    let starts = world.begun;
    assert_eq!(world.state(), "job:0 errored exits");
    world.log.clear();
    world.change("/srv/a.js");
    world.wait(100);
    assert!(world.log.iter().any(|line| line.contains("exited with code [1]")), "{starts}");
}

#[test]
fn what_was_stopped_is_not_started_by_a_change() {
    let mut world = watched("web", "good", 0, json!({}));
    world.change("/srv/a.js");
    world.stop(&[0]);
    world.wait(1000);
    assert_eq!((world.state(), world.watched_versions()), ("web:0 stopped good".into(), vec![]));
    world.restart(&[0]);
    world.wait(50);
    assert_eq!(world.watched_versions(), [0]);
}

#[test]
fn workers_are_restarted_or_reloaded_if_asked() {
    let mut world = watched("api", "good", 2, json!({}));
    world.change("/srv/a.js");
    world.wait(29);
    world.late(1);
    assert_eq!(world.model.known().count_online(), 0);
    let mut world = watched("api", "good", 2, json!({"watch_options": {"reload": true}}));
    world.change("/srv/a.js");
    world.wait(29);
    world.late(1);
    while world.deliver() {
        assert_eq!(world.model.known().count_online(), 2);
    }
    world.wait(1000);
    assert_eq!(world.restarts(), [1, 1]);
}

#[test]
fn watching_is_switched_by_the_user_and_that_outlives_the_daemon() {
    let mut world = watched("web", "good", 0, json!({}));
    world.switch(Action::Restart, Watch::Toggle);
    assert!(world.watched_versions().is_empty());
    world.forget();
    world.wait(50);
    assert!(world.watched_versions().is_empty());
    world.switch(Action::Restart, Watch::Toggle);
    assert_eq!(world.watched_versions(), [0]);
    world.switch(Action::Stop, Watch::Off);
    world.restart(&[0]);
    world.wait(50);
    assert!(world.watched_versions().is_empty());
    let mut plain = World::with("web", "good", 0);
    plain.switch(Action::Restart, Watch::Toggle);
    assert_eq!(plain.watched_versions(), [0]);
    plain.delete(&[0]);
    plain.wait(50);
    assert!(plain.watched_versions().is_empty());
}

#[test]
fn changes_while_no_daemon_runs_are_looked_for_since_the_run_began() {
    let mut world = watched("web", "good", 0, json!({}));
    assert_eq!(world.watched[0].since, None);
    let began = world.at.wall - 50;
    world.wait(60_000);
    world.watched.clear();
    world.forget();
    assert_eq!(world.watched[0].since, Some(began));
    let mut world = watched("web", "good", 0, json!({}));
    world.stop(&[0]);
    world.wait(50);
    world.forget();
    assert!(world.watched_versions().is_empty());
}

#[test]
fn an_app_that_changes_its_own_files_is_told_of_and_slowed_down() {
    let mut world = watched("web", "good", 0, json!({}));
    let mut times = Vec::new();
    for restart in 1..12 {
        world.change("/srv/data.json");
        let before = world.at.now;
        while world.restarts() != [restart] {
            world.wait(10);
        }
        times.push(world.at.now - before);
    }
    assert!(times[..4].iter().all(|time| *time < 100), "{times:?}");
    assert!(times[9..].iter().all(|time| 5000 < *time), "{times:?}");
    let said = world.log.iter().filter(|line| line.contains("add it to `ignore_watch`"));
    assert_eq!(said.count(), 1);
    // It has rested: the next change is one of a user.
    world.wait(60_000);
    world.change("/srv/data.json");
    world.wait(100);
    assert_eq!(world.restarts(), [12]);
}

#[test]
fn changes_with_a_rest_between_them_are_not_those_of_the_app_itself() {
    for rest in [2900, 5000] {
        let mut world = watched("web", "good", 0, json!({}));
        for restart in 1..12 {
            world.change("/srv/a.js");
            world.wait(100);
            assert_eq!(world.restarts(), [restart]);
            world.wait(rest);
        }
        assert!(!world.log.iter().any(|line| line.contains("`ignore_watch`")), "{:?}", world.log);
    }
}

#[test]
fn too_many_folders_are_told_to_whoever_asks_next() {
    let mut world = watched("web", "good", 0, json!({}));
    world.input(Input::WatchLimited { spec: SpecId(0), folders: 7, most: Some(8) });
    let said = world.log.last().unwrap();
    assert!(
        said.starts_with(
            "not all files of app `web` are watched: the system lets a user watch 8 folders \
             (ostler watches 7); "
        ),
        "{said}"
    );
}

impl World {
    /// Whoever looks at the files fails.
    fn end_watch(&mut self, why: &str) {
        self.watched.clear();
        self.input(Input::WatchEnded { why: why.to_owned() });
    }

    fn said_of_watching(&self) -> Vec<&str> {
        let of_it = self.log.iter().filter(|line| line.contains("iles of apps are"));
        of_it.map(String::as_str).collect()
    }
}

#[test]
fn a_watch_that_ends_is_begun_again_and_what_changed_meanwhile_is_found() {
    let mut world = watched("web", "good", 0, json!({}));
    let began = world.at.wall - 50;
    world.wait(60_000);
    world.end_watch("no more");
    world.wait(9_900);
    // Also what changes in between begins no watch before its time.
    world.start_with("api", "good", 0, json!({"watch": true}));
    assert!(world.watched_versions().is_empty());
    world.wait(200);
    assert_eq!(world.watched_versions(), [0, 1]);
    assert_eq!(world.watched[0].since, Some(began));
    world.input(Input::Watching);
    world.change("/srv/a.js");
    world.wait(100);
    assert_eq!(world.restarts(), [1, 0]);
    let said = ["files of apps are not watched: no more; trying again every 10 s"];
    assert_eq!(world.said_of_watching(), [said[0], "Files of apps are watched again"]);
    assert_eq!(world.model.details(ProcId(0)).unwrap().unwatched, None);
}

#[test]
fn a_watch_that_fails_again_and_again_is_told_once_and_described() {
    let mut world = watched("web", "good", 0, json!({}));
    for _ in 0..5 {
        world.end_watch("out of instances");
        world.wait(10_100);
        assert_eq!(world.watched_versions(), [0]);
    }
    assert_eq!(world.said_of_watching().len(), 1);
    let why = |world: &World| world.model.details(ProcId(0)).unwrap().unwatched;
    assert_eq!(why(&world).as_deref(), Some("out of instances"));
    world.end_watch("out of threads");
    assert_eq!(world.said_of_watching().len(), 2);
    // Where nothing is to be watched any more, nothing is tried.
    world.stop(&[0]);
    world.wait(60_000);
    assert_eq!((why(&world), world.watched_versions()), (None, vec![]));
}

#[test]
fn a_watch_that_ends_while_an_app_is_changing_restarts_it_all_the_same() {
    let mut world = watched("web", "good", 0, json!({"watch_delay": 500}));
    world.change("/srv/a.js");
    world.end_watch("no more");
    world.wait(600);
    assert_eq!(world.restarts(), [1]);
}

#[test]
fn what_is_watched_of_an_app_is_what_it_says() {
    let more = json!({"watch": ["src"], "ignore_watch": ["src/data"]});
    let world = watched("web", "good", 0, more);
    let asked = &world.watched[0].asked;
    assert_eq!((&asked.folder, &asked.script), (&"/srv".into(), &"/srv/good.js".into()));
    assert_eq!((&asked.paths, &asked.ignored), (&vec!["src".into()], &vec!["src/data".into()]));
}
