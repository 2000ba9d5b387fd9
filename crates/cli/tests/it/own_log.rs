//! The manager's own log, and apps that have it grow.

use std::fs;
use std::io::{Read as _, Write as _};

use ostler_testkit::procs::{self, Signal};

use crate::start_e2e::{SOON, sandbox, wait_log};

/// Writes garbage on its channel as fast as it is taken, for ever, and says so after a
/// hundred thousand lines.
const NOISY: &str = "
const fs = require('fs');
const fd = Number(process.env.NODE_CHANNEL_FD || 3);
const lines = Buffer.from('this is no message\\n'.repeat(1000));
let written = 0;
const more = () => {
  try {
    for (let n = 0; n < 100; n++) written += fs.writeSync(fd, lines);
  } catch (error) {
    if (error.code !== 'EAGAIN') throw error;
  }
  if (written > 100_000 * 19 && written < Infinity) {
    fs.writeSync(1, 'enough\\n');
    written = Infinity;
  }
  if (written < Infinity) setTimeout(more, 1);
};
more();
setInterval(() => {}, 1e9);
";

#[test]
fn an_app_that_sends_garbage_for_ever_neither_fills_the_log_nor_delays_a_command() {
    let s = sandbox();
    let app = s.write("noisy.js", NOISY);
    for mode in [&["-i", "1"][..], &[]] {
        s.ostler(["start"]).arg(&app).args(mode).run();
        wait_log(&s, if mode.is_empty() { "noisy-out.log" } else { "noisy-out-0.log" }, "enough");
        s.wait_file("pm2.log", SOON, |text| text.contains("more like this: ").then_some(()));
        // It goes on, and hinders nobody.
        s.ostler(["list"]).run();
        s.ostler(["delete", "noisy"]).run();
        let log = fs::read_to_string(s.file("pm2.log")).unwrap();
        let complaints = log.lines().filter(|line| line.contains("PM2 error"));
        // What was not told is counted: nothing like one line for each of them.
        assert!(complaints.count() < 5_000, "{} bytes", log.len());
        fs::File::create(s.file("pm2.log")).unwrap();
    }
}

#[test]
fn our_own_log_is_rotated_and_compressed_when_it_has_become_large() {
    let s = sandbox();
    let mut large = fs::File::create(s.file("pm2.log")).unwrap();
    large.write_all(b"the beginning\n").unwrap();
    large.set_len(11 << 20).unwrap();
    fs::write(s.file("pm2.log.1"), "of an earlier version").unwrap();
    s.ostler(["ping"]).run();
    let past = s.wait_for("a rotated and compressed log", SOON, || {
        let past = ostler_logs::history(&s.file("pm2.log"), &[Default::default()]).unwrap();
        past.into_iter().next().filter(|past| past.packed.is_some())
    });
    let mut before = Vec::new();
    past.open().unwrap().read_to_end(&mut before).unwrap();
    assert!(before.starts_with(b"the beginning\n") && 11 << 20 <= before.len());
    assert!(past.size < 1 << 20);
    // The keeper goes on in the new one.
    procs::signal(s.daemon_pid().unwrap(), Signal::KILL);
    s.wait_file("pm2.log", SOON, |text| text.contains("keeper: daemon (pid ").then_some(()));
    let app = s.write("app.sh", "exec sleep 1000000");
    s.ostler(["start"]).arg(&app).args(["--interpreter", "sh"]).run();
    s.wait_file("pm2.log", SOON, |text| text.contains("App [app:0] online").then_some(()));
    s.ostler(["flush"]).run();
    assert!(!s.file("pm2.log.1").exists());
}
