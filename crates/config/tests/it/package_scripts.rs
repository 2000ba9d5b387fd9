//! `start npm -- start` and its relatives: the program behind a script of `package.json`.

use std::path::Path;

use ostler_config::{Options, load_text};
use ostler_core::spec::{AppSpec, ExecMode};

use crate::world::{World, options};

/// A package in the world's folder with these scripts, JSON; its programs are in `node_modules`.
fn package(scripts: &str) -> World {
    let world = World::new(&["node", "bash"]);
    for runner in ["npm", "npx", "yarn", "pnpm"] {
        world.program(&format!("../bin/{runner}"), "#!/usr/bin/env node\n");
    }
    world.program("../bin/node", "#!/bin/sh\necho v20.1.0\n");
    world.file(
        "package.json",
        format!(r#"{{"name":"shop","version":"1.2.3","scripts":{scripts}}}"#),
    );
    world.program("node_modules/next/dist/bin/next", "#!/usr/bin/env node\n");
    std::fs::create_dir_all(world.ctx.cwd.join("node_modules/.bin")).unwrap();
    let link = world.ctx.cwd.join("node_modules/.bin/next");
    std::os::unix::fs::symlink("../next/dist/bin/next", link).unwrap();
    world.file("server.js", "");
    world
}

fn given(args: &str, more: &[(&str, &str)]) -> Options {
    let args = args.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Options { args: Some(args), ..options(more) }
}

/// What is run: script, arguments.
fn run(world: &World, spec: &AppSpec) -> String {
    let script = spec.script.strip_prefix(&world.ctx.cwd).unwrap_or(&spec.script);
    let words = std::iter::once(script.display().to_string()).chain(spec.args.iter().cloned());
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn each_runner_leads_to_the_program_behind_its_script() {
    let scripts = r#"{"start":"NODE_ENV=production next start","serve":"cross-env A=1 node server",
        "up":"npm run serve -- --last","test":"exec node -r ./a.js server.js"}"#;
    let world = package(scripts);
    let next = "node_modules/next/dist/bin/next";
    for (script, args, expected) in [
        ("npm", "start", format!("{next} start")),
        ("npm", "start -- --port 3", format!("{next} start --port 3")),
        ("npm", "run serve", "server.js".to_owned()),
        ("npm", "run up -- more", "server.js --last more".to_owned()),
        ("npm", "test", "server.js".to_owned()),
        ("npx", "next start", format!("{next} start")),
        ("yarn", "start -p 3", format!("{next} start -p 3")),
        ("yarn", "next start", format!("{next} start")),
        ("pnpm", "serve", "server.js".to_owned()),
        ("npm start", "", format!("{next} start")),
        ("PORT=3 npm run serve", "", "server.js".to_owned()),
    ] {
        for more in [&[("instances", "2")][..], &[]] {
            let app = world.start(script, &given(args, more));
            assert_eq!(run(&world, &app), expected, "{script} {args}");
            let node = app.interpreter.as_deref().unwrap();
            assert!(node.ends_with("/node"), "{script} {args}: {node}");
            let mode = if more.is_empty() { ExecMode::Fork } else { ExecMode::Cluster };
            assert_eq!(app.exec_mode, mode, "{script} {args}");
            assert_eq!(app.version.as_deref(), Some("1.2.3"), "{script} {args}");
        }
    }
    let app = world.start("npm", &given("start", &[]));
    assert_eq!(app.name, "npm");
    assert_eq!(
        app.env.get("NODE_ENV"),
        Some("production"),
        "the script's own goes over the shell's"
    );
    assert_eq!(world.start("npm", &given("run serve", &[])).env.get("A"), Some("1"));
    assert_eq!(world.start("npm", &given("test", &[])).interpreter_args, ["-r", "./a.js"]);
    assert_eq!(world.start("PORT=3 npm run serve", &given("", &[])).env.get("PORT"), Some("3"));
}

#[test]
fn a_script_of_a_workspace_is_found_by_each_runner_and_runs_in_its_folder() {
    let world = package("{}");
    world.file("package.json", r#"{"name":"shop","workspaces":["apps/*"]}"#);
    world.file(
        "apps/web/package.json",
        r#"{"name":"@shop/web","version":"2.0.0","scripts":{"start":"next start"}}"#,
    );
    let next = "node_modules/next/dist/bin/next start";
    for (script, args) in [
        ("npm", "start -w @shop/web"),
        ("npm", "-w apps/web run start"),
        ("yarn", "workspace @shop/web start"),
        ("pnpm", "--filter @shop/web start"),
        ("npm --workspace=@shop/web start", ""),
    ] {
        let app = world.start(script, &given(args, &[("instances", "2")]));
        assert_eq!(run(&world, &app), next, "{script} {args}");
        assert_eq!(app.cwd, world.ctx.cwd.join("apps/web"), "{script} {args}");
    }
}

#[test]
fn the_variables_are_those_that_npm_gives() {
    let world = package(r#"{"serve":"node server.js --x"}"#);
    std::fs::create_dir(world.ctx.cwd.join("sub")).unwrap();
    let mut world = world;
    let root = world.ctx.cwd.clone();
    world.ctx.cwd = root.join("sub");
    let app = world.start("npm", &given("run serve", &[("name", "web")]));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for (name, expected) in [
        ("npm_lifecycle_event", "serve".to_owned()),
        ("npm_lifecycle_script", "node server.js --x".to_owned()),
        ("npm_command", "run".to_owned()),
        ("npm_package_name", "shop".to_owned()),
        ("npm_package_version", "1.2.3".to_owned()),
        ("npm_package_json", text(&root.join("package.json"))),
        ("npm_config_local_prefix", text(&root)),
        ("INIT_CWD", text(&root.join("sub"))),
        ("PWD", text(&root)),
    ] {
        assert_eq!(app.env.get(name), Some(expected.as_str()), "{name}");
    }
    let agent = app.env.get("npm_config_user_agent").unwrap();
    assert!(agent.contains(" node/v20.1.0 linux "), "{agent}");
    let path = app.env.get("PATH").unwrap();
    let first = text(&root.join("node_modules/.bin"));
    assert!(path.starts_with(&format!("{first}:")) && path.ends_with("/bin"), "{path}");
    assert_eq!((app.cwd, app.name), (root, "web".to_owned()));
}

#[test]
fn what_needs_a_shell_is_refused_for_a_cluster_and_runs_as_it_is_in_fork_mode() {
    let scripts = r#"{"both":"node a.js && node b.js","piped":"node a.js | pino",
        "around":"node a.js","prearound":"true","dev":"nodemon a.js",
        "gone":"vite preview","py":"python3 a.py",
        "loop":"npm run loop"}"#;
    let world = package(scripts);
    world.program("../bin/python3", b"\x7fELF\0\0\0");
    for (args, why) in [
        ("run both", "needs a shell: it has more than one program (`&`)"),
        ("run piped", "needs a shell: it has more than one program (`|`)"),
        ("run around", "the script `prearound` runs with `around`"),
        ("run dev", "`nodemon` starts the program as its child"),
        ("run gone", "there is no program `vite` in `node_modules/.bin` or PATH"),
        ("run py", "`python3` is no program of Node"),
        ("run loop", "leads to more than 8 other scripts"),
        ("run nothing", "`package.json` has no script `nothing`, but `both`, `piped`"),
        ("install", "`npm install` runs no script of `package.json`"),
    ] {
        let refused = world.refused("npm", &given(args, &[("instances", "2")]));
        assert!(refused.contains(why), "{args}: {refused}");
        let app = world.start("npm", &given(args, &[]));
        let is_npm = app.script == world.ctx.cwd.parent().unwrap().join("bin/npm");
        assert_eq!(is_npm, args != "run py", "{args}: {}", app.script.display());
    }
    // A line for the shell is one without a cluster.
    let app = world.start("npm run both", &given("", &[]));
    assert_eq!(app.args, ["-c", "npm run both"]);
}

#[test]
fn a_process_file_leads_to_the_program_too_and_says_so() {
    let world = package(r#"{"start":"next start"}"#);
    for app in [
        r#"{"name":"web","script":"npm","args":"start","instances":2,"exec_mode":"cluster"}"#,
        r#"{"name":"web","script":"npm start","exec_mode":"cluster"}"#,
        r#"{"name":"web","script":"next start","exec_mode":"cluster"}"#,
    ] {
        let (apps, said) =
            load_text(&format!("{{\"apps\":[{app}]}}"), "x.json", &Options::default(), &world.ctx);
        let next = "node_modules/next/dist/bin/next";
        assert_eq!(run(&world, &apps[0]), format!("{next} start"), "{app}");
        let own = said[0].own_message();
        assert!(own.ends_with(&format!("is run as `next start`, by `{next}` alone")), "{own}");
    }
}

#[test]
fn a_wrapper_of_the_shell_in_node_modules_is_seen_through_for_a_cluster() {
    let world = package("{}");
    std::fs::remove_file(world.ctx.cwd.join("node_modules/.bin/next")).unwrap();
    let text = "#!/bin/sh\nexec node  \"$basedir/../next/dist/bin/next\" \"$@\"\n";
    world.program("node_modules/.bin/next", text);
    let more = [("exec_mode", "cluster")];
    for (script, args) in [("node_modules/.bin/next", "start"), ("npx", "next start")] {
        let app = format!(
            r#"{{"apps":[{{"script":"{script}","args":"{args}","{}":"{}"}}]}}"#,
            more[0].0, more[0].1
        );
        let (apps, said) = load_text(&app, "x.json", &Options::default(), &world.ctx);
        assert_eq!(run(&world, &apps[0]), "node_modules/next/dist/bin/next start", "{said:?}");
    }
}
