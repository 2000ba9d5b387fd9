//! What a person sees in a terminal.

use std::os::unix::process::CommandExt as _;

use ostler_testkit::pty::in_window;
use ostler_testkit::run::LIMIT;
use ostler_testkit::{Sandbox, Victim, wait_connect};

use crate::start_e2e::{sandbox, wait_log, wait_one};

/// What the command shows in a terminal of so many columns.
fn seen(sandbox: &Sandbox, words: &[&str], columns: u16) -> String {
    let mut command = sandbox.command();
    command.arg0("ostler").args(words);
    let shown = in_window(command, columns).success().out;
    let widest = shown.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(columns.into()), "wider than {columns}:\n{shown}");
    shown
}

#[test]
fn the_list_fits_its_window_and_says_where_apps_listen_and_how_they_ended() {
    let sandbox = sandbox();
    let (port, shared) = (sandbox.port(), sandbox.port());
    let app = sandbox.victim("web", Victim::Http);
    let start = |name: &str, port: u16, more: &[&str]| {
        let call = sandbox.ostler(["start"]).arg(&app).args(["--name", name]).args(more);
        call.env("PORT", port.to_string()).run();
        wait_connect(([127, 0, 0, 1], port).into(), LIMIT);
    };
    start("plain", port, &[]);
    start("shared", shared, &["-i", "2"]);
    let script = sandbox.write("ends.sh", "exit 3\n");
    sandbox.ostler(["start", "--no-autorestart"]).arg(script).any_code().run();
    wait_one(&sandbox, "ends", "stopped");
    for columns in [80, 120, 200] {
        let shown = seen(&sandbox, &["list"], columns);
        let row = |name: &str| {
            let is_of = |line: &&str| line.split_whitespace().any(|word| word == name);
            shown.lines().find(is_of).unwrap_or_else(|| panic!("no {name} in {shown}")).to_owned()
        };
        assert!(row("plain").contains(&format!(":{port} ")), "{shown}");
        assert!(row("plain").contains(" 1/1  ● online "), "{shown}");
        assert!(row("shared").contains(&format!(":{shared} ")), "{shown}");
        assert!(row("shared").contains(" 2/2  ● online "), "{shown}");
        assert!(row("ends").contains("○ exited"), "{shown}");
        assert!(row("ends").contains("exit 3, "), "{shown}");
    }
    let unfolded = seen(&sandbox, &["list", "--all", "shared"], 100);
    assert_eq!(unfolded.lines().count(), 3, "{unfolded}");
    for pid in sandbox.pids_of("shared") {
        assert!(unfolded.contains(&format!(" {pid} ")), "{unfolded}");
    }
    // After an action, only what it was about.
    let shown = seen(&sandbox, &["restart", "plain"], 120);
    assert!(shown.contains("plain") && !shown.contains("shared"), "{shown}");
}

#[test]
fn a_description_says_why_and_shows_the_tree_and_the_last_lines() {
    let sandbox = sandbox();
    let script = sandbox.write("tree.sh", "sleep 1000000 &\necho here I am\nwait\n");
    sandbox.ostler(["start"]).arg(&script).args(["--name", "tree"]).run();
    wait_log(&sandbox, "tree-out.log", "here I am");
    for columns in [80, 120, 200] {
        let shown = seen(&sandbox, &["describe", "tree"], columns);
        assert!(shown.starts_with("● tree: online\n  it has been online for "), "{shown}");
        assert!(shown.contains("\nprocesses\n") && shown.contains(" sleep 1000000\n"), "{shown}");
        assert!(shown.ends_with("tree-out.log\n  here I am\n"), "{shown}");
    }
    let broken = sandbox.write("broken.sh", "echo Error: listen EADDRINUSE >&2\nexit 7\n");
    let once = ["--name", "broken", "--no-autorestart"];
    sandbox.ostler(["start"]).arg(&broken).args(once).any_code().run();
    wait_one(&sandbox, "broken", "stopped");
    wait_log(&sandbox, "broken-error.log", "EADDRINUSE");
    let shown = seen(&sandbox, &["describe", "broken"], 120);
    assert!(shown.starts_with("○ broken: exited\n"), "{shown}");
    assert!(
        shown.contains(" with exit code 7 (Error: listen EADDRINUSE), and it is not to be"),
        "{shown}"
    );
    let listed = seen(&sandbox, &["list", "broken"], 80);
    assert!(listed.contains("○ exited ") && listed.contains("port in use, "), "{listed}");
    let fields =
        sandbox.ostler(["describe", "all", "--json", "name,status,end_code,cwd"]).run().out;
    let fields: serde_json::Value = serde_json::from_str(&fields).unwrap();
    let of = |at: usize, name: &str| fields[at][name].clone();
    assert_eq!((of(0, "name"), of(0, "status")), ("tree".into(), "online".into()));
    assert_eq!((of(1, "status"), of(1, "end_code")), ("exited".into(), 7.into()));
    assert_eq!(of(1, "cwd"), "[ROOT]/w");
    sandbox.ostler(["stop", "tree"]).run();
    let shown = seen(&sandbox, &["describe", "tree"], 80);
    assert!(shown.contains("\n  it was stopped by a command "), "{shown}");
}

/// A name was written as it is outside of tables.
#[test]
fn the_name_and_the_arguments_of_an_app_do_nothing_to_a_terminal() {
    let sandbox = sandbox();
    let name = "a\x1b[2J\u{202e}\nerror: b";
    let script = sandbox.write("s.sh", "echo up; exec sleep 1000\n");
    let seen = |words: &[&str]| {
        let mut command = sandbox.command();
        command.arg0("ostler").args(words).env("TERM", "dumb");
        let shown = in_window(command, 120).out;
        assert!(!shown.contains(['\x1b', '\u{202e}']), "{words:?}: {shown:?}");
        assert!(!shown.lines().any(|line| line == "error: b"), "{words:?}: {shown:?}");
        assert!(shown.contains("\\x1b[2J"), "{words:?}: {shown:?}");
        shown
    };
    let script = script.to_str().unwrap();
    seen(&["start", "--wait", script, "--name", name, "--", "\x1b[2J\u{202e}"]);
    for words in [
        &["list"][..],
        &["list", "--format", "{name}"],
        &["describe", name],
        &["logs", "--nostream", "--lines", "1"],
        &["restart", "--progress", "plain", name],
        &["wait", name, "--for", "ready"],
        &["stop", "\x1b[2J\u{202e}"],
        &["\x1b[2J\u{202e}"],
        &["reset", name],
        &["stop", name],
        &["wait", name, "--for", "ready"],
        &["delete", name],
    ] {
        seen(words);
    }
}
