//! What the words of a command line mean. Nothing is done before all of them are understood.

use ostler_testkit::{Victim, pty};
use ostler_wire::control::FrameKind;
use serde_json::{Value, json};

use crate::fake::{Fake, process, worker};
use crate::start_e2e::{example, sandbox, untimed};

pub(crate) fn online(id: u32, name: &str) -> Value {
    let mut process = process(id, name);
    process["phase"] = json!("online");
    process
}

#[test]
fn nothing_is_done_when_a_word_means_nobody() {
    let fake = Fake::with(vec![process(0, "web"), process(1, "api")]);
    for line in ["delete web nope", "stop nope api", "restart web nope", "start web nope.json"] {
        let ran = fake.ostler(line);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{line}: {}", ran.err);
        assert!(fake.asked().is_empty(), "{line}");
    }
    // PM2 does one after the other.
    fake.pm2("delete web nope");
    assert_eq!(fake.asked().len(), 1);
}

#[test]
fn a_process_that_two_words_mean_is_asked_for_once_and_all_end_in_one_line() {
    let running = Fake::with(vec![worker(0, "api"), worker(1, "api"), worker(2, "web")]);
    let ran = running.ostler("stop api web 0");
    assert_eq!(untimed(&ran.out), "stopped api 2/2, web 1/1 in TIME\n");
    assert_eq!(running.asked().len(), 1);
    let fake = Fake::with(vec![process(0, "api"), process(1, "api"), process(2, "web")]);
    for (line, act, said) in [
        ("delete api api 0", "delete", "deleted api 2/2 in TIME\n"),
        ("restart 0 1", "restart", "restarted api 2/2 in TIME\n"),
        ("start api web", "restart", "started api 2/2, web 1/1 in TIME\n"),
    ] {
        let ran = fake.ostler(line);
        assert_eq!(
            (ran.code, untimed(&ran.out).as_str(), ran.err.as_str()),
            (0, said, ""),
            "{line}"
        );
        let asked = fake.asked();
        let acts: Vec<&Value> = asked.iter().filter_map(|one| one.get("act")).collect();
        assert!(acts.len() == 1 && acts[0]["action"] == act, "{line}: {asked:?}");
    }
}

/// Of a complaint about what is to be started nothing stood on standard output.
#[test]
fn with_json_progress_a_complaint_is_an_object_too() {
    let fake = Fake::with(vec![]);
    let ran = fake.ostler("start nope.js --progress json");
    let object: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, ran.err.as_str(), &object["event"]), (1, "", &json!("error")));
    assert!(object["hint"].as_str().unwrap().contains("`ostler start app.js`"), "{object}");
    fake.file("bad.json", r#"{"apps":[{"script":"nope.js"}]}"#);
    let ran = fake.ostler("start bad.json --progress json");
    let object: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(object["message"].as_str().unwrap().starts_with("bad.json:1:"), "{object}");
    // What helps on the command line is no help in a file.
    let hint = "a script is looked for in the app's `cwd`, then in PATH";
    assert_eq!((ran.err.as_str(), &object["hint"]), ("", &json!(hint)));
}

/// Two ports, of which one was taken without a word; an option without an effect.
#[test]
fn what_would_be_passed_over_is_refused() {
    let fake = Fake::with(vec![process(0, "api")]);
    fake.file("app.js", "");
    for (line, said) in [
        ("serve . 34240 --port 34241", "error: there are two ports: `34240` and `--port 34241`\n"),
        ("web 34240 --port 34241", "error: there are two ports: `34240` and `--port 34241`\n"),
        ("run app.js --timestamp", "error: `--timestamp` dates only lines of `--formatted`\n"),
        ("reload api --surge 0", "error: `--surge` must be at least 1, but is 0\n"),
    ] {
        let ran = fake.ostler(line);
        assert!(ran.code == 2 && ran.err.starts_with(said), "{line}: {} {}", ran.code, ran.err);
        assert!(fake.asked().is_empty(), "{line}");
    }
}

/// A tab or a line end in a name made other lines of it.
#[test]
fn a_name_is_in_one_line_whatever_it_has_in_it() {
    let fake = Fake::with(vec![process(0, "a\tb\nc\u{1b}")]);
    assert_eq!(fake.ostler("list --format {name}").out, "a\\tb\\nc\\x1b\n");
    let said = fake.pm2("logs nope --nostream").err;
    assert!(said.contains("there are: a\\tb\\nc\\x1b\n"), "{said:?}");
}

