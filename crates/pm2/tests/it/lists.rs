//! Processes in `jlist` and in the dump.

use std::sync::LazyLock;

use ostler_core::spec::{AppSpec, ExecMode};
use ostler_core::{Exit, ProcId};
use ostler_pm2::in_app::InApp;
use ostler_pm2::{Facts, List, SharedText, dump};
use ostler_wire::control::Phase;
use serde_json::{Value as Json, json};

use crate::{CPUS, vars};

/// Of an app that says nothing.
static IN_APP: LazyLock<InApp> = LazyLock::new(InApp::default);

fn spec() -> AppSpec {
    let mut spec = AppSpec::new("/srv/web.js".into(), "/srv".into());
    spec.name = "web".to_owned();
    spec.exec_mode = ExecMode::Cluster;
    spec.username = "jo".to_owned();
    spec.pid_file = "/h/pids/web.pid".into();
    spec.logs.out = Some("/h/logs/web-out.log".into());
    // Variables that are called like keys: the keys count.
    spec.env = vars([("PORT", "80"), ("status", "fine"), ("NODE_APP_INSTANCE", "9")]);
    spec.passthrough = vars([("vizion", "true"), ("km_link", "true")]);
    spec
}

fn facts<'a>(spec: &'a AppSpec, shared: &'a SharedText) -> Facts<'a> {
    Facts {
        id: ProcId(3),
        name: "web",
        spec,
        shared,
        phase: Phase::Online,
        pid: 4711,
        since: Some(1_700_000_000_000),
        created_at: 1_600_000_000_000,
        restarts: 2,
        unstable: 1,
        instance: 1,
        increment: None,
        node_version: None,
        unique_id: "u-1",
        last_exit: Some(Exit::Code(7)),
        rollout: None,
        in_app: &IN_APP,
        monitored: None,
        watching: false,
        memory: 50_000_000,
        cpu: 1.5,
    }
}

