//! `start <script>`: what the script means, what runs it, how many, where its files go.

use std::path::Path;

use ostler_config::Options;
use ostler_core::spec::ExecMode;

use crate::world::{World, options};

#[track_caller]
fn interpreter(programs: &[&str], file: &str, content: &[u8]) -> String {
    let world = World::new(programs);
    world.file(file, content);
    let root = world.ctx.home.parent().unwrap().to_str().unwrap().to_owned();
    match ostler_config::from_script(file, &Options::default(), &world.ctx) {
        Ok((spec, _)) => {
            spec.interpreter.map_or("none".to_owned(), |program| program.replace(&root, ""))
        }
        Err(report) => report[0].message.replace(&root, ""),
    }
}

#[test]
fn the_extension_chooses_the_interpreter() {
    let all = ["node", "bash", "python", "python3", "ruby", "php", "perl", "coffee", "lsc", "bun"];
    for (extension, program) in [
        ("js", "node"),
        ("sh", "bash"),
        ("py", "python"),
        ("rb", "ruby"),
        ("php", "php"),
        ("pl", "perl"),
        ("coffee", "coffee"),
        ("ls", "lsc"),
        ("ts", "bun"),
        ("tsx", "bun"),
        ("mjs", "/bin/node"),
        ("cjs", "/bin/node"),
        ("txt", "/bin/node"),
    ] {
        assert_eq!(interpreter(&all, &format!("a.{extension}"), b"text"), program, "{extension}");
    }
    assert_eq!(interpreter(&["python3"], "a.py", b""), "python3");
    assert_eq!(interpreter(&all, "no-extension", b"text"), "/bin/node");
    assert_eq!(
        interpreter(&[], "a.py", b""),
        "Interpreter python is NOT AVAILABLE in PATH. (type 'which python' to double check.)"
    );
    assert_eq!(
        interpreter(&[], "a.coffee", b""),
        "Interpreter coffee is NOT AVAILABLE in PATH. (type 'which coffee' to double check.)"
    );
    assert_eq!(
        interpreter(&[], "a.txt", b""),
        "Interpreter node is NOT AVAILABLE in PATH. (type 'which node' to double check.)"
    );
}

#[test]
fn typescript_without_bun_needs_a_new_node() {
    let world = World::new(&[]);
    world.file("a.ts", "");
    for (version, outcome) in [
        ("v22.18.0", Ok(vec![])),
        ("v24.1.0", Ok(vec![])),
        ("v23.5.0", Ok(vec!["--experimental-strip-types".to_owned()])),
        ("v22.6.0", Ok(vec!["--experimental-strip-types".to_owned()])),
        ("v20.20.2", Err("TypeScript needs bun, or Node 22.6 or newer: this is v20.20.2")),
    ] {
        world.program("../bin/node", format!("#!/bin/sh\necho {version}\n"));
        let got = ostler_config::from_script("a.ts", &Options::default(), &world.ctx);
        match outcome {
            Ok(args) => assert_eq!(got.unwrap().0.interpreter_args, args, "{version}"),
            Err(message) => assert_eq!(got.unwrap_err()[0].message, message),
        }
    }
}

#[test]
fn the_node_of_a_file_is_asked_once_for_its_version() {
    let world = World::new(&[]);
    let asked = world.ctx.cwd.join("asked");
    world.program("../bin/node", format!("#!/bin/sh\necho >> {}\necho v24.1.0", asked.display()));
    world.file("a.ts", "");
    world.file("b.ts", "");
    let apps = r#"[{ "script": "a.ts" }, { "script": "b.ts" }]"#;
    world.file("apps.json", apps);
    let (specs, report) = ostler_config::load("apps.json", &Options::default(), &world.ctx);
    assert_eq!((specs.len(), report.len()), (2, 0), "{}", world.render(&report));
    assert_eq!(std::fs::read_to_string(&asked).unwrap(), "\n");
    // The same of a text from elsewhere.
    let (specs, _) = ostler_config::load_text(apps, "-", &Options::default(), &world.ctx);
    assert_eq!(specs.len(), 2);
    assert_eq!(std::fs::read_to_string(&asked).unwrap(), "\n\n");
}

