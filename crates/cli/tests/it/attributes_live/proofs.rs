//! What is true of an app that is given an attribute.

use std::collections::BTreeSet;
use std::path::Path;

use ostler_testkit::{Sandbox, procs, wait_for};

use super::record;
use crate::takeover::SOON;

/// How an attribute is known to work.
pub enum Proof {
    /// An app with these keys is started, and this is true of it.
    Here(&'static str, fn(&Sandbox)),
    /// A test of another file, which has the attribute in it: `file::name`.
    There(&'static str),
}
pub use Proof::{Here, There};

/// The proof of each attribute.
pub const PROOFS: &[(&str, Proof)] = &[
    ("name", There("fork::the_app_is_told_who_it_is")),
    ("namespace", There("fork::the_app_is_told_who_it_is")),
    ("args", There("fork::an_interpreter_may_be_named_with_arguments_of_its_own")),
    ("node_args", There("inspect_ports::each_worker_has_an_inspector_port_from_node_args")),
    ("script", There("config::every_form_of_a_process_file_is_read")),
    ("module", There("python::a_module_runs_by_the_python_of_its_folder_and_keeps_its_name")),
    ("cwd", There("fork::the_app_is_told_who_it_is")),
    ("interpreter", There("fork::an_interpreter_may_be_named_with_arguments_of_its_own")),
    (
        "exec_mode",
        There(concat!(
            "cluster_listen::two_apps_on_one_port_share_it_and_a_",
            "stop_of_one_leaves_the_other_serving"
        )),
    ),
    (
        "execute_command",
        Here(r#"{ "execute_command": true, "instances": 2 }"#, |s| {
            assert_eq!(record(s, "app")["exec_mode"], "fork_mode");
        }),
    ),
    (
        "instances",
        Here(r#"{ "instances": 3, "exec_mode": "fork" }"#, |s| {
            s.wait_for("three processes", SOON, || (s.pids_of("app").len() == 3).then_some(()));
        }),
    ),
    (
        "profiles",
        There("profiles::an_app_with_profiles_starts_only_when_one_of_them_or_the_app_is_named"),
    ),
    (
        "pid_file",
        Here(r#"{ "pid_file": "own.pid" }"#, |s| {
            let pid = wait_text(s, "own-0.pid", |text| !text.is_empty());
            assert_eq!(pid.trim(), s.pids_of("app")[0].to_string());
        }),
    ),
    ("env", There("config::every_form_of_a_process_file_is_read")),
    ("env_file", Here(r#"{ "env_file": "my.env" }"#, |s| sees(s, "FROM_FILE", Some("yes")))),
    ("filter_env", Here(r#"{ "filter_env": ["OF_SHELL"] }"#, |s| sees(s, "A_OF_SHELL", None))),
    ("port", Here(r#"{ "port": 3456 }"#, |s| sees(s, "PORT", Some("3456")))),
    (
        "append_env_to_name",
        Here(r#"{ "append_env_to_name": true }"#, |s| {
            s.wait_status("app-prod", "online", 1, SOON);
        }),
    ),
    ("instance_var", Here(r#"{ "instance_var": "WORKER" }"#, |s| sees(s, "WORKER", Some("0")))),
    (
        "increment_var",
        Here(
            r#"{ "increment_var": "STEP", "env": { "STEP": 5 },
                "instances": 2, "exec_mode": "fork" }"#,
            |s| {
                s.wait_for("each its own", SOON, || {
                    let of = |pid: &u32| procs::env_of(*pid, "STEP").unwrap_or_default();
                    let all: BTreeSet<String> = s.pids_of("app").iter().map(of).collect();
                    (all == BTreeSet::from(["5".to_owned(), "6".to_owned()])).then_some(())
                });
            },
        ),
    ),
    (
        "username",
        Here(r#"{ "username": "somebody" }"#, |s| {
            assert_eq!(record(s, "app")["username"], "somebody");
        }),
    ),
    ("uid", There("reload_drain::a_program_of_another_user_has_the_hook_too")),
    ("gid", There("cluster_rights::a_low_port_is_only_for_an_app_that_was_granted_it")),
    (
        "autostart",
        Here(r#"{ "autostart": false }"#, |s| {
            s.wait_status("app", "stopped", 1, SOON);
        }),
    ),
    (
        "source_map_support",
        There("in_app::a_stack_names_the_line_of_the_source_unless_that_is_switched_off"),
    ),
    (
        "disable_source_map_support",
        There("in_app::a_stack_names_the_line_of_the_source_unless_that_is_switched_off"),
    ),
    ("unhandled_rejections", There("in_app::an_app_may_choose_nodes_way_with_a_rejection")),
    ("nofile", There("limits::each_process_has_the_limits_of_its_app_whoever_started_it")),
    ("nice", There("limits::each_process_has_the_limits_of_its_app_whoever_started_it")),
    ("oom_score", There("limits::each_process_has_the_limits_of_its_app_whoever_started_it")),
    (
        "max_cpu",
        There(concat!(
            "limits::a_limit_that_cannot_be_had_is_a_failed_start_",
            "that_says_why_and_is_not_tried_again"
        )),
    ),
    ("max_memory", There("limits::a_memory_limit_needs_a_control_group")),
    (
        "out_file",
        Here(r#"{ "out_file": "own.log" }"#, |s| {
            assert_eq!(wait_text(s, "own.log", |text| text.ends_with('\n')), "out\n");
        }),
    ),
    (
        "error_file",
        Here(r#"{ "error_file": "own.log" }"#, |s| {
            assert_eq!(wait_text(s, "own.log", |text| text.ends_with('\n')), "err\n");
        }),
    ),
    (
        "log_file",
        Here(r#"{ "log_file": "both.log" }"#, |s| {
            wait_text(s, "both.log", |text| text.contains("out\n") && text.contains("err\n"));
        }),
    ),
    ("merge_logs", There("logs::lines_of_several_processes_in_one_file_are_whole")),
    (
        "disable_logs",
        Here(r#"{ "disable_logs": true }"#, |s| {
            // What comes later is there, and this is not.
            s.ostler(["start", "app.sh", "--name", "later"]).run();
            wait_text(s, "../h/logs/later-out.log", |text| text == "out\n");
            assert_eq!(read(s, "../h/logs/app-out.log"), "");
        }),
    ),
    ("log_type", There("takeover::no_line_is_lost_doubled_or_cut_in_any_form_of_log")),
    (
        "log_date_format",
        Here(r#"{ "log_date_format": "[at] YYYY" }"#, |s| {
            let text = wait_text(s, "../h/logs/app-out.log", |text| text.ends_with('\n'));
            assert!(text.starts_with("at 20") && text.ends_with(": out\n"), "{text}");
        }),
    ),
    (
        "time",
        Here(r#"{ "time": true }"#, |s| {
            let text = wait_text(s, "../h/logs/app-out.log", |text| text.ends_with('\n'));
            assert!(text.starts_with("20") && text.ends_with(": out\n"), "{text}");
        }),
    ),
    (
        "log_full",
        There("log_dropped::on_a_full_disk_the_oldest_lines_are_dropped_where_that_is_asked_for"),
    ),
    ("log_buffer", There("log_buffer::lines_that_wait_are_seen_and_outlive_the_daemon")),
    (
        "log_rotate",
        There("rotation::an_app_that_is_never_rotated_and_one_whose_file_is_shared_by_many"),
    ),
    (
        "log_rotate_cron",
        Here(r#"{ "script": "talks.sh", "log_rotate_cron": "* * * * * *" }"#, |s| {
            s.wait_for("a rotated file", SOON, || rotated(s).pop());
        }),
    ),
    (
        "log_max_size",
        There("rotation::no_more_is_kept_than_the_app_says_and_than_all_logs_may_have"),
    ),
    ("log_keep", There("rotation::no_more_is_kept_than_the_app_says_and_than_all_logs_may_have")),
    (
        "log_compress",
        There("rotation::no_more_is_kept_than_the_app_says_and_than_all_logs_may_have"),
    ),
    (
        "log_keep_days",
        Here(
            r#"{ "script": "talks.sh", "log_max_size": 2000,
                    "log_keep": 500, "log_keep_days": 2, "log_compress": false }"#,
            |s| {
                let old = s.wait_for("a rotated file", SOON, || rotated(s).pop());
                let file = std::fs::File::options().append(true).open(&old).unwrap();
                let days = std::time::Duration::from_secs(3 * 86_400);
                file.set_modified(std::time::SystemTime::now() - days).unwrap();
                s.wait_for("its end", SOON, || (!Path::new(&old).exists()).then_some(()));
            },
        ),
    ),
    (
        "log_keep_size",
        Here(
            r#"{ "script": "talks.sh", "log_max_size": 2000,
                    "log_keep": 500, "log_keep_size": 5000, "log_compress": false }"#,
            |s| {
                let first = s.wait_for("a rotated file", SOON, || rotated(s).pop());
                s.wait_for("its end", SOON, || (!Path::new(&first).exists()).then_some(()));
                s.wait_for("little to be kept", SOON, || (rotated(s).len() < 5).then_some(()));
            },
        ),
    ),
    (
        "log_sinks",
        There(concat!(
            "log_sinks::a_sink_misses_no_line_when_the_daemon_is_",
            "killed_and_describe_says_what_became_of_it"
        )),
    ),
    (
        "log_rules",
        There(concat!(
            "log_rules::a_line_restarts_its_process_and_is_told_",
            "and_lines_of_before_the_rule_are_not"
        )),
    ),
    (
        "autorestart",
        There("commands_policy::some_exit_codes_are_final_and_so_is_every_end_without_autorestart"),
    ),
    (
        "stop_exit_codes",
        There("commands_policy::some_exit_codes_are_final_and_so_is_every_end_without_autorestart"),
    ),
    ("oneshot", There("depending::apps_begin_in_order_also_when_the_daemon_dies_while_they_wait")),
    (
        "success_exit_codes",
        Here(r#"{ "script": "ends.sh", "oneshot": true, "success_exit_codes": [7] }"#, |s| {
            s.wait_for("it is completed", SOON, || {
                let list = s.ostler(["list", "--json", "status"]).run().out;
                list.contains("completed").then_some(())
            });
        }),
    ),
    ("max_restarts", There("commands_policy::what_counts_as_at_once_can_be_said")),
    ("min_uptime", There("commands_policy::what_counts_as_at_once_can_be_said")),
    ("restart_delay", There("commands_policy::a_restart_can_be_delayed_and_a_stop_cancels_it")),
    ("exp_backoff_restart_delay", There("commands_policy::pauses_may_grow_with_each_crash")),
    ("treekill", There("stop::with_no_treekill_only_the_process_itself_is_stopped")),
    (
        "kill_timeout",
        There("stop::who_ignores_the_request_is_killed_when_its_time_is_over_and_not_before"),
    ),
    ("kill_signal", There("stop::another_signal_may_ask")),
    ("shutdown_with_message", There("stop::a_message_may_take_the_place_of_the_signal")),
    ("max_memory_restart", There("commands_policy::who_takes_too_much_memory_is_started_again")),
    (
        "cron_restart",
        There(concat!(
            "cron::cron_restarts_until_the_app_is_stopped_also_by_",
            "the_daemon_after_and_after_resurrect"
        )),
    ),
    (
        "watch",
        There("watch::a_change_restarts_the_app_until_it_is_stopped_also_by_the_daemon_after"),
    ),
    (
        "ignore_watch",
        Here(r#"{ "watch": true, "ignore_watch": ["data", "logs"] }"#, |s| {
            watch_too(s);
            s.write("data/x", "");
            wait_restarts(s, "other");
            s.write("seen", "");
            wait_restarts(s, "app");
            assert_eq!(record(s, "app")["restart_time"], 1, "what is ignored is no change");
        }),
    ),
    (
        "watch_options",
        Here(r#"{ "watch": true, "watch_options": { "ext": "js" } }"#, |s| {
            watch_too(s);
            s.write("a.txt", "");
            wait_restarts(s, "other");
            s.write("a.js", "");
            wait_restarts(s, "app");
            assert_eq!(record(s, "app")["restart_time"], 1, "another suffix is no change");
        }),
    ),
    (
        "watch_delay",
        Here(r#"{ "watch": true, "watch_delay": 3600000 }"#, |s| {
            watch_too(s);
            s.write("a.txt", "");
            wait_restarts(s, "other");
            assert_eq!(record(s, "app")["restart_time"], 0, "it waits for an hour");
        }),
    ),
    (
        "wait_ready",
        There("fork::who_never_says_ready_is_online_after_its_time_and_the_user_is_told"),
    ),
    (
        "listen_timeout",
        There("fork::who_never_says_ready_is_online_after_its_time_and_the_user_is_told"),
    ),
    ("health", There("liveness::a_process_that_hangs_is_restarted_and_describe_says_why")),
    ("stable_for", There("reload::a_release_that_throws_later_changes_nothing_with_stable_for")),
    (
        "drain_timeout",
        There("dropped::a_reload_says_how_many_connections_were_not_finished_in_time"),
    ),
    ("drain_hook", There("reload_drain::without_the_hook_node_closes_idle_connections_at_once")),
    ("watchdog", There("notified::an_app_that_wants_to_be_restarted_is")),
    ("ready", There("ready_by::an_app_is_up_when_it_writes_a_line_with_the_text")),
    (
        "depends_on",
        There("depending::apps_begin_in_order_also_when_the_daemon_dies_while_they_wait"),
    ),
    (
        "hooks",
        There("hooks::each_command_runs_at_its_moment_as_the_app_does_and_writes_into_its_log"),
    ),
    (
        "secrets",
        There("secrets::secrets_are_read_at_each_start_and_stand_in_no_file_and_no_answer"),
    ),
    ("alerts", There("alerts::an_app_that_is_given_up_is_told_to_each_receiver_in_its_own_shape")),
    ("pmx", There("agent::without_pmx_there_is_no_agent_and_without_automation_it_does_nothing")),
    (
        "automation",
        There("agent::without_pmx_there_is_no_agent_and_without_automation_it_does_nothing"),
    ),
    ("io", Here(r#"{ "io": { "a": 1 } }"#, |s| sees(s, "io", Some(r#"{"a":1}"#)))),
    (
        "balance",
        There(
            "cluster_balance::a_sticky_client_keeps_its_worker_and_a_replacement_keeps_its_clients",
        ),
    ),
    ("idle_stop", There("sleeping::no_request_to_a_sleeping_app_fails")),
    (
        "fds",
        There("cluster_fds::a_descriptor_that_was_configured_is_shared_and_outlives_the_daemon"),
    ),
    (
        "privileged_ports",
        There("cluster_rights::a_low_port_is_only_for_an_app_that_was_granted_it"),
    ),
];

/// A file, from the app's folder on.
fn read(s: &Sandbox, file: &str) -> String {
    let path = match file.strip_prefix("../h/") {
        Some(of_home) => s.home().join(of_home),
        None => s.work().join(file),
    };
    std::fs::read_to_string(path).unwrap_or_default()
}

fn wait_text(s: &Sandbox, file: &str, is_right: fn(&str) -> bool) -> String {
    wait_for(format!("the text of {file}"), SOON, || {
        Some(read(s, file)).filter(|text| is_right(text))
    })
}

/// The app's process has this value of a variable.
fn sees(s: &Sandbox, name: &str, value: Option<&str>) {
    let pid = s.wait_for("a process", SOON, || s.pids_of("app").first().copied());
    assert_eq!(procs::env_of(pid, name).as_deref(), value);
}

/// The rotated logs of the app, the newest first.
fn rotated(s: &Sandbox) -> Vec<String> {
    let entries = std::fs::read_dir(s.home().join("logs")).unwrap().flatten();
    let names = entries.map(|entry| entry.path().display().to_string());
    let mut all: Vec<String> =
        names.filter(|path| path.contains("app-out") && !path.ends_with("app-out.log")).collect();
    all.sort();
    all.reverse();
    all
}

/// Another app whose every file is watched.
fn watch_too(s: &Sandbox) {
    s.ostler(["start", "app.sh", "--name", "other", "--watch"]).run();
    s.wait_status("other", "online", 1, SOON);
}

/// A new folder and the file in it may be two changes.
fn wait_restarts(s: &Sandbox, name: &str) {
    wait_for(format!("a restart of {name}"), SOON, || {
        record(s, name)["restart_time"].as_u64().filter(|count| 0 < *count)
    });
}
