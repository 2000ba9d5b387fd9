//! Commands around the apps: a process file to begin with, the list as a file, another version by
//! git, a report for whoever helps.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use ostler_testkit::Sandbox;
use ostler_testkit::run::{Output, finish};

use crate::start_e2e::{SOON, sandbox, wait_log};

pub(crate) fn pm2(s: &Sandbox, args: &[&str]) -> Output {
    let program = s.work().join("pm2");
    if !program.exists() {
        symlink(env!("CARGO_BIN_EXE_ostler"), &program).unwrap();
    }
    let mut command = s.command_of(program);
    command.args(args);
    finish(command, &[], SOON)
}

#[test]
fn init_writes_a_file_that_starts_the_app_of_the_folder_and_never_writes_over_one() {
    let s = sandbox();
    s.write("package.json", r#"{ "name": "@shop/api", "main": "lib/main.js" }"#);
    fs::create_dir(s.work().join("lib")).unwrap();
    s.write("lib/main.js", "console.log('up'); setInterval(() => {}, 1000)");
    s.ostler(["init"]).run();
    s.ostler(["start", "ecosystem.config.js"]).run();
    wait_log(&s, "api-out-0.log", "up");
    assert_eq!(s.pids_of("api").len(), 2);
    let path = s.work().join("ecosystem.config.js");
    let before = fs::read(&path).unwrap();
    for said in [s.run(&["init"]), s.run(&["ecosystem", "simple"]), pm2(&s, &["init"])] {
        assert_eq!(said.code, 1);
        assert!(said.err.contains("is there already, and stays as it is"), "{}", said.err);
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn in_a_package_of_modules_init_writes_a_file_that_node_can_load() {
    let s = sandbox();
    s.write("package.json", r#"{ "name": "job", "type": "module" }"#);
    s.write("index.js", "console.log(import.meta.url); setInterval(() => {}, 1000)");
    let said = pm2(&s, &["ecosystem", "simple"]);
    let path = s.work().join("ecosystem.config.cjs");
    assert_eq!((said.code, said.out), (0, format!("File {} generated\n", path.display())));
    s.ostler(["start"]).arg(&path).run();
    wait_log(&s, "job-out.log", "index.js");
}

#[test]
fn an_exported_list_is_started_elsewhere_once() {
    let [here, there] = [sandbox(), sandbox()];
    let script = here.write("app.sh", "echo \"with $COLOUR\"; exec sleep 1000000");
    here.ostler(["start", "-i", "2"]).arg(&script).env("COLOUR", "red").run();
    let file = here.work().join("list.json");
    here.ostler(["export"]).arg(&file).run();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(here.ostler(["export"]).arg(&file).code(1).run().err.contains("File exists"));
    let said = there.ostler(["import"]).arg(&file).run();
    assert!(said.out.starts_with("imported 1 app (2 processes) from "), "{said:?}");
    assert_eq!(there.pids_of("app").len(), 2);
    assert_eq!(there.jlist()[0]["pm2_env"]["COLOUR"], "red");
    let pids = there.pids_of("app");
    let text = here.ostler(["export"]).run().out;
    there.ostler(["import", "-"]).stdin(text).run();
    assert_eq!(there.pids_of("app"), pids, "what runs is not started again");
    let said = there.ostler(["import", "-"]).stdin("{}").code(1).run();
    assert!(said.err.contains("is no list of processes: it is JSON, but no array"), "{}", said.err);
}

fn git(folder: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "user.name=x", "-c", "user.email=x@y"]);
    let ran = command.args(args).env("HOME", folder).output().unwrap();
    assert!(ran.status.success(), "{args:?}: {ran:?}");
}

#[test]
fn another_version_comes_by_git_and_what_git_refuses_reloads_nothing() {
    let s = sandbox();
    let (origin, clone) = (s.work().join("origin"), s.work().join("clone"));
    fs::create_dir(&origin).unwrap();
    git(&origin, &["init", "-q", "-b", "main"]);
    let commit = |version: u32| {
        fs::write(origin.join("app.sh"), format!("echo v{version}; exec sleep 1000000")).unwrap();
        git(&origin, &["add", "."]);
        git(&origin, &["commit", "-qm", "another"]);
    };
    (1..=3).for_each(&commit);
    git(s.work().as_path(), &["clone", "-q", "origin", "clone"]);
    s.ostler(["start", "app.sh"]).cwd(&clone).run();
    wait_log(&s, "app-out.log", "v3\n");
    s.ostler(["backward", "app"]).run();
    wait_log(&s, "app-out.log", "v3\nv2\n");
    s.ostler(["forward", "app"]).run();
    wait_log(&s, "app-out.log", "v3\nv2\nv3\n");
    let newest = s.ostler(["forward", "app"]).code(1).run();
    assert!(newest.err.contains("this is the newest version"), "{}", newest.err);
    git(&clone, &["checkout", "-q", "main"]);
    commit(4);
    s.ostler(["pull", "app"]).run();
    wait_log(&s, "app-out.log", "v3\nv2\nv3\nv4\n");
    commit(5);
    fs::write(clone.join("app.sh"), "changed by hand").unwrap();
    let pid = s.pids_of("app");
    let refused = s.ostler(["pull", "app"]).code(1).run();
    assert!(refused.err.starts_with("error: git in "), "{}", refused.err);
    assert_eq!(s.pids_of("app"), pid);
}

/// Recorded from PM2 7.0.4.
#[test]
fn under_the_name_pm2_an_app_without_a_repository_is_no_failure() {
    let s = sandbox();
    let script = s.write("app.sh", "exec sleep 1000000");
    s.ostler(["start"]).arg(script).run();
    let check = |args: &[&str], code: i32, out: &str, err: &str| {
        let said = pm2(&s, args);
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (code, out, err), "{args:?}");
    };
    let none = "[PM2] No versioning system found for process app\n";
    let updating = "[PM2] Updating repository for process name ";
    check(&["pull", "app"], 0, &format!("{updating}app\n{none}"), "");
    let forward = "[PM2] Updating to next commit repository for process name app\n";
    check(&["forward", "app"], 0, &format!("{forward}{none}"), "");
    let nobody = "No processes with this name or id : nobody\n";
    check(&["pull", "nobody"], 1, &format!("{updating}nobody\n"), nobody);
    let said = s.ostler(["pull", "app"]).code(1).run();
    assert!(said.err.contains("is in no repository of git"), "{}", said.err);
}

#[test]
fn a_report_has_no_secrets_and_starts_no_daemon() {
    let s = sandbox();
    let said = s.ostler(["report"]).run();
    assert!(said.out.contains("no daemon runs"), "{}", said.out);
    assert!(s.daemon_pid().is_none());
    let script = s.write("app.sh", "exec sleep 1000000");
    s.ostler(["start", "--name", "shop"]).arg(script).run();
    let log = s.file("pm2.log");
    let text = fs::read_to_string(&log).unwrap() + "PASSWORD=hunter2 postgres://u:hunter2@db/x\n";
    fs::write(&log, text).unwrap();
    for said in [s.run(&["report"]), pm2(&s, &["report"])] {
        assert!(said.out.contains(" shop ") && said.out.contains("mode 700"), "{}", said.out);
        let masked = "PASSWORD=*** postgres://u:***@db/x";
        assert!(said.out.contains(masked) && !said.out.contains("hunter2"), "{}", said.out);
    }
}

#[test]
fn figures_of_the_machine_have_pm2s_names() {
    let s = sandbox();
    let said = pm2(&s, &["slist"]);
    assert!(said.out.starts_with("{\n  'CPU Usage': { value: "), "{}", said.out);
    assert!(!said.out.ends_with('\n'));
    let text = s.ostler(["slist", "--json"]).run().out;
    let figures: serde_json::Value = serde_json::from_str(&text).unwrap();
    for name in ["RAM Total", "net:rx_5:lo", "Disk Reads", "fs:use:/"] {
        let figure = &figures[name];
        assert!(figure["value"].is_number() && figure["historic"] == true, "{name}: {figure}");
    }
    assert!(s.ostler(["slist", "-t"]).run().out.starts_with("├─ CPU Usage: "));
}
