//! Every command of the first round against the real daemon: what it does to the list, and
//! what it prints.

use std::fs;
use std::os::unix::fs::symlink;

use ostler_testkit::{Sandbox, Victim, procs};
use serde_json::Value;

use crate::start_e2e::{SOON, one, sandbox, start_sh, untimed, wait_log, wait_one};

const SLEEP: &str = "echo up $NODE_APP_INSTANCE $1\nexec sleep 1000000";

/// Names, in the order of the list.
fn names(sandbox: &Sandbox) -> Vec<String> {
    sandbox.jlist().iter().map(|process| process["name"].as_str().unwrap().to_owned()).collect()
}

/// `[name, status]` of each.
fn states(sandbox: &Sandbox) -> Vec<String> {
    let word = |process: &Value| {
        format!(
            "{} {}",
            process["name"].as_str().unwrap(),
            process["pm2_env"]["status"].as_str().unwrap()
        )
    };
    sandbox.jlist().iter().map(word).collect()
}

/// Instance numbers, in the order of the list.
fn instances(sandbox: &Sandbox) -> Vec<u64> {
    sandbox
        .jlist()
        .iter()
        .map(|process| process["pm2_env"]["NODE_APP_INSTANCE"].as_u64().unwrap())
        .collect()
}

#[test]
fn a_word_may_be_a_name_a_script_a_namespace_an_id_an_expression_or_all() {
    let sandbox = sandbox();
    start_sh(&sandbox, "web", SLEEP, &["--namespace", "front"]);
    start_sh(&sandbox, "api-1", SLEEP, &["--namespace", "back"]);
    start_sh(&sandbox, "api-2", SLEEP, &["--namespace", "back"]);
    start_sh(&sandbox, "script", SLEEP, &["--name", "other"]);
    let all = ["web", "api-1", "api-2", "other"];
    let check = |word: &str, said: &str, stopped: &[&str]| {
        let out = sandbox.ostler(["stop", word]).run().out;
        assert_eq!(untimed(&out), format!("stopped {said} in TIME\n"), "{word}");
        let expected: Vec<String> = all
            .iter()
            .map(|name| {
                format!("{name} {}", if stopped.contains(name) { "stopped" } else { "online" })
            })
            .collect();
        assert_eq!(states(&sandbox), expected, "{word}");
        sandbox.ostler(["start", "all"]).shows(format!("started {said}")).run();
    };
    check("web", "web 1/1", &["web"]);
    check("script.sh", "other 1/1", &["other"]);
    check("back", "api-1 1/1, api-2 1/1", &["api-1", "api-2"]);
    check("2", "api-2 1/1", &["api-2"]);
    check("/^api/", "api-1 1/1, api-2 1/1", &["api-1", "api-2"]);
    check("all", "web 1/1, api-1 1/1, api-2 1/1, other 1/1", &all);
    let err = sandbox.ostler(["stop", "nope"]).code(1).run().err;
    assert!(err.starts_with("error: no app has the name or namespace `nope`\nhint: "), "{err}");
    sandbox.ostler(["delete", "back", "0"]).run();
    assert_eq!(states(&sandbox), ["other online"]);
}

