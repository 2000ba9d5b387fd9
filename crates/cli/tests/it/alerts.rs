//! Alerts, as they arrive at who is told.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::cluster::node;
use crate::start_e2e::{SOON, sandbox};
use crate::takeover::kill_daemon;

/// A receiver over HTTP on this machine.
pub struct Http {
    listener: TcpListener,
}

impl Http {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listener.local_addr().unwrap())
    }

    /// Takes one request, answers it so, and returns its path and its body.
    pub fn take(&self, answer: &str) -> (String, String) {
        let (head, body) = self.take_whole(answer);
        (head.split(' ').nth(1).unwrap().to_owned(), body)
    }

    /// The same with the whole head.
    pub fn take_whole(&self, answer: &str) -> (String, String) {
        let accept = || self.listener.accept().ok();
        let (mut stream, _) = ostler_testkit::wait_for("a request", SOON, accept);
        stream.set_nonblocking(false).unwrap();
        let request = read(&mut stream);
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("\r\nContent-Type: application/json"), "{head}");
        stream.write_all(answer.as_bytes()).unwrap();
        (head.to_owned(), body.to_owned())
    }
}

fn read(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(SOON)).unwrap();
    let (mut all, mut block) = (String::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut block).unwrap();
        all.push_str(std::str::from_utf8(&block[..count]).unwrap());
        let Some((head, body)) = all.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        if length.unwrap().parse::<usize>().unwrap() <= body.len() {
            return all;
        }
    }
}

pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
pub const BUSY: &str = "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";

