//! What is typed: every option reaches the specification, and wrong values are refused in the same
//! words as in a file.

use ostler_config::{Options, record};
use ostler_core::spec::{Balance, LogFormat, Probe, Readiness};

use crate::world::World;

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn every_option_arrives() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let options = Options {
        namespace: some("shop"),
        args: Some(vec!["--x".to_owned(), "a b".to_owned()]),
        node_args: some("--trace-warnings --require='my file'"),
        time: true,
        log_type: some("json"),
        disable_logs: true,
        merge_logs: true,
        no_autostart: true,
        no_autorestart: true,
        max_restarts: some("3"),
        min_uptime: some("5s"),
        restart_delay: some("10"),
        exp_backoff_restart_delay: some("100"),
        stop_exit_codes: Some(vec!["0,2".to_owned(), "7".to_owned()]),
        kill_timeout: some("2000"),
        kill_signal: some("term"),
        listen_timeout: some("500"),
        wait_ready: true,
        shutdown_with_message: true,
        no_treekill: true,
        max_memory_restart: some("100M"),
        instance_var: some("N"),
        increment_var: some("PORT"),
        balance: some("sticky"),
        health_tcp: some("127.0.0.1:3000"),
        health_retries: some("5"),
        stable_for: some("750"),
        drain_timeout: some("9000"),
        no_vizion: true,
        ..Options::default()
    };
    let spec = world.start("a.js", &options);
    assert_eq!(
        (spec.namespace.as_str(), spec.args.as_slice()),
        ("shop", ["--x".to_owned(), "a b".to_owned()].as_slice())
    );
    assert_eq!(spec.interpreter_args, ["--trace-warnings", "--require='my file'"]);
    assert_eq!(spec.logs.date_format.as_deref(), Some("YYYY-MM-DDTHH:mm:ss"));
    assert_eq!(
        (spec.logs.format, spec.logs.disabled, spec.logs.merge, spec.autostart),
        (LogFormat::Json, true, true, false)
    );
    let policy = &spec.policy;
    assert_eq!(
        (policy.autorestart, policy.max_unstable, policy.min_uptime, policy.restart_delay),
        (false, 3, 5000, 10)
    );
    assert_eq!(
        (policy.backoff, policy.stop_exit_codes.as_slice()),
        (Some(100), [0, 2, 7].as_slice())
    );
    assert_eq!(
        (policy.stop_grace, policy.stop_signal, policy.ready_timeout, policy.verify_timeout),
        (2000, 15, 500, 500)
    );
    assert_eq!(
        (policy.readiness, policy.stop_by_message, policy.tree_kill),
        (Readiness::Message, true, false)
    );
    assert_eq!(
        (policy.stable_for, policy.drain_timeout, spec.policy.max_memory),
        (750, 9000, Some(104_857_600))
    );
    assert_eq!(
        (spec.instance_var.as_str(), spec.increment_var.as_deref(), spec.balance),
        ("N", Some("PORT"), Balance::Sticky)
    );
    let health = spec.health.unwrap();
    assert_eq!((health.retries, health.interval, health.timeout), (5, 1000, 2000));
    assert_eq!(health.probe, Probe::Tcp { address: "127.0.0.1:3000".to_owned() });
    assert_eq!(spec.passthrough.get("vizion").map(String::as_str), Some("false"));
}