#[test]
fn options_of_a_restart_are_merged_and_kept() {
    let sandbox = sandbox();
    start_sh(
        &sandbox,
        "app",
        "echo \"up $FROM $1\"\nexec sleep 1000000",
        &["--kill-timeout", "5000", "--", "one"],
    );
    wait_log(&sandbox, "app-out.log", "up  one");
    let unique = one(&sandbox, "app")["pm2_env"]["unique_id"].clone();
    sandbox.ostler(["restart", "app"]).env("FROM", "shell").run();
    sandbox
        .wait_file("logs/app-out.log", SOON, |text| (text == "up  one\nup  one\n").then_some(()));
    sandbox
        .ostler(["restart", "app", "--update-env", "--restart-delay", "7", "--", "two"])
        .env("FROM", "shell")
        .run();
    wait_log(&sandbox, "app-out.log", "up shell two");
    sandbox.ostler(["restart", "app", "--name", "new"]).run();
    let process = wait_one(&sandbox, "new", "online");
    let env = &process["pm2_env"];
    assert_eq!(
        (&env["kill_timeout"], &env["restart_delay"], &env["FROM"]),
        (&5000.into(), &7.into(), &"shell".into())
    );
    assert_eq!((&env["restart_time"], &env["unique_id"]), (&3.into(), &unique));
    // The files keep their names.
    sandbox.wait_file("logs/app-out.log", SOON, |text| {
        (text.matches("up shell two").count() == 2).then_some(())
    });
    assert_eq!(names(&sandbox), ["new"]);
    sandbox.ostler(["stop", "new"]).run();
}

#[test]
fn starting_twice_is_refused_or_forced_and_a_stopped_one_is_started_again() {
    let sandbox = sandbox();
    start_sh(&sandbox, "app", SLEEP, &[]);
    let err = sandbox.ostler(["start", "app.sh"]).code(1).run().err;
    assert!(err.starts_with("error: `app` runs already\nhint: `ostler restart app`"), "{err}");
    sandbox.ostler(["start", "app.sh", "-f"]).run();
    assert_eq!(states(&sandbox), ["app online", "app online"]);
    sandbox.ostler(["stop", "1"]).run();
    sandbox.ostler(["delete", "0"]).run();
    sandbox.ostler(["start", "app.sh"]).shows("started app 1/1 in ").run();
    assert_eq!(states(&sandbox), ["app online"]);
    sandbox.ostler(["delete", "all"]).run();
    // Numbers begin again.
    start_sh(&sandbox, "app", SLEEP, &[]);
    assert_eq!(one(&sandbox, "app")["pm_id"], 0);
}

#[test]
fn scale_adds_and_takes_away_and_numbers_are_used_again() {
    let sandbox = sandbox();
    sandbox.write("app.sh", SLEEP);
    sandbox.ostler(["start", "app.sh", "-i", "2"]).run();
    assert_eq!(instances(&sandbox), [0, 1], "fork mode, two processes");
    let out = sandbox.ostler(["scale", "app", "4"]).run().out;
    assert_eq!(untimed(&out), "scaled app from 2 to 4 in TIME\n");
    assert_eq!(instances(&sandbox), [0, 1, 2, 3]);
    sandbox.ostler(["delete", "1"]).run();
    assert_eq!(instances(&sandbox), [0, 2, 3]);
    sandbox.ostler(["scale", "app", "+2"]).run();
    assert_eq!(instances(&sandbox), [0, 2, 3, 1, 4], "the free number first");
    let out = sandbox.ostler(["scale", "app", "-3"]).run().out;
    assert_eq!(untimed(&out), "scaled app from 5 to 2 in TIME\n");
    assert_eq!(instances(&sandbox), [0, 2], "the newest go first");
    assert_eq!(states(&sandbox), ["app online", "app online"]);
    let said = sandbox.ostler(["scale", "app", "2"]).run();
    let says = "nothing to do: `app` has 2 processes already\n";
    assert_eq!((said.err.as_str(), said.out.as_str()), (says, ""), "a script may say it again");
    let said = sandbox.ostler(["scale", "app", "+0"]).run();
    assert_eq!((said.err.as_str(), said.out.as_str()), (says, ""), "one may have worked it out");
    let err = sandbox.ostler(["scale", "nope", "2"]).code(1).run().err;
    assert!(err.starts_with("error: no app has the name `nope`\n"), "{err}");
}

