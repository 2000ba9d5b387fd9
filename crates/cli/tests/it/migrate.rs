//! `migrate`: from a real PM2, and back.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use ostler_testkit::load::Load;
use ostler_testkit::procs::{self, Signal};
use ostler_testkit::runtimes::pm2_path;
use ostler_testkit::{Output, Sandbox, Victim, wait_for};
use serde_json::Value;

use crate::start_e2e::{SOON, sandbox};

/// A sandbox with the home of a PM2 beside ours.
struct Both {
    s: Sandbox,
    pm2_home: PathBuf,
}

impl Both {
    fn new() -> Self {
        let mut s = sandbox();
        let command = pm2_path();
        assert!(command.is_file(), "`cargo xtask setup` installs PM2");
        let path = std::env::var("PATH").unwrap();
        s.set_env("PATH", format!("{}:{path}", command.parent().unwrap().display()));
        let pm2_home = s.work().join("pm2");
        Self { s, pm2_home }
    }

    /// Has PM2's own command do something. Returns what it prints.
    #[track_caller]
    fn pm2(&self, args: &[&str], port: u16) -> String {
        let mut command = self.s.command_of(pm2_path());
        let command = command.args(args).env("PM2_HOME", &self.pm2_home);
        let ran = command.env("PORT", port.to_string()).output().unwrap();
        assert!(ran.status.success(), "{args:?}: {ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    }

    /// PM2's list: number, name, state, pid.
    fn of_pm2(&self) -> Vec<(u64, String, String, u64)> {
        let text = self.pm2(&["jlist"], 0);
        let all: Vec<Value> = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        all.iter().map(row).collect()
    }

    /// The list of the new manager.
    fn of_ours(&self) -> Vec<(u64, String, String, u64)> {
        self.s.jlist().iter().map(row).collect()
    }

    fn migrate(&self, args: &[&str]) -> Output {
        let from = self.pm2_home.to_str().unwrap();
        let command = self.s.ostler(["migrate", "--from", from]).args(args);
        command.limit(Duration::from_secs(120)).any_code().run()
    }
}

impl Drop for Both {
    fn drop(&mut self) {
        let mut command = self.s.command_of(pm2_path());
        // Without a daemon it starts one, and ends it.
        _ = command.arg("kill").env("PM2_HOME", &self.pm2_home).output();
    }
}

fn row(element: &Value) -> (u64, String, String, u64) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        element["pm_id"].as_u64().unwrap(),
        text(&element["name"]),
        text(&element["pm2_env"]["status"]),
        element["pid"].as_u64().unwrap(),
    )
}

/// Number, name and state of each.
fn states(list: &[(u64, String, String, u64)]) -> Vec<(u64, &str, &str)> {
    list.iter().map(|(id, name, state, _)| (*id, name.as_str(), state.as_str())).collect()
}

