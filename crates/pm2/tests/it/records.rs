//! Records: what is written is read back, and what PM2 wrote is understood.

use std::collections::BTreeMap;
use std::path::Path;

use ostler_core::spec::{
    Address, AppSpec, Balance, ExecMode, Health, LogCompress, LogFormat, LogFull, LogRotate,
    LogRotation, LogRule, LogSink, LogSpec, Policy, Probe, Readiness, RuleAction, SinkTarget,
    SyslogAddress,
};
use ostler_pm2::record;
use proptest::prelude::*;

use crate::CPUS;
use crate::vars;
use crate::world::{World, options};

/// A dump written by PM2 7.0.4.
const DUMP: &str = include_str!("dump-7.0.4.json");

fn pm2_apps() -> Vec<AppSpec> {
    let records: Vec<serde_json::Value> = serde_json::from_str(DUMP).unwrap();
    records.iter().map(|record| record::from_record(&record.to_string(), CPUS).unwrap()).collect()
}

#[test]
fn a_dump_by_pm2_is_understood() {
    let apps = pm2_apps();
    let names: Vec<&str> = apps.iter().map(|app| app.name.as_str()).collect();
    expect_test::expect![[r#"["web", "my worker", "web", "idle-7", "cli-app", "cli-app"]"#]]
        .assert_eq(&format!("{names:?}"));
    let web = &apps[0];
    assert_eq!(
        (web.exec_mode, web.instances, web.version.as_deref()),
        (ExecMode::Cluster, 1, Some("3.2.1"))
    );
    assert_eq!(web.logs.out.as_deref(), Some(Path::new("/tmp/fix/home/logs/web-out.log")));
    assert_eq!(web.pid_file, Path::new("/tmp/fix/home/pids/web.pid"));
    assert_eq!((web.policy.max_memory, web.policy.stop_grace), (Some(200 << 20), 3000));
    assert_eq!(web.env.get("LIMITS"), Some("{\"a\":1}"));
    assert!(!web.env.contains("web") && !web.env.contains("status"));

    let worker = apps.iter().find(|app| app.name == "my worker").unwrap();
    assert_eq!(worker.args, ["--queue", "a b"]);
    assert_eq!(worker.interpreter_args, ["--trace-warnings"]);
    assert_eq!(
        (worker.policy.stop_exit_codes.as_slice(), worker.policy.min_uptime),
        ([0, 2].as_slice(), 5000)
    );
    assert_eq!((worker.policy.readiness, worker.policy.ready_timeout), (Readiness::Message, 200));
    assert_eq!((worker.policy.backoff, worker.logs.format), (Some(100), LogFormat::Json));

    let idle = apps.iter().find(|app| app.name == "idle-7").unwrap();
    assert_eq!((idle.interpreter.as_deref(), idle.policy.autorestart), (None, false));
    assert_eq!(idle.args, ["-c", "sleep 1000"]);
    // PM2 itself took the `-7` of the name for an id: its file was `idle-3.pid`.
    assert_eq!(idle.pid_file, Path::new("/tmp/fix/home/pids/idle.pid"));
    assert_eq!(idle.logs.out.as_deref(), Some(Path::new("/tmp/fix/home/logs/idle-7-out.log")));
}

#[test]
fn what_pm2_wrote_survives_being_written_again() {
    for app in pm2_apps() {
        assert_eq!(record::from_record(&record::to_record(&app), CPUS).unwrap(), app);
    }
}

#[test]
fn the_record_has_pm2s_keys() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let mut spec = world.start("a.js", &options(&[("instances", "2")]));
    spec.env = vars([("A", "1")]);
    let root = world.ctx.home.parent().unwrap().to_str().unwrap().to_owned();
    let json: serde_json::Value = serde_json::from_str(&record::to_record(&spec)).unwrap();
    expect_test::expect![[r#"
        {
          "ostler_record": 1,
          "name": "a",
          "namespace": "default",
          "args": [],
          "node_args": [],
          "pm_exec_path": "$ROOT/app/a.js",
          "pm_cwd": "$ROOT/app",
          "exec_interpreter": "node",
          "exec_mode": "cluster_mode",
          "instances": 2,
          "pm_pid_path": "$ROOT/home/pids/a.pid",
          "env": {
            "A": "1"
          },
          "instance_var": "NODE_APP_INSTANCE",
          "username": "jo",
          "autostart": true,
          "instances_given": true,
          "pm_out_log_path": "$ROOT/home/logs/a-out.log",
          "pm_err_log_path": "$ROOT/home/logs/a-error.log",
          "merge_logs": false,
          "autorestart": true,
          "treekill": true,
          "automation": true,
          "filter_env": [],
          "kill_retry_time": 100,
          "km_link": false,
          "pmx": true,
          "vizion": true,
          "watch": false,
          "windowsHide": true
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&json).unwrap().replace(&root, "$ROOT"));
}

#[test]
fn a_bad_record_is_refused_with_all_its_faults() {
    let said = |text: &str| {
        let report = record::from_record(text, CPUS).unwrap_err();
        report.into_iter().map(|diagnostic| diagnostic.message).collect::<Vec<_>>().join("\n")
    };
    expect_test::expect![[r#"
        this record has version 2, and only 1 is known
        "args" must be a list of texts, but is `5`
        "exec_mode" must be `fork_mode` or `cluster_mode`, but is `"x"`
        `instances` is 1000000000, above the most that one app may have, 4096
        "env" must be an object, but is `"A=1"`
        "uid" must be a number from 0 up, but is `"www"`
        "stop_exit_codes" must be a list of whole numbers, but is `["x"]`
        "treekill" must be true or false, but is `1`
        "kill_timeout" must be a number from 0 up, but is `-1`
        "kill_signal" must be a signal, but is `"x"`
        `health` does not say what to ask
        "balance" must be `round-robin`, `sticky` or `shared`, but is `"x"`
        "pm_exec_path" is `a.js`, which is not absolute"#]]
    .assert_eq(&said(
        r#"{"pm_exec_path":"a.js","exec_mode":"x","args":5,"kill_timeout":-1,"uid":"www",
            "env":"A=1","instances":1e9,"treekill":1,"kill_signal":"x","balance":"x",
            "stop_exit_codes":["x"],"health":{},"ostler_record":2}"#,
    ));
    assert!(said("[]").contains("must be an object") && said("{").contains("must be JSON"));
    assert!(said("{}").contains("\"pm_exec_path\" is missing"));
}

fn text() -> impl Strategy<Value = String> {
    "[ -~é漢]{1,12}".prop_filter("the word that clears", |text| text != "null" && text != "none")
}

prop_compose! {
    fn rotation()(
        rotate in prop::option::of(prop::sample::select(vec![
            LogRotate::Never,
            LogRotate::Size,
            LogRotate::Hourly,
            LogRotate::Daily,
            LogRotate::Weekly,
            LogRotate::Monthly,
        ])),
        cron in prop::option::of(prop::sample::select(vec!["0 */6 * * *", "@daily"])),
        sizes in prop::array::uniform3(prop::option::of(1u64..1 << 50)),
        keep in prop::option::of(0u64..99),
        compress in prop::option::of(prop::sample::select(vec![
            LogCompress::No,
            LogCompress::Gzip,
            LogCompress::Zstd,
        ])),
    ) -> LogRotation {
        let [max_size, keep_days, keep_size] = sizes;
        let cron = cron.map(str::to_owned);
        LogRotation { rotate, cron, max_size, keep, keep_days, keep_size, compress }
    }
}

prop_compose! {
    /// Rules with names of their own.
    fn rules()(
        level in prop::option::of(prop::sample::select(&LogSink::LEVELS[..])),
        every in 1000u64..1 << 50,
        actions in 0..3_usize,
        count in 0..3_usize,
    ) -> Vec<LogRule> {
        let rule = |number: usize| LogRule {
            name: format!("rule {number}"),
            pattern: Some(format!("line {number}")),
            level: level.map(str::to_owned),
            then: RuleAction::ALL.into_iter().take(actions).collect(),
            every,
        };
        (0..count).map(rule).collect()
    }
}

prop_compose! {
    /// One of each kind at most, in their order.
    fn sinks()(
        facility in 0u8..24,
        level in prop::option::of(prop::sample::select(&LogSink::LEVELS[..])),
        kinds: [bool; 2],
        header in "[a-z ]{0,9}",
    ) -> Vec<LogSink> {
        let level = level.map(str::to_owned);
        let address = SyslogAddress::Udp("h:514".to_owned());
        let syslog = SinkTarget::Syslog { address, facility };
        let (url, headers) = ("http://h/x".to_owned(), vec![("X-A".to_owned(), header)]);
        let otlp = SinkTarget::Otlp { url, headers };
        let all = [(syslog, level), (otlp, None)];
        let all = all.map(|(target, level)| LogSink { target, level });
        all.into_iter().zip(kinds).filter(|(_, is_there)| *is_there).map(|(sink, _)| sink).collect()
    }
}

prop_compose! {
    fn logs()(
        paths in prop::array::uniform3(prop::option::of("/[a-z-]{1,9}(-[0-9])?\\.log")),
        flags: [bool; 4],
        format in prop::option::of(text()),
        rotation in rotation(),
        sinks in sinks(),
        rules in rules(),
    ) -> LogSpec {
        let [out, err, combined] = paths.map(|path| path.map(Into::into));
        LogSpec {
            out,
            err,
            combined,
            merge: flags[0],
            disabled: flags[1],
            format: if flags[2] { LogFormat::Json } else { LogFormat::Raw },
            date_format: format.filter(|format| format != "false"),
            full: if flags[3] { LogFull::Block } else { LogFull::DropOldest },
            buffer: flags[0].then(|| u64::from(flags[1]) * 5000),
            rotation,
            sinks,
            rules,
        }
    }
}

prop_compose! {
    fn policy()(
        codes in prop::collection::vec(any::<i32>(), 0..4),
        times in prop::array::uniform7(0u64..1 << 50),
        backoff in prop::option::of(1u64..99),
        signal in 1i32..64,
        flags: [bool; 7],
        max in any::<u32>(),
        budget in prop::option::of(0u64..1 << 50),
    ) -> Policy {
        let usual = Policy::default();
        let mut policy = Policy {
            autorestart: flags[0],
            stop_exit_codes: codes,
            max_unstable: max,
            min_uptime: times[0],
            restart_delay: times[1],
            backoff,
            stop_signal: signal,
            stop_by_message: flags[1],
            stop_grace: times[2],
            tree_kill: flags[2],
            readiness: if flags[3] { Readiness::Message } else { Readiness::Started },
            ready_timeout: if flags[4] { usual.ready_timeout } else { times[3] },
            stable_for: times[4],
            verify_timeout: if flags[5] { usual.verify_timeout } else { times[5] },
            health_budget: budget,
            drain_timeout: times[6],
            ..usual
        };
        policy.drain_hook = flags[6];
        policy
    }
}

fn health() -> impl Strategy<Value = Option<Health>> {
    let probe = prop_oneof![
        "[a-z]{1,5}".prop_map(|host| Probe::Http { url: format!("http://{host}/") }),
        (1u16..).prop_map(|port| Probe::Tcp { address: format!("localhost:{port}") }),
        "[a-z]{1,5}".prop_map(|command| Probe::Exec { command }),
    ];
    prop::option::of((probe, 1u64..99_999, 1u64..99_999, 1u32..99).prop_map(
        |(probe, interval, timeout, retries)| Health {
            probe,
            interval,
            timeout,
            retries,
            restart_after: (retries % 2 == 0).then_some(retries + 1),
            grace: if retries % 2 == 0 { interval } else { 10_000 },
        },
    ))
}

fn fds() -> impl Strategy<Value = BTreeMap<u32, Address>> {
    let host = prop::option::of(any::<std::net::IpAddr>());
    let tcp = (host, any::<u16>()).prop_map(|(host, port)| Address::Tcp { host, port });
    let path = "/[a-z/]{1,20}".prop_map(|path| Address::Unix(path.into()));
    prop::collection::btree_map(any::<u32>(), prop_oneof![tcp, path], 0..3)
}

prop_compose! {
    fn spec()(
        texts in prop::array::uniform6(text()),
        lists in prop::array::uniform2(prop::collection::vec(".*", 0..3)),
        increment_var in prop::option::of(text()),
        version in prop::option::of(text()),
        interpreter in prop::option::of("[a-z/]{5,9}"),
        max_memory in prop::option::of(1u64..1 << 50),
        env in prop::collection::btree_map(".{1,5}", ".*", 0..4),
        ids: (Option<u32>, Option<u32>),
        flags: [bool; 3],
        instances in 1u32..=4096,
        (logs, policy, health, fds) in (logs(), policy(), health(), fds()),
        privileged_ports in prop::collection::btree_set(1_u16.., 0..3),
        balance in prop::sample::select(vec![
            Balance::RoundRobin, Balance::Sticky, Balance::Shared,
        ]),
    ) -> AppSpec {
        let policy = Policy { max_memory, ..policy };
        let [name, namespace, instance_var, username, file, script] = texts;
        let [args, interpreter_args] = lists;
        let watch = ("watch", "[\"a\",{\"b\":1.5}]");
        AppSpec {
            name,
            namespace,
            args,
            interpreter: interpreter.filter(|program| program != "none"),
            interpreter_args,
            exec_mode: if flags[0] { ExecMode::Fork } else { ExecMode::Cluster },
            instances,
            instances_given: flags[1],
            env: env.into(),
            instance_var,
            increment_var,
            logs,
            pid_file: format!("/pids/{file}-3.pid").into(),
            uid: ids.0,
            gid: ids.1,
            username,
            autostart: flags[2],
            policy,
            balance,
            fds,
            privileged_ports,
            health,
            version: version.filter(|version| version != "N/A"),
            passthrough: vars([("vizion", "true"), watch, ("filter_env", "[]")]),
            ..AppSpec::new(format!("/{script}").into(), "/x".into())
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(spec in spec()) {
        prop_assert_eq!(record::from_record(&record::to_record(&spec), CPUS).unwrap(), spec);
    }
}
