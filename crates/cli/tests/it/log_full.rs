//! Log files that cannot be written, and apps that go on.

use std::path::Path;
use std::time::Duration;

use ostler_testkit::{Load, Sandbox};

use crate::start_e2e::SOON;

/// A server that writes 4 kB synchronously for each request, as most programs outside Node do.
const CHATTY: &str = "
const fs = require('fs');
require('http').createServer((_, response) => {
  fs.writeSync(1, 'x'.repeat(4000) + '\\n');
  response.end('ok');
}).listen(process.env.PORT, '127.0.0.1');
";
/// They write more than any buffer holds.
const REQUESTS: usize = 600;
/// No client waits longer for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts the server with its output in `out`, and has it answer.
#[track_caller]
fn answers(s: &Sandbox, out: &Path, more: &[&str]) {
    let port = s.port();
    let app = s.write("chatty.js", CHATTY);
    let mut start = s.command_of("sh");
    // A limit of the size of files counts for the daemon that the first command starts.
    start.args(["-c", "ulimit -f 200; exec \"$@\"", "sh"]).arg(env!("CARGO_BIN_EXE_ostler"));
    start.arg("start").arg(app).arg("-o").arg(out).args(["-e", "/dev/null"]).args(more);
    start.env("PORT", port.to_string());
    assert!(start.status().unwrap().success());
    s.wait_status("chatty", "online", 1, SOON);
    s.wait_for("the port", SOON, || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(())
    });
    let report = Load::to_port(port).connections(2).timeout(PATIENCE).requests(REQUESTS as u64);
    report.assert_none_failed(REQUESTS);
    s.wait_file("pm2.log", SOON, |text| {
        let drops = "lines that do not fit into memory are dropped (`log_full`)";
        text.contains(drops).then_some(())
    });
    s.ostler(["kill"]).run();
}

#[test]
fn an_app_that_waits_for_its_output_answers_although_its_log_is_full() {
    answers(&crate::start_e2e::sandbox(), Path::new("/dev/full"), &[]);
}

#[test]
fn an_app_answers_although_its_log_may_not_grow() {
    let s = crate::start_e2e::sandbox();
    let log = s.file("out.log");
    answers(&s, &log, &[]);
    answers(&s, &log, &["--time"]);
}
