//! Modules: npm packages that run as apps and watch others.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use ostler_testkit::Sandbox;
use ostler_testkit::runtimes::npm_cache;

use crate::start_e2e::{SOON, one, sandbox, wait_log};

/// Enough for npm on a busy machine.
const NPM: Duration = Duration::from_secs(300);

/// A home in which npm asks no network.
fn offline() -> Sandbox {
    let mut s = sandbox();
    s.set_env("npm_config_offline", "true");
    s
}

/// Writes a module of this version that says how it was started. Returns its folder.
fn write(s: &Sandbox, version: &str, script: &str) -> String {
    let package = format!(
        "{{\"name\":\"watcher\",\"version\":\"{version}\",\"main\":\"index\",\
         \"config\":{{\"size\":\"10M\",\"compress\":false}}}}"
    );
    s.write("source/package.json", package);
    let path = s.write("source/index.js", script);
    path.parent().unwrap().display().to_string()
}

const SCRIPT: &str = "const e = process.env;
    console.log('module ' + [e.size, e.compress, e.pmx_module, e.watcher].join('|'));
    setInterval(() => {}, 1000);";

fn recorded(s: &Sandbox) -> String {
    fs::read_to_string(s.home().join("module_conf.json")).unwrap()
}

#[test]
fn a_module_has_its_settings_stands_apart_and_comes_back_with_the_daemon() {
    let s = offline();
    let folder = write(&s, "1.2.3", SCRIPT);
    s.ostler(["install", &folder]).limit(NPM).shows("installed watcher 1.2.3").run();
    // Its own defaults count for its first run, too.
    let all = "{\"size\":\"10M\",\"compress\":false}";
    wait_log(&s, "watcher-out.log", &format!("module 10M|false|true|{all}\n"));
    assert_eq!(one(&s, "watcher")["pm2_env"]["pmx_module"], true);
    s.ostler(["set", "watcher.size", "1K"]).shows("restarted watcher").run();
    wait_log(&s, "watcher-out.log", "module 1K|false|true|");
    let app = s.write("app.js", "setInterval(() => {}, 1000)");
    s.ostler(["start"]).arg(app).run();
    // `all` means apps, and so does the saved list.
    s.ostler(["save"]).shows("saved 1 app").run();
    s.ostler(["stop", "all"]).run();
    s.wait_status("watcher", "online", 1, SOON);
    s.wait_status("app", "stopped", 1, SOON);
    s.ostler(["kill"]).run();
    // No manager runs: a `flush` would start one, and empty what the module has said by then.
    fs::write(s.file("logs/watcher-out.log"), "").unwrap();
    s.ostler(["ping"]).run();
    s.wait_status("watcher", "online", 1, SOON);
    wait_log(&s, "watcher-out.log", "module 1K|false|true|");
    assert_eq!(s.jlist().len(), 1, "the list was not asked for");
    s.ostler(["uninstall", "watcher"]).shows("removed watcher").run();
    assert!(s.jlist().is_empty() && !s.home().join("modules/watcher").exists());
    assert!(recorded(&s).contains("\"module-db-v2\": {}") && recorded(&s).contains("\"1K\""));
    s.ostler(["uninstall", "watcher"]).code(1).shows("no module `watcher` is installed").run();
}

