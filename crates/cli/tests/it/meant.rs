//! What was probably meant: hints are lines that can be pasted, about what was typed.

use crate::fake::{Fake, process};
use crate::start_e2e::sandbox;
use crate::words::online;
use ostler_testkit::pty;
use ostler_wire::control::FrameKind;
use serde_json::json;

/// Hints under the name `pm2` were commands of the other name, which has another home.
#[test]
fn a_hint_names_the_command_by_the_name_that_was_used() {
    let fake = Fake::with(vec![process(0, "app")]);
    fake.pm2("set a.b v");
    for (line, said) in [
        ("multiset a", "hint: write key and value, as in `pm2 set a.LOG_LEVEL debug`; `pm2 get a`"),
        ("set a.b.c w", "hint: `pm2 unset a.b` removes the value"),
        (
            "monit",
            "[PM2][ERROR] `monit` needs a terminal, and its input is none\nhint: in a pipe, `pm2",
        ),
    ] {
        let ran = fake.pm2(line);
        assert!(ran.err.contains(said) && !ran.err.contains("`ostler "), "{line}: {}", ran.err);
    }
}

/// A hint had `NAME` or `APP` although the name was known, or was about something else.
#[test]
fn a_hint_is_about_what_was_typed() {
    let running = |id| online(id, "api");
    let fake = Fake::with(vec![running(0), running(1)]);
    for (line, said) in [
        ("restart api -i 3", "hint: `ostler scale api 3` changes how many"),
        ("reload api -i 3", "hint: `ostler scale api 3` changes how many"),
        ("start api -i 3", "hint: `ostler scale api 3` changes how many"),
        ("start 0 1", "hint: `ostler restart 0 1` stops and starts them again"),
        ("logs -f", "hint: `ostler logs` goes on by itself"),
        ("logs -n 3", "hint: write `--lines 3`"),
        ("explain api", "hint: `ostler explain` lists the codes\n"),
        ("dev", "hint: `ostler help` shows every command"),
        ("top", "hint: did you mean `ostler monit`?"),
        ("scale api", "hint: write it as in `ostler scale api 4`\n"),
    ] {
        let ran = fake.ostler(line);
        assert!(ran.code != 0 && ran.err.contains(said), "{line}: {}", ran.err);
    }
    let page = fake.ostler("explain error[wrong-form]");
    assert!(page.out.starts_with("wrong-form: "), "{}{}", page.out, page.err);
    // Two options in one word; `m` was taken for a value.
    assert_eq!(fake.ostler("list -am").code, 0);
}

#[test]
fn who_was_probably_meant_is_named_by_every_command() {
    // A daemon lists only what a word means.
    let fake = Fake::saying(
        vec![process(0, "server"), process(1, "crash loop")],
        Box::new(|request| {
            request.get("meant")?.get("word").filter(|word| word.is_string())?;
            Some(vec![(FrameKind::Reply, json!({"list": {"processes": []}}))])
        }),
    );
    for command in
        ["restart", "reload", "describe", "reset", "stop", "delete", "list", "flush", "start"]
    {
        let ran = fake.end(fake.command("ostler", [command, "serer"]));
        let meant = format!("hint: did you mean `ostler {command} server`?");
        assert!(ran.err.contains(&meant), "{command}: {}", ran.err);
        let ran = fake.end(fake.command("ostler", [command, "crash lop"]));
        // A line of several words is a command to `start`.
        let meant = format!("did you mean `ostler {command} 'crash loop'`?");
        assert!(command == "start" || ran.err.contains(&meant), "{command}: {}", ran.err);
    }
    let ran = fake.ostler("scale serer 2");
    let meant = "hint: did you mean `ostler scale server 2`?";
    assert!(ran.err.contains(meant), "{}", ran.err);
}

