//! Apps that end while nobody has a connection to them, and begin with the next one.
//!
//! `OSTLER_WAKES` sets how often one is woken; the project's own figure is of 1,000.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ostler_client::{Answer, Client, Home};
use ostler_testkit::{Load, Sandbox, wait_for};
use ostler_wire::control::{Phase, ProcView, Reply, Request};

use crate::cluster::{WEB, ask, ask_port, local};
use crate::keeper_death::{kill_both, kill_keeper};
use crate::reload_world::{APP, SOON};
use crate::takeover::{kill_daemon, sandbox};

/// The shortest sleep that an app may ask for.
const KEYS: &str = "idle_stop: 100,";

/// A sandbox with one app of this script, which is up.
fn started(script: &str, keys: &str) -> (Sandbox, u16) {
    let sandbox = sandbox();
    let port = sandbox.port();
    sandbox.write("web.js", script);
    sandbox.write("app.config.js", file("web", port, keys));
    sandbox.ostler(["start", "app.config.js", "--wait"]).run();
    (sandbox, port)
}

/// A process file of one app of `web.js`.
fn file(name: &str, port: u16, keys: &str) -> String {
    format!("module.exports = {{ apps: [{}] }}", app(name, port, keys))
}

fn app(name: &str, port: u16, keys: &str) -> String {
    format!("{{ name: '{name}', script: 'web.js', {keys} env: {{ PORT: {port} }} }}")
}

fn list(sandbox: &Sandbox) -> Vec<ProcView> {
    let mut client = Client::connect(&Home::new(sandbox.home())).unwrap();
    match client.request(&Request::List, |_| ()).unwrap() {
        Answer::Reply(Reply::List { processes, .. }) => processes,
        other => panic!("no list: {other:?}"),
    }
}

/// Returns once every process of the app is in this phase.
fn wait_phase(sandbox: &Sandbox, name: &str, phase: Phase) {
    wait_for(format_args!("{name} to be {phase:?}"), SOON, || {
        let list = list(sandbox);
        let mut of_app = list.iter().filter(|process| process.name == name).peekable();
        (of_app.peek().is_some() && of_app.all(|process| process.phase == phase)).then_some(())
    });
}

fn wait_asleep(sandbox: &Sandbox, name: &str) {
    wait_phase(sandbox, name, Phase::Sleeping);
}

/// How often something of the kind is in the daemon's log.
fn told(sandbox: &Sandbox, what: &str) -> usize {
    std::fs::read_to_string(sandbox.file("pm2.log")).unwrap().matches(what).count()
}

fn wakes() -> usize {
    std::env::var("OSTLER_WAKES").map_or(20, |text| text.parse().unwrap())
}

#[test]
fn no_request_to_a_sleeping_app_fails() {
    for keys in ["", "instances: 2, balance: 'sticky',"] {
        let (sandbox, port) = started(WEB, &format!("{KEYS} {keys}"));
        for wake in 0..wakes() {
            wait_asleep(&sandbox, "web");
            assert!(ask_port(port).is_some(), "wake {wake} failed");
        }
        assert!(wakes() <= told(&sandbox, "[web:0] wakes"));
        assert!(list(&sandbox).iter().all(|process| process.restarts == 0));
    }
}

#[test]
fn no_request_fails_that_comes_in_the_moment_in_which_an_app_falls_asleep() {
    let (sandbox, port) = started(WEB, KEYS);
    for pause in [90, 120, 150, 180, 210, 240] {
        let load = Load::to_port(port).connection_per_request().think(Duration::from_millis(pause));
        load.requests(wakes() as u64).assert_none_failed(wakes());
    }
    assert!(0 < told(&sandbox, "sleeps"));
}

#[test]
fn a_connection_that_is_kept_open_keeps_the_app_awake() {
    let (sandbox, port) = started(APP, KEYS);
    // It says nothing any more, as a websocket may.
    let mut kept = TcpStream::connect(local(port)).unwrap();
    kept.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut buffer = [0; 512];
    assert!(0 < kept.read(&mut buffer).unwrap());
    let before = list(&sandbox)[0].pid;
    // Another app of the same kind falls asleep three times meanwhile.
    let other = sandbox.port();
    sandbox.write("other.config.js", file("other", other, KEYS));
    sandbox.ostler(["start", "other.config.js"]).run();
    for _ in 0..3 {
        wait_asleep(&sandbox, "other");
        assert!(ask_port(other).is_some());
    }
    let web = &list(&sandbox)[0];
    assert_eq!((web.phase, web.pid), (Phase::Online, before));
    kept.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert!(0 < kept.read(&mut buffer).unwrap(), "it is served as ever");
    drop(kept);
    wait_asleep(&sandbox, "web");
}

