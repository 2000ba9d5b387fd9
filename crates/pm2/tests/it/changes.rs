//! Changes to an app that exists.

use ostler_config::{Options, options_patch};
use ostler_core::spec::ExecMode;
use ostler_pm2::record;

use crate::world::{World, options};
use crate::{CPUS, vars};

#[test]
fn options_at_a_restart_change_only_what_they_name() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let before = world.start("a.js", &options(&[("instances", "2"), ("max-memory-restart", "1G")]));
    let given = options(&[
        ("name", "new"),
        ("kill-timeout", "9"),
        ("max-memory-restart", "100M"),
        ("no-autorestart", ""),
        ("output", "o.log"),
        ("time", ""),
    ]);
    let given = Options { args: Some(vec!["x".to_owned()]), ..given };
    let changed = |given: &Options, world: &World| {
        let patch = options_patch(given, &world.ctx).unwrap();
        record::patch(&before, &patch, CPUS).unwrap()
    };
    let after = changed(&given, &world);
    let mut wanted = before.clone();
    wanted.name = "new".to_owned();
    wanted.policy.stop_grace = 9;
    wanted.policy.autorestart = false;
    wanted.policy.max_memory = Some(100 << 20);
    wanted.args = vec!["x".to_owned()];
    wanted.logs.out = Some(world.ctx.cwd.join("o.log"));
    wanted.logs.date_format = Some("YYYY-MM-DDTHH:mm:ss".to_owned());
    wanted.passthrough.insert("time", "true");
    assert_eq!(after, wanted);

    assert_eq!(options_patch(&Options::default(), &world.ctx).unwrap(), "{}");
    let wrong = options(&[("kill-timeout", "x"), ("kill-signal", "y")]);
    assert_eq!(options_patch(&wrong, &world.ctx).unwrap_err().len(), 2);

    let mut root = world;
    root.ctx.euid = 0;
    let after = changed(&options(&[("uid", "www")]), &root);
    assert_eq!((after.uid, after.gid, after.username.as_str()), (Some(33), Some(34), "www"));
}

#[test]
fn changes_go_over_the_record() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let spec = world.start("a.js", &options(&[("kill-timeout", "9")]));
    let patched = |patch: &str| record::patch(&spec, patch, CPUS).unwrap();
    assert_eq!(patched("{}"), spec);
    assert_eq!(patched(r#"{"kill_timeout":"null"}"#).policy.stop_grace, 1600);
    assert_eq!(patched(r#"{"kill_timeout":null,"listen_timeout":7}"#).policy.verify_timeout, 7);
    assert_eq!(patched(r#"{"exec_mode":"cluster_mode"}"#).exec_mode, ExecMode::Fork);
    assert_eq!(patched(r#"{"env":{}}"#).env, spec.env);
    assert_eq!(patched(r#"{"env":{"A":1}}"#).env, vars([("A", "1")]));
    assert_eq!(
        patched(r#"{"out_file":"/x","node_args":"a 'b c'"}"#).interpreter_args,
        ["a", "b c"]
    );
    assert!(record::patch(&spec, r#"{"kill_timeout":{}}"#, CPUS).is_err());
}