#[track_caller]
fn list(processes: &[Facts<'_>]) -> Json {
    let mut list = List::new(processes.len());
    for facts in processes {
        list.push(facts);
    }
    serde_json::from_str(&list.finish()).unwrap()
}

#[test]
fn a_process_has_pm2s_keys_once_each() {
    let spec = spec();
    let shared = SharedText::new(&spec);
    let text = serde_json::to_string_pretty(&list(&[facts(&spec, &shared)])).unwrap();
    expect_test::expect![[r#"
        [
          {
            "pid": 4711,
            "name": "web",
            "pm2_env": {
              "PORT": "80",
              "args": [],
              "autorestart": true,
              "autostart": true,
              "env": {
                "NODE_APP_INSTANCE": "9",
                "PORT": "80",
                "status": "fine"
              },
              "exec_interpreter": "none",
              "exec_mode": "cluster_mode",
              "instance_var": "NODE_APP_INSTANCE",
              "instances": 1,
              "merge_logs": false,
              "namespace": "default",
              "node_args": [],
              "pm_cwd": "/srv",
              "pm_exec_path": "/srv/web.js",
              "treekill": true,
              "username": "jo",
              "vizion": true,
              "name": "web",
              "pm_out_log_path": "/h/logs/web-out-3.log",
              "pm_err_log_path": "/dev/null",
              "pm_pid_path": "/h/pids/web-3.pid",
              "NODE_APP_INSTANCE": 1,
              "status": "online",
              "pm_uptime": 1700000000000,
              "created_at": 1600000000000,
              "pm_id": 3,
              "restart_time": 2,
              "unstable_restarts": 1,
              "unique_id": "u-1",
              "version": "N/A",
              "axm_actions": [],
              "axm_monitor": {},
              "axm_options": {},
              "axm_dynamic": {},
              "watch": false,
              "km_link": false,
              "vizion_running": false,
              "exit_code": 7
            },
            "pm_id": 3,
            "monit": {
              "memory": 50000000,
              "cpu": 1.5
            }
          }
        ]"#]]
    .assert_eq(&text);
    let mut out = String::new();
    ostler_pm2::element::write(&facts(&spec, &shared), &mut out);
    for key in ["name", "status", "pm_id", "NODE_APP_INSTANCE", "km_link"] {
        // Beside `pm2_env` there are a name and a number too; `env` has the variables once more.
        let times = match key {
            "km_link" => 1,
            _ => 2,
        };
        assert_eq!(out.matches(&format!("\"{key}\":")).count(), times, "{key}");
    }
}

#[test]
fn what_happened_to_a_process_is_said() {
    let spec = AppSpec { version: Some("1.2.3".to_owned()), ..spec() };
    let shared = SharedText::new(&spec);
    let usual = facts(&spec, &shared);
    let all = list(&[
        Facts { phase: Phase::Stopped, pid: 0, since: None, last_exit: None, ..usual },
        Facts {
            last_exit: Some(Exit::Signal { number: 9, core: false }),
            rollout: Some("canary"),
            ..usual
        },
    ]);
    let env = |index: usize, key: &str| all[index]["pm2_env"].get(key).cloned();
    assert_eq!(env(0, "status"), Some(json!("stopped")));
    assert_eq!(env(0, "pm_uptime"), Some(json!(1_600_000_000_000_u64)));
    assert_eq!((env(0, "exit_code"), env(0, "rollout")), (None, None));
    assert_eq!(env(1, "exit_code"), Some(json!(0)));
    assert_eq!(env(1, "exit_signal"), Some(json!("SIGKILL")));
    assert_eq!(
        (env(1, "rollout"), env(1, "version")),
        (Some(json!("canary")), Some(json!("1.2.3")))
    );
}

#[test]
fn an_empty_list_is_a_list() {
    assert_eq!(List::new(0).finish(), "[]");
}

#[test]
fn what_is_dumped_is_read_back() {
    let spec = spec();
    let saving = dump::Saving {
        spec: &spec,
        phase: Phase::Stopped,
        instance: 4,
        restarts: 2,
        created_at: 1_600_000_000_000,
        unique_id: "u-1",
        waits: false,
        watch: None,
    };
    let element = Json::Object(dump::element(&saving)).to_string();
    let saved = dump::read_element(&element, CPUS).unwrap();
    assert_eq!((saved.instance, saved.stopped), (Some(4), true));
    assert_eq!(saved.spec, spec);
    assert!(dump::read_element("5", CPUS).is_err());
}

#[test]
fn variables_keep_the_type_that_they_were_written_with() {
    let mut spec = spec();
    let typed = ["PORT", "DEBUG", "BROKEN"].map(str::to_owned).into();
    let values = [("PORT", "80"), ("DEBUG", "true"), ("BROKEN", "x"), ("TEXT", "80")];
    spec.put_env(vars(values).to_map(), &typed);
    let shared = SharedText::new(&spec);
    let env = list(&[facts(&spec, &shared)])[0]["pm2_env"].clone();
    for shown in [&env, &env["env"]] {
        let of = ["PORT", "DEBUG", "BROKEN", "TEXT"].map(|name| shown[name].to_string());
        assert_eq!(of, ["80", "true", "\"x\"", "\"80\""]);
    }
    // A text from the shell goes over it.
    spec.put_env(vars([("PORT", "81")]).to_map(), &[].into());
    assert_eq!(ostler_pm2::record::to_map(&spec)["env"]["PORT"], "81");
    let record = ostler_pm2::record::to_record(&spec);
    assert_eq!(ostler_pm2::record::from_record(&record, 1).unwrap().env_typed.len(), 1);
}

#[test]
fn each_instance_shows_its_own_value_of_the_incremented_variable() {
    let spec = AppSpec { increment_var: Some("PORT".to_owned()), ..spec() };
    let shared = SharedText::new(&spec);
    let usual = facts(&spec, &shared);
    let both =
        list(&[Facts { increment: Some(80), ..usual }, Facts { increment: Some(81), ..usual }]);
    for (at, port) in [(0, 80), (1, 81)] {
        let env = &both[at]["pm2_env"];
        assert_eq!((&env["PORT"], &env["env"]["PORT"]), (&port.into(), &port.into()));
        assert_eq!(env["env"]["status"], "fine");
    }
}
