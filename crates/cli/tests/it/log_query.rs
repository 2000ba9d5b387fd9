//! Lines of the past that are looked for: by time and pattern, over rotated and compressed files.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use ostler_logs::{DateReader, Names, Packing, history};
use ostler_testkit::Sandbox;

use crate::start_e2e::{SOON, sandbox};
use crate::takeover::kill_daemon;

/// Starts an app that writes nothing, into this file.
pub fn silent(s: &Sandbox, name: &str, more: &[&str]) -> PathBuf {
    let app = s.write("silent.sh", "exec sleep 1000000");
    let log = s.file(format!("{name}.log"));
    s.ostler(["start"])
        .arg(&app)
        .args(["--interpreter", "sh", "--name", name, "-e", "/dev/null", "-o"])
        .arg(&log)
        .args(more)
        .run();
    log
}

/// Writes a file that was written to last at this time.
pub fn put(path: &Path, text: &str, at: &str) {
    fs::write(path, text).unwrap();
    let (ms, _) = DateReader::new("YYYY-MM-DDTHH:mm:ss").read(at).unwrap();
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_millis(ms)).unwrap();
}

fn logs(s: &Sandbox, args: &[&str]) -> String {
    let ran = s.ostler(["logs", "--nostream", "--raw"]).args(args).run();
    ran.out
}

/// Two apps: one with dates by the manager, over three files of which the oldest is compressed;
/// one that writes its dates itself.
fn two(s: &Sandbox, packing: Packing) -> [PathBuf; 2] {
    let how = if packing == Packing::Zstd { "zstd" } else { "gzip" };
    let first = silent(s, "first", &["--time", "--log-compress", how]);
    let second = silent(s, "second", &[]);
    let past = |day: u32| first.with_file_name(format!("first__2026-11-{day}_23-00-00.log"));
    put(&past(10), "2026-11-10T10:00:00: ten\n    at ten\n", "2026-11-10T10:00:00");
    // Files are looked at when their settings are read.
    s.ostler(["reloadLogs"]).run();
    s.wait_for("the oldest to be compressed", SOON, || {
        history(&first, &[Names::default()])
            .unwrap()
            .first()
            .filter(|past| past.packed == Some(packing))
            .map(drop)
    });
    put(&past(11), "2026-11-11T10:00:00: eleven\n", "2026-11-11T10:00:00");
    put(
        &first,
        "2026-11-12T10:00:00: twelve\n2026-11-13T10:00:00: thirteen\n",
        "2026-11-13T10:00:00",
    );
    put(
        &second,
        "[2026-11-11 12:00:00.500] noon\n2026-11-13T09:59:59 before\n",
        "2026-11-13T09:59:59",
    );
    [first, second]
}

#[test]
fn lines_are_found_by_time_over_rotated_and_compressed_files_and_in_order_of_all_apps() {
    Packing::ALL.into_iter().for_each(find_by_time);
}

fn find_by_time(packing: Packing) {
    let s = sandbox();
    two(&s, packing);
    assert_eq!(
        logs(&s, &["--since", "2026-11-10"]),
        "2026-11-10T10:00:00: ten\n    at ten\n2026-11-11T10:00:00: eleven\n\
         [2026-11-11 12:00:00.500] noon\n2026-11-12T10:00:00: twelve\n\
         2026-11-13T09:59:59 before\n2026-11-13T10:00:00: thirteen\n"
    );
    let some = ["first", "--since", "2026-11-11", "--until", "2026-11-12T10:00"];
    assert_eq!(logs(&s, &some), "2026-11-11T10:00:00: eleven\n2026-11-12T10:00:00: twelve\n");
    assert_eq!(logs(&s, &["--since", "1h"]), "");
    assert_eq!(
        logs(&s, &["first", "--grep", "^(ten|t)", "--exclude", "teen", "--since", "2026-11-01"]),
        "2026-11-10T10:00:00: ten\n2026-11-12T10:00:00: twelve\n"
    );
    assert_eq!(
        logs(&s, &["first", "--lines", "4"]),
        "    at ten\n2026-11-11T10:00:00: eleven\n2026-11-12T10:00:00: twelve\n\
         2026-11-13T10:00:00: thirteen\n",
        "without a word of time, too"
    );
    assert_eq!(logs(&s, &["second", "--grep", "noon|x"]), "[2026-11-11 12:00:00.500] noon\n");
    assert_eq!(
        logs(&s, &["--lines", "3", "--reverse"]),
        "2026-11-13T10:00:00: thirteen\n2026-11-13T09:59:59 before\n2026-11-12T10:00:00: twelve\n"
    );
    assert_eq!(
        logs(&s, &["first", "--lines", "1", "--grep", "^ten"]),
        "2026-11-10T10:00:00: ten\n"
    );
    let ran = s.ostler(["logs", "first", "--nostream", "--json", "--grep", "at ten"]).run();
    let object: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&object["message"], &object["app_name"]), (&"    at ten".into(), &"first".into()));
    let (ms, _) = DateReader::new("YYYY-MM-DDTHH:mm:ss").read("2026-11-10T10:00:00").unwrap();
    assert_eq!(object["timestamp"], ostler_logs::iso(ms).unwrap());
}

