//! What PM2's `jlist` shows of processes.

use ostler_core::{Exit, RunId};
use serde_json::json;

use super::super::{Input, Usage};
use super::nature::signal;
use super::showing::{check, jlist};
use super::world::World;

#[test]
fn the_jlist_of_nothing_is_an_empty_list() {
    assert!(jlist(&mut World::new()).is_empty());
}

#[test]
fn the_jlist_has_pm2s_keys() {
    let more = json!({"env": {"A": "1"}, "pm_out_log_path": "/logs/out.log"});
    let mut world = World::with_more("api", "good", 2, more);
    let run = RunId(1);
    world.input(Input::Usage(vec![(run, Usage { cpu: 12.5, memory: 4096 })]));
    let shown = jlist(&mut world);
    assert_eq!(shown.len(), 2);
    check(
        &shown[0],
        &json!({
            "pid": 101, "name": "api", "pm_id": 0, "monit": {"memory": 4096, "cpu": 12.5},
        }),
    );
    check(
        &shown[0]["pm2_env"],
        &json!({
            "name": "api", "pm_id": 0, "status": "online", "pm_uptime": 1_000_000,
            "created_at": 1_000_000, "restart_time": 0, "unstable_restarts": 0,
            "exec_mode": "cluster_mode", "pm_exec_path": "/srv/good.js", "pm_cwd": "/srv",
            "NODE_APP_INSTANCE": 0, "env": {"A": "1"}, "A": "1", "version": "N/A",
            "pm_out_log_path": "/logs/out-0.log", "pm_err_log_path": "/dev/null",
            "pm_pid_path": "/srv/api-0.pid", "axm_monitor": {}, "axm_actions": [],
            "vizion_running": false, "km_link": false, "instances": 2,
        }),
    );
    assert_eq!(shown[0]["pm2_env"].get("exit_code"), None);
}

#[test]
fn the_jlist_has_how_a_process_ended() {
    let mut world = World::with("api", "good", 1);
    world.crash(0, Exit::Code(7));
    world.wait(50);
    check(&jlist(&mut world)[0]["pm2_env"], &json!({"exit_code": 7, "restart_time": 1}));
    world.crash(0, signal(11));
    world.wait(50);
    let expected = json!({"exit_code": 0, "exit_signal": "SIGSEGV"});
    check(&jlist(&mut world)[0]["pm2_env"], &expected);
}

#[test]
fn the_jlist_has_the_part_in_a_reload() {
    let mut world = World::with("api", "good", 1);
    world.reload(&[0], "api", "mute");
    check(&jlist(&mut world)[0]["pm2_env"], &json!({"rollout": "reloading"}));
}

#[test]
fn no_variable_takes_the_place_of_a_key() {
    let env = json!({
        "status": "mine", "pm_id": "9", "name": "\"quoted\"", "pm_uptime": "1", "a\"b": "c\\",
        "NODE_APP_INSTANCE": "7", "pm_exec_path": "/mine", "unique_id": "mine",
    });
    let mut world = World::with_more("api", "good", 1, json!({"env": env}));
    check(
        &jlist(&mut world)[0]["pm2_env"],
        &json!({
            "status": "online", "pm_id": 0, "name": "api", "pm_uptime": 1_000_000,
            "NODE_APP_INSTANCE": 0, "a\"b": "c\\", "pm_exec_path": "/srv/good.js",
        }),
    );
}
