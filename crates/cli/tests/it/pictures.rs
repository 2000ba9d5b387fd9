//! Pictures for the pages: what a person sees, of apps that really run. A test of `pages` compares
//! them with the pages.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use expect_test::expect_file;
use ostler_testkit::pty::in_window;
use ostler_testkit::{Sandbox, built_companion};
use regex_lite::Regex;

use crate::start_e2e::{sandbox, wait_log};

/// Columns of a picture.
const COLUMNS: u16 = 100;

/// What a command shows in a terminal, below its line. What differs from machine to machine is
/// put right in it.
fn seen(s: &Sandbox, line: &str, port: u16) -> String {
    let mut command = s.command();
    let words = line.split(' ').skip(1).map(|word| word.trim_matches('\''));
    command.arg0("ostler").args(words).env("PORT", port.to_string());
    let shown = in_window(command, COLUMNS).out;
    masked(s, &format!("$ {line}\n{shown}"), port)
}

fn masked(s: &Sandbox, text: &str, port: u16) -> String {
    let mut text = text.replace(&s.work().display().to_string(), "/srv/shop");
    text = text.replace(&s.home().display().to_string(), "~/.ostler");
    text = text.replace(&port.to_string(), "3000");
    for (pattern, put) in [
        (r"in \d+(\.\d+)? m?s\b", "in 0.2 s"),
        (r"pid \d+", "pid 4711"),
        (r"(?m)^-- cursor: .*\n", ""),
        (r"\x1b\[[0-9;?]*[a-zA-Z]", ""),
        (r"(?m) +$", ""),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, put).into_owned();
    }
    text
}

const SERVER: &str = "\
console.log('listening on ' + process.env.PORT);
require('http').createServer((request, response) => response.end()).listen(process.env.PORT);
";
const WEB: &str = "\
const server = require('http').createServer((request, response) => response.end());
server.on('error', (error) => {
  console.error('Error: ' + error.message);
  process.exitCode = 1;
});
server.listen(process.env.PORT);
";
const MAIL: &str = "\
console.log('12 letters in the queue');
console.error('Error: connect ECONNREFUSED 10.0.0.7:25');
setInterval(() => {}, 1000);
";
const WRONG: &str = "\
apps:
  - name: api
    script: api.js
    instances: two
    max_memory_restart: 1GB
  - name: mail
    script: mial.js
    kil_timeout: 5000
";
const NOW: &str = "\
apps:
  - { name: api, script: api.js }
  - { name: mail, script: mail.js }
";
const NEXT: &str = "\
apps:
  - { name: api, script: api.js, instances: 2, exec_mode: fork }
  - { name: mail, script: mail.js, kill_timeout: 5000 }
  - { name: report, script: report.js }
";

#[test]
fn each_screen_has_a_picture() {
    let s = sandbox();
    for (name, text) in
        [("api.js", SERVER), ("mail.js", MAIL), ("report.js", MAIL), ("web.js", WEB)]
    {
        s.write(name, text);
    }
    let port = s.port();
    s.write("shop.yaml", WRONG);
    let wrong = seen(&s, "ostler start shop.yaml", port);
    expect_file!["pictures/process_file.txt"].assert_eq(&wrong);

    s.write("shop.yaml", NOW);
    // Lines come in the order of their files.
    for (name, file, text) in
        [("api", "api-out.log", "listening"), ("mail", "mail-error.log", "ECONNREFUSED")]
    {
        let start = s.ostler(["start", "shop.yaml", "--wait", "--only", name]);
        start.env("PORT", port.to_string()).run();
        wait_log(&s, file, text);
    }
    let taken = seen(&s, "ostler start web.js --no-autorestart --wait", port);
    expect_file!["pictures/port_in_use.txt"].assert_eq(&taken);
    s.ostler(["delete", "web"]).run();

    s.write("shop.yaml", NEXT);
    expect_file!["pictures/plan.txt"].assert_eq(&seen(&s, "ostler plan shop.yaml", port));
    let logs = seen(&s, "ostler logs '/api|mail/' --nostream --lines 5", port);
    expect_file!["pictures/logs.txt"].assert_eq(&logs);

    built_companion();
    let web = s.port();
    let mut shown = seen(&s, &format!("ostler web {web}"), web);
    let curl = |path: &str| {
        let url = format!("http://127.0.0.1:{web}{path}");
        let output = Command::new("curl").args(["-s", &url]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    shown.push_str("$ curl -s http://127.0.0.1:3000/metrics | grep 'up{app=\"api\"'\n");
    let metrics = curl("/metrics");
    let lines = metrics.lines().filter(|line| line.contains("up{app=\"api\""));
    lines.for_each(|line| shown.push_str(&format!("{line}\n")));
    expect_file!["pictures/web.txt"].assert_eq(&shown);
}
