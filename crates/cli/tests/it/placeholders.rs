//! Arguments and variables that are each instance's own.

use std::collections::BTreeSet;

use ostler_testkit::procs;

use crate::takeover::{SOON, sandbox};

#[test]
fn each_instance_has_arguments_and_variables_of_its_own() {
    let sandbox = sandbox();
    sandbox.write("app.sh", "exec sleep 1000000 # $1\n");
    sandbox.write(
        "eco.json",
        r#"[{
      "script": "app.sh", "interpreter": "sh", "instances": 2, "exec_mode": "fork", "port": 4100,
      "env": { "URL": "http://here:{port+instance}/{instance}" }
    }]"#,
    );
    sandbox.ostler(["start", "eco.json"]).run();
    let own = ["http://here:4100/0".to_owned(), "http://here:4101/1".to_owned()];
    sandbox.wait_for("both", SOON, || {
        let of = |pid: &u32| procs::env_of(*pid, "URL").unwrap_or_default();
        let all: BTreeSet<String> = sandbox.pids_of("app").iter().map(of).collect();
        (all == BTreeSet::from(own.clone())).then_some(())
    });
    sandbox.write("eco.json", r#"[{ "script": "app.sh", "args": "{port}" }]"#);
    let said = sandbox.ostler(["validate", "eco.json"]).code(1).run();
    let said = format!("{}{}", said.out, said.err);
    assert!(said.contains("`args` has `{port}`, but the app has no `port`"), "{said}");
}

#[test]
fn a_port_that_is_written_for_each_instance_is_each_instances_own() {
    let sandbox = sandbox();
    sandbox.write("app.sh", "exec sleep 1000000 # $1\n");
    sandbox.write(
        "eco.json",
        r#"[{
      "script": "app.sh", "interpreter": "sh", "instances": 2, "exec_mode": "fork", "port": 4100,
      "args": "{port+instance}", "env": { "PORT": "{port+instance}" }
    }]"#,
    );
    sandbox.ostler(["start", "eco.json"]).run();
    let ports = || {
        let of = |pid: &u32| procs::env_of(*pid, "PORT").unwrap_or_default();
        sandbox.pids_of("app").iter().map(of).collect::<BTreeSet<String>>()
    };
    let are = |wanted: &[&str]| {
        let wanted: BTreeSet<String> = wanted.iter().map(|port| (*port).to_owned()).collect();
        sandbox.wait_for("ports of their own", SOON, || (ports() == wanted).then_some(()));
    };
    are(&["4100", "4101"]);
    sandbox.ostler(["scale", "app", "3"]).run();
    are(&["4100", "4101", "4102"]);
    sandbox.ostler(["save"]).run();
    sandbox.ostler(["kill"]).run();
    sandbox.ostler(["resurrect"]).run();
    are(&["4100", "4101", "4102"]);
}

#[test]
fn an_app_that_asks_for_any_port_gets_one_that_is_free_and_keeps_it() {
    let sandbox = sandbox();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let first = taken.local_addr().unwrap().port();
    sandbox.write("app.sh", "exec sleep 1000000 # $1\n");
    let range = format!("{first}-{}", first.saturating_add(500));
    let app = |name: &str| {
        format!(
            r#"{{ "name": "{name}", "script": "app.sh", "port": "{range}", "args": "{{port}}" }}"#
        )
    };
    sandbox.write("eco.json", format!("[{}, {}]", app("a"), app("b")));
    sandbox.ostler(["start", "eco.json"]).run();
    let port = |name: &str| {
        let pid = sandbox.pids_of(name)[0];
        sandbox.wait_for("its variables", SOON, || procs::env_of(pid, "PORT"))
    };
    let (a, b) = (port("a"), port("b"));
    assert!(a != b && ![&a, &b].contains(&&first.to_string()), "{first} {a} {b}");
    assert!(sandbox.ostler(["plan", "eco.json"]).run().out.matches("nothing changed").count() == 2);
    for command in ["restart", "reload"] {
        sandbox.ostler([command, "eco.json"]).run();
        assert_eq!((port("a"), port("b")), (a.clone(), b.clone()), "{command}");
    }
    sandbox.ostler(["save"]).run();
    sandbox.ostler(["kill"]).run();
    sandbox.ostler(["resurrect"]).run();
    assert_eq!((port("a"), port("b")), (a, b));
    let said = sandbox.ostler(["scale", "a", "2"]).code(1).run();
    assert!(said.err.contains("each process in fork mode needs one of its own"), "{}", said.err);
}
