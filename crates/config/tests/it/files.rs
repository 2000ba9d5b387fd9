//! Process files that are right.

use ostler_config::{Options, Severity, load, load_text};
use ostler_core::spec::{ExecMode, Probe};

use crate::world::{World, options};

fn world() -> World {
    let world = World::new(&["node", "bash"]);
    for file in ["a.js", "b.js"] {
        world.file(file, "");
    }
    world
}

#[track_caller]
fn names(text: &str) -> Vec<String> {
    world().apps(text, &Options::default()).into_iter().map(|app| app.name).collect()
}

#[test]
fn every_shape_is_accepted() {
    assert_eq!(
        names("{apps: [{script: 'a.js'}, {script: './b.js', name: 'second'}]}"),
        ["a", "second"]
    );
    assert_eq!(names("{apps: {script: 'a.js'}}"), ["a"]);
    assert_eq!(names("{pm2: [{script: 'a.js'}]}"), ["a"]);
    assert_eq!(names("{name: 'pkg', version: '1', pm2: {apps: [{script: 'a.js'}]}}"), ["a"]);
    assert_eq!(names("[{script: 'a.js'}, null,]"), ["a"]);
    assert_eq!(names("{script: 'a.js'}"), ["a"]);
    assert_eq!(names("{exec: 'a.js'}"), ["a"]);
    assert_eq!(names("{script: 'sleep 100'}"), ["sleep 100"]);
}

#[test]
fn keys_have_aliases_and_camel_case_and_numbers_may_be_texts() {
    let app = world().app(
        "{cmd: 'a.js', killTimeout: '2000', output: 'o.log', err: 'e.log', combine_logs: false,
          exec_interpreter: 'bash', interpreterArgs: '-e -u', minUptime: 5000,
          max_memory_restart: 1e6, args: [1, 'b c', true], listen_timeout: null}",
    );
    assert_eq!(
        (app.policy.stop_grace, app.policy.min_uptime, app.policy.max_memory),
        (2000, 5000, Some(1_000_000))
    );
    assert!(
        app.logs.out.unwrap().ends_with("app/o.log")
            && app.logs.err.unwrap().ends_with("app/e.log")
    );
    assert_eq!((app.logs.merge, app.interpreter.as_deref()), (false, Some("bash")));
    assert_eq!(
        (app.interpreter_args, app.args),
        (vec!["-e".into(), "-u".into()], vec!["1".into(), "b c".into(), "true".into()])
    );
    assert_eq!((app.policy.ready_timeout, app.policy.verify_timeout), (3000, 30_000));
}

#[test]
fn the_mode_that_is_written_wins() {
    let app = world().app("{script: 'a.js', exec_mode: 'cluster'}");
    assert_eq!((app.exec_mode, app.instances, app.logs.merge), (ExecMode::Cluster, 1, false));
    let app = world().app("{script: 'a.js', exec_mode: 'fork', instances: 3}");
    assert_eq!((app.exec_mode, app.instances, app.instances_given), (ExecMode::Fork, 3, true));
    let app = world().app("{script: 'a.js', instances: 'max'}");
    assert_eq!((app.exec_mode, app.instances, app.logs.merge), (ExecMode::Cluster, 4, true));
}

#[test]
fn the_environment_has_an_order() {
    let text = "{
      apps: [{ script: 'a.js', port: 8080, append_env_to_name: true,
        env: { A: 'env', B: 'env', C: 'env', NODE_ENV: 'env', N: 1, T: true, O: {x: 1},
               L: [1, 2], Z: null },
        env_prod: { A: 'prod', B: 'prod' } }],
      deploy: { prod: { env: { A: 'deploy', C: 'deploy', D: 'deploy' } } },
    }";
    let world = world();
    let app =
        world.apps(text, &Options { env: Some("prod".to_owned()), ..Options::default() }).remove(0);
    let get = |name: &str| app.env.get(name).unwrap_or_default();
    assert_eq!(
        ["A", "B", "C", "D", "NODE_ENV", "SHELL_VAR"].map(get),
        ["prod", "prod", "env", "deploy", "env", "s"]
    );
    assert_eq!(
        ["N", "T", "O", "L", "Z", "PORT"].map(get),
        ["1", "true", "{\"x\":1}", "[1,2]", "null", "8080"]
    );
    assert_eq!(get("PM2_HOME"), world.ctx.home.to_str().unwrap());
    assert_eq!(get("OSTLER_HOME"), "", "nothing that nobody has set");
    assert_eq!(get("PM2_JSON_PROCESSING"), "true");
    assert_eq!(app.name, "a-prod");
    let plain = world.apps(text, &Options::default()).remove(0);
    assert_eq!(plain.env.get("A"), Some("env"));
    assert_eq!((plain.env.get("D"), plain.name.as_str()), (None, "a"));
}

/// An app that was started with both variables reached another manager by one of the two names.
#[test]
fn the_home_of_the_shell_is_replaced_by_the_home_of_the_manager() {
    let mut world = world();
    world.ctx.env.insert("OSTLER_HOME".to_owned(), "/of/the/shell".to_owned());
    let app = world.apps("{ script: 'a.js' }", &Options::default()).remove(0);
    let home = world.ctx.home.to_str();
    assert_eq!((app.env.get("OSTLER_HOME"), app.env.get("PM2_HOME")), (home, home));
}

