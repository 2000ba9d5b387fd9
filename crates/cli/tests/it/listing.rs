//! Commands that only read.

use expect_test::{expect, expect_file};
use serde_json::json;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::fake::{Fake, process, worker};

#[test]
fn a_list_is_one_question_and_a_table() {
    let fake = Fake::with(vec![process(1, "web"), process(0, "app")]);
    let ran = fake.pm2("ls");
    expect_file!["snapshots/list.txt"].assert_eq(&ran.out);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(fake.asked().is_empty());
}

#[test]
fn our_list_in_a_pipe_is_a_line_of_values_for_each_app() {
    let mut worker = process(2, "web");
    worker["phase"] = json!("online");
    worker["since"] = json!(1);
    worker["cluster"] = json!(true);
    worker["listens"] = json!(["*:3000"]);
    let mut app = process(0, "app");
    app["ended"] =
        json!({"at": 1, "asked": false, "how": {"signal": {"name": "SIGSEGV", "core": false}}});
    let fake = Fake::with(vec![app, process(1, "web"), worker, process(3, "db")]);
    let check = |line: &str, rows: &[&str]| {
        let ran = fake.ostler(line);
        let seconds = regex_lite::Regex::new(r"\t\d{9,}\t").unwrap();
        let out = seconds.replace_all(&ran.out, "\tN\t").into_owned();
        assert_eq!((ran.code, out, ran.err.as_str()), (0, rows.concat(), ""), "{line}");
    };
    let app = "app\t0/1\texited\t\t0\t0.0\t0\t\tSIGSEGV\n";
    let web = "web\t1/2\tstopped\t*:3000\t0\t0.0\t0\tN\t\n";
    let db = "db\t0/1\tstopped\t\t0\t0.0\t0\t\t\n";
    check("list", &[app, db, web]);
    check("list --sort id", &[app, web, db]);
    check("list web", &[web]);
    check("list 0 default/db", &[app, db]);
    let one = "web\t1\t4001\tstopped\t\t0\t0.0\t0\t\t\n";
    let two = "web\t2\t4002\tonline\t*:3000\t0\t0.0\t0\tN\t\n";
    check("list web --all", &[one, two]);
    let refused = fake.ostler("list nope");
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.contains("nope"), "{}", refused.err);
    let refused = fake.ostler("list --sort colour");
    assert_eq!((refused.code, refused.out.as_str()), (2, ""));
    assert!(refused.err.contains("cannot sort by `colour`"), "{}", refused.err);
    let nothing = Fake::with(vec![]).ostler("list");
    assert_eq!((nothing.code, nothing.out.as_str()), (0, ""));
    assert!(nothing.err.contains("`ostler start app.js`"), "{}", nothing.err);
}

#[test]
fn our_small_questions_have_answers_for_scripts() {
    let mut running = process(1, "web");
    running["phase"] = json!("online");
    let mut stopped = process(2, "web");
    stopped["pid"] = json!(0);
    let fake = Fake::with(vec![process(0, "app"), running, stopped]);
    let check = |line: &str, code: i32, out: &str| {
        let ran = fake.ostler(line);
        assert_eq!((ran.code, ran.out.as_str()), (code, out), "{line}");
        assert_eq!(code == 0, ran.err.is_empty(), "{line}: {}", ran.err);
    };
    check("id web", 0, "1\n2\n");
    check("id nope", 1, "");
    check("pid", 0, "4000\n4001\n");
    check("pid web", 0, "4001\n");
    check("pid nope", 1, "");
    check(
        "list web --json id,status",
        0,
        "[{\"id\":1,\"status\":\"online\"},\n \
                                           {\"id\":2,\"status\":\"stopped\"}]\n",
    );
    check("list --format {name}:{id}", 0, "app:0\nweb:1\nweb:2\n");
    check("list --json name --format {id}", 2, "");
    let every: serde_json::Value = serde_json::from_str(&fake.ostler("list --json").out).unwrap();
    assert_eq!((&every[1]["id"], &every[1]["status"]), (&1.into(), &"online".into()));
    let nothing = Fake::with(vec![]).ostler("list --json name");
    assert_eq!((nothing.code, nothing.out.as_str(), nothing.err.as_str()), (0, "[]\n", ""));
}

#[test]
fn after_an_action_only_the_fields_that_were_asked_for_are_on_standard_output() {
    let fake = Fake::with(vec![process(0, "app"), worker(1, "web"), worker(2, "web")]);
    let ran = fake.ostler("stop web --format {name}:{id}");
    assert_eq!((ran.code, ran.out.as_str()), (0, "web:1\nweb:2\n"), "{}", ran.err);
    assert!(ran.err.contains("web"), "what was done is told aside: {}", ran.err);
    fake.asked();
    let refused = fake.ostler("stop web --json colour");
    assert_eq!((refused.code, refused.out.as_str()), (2, ""));
    assert!(refused.err.contains("there is no field `colour`"), "{}", refused.err);
    assert!(fake.asked().is_empty(), "nothing is done whose result cannot be told");
}