/// It said `scaled`, and one of two processes was not there.
#[test]
fn a_scale_says_which_processes_stay_stopped() {
    let sandbox = sandbox();
    start_sh(&sandbox, "app", SLEEP, &[]);
    sandbox.ostler(["stop", "app"]).run();
    let hint = "hint: `ostler start app` starts it\n";
    let warning = format!("warning: process 0 of `app` is not running, and stays so\n{hint}");
    let said = sandbox.ostler(["scale", "app", "3"]).run();
    assert_eq!(
        (untimed(&said.out).as_str(), &said.err),
        ("scaled app from 1 to 3 in TIME\n", &warning)
    );
    let said = sandbox.ostler(["scale", "app", "3"]).run();
    assert!(said.err.ends_with(&warning), "{}", said.err);
    sandbox.ostler(["stop", "1"]).run();
    let said = sandbox.ostler(["scale", "app", "2"]).run();
    let both = "warning: processes 0, 1 of `app` are not running, and stay so\n\
                hint: `ostler start app` starts them\n";
    assert_eq!(said.err, both);
    sandbox.ostler(["start", "app"]).run();
    assert_eq!(sandbox.ostler(["scale", "app", "3"]).run().err, "");
}

#[test]
fn a_cluster_scales_and_each_worker_knows_its_number() {
    let mut sandbox = sandbox();
    sandbox.set_env("PORT", sandbox.port().to_string());
    let script = sandbox.victim("web", Victim::Http);
    sandbox.ostler(["start"]).arg(script).args(["-i", "1"]).run();
    sandbox.ostler(["scale", "web", "+1"]).run();
    assert_eq!(states(&sandbox), ["web online", "web online"]);
    assert_eq!(instances(&sandbox), [0, 1]);
    for id in 0..2 {
        wait_log(&sandbox, &format!("web-out-{id}.log"), "up");
    }
    let second = sandbox.pids_of("web")[1];
    assert_eq!(procs::env_of(second, "NODE_APP_INSTANCE").as_deref(), Some("1"));
}

#[test]
fn the_list_is_saved_and_brought_back() {
    let sandbox = sandbox();
    start_sh(&sandbox, "one", "echo \"up $MINE $1\"\nexec sleep 1000000", &["--", "arg"]);
    sandbox.write("two.sh", SLEEP);
    sandbox
        .ostler(["start", "two.sh", "-i", "2", "--namespace", "space", "--max-restarts", "3"])
        .env("MINE", "x")
        .run();
    start_sh(&sandbox, "off", SLEEP, &[]);
    sandbox.ostler(["stop", "off"]).run();
    sandbox.ostler(["delete", "1"]).run();
    let before: Vec<Value> = sandbox.jlist();
    let out = sandbox.ostler(["save"]).run().out;
    assert_eq!(out, "saved 3 apps to [ROOT]/h/dump.pm2\n");
    sandbox.ostler(["kill"]).run();
    let out = sandbox.ostler(["resurrect"]).run().out;
    let said = "resurrected 3 apps (3 processes) from [ROOT]/h/dump.pm2 in TIME\n";
    assert_eq!(untimed(&out), said);
    assert_eq!(states(&sandbox), ["one online", "two online", "off stopped"]);
    let after = sandbox.jlist();
    for (old, new) in before.iter().zip(&after) {
        for key in [
            "name",
            "namespace",
            "MINE",
            "args",
            "pm_exec_path",
            "exec_mode",
            "NODE_APP_INSTANCE",
            "max_restarts",
            "pm_cwd",
            "exec_interpreter",
        ] {
            assert_eq!(old["pm2_env"][key], new["pm2_env"][key], "{key} of {}", old["name"]);
        }
    }
    assert_eq!(after[1]["pm2_env"]["NODE_APP_INSTANCE"], 1);
    sandbox.wait_file("logs/one-out.log", SOON, |text| {
        (text.matches("up  arg\n").count() == 2).then_some(())
    });
    // What runs is not started twice.
    sandbox.ostler(["resurrect"]).run();
    assert_eq!(after.len(), sandbox.jlist().len());
    sandbox.ostler(["cleardump"]).run();
    assert_eq!(fs::read_to_string(sandbox.file("dump.pm2")).unwrap().trim(), "[]");
    sandbox.ostler(["delete", "all"]).run();
    let err = sandbox.ostler(["save"]).run().err;
    assert!(err.contains("hint: `ostler save --force`"), "{err}");
    sandbox.ostler(["resurrect"]).run();
    assert_eq!(sandbox.jlist(), Vec::<Value>::new());
}

