//! `web`: the companion beside the program, asked by plain HTTP.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;

use ostler_testkit::{Sandbox, built_companion};
use serde_json::{Value, json};

use crate::alerts::{BUSY, Http, OK};
use crate::start_e2e::{SOON, get, one, sandbox, start_sh, wait_one};
use crate::web_api::ask;

/// Keys of an object, in their order.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Starts the web API, and returns its port.
fn web(s: &Sandbox) -> u16 {
    built_companion();
    let port = s.port();
    let says = format!(", http://127.0.0.1:{port}\n");
    s.ostler(["web", &port.to_string()]).shows(says).run();
    port
}

#[test]
fn web_serves_pm2s_page_with_secrets_masked_and_stop_leaves_nothing() {
    let mut s = sandbox();
    s.set_env("API_TOKEN", "do not show this");
    start_sh(&s, "api", "sleep 1000", &[]);
    let port = web(&s);
    let text = get(port);
    assert!(!text.contains("do not show this"), "{text}");
    let page: Value = serde_json::from_str(&text).unwrap();
    // What PM2 7.0.4 has, in its order.
    assert_eq!(keys(&page), ["system_info", "monit", "processes"]);
    assert_eq!(keys(&page["system_info"]), ["hostname", "uptime"]);
    let monit = ["loadavg", "total_mem", "free_mem", "cpu", "interfaces"];
    assert_eq!(keys(&page["monit"]), monit);
    assert_eq!(keys(&page["monit"]["cpu"][0]), ["model", "speed", "times"]);
    let lo = ["address", "netmask", "family", "mac", "internal", "cidr"];
    assert_eq!(keys(&page["monit"]["interfaces"]["lo"][0]), lo);
    let process = &page["processes"][0];
    assert_eq!(keys(process), ["pid", "name", "pm2_env", "pm_id", "monit"]);
    assert_eq!(process["pm2_env"]["env"]["API_TOKEN"], "***");
    assert_eq!(keys(&process["pm2_env"]), keys(&one(&s, "api")["pm2_env"]), "as `jlist` has it");
    s.ostler(["web"]).code(1).shows("`ostler-web` runs already").run();
    s.ostler(["web", "stop"]).shows("deleted ostler-web").run();
    assert_eq!(s.jlist().len(), 1);
    s.ostler(["web", "stop"]).code(1).shows("does not run").run();
}

#[test]
fn web_goes_on_when_the_daemon_is_killed_and_ends_cleanly() {
    let s = sandbox();
    let port = web(&s);
    let daemon = s.daemon_pid().unwrap();
    let pid = one(&s, "ostler-web")["pid"].clone();
    ostler_testkit::procs::signal(daemon, ostler_testkit::procs::Signal::KILL);
    let page: Value = serde_json::from_str(&get(port)).unwrap();
    assert_eq!(page["processes"][0]["pid"], pid, "it is asked, and waits for the next one");
    s.ostler(["stop", "ostler-web"]).run();
    assert_eq!(wait_one(&s, "ostler-web", "stopped")["pm2_env"]["exit_code"], 0);
}

#[test]
fn what_cannot_be_served_is_told_before_anything_is_started() {
    let s = sandbox();
    built_companion();
    let refuse = |words: &[&str], code, says: &str| {
        s.ostler(["web"]).args(words).code(code).shows(says).run();
    };
    refuse(&["0"], 2, "the port is `0`, which is no port");
    refuse(&["--host", "0.0.0.0"], 1, "`0.0.0.0` can be reached from other machines");
    refuse(&["restart"], 2, "`web` takes `start`, `stop` or a port, but got `restart`");
    assert!(s.jlist().is_empty());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let says = format!("`127.0.0.1:{port}` is taken");
    s.ostler(["web", &port]).code(1).shows(says).run();
    assert!(s.jlist().is_empty(), "what does not serve is not left behind");
    web(&s);
}