#[test]
fn of_lines_without_times_only_the_times_of_their_files_are_known_and_that_is_said() {
    let s = sandbox();
    let log = silent(&s, "plain", &["--log-rotate", "never"]);
    let past = |day: u32| log.with_file_name(format!("plain__2026-11-{day}_23-00-00.log"));
    put(&past(10), "ten\n", "2026-11-10T23:00:00");
    put(&past(11), "eleven\n", "2026-11-11T23:00:00");
    put(&log, "twelve\n", "2026-11-12T10:00:00");
    let ran =
        s.ostler(["logs", "plain", "--nostream", "--raw", "--since", "2026-11-11T12:00"]).run();
    assert_eq!(ran.out, "eleven\ntwelve\n");
    assert!(ran.err.contains("plain.log` have no times"), "{}", ran.err);
    let ran = s.ostler(["logs", "plain", "--nostream", "--raw", "--grep", "en$"]).run();
    assert_eq!(ran.out, "ten\neleven\n");
    assert!(!ran.err.contains("no times"), "{}", ran.err);
}

#[test]
fn raw_lines_without_times_are_found_by_when_they_were_written() {
    let s = sandbox();
    let app =
        s.write("say.sh", "echo \"old $$\"; while read line; do echo \"$line\"; done <\"$1\"");
    let pipe = s.file("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    s.ostler(["start"])
        .arg(&app)
        .args(["--interpreter", "sh", "--name", "raw", "--no-autorestart", "--"])
        .arg(&pipe)
        .run();
    let log = s.home().join("logs/raw-out.log");
    let folder = ostler_logs::times::folder(&s.home());
    let times = || fs::read_dir(&folder).ok()?.next()?.ok().map(|entry| entry.path());
    let file = s.wait_for("times", SOON, || {
        times().filter(|file| file.metadata().is_ok_and(|meta| meta.len() == 40))
    });
    // As if it had been written an hour ago: the first time stands behind the head.
    kill_daemon(&s);
    let mut bytes = fs::read(&file).unwrap();
    let hour = 3_600_000;
    let at = u64::from_le_bytes(bytes[24..32].try_into().unwrap()) - hour;
    bytes[24..32].copy_from_slice(&at.to_le_bytes());
    fs::write(&file, bytes).unwrap();
    s.ostler(["ping"]).run();
    fs::write(&pipe, "new\n").unwrap();
    s.wait_for("the new line", SOON, || {
        fs::read_to_string(&log).unwrap().contains("new").then_some(())
    });
    let ask = |args: &[&str]| {
        let ran = s.ostler(["logs", "raw", "--nostream", "--raw"]).args(args).run();
        assert!(ran.err.starts_with("-- cursor: "), "nothing is vague: {}", ran.err);
        ran.out
    };
    assert_eq!(ask(&["--since", "30m"]), "new\n");
    assert!(
        ask(&["--until", "30m"]).starts_with("old ") && !ask(&["--until", "30m"]).contains("new")
    );
    assert!(ask(&["--since", "2h"]).ends_with("\nnew\n"));
    let ran = s.ostler(["logs", "raw", "--nostream", "--json", "--since", "2h"]).run();
    let first: serde_json::Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    assert_eq!(first["timestamp"], ostler_logs::iso(at).unwrap());
}

#[test]
fn what_is_no_time_and_no_pattern_is_refused() {
    let s = sandbox();
    silent(&s, "app", &[]);
    let refused = |args: &[&str], why: &str| {
        s.ostler(["logs", "--nostream"]).args(args).code(2).shows(why).run();
    };
    refused(&["--since", "soon"], "`--since soon` is not a time");
    refused(&["--grep", "("], "`--grep (` is not a regular expression: unclosed group");
    refused(&["--since", "1h", "--until", "2h"], "`--until` is before `--since`");
}

#[test]
fn a_follower_sees_what_matches_over_new_apps_rotation_and_the_daemons_death() {
    let s = sandbox();
    let text = "i=0; while :; do echo \"mark $1 $i\"; echo noise; i=$((i+1)); sleep 0.01; done";
    let app = s.write("ticker.sh", text);
    let start = |name: &str| {
        s.ostler(["start"])
            .arg(&app)
            .args(["--interpreter", "sh", "--name", name, "--log-max-size", "1K", "--", name])
            .run();
    };
    start("one");
    let mut command = s.command();
    command.args(["logs", "--raw", "--since", "1h", "--grep", "^mark"]).stdout(Stdio::piped());
    let mut follower = command.stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut see = |what: &str| {
        let line = lines.by_ref().inspect(|line| assert!(line.starts_with("mark"), "{line}"));
        assert!(line.take(100_000).any(|line| line.contains(what)), "no {what}");
    };
    see("one 30");
    start("two");
    see("two 30");
    kill_daemon(&s);
    let log = s.home().join("logs/two-out.log");
    let last = fs::read_to_string(&log).unwrap_or_default();
    let number = |text: &str| {
        text.lines().rev().find_map(|l| l.strip_prefix("mark two ")?.parse::<u64>().ok())
    };
    let next = number(&last).unwrap_or(60) + 100;
    see(&format!("two {next}"));
    assert!(!history(&log, &[Names::default()]).unwrap().is_empty(), "nothing was rotated");
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn lines_are_found_by_how_grave_they_are_counted_and_their_errors_put_together() {
    let s = sandbox();
    let log = silent(&s, "app", &[]);
    let trace = |at: u32, user: u32| {
        format!("2026-11-12T10:00:{at:02} TypeError: user {user} is gone\n    at f (/a.js:1:2)\n")
    };
    let mut text = String::from("2026-11-12T10:00:00 ready\n");
    for at in 1..=3 {
        text.push_str(&trace(at, at * 7));
        text.push_str(&format!("2026-11-12T10:00:{at:02} WARN slow\n"));
    }
    text.push_str("{\"time\":\"2026-11-12T10:05:00Z\",\"level\":60,\"msg\":\"no disk\"}\n");
    put(&log, &text, "2026-11-12T10:05:00");
    let count = |args: &[&str]| logs(&s, &[&["app", "--count"], args].concat());
    assert_eq!(count(&[]), "app\t11\n");
    assert_eq!(count(&["--level", "warn"]), "app\t10\n");
    assert_eq!(count(&["--level", "error", "--exclude", "^ "]), "app\t4\n");
    assert_eq!(logs(&s, &["app", "--level", "fatal"]).lines().count(), 1);
    let errors = logs(&s, &["app", "--errors"]);
    assert!(
        errors.starts_with("3 × app, 2026-11-12 10:00:01 to 2026-11-12 10:00:03\n"),
        "{errors}"
    );
    assert!(errors.contains("user 7 is gone\n      at f (/a.js:1:2)\n\n1 × app, "), "{errors}");
    let rows = logs(&s, &["app", "--histogram", "--level", "error"]);
    assert!(rows.ends_with(" 1\n") && rows.lines().count() > 10, "{rows}");
    let refused = |args: &[&str], why: &str| {
        s.ostler(["logs", "--nostream"]).args(args).code(2).shows(why).run();
    };
    refused(&["--level", "loud"], "they are trace, debug, info, warn, error, fatal");
    refused(&["--count", "--errors"], "`--count` and `--errors` exclude each other");
}

#[test]
fn a_coding_agent_gets_what_is_there_and_the_command_ends() {
    let s = sandbox();
    let log = silent(&s, "app", &[]);
    fs::write(&log, "one\n").unwrap();
    let ran = s.ostler(["logs", "app", "--raw"]).env("CLAUDECODE", "1").run();
    assert_eq!(ran.out, "one\n");
    assert!(ran.err.starts_with("-- cursor: "), "{}", ran.err);
    let mut command = s.command();
    command.args(["logs", "app", "--raw", "--follow"]).env("CLAUDECODE", "1");
    let mut follower = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().as_deref(), Some("one"));
    assert!(follower.try_wait().unwrap().is_none(), "it waits");
    follower.kill().unwrap();
    follower.wait().unwrap();
}
