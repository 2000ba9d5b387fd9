//! Our own client for Node (`clients/node`) against a real daemon.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ostler_testkit::run::finish;
use ostler_testkit::runtimes::{nodes, npm_package};

use crate::start_e2e::sandbox;

/// Enough for all of its tests on a busy machine.
const LIMIT: Duration = Duration::from_secs(500);

fn client() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clients/node");
    path.canonicalize().unwrap()
}

#[test]
fn the_client_for_node_does_everything_with_a_daemon() {
    // The oldest and the newest.
    let all = nodes();
    for runtime in [all.first(), all.last()].into_iter().flatten() {
        let mut s = sandbox();
        s.use_runtime(runtime);
        for test in ["frames.test.cjs", "daemon.test.cjs"] {
            let mut command = s.command_of(&runtime.path);
            command.arg(client().join("test").join(test));
            command.env("PROGRAM_UNDER_TEST", env!("CARGO_BIN_EXE_ostler"));
            let ran = finish(command, b"", LIMIT);
            assert_eq!(ran.code, 0, "{}: {}{}", runtime.name, ran.out, ran.err);
            // The report is of another form in newer versions.
            let passed = ["# fail 0", "fail 0"].iter().any(|line| ran.out.contains(line));
            assert!(passed, "{}: {}", runtime.name, ran.out);
        }
    }
}

#[test]
fn the_types_of_the_client_for_node_say_what_may_be_written() {
    let (Some(typescript), Some(types)) =
        (npm_package("typescript", "typescript"), npm_package("node-types", "@types"))
    else {
        return;
    };
    let s = sandbox();
    let Some(runtime) = nodes().pop() else { return };
    let mut command = s.command_of(&runtime.path);
    command.arg(typescript.join("bin/tsc")).arg("--project").arg(client());
    command.arg("--typeRoots").arg(types);
    let ran = finish(command, b"", LIMIT);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}
