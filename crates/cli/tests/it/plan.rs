//! `validate` and `plan` of process files.

use serde_json::{Value, json};

use crate::foreground::under_name;
use crate::takeover::sandbox;

#[test]
fn validate_tells_everything_and_starts_nothing() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    sandbox.write("good.yaml", "- name: a\n  script: idle.sh\n- name: b\n  script: idle.sh\n");
    sandbox.write("bad.toml", "[[apps]]\nscript = 'idle.sh'\nmax_memory_restart = '1GB'\nx = 1\n");
    let said = sandbox.ostler(["validate", "good.yaml"]).run();
    assert_eq!(
        (said.out.as_str(), said.err.as_str()),
        ("good.yaml: 2 apps, nothing is wrong\n", "")
    );
    let said = sandbox.ostler(["validate", "good.yaml", "bad.toml"]).code(1).run();
    assert!(said.out.ends_with("\nbad.toml: 1 app, 1 error, 1 warning\n"), "{}", said.out);
    assert!(
        said.err.contains("  --> bad.toml:3:23 (apps[0].max_memory_restart)\n"),
        "{}",
        said.err
    );
    let said = sandbox.ostler(["validate", "bad.toml", "--json"]).code(1).run();
    let found: Value = serde_json::from_str(&said.out).unwrap();
    let first = &found["diagnostics"][0];
    assert_eq!((&first["code"], &first["line"]), (&json!("wrong-form"), &json!(3)), "{found}");
    assert_eq!(sandbox.daemon_pid(), None);
}

/// `start` told them key by key, and `validate` from the top to the bottom.
#[test]
fn every_command_tells_the_complaints_about_a_file_in_the_order_of_the_file() {
    let sandbox = sandbox();
    let app = "  kill_signal: NOPE\n  script: nope.sh\n  x: 1\n  max_memory_restart: 1GB\n";
    sandbox.write("bad.yaml", format!("- name: a\n{app}- name: a\n{app}- name: b\n{app}"));
    let said = |command: &str| sandbox.ostler([command, "bad.yaml"]).code(1).run().err;
    let told = said("validate");
    let places = told.lines().filter_map(|line| {
        let place = line.trim_start().strip_prefix("--> bad.yaml:")?;
        place.split(':').next()?.parse::<u32>().ok()
    });
    let places: Vec<u32> = places.collect();
    assert!(6 < places.len() && places.is_sorted(), "{told}");
    for command in ["start", "restart", "plan", "apply", "startOrReload"] {
        assert_eq!(said(command), told, "{command}");
    }
}