/// What was stopped was `restarted`, and of what is not there nothing was said.
#[test]
fn what_did_not_run_is_started_and_what_is_not_there_is_said() {
    let fake = Fake::with(vec![process(0, "one"), process(1, "two")]);
    fake.file("app.js", "");
    fake.file("a.json", r#"[{"name":"one","script":"app.js"},{"name":"two","script":"app.js"}]"#);
    fake.file("b.json", r#"[{"name":"other","script":"app.js"}]"#);
    let ran = fake.ostler("start a.json");
    assert_eq!(untimed(&ran.out), "started one 1/1, two 1/1 in TIME\n");
    for line in ["stop b.json", "delete b.json"] {
        let ran = fake.ostler(line);
        let said = "note: no app of `b.json` is in the list\n";
        assert_eq!((ran.code, ran.err.as_str()), (0, said), "{line}");
    }
    assert_eq!(fake.ostler("uninstall all").err, "note: no module is installed\n");
    let running = Fake::with(vec![online(0, "one"), process(1, "two")]);
    running.file("app.js", "");
    running.file("a.json", r#"[{"name":"one","script":"app.js"}]"#);
    assert_eq!(untimed(&running.ostler("start a.json").out), "restarted one 1/1 in TIME\n");
}

/// A restart ended a canary without a word, and `--watch` switched the watching off.
#[test]
fn what_a_restart_ends_or_turns_round_is_said() {
    let mut canary = online(0, "api");
    canary["rollout"] = json!("canary");
    let mut watched = online(2, "web");
    watched["watching"] = json!(true);
    let fake = Fake::with(vec![canary, online(1, "api"), watched, online(3, "job")]);
    let warned = "warning: this ends the canary of api: its worker keeps the new version, \
                  the others the old one\n";
    assert_eq!(fake.ostler("restart api").err, warned);
    assert_eq!(fake.ostler("stop 1").err, warned);
    assert_eq!(fake.ostler("restart job").err, "");
    let ran = fake.ostler("restart web --watch");
    assert_eq!(ran.err, "note: the files of web are watched now\n");
    let ran = fake.ostler("restart job --watch");
    assert_eq!(ran.err, "note: the files of job are not watched any more\n");
}

#[test]
fn an_app_that_runs_is_not_started_again() {
    let fake = Fake::with(vec![online(0, "api"), process(1, "api"), online(2, "web")]);
    let ran = fake.ostler("start web");
    let says = "error: `web` runs already\n\
                hint: `ostler restart web` stops it and starts it again\n";
    assert_eq!((ran.code, ran.err.as_str()), (1, says));
    assert!(fake.asked().is_empty());
    let ran = fake.ostler("start api web");
    assert_eq!((ran.code, ran.err.as_str()), (0, "note: `web` runs already\n"));
    assert_eq!(fake.asked()[0]["act"]["ids"], json!([1]));
    fake.pm2("start web");
    assert_eq!(fake.asked()[0]["act"]["ids"], json!([2]));
}

/// Two programs were one app, of which `scale` took one away.
#[test]
fn the_name_of_another_app_is_given_to_nobody() {
    let sandbox = sandbox();
    for name in ["one", "two"] {
        sandbox.ostler(["start"]).arg(sandbox.victim(name, Victim::Sleeper)).run();
    }
    for command in ["restart", "reload", "start"] {
        if command == "start" {
            sandbox.ostler(["stop", "one"]).run();
        }
        let line = sandbox.ostler([command, "one", "--name", "two"]).code(1).run();
        assert!(line.err.starts_with("error: `two` is the name of another app"), "{line:?}");
    }
    let names: Vec<String> =
        sandbox.jlist().iter().map(|of| of["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["one", "two"]);
    sandbox.ostler(["restart", "two", "--name", "two"]).run();
}

#[test]
fn an_app_that_is_renamed_by_a_restart_is_counted_once() {
    let answer = |request: &Value| {
        request.get("act")?;
        let acted = json!({"acted": {"id": 0, "name": "new", "error": null, "added": false}});
        Some(vec![(FrameKind::Event, acted), (FrameKind::Reply, json!("done"))])
    };
    let fake = Fake::saying(vec![process(0, "api")], Box::new(answer));
    let ran = fake.ostler("restart api --name new");
    assert_eq!(untimed(&ran.out), "restarted api 1/1 (now new) in TIME\n");
}

#[test]
fn what_was_released_or_deleted_is_told_as_it_was_asked_for() {
    let fake = Fake::with(vec![process(0, "api"), process(1, "web")]);
    for command in ["delete", "reload", "promote", "rollback"] {
        let answer = fake.ostler(&format!("{command} api --json name,id"));
        let about_all = matches!(command, "promote" | "rollback");
        let says = if about_all { "[]\n" } else { "[{\"name\":\"api\",\"id\":0}]\n" };
        assert_eq!((answer.code, answer.out.as_str()), (0, says), "{command}: {}", answer.err);
    }
    let ran = fake.ostler("delete api --format {id}");
    assert_eq!(ran.out, "0\n");
}

#[test]
fn an_app_whose_name_begins_with_a_dash_is_called_behind_two() {
    let fake = Fake::with(vec![process(0, "-x")]);
    for line in ["stop -- -x", "restart -- -x", "reload -- -x", "describe -- -x", "delete -- -x"] {
        let ran = fake.ostler(line);
        assert_eq!(ran.code, 0, "{line}: {}", ran.err);
    }
}

#[test]
fn the_last_object_of_a_command_that_fails_says_that_it_is_over() {
    let error = json!({"error": {"code": "invalid", "message": "no", "hint": null}});
    let answer = move |request: &Value| {
        request.get("act").or(request.get("scale")).or(request.get("reload"))?;
        Some(vec![(FrameKind::Reply, error.clone())])
    };
    let fake = Fake::saying(vec![worker(0, "api")], Box::new(answer));
    for line in ["restart api", "stop api", "scale api 3", "reload api"] {
        let ran = fake.ostler(&format!("{line} --progress json"));
        let events: Vec<Value> =
            ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let names: Vec<&Value> = events.iter().map(|event| &event["event"]).collect();
        assert_eq!(names, ["begun", "error", "finished"], "{line}: {}", ran.out);
        assert_eq!((ran.code, ran.err.as_str()), (1, ""), "{line}");
    }
}

#[test]
fn a_kill_tells_the_end_of_those_whose_end_it_announced() {
    let mut stopped = process(0, "old");
    stopped["pid"] = json!(0);
    let answer = |request: &Value| {
        (*request == json!("kill_told")).then(|| {
            let acted =
                |id: u32| json!({"acted": {"id": id, "name": "a", "error": null, "added": false}});
            let mut frames: Vec<_> = [0, 1].map(|id| (FrameKind::Event, acted(id))).into();
            frames.push((FrameKind::Reply, json!("done")));
            frames
        })
    };
    let fake = Fake::saying(vec![stopped, process(1, "api")], Box::new(answer));
    let ran = fake.ostler("kill --progress json");
    let count = |event: &str| ran.out.matches(event).count();
    assert_eq!((count("\"event\":\"done\""), count("\"id\":1")), (1, 2), "{}", ran.out);
}

#[test]
fn settings_are_edited_in_a_terminal_only() {
    let s = sandbox();
    let ran = s.ostler(["set"]).env("EDITOR", "touch ran;").code(2).run();
    let hint = "hint: `ostler get` shows what is set, `ostler set api.LOG_LEVEL debug` sets one\n";
    let says = format!("error: `set` opens an editor, for which there is no terminal\n{hint}");
    assert_eq!((ran.err.as_str(), s.work().join("ran").exists()), (says.as_str(), false));
    let mut command = s.command();
    command.arg("set").env("EDITOR", "false");
    let ran = pty::in_window(command, 80);
    assert_eq!(
        (ran.code, ran.out.contains("hint: `EDITOR=nano ostler set` takes another editor\n")),
        (1, true),
        "{}",
        ran.out
    );
    let drafts = std::fs::read_dir(s.home()).unwrap().flatten();
    let drafts = drafts.filter(|of| of.file_name().to_string_lossy().starts_with("settings."));
    assert_eq!(drafts.count(), 0);
}

#[test]
fn where_nothing_is_to_be_started_a_command_says_how_to_begin() {
    let s = sandbox();
    let hint = |args: &[&str], code: i32, says: &str| {
        let ran = s.ostler(args.iter().copied()).code(code).run();
        assert!(ran.err.contains(&format!("hint: {says}")), "{args:?}: {}", ran.err);
    };
    hint(&["start"], 1, "`ostler init` writes a process file, `ostler start app.js` starts a");
    hint(&["start", "nope"], 1, "name a script, as in `ostler start app.js`;");
    hint(&["start", ""], 2, "name a script, as in `ostler start app.js`");
    s.write("app.js", "");
    hint(&["start", "app.js", "--cwd", "/nope/x"], 1, "`mkdir -p /nope/x` makes it");
    hint(&["start", "ap.config.js"], 1, "`ostler init`");
    s.write("bad.config.js", "module.exports = {");
    hint(&["start", "bad.config.js"], 1, "`node --check ");
    hint(&["health"], 1, "`ostler start app.js` starts one");
    let long = "n".repeat(300);
    let ran = s.ostler(["start", "app.js", "--name", &long]).code(2).run();
    assert!(ran.err.starts_with("error: a name of 300 bytes is too long"), "{}", ran.err);
    assert!(s.jlist().is_empty());
}

#[test]
fn a_start_after_a_stop_says_where_the_app_answers() {
    let mut s = sandbox();
    let port = s.port();
    s.set_env("PORT", port.to_string());
    s.ostler(["start"]).arg(example("hello.js")).args(["-i", "2"]).run();
    s.ostler(["stop", "hello"]).run();
    let ran = s.ostler(["start", "hello"]).run();
    let says = format!("started hello 2/2 in TIME, http://127.0.0.1:{port}\n");
    assert_eq!(untimed(&ran.out), says);
}

#[test]
fn a_value_that_is_none_is_a_misuse_in_every_command() {
    let sandbox = sandbox();
    sandbox.write("app.js", "");
    for line in [
        "start app.js --cron-restart foo",
        "start app.js --name=all",
        "run app.js --delay x",
        "set ostler.log_max_size foo",
        "set api",
        "init foo",
        "monitor",
        "plan -",
    ] {
        let ran = sandbox.ostler(line.split(' ')).code(2).run();
        assert!(ran.err.starts_with("error") && ran.out.is_empty(), "{line}: {}", ran.err);
    }
    for line in
        ["start app.js --uid nobodyx", "start app.js --gid nobodyx", "startup --user nobodyx"]
    {
        // It could be there on another machine.
        let ran = sandbox.ostler(line.split(' ')).code(1).run();
        assert!(ran.err.starts_with("error: there is no "), "{line}: {}", ran.err);
    }
    assert_eq!(sandbox.daemon_pid(), None, "nothing was asked of a daemon");
}

#[test]
fn the_logs_of_a_name_that_is_nearly_another_are_not_waited_for() {
    let fake = Fake::with(vec![online(0, "server")]);
    let ran = fake.ostler("logs servr");
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (
            1,
            "error: no app has the name or namespace `servr`\n\
             hint: did you mean `ostler logs server`? `ostler logs '/^servr$/'` waits for an app \
             of that name\n"
        )
    );
}

#[test]
fn scripts_that_are_started_together_end_in_one_line() {
    let sandbox = sandbox();
    for script in ["a.sh", "b.sh"] {
        sandbox.write(script, "exec sleep 1000000");
    }
    let ran = sandbox.ostler(["start", "a.sh", "b.sh"]).run();
    assert_eq!(untimed(&ran.out), "started a 1/1, b 1/1 in TIME\n");
}

#[test]
fn wait_and_save_give_the_fields_that_a_program_asks_for() {
    let sandbox = sandbox();
    sandbox.write("a.sh", "exec sleep 1000000");
    sandbox.ostler(["start", "a.sh"]).run();
    let said = sandbox.ostler(["wait", "a", "--json", "name,status"]).run().out;
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(found, json!([{ "name": "a", "status": "online" }]));
    let said = sandbox.ostler(["save", "--format", "{name}:{id}"]).run().out;
    assert_eq!(said, "a:0\n");
}

#[test]
fn an_app_that_its_file_calls_otherwise_now_is_told() {
    let sandbox = sandbox();
    sandbox.write("a.sh", "exec sleep 1000000");
    sandbox.write("eco.json", "[{ name: 'old', script: 'a.sh' }]");
    assert_eq!(sandbox.ostler(["start", "eco.json"]).run().err.matches("warning").count(), 0);
    sandbox.write("eco.json", "[{ name: 'new', script: 'a.sh' }]");
    for command in ["start", "reload", "restart"] {
        let said = sandbox.ostler([command, "eco.json"]).run().err;
        let told = "warning: `old` is from this file, not in it any more, and goes on\n\
                    hint: `ostler delete old` ends it\n";
        assert!(said.contains(told), "{command}: {said}");
    }
}
