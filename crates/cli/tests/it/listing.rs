//! Commands that only read.

use expect_test::{expect, expect_file};
use serde_json::json;

use crate::fake::{Fake, process};

#[test]
fn a_list_is_one_question_and_a_table() {
    let fake = Fake::with(vec![process(1, "web"), process(0, "app")]);
    let ran = fake.ostler("ls");
    expect_file!["snapshots/list.txt"].assert_eq(&ran.out);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(fake.asked().is_empty());
}

#[test]
fn machine_readable_lists_have_no_line_end_and_no_silence() {
    let fake = Fake::with(vec![]);
    let jlist = r#"[{"pid":7,"name":"app","pm2_env":{"status":"online","args":[]},"pm_id":0}]"#;
    assert_eq!(fake.pm2("jlist").out, jlist);
    assert_eq!(fake.pm2("-s jlist").out, jlist);
    expect![[r#"
        [
          {
            pid: 7,
            name: 'app',
            pm2_env: { status: 'online', args: [] },
            pm_id: 0
          }
        ]"#]]
    .assert_eq(&fake.pm2("prettylist -s").out);
    assert_eq!(fake.pm2("list -s").out, "");
}

#[test]
fn small_questions_have_small_answers() {
    let fake = Fake::with(vec![process(0, "app"), process(1, "web"), process(2, "web")]);
    let check = |line: &str, code: i32, out: &str, err: &str| {
        let ran = fake.pm2(line);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (code, out, err), "{line}");
    };
    check("id web", 0, "[ 1, 2 ]\n", "");
    check("id nope", 0, "[]\n", "");
    check("pid", 0, "4000\n4001\n4002\n", "");
    check("pid web", 0, "4001\n4002\n", "");
    check("pid nope", 0, "\n", "");
    check("ping", 0, "{ msg: 'pong' }\n", "");
    check(
        "env 9",
        1,
        "",
        "[PM2][ERROR] Modules with id 9 not found\nhint: `pm2 list` shows the ids\n",
    );
    check("describe nope", 1, "", "[PM2][WARN] nope doesn't exist\n");
    check("--version", 0, "7.0.4\n", "");
    assert_eq!(fake.ostler("-v").out, format!("ostler {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_environment_is_lines() {
    let fake = Fake::saying(
        vec![process(0, "app")],
        Box::new(|request| {
            let vars = json!({"env": {"vars": [["B", "2"], ["A", "1 2"]]}});
            (request["env"]["id"] == 0)
                .then(|| vec![(ostler_wire::control::FrameKind::Reply, vars)])
        }),
    );
    assert_eq!(fake.pm2("env 0").out, "B: 2\nA: 1 2\n");
}

#[test]
fn colours_are_asked_for_by_variables() {
    let fake = Fake::with(vec![process(0, "app")]);
    let check = |vars: &[(&str, &str)], args: &[&str], coloured: bool| {
        let mut command = fake.command("pm2", ["list"].iter().chain(args));
        command.envs(vars.iter().copied());
        assert_eq!(fake.end(command).out.contains('\x1b'), coloured, "{vars:?} {args:?}");
    };
    check(&[], &[], false);
    check(&[("PM2_HOME", "/x")], &[], true);
    check(&[("PM2_HOME", "/x")], &["--no-color"], false);
    check(&[("PM2_HOME", "/x"), ("NO_COLOR", "1")], &[], false);
    check(&[("PM2_HOME", "/x"), ("TERM", "dumb")], &[], false);
    check(&[("PM2_HOME", "/x"), ("FORCE_COLOR", "0")], &[], false);
    check(&[("FORCE_COLOR", "1")], &[], true);
}
