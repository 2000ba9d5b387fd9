//! `listen({ fd })`: numbers that mean what the operator says, and nothing else.

use ostler_testkit::Load;

use crate::cluster::{node, start, wait_output};
use crate::reload_world::SOON;
use crate::takeover::kill_daemon;

#[test]
fn a_descriptor_by_number_is_refused_and_the_log_says_what_to_do() {
    let sandbox = node();
    sandbox.write(
        "app.js",
        "const server = require('net').createServer();\
         server.on('error', (e) => { console.log('error ' + e.code); });\
         server.listen({ fd: 3 }); setInterval(() => {}, 1e9);",
    );
    start(&sandbox, "app.js", "instances: 1,", "A: 1");
    wait_output(&sandbox, "error EINVAL", 1);
    sandbox.wait_file("pm2.log", SOON, |text| {
        text.contains("app [app] asked to listen on descriptor 3").then_some(())
    });
}

#[test]
fn a_descriptor_that_was_configured_is_shared_and_outlives_the_daemon() {
    let sandbox = node();
    let port = sandbox.port();
    let path = sandbox.work().join("door");
    sandbox.write(
        "app.js",
        "const answer = (q, r) => r.end('hello from ' + process.pid), http = require('http');
         const open = () => console.log('open');
         const second = () => http.createServer(answer).listen({ fd: 7 }, open);
         http.createServer(answer).listen({ fd: 3 }, second);",
    );
    let fds =
        format!("instances: 2, fds: {{ '3': '127.0.0.1:{port}', '7': '{}' }},", path.display());
    start(&sandbox, "app.js", &fds, "A: 1");
    wait_output(&sandbox, "open", 2);
    let answered =
        |count: u64| Load::to_port(port).connections(1).connection_per_request().requests(count);
    let report = answered(10);
    report.assert_none_failed(10);
    assert_eq!(report.by_pid().len(), 2, "{report}");
    kill_daemon(&sandbox);
    answered(10).assert_none_failed(10);
    assert!(path.exists());
    sandbox.ostler(["reload", "app"]).run();
    answered(10).assert_none_failed(10);
    sandbox.ostler(["stop", "app"]).run();
    assert!(!path.exists(), "the socket's file is left");
    sandbox.ostler(["start", "app"]).run();
    wait_output(&sandbox, "open", 6);
}