/// From ostler nobody could see which port would wake it.
#[test]
fn an_app_that_sleeps_shows_the_port_that_wakes_it() {
    let (sandbox, port) = started(WEB, KEYS);
    let address = format!("127.0.0.1:{port}");
    let shows = || {
        let wanted = format!("[{{\"name\":\"web\",\"ports\":[\"{address}\"]}}]\n");
        sandbox.ostler(["list", "--json", "name,ports"]).stdout(wanted).run();
        let piped = sandbox.ostler(["list"]).run().out;
        assert!(piped.contains(&format!("\tsleeping\t{address}\t")), "{piped}");
        let ports = format!("ports: {address}\n");
        let described = sandbox.ostler(["describe", "web"]).run().out;
        let described = regex_lite::Regex::new(" +").unwrap().replace_all(&described, " ");
        assert!(described.contains(&ports), "{described}");
        let ready = format!("web is ready: http://{address}\n");
        sandbox.ostler(["wait", "web"]).stdout(ready).run();
        assert_eq!(list(&sandbox)[0].phase, Phase::Sleeping, "nobody woke it");
    };
    wait_asleep(&sandbox, "web");
    shows();
    kill_daemon(&sandbox);
    shows();
    sandbox.ostler(["update"]).run();
    shows();
    assert!(ask_port(port).is_some());
}

#[test]
fn an_app_sleeps_on_when_parts_of_the_manager_die_and_wakes_as_ever() {
    let (sandbox, port) = started(WEB, KEYS);
    wait_asleep(&sandbox, "web");
    kill_daemon(&sandbox);
    assert_eq!(list(&sandbox)[0].phase, Phase::Sleeping);
    assert!(ask_port(port).is_some());
    wait_asleep(&sandbox, "web");
    kill_keeper(&sandbox);
    assert_eq!(list(&sandbox)[0].phase, Phase::Sleeping);
    assert!(ask_port(port).is_some());
    wait_asleep(&sandbox, "web");
    // Whoever comes while there is no daemon is answered by its successor.
    let daemon = sandbox.daemon_pid().unwrap();
    ostler_testkit::procs::signal(daemon, ostler_testkit::procs::Signal::KILL);
    assert!(ask_port(port).is_some());
    wait_asleep(&sandbox, "web");
    // Where both died, so did the socket: the app is started, for nobody could wake it.
    kill_both(&sandbox);
    sandbox.ostler(["list"]).run();
    assert!(told(&sandbox, "wakes") >= 4);
    wait_asleep(&sandbox, "web");
    assert!(ask_port(port).is_some());
}

#[test]
fn the_manager_changes_its_program_while_an_app_sleeps() {
    let (sandbox, port) = started(WEB, KEYS);
    wait_asleep(&sandbox, "web");
    sandbox.ostler(["update"]).run();
    assert_eq!(list(&sandbox)[0].phase, Phase::Sleeping);
    assert!(ask_port(port).is_some());
}

#[test]
fn a_reload_wakes_an_app_and_one_that_fails_lets_it_sleep() {
    let (sandbox, port) = started(APP, KEYS);
    wait_asleep(&sandbox, "web");
    sandbox.ostler(["reload", "web"]).run();
    assert!(ask_port(port).is_some());
    wait_asleep(&sandbox, "web");
    sandbox.write("mode", "exits");
    let ran = sandbox.ostler(["reload", "web"]).any_code().run();
    assert_ne!(ran.code, 0, "{}", ran.err);
    assert_eq!(list(&sandbox)[0].phase, Phase::Sleeping);
    std::fs::remove_file(sandbox.work().join("mode")).unwrap();
    assert!(ask_port(port).is_some(), "the old version answers");
}

#[test]
fn one_that_cannot_be_woken_any_more_is_errored_and_its_clients_are_cut_off() {
    let keys = "max_restarts: 2, min_uptime: 60000,";
    let (sandbox, port) = started(APP, &format!("{KEYS} {keys}"));
    wait_asleep(&sandbox, "web");
    sandbox.write("mode", "exits");
    // The client does not wait for ever.
    assert_eq!(ask_port(port), None);
    wait_phase(&sandbox, "web", Phase::Errored);
    assert!(TcpStream::connect(local(port)).is_err(), "nobody listens");
    std::fs::remove_file(sandbox.work().join("mode")).unwrap();
    sandbox.ostler(["restart", "web"]).run();
    wait_asleep(&sandbox, "web");
    assert!(ask_port(port).is_some());
}

#[test]
fn a_stop_ends_the_sleep_and_a_start_wakes() {
    let (sandbox, port) = started(WEB, &format!("{KEYS} instances: 2,"));
    wait_asleep(&sandbox, "web");
    sandbox.ostler(["health"]).run();
    assert!(sandbox.jlist().iter().all(|process| process["pm2_env"]["status"] == "stopped"));
    let described = sandbox.ostler(["describe", "web"]).run();
    assert!(described.out.contains("the next connection starts it"), "{}", described.out);
    sandbox.ostler(["stop", "web"]).run();
    assert!(TcpStream::connect(local(port)).is_err(), "nobody listens");
    sandbox.ostler(["start", "web"]).run();
    assert!(ask_port(port).is_some());
    wait_asleep(&sandbox, "web");
    sandbox.ostler(["scale", "web", "3"]).run();
    assert!(ask_port(port).is_some());
    wait_asleep(&sandbox, "web");
    assert_eq!(list(&sandbox).len(), 3);
    sandbox.ostler(["save"]).run();
    sandbox.ostler(["delete", "web"]).run();
    sandbox.ostler(["resurrect"]).run();
    assert!(ask_port(port).is_some());
    wait_asleep(&sandbox, "web");
}

