//! Logs that somebody else rotates, empties or removes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_testkit::Sandbox;
use ostler_testkit::procs::{self, Signal};

use crate::rotation::{assert_lines_once, count};
use crate::start_e2e::{SOON, sandbox};

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}

/// Waits until the log has grown to more than so many bytes.
fn grown(s: &Sandbox, log: &Path, bytes: u64) {
    s.wait_for("the log to grow", SOON, || (bytes < length(log)).then_some(()));
}

#[test]
fn files_that_are_renamed_and_made_anew_lose_no_line_with_a_signal_or_a_command() {
    let s = sandbox();
    let log = count(&s, "app", &["--log-rotate", "never"]);
    let mut parts = Vec::new();
    for turn in 0..4 {
        grown(&s, &log, 20_000);
        let part = log.with_extension(format!("log.{turn}"));
        fs::rename(&log, &part).unwrap();
        fs::write(&log, "").unwrap();
        if turn % 2 == 0 {
            assert!(procs::signal(s.daemon_pid().unwrap(), Signal::USR2));
        } else {
            s.ostler(["reloadLogs"]).run();
        }
        parts.push(part);
    }
    grown(&s, &log, 0);
    s.ostler(["stop", "app"]).run();
    parts.push(log);
    let text: String = parts.iter().map(|part| fs::read_to_string(part).unwrap()).collect();
    assert_lines_once(&text, 0);
}

/// Copies a log and empties it, as `copytruncate` does.
fn copy_and_empty(log: &Path) {
    fs::copy(log, log.with_extension("log.1")).unwrap();
    fs::File::options().write(true).open(log).unwrap().set_len(0).unwrap();
}

#[test]
fn a_file_that_is_copied_and_emptied_goes_on_at_its_beginning() {
    let s = sandbox();
    let script = s.write(
        "app.sh",
        "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done\n\
         until [ -e \"go-$1\" ]; do sleep 0.02; done\necho after; exec sleep 1000000\n",
    );
    for (name, more) in [("raw", &[][..]), ("dated", &["--time"])] {
        let start = s.ostler(["start"]).arg(&script).args(["-n", name]).args(more);
        start.args(["--", name]).run();
        let file = format!("logs/{name}-out.log");
        s.wait_file(&file, SOON, |text| text.ends_with("line 9\n").then_some(()));
        copy_and_empty(&s.file(&file));
        s.write(format!("go-{name}"), "");
        s.wait_file(&file, SOON, |text| text.ends_with("after\n").then_some(()));
        let text = fs::read_to_string(s.file(&file)).unwrap();
        assert!(!text.contains('\0') && text.lines().count() == 1, "{name}: {text:?}");
    }
}

/// Bytes of a log without dates are moved to a place by the kernel, which does not look for the end
/// at the same time: there `copytruncate` may leave zeros (docs/pm2-differences.md).
#[test]
fn a_dated_file_that_is_emptied_while_it_is_written_has_no_hole() {
    let s = sandbox();
    let log = count(&s, "dated", &["--time"]);
    for _ in 0..5 {
        grown(&s, &log, 100_000);
        copy_and_empty(&log);
        grown(&s, &log, 1000);
    }
    s.ostler(["stop", "dated"]).run();
    let text = fs::read(&log).unwrap();
    assert!(!text.contains(&0), "written at its old place");
    assert!(text.ends_with(b"\n"));
}

#[test]
fn a_log_that_is_removed_under_its_app_is_made_again() {
    let s = sandbox();
    for (name, more) in [("raw", &[][..]), ("dated", &["--time"])] {
        let log = count(&s, name, more);
        grown(&s, &log, 1000);
        fs::remove_file(&log).unwrap();
        grown(&s, &log, 1000);
        s.ostler(["stop", name]).run();
        assert!(fs::read_to_string(&log).unwrap().contains("line "));
    }
}

/// The configuration that the command has written below this root.
fn written(root: &Path, name: &str) -> PathBuf {
    let user = Command::new("id").arg("-un").output().unwrap();
    let user = String::from_utf8(user.stdout).unwrap();
    root.join(format!("etc/logrotate.d/{name}-{}", user.trim()))
}

#[test]
fn the_systems_logrotate_is_configured_and_what_is_built_in_is_switched_off() {
    use std::os::unix::process::CommandExt as _;
    let mut s = sandbox();
    let root = s.file("root");
    s.set_env("OSTLER_BOOT_ROOT", &root);
    let log = count(&s, "app", &[]);
    let config = written(&root, "ostler");
    let path = std::env::var("PATH").unwrap();
    s.set_env("PATH", format!("{}:{path}", s.work().join("bin").display()));
    for name in ["logrotate", "cron"] {
        s.write_executable(format!("bin/{name}"), "#!/bin/sh\n");
    }
    let back =
        format!("note: `rm {} && ostler unset ostler.log_rotate` takes it back", config.display());
    let back = back.replace(&root.display().to_string(), "");
    s.ostler(["logrotate"]).shows("set ostler.log_rotate to never").shows(back).run();
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.contains(s.home().to_str().unwrap()) && text.contains("kill -USR2"), "{text}");
    s.ostler(["get", "ostler.log_rotate"]).shows("never").run();
    s.ostler(["logrotate", "-u", "nobody at all"]).code(1).shows("there is no user").run();
    let mut pm2 = s.command();
    assert!(pm2.arg0("pm2").arg("logrotate").status().unwrap().success());
    let theirs = fs::read_to_string(written(&root, "pm2")).unwrap();
    assert!(theirs.contains("copytruncate") && theirs.contains("rotate 12"), "{theirs}");
    // The real one, where there is one.
    let mut real = Command::new("logrotate");
    real.args(["-f", "-s"]).arg(s.file("state")).arg(&config);
    for _ in 0..2 {
        grown(&s, &log, 20_000);
        match real.output() {
            Ok(ran) => assert!(ran.status.success(), "{ran:?}"),
            Err(_) => return,
        }
    }
    grown(&s, &log, 0);
    s.ostler(["stop", "app"]).run();
    let packed = log.with_extension("log.2.gz");
    let first = Command::new("gzip").arg("-dc").arg(packed).output().unwrap().stdout;
    let mut text = String::from_utf8(first).unwrap();
    text.push_str(&fs::read_to_string(log.with_extension("log.1")).unwrap());
    text.push_str(&fs::read_to_string(&log).unwrap());
    assert_lines_once(&text, 0);
}

/// It was configured, and what is built in was switched off: nothing rotated any more.
#[test]
fn where_nothing_would_call_logrotate_it_is_refused_and_what_is_built_in_goes_on() {
    let mut s = sandbox();
    let root = s.file("root");
    s.set_env("OSTLER_BOOT_ROOT", &root);
    s.set_env("PATH", s.work().join("bin"));
    if Path::new("/usr/sbin/logrotate").exists() {
        return;
    }
    let itself = "\nhint: `ostler set ostler.log_rotate daily` has ostler do it by itself\n";
    let said = s.ostler(["logrotate"]).code(1).run().err;
    let missing = "error: there is no `logrotate` on this machine, which would rotate the logs";
    assert_eq!(said, format!("{missing}{itself}"));
    s.write_executable("bin/logrotate", "#!/bin/sh\n");
    if !Path::new("/usr/sbin/cron").exists() {
        let said = s.ostler(["logrotate"]).code(1).run().err;
        assert!(said.starts_with("error: nothing calls `logrotate`"), "{said}");
        assert!(said.ends_with(itself), "{said}");
    }
    assert!(!root.exists() && !s.file("module_conf.json").exists());
}
