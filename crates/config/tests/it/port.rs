//! An app that says its port twice.

use ostler_config::{Options, load, port_of, port_range};

use crate::world::{World, node};

/// What becomes of the variable, the port that it stands for, and the codes of what is said.
fn port(app: &str, env: Option<&str>, as_pm2: bool) -> (Option<String>, Option<u16>, String) {
    let mut world = World::new(&["node"]);
    world.ctx.node = Some(node());
    world.ctx.as_pm2 = as_pm2;
    world.file("a.js", "");
    world.file("p.env", "PORT=7");
    world.file("eco.json", app);
    let options = Options { env: env.map(str::to_owned), ..Options::default() };
    let (specs, report) = load("eco.json", &options, &world.ctx);
    let [spec] = specs.as_slice() else { panic!("{}", world.render(&report)) };
    let said: Vec<&str> = report.iter().map(|said| said.code).collect();
    (spec.env.get("PORT").map(str::to_owned), port_of(spec), said.join(" "))
}

#[test]
fn a_port_counts_over_the_variable_of_env_with_a_warning() {
    let check = |app: &str, env: Option<&str>, variable: &str, number: u16, said: &str| {
        let found = port(app, env, false);
        let variable = Some(variable).filter(|variable| !variable.is_empty());
        let number = Some(number).filter(|number| *number != 0);
        assert_eq!(found, (variable.map(str::to_owned), number, said.to_owned()), "{app}");
    };
    check("{script: 'a.js', port: 3, env: {PORT: 4}}", None, "3", 3, "two-ports");
    check("{script: 'a.js', port: 3, env_file: 'p.env'}", None, "3", 3, "two-ports");
    check("{script: 'a.js', port: 3, env: {PORT: '3'}}", None, "3", 3, "");
    check("{script: 'a.js', env: {PORT: 4}}", None, "4", 4, "");
    let selected = "{script: 'a.js', port: 3, env_prod: {PORT: 4}}";
    check(selected, Some("prod"), "4", 4, "");
    check(selected, None, "3", 3, "");
    check("{script: 'a.js', port: 'auto', env: {PORT: 4}}", None, "", 0, "two-ports");
    check("{script: 'a.js', port: 'auto', env: {PORT: '{port}'}}", None, "", 0, "");
    let app = "{script: 'a.js', port: 3, env: {PORT: 4}}";
    assert_eq!(port(app, None, true), (Some("3".to_owned()), Some(3), String::new()), "PM2");
}

#[test]
fn a_variable_that_is_made_for_each_instance_counts_over_the_port() {
    for made in ["{port+instance}", "1{port}", "4{instance}"] {
        let app = format!("{{script: 'a.js', port: 3, env: {{PORT: '{made}'}}}}");
        let found = port(&app, None, false);
        assert_eq!(found, (Some(made.to_owned()), Some(3), String::new()));
    }
}

#[test]
fn a_port_of_an_environment_is_not_chosen_by_the_daemon() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    world.file("eco.json", "{script: 'a.js', port: 'auto', env_prod: {PORT: 4}}");
    let options = Options { env: Some("prod".to_owned()), ..Options::default() };
    let (specs, report) = load("eco.json", &options, &world.ctx);
    let [spec] = specs.as_slice() else { panic!("{}", world.render(&report)) };
    assert_eq!((spec.env.get("PORT"), port_range(spec)), (Some("4"), None));
}