#[test]
fn a_watched_list_in_a_pipe_is_one_list_after_the_other_without_escapes() {
    let fake = Fake::with(vec![process(0, "app"), process(1, "web")]);
    let lines = |words: &[&str], count: usize| {
        let mut command = fake.command("ostler", words);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let lines: Vec<String> = out.lines().take(count).map(Result::unwrap).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        lines
    };
    let list = lines(&["list", "--watch"], 5);
    assert!(list[0].starts_with("app\t") && list[1].starts_with("web\t"), "{list:?}");
    assert_eq!((list[2].as_str(), &list[3..]), ("", &list[..2]));
    let values = lines(&["list", "--watch", "--format", "{name}"], 4);
    assert_eq!(values, ["app", "web", "app", "web"]);
}

#[test]
fn a_list_as_lines_is_of_the_apps_that_were_named_and_pm2s_is_in_the_order_of_ids() {
    let fake = Fake::with(vec![process(1, "web"), process(0, "zoo"), process(2, "app")]);
    let ran = fake.ostler("list -m web");
    let text = "web\n  id        1\n  instances 0/1\n  status    ○ stopped\n  restarts  0\n  \
                cpu       0%\n  memory    0\n";
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, text, ""));
    assert_eq!(fake.ostler("list -m nope").code, 1);
    let ids = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.strip_prefix("pm2 id : ")).map(str::to_owned).collect()
    };
    assert_eq!(ids(&fake.pm2("list -m").out), ["0", "1", "2"]);
}

#[test]
fn colours_of_our_list_are_for_a_terminal_only() {
    let fake = Fake::with(vec![process(0, "app")]);
    let mut command = fake.command("ostler", ["list"]);
    command.env("PM2_HOME", "/x");
    assert!(!fake.end(command).out.contains('\x1b'));
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
fn pm2_announces_what_it_does_with_an_id_before_it_sees_that_nobody_has_it() {
    let fake = Fake::with(vec![process(0, "app")]);
    let check = |line: &str, out: &str, err: &str| {
        let ran = fake.pm2(line);
        assert_eq!((ran.code, ran.out.as_str()), (1, out), "{line}");
        assert!(ran.err.starts_with(err), "{line}: {}", ran.err);
        assert_eq!(fake.ostler(line).out, "", "{line}");
    };
    let applying =
        |method: &str| format!("[PM2] Applying action {method} on app [99](ids: [ '99' ])\n");
    let update = "Use --update-env to update environment variables\n";
    let unknown = "[PM2][ERROR] 99 : id unknown\n";
    check("stop 99", &applying("stopProcessId"), unknown);
    check("delete 99", &applying("deleteProcessId"), unknown);
    let restart = format!("{update}{}", applying("restartProcessId"));
    check("restart 99", &restart, "[PM2][ERROR] God db process id unknown\n");
    let reload = format!("{update}{}", applying("reloadProcessId"));
    check("reload 99", &reload, "[PM2][ERROR] PM2 ID unknown\n");
    assert!(fake.asked().is_empty());
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
    assert_eq!(fake.pm2("env 0").out, "version: N/A\nB: 2\nA: 1 2\n");
}

#[test]
fn colours_are_asked_for_by_variables() {
    let fake = Fake::with(vec![process(0, "app")]);
    let check = |vars: &[(&str, &str)], args: &[&str], coloured: bool| {
        let mut command = fake.command("pm2", ["list"].iter().chain(args));
        // Where it says the home as well, it is that of the daemon.
        let home = fake.home().to_str().unwrap();
        command.envs(vars.iter().map(|(name, value)| (*name, value.replace("HOME", home))));
        assert_eq!(fake.end(command).out.contains('\x1b'), coloured, "{vars:?} {args:?}");
    };
    check(&[], &[], false);
    check(&[("PM2_HOME", "HOME")], &[], true);
    check(&[("PM2_HOME", "HOME")], &["--no-color"], false);
    check(&[("PM2_HOME", "HOME"), ("NO_COLOR", "1")], &[], false);
    check(&[("PM2_HOME", "HOME"), ("TERM", "dumb")], &[], false);
    check(&[("PM2_HOME", "HOME"), ("FORCE_COLOR", "0")], &[], false);
    check(&[("FORCE_COLOR", "1")], &[], true);
}
