//! Log files that are rotated, compressed and removed, and whose lines are all there.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ostler_logs::{Names, Packing, Past, history};
use ostler_testkit::{Sandbox, procs};

use crate::keeper_death::kill_keeper;
use crate::start_e2e::{SOON, sandbox};
use crate::takeover::kill_daemon;

/// Writes numbered lines until it is told to end, and then how many these were. It writes so much
/// that there are some rotations a second, and not so much that nobody gets their files compressed.
const COUNTER: &str = "
i=0
trap 'told=1' INT TERM
while [ -z \"$told\" ]; do
  echo \"line $i of many\"; i=$((i+1))
  [ $((i % 100)) -ne 0 ] || sleep 0.01
done
echo \"end $i\"
";

fn past(log: &Path) -> Vec<Past> {
    history(log, &[Names::default()]).unwrap()
}

/// All lines of a log, the oldest first.
fn read_all(log: &Path) -> String {
    let mut text = String::new();
    for past in past(log) {
        past.open().unwrap().read_to_string(&mut text).unwrap();
    }
    text + &fs::read_to_string(log).unwrap()
}

/// Starts the counter.
pub(crate) fn count(s: &Sandbox, name: &str, more: &[&str]) -> PathBuf {
    let app = s.write("counter.sh", COUNTER);
    s.ostler(["start"]).arg(&app).args(["--interpreter", "sh", "--name", name]).args(more).run();
    s.home().join(format!("logs/{name}-out.log"))
}

/// Whether each line is there once, whatever stands before it.
#[track_caller]
pub(crate) fn assert_every_line_once(log: &Path, date: usize) {
    assert_lines_once(&read_all(log), date);
}

/// The same of a text.
#[track_caller]
pub(crate) fn assert_lines_once(text: &str, date: usize) {
    let mut lines = text.lines().map(|line| line.get(date..).unwrap_or(line));
    let last = lines.next_back().unwrap_or_default();
    let mut next: u64 = 0;
    for line in lines {
        assert_eq!(line, format!("line {next} of many"));
        next += 1;
    }
    assert_eq!(last, format!("end {next}"));
}

#[test]
fn every_line_is_there_once_over_rotations_compression_and_deaths_of_daemon_and_keeper() {
    let s = sandbox();
    let more = ["--log-max-size", "64K", "--log-keep", "100000"];
    let raw = count(&s, "raw", &more);
    let zstd = ["--time", "--log-compress", "zstd"];
    let dated = count(&s, "dated", &[&more[..], &zstd].concat());
    for _ in 0..3 {
        // Who comes next has everything before the other one is killed.
        let kills: [fn(&Sandbox) -> String; 2] = [
            |s| format!("New daemon started (pid {},", kill_daemon(s).1),
            |s| format!("started keeper {}\n", kill_keeper(s)),
        ];
        for kill in kills {
            let rotated = || [&raw, &dated].map(|log| past(log).len());
            let before = rotated();
            let told = kill(&s);
            s.wait_file("pm2.log", SOON, |text| text.contains(&told).then_some(()));
            s.ostler(["list"]).run();
            s.wait_for("rotations", SOON, || {
                let now = rotated();
                (before[0] < now[0] && before[1] < now[1]).then_some(())
            });
        }
    }
    s.ostler(["stop", "all"]).run();
    let date = "2026-11-27T10:11:12: ".len();
    for (log, date, how) in [(&raw, 0, Packing::Gzip), (&dated, date, Packing::Zstd)] {
        s.wait_for("all to be compressed", 3 * SOON, || {
            past(log).iter().all(|past| past.packed == Some(how)).then_some(())
        });
        assert_every_line_once(log, date);
    }
    let names = fs::read_dir(s.home().join("logs")).unwrap();
    let names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.ends_with(".part")), "{names:?}");
}

