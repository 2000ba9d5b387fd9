//! `export` of a process file for an engine.

use std::fs;

use crate::takeover::sandbox;

const FILE: &str = "[{ name: 'api', script: 'api.sh', kill_timeout: 4000, watch: true, \
                    env: { PORT: 80, API_TOKEN: 's3cret' }, env_live: { STAGE: 'live' } }]";

#[test]
fn a_process_file_becomes_the_file_of_an_engine_and_nothing_is_started() {
    let sandbox = sandbox();
    sandbox.write("api.sh", "exec sleep 1000000");
    sandbox.write("shop.json", FILE);
    let said = sandbox.ostler(["export", "swarm", "shop.json", "--env", "live"]).run();
    for part in ["\"/app/api.sh\"", "stop_grace_period: \"4000ms\"", "STAGE: live"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert!(!said.out.contains("s3cret"), "{}", said.out);
    let note = "warning: api: `watch`: nothing is restarted by a changed file\n";
    assert!(said.err.contains(note), "{}", said.err);
    assert_eq!(sandbox.daemon_pid(), None);
}

/// The list with its environments went into a file called `kubernets`.
#[test]
fn a_slip_in_the_name_of_an_engine_is_no_file() {
    let sandbox = sandbox();
    sandbox.write("api.sh", "exec sleep 1000000");
    sandbox.ostler(["start", "api.sh"]).run();
    let said = sandbox.ostler(["export", "kubernets"]).code(2).run().err;
    assert!(said.contains("did you mean `ostler export kubernetes`?"), "{said}");
    assert!(!sandbox.work().join("kubernets").exists());
    sandbox.ostler(["export", "./kubernets"]).run();
    assert!(sandbox.work().join("kubernets").exists());
}

#[test]
fn a_file_that_is_there_is_not_written_over() {
    let sandbox = sandbox();
    sandbox.write("api.sh", "exec sleep 1000000");
    sandbox.write("shop.json", FILE);
    let export = || sandbox.ostler(["export", "systemd", "shop.json", "--into", "units"]);
    export().run();
    let unit = sandbox.work().join("units/api.service");
    assert!(fs::read_to_string(&unit).unwrap().contains("\nTimeoutStopSec=4000ms\n"));
    fs::write(&unit, "mine").unwrap();
    let said = export().code(1).run();
    assert!(said.err.contains("api.service` is there already"), "{}", said.err);
    assert_eq!(fs::read_to_string(&unit).unwrap(), "mine");
}

#[test]
fn a_file_in_which_anything_is_wrong_is_not_exported() {
    let sandbox = sandbox();
    sandbox.write("api.sh", "exec sleep 1000000");
    sandbox
        .write("shop.json", "[{ name: 'api', script: 'api.sh' }, { name: 'b', script: 'b.sh' }]");
    let said = sandbox.ostler(["export", "compose", "shop.json"]).code(1).run();
    assert_eq!(said.out, "");
    assert!(said.err.contains("b.sh"), "{}", said.err);
    let said = sandbox.ostler(["export", "mesos", "shop.json"]).code(2).run();
    assert!(said.err.contains("no engine is called `mesos`"), "{}", said.err);
}