#[test]
fn binaries_and_scripts_that_name_another_program_are_executed_themselves() {
    let world = World::new(&["node"]);
    world.program("server", b"\x7fELF\0\0\0");
    world.program("tool", "#!/usr/bin/env python3\n");
    world.program("cli", "#!/usr/bin/env node\n");
    assert_eq!(world.start("server", &Options::default()).interpreter, None);
    assert_eq!(world.start("tool", &Options::default()).interpreter, None);
    assert!(world.start("cli", &Options::default()).interpreter.unwrap().ends_with("/bin/node"));
    world.file("data", b"\x7fELF\0\0\0");
    let refused = world.refused("data", &Options::default());
    assert!(
        refused.contains("script is not executable: $CWD/data") && refused.contains("chmod +x"),
        "{refused}"
    );
}

#[test]
fn the_callers_node_is_used_where_it_is_known() {
    let mut world = World::new(&["node"]);
    world.ctx.node = Some("/opt/node/bin/node".into());
    world.file("a.mjs", "");
    assert_eq!(
        world.start("a.mjs", &Options::default()).interpreter.as_deref(),
        Some("/opt/node/bin/node")
    );
}

#[test]
fn an_interpreter_that_was_asked_for_must_exist() {
    let world = World::new(&["ruby"]);
    world.file("a.js", "");
    let with = |interpreter: &str| options(&[("interpreter", interpreter)]);
    assert_eq!(world.start("a.js", &with("ruby")).interpreter.as_deref(), Some("ruby"));
    world.program("tools/run", "");
    let run = world.ctx.cwd.join("tools/run");
    assert_eq!(world.start("a.js", &with("./tools/run")).interpreter.as_deref(), run.to_str());
    let refused = world.refused("a.js", &with("nope"));
    assert!(
        refused.contains(
            "Interpreter nope is NOT AVAILABLE in PATH. (type 'which nope' to double check.)"
        ),
        "{refused}"
    );
    assert!(world.refused("a.js", &with("none")).contains("not executable"));
    let nvm = world.ctx.cwd.join("nvm");
    let mut world = world;
    world.ctx.env.insert("NVM_DIR".to_owned(), nvm.to_str().unwrap().to_owned());
    for version in ["v20.9.0", "v20.11.1", "v22.1.0"] {
        world.program(&format!("nvm/versions/node/{version}/bin/node"), "");
    }
    let newest = world.start("a.js", &with("node@20")).interpreter.unwrap();
    assert!(newest.ends_with("v20.11.1/bin/node"), "{newest}");
    assert!(world.refused("a.js", &with("node@18")).contains("nvm install 18"));
}

#[test]
fn a_script_is_a_file_a_program_or_a_line_for_the_shell() {
    let world = World::new(&["node", "bash", "tool"]);
    let file = world.file("api.v2.js", "");
    let spec = world.start("./api.v2.js", &Options::default());
    assert_eq!((spec.name.as_str(), spec.script.as_path()), ("api.v2", file.as_path()));

    let spec = world.start("tool", &Options::default());
    assert_eq!((spec.name.as_str(), spec.script.ends_with("bin/tool")), ("tool", true));

    let line = "npm run 'my app' && echo done";
    let args = Some(vec!["ignored".to_owned()]);
    let spec = world.start(line, &Options { args, ..options(&[("instances", "2")]) });
    assert_eq!(spec.name, line);
    assert_eq!(spec.args, ["-c", line]);
    assert!(spec.script.ends_with("bin/bash") && spec.interpreter.is_none());
    assert_eq!((spec.exec_mode, spec.instances), (ExecMode::Fork, 2));
    assert!(spec.logs.out.unwrap().ends_with("logs/npm-run--my-app-----echo-done-out.log"));

    world.file("two words.js", "");
    assert_eq!(
        world.start("two words.js", &Options::default()).interpreter.as_deref(),
        Some("node")
    );

    let sh = World::new(&["sh"]);
    assert!(sh.start("a b", &Options::default()).script.ends_with("bin/sh"));
    assert!(
        World::new(&[]).refused("a b", &Options::default()).contains("neither `bash` nor `sh`")
    );
}