#[test]
fn all_wrong_values_are_said_at_once() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let options = Options {
        kill_timeout: some("abc"),
        max_memory_restart: some("1.5G"),
        min_uptime: some("50"),
        stop_exit_codes: Some(vec!["x".to_owned()]),
        interpreter: some("nope"),
        kill_signal: some("nope"),
        uid: some("www"),
        env: some("production"),
        ..Options::default()
    };
    expect_test::expect![[r#"
        error[too-small]: The minimum of "min_uptime" is 100, but now is 50
          --> command line
          help: write milliseconds from 100 up, or a text such as `"10m"`

        error[wrong-type]: Expect "kill_timeout" to be a typeof [object Number], but now is [object String]
          --> command line
          help: write a number of milliseconds, such as `2000`

        error[wrong-form]: Verify "max_memory_restart" with regex failed, it should be a NUMBER - byte, "[NUMBER]G"(Gigabyte), "[NUMBER]M"(Megabyte) or "[NUMBER]K"(Kilobyte)
          --> command line
          help: write a number of bytes, or a text such as `"100M"`

        error[env-without-file]: Using --env [env] without passing the ecosystem.config.js does not work
          --> command line
          help: put the variables before the command: `NODE_ENV=production ostler start …`

        error[no-interpreter]: Interpreter nope is NOT AVAILABLE in PATH. (type 'which nope' to double check.)
          --> command line
          help: install `nope`, or give its path with `interpreter`

        error[not-root]: To use "uid" you must be root, but you are `jo`
          --> command line
          help: run the daemon as root, or leave "uid" out

        error[wrong-form]: "stop_exit_codes" has `x`, which is not a whole number
          --> command line
          help: write a list of numbers, such as `[0, 2]`

        error[no-signal]: "kill_signal" is `nope`, which is no signal
          --> command line
          help: write a signal's name, such as `"SIGTERM"`
    "#]].assert_eq(&world.refused("a.js", &options));
}

#[test]
fn only_root_may_choose_a_user() {
    let mut world = World::new(&["node"]);
    world.file("a.js", "");
    let with = |uid: Option<&str>, gid: Option<&str>| Options {
        uid: uid.map(str::to_owned),
        gid: gid.map(str::to_owned),
        ..Options::default()
    };
    assert!(world.refused("a.js", &with(Some("www"), None)).contains("you must be root"));
    world.ctx.euid = 0;
    let ids = |uid, gid| {
        let spec = world.start("a.js", &with(uid, gid));
        (spec.uid, spec.gid, spec.username, spec.env.get("HOME").cloned().unwrap())
    };
    assert_eq!(ids(Some("www"), None), (Some(33), Some(34), "www".into(), "/var/www".into()));
    assert_eq!(
        ids(Some("33"), Some("logs")),
        (Some(33), Some(77), "www".into(), "/var/www".into())
    );
    assert_eq!(
        ids(Some("5000"), Some("5000")),
        (Some(5000), Some(5000), "jo".into(), "/home/jo".into())
    );
    assert_eq!(ids(None, Some("web")), (None, Some(34), "jo".into(), "/home/jo".into()));
    assert!(
        world.refused("a.js", &with(Some("nobody"), None)).contains("User nobody cannot be found")
    );
    assert!(world.refused("a.js", &with(Some("5000"), None)).contains("needs a `gid` too"));
    assert!(
        world
            .refused("a.js", &with(None, Some("nogroup")))
            .contains("Group nogroup cannot be found")
    );
}

#[test]
fn options_at_a_restart_change_only_what_they_name() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let before = world.start(
        "a.js",
        &Options { instances: some("2"), max_memory_restart: some("1G"), ..Options::default() },
    );
    let options = Options {
        name: some("new"),
        kill_timeout: some("9"),
        max_memory_restart: some("100M"),
        args: Some(vec!["x".to_owned()]),
        no_autorestart: true,
        out_file: some("o.log"),
        time: true,
        ..Options::default()
    };
    let after =
        record::patch(&before, &record::options_patch(&options, &world.ctx).unwrap()).unwrap();
    let mut wanted = before.clone();
    wanted.name = "new".to_owned();
    wanted.policy.stop_grace = 9;
    wanted.policy.autorestart = false;
    wanted.policy.max_memory = Some(100 << 20);
    wanted.args = vec!["x".to_owned()];
    wanted.logs.out = Some(world.ctx.cwd.join("o.log"));
    wanted.logs.date_format = some("YYYY-MM-DDTHH:mm:ss");
    wanted.passthrough.insert("time".to_owned(), "true".to_owned());
    assert_eq!(after, wanted);

    assert_eq!(record::options_patch(&Options::default(), &world.ctx).unwrap(), "{}");
    let wrong = Options { kill_timeout: some("x"), kill_signal: some("y"), ..Options::default() };
    assert_eq!(record::options_patch(&wrong, &world.ctx).unwrap_err().len(), 2);

    let mut root = world;
    root.ctx.euid = 0;
    let as_www =
        record::options_patch(&Options { uid: some("www"), ..Options::default() }, &root.ctx)
            .unwrap();
    let after = record::patch(&before, &as_www).unwrap();
    assert_eq!((after.uid, after.gid, after.username.as_str()), (Some(33), Some(34), "www"));
}