/// The host as alerts name it.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[test]
fn an_app_that_is_given_up_is_told_to_each_receiver_in_its_own_shape() {
    let s = sandbox();
    let app = s.write("bad.sh", "exit 3");
    let (webhook, slack, discord, telegram) = (Http::new(), Http::new(), Http::new(), Http::new());
    let got = s.file("got.json");
    let file = s.write(
        "apps.json",
        json!({ "apps": [{
            "name": "bad", "script": app, "interpreter": "sh", "max_restarts": 2,
            "alerts": {
                "webhook": { "to": webhook.url("/hook?a=b"), "on": ["errored"] },
                "slack": slack.url("/services/T/B/x"),
                "discord": discord.url("/api/webhooks/1/x"),
                "telegram": telegram.url("/bot1:x/sendMessage?chat_id=-42"),
                "command": format!("cat > {}", got.display()),
            },
        }] })
        .to_string(),
    );
    s.ostler(["start"]).arg(&file).run();
    let text = "process 0 is not started again after 2 unstable restarts in a row; the last one: \
                exit code 3";
    let words = format!("[errored] bad on {}: {text}", host());
    let (path, body) = webhook.take(OK);
    let told: Value = serde_json::from_str(&body).unwrap();
    let time = told["time"].as_str().unwrap();
    assert_eq!(path, "/hook?a=b");
    assert_eq!(
        body,
        format!(
            "{}{}{}",
            r#"{"kind":"errored","app":"bad","namespace":"default","process":0,"#,
            format_args!(r#""host":"{}","time":"{time}","#, host()),
            format_args!(r#""text":"{text}","held_back":0}}"#)
        )
    );
    assert_eq!(slack.take(OK), ("/services/T/B/x".into(), json!({ "text": words }).to_string()));
    let content = json!({ "content": words, "allowed_mentions": { "parse": [] } }).to_string();
    assert_eq!(discord.take(OK), ("/api/webhooks/1/x".into(), content));
    let message = json!({ "chat_id": "-42", "text": words }).to_string();
    assert_eq!(telegram.take(OK), ("/bot1:x/sendMessage".into(), message));
    s.wait_for("the command to have it", SOON, || {
        (fs::read_to_string(&got).unwrap_or_default() == format!("{body}\n")).then_some(())
    });
    s.wait_for("describe to tell it", SOON, || {
        let out = s.ostler(["describe", "bad"]).run().out;
        let host = webhook.listener.local_addr().unwrap();
        let all = out.matches(": 1 told").count() == 5;
        (all && out.contains(&format!("alerts: webhook {host}: 1 told"))).then_some(())
    });
    let out = s.ostler(["describe", "bad"]).run().out;
    assert!(!out.contains("services/T/B/x"), "what is secret is not shown: {out}");
}

#[test]
fn an_alert_that_is_owed_arrives_although_the_daemon_was_killed() {
    let s = sandbox();
    let http = Http::new();
    s.ostler(["set", "ostler.alerts.slack", &http.url("/x")]).run();
    s.ostler(["set", "ostler.alerts.every", "10s"]).run();
    let app = s.write("bad.sh", "exit 3");
    s.ostler(["start"]).arg(&app).args(["--interpreter", "sh", "--max-restarts", "1"]).run();
    let (_, first) = http.take(BUSY);
    kill_daemon(&s);
    s.ostler(["ping"]).run();
    let (_, second) = http.take(OK);
    assert!(first.contains("[errored] bad on ") && first == second, "{first}\n{second}");
    s.wait_for("it to be told", SOON, || {
        let told = s.ostler(["describe", "bad"]).run().out.contains(": 1 told (told of all apps)");
        told.then_some(())
    });
    // Of what follows soon the last is told at the end of the time, with the number of others.
    for _ in 0..3 {
        s.ostler(["restart", "bad"]).run();
        s.wait_status("bad", "errored", 1, SOON);
    }
    let mut all = String::new();
    s.wait_for("the alert about the last", SOON, || {
        let (_, body) = http.take(OK);
        all.push_str(&body);
        body.contains("held back").then_some(())
    });
}

#[test]
fn a_test_shows_what_each_receiver_answers_and_ends_with_1_when_one_did_not_take_it() {
    let mut s = sandbox();
    s.ostler(["alert", "test"]).code(1).shows("nobody is told of alerts of all apps").run();
    s.ostler(["alert", "x"]).code(2).shows("`alert` takes `test`").run();
    s.ostler(["set", "ostler.alerts.slack", "hooks.slack.com"]).code(2).shows("no URL").run();
    let sent = s.file("sent.txt");
    s.write_executable(
        "bin/sendmail",
        format!("#!/bin/sh\n[ \"$*\" = '-i -- root' ] && cat > '{}'\n", sent.display()),
    );
    let path = std::env::var("PATH").unwrap();
    s.set_env("PATH", format!("{}:{path}", s.work().join("bin").display()));
    let http = Http::new();
    s.ostler(["set", "ostler.alerts.mail", "root"]).run();
    s.ostler(["set", "ostler.alerts.discord", &http.url("/gone")]).run();
    let gone = "HTTP/1.1 404 Not Found\r\nContent-Length: 15\r\n\r\nUnknown Webhook";
    let ran = std::thread::scope(|scope| {
        let taken = scope.spawn(|| http.take(gone));
        let ran = s.ostler(["alert", "test"]).code(1).run();
        let (path, body) = taken.join().unwrap();
        assert!(path == "/gone" && body.contains("[test] ostler on "), "{body}");
        ran
    });
    let address = http.listener.local_addr().unwrap();
    assert_eq!(
        ran.out,
        format!(
            "discord {address}: not taken: it answered 404: Unknown Webhook\n\
             mail root: taken: `sendmail` took it\n"
        )
    );
    assert!(ran.err.contains("1 of 2 receivers did not take the alert"), "{}", ran.err);
    let mail = fs::read_to_string(&sent).unwrap();
    let subject = format!("Subject: [ostler] ostler on {}: test\n", host());
    assert!(mail.starts_with("To: root\n") && mail.contains(&subject), "{mail}");
    assert_eq!(s.daemon_pid(), None, "it needs no daemon");
}

#[test]
fn a_receiver_over_https_is_reached_by_the_systems_curl() {
    let mut s = node();
    let made = s
        .command_of("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let server = s.write(
        "server.js",
        "const fs = require('fs');
         const tls = { key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem') };
         require('https').createServer(tls, (request, response) => {
             let body = '';
             request.on('data', (data) => (body += data));
             request.on('end', () => {
                 fs.writeFileSync('body.txt', request.headers['content-type'] + ' ' + body);
                 response.end('ok');
             });
         }).listen(0, '127.0.0.1', function () {
             fs.writeFileSync('port.txt', String(this.address().port));
         });",
    );
    let mut command = s.command_of("node");
    command.arg(&server);
    s.spawn_helper(command);
    let port: u16 = s.wait_for("the port", SOON, || {
        fs::read_to_string(s.work().join("port.txt")).ok()?.parse().ok()
    });
    s.ostler(["set", "ostler.alerts.slack", &format!("https://localhost:{port}/x")]).run();
    let ran = s.ostler(["alert", "test"]).code(1).run();
    assert!(ran.out.contains("not taken: curl: (60)"), "an unknown certificate: {}", ran.out);
    let cert = s.work().join("cert.pem");
    s.set_env("CURL_CA_BUNDLE", cert);
    let ran = s.ostler(["alert", "test"]).run();
    assert_eq!(ran.out, format!("slack localhost:{port}: taken: it answered 200: ok\n"));
    let body = fs::read_to_string(s.work().join("body.txt")).unwrap();
    assert!(body.starts_with(r#"application/json {"text":"[test] ostler on "#), "{body}");
}
