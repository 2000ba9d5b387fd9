//! Settings of apps and modules: PM2's file, written by us.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Output;

use ostler_pm2::settings::Settings;
use ostler_testkit::runtimes::pm2;
use ostler_testkit::{Sandbox, pty};

use crate::start_e2e::{one, sandbox, wait_log};

const FILE: &str = "module_conf.json";

fn file(s: &Sandbox) -> String {
    fs::read_to_string(s.home().join(FILE)).unwrap()
}

#[test]
fn settings_that_are_set_at_the_same_time_are_all_kept() {
    let s = sandbox();
    let started: Vec<_> = (0..24)
        .map(|number| {
            let mut command = s.command();
            command.args(["set", &format!("app.K{number}"), &number.to_string()]);
            command.spawn().unwrap()
        })
        .collect();
    for mut child in started {
        assert!(child.wait().unwrap().success());
    }
    let settings = Settings::read(&file(&s)).unwrap();
    let of_app = settings.variables("app");
    for number in 0..24 {
        assert_eq!(of_app.get(&format!("K{number}")), Some(&number.to_string()));
    }
    let mode = fs::metadata(s.home().join(FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(s.home()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn an_app_is_restarted_with_its_setting_and_has_it_when_it_is_started_anew() {
    let s = sandbox();
    let text = "console.log('level ' + process.env.LEVEL + ' ' + process.env.app);
        setInterval(() => {}, 1000);";
    let app = s.write("app.js", text);
    s.ostler(["start"]).arg(&app).run();
    wait_log(&s, "app-out.log", "level undefined undefined");
    s.ostler(["set", "app.LEVEL", "debug"]).shows("set app.LEVEL").shows("restarted app").run();
    wait_log(&s, "app-out.log", "level debug {\"LEVEL\":\"debug\"}");
    s.ostler(["delete", "app"]).run();
    s.ostler(["flush"]).run();
    s.ostler(["start"]).arg(&app).env("LEVEL", "of the shell").run();
    wait_log(&s, "app-out.log", "level debug {\"LEVEL\":\"debug\"}");
    s.ostler(["get", "app.LEVEL"]).stdout("debug\n").run();
    // Another app is not touched.
    let pid = one(&s, "app")["pid"].clone();
    s.ostler(["set", "other.LEVEL", "debug"]).stdout("set other.LEVEL\n").run();
    assert_eq!(one(&s, "app")["pid"], pid);
}

#[test]
fn settings_that_are_not_understood_are_refused_and_stay() {
    let s = sandbox();
    fs::create_dir_all(s.home()).unwrap();
    fs::set_permissions(s.home(), fs::Permissions::from_mode(0o700)).unwrap();
    let app = s.write("app.js", "");
    for text in ["{ broken", "[1]"] {
        s.write_executable("home.txt", text);
        fs::write(s.home().join(FILE), text).unwrap();
        for args in [&["set", "a.b", "c"][..], &["get"], &["unset", "a"], &["start", "app.js"]] {
            let ran = s.ostler(args).code(1).run();
            assert!(ran.err.contains("module_conf.json` are not understood"), "{}", ran.err);
            assert!(ran.err.contains("hint: fix the file"), "{}", ran.err);
            assert_eq!(file(&s), text);
        }
    }
    fs::remove_file(s.home().join(FILE)).unwrap();
    symlink(&app, s.home().join(FILE)).unwrap();
    let ran = s.ostler(["set", "a.b", "c"]).code(1).run();
    assert!(ran.err.contains("it is a link, which is not followed here"), "{}", ran.err);
    assert_eq!(fs::read_to_string(app).unwrap(), "");
}

#[test]
fn what_would_be_lost_is_not_overwritten() {
    let s = sandbox();
    s.ostler(["multiset", "app.a 1 app.b 2 alone 3"]).stdout("set app.a, app.b, alone\n").run();
    let before = file(&s);
    for (args, code, says) in [
        (
            &["set", "app", "5"][..],
            1,
            "`app` is an app with settings, which one value would replace",
        ),
        (&["set", "alone.x", "5"], 1, "`alone` is a value, so that there is no `alone.x`"),
        (&["set", "app..x", "5"], 2, "`app..x` is not the name of a setting"),
        (&["set", "app.c"], 2, "`app.c` has no value"),
        (&["multiset", "app.c 1 app.d"], 2, "`app.d` has no value"),
        (&["unset", "app.c"], 1, "there is no setting `app.c`"),
        (&["get", "nothing"], 1, "there is no setting `nothing`"),
    ] {
        let ran = s.ostler(args).code(code).run();
        assert!(ran.err.contains(says), "{args:?}: {}", ran.err);
        assert_eq!(file(&s), before, "{args:?}");
    }
    s.ostler(["conf"]).stdout("alone=3\napp.a=1\napp.b=2\n").run();
    s.ostler(["unset", "app"]).run();
    s.ostler(["conf"]).stdout("alone=3\n").run();
}

#[test]
fn what_the_editor_leaves_is_taken_whole_or_not_at_all() {
    let s = sandbox();
    s.ostler(["set", "app.a", "1"]).run();
    let before = file(&s);
    let bad = s.write_executable("bad", "#!/bin/sh\nprintf '{ no' > \"$1\"\n");
    let edit = |name: &str, editor: &Path| {
        let mut command = s.command();
        command.arg("set").env("EDITOR", "false").env(name, editor);
        pty::in_window(command, 200)
    };
    let ran = edit("EDITOR", &bad);
    assert!(ran.out.contains("is not understood") && file(&s) == before, "{}", ran.out);
    assert_eq!(ran.code, 1);
    let good = s.write_executable("good", "#!/bin/sh\nprintf '{\"b\":{\"c\":2}}' > \"$1\"\n");
    assert_eq!(edit("VISUAL", &good).code, 0);
    s.ostler(["get"]).stdout("b.c=2\n").run();
}

/// Commands that are given to the real PM2 and to ours.
const SCRIPT: [&[&str]; 16] = [
    &["set", "a", "b"],
    &["set", "mod:key", "val"],
    &["set", "mod.k2", "v 2"],
    &["get"],
    &["get", "mod"],
    &["get", "mod:key"],
    &["get", "mod.k2"],
    &["get", "mod:none"],
    &["config", "mod:key", "other"],
    &["config", "mod:key"],
    &["multiset", "mod:key 7 mm:k2 8 top 9"],
    &["set", "app:K", "1"],
    &["unset", "mod:k2"],
    &["unset", "top"],
    &["unset", "mm"],
    &["conf"],
];

#[test]
fn the_same_commands_say_and_write_what_they_do_with_the_real_pm2() {
    let Some(theirs) = pm2() else { return };
    let play = |s: &Sandbox, program: &Path| {
        let app = s.write("app.js", "setInterval(() => {}, 1000)");
        let run = |args: &[&str]| -> Output {
            let mut command = s.command_of(program);
            command.args(args).env("PM2_HOME", s.home()).env("NO_COLOR", "1");
            command.env("PM2_DISABLE_VERSION_CHECK", "1").env("PM2_DISCRETE_MODE", "1");
            command.output().unwrap()
        };
        run(&["ping"]);
        run(&["start", app.to_str().unwrap()]);
        let all = SCRIPT.map(|args| {
            let ran = run(args);
            let out = String::from_utf8_lossy(&ran.stdout).into_owned();
            (args, ran.status.code(), out, file(s))
        });
        run(&["kill"]);
        all
    };
    let (ours, pm2s) = (sandbox(), sandbox());
    let link = ours.work().join("pm2");
    symlink(env!("CARGO_BIN_EXE_ostler"), &link).unwrap();
    for (ours, theirs) in play(&ours, &link).into_iter().zip(play(&pm2s, &theirs)) {
        assert_eq!(ours, theirs);
    }
}
