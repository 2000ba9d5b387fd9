//! The saved list: written by `save`, brought back by `resurrect`.

use ostler_wire::control::Request;
use serde_json::{Value, json};

use super::world::World;

fn save(world: &mut World) -> usize {
    world.request(Request::Save { force: false })
}

fn resurrect(world: &mut World) -> usize {
    let client = world.request(Request::Resurrect);
    world.wait(1000);
    client
}

/// The saved list of this world, in a world without apps.
fn after_a_reboot(mut world: World) -> World {
    save(&mut world);
    World { dump: world.dump, ..World::new() }
}

fn elements(world: &World) -> Vec<Value> {
    serde_json::from_slice(world.dump.as_ref().unwrap()).unwrap()
}

#[test]
fn a_saved_list_is_told_with_its_place_and_the_number_of_apps() {
    let mut world = World::with("api", "good", 2);
    let client = save(&mut world);
    assert_eq!(world.heard(client), "saved 1 to /home/dump.pm2");
}

#[test]
fn modules_are_not_in_the_saved_list() {
    let mut world = World::with_more("rotate", "good", 1, json!({ "pmx_module": true }));
    let client = save(&mut world);
    assert_eq!((world.heard(client).as_str(), &world.dump), ("saved 0 to /home/dump.pm2", &None));
    world.start_with("api", "good", 1, json!({}));
    world.wait(50);
    world.quiet();
    let client = save(&mut world);
    assert_eq!(world.heard(client), "saved 1 to /home/dump.pm2");
    assert_eq!(elements(&world).iter().map(|of| &of["name"]).collect::<Vec<_>>(), ["api"]);
}

#[test]
fn the_reply_to_a_save_waits_for_the_disk() {
    let mut world = World::with("api", "good", 2);
    world.slow = true;
    let client = save(&mut world);
    assert_eq!(world.heard(client), "");
    world.wait(50);
    assert_eq!(world.reply(client), "saved 1 to /home/dump.pm2");
}

#[test]
fn an_empty_list_is_written_only_when_that_is_forced() {
    let mut world = World::new();
    let client = save(&mut world);
    assert_eq!(world.heard(client), "saved 0 to /home/dump.pm2");
    assert_eq!(world.dump, None);
    world.request(Request::Save { force: true });
    assert_eq!(world.dump, Some(b"[]".to_vec()));
}

#[test]
fn a_list_that_cannot_be_written_is_told() {
    let mut world = World::with("api", "good", 1);
    world.full = true;
    let client = save(&mut world);
    assert_eq!(world.heard(client), "error: could not save the list");
}

#[test]
fn an_element_has_pm2s_keys_and_no_number_of_instances() {
    let mut world = World::with_more("api", "good", 1, json!({"env": {"PORT": "3000"}}));
    save(&mut world);
    let element = elements(&world).remove(0);
    for (key, value) in [
        ("name", json!("api")),
        ("namespace", json!("default")),
        ("pm_exec_path", json!("/srv/good.js")),
        ("exec_mode", json!("cluster_mode")),
        ("status", json!("online")),
        ("restart_time", json!(0)),
        ("NODE_APP_INSTANCE", json!(0)),
        ("PORT", json!("3000")),
        ("version", json!("N/A")),
    ] {
        assert_eq!(element[key], value, "{key}");
    }
    assert_eq!(element.get("instances"), None);
}

#[test]
fn what_was_saved_comes_back_as_it_was() {
    let mut world = World::with("api", "good", 2);
    world.start("job", "better", 0);
    world.wait(50);
    let mut world = after_a_reboot(world);
    let client = resurrect(&mut world);
    assert_eq!(
        world.heard(client),
        "restored api /srv/good.js\n\
         restored api /srv/good.js\n\
         restored job /srv/better.js\n\
         done"
    );
    assert_eq!(world.state(), "api:0 online good, api:1 online good, job:2 online better");
}

#[test]
fn a_specification_comes_back_as_it_was() {
    let more = json!({
        "env": {"A": "1", "status": "mine"}, "args": ["-x"], "max_memory_restart": 100,
        "wait_ready": true, "kill_signal": "SIGTERM", "namespace": "prod",
    });
    let world = World::with_more("api", "good", 1, more);
    let spec = |world: &World| {
        let version = world.model.registry().versions().next().unwrap().1;
        (*version.spec).clone()
    };
    let before = spec(&world);
    let mut world = after_a_reboot(world);
    resurrect(&mut world);
    assert_eq!(spec(&world), before);
}

