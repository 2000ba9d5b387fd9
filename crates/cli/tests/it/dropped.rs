//! What a command says of the connections that ended with a process.

use std::net::{SocketAddr, TcpStream};

use ostler_testkit::{Output, Sandbox, wait_connect};

use crate::reload_world::SOON;
use crate::start_e2e::{sandbox, untimed};

/// A server with these keys whose answers never come, and clients that have asked.
fn asked(keys: &str) -> (Sandbox, u16, [TcpStream; 2]) {
    let sandbox = sandbox();
    let port = sandbox.port();
    let server = "require('http').createServer(() => console.log('asked'))\
                  .listen(process.env.PORT, '127.0.0.1');";
    sandbox.write("web.js", server);
    let file = format!(
        "module.exports = {{ apps: [{{ name: 'web', script: 'web.js', merge_logs: true, {keys} \
         env: {{ PORT: {port} }} }}] }}"
    );
    sandbox.write("ecosystem.config.js", file);
    sandbox.ostler(["start", "ecosystem.config.js"]).run();
    let connect = || {
        let mut stream = connect(port);
        std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        stream
    };
    let clients = [connect(), connect()];
    // One that the server has not accepted yet is no connection of it.
    sandbox.wait_file("logs/web-out.log", SOON, |text| {
        (text.matches("asked").count() == 2).then_some(())
    });
    (sandbox, port, clients)
}

fn connect(port: u16) -> TcpStream {
    wait_connect(SocketAddr::from(([127, 0, 0, 1], port)), SOON)
}

fn last(ran: &Output) -> String {
    untimed(ran.out.lines().last().unwrap_or(&ran.err))
}

#[test]
fn a_restart_says_how_many_connections_it_dropped() {
    let (sandbox, port, _clients) = asked("");
    let ran = sandbox.ostler(["restart", "web"]).run();
    assert_eq!(last(&ran), "restarted web 1/1 in TIME, 2 connections dropped");
    drop(connect(port));
    let ran = sandbox.ostler(["stop", "web"]).run();
    assert_eq!(last(&ran), "stopped web 1/1 in TIME, 0 connections dropped");
}

#[test]
fn a_reload_says_how_many_connections_were_not_finished_in_time() {
    let (sandbox, _, _clients) = asked("exec_mode: 'cluster', drain_timeout: 200,");
    let ran = sandbox.ostler(["reload", "web"]).run();
    assert_eq!(last(&ran), "reloaded web 1/1 in TIME, 2 connections dropped");
}

#[test]
fn a_reload_that_lets_every_client_finish_says_so() {
    let (sandbox, _, clients) = asked("exec_mode: 'cluster',");
    drop(clients);
    let ran = sandbox.ostler(["reload", "web"]).run();
    assert_eq!(last(&ran), "reloaded web 1/1 in TIME, 0 connections dropped");
}

#[test]
fn a_reload_does_not_wait_long_for_clients_that_take_their_time() {
    let (sandbox, _, _clients) = asked("exec_mode: 'cluster', drain_timeout: 1000000,");
    let ran = sandbox.ostler(["reload", "web"]).run();
    assert_eq!(last(&ran), "reloaded web 1/1 in TIME; an old worker finishes its connections");
}

#[test]
fn kill_and_promote_say_how_many_connections_they_dropped() {
    let (sandbox, port, _clients) =
        asked("exec_mode: 'cluster', instances: 3, drain_timeout: 100, kill_timeout: 100,");
    let ran = sandbox.ostler(["scale", "web", "2"]).run();
    let said = last(&ran);
    assert!(said.starts_with("scaled web from 3 to 2 in TIME"), "{said}");
    sandbox.ostler(["reload", "web", "--canary"]).run();
    let ran = sandbox.ostler(["promote", "web"]).run();
    let said = last(&ran);
    assert!(said.starts_with("promoted web 2/2 in TIME, "), "{said}");
    drop(connect(port));
    let ran = sandbox.ostler(["kill"]).run();
    let said = last(&ran);
    assert!(said.ends_with(" the daemon in TIME, 0 connections dropped"), "{said}");
}
