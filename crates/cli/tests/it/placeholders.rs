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