#[test]
fn a_dump_that_is_not_understood_is_set_aside_and_the_one_before_is_used() {
    let sandbox = sandbox();
    start_sh(&sandbox, "app", SLEEP, &[]);
    sandbox.ostler(["save"]).run();
    sandbox.ostler(["save"]).run();
    sandbox.ostler(["kill"]).run();
    fs::write(sandbox.file("dump.pm2"), "[{\"name\": tr").unwrap();
    sandbox.ostler(["resurrect"]).shows("is not understood").shows("moved to").run();
    assert_eq!(states(&sandbox), ["app online"]);
    let aside = fs::read_dir(sandbox.home())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(aside.filter(|name| name.starts_with("dump.pm2.bad-")).count(), 1);
}

#[test]
fn a_dump_of_pm2_itself_is_read() {
    let pm2 =
        ostler_testkit::runtimes::pm2().expect("pm2 is installed\nhint: run `cargo xtask setup`");
    let sandbox = sandbox();
    sandbox.write("one.sh", "echo up $KEPT $1\nexec sleep 1000000");
    let port = sandbox.port().to_string();
    let web = sandbox.victim("web", Victim::Http);
    let theirs = sandbox.root().join("p");
    let run = |args: &[&str]| {
        let mut command = sandbox.command_of(&pm2);
        command
            .env("PM2_HOME", &theirs)
            .env_remove("OSTLER_HOME")
            .env("KEPT", "kept")
            .env("PORT", &port)
            .args(args);
        let output = ostler_testkit::run::finish(command, &[], std::time::Duration::from_secs(60));
        assert_eq!(output.code, 0, "pm2 {args:?}: {}{}", output.out, output.err);
    };
    run(&["start", "one.sh", "--namespace", "space", "--restart-delay", "77", "--", "arg"]);
    run(&["start", web.to_str().unwrap(), "-i", "2", "--kill-timeout", "999"]);
    run(&["save"]);
    run(&["kill"]);
    fs::copy(theirs.join("dump.pm2"), sandbox.file("dump.pm2")).unwrap();
    sandbox.ostler(["resurrect"]).run();
    assert_eq!(states(&sandbox), ["one online", "web online", "web online"]);
    let list = sandbox.jlist();
    assert_eq!(
        (&list[0]["pm2_env"]["restart_delay"], &list[0]["pm2_env"]["namespace"]),
        (&77.into(), &"space".into())
    );
    assert_eq!(
        (&list[1]["pm2_env"]["kill_timeout"], &list[1]["pm2_env"]["exec_mode"]),
        (&999.into(), &"cluster_mode".into())
    );
    assert_eq!(instances(&sandbox), [0, 0, 1]);
    // Log files stay where PM2 had them.
    sandbox.wait_file(theirs.join("logs/one-out.log"), SOON, |text| {
        (text == "up kept arg\nup kept arg\n").then_some(())
    });
    let answer = sandbox.wait_for("an answer", SOON, || {
        std::net::TcpStream::connect(("127.0.0.1", port.parse::<u16>().unwrap())).ok()?;
        Some(crate::start_e2e::get(port.parse().unwrap()))
    });
    assert!(answer.starts_with("hello from"), "{answer}");
}