#[test]
fn instances_share_a_version_and_a_unique_id_again() {
    let mut world = after_a_reboot(World::with("api", "good", 3));
    resurrect(&mut world);
    assert_eq!(world.versions(), (vec![0, 0, 0], 1));
    let ids = world.each(|proc| proc.unique_id.clone());
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn instance_numbers_come_back_with_their_gaps() {
    let mut world = World::with("api", "good", 3);
    world.delete(&[1]);
    world.wait(50);
    let mut world = after_a_reboot(world);
    resurrect(&mut world);
    assert_eq!(world.each(|proc| proc.instance), [0, 2]);
}

#[test]
fn what_was_stopped_stays_stopped() {
    let mut world = World::with("api", "good", 2);
    world.stop(&[1]);
    world.wait(50);
    let mut world = after_a_reboot(world);
    let client = resurrect(&mut world);
    assert_eq!(world.state(), "api:0 online good, api:1 stopped good");
    assert_eq!(world.reply(client), "done");
}

#[test]
fn what_had_been_given_up_is_started_again() {
    let mut world = World::new();
    world.start("api", "exits", 1);
    world.wait(1000);
    let mut world = after_a_reboot(world);
    let client = resurrect(&mut world);
    assert_eq!(world.state(), "api:0 errored exits");
    let failure = "app `api` did not start: exit code 1";
    assert!(world.heard(client).starts_with(&format!("restored api /srv/exits.js: {failure}\n")));
}

#[test]
fn apps_that_run_are_skipped() {
    let mut world = World::with("api", "good", 2);
    world.start("web", "better", 1);
    world.wait(50);
    save(&mut world);
    world.delete(&[2]);
    world.wait(50);
    let client = resurrect(&mut world);
    assert_eq!(world.heard(client), "restored web /srv/better.js\ndone");
    assert_eq!(world.state(), "api:0 online good, api:1 online good, web:3 online better");
}

#[test]
fn an_element_that_makes_no_sense_is_warned_of_and_the_rest_comes_back() {
    let mut world = after_a_reboot(World::with("api", "good", 2));
    let mut list = elements(&world);
    list[0].as_object_mut().unwrap().remove("pm_exec_path");
    world.dump = Some(serde_json::to_vec(&list).unwrap());
    let client = resurrect(&mut world);
    assert_eq!(
        world.heard(client),
        "warning \"pm_exec_path\" is missing\nrestored api /srv/good.js\ndone"
    );
}

#[test]
fn a_list_that_pm2_wrote_is_understood() {
    let mut world = World::new();
    let of_pm2 = json!([{
        "name": "api", "namespace": "default", "pm_exec_path": "/srv/good.js", "pm_cwd": "/srv",
        "exec_mode": "cluster_mode", "exec_interpreter": "node", "NODE_APP_INSTANCE": "4",
        "pm_pid_path": "/home/pids/api-7.pid", "pm_uptime": 1, "status": "online", "env": {},
        "restart_time": 3, "autorestart": true,
    }]);
    world.dump = Some(serde_json::to_vec(&of_pm2).unwrap());
    resurrect(&mut world);
    assert_eq!(world.state(), "api:0 online good");
    assert_eq!(world.each(|proc| proc.instance), [4]);
}

#[test]
fn nothing_comes_back_where_nothing_was_saved() {
    let mut world = World::new();
    let client = resurrect(&mut world);
    assert_eq!(
        world.heard(client),
        "error: no saved list at `/home/dump.pm2`\nhint: save a list first, with `ostler save`"
    );
}

#[test]
fn what_is_wrong_with_the_file_is_warned_of_first() {
    let mut world = after_a_reboot(World::with("api", "good", 1));
    world.dump_warnings = vec!["the backup is used".to_owned()];
    let client = resurrect(&mut world);
    assert_eq!(world.heard(client), "warning the backup is used\nrestored api /srv/good.js\ndone");
}

#[test]
fn what_comes_back_and_has_no_effect_yet_is_warned_of_once_an_app() {
    let more = json!({"post_update": ["x"], "trace": true});
    let mut world = after_a_reboot(World::with_more("api", "good", 2, more));
    let client = resurrect(&mut world);
    assert_eq!(
        world.heard(client),
        "warning `api`: \"trace\" has no effect yet: the agent in apps does no such thing\n\
         warning `api`: \"post_update\" has no effect yet: `pull` runs no commands\n\
         restored api /srv/good.js\n\
         restored api /srv/good.js\n\
         done"
    );
}

#[test]
fn what_is_taken_over_keeps_its_numbers_where_they_are_free() {
    let saved = after_a_reboot(World::with("api", "good", 3));
    let mut elements = elements(&saved);
    for (element, number) in elements.iter_mut().zip([7, 0, 7]) {
        element["pm_id"] = number.into();
    }
    elements[1]["status"] = "stopped".into();
    let raw = |element: &Value| serde_json::value::to_raw_value(element).unwrap();
    let processes: Vec<_> = elements.iter().map(raw).collect();
    let mut world = World::with("job", "good", 1);
    let restore = |world: &mut World| {
        let request = Request::Import { elements: processes.clone(), heir_of: None, told: false };
        let client = world.request(request);
        world.wait(1000);
        client
    };
    let client = restore(&mut world);
    let one = "restored api /srv/good.js\n";
    assert_eq!(world.heard(client), format!("{}done", one.repeat(3)));
    let state = "job:0 online good, api:7 online good, api:8 stopped good, api:9 online good";
    assert_eq!(world.state(), state, "0 is taken, and 7 only free once");
    // The same again begins nothing twice.
    let client = restore(&mut world);
    assert_eq!(world.heard(client), "done");
    assert_eq!(world.state(), state);
}

/// Who brings a list back was told of each process at its end alone.
#[test]
fn who_asks_is_told_what_is_brought_back_and_of_each_process() {
    let mut world = World::with("api", "good", 2);
    world.start_with("rests", "good", 1, json!({}));
    world.stop(&[2]);
    world.wait(100);
    let mut world = after_a_reboot(world);
    let client = world.request(Request::ResurrectTold);
    world.wait(1000);
    let said = world.heard(client);
    let started = r#"[(0, "api"), (1, "api")], stopped: [(2, "rests")]"#;
    let first = format!("Restoring {{ started: {started}, saved: 3, before: false }}");
    assert!(said.starts_with(&format!("{first}\nstarting api:0\nstarting api:1\n")), "{said}");
    assert!(said.contains(r#"Doing { id: 1, name: "api", what: Starts }"#), "{said}");
    assert!(said.contains("up api:0\n") && said.contains("up api:1\n"), "{said}");
    assert!(!said.contains("up rests") && said.contains("restored rests "), "{said}");
    let again = world.request(Request::ResurrectTold);
    world.wait(1000);
    assert_eq!(
        world.heard(again),
        "Restoring { started: [], stopped: [], saved: 3, before: false }\ndone"
    );
}

#[test]
fn two_clients_that_bring_the_list_back_at_once_bring_it_back_once() {
    let mut world = after_a_reboot(World::with("api", "good", 1));
    world.slow = true;
    let clients = [(); 2].map(|()| world.request(Request::Resurrect));
    world.wait(50);
    assert_eq!(clients.map(|client| world.reply(client).to_owned()), ["done", "done"]);
    assert_eq!(world.state(), "api:0 online good");
}

#[test]
fn a_list_comes_back_also_when_the_client_has_left() {
    let mut world = after_a_reboot(World::with("api", "good", 1));
    world.slow = true;
    let client = world.request(Request::Resurrect);
    world.leave(client);
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good");
}

#[test]
fn a_command_whose_outcome_cannot_be_saved_says_so_and_one_after_that_does_not() {
    let mut world = World::with("api", "good", 1);
    world.full = true;
    let clients = [world.start("job", "good", 0), world.stop(&[0]), world.delete(&[0])];
    world.wait(50);
    for client in clients {
        let reply = world.reply(client);
        assert!(reply.starts_with("error: it is done, but could not save the state"), "{reply}");
    }
    assert_eq!(world.state(), "job:1 online good", "it is done all the same");
    world.full = false;
    let client = world.restart(&[1]);
    world.wait(50);
    assert_eq!(world.reply(client), "done");
}

#[test]
fn what_is_brought_back_at_rest_was_stopped_by_nobody() {
    let mut world = World::with("api", "good", 1);
    world.stop(&[0]);
    world.wait(50);
    let mut world = after_a_reboot(world);
    resurrect(&mut world);
    assert_eq!(world.state(), "api:0 stopped good");
    assert_eq!(world.lifecycle, [""; 0]);
}