#[test]
fn what_cannot_be_installed_leaves_the_module_that_runs() {
    let s = offline();
    let folder = write(&s, "1.0.0", SCRIPT);
    s.ostler(["install", &folder]).limit(NPM).run();
    let (before, pid) = (recorded(&s), one(&s, "watcher")["pid"].clone());
    let package = |text: &str| s.write("source/package.json", text);
    for (text, says) in [
        ("{\"name\":\"watcher\",\"version\":\"2.0.0\"}", "is no module: it has none of"),
        ("{\"name\":\"watcher\",\"version\":\"2.0.0\",\"main\":\"missing.js\"}", "missing.js"),
        ("{\"name\":\"watcher\",\"version\":\"2.0.0\",\"apps\":[{\"script\":7}]}", "script"),
        ("{\"name\":\"watcher\",\"version\":\"2.0.0\",\"apps\":[]}", "neither an app nor a list"),
    ] {
        package(text);
        s.ostler(["install", &folder]).limit(NPM).code(1).shows(says).run();
        assert_eq!((recorded(&s), &one(&s, "watcher")["pid"]), (before.clone(), &pid), "{text}");
    }
    s.ostler(["install", "no-such-package-is-cached"]).limit(NPM).code(1).run();
    s.ostler(["install", "typescript"]).code(1).shows("is no module").run();
    assert_eq!(one(&s, "watcher")["pid"], pid);
    let left = fs::read_dir(s.home().join("modules")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["watcher"], "nothing is left of what has failed");
}

#[test]
fn an_archive_of_a_module_is_made_and_installed() {
    let s = offline();
    let folder = write(&s, "1.2.3", SCRIPT);
    s.ostler(["package"]).cwd(&folder).shows("source-v1-2-3.tar.gz").run();
    let archive = Path::new(&folder).join("source-v1-2-3.tar.gz");
    s.ostler(["install"]).arg(&archive).shows("installed watcher 1.2.3").run();
    wait_log(&s, "watcher-out.log", "module 10M|false|true|");
    assert!(recorded(&s).contains("\"tar-modules\": {\n        \"watcher\": {}"));
    assert!(s.home().join("modules/watcher/package.json").is_file(), "where PM2 has it");
    let other = s.write("other.tar.gz", "no archive");
    s.ostler(["install"]).arg(other).code(1).shows("tar failed").run();
    s.wait_status("watcher", "online", 1, SOON);
    s.ostler(["uninstall", "all"]).run();
    assert!(s.jlist().is_empty());
}

#[test]
fn a_module_to_begin_with_is_written_and_overwrites_nothing() {
    let s = sandbox();
    s.ostler(["module:generate", "mine"]).cwd(s.work()).shows("made ").run();
    let package = fs::read_to_string(s.work().join("mine/package.json")).unwrap();
    assert!(package.contains("\"name\": \"mine\""), "{package}");
    s.ostler(["module:generate", "mine"]).cwd(s.work()).code(1).shows("is there already").run();
    s.ostler(["module:generate", "../x"]).cwd(s.work()).code(1).shows("no name of a package").run();
}

#[test]
fn the_real_logrotate_module_rotates_the_logs_of_apps() {
    let Some(cache) = npm_cache() else { return };
    let mut s = offline();
    s.set_env("npm_config_cache", cache);
    let text = "setInterval(() => console.log('x'.repeat(200)), 20)";
    let app = s.write("noisy.js", text);
    s.ostler(["start"]).arg(app).run();
    s.ostler(["install", "pm2-logrotate@3.0.0"]).limit(NPM).run();
    s.ostler(["multiset", "pm2-logrotate.max_size 1K pm2-logrotate.workerInterval 1"]).run();
    let logs = s.home().join("logs");
    let rotated = || {
        let mut names = fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().path());
        let is_rotated = |path: &std::path::PathBuf| {
            path.file_name().unwrap().to_string_lossy().starts_with("noisy-out__")
        };
        // It is copied, a piece at a time.
        let text = fs::read_to_string(names.find(is_rotated)?).ok()?;
        (1024 < text.len() && text.ends_with('\n')).then_some(text)
    };
    let text = ostler_testkit::wait_for("a rotated log", 2 * SOON, rotated);
    assert!(text.lines().all(|line| line == "x".repeat(200)), "{text}");
    // What is built in leaves the files to it while it runs.
    let told = |whose: &str| format!("log files are rotated by {whose} from now on");
    let log = fs::read_to_string(s.file("pm2.log")).unwrap();
    assert!(log.contains(&told("the module pm2-logrotate")), "{log}");
    assert!(!log.contains("rotated the log file"), "{log}");
    // It says of itself what PM2 shows.
    s.wait_for("the module's metrics", 6 * SOON, || {
        let of = one(&s, "pm2-logrotate");
        of["pm2_env"]["axm_monitor"].get("Files count").is_some().then_some(())
    });
}