#[test]
fn inherited_variables_can_be_filtered() {
    let has = |filter: &str| {
        let app = world()
            .app(&format!("{{script: 'a.js', filter_env: {filter}, env: {{SHELL_SET: 1}}}}"));
        ["PATH", "SHELL_VAR", "SHELL_SET"].map(|name| app.env.contains(name))
    };
    assert_eq!(has("false"), [true, true, true]);
    assert_eq!(has("true"), [false, false, true]);
    assert_eq!(has("['SHELL']"), [true, false, true]);
    assert_eq!(has("'SHELL'"), [true, true, true]);
    assert_eq!(has("'SHELL_VAR'"), [true, false, true]);
}

#[test]
fn only_some_apps_are_taken() {
    let text =
        "[{script: 'a.js'}, {script: 'b.js', name: 'two'}, {script: 'missing.js', name: 'three'}]";
    let world = world();
    let only = |names: &[&str]| {
        let options = Options {
            only: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Options::default()
        };
        let (specs, report) = load_text(text, "standard input", &options, &world.ctx);
        (
            specs.into_iter().map(|spec| spec.name).collect::<Vec<_>>().join(" "),
            world.render(&report),
        )
    };
    assert_eq!(only(&["two,a"]), ("a two".to_owned(), String::new()));
    let (started, said) = only(&["two", "tow"]);
    assert!(
        started.is_empty()
            && said.contains("no app of this file is called `tow`")
            && said.contains("did you mean `two`?"),
        "{said}"
    );
}

#[test]
fn options_that_pm2_ignores_with_a_file_are_said_to_be() {
    let world = world();
    world.file("eco.json", "{script: 'a.js', kill_timeout: 5}");
    let options = Options {
        args: Some(vec!["y".to_owned()]),
        ..options(&[("namespace", "x"), ("kill-timeout", "9")])
    };
    let (specs, report) = load("eco.json", &options, &world.ctx);
    assert_eq!(
        (specs[0].namespace.as_str(), specs[0].policy.stop_grace, specs[0].args.as_slice()),
        ("x", 5, ["y".to_owned()].as_slice())
    );
    assert_eq!(
        (report.len(), report[0].severity, report[0].code),
        (1, Severity::Warning, "ignored-option")
    );
}

#[test]
fn an_app_without_its_script_does_not_stop_the_others() {
    let world = world();
    world.file("eco.json", "[{script: 'a.js'}, {script: 'missing.js'}]");
    let (specs, report) = load("eco.json", &Options::default(), &world.ctx);
    assert_eq!((specs.len(), report.len(), report[0].is_error()), (1, 1, true));
    world.file("eco.json", "[{script: 'a.js'}, {script: 'b.js', kill_timeout: true}]");
    let (specs, report) = load("eco.json", &Options::default(), &world.ctx);
    assert_eq!((specs.len(), report.len()), (0, 1));
}

#[test]
fn a_missing_file_says_where_it_was_looked_for() {
    let world = world();
    let (_, report) = load("eco.json", &Options::default(), &world.ctx);
    let said = world.render(&report);
    assert!(said.contains("File eco.json not found") && said.contains("$CWD/eco.json"), "{said}");
}

#[test]
fn health_is_read_with_its_defaults() {
    let health =
        |text: &str| world().app(&format!("{{script: 'a.js', health: {text}}}")).health.unwrap();
    let got = health("{http: 'http://localhost:3000/ok', retries: '2'}");
    assert_eq!((got.interval, got.timeout, got.retries), (1000, 2000, 2));
    assert_eq!(health("{tcp: 3000}").probe, Probe::Tcp { address: "127.0.0.1:3000".to_owned() });
    assert_eq!(health("{exec: 'true'}").probe, Probe::Exec { command: "true".to_owned() });
}

#[test]
fn a_grpc_check_is_a_server_and_perhaps_a_service() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let probe = |health: &str| {
        world.file("eco.json", format!("{{ script: 'a.js', health: {health} }}"));
        let (specs, report) = load("eco.json", &Options::default(), &world.ctx);
        assert!(report.is_empty(), "{}", world.render(&report));
        specs[0].health.clone().unwrap().probe
    };
    let grpc = |address: &str, service: &str| Probe::Grpc {
        address: address.to_owned(),
        service: service.to_owned(),
    };
    assert_eq!(probe("{ grpc: 50051 }"), grpc("127.0.0.1:50051", ""));
    assert_eq!(probe("{ grpc: '[::1]:5', service: 'a.B' }"), grpc("[::1]:5", "a.B"));
}

#[test]
fn descriptors_by_number_are_ports_addresses_and_paths() {
    let app =
        world().app("{script: 'a.js', fds: {3: 8080, '4': '[::1]:81', '5': '/run/app.sock'}}");
    let said: Vec<String> =
        app.fds.iter().map(|(number, address)| format!("{number} {address}")).collect();
    assert_eq!(said, ["3 8080", "4 [::1]:81", "5 /run/app.sock"]);
}