#[test]
fn an_argument_that_is_taken_for_fields_is_shown_at_its_place() {
    let fake = Fake::with(vec![process(0, "api")]);
    let ran = fake.ostler("list --json api");
    let hint = "hint: if it is an argument: `ostler list api --json`; the fields are id, ";
    assert!(ran.code == 2 && ran.err.contains(hint), "{}", ran.err);
    let ran = fake.ostler("list --json api,id");
    assert!(ran.err.contains("hint: the fields are id, "), "{}", ran.err);
    assert_eq!(fake.ostler("list api --json id").out, "[{\"id\":0}]\n");
}

#[test]
fn a_name_with_a_dash_stands_behind_two_in_what_is_to_be_pasted() {
    let sandbox = sandbox();
    sandbox.write("ends.sh", "exit 1");
    sandbox.ostler(["start", "ends.sh", "--name=-x", "--max-restarts", "0"]).run();
    sandbox.wait_status("-x", "errored", 1, ostler_testkit::run::LIMIT);
    let mut command = sandbox.command();
    command.args(["describe", "--", "-x"]);
    let said = pty::in_window(command, 120).out;
    assert!(said.contains("`ostler logs -- -x` has more"), "{said}");
    sandbox.ostler(["logs", "--err", "--nostream", "--", "-x"]).run();
    sandbox.ostler(["restart", "--", "-x"]).run();
}

/// `stop two` was answered by "did you mean `two words`?", and a tab stood raw in it.
#[test]
fn what_was_probably_meant_is_the_line_that_a_shell_reads_as_that() {
    let names = ["two words", "tab\there", "esc\u{1b}[31mred", "it's", "-dash", "$HOME `id`"];
    let processes = (0..).zip(names).map(|(id, name)| process(id, name)).collect();
    let fake = Fake::saying(
        processes,
        Box::new(|request| {
            request.get("meant")?.get("word").filter(|word| word.is_string())?;
            Some(vec![(FrameKind::Reply, json!({"list": {"processes": []}}))])
        }),
    );
    let typed = ["two", "tab here", "esc", "its", "dash", "$HOME"];
    for (word, name) in typed.into_iter().zip(names) {
        let ran = fake.end(fake.command("ostler", ["stop", word]));
        let (_, hint) = ran.err.split_once("hint: did you mean `").unwrap();
        let line = hint.strip_suffix("`?\n").unwrap();
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
        let script = format!("ostler() {{ printf '%s\\n' \"$@\"; }}; {line}");
        let output = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
        let read = String::from_utf8(output.stdout).unwrap();
        let dashes = if name.starts_with('-') { "--\n" } else { "" };
        assert_eq!(read, format!("stop\n{dashes}{name}\n"), "{line}");
    }
}

/// `list --json nmae`, `--progress plian`, `wait --for redy`: words, and no command.
#[test]
fn a_value_that_is_nearly_another_is_shown_put_right_in_its_line() {
    let fake = Fake::with(vec![process(0, "api")]);
    for (line, meant) in [
        ("list --json nmae", "`ostler list --json name`"),
        ("list --json nmae,pid", "`ostler list --json name,pid`"),
        ("list --format {nmae}", "`ostler list --format '{name}'`"),
        ("stop api --progress plian", "`ostler stop api --progress plain`"),
        ("wait api --for redy", "`ostler wait api --for ready`"),
        ("relaod api --wait", "`ostler reload api --wait`"),
        ("explain wrong-from", "`ostler explain wrong-form`"),
        ("scale api x", "`ostler scale api 4`"),
        ("start api.js --max-memory-restart 12Q", "`--max-memory-restart 100M`"),
        ("start api.js --kill-signal nope", "`--kill-signal SIGTERM`"),
        ("wait api --timeout 30", "`--timeout=30s`"),
    ] {
        let ran = fake.ostler(line);
        let (_, hint) = ran.err.split_once("\nhint: ").unwrap_or_else(|| panic!("{}", ran.err));
        assert!(hint.contains(meant), "{line}: {hint}");
    }
}
