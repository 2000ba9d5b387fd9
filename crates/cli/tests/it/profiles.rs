//! Apps with `profiles` in process files.

use ostler_testkit::Sandbox;
use serde_json::Value;

use crate::foreground::under_name;
use crate::takeover::sandbox;

const FILE: &str = "apps:
  - { name: web, script: idle.sh }
  - { name: inspector, script: idle.sh, profiles: [debug] }
  - { name: load, script: idle.sh, profiles: [load, test] }
";

fn with_file() -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    sandbox.write("eco.yaml", FILE);
    sandbox
}

/// The names of what is listed and runs.
fn running(sandbox: &Sandbox) -> Vec<String> {
    let list = sandbox.jlist();
    let online = list.iter().filter(|of| of["pm2_env"]["status"] == "online");
    online.map(|of| of["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_app_with_profiles_starts_only_when_one_of_them_or_the_app_is_named() {
    let sandbox = with_file();
    sandbox.ostler(["start", "eco.yaml"]).run();
    assert_eq!(running(&sandbox), ["web"]);
    sandbox.ostler(["start", "eco.yaml", "--profile", "debug", "--profile", "test"]).run();
    assert_eq!(running(&sandbox), ["web", "inspector", "load"]);
    sandbox.ostler(["delete", "load"]).run();
    // What another profile has goes on, and nobody says that it is not in the file.
    let said = sandbox.ostler(["restart", "eco.yaml"]).run();
    assert!(!said.err.contains("inspector"), "{}", said.err);
    assert_eq!(running(&sandbox), ["web", "inspector"]);
    sandbox.ostler(["start", "eco.yaml", "--only", "load"]).run();
    assert_eq!(running(&sandbox), ["web", "inspector", "load"]);
    // Who ends what a file started need not know by which profiles.
    sandbox.ostler(["stop", "eco.yaml", "--profile", "debug"]).run();
    assert_eq!(running(&sandbox), ["load"]);
    sandbox.ostler(["delete", "eco.yaml"]).run();
    assert!(sandbox.jlist().is_empty());
}

#[test]
fn an_unknown_profile_and_a_file_of_which_nothing_is_meant_start_nothing() {
    let sandbox = with_file();
    for command in ["start", "plan", "apply", "validate", "run"] {
        let said = sandbox.ostler([command, "eco.yaml", "--profile", "debgu"]).code(1).run();
        let expected = "error[no-profile]: no app of this file has the profile `debgu`\n  \
                        --> eco.yaml\nhint: did you mean `debug`?\n";
        assert!(said.err.starts_with(expected), "{command}: {}", said.err);
    }
    sandbox.write("all.json", r#"{ "script": "idle.sh", "profiles": ["debug"] }"#);
    let said = sandbox.ostler(["start", "all.json"]).code(1).run();
    assert!(said.err.contains("hint: `--profile debug` chooses"), "{}", said.err);
    let said = sandbox.ostler(["start", "idle.sh", "--profile", "debug"]).code(2).run();
    assert!(said.err.contains("`--profile` chooses among the apps of a process"), "{}", said.err);
    assert_eq!(sandbox.daemon_pid(), None);
}

#[test]
fn plan_and_apply_keep_what_another_profile_has_and_prune_says_so() {
    let sandbox = with_file();
    sandbox.ostler(["apply", "eco.yaml", "--profile", "debug"]).run();
    assert_eq!(running(&sandbox), ["web", "inspector"]);
    let kept = "unchanged  web        nothing changed\n\
                keep       inspector  its profile is not chosen: `--profile debug` chooses it\n";
    for words in [&["plan", "eco.yaml"][..], &["plan", "eco.yaml", "--prune"]] {
        assert_eq!(sandbox.ostler(words.iter().copied()).run().out, kept);
    }
    let said = sandbox.ostler(["apply", "eco.yaml", "--prune", "--yes"]).run();
    assert!(said.out.starts_with(kept), "{}", said.out);
    assert_eq!(running(&sandbox), ["web", "inspector"]);
    let plan = sandbox.ostler(["plan", "eco.yaml", "--profile", "*", "--json"]).run().out;
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let actions: Vec<_> = plan.as_array().unwrap().iter().map(|of| &of["action"]).collect();
    assert_eq!(actions, ["unchanged", "unchanged", "start"]);
    // What is in no profile of the file any more is removed.
    sandbox.write("eco.yaml", "apps:\n  - { name: web, script: idle.sh }\n");
    sandbox.ostler(["apply", "eco.yaml", "--prune", "--yes"]).run();
    assert_eq!(running(&sandbox), ["web"]);
}

#[test]
fn describe_compares_an_app_of_a_profile_with_its_file() {
    let sandbox = with_file();
    sandbox.ostler(["start", "eco.yaml", "--profile", "debug"]).run();
    sandbox.ostler(["start", "eco.yaml", "--only", "load"]).run();
    for app in ["inspector", "load"] {
        let said = sandbox.ostler(["describe", app]).run().out;
        assert!(!said.contains("not in it any more") && !said.contains("to apply"), "{said}");
    }
    sandbox.write("eco.yaml", FILE.replace("[debug]", "[debug], kill_timeout: 50"));
    let said = sandbox.ostler(["describe", "inspector"]).run().out;
    assert!(said.contains("kill_timeout 1600 → 50"), "{said}");
}

#[test]
fn export_and_validate_look_at_the_profiles_that_are_named() {
    let sandbox = with_file();
    let names = |words: &[&str]| {
        let said = sandbox.ostler(words.iter().copied()).run().out;
        ["web", "inspector", "load"].into_iter().filter(|name| said.contains(name)).count()
    };
    assert_eq!(names(&["export", "compose", "eco.yaml"]), 1);
    assert_eq!(names(&["export", "compose", "eco.yaml", "--profile", "debug"]), 2);
    let said = |words: &[&str]| sandbox.ostler(words.iter().copied()).run().out;
    assert!(said(&["validate", "eco.yaml"]).starts_with("eco.yaml: 1 app,"));
    assert!(said(&["validate", "eco.yaml", "--profile", "*"]).starts_with("eco.yaml: 3 apps,"));
}

#[test]
fn under_the_name_pm2_profiles_are_passed_over_as_by_pm2() {
    let sandbox = with_file();
    under_name(&sandbox, "pm2").args(["start", "eco.yaml"]).output().unwrap();
    assert_eq!(running(&sandbox), ["web", "inspector", "load"]);
}
