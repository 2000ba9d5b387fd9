//! Command lines that are not understood, and daemons that are not there or not well.

use std::process::Stdio;

use ostler_wire::control::FrameKind;
use serde_json::json;

use crate::fake::{Fake, process};

#[test]
fn misuse_is_told_as_pm2_tells_it() {
    let fake = Fake::with(vec![]);
    let check = |line: &str, code: i32, out: &str, err: &str| {
        let ran = fake.pm2(line);
        assert_eq!((ran.code, ran.err.as_str()), (code, err), "{line}");
        assert!(
            ran.out.starts_with(out) && (ran.out.is_empty() == out.is_empty()),
            "{line}: {}",
            ran.out
        );
    };
    check("", 1, "usage: pm2 [options] <command>\n", "");
    check(
        "lits",
        1,
        "[PM2][ERROR] Command not found\nhint: did you mean `pm2 list`?\n\nusage: pm2",
        "",
    );
    check("-h", 0, "\n  Usage: pm2 [options] <command>\n", "");
    check("stop -h", 0, "\n  Usage: pm2 [options] stop <id|", "");
    check("list --zz", 1, "", "\n  error: unknown option `--zz'\n\n");
    check(
        "list --sorts x",
        1,
        "",
        "\n  error: unknown option `--sorts'\n  hint: did you mean `--sort`?\n\n",
    );
    check("logs --lines", 1, "", "\n  error: option `--lines <n>' argument missing\n\n");
    check(
        "describe",
        1,
        "",
        "\n  error: missing required argument `name|id'\n  \
         hint: usage: pm2 describe|desc|info|show <name|id...>\n\n",
    );
    check(
        "kill xx",
        1,
        "",
        "\n  error: Unknown command argument: xx\n  hint: `pm2 kill` takes no such argument\n\n",
    );
    assert!(fake.asked().is_empty());
}

#[test]
fn an_answer_that_is_not_understood_is_an_error_with_a_way_out() {
    let fake = Fake::saying(
        vec![],
        Box::new(|request| {
            (request == "list").then(|| vec![(FrameKind::Reply, json!({"list": {"processes": 7}}))])
        }),
    );
    let ran = fake.ostler("list");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.starts_with("error: the daemon's answer is not understood: "), "{}", ran.err);
    assert!(ran.err.contains("\nhint: run `ostler update`"), "{}", ran.err);
}

#[test]
fn homes_that_cannot_be_used_say_what_to_do() {
    let fake = Fake::silent();
    let long = fake.home().join("x".repeat(120));
    let mut command = fake.command("ostler", ["list"]);
    command.env("OSTLER_HOME", &long);
    let ran = fake.end(command);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("bytes, the system allows 107\nhint: set OSTLER_HOME"), "{}", ran.err);
    let mut command = fake.command("ostler", ["list"]);
    command.env_remove("OSTLER_HOME").env_remove("HOME");
    let ran = fake.end(command);
    assert!(ran.err.starts_with("error: there is no home directory"), "{}", ran.err);
}

#[test]
fn a_closed_pipe_is_no_error_and_a_full_disk_is_one() {
    let fake = Fake::with((0..2000).map(|id| process(id, "app")).collect());
    let mut child = fake
        .command("ostler", ["list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output =
        fake.command("ostler", ["list"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("cannot write to standard output: No space left")
    );
}