#[test]
fn what_an_app_depends_on_wakes_before_it() {
    let sandbox = sandbox();
    let (api, web) = (sandbox.port(), sandbox.port());
    sandbox.write("web.js", WEB);
    let keys = format!("{KEYS} depends_on: ['api'],");
    let apps = [app("api", api, KEYS), app("web", web, &keys)].join(", ");
    sandbox.write("app.config.js", format!("module.exports = {{ apps: [{apps}] }}"));
    sandbox.ostler(["start", "app.config.js"]).run();
    wait_asleep(&sandbox, "web");
    wait_asleep(&sandbox, "api");
    assert!(ask_port(web).is_some());
    let log = std::fs::read_to_string(sandbox.file("pm2.log")).unwrap();
    let woken = &log[log.find("wakes").unwrap()..];
    assert!(woken.find("[api:0] online") < woken.find("[web:1] online"), "{woken}");
    wait_asleep(&sandbox, "api");
    // What is below wakes alone.
    assert!(ask_port(api).is_some());
    let list = list(&sandbox);
    assert!(list.iter().any(|one| one.name == "web" && one.phase == Phase::Sleeping));
}

#[test]
fn a_health_check_by_http_keeps_no_app_awake() {
    let sandbox = sandbox();
    let port = sandbox.port();
    sandbox.write("web.js", WEB);
    let health = format!(
        "health: {{ http: 'http://127.0.0.1:{port}/', interval: 100, grace: 1, restart_after: 3 }},"
    );
    sandbox.write("app.config.js", file("web", port, &format!("{KEYS} {health}")));
    sandbox.ostler(["start", "app.config.js"]).run();
    for _ in 0..3 {
        wait_asleep(&sandbox, "web");
        assert!(ask_port(port).is_some());
    }
}

#[test]
fn a_unix_socket_wakes_its_app() {
    let sandbox = sandbox();
    let path = sandbox.file("web.sock");
    let script = WEB.replace("+process.env.PORT, '127.0.0.1'", &format!("'{}'", path.display()));
    sandbox.write("web.js", script);
    sandbox.write("app.config.js", file("web", 0, KEYS));
    sandbox.ostler(["start", "app.config.js"]).run();
    for _ in 0..3 {
        wait_asleep(&sandbox, "web");
        assert!(ask(UnixStream::connect(&path).unwrap()).is_some());
    }
    let kept = UnixStream::connect(&path).unwrap();
    wait_phase(&sandbox, "web", Phase::Online);
    let pid = list(&sandbox)[0].pid;
    let other = sandbox.port();
    sandbox.write("web.js", WEB);
    sandbox.write("other.config.js", file("other", other, KEYS));
    sandbox.ostler(["start", "other.config.js"]).run();
    for _ in 0..2 {
        wait_asleep(&sandbox, "other");
        assert!(ask_port(other).is_some());
    }
    assert_eq!(list(&sandbox)[0].pid, pid, "somebody has a connection");
    drop(kept);
    wait_asleep(&sandbox, "web");
}

#[test]
fn an_app_that_listens_by_itself_too_stays_awake_and_the_log_says_why() {
    let sandbox = sandbox();
    let (port, own) = (sandbox.port(), sandbox.port());
    let listens =
        format!("require('net').createServer().listen({{port: {own}, exclusive: true}});");
    sandbox.write("web.js", format!("{WEB}{listens}"));
    sandbox.write("app.config.js", file("web", port, KEYS));
    sandbox.ostler(["start", "app.config.js"]).run();
    sandbox.wait_file("pm2.log", SOON, |log| {
        let why = format!("App [web] stays awake: it listens at *:{own} by itself");
        log.contains(&why).then_some(())
    });
    assert_eq!(list(&sandbox)[0].phase, Phase::Online);
    assert!(ask_port(port).is_some());
}

#[test]
fn what_cannot_sleep_is_refused_where_it_is_written() {
    let sandbox = sandbox();
    sandbox.write("web.js", WEB);
    sandbox
        .write("app.json", r#"[{ "script": "web.js", "exec_mode": "fork", "idle_stop": "1m" }]"#);
    let ran = sandbox.ostler(["start", "app.json"]).any_code().run();
    assert_ne!(ran.code, 0);
    assert!(ran.err.contains("error[no-idle-stop]: `idle_stop` needs cluster mode"), "{}", ran.err);
    assert!(ran.err.contains("app.json:1:"), "{}", ran.err);
    sandbox.ostler(["start", "web.js", "--name", "web"]).env("PORT", "0").run();
    let ran = sandbox.ostler(["restart", "web", "--idle-stop", "1m"]).any_code().run();
    assert_ne!(ran.code, 0);
    assert!(ran.err.contains("needs cluster mode"), "{}", ran.err);
}