#[test]
fn questions_are_answered() {
    let sandbox = sandbox();
    start_sh(&sandbox, "app", SLEEP, &["--max-memory-restart", "100M", "--", "x"]);
    let pid = sandbox.pids_of("app")[0];
    assert_eq!(sandbox.run(&["pid"]).success().out, format!("{pid}\n"));
    assert_eq!(sandbox.run(&["pid", "app"]).success().out, format!("{pid}\n"));
    assert_eq!(sandbox.ostler(["pid", "nope"]).code(1).run().out, "");
    assert_eq!(sandbox.run(&["id", "app"]).success().out, "0\n");
    let ping = sandbox.run(&["ping"]).success().out;
    assert!(ping.starts_with("daemon ") && ping.contains(" answers, pid "), "{ping}");
    let jlist = sandbox.run(&["jlist"]).success().out;
    assert!(jlist.starts_with("[{") && jlist.ends_with("}]"), "no line feed at the end: {jlist}");
    let pretty = sandbox.run(&["prettylist"]).success().out;
    assert!(
        pretty.contains("name: 'app'")
            && pretty.contains("status: 'online'")
            && pretty.ends_with(']'),
        "{pretty}"
    );
    let env = sandbox.run(&["env", "0"]).success().out;
    for line in ["name=app\n", "pm_id=0\n", "NODE_APP_INSTANCE=0\n"] {
        assert!(env.contains(line), "{line} is not in {env}");
    }
    let described = sandbox.run(&["describe", "app"]).success().out;
    for row in [
        ("status", "online"),
        ("name", "app"),
        ("arguments", "x"),
        ("interpreter", "bash"),
        ("mode", "fork"),
        ("restarts", "0"),
        ("why", "it has been online for"),
    ] {
        let line = format!("{}: {}", row.0, row.1);
        assert!(described.lines().any(|of| of.starts_with(&line)), "{row:?} is not in {described}");
    }
    for (args, err) in [
        (&["describe", "nope"][..], "error: no app has the name or namespace `nope`\n"),
        (&["env", "9"], "error: no process has the id `9`\n"),
        (&["reset", "nope"], "error: no app has the name or namespace `nope`\n"),
        (&["reset", "9"], "error: no process has the id `9`\n"),
        (&["restart", "nope"], "error: no app has the name or namespace `nope`\n"),
    ] {
        let said = sandbox.run(args);
        assert_eq!(said.code, 1, "{args:?}");
        assert!(said.err.starts_with(err), "{args:?}: {}", said.err);
    }
}

#[test]
fn under_the_name_pm2_it_is_pm2() {
    let mut sandbox = sandbox();
    sandbox.remove_env("OSTLER_HOME");
    let pm2 = sandbox.work().join("pm2");
    symlink(env!("CARGO_BIN_EXE_ostler"), &pm2).unwrap();
    sandbox.write("app.sh", SLEEP);
    let run = |args: &[&str]| {
        let mut command = sandbox.command_of(&pm2);
        command.args(args);
        ostler_testkit::run::finish(command, &[], SOON)
    };
    let home = sandbox.root().join("u/.pm2");
    let out = run(&["start", "app.sh"]).success().out;
    let script = sandbox.work().join("app.sh");
    let head = format!(
        "[PM2] Spawning PM2 daemon with pm2_home={}\n[PM2] PM2 Successfully daemonized\n\
         [PM2] Starting {} in fork_mode (1 instance)\n[PM2] Done.\n┌",
        home.display(),
        script.display()
    );
    assert!(out.starts_with(&head), "{out}");
    assert!(home.join("pm2.pid").exists());
    assert_eq!(run(&["--version"]).success().out, "7.0.4\n");
    let list: Value = serde_json::from_str(&run(&["jlist"]).success().out).unwrap();
    assert_eq!(list[0]["name"], "app");
    assert_eq!(
        run(&["stop", "nope"]).err.lines().next(),
        Some("[PM2][ERROR] Process or Namespace nope not found")
    );
    assert!(run(&["kill"]).success().out.ends_with("[PM2] [v] PM2 Daemon Stopped\n"));
}
