//! Variables that are read at each start, and stand nowhere.

use std::path::Path;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, Victim};

use crate::takeover::{SOON, kill_daemon, sandbox};

const OF_FILE: &str = "value-of-the-file";
const OF_COMMAND: &str = "value-of-the-command";

/// A sandbox with an app that is given two secrets.
fn world() -> Sandbox {
    let sandbox = sandbox();
    sandbox.victim("app", Victim::Sleeper);
    sandbox.write("secrets/db", format!("{OF_FILE}\n"));
    // The command is no secret; what it prints is.
    sandbox.write("tell.sh", format!("echo {OF_COMMAND} | rev\n"));
    let secrets = "{ DB: { file: secrets/db }, TOKEN: { command: 'sh tell.sh' } }";
    let file = format!("- {{ script: app.sh, env: {{ DB: shown }}, secrets: {secrets} }}");
    sandbox.write("eco.yaml", file);
    sandbox
}

/// The secrets of the app's process, when that is another than this one.
fn secrets_of(sandbox: &Sandbox, before: u32) -> (u32, Vec<String>) {
    let pid = sandbox
        .wait_for("a run", SOON, || sandbox.pids_of("app").into_iter().find(|pid| *pid != before));
    let of = |name: &str| procs::env_of(pid, name).unwrap();
    (pid, vec![of("DB"), of("TOKEN")])
}

/// All that can be read below a folder.
fn files_below(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files_below(&entry.path(), found);
        } else if kind.is_file() {
            let text = std::fs::read(entry.path()).unwrap_or_default();
            found.push((entry.path().display().to_string(), text));
        }
    }
}

#[test]
fn secrets_are_read_at_each_start_and_stand_in_no_file_and_no_answer() {
    let sandbox = world();
    sandbox.ostler(["start", "eco.yaml"]).run();
    let told: String = OF_COMMAND.chars().rev().collect();
    let (first, secrets) = secrets_of(&sandbox, 0);
    assert_eq!(secrets, [OF_FILE, &told]);
    sandbox.ostler(["save"]).run();
    // After a crash, with another daemon, and after a change of the file.
    procs::signal(first, Signal::KILL);
    let (second, secrets) = secrets_of(&sandbox, first);
    assert_eq!(secrets, [OF_FILE, &told]);
    kill_daemon(&sandbox);
    sandbox.write("secrets/db", "another-value");
    sandbox.ostler(["restart", "app"]).run();
    let (_, secrets) = secrets_of(&sandbox, second);
    assert_eq!(secrets, ["another-value", &told]);

    let mut found = Vec::new();
    files_below(&sandbox.home(), &mut found);
    assert!(found.len() > 3, "{}", found.len());
    let asked: [&[&str]; 7] = [
        &["jlist"],
        &["prettylist"],
        &["describe", "app"],
        &["describe", "app", "--json"],
        &["env", "0"],
        &["plan", "eco.yaml"],
        &["logs", "daemon", "--nostream", "--lines", "1000"],
    ];
    for args in asked {
        found.push((args.join(" "), sandbox.ostler(args).any_code().run().out.into_bytes()));
    }
    for (place, text) in found {
        let text = String::from_utf8_lossy(&text).into_owned();
        for secret in [OF_FILE, "another-value", told.as_str()] {
            assert!(!text.contains(secret), "`{secret}` stands in `{place}`: {text}");
        }
    }
}

#[test]
fn a_secret_that_is_not_there_is_a_failed_start_that_says_which() {
    let sandbox = world();
    std::fs::remove_file(sandbox.work().join("secrets/db")).unwrap();
    let said = sandbox.ostler(["start", "eco.yaml"]).code(1).run();
    let why = "could not be started: secret `DB`: could not read `";
    assert!(said.err.contains(why) && said.err.contains("No such file"), "{}", said.err);
    sandbox.wait_status("app", "errored", 1, SOON);
    sandbox.write("secrets/db", "there");
    sandbox.write("tell.sh", "echo why >&2; exit 4");
    let said = sandbox.ostler(["restart", "app"]).code(1).run();
    let why = "secret `TOKEN`: its command ended with exit code 4";
    assert!(said.err.contains(why), "{}", said.err);
    sandbox.write("tell.sh", "echo ok");
    sandbox.ostler(["restart", "app"]).run();
    assert_eq!(secrets_of(&sandbox, 0).1, ["there", "ok"]);
}