#[test]
fn apps_of_a_cluster_move_from_pm2_and_no_request_fails() {
    let both = Both::new();
    let (s, port) = (&both.s, both.s.port());
    let script = s.victim("api", Victim::Http);
    both.pm2(&["start", "--name", "gone", script.to_str().unwrap()], s.port());
    both.pm2(&["start", "--name", "api", "-i", "2", script.to_str().unwrap()], port);
    both.pm2(&["delete", "gone"], 0);
    let before = both.of_pm2();
    assert_eq!(states(&before), [(1, "api", "online"), (2, "api", "online")]);
    let load = Load::to_port(port).connections(4).connection_per_request().start();
    load.wait_answered(50, SOON);

    let shown = both.migrate(&["--dry-run"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let plan = "api    2 ×  old and new workers share the port until the old ones are gone";
    assert!(shown.out.contains(plan), "{}", shown.out);
    assert_eq!(both.of_pm2(), before);
    assert!(s.daemon_pid().is_none(), "nothing was started");

    let moved = both.migrate(&[]);
    assert_eq!(moved.code, 0, "{moved:?}");
    assert!(moved.out.contains("moved api, 2 processes: its port stayed open\n"), "{moved:?}");
    assert!(moved.out.contains("moved 1 app and ended the PM2 in"), "{moved:?}");
    load.wait_answered(50, SOON);
    load.stop().assert_none_failed(100);
    let after = both.of_ours();
    assert_eq!(states(&after), states(&before));
    assert!(after.iter().all(|new| before.iter().all(|old| old.3 != new.3)));
    let logs = |id: usize| s.jlist()[id]["pm2_env"]["pm_out_log_path"].clone();
    let of_pm2 = |id: u32| both.pm2_home.join(format!("logs/api-out-{id}.log"));
    assert_eq!([logs(0), logs(1)], [1, 2].map(|id| Value::from(of_pm2(id).to_str().unwrap())));
    // The new workers' own socket now: it is served until they stop.
    Load::to_port(port).requests(20).assert_none_failed(20);
    s.ostler(["restart", "api"]).run();
    Load::to_port(port).requests(20).assert_none_failed(20);

    let back = both.migrate(&["--back"]);
    assert_eq!(back.code, 0, "{back:?}");
    assert!(back.out.contains("gave back api, 2 processes\n"), "{back:?}");
    assert!(both.of_ours().is_empty());
    wait_for("both with PM2", SOON, || {
        let list = both.of_pm2();
        (list.len() == 2 && list.iter().all(|one| one.2 == "online")).then_some(())
    });
    wait_for("an answer", SOON, || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    Load::to_port(port).requests(20).assert_none_failed(20);
}

#[test]
fn an_app_that_holds_its_port_is_restarted_and_one_that_fails_here_stays_with_pm2() {
    let both = Both::new();
    let (s, port) = (&both.s, both.s.port());
    let web = s.victim("web", Victim::Http);
    // It starts under PM2 only: the file is there later.
    let fails = s.write(
        "fails.js",
        "if (require('fs').existsSync(__dirname + '/no')) process.exit(3);\n\
         setInterval(() => {}, 1000);",
    );
    let rests = s.write("rests.js", "setInterval(() => {}, 1000);");
    both.pm2(&["start", "--name", "web", web.to_str().unwrap()], port);
    let fails = fails.to_str().unwrap();
    both.pm2(&["start", "--name", "fails", "--max-restarts", "0", fails], 0);
    both.pm2(&["start", "--name", "rests", rests.to_str().unwrap()], 0);
    both.pm2(&["stop", "rests"], 0);
    Load::to_port(port).requests(5).assert_none_failed(5);
    s.write("no", "");
    let moved = both.migrate(&[]);
    assert_eq!(moved.code, 1, "{moved:?}");
    assert!(moved.out.contains(&format!("restarted: nobody listens on 127.0.0.1:{port} mean")));
    assert!(moved.out.contains("moved web, 1 process: nobody listened for "), "{moved:?}");
    assert!(moved.out.contains("moved rests, 1 process: stopped\n"), "{moved:?}");
    assert!(moved.err.contains("error: fails (id 1) does not stay up here\n"), "{moved:?}");
    assert!(moved.err.contains("fails stays with PM2\n"), "{moved:?}");
    assert!(moved.out.contains("moved 2 apps; 1 stays with the PM2 in"), "{moved:?}");
    Load::to_port(port).requests(5).assert_none_failed(5);
    let ours = both.of_ours();
    assert_eq!(states(&ours), [(0, "web", "online"), (2, "rests", "stopped")]);

    std::fs::remove_file(s.work().join("no")).unwrap();
    both.pm2(&["restart", "fails"], 0);
    let again = both.migrate(&[]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.out.contains("moved fails, 1 process: restarted\n"), "{again:?}");
}

/// Begins to move a cluster and two more apps, under load, and sends the command this signal in the
/// middle of the first. Returns what it said, after another `migrate` has done the rest and no
/// request has failed.
fn cut_off(both: &Both, signal: Signal) -> String {
    let (s, port) = (&both.s, both.s.port());
    let script = s.victim("api", Victim::Http);
    both.pm2(&["start", "--name", "my api", "-i", "2", script.to_str().unwrap()], port);
    let rests = s.write("rests.js", "setInterval(() => {}, 1000);");
    for name in ["one", "two"] {
        both.pm2(&["start", "--name", name, rests.to_str().unwrap()], 0);
    }
    let load = Load::to_port(port).connections(4).connection_per_request().start();
    load.wait_answered(50, SOON);
    let mut command = s.command();
    command.args(["migrate", "--from"]).arg(&both.pm2_home);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    s.wait_file("ostler.migration", SOON, |note| note.contains("my api").then_some(()));
    assert!(procs::signal(child.id(), signal));
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.signal().is_some(), "{ended:?}");
    load.wait_answered(50, SOON);
    let again = both.migrate(&[]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.out.contains("and ended the PM2 in"), "{again:?}");
    load.wait_answered(50, SOON);
    load.stop().assert_none_failed(150);
    assert_eq!(
        states(&both.of_ours()),
        [
            (0, "my api", "online"),
            (1, "my api", "online"),
            (2, "one", "online"),
            (3, "two", "online")
        ]
    );
    assert!(!s.file("ostler.migration").exists());
    String::from_utf8(ended.stdout).unwrap()
}

#[test]
fn a_migration_that_was_killed_in_the_middle_is_gone_on_with_and_no_request_fails() {
    let said = cut_off(&Both::new(), Signal::KILL);
    assert!(!said.contains("moved"), "{said}");
}

#[test]
fn who_interrupts_a_migration_ends_it_between_two_apps() {
    let said = cut_off(&Both::new(), Signal::INT);
    assert!(said.contains("moved 1 app; 2 stay with the PM2 in"), "{said}");
}

#[test]
fn migrate_says_where_there_is_no_pm2() {
    let both = Both::new();
    let ran = both.migrate(&[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("error: no PM2 runs in `"), "{ran:?}");
    let home = both.s.home().to_string_lossy().into_owned();
    let ran = both.s.ostler(["migrate", "--from", &home]).any_code().run();
    assert!(ran.err.contains("is the home of both"), "{ran:?}");
}

#[test]
fn no_ostler_is_started_where_apps_are_to_go_back_to_a_pm2_that_is_not_there() {
    let mut s = sandbox();
    let (bin, theirs) = (s.work().join("bin"), s.work().join("theirs"));
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ostler"), bin.join("pm2")).unwrap();
    let path = std::env::var("PATH").unwrap();
    s.set_env("PATH", format!("{}:{path}", bin.display()));
    s.ostler(["start"]).arg(s.victim("app", Victim::Sleeper)).run();
    let from = theirs.to_str().unwrap();
    let ran = s.ostler(["migrate", "--back", "--from", from]).code(1).run();
    assert!(ran.err.contains("bin/pm2`), and no PM2 runs"), "{}", ran.err);
    assert!(ran.err.contains("hint: install PM2 first"), "{}", ran.err);
    assert!(!theirs.exists(), "a home was made");
    s.wait_status("app", "online", 1, SOON);
}

#[test]
fn pm2s_service_is_replaced_when_all_apps_have_moved() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut both = Both::new();
    let calls = both.s.root().join("calls");
    let tool = format!("#!/bin/sh\necho \"$*\" >> '{}'\n", calls.display());
    both.s.write_executable("bin/systemctl", tool);
    let path = std::env::var("PATH").unwrap();
    let pm2 = pm2_path();
    let folders = [both.s.work().join("bin"), pm2.parent().unwrap().to_owned()];
    let folders = folders.map(|folder| folder.display().to_string()).join(":");
    both.s.set_env("PATH", format!("{folders}:{path}"));
    let machine = both.s.root().join("machine");
    both.s.set_env("OSTLER_BOOT_ROOT", &machine);
    let units = machine.join("etc/systemd/system");
    std::fs::create_dir_all(&units).unwrap();
    let unit =
        |home: &std::path::Path| format!("[Service]\nEnvironment=PM2_HOME={}\n", home.display());
    std::fs::write(units.join("pm2-other.service"), unit(&both.s.work())).unwrap();
    std::fs::write(units.join("pm2-root.service"), unit(&both.pm2_home)).unwrap();
    let app = both.s.write("app.js", "setInterval(() => {}, 1000);");
    both.pm2(&["start", app.to_str().unwrap()], 0);
    let moved = both.migrate(&[]);
    assert_eq!(moved.code, 0, "{moved:?}");
    assert!(moved.out.contains("disabled `pm2-root.service`: ostler starts with"), "{moved:?}");
    let called = || std::fs::read_to_string(&calls).unwrap();
    assert!(called().ends_with("disable --now pm2-root.service\n"), "{}", called());
    assert!(units.join("ostler-root.service").is_file());

    let back = both.migrate(&["--back"]);
    assert_eq!(back.code, 0, "{back:?}");
    assert!(back.out.contains("enabled `pm2-root.service` and disabled `ostler-root"), "{back:?}");
    let called = called();
    assert!(called.ends_with("enable pm2-root.service\ndisable ostler-root.service\n"), "{called}");
    assert!(!called.contains("pm2-other"), "{called}");
    // Each app is in one saved list: nothing starts it twice with the machine.
    let saved = |home: &std::path::Path| {
        let text = std::fs::read_to_string(home.join("dump.pm2")).unwrap();
        serde_json::from_str::<Vec<Value>>(&text).unwrap().len()
    };
    assert_eq!((saved(&both.pm2_home), saved(&both.s.home())), (1, 0));
}