#[test]
fn what_cannot_be_run_is_refused_with_its_absolute_path() {
    let world = World::new(&["node"]);
    world.file("folder/start.js", "");
    world.file("server.js", "");
    let refused = |script: &str| world.refused(script, &Options::default());
    assert!(refused("sever.js").contains("Script not found: $CWD/sever.js"));
    assert!(refused("sever.js").contains("did you mean `server.js`?"));
    assert!(refused("folder").contains("nothing to run in the directory $CWD/folder"));
    assert!(refused("no-such-program").contains("Script not found: $CWD/no-such-program"));
    assert!(refused("").contains("No script path - aborting"));
}

#[test]
fn a_program_may_share_its_name_with_a_folder() {
    let world = World::new(&["node", "test"]);
    world.file("test/a.js", "");
    assert!(world.start("test", &Options::default()).script.ends_with("bin/test"));
    assert!(world.refused("./test", &Options::default()).contains("in the directory"));
}

#[test]
fn a_directory_is_run_as_node_runs_it_and_gives_its_name() {
    let world = World::new(&["node"]);
    let check = |script: &str, folder: &str, name: &str, version: Option<&str>| {
        let spec = world.start(script, &Options::default());
        assert_eq!((spec.name.as_str(), spec.version.as_deref()), (name, version), "{script}");
        assert_eq!(spec.script, world.ctx.cwd.join(folder), "{script}");
        assert!(spec.interpreter.unwrap().ends_with("node") && spec.args.is_empty());
    };
    world.file("index.js", "");
    check(".", "", "app", None);
    world.file("dist.v2/package.json", r#"{ "main": "lib/run", "version": "1.2.3" }"#);
    world.file("dist.v2/lib/run.js", "");
    check("dist.v2", "dist.v2", "dist.v2", Some("1.2.3"));
    check("./dist.v2/", "dist.v2", "dist.v2", Some("1.2.3"));
    world.file("by-folder/package.json", r#"{ "main": "./lib" }"#);
    world.file("by-folder/lib/index.json", "{}");
    check("by-folder", "by-folder", "by-folder", None);
    // Node takes the index where `main` leads nowhere.
    world.file("astray/package.json", r#"{ "main": "gone.js" }"#);
    world.file("astray/index.js", "");
    check("./astray", "astray", "astray", None);
    let clustered = world.start(".", &options(&[("instances", "2"), ("name", "two")]));
    assert_eq!((clustered.exec_mode, clustered.name.as_str()), (ExecMode::Cluster, "two"));
}

#[test]
fn a_directory_in_a_file_is_found_from_its_cwd_and_chosen_by_its_name() {
    let world = World::new(&["node"]);
    world.file("srv.1/index.js", "");
    let text = "{ apps: [{ script: '.', cwd: 'srv.1' }, { script: './srv.1', name: 'b' }] }";
    let options = Options { only: vec!["srv.1".to_owned()], ..Options::default() };
    let apps = world.apps(text, &options);
    assert_eq!(apps.len(), 1);
    assert_eq!((apps[0].name.as_str(), &apps[0].script), ("srv.1", &world.ctx.cwd.join("srv.1")));
}

#[test]
fn a_directory_is_refused_only_where_node_could_not_run_it() {
    let world = World::new(&["node", "python3"]);
    world.file("folder/main.py", "");
    assert!(world.refused(".", &Options::default()).contains("in the directory $CWD"));
    let python = options(&[("interpreter", "python3")]);
    assert_eq!(world.start("folder", &python).interpreter.as_deref(), Some("python3"));
    let none = world.refused("folder", &options(&[("interpreter", "none")]));
    assert!(none.contains("not executable"), "{none}");
}

#[test]
fn a_mean_first_bytes_rule_needs_no_more_than_they_are() {
    let world = World::new(&["node"]);
    world.file("empty", "");
    assert!(world.start("empty", &Options::default()).interpreter.unwrap().ends_with("node"));
}

#[test]
fn files_are_named_after_the_app() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let spec = world.start("a.js", &options(&[("name", "my_app/1.0")]));
    let home = &world.ctx.home;
    assert_eq!(spec.logs.out, Some(home.join("logs/my-app-1.0-out.log")));
    assert_eq!(spec.logs.err, Some(home.join("logs/my-app-1.0-error.log")));
    assert_eq!(spec.logs.combined, None);
    assert_eq!(spec.pid_file, home.join("pids/my-app-1.0.pid"));
    assert!(spec.logs.merge && !spec.instances_given);

    let given = [
        ("output", "logs/../o.log"),
        ("error", "~/e.log"),
        ("log", ""),
        ("pid", "x.pid"),
        ("cwd", "sub"),
    ];
    world.file("sub/a.js", "");
    let spec = world.start("a.js", &options(&given));
    assert_eq!(spec.cwd, world.ctx.cwd.join("sub"));
    assert_eq!(spec.script, world.ctx.cwd.join("sub/a.js"));
    assert_eq!(spec.logs.out, Some(world.ctx.cwd.join("sub/o.log")));
    assert_eq!(spec.logs.err.as_deref(), Some(Path::new("/home/jo/e.log")));
    assert_eq!(spec.logs.combined, Some(home.join("logs/a.log")));
    assert_eq!(spec.pid_file, world.ctx.cwd.join("sub/x.pid"));

    for none in ["NULL", "/dev/null"] {
        assert_eq!(world.start("a.js", &options(&[("output", none)])).logs.out, None);
    }
}

#[test]
fn instances_decide_the_mode() {
    let world = World::new(&["node", "python3"]);
    world.file("a.js", "");
    world.file("a.py", "");
    let with = |script: &str, instances: &str, execute_command: bool| {
        let given = [("instances", instances), ("execute-command", "")];
        let spec = world.start(script, &options(&given[..1 + usize::from(execute_command)]));
        (spec.instances, spec.exec_mode, spec.logs.merge)
    };
    assert_eq!(with("a.js", "max", false), (4, ExecMode::Cluster, true));
    assert_eq!(with("a.js", "1", false), (1, ExecMode::Cluster, false));
    assert_eq!(with("a.js", "-1", false), (3, ExecMode::Cluster, false));
    assert_eq!(with("a.js", "2", true), (2, ExecMode::Fork, false));
    assert_eq!(with("a.py", "2", false), (2, ExecMode::Fork, false));
    let spec = world.start("a.py", &Options::default());
    assert_eq!(spec.env.get("PYTHONUNBUFFERED"), Some("1"));
}

#[test]
fn the_version_is_that_of_the_nearest_package() {
    let world = World::new(&["node"]);
    world.file("package.json", r#"{"version":"1.2.3"}"#);
    world.file("src/deep/a.js", "");
    assert_eq!(world.start("src/deep/a.js", &Options::default()).version.as_deref(), Some("1.2.3"));
    world.file("src/package.json", "{}");
    assert_eq!(world.start("src/deep/a.js", &Options::default()).version, None);
    world.file("src/package.json", "not json");
    assert_eq!(world.start("src/deep/a.js", &Options::default()).version, None);
}

/// `start 'my app.js'` gave the name of a missing file to the shell, sixteen times.
#[test]
fn a_script_with_blanks_that_is_not_there_is_no_line_for_the_shell() {
    let mut world = World::new(&["bash", "node"]);
    world.file("is there.js", "");
    let mut check = |as_pm2: bool, script: &str, is_line: Option<bool>| {
        world.ctx.as_pm2 = as_pm2;
        let found = ostler_config::from_script(script, &Options::default(), &world.ctx);
        let found = found.map(|(spec, _)| spec.args.first().is_some_and(|of| of == "-c"));
        match (found, is_line) {
            (Ok(found), Some(is_line)) => assert_eq!(found, is_line, "{script}"),
            (Err(report), None) => assert_eq!(report[0].code, "no-script", "{script}"),
            (found, _) => panic!("{script}: {found:?}"),
        }
    };
    check(false, "my app.js", None);
    check(false, "sub/my app.py", None);
    check(false, "is there.js", Some(false));
    check(false, "node my.js", Some(true));
    check(false, "exec node my.js", Some(true));
    check(false, "X=1 node my.js", Some(true));
    check(false, "of-nobody run build", Some(true));
    check(true, "my app.js", Some(true));
}