#[test]
fn plan_says_what_apply_then_does() {
    let sandbox = sandbox();
    for script in ["one.sh", "two.sh"] {
        sandbox.write(script, "exec sleep 1000000");
    }
    sandbox.write("eco.json", "[{ name: 'a', script: 'one.sh' }, { name: 'b', script: 'one.sh' }]");
    let plan = || sandbox.ostler(["plan", "eco.json"]).run().out;
    assert_eq!(plan(), "start      a  instances 1\nstart      b  instances 1\n");
    assert_eq!(sandbox.daemon_pid(), None);
    sandbox.ostler(["start", "eco.json"]).run();
    assert_eq!(plan(), "unchanged  a  nothing changed\nunchanged  b  nothing changed\n");
    let text = "[{ name: 'a', script: 'two.sh', env: { SECRET: 's3cret' }, kill_timeout: 500 },\n\
                { name: 'c', script: 'one.sh', instances: 2 }]";
    sandbox.write("eco.json", text);
    let said = plan();
    let lines: Vec<&str> = said.lines().collect();
    let [first, second, third] = lines.as_slice() else { panic!("{said}") };
    assert!(first.starts_with("restart    a  "), "{said}");
    for part in ["/one.sh → ", "/two.sh", "kill_timeout 1600 → 500", "env SECRET"] {
        assert!(first.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("s3cret"), "{said}");
    assert_eq!(*second, "start      c  instances 2");
    assert!(third.starts_with("keep       b  not in the file any more"), "{said}");
    // It has done nothing.
    assert_eq!(sandbox.jlist().len(), 2);
    let found = sandbox.ostler(["plan", "eco.json", "--json"]).run().out;
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(
        found[1],
        json!({
            "app": "c", "action": "start", "changes": ["instances 2"],
        })
    );
}

#[test]
fn the_code_of_a_complaint_is_explained_without_a_daemon() {
    let sandbox = sandbox();
    sandbox.write("bad.json", "{ script: 'idle.sh', max_memory_restart: '1GB' }");
    sandbox.write("idle.sh", "");
    let said = sandbox.ostler(["validate", "bad.json"]).code(1).run();
    let code = said.err.split_once("error[").and_then(|(_, rest)| rest.split_once(']'));
    let (code, _) = code.unwrap_or_else(|| panic!("no code in {}", said.err));
    let page = sandbox.ostler(["explain", code]).run().out;
    assert!(page.starts_with("wrong-form: ") && page.contains("300M"), "{page}");
    assert!(sandbox.ostler(["explain"]).run().out.contains("\nwrong-form "));
    let said = sandbox.ostler(["explain", "wrong-from"]).code(2).run();
    let expected = "error: no complaint has the code `wrong-from`\n\
                    hint: did you mean `ostler explain wrong-form`?\n";
    assert_eq!(said.err, expected);
    assert_eq!(sandbox.daemon_pid(), None);
}

#[test]
fn validate_warns_of_two_apps_of_one_name_and_its_objects_are_lines() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    sandbox.write("two.yaml", "- name: a\n  script: idle.sh\n- name: a\n  script: idle.sh\n");
    let said = sandbox.ostler(["validate", "two.yaml"]).run();
    assert_eq!(said.out, "two.yaml: 2 apps, 1 warning\n");
    let first =
        "warning[same-name]: another app of this file is called `a`, too\n  --> two.yaml:3:9 ";
    assert!(said.err.starts_with(first), "{}", said.err);
    let said = sandbox.ostler(["validate", "two.yaml", "two.yaml", "--json"]).run().out;
    let mut objects = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(objects.all(|one| one["file"] == "two.yaml") && said.ends_with("}\n"));
    sandbox.write("apart.json", "[{ script: 'idle.sh', namespace: 'x' }, { script: 'idle.sh' }]");
    let said = sandbox.ostler(["validate", "apart.json"]).run();
    assert_eq!(said.out, "apart.json: 2 apps, nothing is wrong\n");
}

/// `apply` of such a file, which nobody had changed, ended one of the two.
#[test]
fn a_file_with_two_apps_of_one_name_is_not_applied_and_both_go_on() {
    let sandbox = sandbox();
    sandbox.write("a.sh", "exec sleep 1000000");
    sandbox.write("b.sh", "exec sleep 1000001");
    sandbox.write("two.yaml", "- name: q\n  script: a.sh\n- name: q\n  script: b.sh\n");
    sandbox.ostler(["start", "two.yaml"]).run();
    let before = sandbox.pids_of("q");
    for command in ["plan", "apply"] {
        let said = sandbox.ostler([command, "two.yaml"]).code(1).run().err;
        assert!(said.contains("two apps of `two.yaml` are called `q`"), "{said}");
        assert!(said.contains("`ostler start two.yaml` starts both"), "{said}");
    }
    assert_eq!(sandbox.pids_of("q"), before);
    assert_eq!(before.len(), 2);
}