#[test]
fn a_companion_that_is_missing_is_told_with_the_command_that_brings_it() {
    let s = sandbox();
    let alone = s.work().join("bin/ostler");
    fs::create_dir(alone.parent().unwrap()).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_ostler"), &alone).unwrap();
    let mut command = s.command_of(&alone);
    command.arg("web");
    let said = ostler_testkit::run::finish(command, &[], ostler_testkit::run::LIMIT);
    assert_eq!(said.code, 1, "{said:?}");
    // The way that the README gives, with the folder of this very source.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("companion");
    let (source, root) = (source.display(), s.work().display().to_string());
    let hint = format!("hint: `cargo install --path {source} --root {root}` makes it\n");
    assert!(said.err.ends_with(&hint), "{said:?}");
}

#[test]
fn under_the_name_pm2_the_app_has_pm2s_name() {
    let s = sandbox();
    built_companion();
    let pm2 = s.work().join("pm2");
    symlink(env!("CARGO_BIN_EXE_ostler"), &pm2).unwrap();
    let port = s.port();
    let mut command = s.command_of(&pm2);
    command.arg("web").env("PM2_API_PORT", port.to_string()).env("PM2_WEB_STRIP_ENV_VARS", "true");
    ostler_testkit::run::finish(command, &[], ostler_testkit::run::LIMIT).success();
    ostler_testkit::wait_connect(([127, 0, 0, 1], port).into(), SOON);
    let page: Value = serde_json::from_str(&get(port)).unwrap();
    assert_eq!(page["processes"][0]["name"], json!("pm2-http-interface"));
    assert_eq!(page["processes"][0]["pm2_env"]["env"], Value::Null);
}

#[test]
fn a_port_that_somebody_has_is_told_with_who_and_another_port() {
    let s = sandbox();
    built_companion();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let ran = s.ostler(["web", &port.to_string()]).code(1).run();
    let me = std::process::id();
    assert!(ran.err.contains(&format!("`127.0.0.1:{port}` is taken")), "{}", ran.err);
    assert!(ran.err.contains(&format!("pid {me}")), "{}", ran.err);
    assert!(ran.err.contains(&format!("hint: `ostler web {}` takes", port + 1)), "{}", ran.err);
    assert!(s.jlist().is_empty());
    for bad in ["99999", "0"] {
        s.ostler(["web", bad])
            .code(2)
            .shows(format!("the port is `{bad}`, which is no port"))
            .run();
    }
}

/// Asks by Node's own client, which trusts the certificates in this file alone. Returns the status
/// and whose certificate it was shown, or why it was not content.
fn encrypted(s: &Sandbox, port: u16, trusted: &Path) -> String {
    let text = "require('https').get({
        host: '127.0.0.1', port: +process.argv[1], path: '/api/v1/host',
        ca: require('fs').readFileSync(process.argv[2]),
    }, (answer) => {
        console.log(answer.statusCode, answer.socket.getPeerCertificate().subject.CN);
        answer.resume();
    }).on('error', (error) => console.log(error.code));";
    let mut command = s.command_of("node");
    command.args(["-e", text, &port.to_string()]).arg(trusted);
    ostler_testkit::run::finish(command, &[], SOON).success().out.trim_end().to_owned()
}

