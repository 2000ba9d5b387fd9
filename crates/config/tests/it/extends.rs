//! What a file has from others that it extends, and an app from another app.

use ostler_config::{Apps, Options, deploy_target, load, load_text, read};
use ostler_core::spec::AppSpec;

use crate::world::{World, node};

fn world() -> World {
    let mut world = World::new(&["node"]);
    for file in ["a.js", "b.js"] {
        world.file(file, "");
    }
    world.ctx.node = Some(node());
    world
}

/// The apps of a file about which nothing is said.
#[track_caller]
fn apps(world: &World, name: &str) -> Vec<AppSpec> {
    let (specs, report) = load(name, &Options::default(), &world.ctx);
    assert!(report.is_empty(), "{}", world.render(&report));
    specs
}

fn names(specs: &[AppSpec]) -> Vec<&str> {
    specs.iter().map(|spec| spec.name.as_str()).collect()
}

fn env(spec: &AppSpec, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| spec.env.get(name).unwrap_or("-").to_owned()).collect()
}

/// The same base, in every language.
const BASES: [(&str, &str); 6] = [
    (
        "b.yaml",
        "apps:\n  - { name: web, exec: a.js, args: [x, y], env: { A: 1, B: 2, C: 3 } }\n  \
                - { name: jobs, script: b.js }\n",
    ),
    (
        "b.toml",
        "[[apps]]\nname = 'web'\nexec = 'a.js'\nargs = ['x', 'y']\nenv = { A = 1, B = 2, \
                C = 3 }\n[[apps]]\nname = 'jobs'\nscript = 'b.js'\n",
    ),
    (
        "b.json",
        r#"{ "apps": [{ "name": "web", "exec": "a.js", "args": ["x", "y"],
                   "env": { "A": 1, "B": 2, "C": 3 } }, { "name": "jobs", "script": "b.js" }] }"#,
    ),
    (
        "b.json5",
        "[{ name: 'web', exec: 'a.js', args: ['x', 'y'], env: { A: 1, B: 2, C: 3 } },
                  { name: 'jobs', script: 'b.js' }]",
    ),
    (
        "b.config.js",
        "module.exports = () => ({ apps: [{ name: 'web', exec: 'a.js', args: ['x', \
                     'y'], env: { A: 1, B: 2, C: 3 } }, { name: 'jobs', script: 'b.js' }] })",
    ),
    (
        "b.config.mjs",
        "export default [{ name: 'web', exec: 'a.js', args: ['x', 'y'], env: { A: 1, \
                      B: 2, C: 3 } }, { name: 'jobs', script: 'b.js' }]",
    ),
];

#[test]
fn a_file_of_any_language_changes_the_apps_of_one_of_any_language() {
    let over = [
        (
            "o.yaml",
            "extends: BASE\napps:\n  - { name: web, kill_timeout: 5, args: [z], env: { B: 9, \
             C: null, D: 4 } }\n  - { name: new, script: a.js }\n",
        ),
        (
            "o.toml",
            "extends = ['BASE']\n[[apps]]\nname = 'web'\nkillTimeout = 5\nargs = ['z']\n[apps.env]\
             \nB = 9\nD = 4\n[[apps]]\nname = 'new'\nscript = 'a.js'\n",
        ),
        (
            "o.config.js",
            "module.exports = { extends: 'BASE', apps: [{ name: 'web', kill_timeout: 5, \
             args: ['z'], env: { B: 9, C: null, D: 4 } }, { name: 'new', script: 'a.js' }] }",
        ),
        (
            "package.json",
            r#"{ "name": "p", "version": "1", "pm2": { "extends": "BASE", "apps": [{ "name": "web",
             "kill_timeout": 5, "args": "z", "env": { "B": 9, "C": null, "D": 4 } },
             { "name": "new", "script": "a.js" }] } }"#,
        ),
    ];
    let world = world();
    for (base, text) in BASES {
        world.file(&format!("base/{base}"), text);
        for (name, text) in over {
            let text = text.replace("BASE", &format!("../base/{base}"));
            world.file(&format!("over/{name}"), text);
            let specs = apps(&world, &format!("over/{name}"));
            assert_eq!(names(&specs), ["web", "jobs", "new"], "{name} of {base}");
            let [web, jobs, _] = specs.as_slice() else { panic!("{name} of {base}") };
            assert!(web.script.ends_with("app/a.js") && jobs.script.ends_with("app/b.js"));
            assert_eq!(
                (web.policy.stop_grace, web.args.as_slice()),
                (5, ["z".to_owned()].as_slice())
            );
            // TOML has no word that takes something away.
            let c = if name == "o.toml" { "3" } else { "-" };
            assert_eq!(env(web, &["A", "B", "C", "D"]), ["1", "9", c, "4"], "{name} of {base}");
        }
    }
}

