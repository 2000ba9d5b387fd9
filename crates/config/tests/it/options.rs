//! What is typed: every option reaches the specification, and wrong values are refused in the same
//! words as in a file.

use ostler_config::Options;
use ostler_config::attributes::{Takes, attributes};
use ostler_core::spec::{Balance, LogFormat, Probe, Readiness};

use crate::world::{World, options, render_own};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn every_option_arrives() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let given = options(&[
        ("namespace", "shop"),
        ("node-args", "--trace-warnings --require='my file'"),
        ("time", ""),
        ("log-type", "json"),
        ("disable-logs", ""),
        ("merge-logs", ""),
        ("no-autostart", ""),
        ("no-autorestart", ""),
        ("max-restarts", "3"),
        ("min-uptime", "5s"),
        ("restart-delay", "10"),
        ("exp-backoff-restart-delay", "100"),
        ("stop-exit-codes", "0,2"),
        ("stop-exit-codes", "7"),
        ("kill-timeout", "2000"),
        ("kill-signal", "term"),
        ("listen-timeout", "500"),
        ("wait-ready", ""),
        ("shutdown-with-message", ""),
        ("no-treekill", ""),
        ("max-memory-restart", "100M"),
        ("instance-var", "N"),
        ("increment-var", "PORT"),
        ("balance", "sticky"),
        ("health-tcp", "127.0.0.1:3000"),
        ("health-retries", "5"),
        ("stable-for", "750"),
        ("drain-timeout", "9000"),
        ("no-vizion", ""),
    ]);
    let args = Some(vec!["--x".to_owned(), "a b".to_owned()]);
    let options = Options { args, ..given };
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
    assert_eq!(spec.passthrough.get("vizion"), Some("false"));
}

#[test]
fn all_wrong_values_are_said_at_once() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let given = options(&[
        ("kill-timeout", "abc"),
        ("max-memory-restart", "1.5G"),
        ("min-uptime", "50"),
        ("stop-exit-codes", "x"),
        ("instances", "abc"),
        ("interpreter", "nope"),
        ("kill-signal", "nope"),
        ("uid", "www"),
    ]);
    let options = Options { env: some("production"), ..given };
    let report = ostler_config::from_script("a.js", &options, &world.ctx).unwrap_err();
    let (pm2, own) = (world.render(&report), render_own(&report, &world.ctx.cwd));
    let text = format!("{pm2}\nIn our words:\n\n{own}");
    expect_test::expect_file!["bad-options.txt"].assert_eq(&text);
}

/// `--nice 50` ended with 1 and `--nice x` with 2, and some said nothing of what to do.
#[test]
fn whatever_value_an_option_has_that_is_none_it_is_a_misuse_with_a_hint() {
    let mut world = World::new(&["node"]);
    world.file("a.js", "");
    world.ctx.euid = 0;
    let mut said = String::new();
    let flags = attributes().flat_map(|of| of.flags);
    for flag in flags.filter(|flag| flag.takes != Takes::Nothing) {
        let name = flag.long[0];
        // What is looked for on the machine is no matter of how it is written.
        if ["cwd", "interpreter", "env-file", "user", "gid"].contains(&name) {
            continue;
        }
        for value in ["-1", "50", "5000", "99999999", "x y"] {
            let given = options(&[(name, value)]);
            let Err(report) = ostler_config::from_script("a.js", &given, &world.ctx) else {
                continue;
            };
            for of in report.iter().filter(|of| of.is_error()) {
                let hint = of.own_advice().unwrap_or("NONE");
                let misused = if of.is_misuse() { "" } else { "NOT MISUSED " };
                said += &format!("--{name} {value}: {misused}{} / {hint}\n", of.own_message());
            }
        }
    }
    assert!(!said.contains("NOT MISUSED ") && !said.contains(" NONE"), "{said}");
    expect_test::expect_file!["option-values.txt"].assert_eq(&said);
}

#[test]
fn only_root_may_choose_a_user() {
    let mut world = World::new(&["node"]);
    world.file("a.js", "");
    let with = |uid: Option<&str>, gid: Option<&str>| {
        let given = [("uid", uid), ("gid", gid)];
        let given = given.into_iter().filter_map(|(long, value)| Some((long, value?)));
        options(&given.collect::<Vec<_>>())
    };
    assert!(world.refused("a.js", &with(Some("www"), None)).contains("you must be root"));
    world.ctx.euid = 0;
    let ids = |uid, gid| {
        let spec = world.start("a.js", &with(uid, gid));
        (spec.uid, spec.gid, spec.username, spec.env.get("HOME").unwrap().to_owned())
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