#[test]
fn plan_shows_nothing_that_nobody_wrote_and_its_objects_end_with_a_line() {
    let sandbox = sandbox();
    sandbox.write("idle.js", "setInterval(() => {}, 1e9)");
    sandbox.ostler(["start", "idle.js"]).run();
    sandbox.write("same.json", "{ script: 'idle.js' }");
    let plan = |file: &str| sandbox.ostler(["plan", file]).run().out;
    assert_eq!(plan("same.json"), "unchanged  idle  nothing changed\n");
    let objects = sandbox.ostler(["plan", "same.json", "--json"]).run().out;
    assert!(objects.starts_with('[') && objects.ends_with("]\n"), "{objects}");
    sandbox.write("four.json", "{ script: 'idle.js', instances: 4, exec_mode: 'cluster' }");
    let said = "replace    idle  exec_mode fork → cluster, instances 1 → 4\n";
    assert_eq!(plan("four.json"), said);
    sandbox.ostler(["delete", "idle"]).run();
    sandbox.ostler(["start", "four.json", "--only", "idle"]).run();
    sandbox.write("four.json", "{ script: 'idle.js', instances: 4, merge_logs: true }");
    assert_eq!(plan("four.json"), "reload     idle  merge_logs false → true\n");
}

#[test]
fn a_process_file_on_standard_input_may_be_yaml_or_toml_and_a_script_is_none() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    let check = |text: &str| sandbox.ostler(["validate", "-"]).stdin(text).run().out;
    for text in ["apps:\n  - script: idle.sh\n", "[[apps]]\nscript = 'idle.sh'\n"] {
        assert_eq!(check(text), "-: 1 app, nothing is wrong\n", "{text}");
    }
    for command in ["validate", "plan"] {
        let said = sandbox.ostler([command, "idle.sh"]).code(2).run();
        let text = "error: `idle.sh` is not a process file, by its name\n";
        assert!(said.err.starts_with(text), "{}", said.err);
    }
    sandbox.write("word.yaml", "script: idle.sh\nwatch: yes\nautorestart: no\n");
    let said = sandbox.ostler(["validate", "word.yaml"]).code(1).run().err;
    assert!(said.contains("hint: write `false`, without quotes: `no` is a text"), "{said}");
}

#[test]
fn a_path_to_watch_that_is_not_there_is_told() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    sandbox.write("src/a.txt", "");
    let said = sandbox.ostler(["start", "idle.sh", "--watch", "./nopath"]).run().err;
    let text = "warning: `--watch` names `./nopath`, and there is no such file or folder\n";
    assert!(said.contains(text), "{said}");
    sandbox.write("word.yaml", "script: idle.sh\nwatch: yes\n");
    let said = sandbox.ostler(["validate", "word.yaml"]).run().err;
    assert!(said.contains("hint: write `watch: true`: `yes` is a text, and so a path"), "{said}");
    sandbox.write("good.yaml", "script: idle.sh\nwatch: [src, 'lib/*.js']\n");
    let said = sandbox.ostler(["validate", "good.yaml"]).run();
    assert_eq!(
        (said.out.as_str(), said.err.as_str()),
        ("good.yaml: 1 app, nothing is wrong\n", "")
    );
}

#[test]
fn whoever_reads_a_file_sees_what_it_extends() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    let base = |grace: &str| {
        let text = format!("apps:\n- name: a\n  script: idle.sh\n  kill_timeout: {grace}\n");
        sandbox.write("base/base.yaml", format!("{text}- name: b\n  script: idle.sh\n"));
    };
    base("900");
    sandbox.write(
        "eco.toml",
        "extends = 'base/base.yaml'\n[[apps]]\nname = 'b'\nkill_timeout = 'no'\n[[apps]]\nname = \
         'c'\nextends = 'a'\n",
    );
    base("soon");
    let said = sandbox.ostler(["validate", "eco.toml"]).code(1).run();
    for place in [
        "--> base/base.yaml:4:17 (apps[0].kill_timeout)\n",
        "--> eco.toml:4:17 (apps[0].kill_timeout)\n",
    ] {
        assert_eq!(said.err.matches(place).count(), 1, "{place}: {}", said.err);
    }
    let json = sandbox.ostler(["validate", "eco.toml", "--json"]).code(1).run().out;
    let found: Value = serde_json::from_str(&json).unwrap();
    let files: Vec<&Value> =
        found["diagnostics"].as_array().unwrap().iter().map(|one| &one["file"]).collect();
    assert!(files.contains(&&json!("base/base.yaml")), "{found}");
    base("900");
    sandbox.write("eco.toml", "extends = 'base/base.yaml'\n[[apps]]\nname = 'c'\nextends = 'a'\n");
    assert_eq!(sandbox.ostler(["validate", "eco.toml"]).run().err, "");
    sandbox.ostler(["apply", "eco.toml"]).run();
    let plan = || sandbox.ostler(["plan", "eco.toml"]).run().out;
    assert!(plan().lines().all(|line| line.starts_with("unchanged")), "{}", plan());
    base("700");
    let said = plan();
    for app in ["a", "c"] {
        assert!(said.contains(&format!("restart    {app}  kill_timeout 900 → 700\n")), "{said}");
    }
    let described = sandbox.ostler(["describe", "c"]).run().out;
    assert!(described.contains("kill_timeout 900 → 700"), "{described}");
    sandbox.ostler(["restart", "eco.toml"]).run();
    assert!(plan().lines().all(|line| line.starts_with("unchanged")), "{}", plan());
}