#[test]
fn of_several_bases_and_their_bases_the_later_word_counts() {
    let world = world();
    world.file(
        "x/first.yaml",
        "apps: [{ name: web, script: a.js, args: first, env: { A: 1, B: 1 } }]",
    );
    world.file(
        "x/more/second.json",
        r#"{ "extends": "../first.yaml", "name": "web", "env": { "B": 2 } }"#,
    );
    world.file("third.toml", "name = 'web'\nargs = 'third'\nnice = 3\n");
    world.file("eco.yaml", "extends: [x/more/second.json, ./third.toml]\n");
    let specs = apps(&world, "eco.yaml");
    assert_eq!(
        (names(&specs), specs[0].args.as_slice()),
        (vec!["web"], ["third".into()].as_slice())
    );
    assert_eq!(env(&specs[0], &["A", "B"]), ["1", "2"]);
    // What has no name changes the only app.
    world.file("only.json", r#"{ "extends": "eco.yaml", "instances": 3, "args": null }"#);
    let specs = apps(&world, "only.json");
    assert_eq!((names(&specs), specs[0].instances, specs[0].args.len()), (vec!["web"], 3, 0));
    // An alias is the same key.
    world.file(
        "alias.json",
        r#"{ "extends": "eco.yaml", "apps": [{ "name": "web", "exec": "b.js" }] }"#,
    );
    assert!(apps(&world, "alias.json")[0].script.ends_with("app/b.js"));
}

#[test]
fn an_app_extends_others_by_their_names_wherever_they_are() {
    let world = world();
    world.file("base.yaml", "apps:\n  - name: common\n    nice: 3\n    env: { A: 1, B: 1 }\n");
    world.file(
        "eco.json5",
        "{ extends: 'base.yaml', apps: [
           { name: 'jobs', extends: 'api', args: ['j'], env: { B: 3 } },
           { name: 'api', script: 'a.js', args: ['x'], extends: 'common', env: { B: 2 } },
           { name: 'both', extends: ['api', 'jobs'] },
           { name: 'alone', script: 'b.js' },
        ] }",
    );
    let specs = apps(&world, "eco.json5");
    assert_eq!(names(&specs), ["jobs", "api", "both", "alone"], "a template is no app");
    let of = |at: usize| (specs[at].args.join(" "), env(&specs[at], &["A", "B"]).join(" "));
    assert_eq!(of(0), ("j".into(), "1 3".into()));
    assert_eq!(of(1), ("x".into(), "1 2".into()));
    assert_eq!(of(2), ("j".into(), "1 3".into()));
    assert_eq!(of(3), (String::new(), "- -".into()));
    let options = Options { only: vec!["both".to_owned()], ..Options::default() };
    assert_eq!(names(&load("eco.json5", &options, &world.ctx).0), ["both"]);
}

/// It hid everything else that is wrong. What the base may say is not missed.
#[test]
fn a_base_that_is_not_there_hides_no_complaint_about_what_stands_there() {
    let world = world();
    let text = "extends: none.yaml\napps:\n  - { name: web, instancs: 2 }\n  - { name: job, \
                script: none.js, depends_on: [db], nice: 99 }\n";
    world.file("eco.yaml", text);
    let (specs, report) = load("eco.yaml", &Options::default(), &world.ctx);
    let codes: Vec<&str> = report.iter().map(|of| of.code).collect();
    assert_eq!(codes, ["no-base", "unknown-key", "too-large"], "{}", world.render(&report));
    assert!(specs.is_empty());
}

/// `validate` counted those that may be started: `2 apps` of three.
#[test]
fn a_check_names_every_app_also_one_that_may_not_be_started() {
    let world = world();
    let app = |more: &str| format!("  - {{ name: w{}, script: a.js{more} }}\n", more.len());
    let check = |more: &str, said: &str| {
        world.file("eco.yaml", format!("apps:\n{}{}{}", app(""), app(more), app(", nice: 1")));
        let Apps { names, said: report, .. } = read("eco.yaml", &Options::default(), &world.ctx);
        let all = ["w0".to_owned(), format!("w{}", more.len()), "w9".to_owned()];
        assert_eq!((names.as_slice(), report[0].code), (all.as_slice(), said));
    };
    check(", cwd: /nope", "no-script");
    check(", nice: none", "wrong-type");
    let options = Options { only: vec!["w0".to_owned()], ..Options::default() };
    assert_eq!(read("eco.yaml", &options, &world.ctx).names, ["w0"]);
}

