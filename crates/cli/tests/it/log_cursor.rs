//! A cursor: how far logs were read, and going on behind it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};

use ostler_logs::{Names, Packing, history};
use ostler_testkit::Sandbox;
use serde_json::Value;

use crate::log_query::{put, silent};
use crate::start_e2e::{SOON, sandbox};
use crate::takeover::kill_daemon;

/// Prints lines with their objects.
fn objects(s: &Sandbox, args: &[&str]) -> (Vec<Value>, String) {
    let ran = s.ostler(["logs", "--nostream", "--json"]).args(args).run();
    (ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), ran.err)
}

fn text<'v>(object: &'v Value, key: &str) -> &'v str {
    object[key].as_str().unwrap_or_else(|| panic!("no `{key}` in {object}"))
}

/// The cursor in the last line on standard error.
fn last_cursor(err: &str) -> String {
    err.lines().last().unwrap().strip_prefix("-- cursor: ").unwrap().to_owned()
}

fn append(path: &std::path::Path, text: &str) {
    File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

#[test]
fn each_line_has_a_cursor_that_goes_on_behind_it_over_rotation_compression_and_renames() {
    Packing::ALL.into_iter().for_each(go_on_behind);
}

fn go_on_behind(packing: Packing) {
    let s = sandbox();
    let how = if packing == Packing::Zstd { "zstd" } else { "gzip" };
    let first = silent(&s, "first", &["--log-compress", how]);
    let second = silent(&s, "second", &[]);
    put(&first, "2026-11-12T10:00:00 a\n2026-11-13T10:00:00 b\n", "2026-11-13T10:00:00");
    put(
        &second,
        "2026-11-12T12:00:00 c\n2026-11-12T12:00:01 d\n2026-11-13T12:00:00 e\n",
        "2026-11-13T12:00:00",
    );
    let (all, err) = objects(&s, &["--since", "2026-11-01"]);
    let letters = |all: &[Value]| -> String {
        all.iter().map(|object| text(object, "message").chars().last().unwrap()).collect()
    };
    assert_eq!(letters(&all), "acdbe");
    let mut cursors: Vec<String> = all.iter().map(|of| text(of, "cursor").to_owned()).collect();
    cursors.push(last_cursor(&err));
    let check = |expected: &str, what: &str| {
        for (number, cursor) in cursors.iter().enumerate() {
            let (rest, err) = objects(&s, &["--cursor", cursor]);
            let behind = &expected[(number + 1).min(5)..];
            assert_eq!(letters(&rest), behind, "{what}, behind {number}: {err}");
        }
    };
    check("acdbe", "as it was");
    // Ours is rotated and compressed, the other one as logrotate does it.
    let rotated = first.with_file_name("first__2026-11-13_23-00-00.log");
    fs::rename(&first, &rotated).unwrap();
    fs::rename(&second, second.with_file_name("second.log.1")).unwrap();
    append(&first, "2026-11-14T10:00:00 f\n");
    check("acdbef", "rotated");
    // Files are looked at when their settings are read.
    s.ostler(["reloadLogs"]).run();
    s.wait_for("the rotated one to be compressed", SOON, || {
        history(&first, &[Names::default()])
            .unwrap()
            .first()
            .filter(|past| past.packed == Some(packing))
            .map(drop)
    });
    append(&second, "2026-11-14T11:00:00 g\n");
    let (rest, _) = objects(&s, &["--cursor", &cursors[4]]);
    assert_eq!(letters(&rest), "fg");
    let (rest, _) = objects(&s, &["first", "--cursor", &cursors[2]]);
    assert_eq!(letters(&rest), "bf");
    fs::remove_file(&history(&first, &[Names::default()]).unwrap()[0].path).unwrap();
    let (rest, err) = objects(&s, &["first", "--cursor", &cursors[2]]);
    assert_eq!(letters(&rest), "f", "what is there is shown");
    assert!(err.contains("first.log` in which the cursor was is gone"), "{err}");
}

#[test]
fn the_last_lines_end_with_a_cursor_in_each_form_and_a_line_that_is_not_ended_goes_on() {
    let s = sandbox();
    let log = silent(&s, "app", &[]);
    append(&log, "one\ntwo\nthr");
    for form in [&["--raw"][..], &["--json"], &["--lines", "1"], &["--lines", "0", "--json"]] {
        let ran = s.ostler(["logs", "app", "--nostream"]).args(form).run();
        let cursor = last_cursor(&ran.err);
        append(&log, "ee\nfour\n");
        let ran = s.ostler(["logs", "--nostream", "--raw", "--cursor", &cursor]).run();
        assert_eq!(ran.out, "ee\nfour\n", "{form:?}");
        fs::write(&log, "one\ntwo\nthr").unwrap();
    }
    let (all, _) = objects(&s, &["app", "--grep", "."]);
    let parts: Vec<bool> = all.iter().map(|object| object["partial"] == true).collect();
    assert_eq!(parts, [false, false, true]);
    s.ostler(["logs", "--nostream", "--cursor", "xx"]).code(2).shows("is no cursor").run();
    let mut pm2 = s.command();
    let pm2 = pm2.arg0("pm2").args(["logs", "--nostream", "--json"]).output().unwrap();
    let said = String::from_utf8([pm2.stdout, pm2.stderr].concat()).unwrap();
    assert!(said.contains("two") && !said.contains("cursor"), "{said}");
}

/// Follows a ticker: its numbers with the cursors behind them.
struct Ticks {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Ticks {
    fn of(s: &Sandbox, args: &[&str]) -> Self {
        let mut command = s.command();
        command.args(["logs", "--json"]).args(args).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        Self { child, lines: Box::new(lines) }
    }

    /// Reads up to this number of each app. Returns all that came, and the last cursor.
    fn up_to(&mut self, last: u64, apps: usize) -> (BTreeMap<String, Vec<u64>>, String) {
        let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        loop {
            let line = self.lines.next().expect("the stream ended");
            let object: Value = serde_json::from_str(&line).unwrap();
            let Some(message) = object["message"].as_str() else { continue };
            let number = message.rsplit(' ').next().unwrap().parse().unwrap();
            found.entry(text(&object, "app_name").to_owned()).or_default().push(number);
            let ends = found.values().filter(|of| of.last().is_some_and(|of| last <= *of)).count();
            if ends == apps {
                return (found, text(&object, "cursor").to_owned());
            }
        }
    }
}

impl Drop for Ticks {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_follower_sees_each_line_once_over_rotation_and_the_daemons_death_and_so_does_who_goes_on() {
    let s = sandbox();
    let text = "i=0; while :; do echo \"mark $i\"; i=$((i+1)); sleep 0.003; done";
    let app = s.write("ticker.sh", text);
    for (name, form) in [("raw", &[][..]), ("dated", &["--time"][..])] {
        s.ostler(["start"])
            .arg(&app)
            .args(["--interpreter", "sh", "--name", name, "--log-max-size", "1K"])
            .args(form)
            .run();
    }
    let follow = |numbers: &BTreeMap<String, Vec<u64>>, from: &BTreeMap<String, u64>| {
        for (name, numbers) in numbers {
            let first = from.get(name).copied().unwrap_or(numbers[0]);
            let expected: Vec<u64> = (first..first + numbers.len() as u64).collect();
            assert_eq!(numbers, &expected, "{name}");
        }
        let next = |(name, of): (&String, &Vec<u64>)| (name.clone(), of.last().unwrap() + 1);
        numbers.iter().map(next).collect::<BTreeMap<String, u64>>()
    };
    let mut ticks = Ticks::of(&s, &["--since", "1h"]);
    let (mut seen, _) = ticks.up_to(100, 2);
    kill_daemon(&s);
    let (more, cursor) = ticks.up_to(300, 2);
    for (name, more) in more {
        seen.entry(name).or_default().extend(more);
    }
    let next = follow(&seen, &[("raw".to_owned(), 0), ("dated".to_owned(), 0)].into());
    drop(ticks);
    // Another one goes on behind the last object, first over the files, then as lines come.
    let mut ticks = Ticks::of(&s, &["--cursor", &cursor]);
    let (seen, _) = ticks.up_to(700, 2);
    follow(&seen, &next);
    let rotated = history(&s.home().join("logs/raw-out.log"), &[Names::default()]).unwrap();
    assert!(2 < rotated.len(), "{rotated:?}");
}