#[test]
fn of_a_file_in_which_one_app_is_wrong_nothing_is_started_or_restarted_but_as_pm2() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    let one = "{ name: 'one', script: 'idle.sh' }";
    sandbox.write("eco.json", format!("[{one}]"));
    sandbox.ostler(["start", "eco.json"]).run();
    let pid = || sandbox.jlist().iter().map(|of| of["pid"].clone()).collect::<Vec<_>>();
    let before = pid();
    let text = format!("[{one}, {{ name: 'new', script: 'idle.sh' }}, {{ script: 'none.sh' }}]");
    sandbox.write("eco.json", &text);
    for command in ["start", "restart", "reload", "startOrRestart", "startOrReload"] {
        let said = sandbox.ostler([command, "eco.json"]).code(1).run();
        let hint =
            format!("hint: `ostler {command} eco.json --only one,new` does it with the others\n");
        for part in
            ["error[no-script]: there is no script", "no app of `eco.json` was touched", &hint]
        {
            assert!(said.err.contains(part), "{command}: {part}: {}", said.err);
        }
        assert_eq!(pid(), before, "{command}");
    }
    sandbox.ostler(["start", "eco.json", "--only", "one,new"]).run();
    let after = pid();
    assert!(after.len() == 2 && after[0] != before[0], "{after:?}");
    // Who stops or deletes does so with what is right.
    sandbox.ostler(["delete", "eco.json"]).code(1).run();
    assert_eq!(pid(), Vec::<Value>::new());
    let as_pm2 = under_name(&sandbox, "pm2").args(["start", "eco.json"]).output().unwrap();
    assert_eq!((as_pm2.status.code(), pid().len()), (Some(1), 2), "{as_pm2:?}");
}

#[test]
fn with_strict_a_warning_about_a_file_is_an_error_and_nothing_is_done() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    sandbox.write("eco.yaml", "apps:\n  - { name: web, script: idle.sh, instnaces: 2 }\n");
    for command in ["validate", "plan", "apply", "start", "restart", "reload", "export", "run"] {
        let line: &[&str] = match command {
            "export" => &[command, "compose", "eco.yaml", "--strict"],
            _ => &[command, "eco.yaml", "--strict"],
        };
        let said = sandbox.ostler(line).code(1).run();
        let expected = "error[unknown-key]: unknown key `instnaces`\n  \
                        --> eco.yaml:2:35 (apps[0].instnaces)\n";
        assert!(said.err.starts_with(expected), "{command}: {}", said.err);
    }
    assert!(sandbox.jlist().is_empty());
    let said = sandbox.ostler(["start", "idle.sh", "--strict"]).code(2).run();
    let expected = "error: `--strict` is about a process file, and `idle.sh` is none\n\
                    hint: `ostler start idle.sh` does without it\n";
    assert_eq!(said.err, expected);
    sandbox.ostler(["validate", "eco.yaml"]).run();
}