#[test]
fn the_real_server_monit_module_answers_what_it_offers() {
    let Some(cache) = npm_cache() else { return };
    let Some(pm2) = ostler_testkit::runtimes::pm2() else { return };
    let mut s = offline();
    s.set_env("npm_config_cache", cache);
    s.ostler(["install", "pm2-server-monit@3.0.0"]).limit(NPM).run();
    s.wait_for("the module's actions", 6 * SOON, || {
        let actions = one(&s, "pm2-server-monit")["pm2_env"]["axm_actions"].to_string();
        actions.contains("disk usage").then_some(())
    });
    let mut trigger = s.command_of(pm2);
    trigger.args(["trigger", "pm2-server-monit", "disk usage"]).env("PM2_HOME", s.home());
    trigger.env("PM2_DISABLE_VERSION_CHECK", "1").env("PM2_DISCRETE_MODE", "1");
    let ran = ostler_testkit::run::finish(trigger, &[], 6 * SOON);
    assert!(ran.out.contains("=") && ran.out.contains('%'), "{ran:?}");
}

/// Returns what is answered at this port, if anything.
fn scraped(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

#[test]
fn the_real_metrics_module_tells_prometheus_of_the_apps() {
    let Some(cache) = npm_cache() else { return };
    let mut s = offline();
    s.set_env("npm_config_cache", cache);
    let app = s.write("app.js", "setInterval(() => {}, 1000)");
    s.ostler(["start"]).arg(app).args(["--name", "seen"]).run();
    let port = s.port();
    // Set before, so that its first run listens nowhere else.
    let settings = format!("pm2-metrics.host 127.0.0.1 pm2-metrics.port {port}");
    s.ostler(["multiset", &settings]).run();
    s.ostler(["install", "pm2-metrics@1.0.47"]).limit(NPM).run();
    s.wait_for("a figure of the app", 6 * SOON, || {
        let is_up = |line: &str| {
            line.starts_with("pm2_up{") && line.contains("name=\"seen\"") && line.ends_with(" 1")
        };
        scraped(port).filter(|text| text.lines().any(is_up))
    });
}

/// Options of PM2's that ask for what is done anyway were unknown, and its words were not there.
#[test]
fn under_the_name_pm2_options_about_modules_that_ask_for_nothing_more_are_warned_of() {
    let s = offline();
    s.write_executable("bin/npm", "#!/bin/sh\necho \"npm $* in $PWD\"\n");
    let path = format!("{}:{}", s.work().join("bin").display(), std::env::var("PATH").unwrap());
    write(&s, "1.0.0", "");
    let pm2 = s.work().join("pm2");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ostler"), &pm2).unwrap();
    let run = |line: &str| {
        let mut command = s.command_of(&pm2);
        command.args(line.split(' ')).env("PATH", &path).env("PM2_HOME", s.home());
        command.current_dir(s.work());
        ostler_testkit::run::finish(command, &[], SOON)
    };
    let published = run("publish --npm source").success();
    assert!(published.err.contains("npm publish in "), "{published:?}");
    assert!(published.err.contains("`--npm` does nothing: `publish` gives"), "{published:?}");
    let packed = run("package source").success();
    assert!(packed.out.contains("[PM2][Module] Module packaged in "), "{packed:?}");
    let begun = run("module:generate mine").success();
    assert!(begun.out.contains("Module sample created in folder:  "), "{begun:?}");
    assert!(run("stop --npm x").err.contains("unknown option `--npm'"));
}