#[test]
fn connections_are_encrypted_by_a_certificate_that_may_be_renewed_meanwhile() {
    built_companion();
    let s = sandbox();
    let pem = Path::new(env!("CARGO_MANIFEST_DIR")).join("../companion/tests/tls");
    let (one, other) = (pem.join("one.pem"), pem.join("other.pem"));
    let put = |from: &Path| {
        fs::copy(from, s.work().join("next.pem")).unwrap();
        fs::rename(s.work().join("next.pem"), s.work().join("cert.pem")).unwrap();
    };
    put(&one);
    let port = s.port();
    let number = port.to_string();
    let web = |options: &[&str]| {
        s.ostler(["web", &number, "--tls-cert", "cert.pem"]).args(options).cwd(s.work())
    };
    web(&[]).code(2).shows("there is a certificate, but not its key").run();
    let options = ["--tls-key", "cert.pem"];
    web(&options).shows(format!(", https://127.0.0.1:{port}\n")).run();
    assert_eq!(encrypted(&s, port, &one), "200 one.ostler.test");
    assert_eq!(encrypted(&s, port, &other), "DEPTH_ZERO_SELF_SIGNED_CERT");
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain.write_all(b"GET /api/v1/host HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // It may be reset, too.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    put(&other);
    let renewed = || (encrypted(&s, port, &other) == "200 other.ostler.test").then_some(());
    s.wait_for("the renewed certificate", SOON, renewed);
    fs::write(s.work().join("cert.pem"), "nonsense").unwrap();
    s.wait_for("the warning", SOON, || {
        assert_eq!(encrypted(&s, port, &other), "200 other.ostler.test");
        let log = fs::read_to_string(s.home().join("logs/ostler-web-error.log")).unwrap();
        log.contains("the certificate before is used on").then_some(())
    });
}

/// Each point of a request as `/metrics` has it: `name{labels} value`.
fn points(request: &Value) -> Vec<String> {
    let metrics = request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    let line = |metric: &Value, point: &Value| {
        let labels = point["attributes"].as_array().unwrap().iter().map(|of| {
            let (key, value) = (of["key"].as_str().unwrap(), &of["value"]["stringValue"]);
            format!("{key}={value}")
        });
        let labels: Vec<String> = labels.collect();
        let value = match &point["asInt"] {
            Value::String(whole) => whole.clone(),
            _ => point["asDouble"].to_string(),
        };
        let name = metric["name"].as_str().unwrap();
        format!("{name}{{{}}} {value}", labels.join(","))
    };
    let of = |metric: &Value| {
        let kind = if metric["sum"].is_object() { "sum" } else { "gauge" };
        let points = metric[kind]["dataPoints"].as_array().unwrap().clone();
        points.iter().map(|point| line(metric, point)).collect::<Vec<_>>()
    };
    metrics.iter().flat_map(of).collect()
}

#[test]
fn a_receiver_of_otlp_gets_the_figures_of_metrics_also_after_it_was_down() {
    let mut s = sandbox();
    built_companion();
    start_sh(&s, "api", "sleep 1000000", &[]);
    s.ostler(["restart", "api"]).run();
    let receiver = Http::new();
    let url = receiver.url("/v1/metrics");
    s.ostler(["web", "--otlp", "nonsense"]).code(1).shows("`nonsense` is no URL").run();
    s.set_env("OSTLER_WEB_OTLP_INTERVAL", "200");
    s.set_env("OSTLER_WEB_OTLP_HEADERS", "x-team=shop");
    let port = s.port();
    s.ostler(["web", &port.to_string(), "--otlp", &url]).run();
    let (head, _) = receiver.take_whole(BUSY);
    assert!(head.starts_with("POST /v1/metrics HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nContent-Type: application/json\r\n"), "{head}");
    assert!(head.contains("\r\nx-team: shop"), "{head}");
    let (_, request) = receiver.take(OK);
    let (_, text) = ask(port, "GET /metrics", &[], "");
    // CPU use and memory are others by then.
    let changes = |line: &str| line.contains("_cpu_") || line.contains("_memory_");
    let steady = |line: &&str| line.starts_with("ostler_") && !changes(line);
    let expected: Vec<&str> = text.lines().filter(steady).collect();
    let sent = points(&serde_json::from_str(&request).unwrap());
    let name = |line: &str| line.split(['{', ' ']).next().unwrap().to_owned();
    for line in &expected {
        assert!(sent.iter().any(|of| of == line), "{line}\n{}", sent.join("\n"));
    }
    let names =
        |lines: Vec<&str>| lines.into_iter().map(name).collect::<std::collections::BTreeSet<_>>();
    let all = text.lines().filter(|line| line.starts_with("ostler_")).collect();
    assert_eq!(names(sent.iter().map(String::as_str).collect()), names(all));
    assert!(expected.iter().any(|line| line.starts_with("ostler_process_restarts_total")));
    // What it did not take was told once, and that it takes them again.
    receiver.take(OK);
    let log = s.wait_file("logs/ostler-web-error.log", SOON, |log| {
        log.contains("takes the figures again").then(|| log.to_owned())
    });
    let told: Vec<&str> = log.lines().filter(|line| line.contains(" the figures")).collect();
    assert_eq!(told.len(), 2, "{log}");
    assert!(told[0].contains("does not take the figures: it answered 503"), "{log}");
    assert!(told[1].contains("takes the figures again"), "{log}");
}