#[test]
fn a_file_on_standard_input_extends_one_of_the_working_directory() {
    let world = world();
    world.file("base.yaml", "apps: [{ name: web, script: a.js }]");
    let text = "{ \"extends\": \"base.yaml\", \"apps\": [{ \"name\": \"web\", \"nice\": 99 }] }";
    let (specs, report) = load_text(text, "standard input", &Options::default(), &world.ctx);
    let said = world.render(&report);
    assert!(specs.is_empty() && said.contains("--> standard input:1:"), "{said}");
    let text = text.replace("99", "9");
    let (specs, _) = load_text(&text, "standard input", &Options::default(), &world.ctx);
    assert_eq!(names(&specs), ["web"]);
}

#[test]
fn targets_of_deploy_and_their_variables_come_from_a_base_as_well() {
    let world = world();
    world.file(
        "base.yaml",
        "apps: [{ name: web, script: a.js }]\ndeploy:\n  prod: { host: h, repo: r, path: /p, ref: \
         main, env: { A: 1, B: 1 } }\n",
    );
    world.file("eco.yaml", "extends: base.yaml\ndeploy: { prod: { ref: next, env: { B: 2 } } }\n");
    let (target, report) = deploy_target("eco.yaml", "prod", &world.ctx);
    assert!(report.is_empty(), "{}", world.render(&report));
    assert_eq!(target.map(|of| of.reference), Some("next".to_owned()));
    let options = Options { env: Some("prod".to_owned()), ..Options::default() };
    let (specs, _) = load("eco.yaml", &options, &world.ctx);
    assert_eq!(env(&specs[0], &["A", "B"]), ["1", "2"]);
    world.file("bad.yaml", "extends: none.yaml\n");
    let (target, report) = deploy_target("bad.yaml", "prod", &world.ctx);
    assert!(target.is_none() && report[0].code == "no-base", "{}", world.render(&report));
}

#[test]
fn files_that_double_at_each_step_are_not_read_for_ever() {
    let world = world();
    for at in 0..12 {
        let next = format!("[f{}.yaml, ./f{}.yaml]", at + 1, at + 1);
        world.file(&format!("f{at}.yaml"), format!("extends: {next}\n"));
    }
    world.file("f12.yaml", "script: a.js\n");
    let (_, report) = load("f0.yaml", &Options::default(), &world.ctx);
    assert!(report.iter().all(|one| one.code == "extends-cycle") && !report.is_empty());
}

#[test]
fn two_apps_of_one_name_in_a_file_stay_two() {
    let world = world();
    world.file("base.yaml", "apps: [{ name: q, script: b.js, env: { BASE: 1 } }]");
    world.file(
        "one.yaml",
        "apps:\n  - { name: common, script: b.js }\n  \
         - { name: q, extends: common, kill_timeout: 111 }\n  \
         - { name: q, script: a.js, env: { A: 1 } }\n",
    );
    world.file(
        "over.yaml",
        "extends: base.yaml\napps: [{ name: q, kill_timeout: 5 }, { name: q, script: a.js }]",
    );
    world.file(
        "wrong.yaml",
        "apps:\n  - { name: common, script: b.js }\n  \
         - { name: q, extends: common, cwd: /nope }\n  - { name: q, script: a.js }\n",
    );
    let said = |name: &str| {
        let (specs, report) = load(name, &Options::default(), &world.ctx);
        let codes: Vec<&str> = report.iter().map(|said| said.code).collect();
        assert!(codes.contains(&"same-name"), "{}", world.render(&report));
        (specs, world.render(&report))
    };
    let (specs, _) = said("one.yaml");
    assert_eq!(names(&specs), ["common", "q", "q"]);
    let [_, first, second] = specs.as_slice() else { panic!("{specs:?}") };
    assert!(first.script.ends_with("b.js") && second.script.ends_with("a.js"));
    assert_eq!((first.policy.stop_grace, env(second, &["A"])), (111, vec!["1".to_owned()]));
    let (specs, _) = said("over.yaml");
    let [first, second] = specs.as_slice() else { panic!("{specs:?}") };
    assert!(first.script.ends_with("b.js") && second.script.ends_with("a.js"));
    assert_eq!(
        (env(first, &["BASE"]), env(second, &["BASE"])),
        (env(second, &["BASE"]), vec!["1".to_owned()])
    );
    let (_, text) = said("wrong.yaml");
    // The script is written in the app that the first of them extends, the folder in itself.
    assert!(text.contains("/nope/b.js\n  --> wrong.yaml:3:38"), "{text}");
}
