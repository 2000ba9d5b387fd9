//! A disk that is full and a reader that sleeps: who goes on, and that each line is accounted for.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, wait_exit, wait_for};

use crate::start_e2e::{SOON, sandbox};

/// Lines of the app that writes more than waits for a file.
const LINES: u64 = 300_000;
/// Writes them as fast as they are taken, says so, and stays.
const FLOOD: &str = "
const fs = require('fs');
for (let at = 0; at < Number(process.env.LINES); at += 1000) {
  let text = '';
  for (let line = at; line < at + 1000; line++) text += String(line).padStart(8, '0') + '\\n';
  fs.writeSync(1, text);
}
fs.writeFileSync(process.env.DONE, 'done');
setInterval(() => {}, 1 << 30);
";
/// Writes a line now and then.
const BEAT: &str = "let at = 0; setInterval(() => console.log(`beat ${at++}`), 20);";
/// A `list` that waits for a disk or for a reader takes longer.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Lines of the app that are there, in order; and those that are said to be missing.
fn account(log: &Path) -> (Vec<u64>, u64) {
    let text = fs::read_to_string(log).unwrap_or_default();
    let said = |line: &str| line.strip_prefix("ostler: ")?.split(' ').next()?.parse::<u64>().ok();
    let missing = text.lines().filter_map(said).sum();
    let lines = text.lines().filter(|line| !line.starts_with("ostler: "));
    (lines.filter_map(|line| line.parse().ok()).collect(), missing)
}

/// Starts the flood into this file, and waits until it is through. Others go on.
fn flood(s: &Sandbox, log: &Path, more: &[&str]) {
    let beat = s.write("beat.js", BEAT);
    s.ostler(["start"]).arg(beat).args(["-e", "/dev/null"]).run();
    let (app, done) = (s.write("flood.js", FLOOD), s.file("done"));
    let start = s.ostler(["start"]).arg(app).arg("-o").arg(log).args(["-e", "/dev/null"]);
    start.args(more).env("DONE", &done).env("LINES", LINES.to_string()).any_code().run();
    wait_for("the app to be through", 3 * SOON, || done.exists().then_some(()));
    let beats = || fs::read_to_string(s.home().join("logs/beat-out.log")).unwrap_or_default();
    let before = beats().lines().count();
    s.ostler(["list"]).limit(AT_ONCE).run();
    wait_for("the other app's log", SOON, || (before + 5 < beats().lines().count()).then_some(()));
    assert_eq!(s.statuses_of("flood"), ["online"]);
}

/// Every line is there or is said to be missing, and as many are told of.
fn assert_accounted(s: &Sandbox, log: &Path) -> Vec<u64> {
    let is_whole = || {
        let (lines, missing) = account(log);
        (lines.len() as u64 + missing == LINES && 0 < missing).then_some((lines, missing))
    };
    let (lines, missing) = wait_for("every line or a word of it", 3 * SOON, is_whole);
    assert!(lines.is_sorted_by(|before, after| before < after), "mixed or doubled");
    wait_for("the number in the list", SOON, || {
        let all = s.ostler(["list", "--json", "name,log_lines_dropped"]).run().out;
        all.contains(&format!("\"log_lines_dropped\":{missing}")).then_some(())
    });
    let list = s.ostler(["list"]).run();
    assert!(
        list.err.contains(&format!(
            "not in the log files, since they could not be written: {missing} lines of flood"
        )),
        "{}",
        list.err
    );
    let said = s.ostler(["describe", "flood"]).run().out;
    assert!(said.contains(&format!("log lines dropped: {missing}\n")), "{said}");
    let said = s.ostler(["describe", "beat"]).run().out;
    assert!(!said.contains("log lines dropped"), "{said}");
    s.ostler(["reset", "flood"]).run();
    let list = s.ostler(["list"]).run();
    assert!(!list.err.contains("lines of flood"), "{}", list.err);
    lines
}

/// A small file system with no room, until the file is removed.
fn full(at: &Path) -> Option<()> {
    fs::create_dir(at).unwrap();
    let mount = ["-t", "tmpfs", "-o", "size=4m", "tmpfs"];
    let status = Command::new("mount").args(mount).arg(at).status();
    status.is_ok_and(|status| status.success()).then_some(())?;
    let mut ballast = fs::File::create(at.join("ballast")).unwrap();
    while std::io::Write::write_all(&mut ballast, &[0; 4096]).is_ok() {}
    Some(())
}

fn a_full_disk(policy: &[&str]) -> Option<Vec<u64>> {
    let s = sandbox();
    let at = s.root().join("small");
    full(&at)?;
    let log = at.join("flood.log");
    flood(&s, &log, policy);
    // How many were dropped is known to the daemon after this one.
    let daemon = s.daemon_pid().unwrap();
    procs::signal(daemon, Signal::KILL);
    assert!(wait_exit(daemon, SOON));
    fs::remove_file(at.join("ballast")).unwrap();
    let lines = assert_accounted(&s, &log);
    s.ostler(["kill"]).run();
    assert!(Command::new("umount").arg(&at).status().unwrap().success());
    Some(lines)
}

#[test]
fn on_a_full_disk_the_newest_lines_are_dropped_and_counted_and_everybody_goes_on() {
    let Some(lines) = a_full_disk(&[]) else { return };
    assert_eq!(lines.first(), Some(&0));
    assert!(lines.last() < Some(&(LINES - 1)), "{:?}", lines.last());
}

#[test]
fn on_a_full_disk_the_oldest_lines_are_dropped_where_that_is_asked_for() {
    let Some(lines) = a_full_disk(&["--log-full", "drop-oldest"]) else { return };
    assert!(Some(&0) < lines.first(), "{:?}", lines.first());
    assert_eq!(lines.last(), Some(&(LINES - 1)));
    // The old name means the same.
    let Some(lines) = a_full_disk(&["--log-full", "drop"]) else { return };
    assert_eq!(lines.last(), Some(&(LINES - 1)));
}

#[test]
fn a_reader_that_sleeps_slows_nobody_and_is_told_how_many_lines_it_missed() {
    let s = sandbox();
    let (fifo, copy) = (s.file("fifo"), s.file("copy"));
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut cat = s.command_of("sh");
    cat.args(["-c", "exec cat \"$1\" >\"$2\"", "sh"]).arg(&fifo).arg(&copy);
    let reader = s.spawn_helper(cat);
    procs::signal(reader, Signal::STOP);
    flood(&s, &fifo, &[]);
    procs::signal(reader, Signal::CONT);
    let lines = assert_accounted(&s, &copy);
    assert_eq!(lines.first(), Some(&0));
    s.ostler(["kill"]).run();
    assert!(wait_exit(reader, SOON), "its input should end");
}