#[test]
fn no_more_is_kept_than_the_app_says_and_than_all_logs_may_have() {
    let s = sandbox();
    let more = ["--log-max-size", "32K", "--log-keep", "3", "--no-log-compress"];
    let log = count(&s, "app", &more);
    s.wait_for("four rotations", SOON, || (4 <= past(&log).len()).then_some(()));
    s.ostler(["stop", "app"]).run();
    s.wait_for("three rotated files", SOON, || (past(&log).len() == 3).then_some(()));
    s.ostler(["set", "ostler.log_cap", "40K"]).run();
    s.wait_for("less of all", SOON, || {
        let sizes = past(&log).iter().map(|past| past.size).sum::<u64>();
        (sizes + fs::metadata(&log).map_or(0, |of| of.len()) <= 40 << 10).then_some(())
    });
    s.wait_file("pm2.log", SOON, |text| {
        text.contains("all log files together may have 40960 bytes").then_some(())
    });
    s.ostler(["set", "ostler.log_cap", "much"]).code(2).shows("`ostler.log_cap` cannot be").run();
    s.ostler(["set", "ostler.log_rotate", "yearly"]).code(2).shows("hourly").run();
}

/// The command under the name `pm2`.
fn pm2(s: &Sandbox, args: &[&str], code: i32) -> String {
    use std::os::unix::process::CommandExt as _;
    let mut command = s.command();
    command.arg0("pm2").args(args);
    let out = command.output().unwrap();
    assert_eq!(out.status.code(), Some(code), "{out:?}");
    String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned()
}

#[test]
fn under_pm2s_name_nothing_is_rotated_until_its_module_is_configured() {
    let s = sandbox();
    let app = s.write("counter.sh", COUNTER);
    pm2(&s, &["start", app.to_str().unwrap(), "--interpreter", "sh", "--name", "app"], 0);
    let daemon = s.daemon_pid().unwrap();
    assert_eq!(procs::env_of(daemon, "OSTLER_MANNER").as_deref(), Some("pm2"));
    let log = s.home().join("logs/app-out.log");
    s.wait_for("a log", SOON, || fs::metadata(&log).is_ok_and(|of| 65536 < of.len()).then_some(()));
    // It stays what it was started as.
    kill_daemon(&s);
    s.ostler(["list"]).run();
    let refused = pm2(&s, &["set", "pm2-logrotate:max_size", "banana"], 1);
    assert!(refused.contains("`pm2-logrotate:max_size` cannot be `banana`"), "{refused}");
    assert!(past(&log).is_empty());
    pm2(&s, &["set", "pm2-logrotate:max_size", "64K"], 0);
    s.wait_for("rotations", SOON, || (2 <= past(&log).len()).then_some(()));
    pm2(&s, &["stop", "app"], 0);
    assert!(past(&log).iter().all(|past| past.packed.is_none()), "as the module has it by itself");
    assert_every_line_once(&log, 0);
}

#[test]
fn an_app_that_is_never_rotated_and_one_whose_file_is_shared_by_many() {
    let s = sandbox();
    s.ostler(["set", "ostler.log_max_size", "16K"]).run();
    let never = count(&s, "never", &["--log-rotate", "never"]);
    let app = s.write(
        "short.sh",
        "i=0; while [ $i -lt 3000 ]; do echo \"$NODE_APP_INSTANCE $i\"; \
                                   i=$((i+1)); done; exec sleep 1000000",
    );
    let out = s.file("shared.log");
    s.ostler(["start"])
        .arg(&app)
        .args(["--interpreter", "sh", "-i", "3", "--merge-logs", "-o"])
        .arg(&out)
        .run();
    s.wait_for("all lines", SOON, || (read_all(&out).lines().count() == 9000).then_some(()));
    let text = read_all(&out);
    for instance in 0..3 {
        let mut of = text.lines().filter_map(|line| line.strip_prefix(&format!("{instance} ")));
        assert!((0..3000).all(|number| of.next() == Some(&number.to_string())));
    }
    assert!(!past(&out).is_empty());
    s.wait_for("a log", SOON, || {
        fs::metadata(&never).is_ok_and(|of| 65536 < of.len()).then_some(())
    });
    assert!(past(&never).is_empty());
}
