//! What cluster apps open, close and open again, in any order, through the daemon.

use std::io::Read;
use std::net::TcpStream;

use ostler_testkit::{Load, Sandbox, runtimes, wait_connect};

use crate::cluster::{WEB, local, node, sandbox, start, wait_output};
use crate::keeper_death::kill_keeper;
use crate::takeover::{SOON, kill_daemon};

/// Opens and closes every kind of listener again and again, where `UNTIL` is given as long as that
/// file is not there, then says so. Where the three `PORTS` differ, workers may be at different
/// kinds at a time.
const AGAIN: &str = r"const net = require('net'), dgram = require('dgram');
const ports = process.env.PORTS.split(' ').map(Number);
const tcp = (...where) => () => {
  const server = net.createServer();
  return new Promise((done, failed) => {
    server.on('error', failed).listen(...where, () => server.close(done));
  });
};
const udp = (...to) => () => {
  const socket = dgram.createSocket('udp4');
  return new Promise((done, failed) => {
    socket.on('error', failed).bind(...to, () => socket.close(done));
  });
};
const name = 'ostler-test-' + ports[0];
const kinds = {
  any: tcp(ports[0]), here: tcp(ports[1], '127.0.0.1'), v4: tcp(ports[2], '0.0.0.0'),
  path: tcp('./' + name), abstract: tcp('\0' + name),
  udp: udp(ports[0]), mine: udp(ports[1], '127.0.0.1'),
};
(async () => {
  do {
    for (const name of process.env.KINDS.split(' ')) {
      for (let round = 0; round < +process.env.ROUNDS; round += 1) {
        try { await kinds[name](); }
        catch (error) { console.log('failed', name, round, error.code); }
      }
    }
  } while (process.env.UNTIL && !require('fs').existsSync(process.env.UNTIL));
  console.log('done ' + process.pid);
  setInterval(() => {}, 1e9);
})();
";

const KINDS: &str = "any here v4 path abstract udp mine";

/// Apps of one and of two workers, with each way to spread connections; what they say is
/// in one file.
fn again(sandbox: &Sandbox, rounds: u32, shared: &str, until: &str) -> usize {
    sandbox.write("app.js", AGAIN);
    let out = sandbox.file("logs/out.log");
    let mut apps = String::new();
    let mut workers = 0;
    for (balance, kinds) in [("round-robin", KINDS), ("shared", shared)] {
        for instances in [1, 2] {
            let one = sandbox.port();
            let ports = if instances == 1 {
                [one, one, one]
            } else {
                [one, sandbox.port(), sandbox.port()]
            };
            let ports = ports.map(|port| port.to_string()).join(" ");
            apps.push_str(&format!(
                "{{ name: '{balance}-{instances}', script: 'app.js', exec_mode: 'cluster', \
                 instances: {instances}, balance: '{balance}', out_file: {out:?}, \
                 merge_logs: true, \
                 env: {{ PORTS: '{ports}', ROUNDS: {rounds}, KINDS: '{kinds}', \
                 UNTIL: '{until}' }} }},"
            ));
            workers += instances;
        }
    }
    sandbox.write("app.config.js", format!("module.exports = {{ apps: [{apps}] }}"));
    sandbox.ostler(["start", "app.config.js"]).run();
    workers
}

/// What the workers say when so many of them are done.
fn wait_done(sandbox: &Sandbox, workers: usize) -> String {
    sandbox.wait_file("logs/out.log", SOON * 3, |text| {
        (workers <= text.matches("done ").count()).then(|| text.to_owned())
    })
}

#[test]
fn close_then_listen_again_is_no_address_in_use() {
    for runtime in runtimes::nodes() {
        let sandbox = sandbox(&runtime);
        let workers = again(&sandbox, 5, KINDS, "");
        let text = wait_done(&sandbox, workers);
        assert!(!text.contains("failed"), "{}: {text}", runtime.name);
    }
}

#[test]
fn close_then_listen_again_is_no_address_in_use_while_daemon_and_keeper_die() {
    let sandbox = node();
    // The socket itself may be sent twice to a worker, which keeps the second one as long as it
    // lives; only an abstract name is then taken as long.
    let workers = again(&sandbox, 10, &KINDS.replace(" abstract", ""), "enough");
    // As long as they are at it.
    for kills in 1..=20 {
        if kills % 3 == 0 {
            kill_keeper(&sandbox);
        } else {
            kill_daemon(&sandbox);
        }
    }
    sandbox.write("enough", "");
    let text = wait_done(&sandbox, workers);
    assert!(!text.contains("failed"), "{text}");
    assert_eq!(text.matches("done ").count(), workers, "nobody was started again");
}

#[test]
fn a_port_that_no_worker_asks_for_any_more_is_closed_after_a_restart() {
    let sandbox = node();
    let (old, new) = (sandbox.port(), sandbox.port());
    sandbox.write("app.js", WEB);
    start(&sandbox, "app.js", "instances: 2,", &format!("PORT: {old}"));
    wait_output(&sandbox, "up ", 2);
    // Longer than this test waits: another version asks for what it wants at once.
    let keys = "instances: 2, listen_timeout: 100000,";
    crate::cluster::file(&sandbox, "app.js", keys, &format!("PORT: {new}"));
    sandbox.ostler(["restart", "app.config.js"]).run();
    wait_output(&sandbox, "up ", 4);
    // Whoever waits in its queue is turned away, and so is who comes later.
    if let Ok(mut waiting) = TcpStream::connect(local(old)) {
        let mut byte = [0];
        assert!(!matches!(waiting.read(&mut byte), Ok(1..)), "nobody is there");
    }
    sandbox.wait_for("the old port is closed", SOON, || TcpStream::connect(local(old)).err());
    Load::to_port(new).requests(10).assert_none_failed(10);
}

#[test]
fn two_apps_on_one_port_share_it_and_a_stop_of_one_leaves_the_other_serving() {
    let sandbox = node();
    let port = sandbox.port();
    sandbox.write("app.js", WEB);
    let app = |name: &str, balance: &str| {
        format!(
            "{{ name: '{name}', script: 'app.js', exec_mode: 'cluster', instances: 2, \
             {balance} env: {{ PORT: {port} }} }}"
        )
    };
    let both = [app("blue", ""), app("green", "")].join(", ");
    sandbox.write("app.config.js", format!("module.exports = {{ apps: [{both}] }}"));
    sandbox.ostler(["start", "app.config.js"]).run();
    wait_connect(local(port), SOON);
    let pids = |name: &str| sandbox.pids_of(name);
    sandbox.wait_for("answers of all four", SOON, || {
        let report = Load::to_port(port).connection_per_request().connections(1).requests(20);
        let by_pid = report.by_pid();
        let all = pids("blue").into_iter().chain(pids("green"));
        all.into_iter().all(|pid| by_pid.contains_key(&pid)).then_some(())
    });
    let load = Load::to_port(port).connection_per_request().start();
    load.wait_answered(50, SOON);
    sandbox.ostler(["stop", "blue"]).run();
    load.wait_answered(50, SOON);
    load.stop();
    Load::to_port(port).connection_per_request().requests(40).assert_none_failed(40);
    // One that spreads connections in another way cannot have it, and is told why.
    sandbox
        .write("app.config.js", format!("module.exports = {}", app("red", "balance: 'sticky',")));
    sandbox.ostler(["start", "app.config.js"]).run();
    sandbox.wait_file("pm2.log", SOON, |text| {
        text.contains(&format!(
            "app [red] cannot listen on 127.0.0.1:{port}: app [green] does, balanced as \
             `round-robin`; it got EADDRINUSE; give both apps the same `balance`"
        ))
        .then_some(())
    });
    sandbox.ostler(["delete", "red"]).run();
    // Who starts another on purpose or by mistake is told.
    let start = sandbox.ostler(["start", "app.js", "-i", "1", "-n", "white", "--wait"]);
    let start = start.env("PORT", port.to_string());
    let warning =
        format!("`127.0.0.1:{port}` is shared with app `green`: connections go to all of them");
    start.shows(warning).shows("`ostler stop green` leaves it to `white`").run();
    sandbox.ostler(["delete", "white"]).run();
    sandbox.ostler(["stop", "green"]).run();
    assert!(TcpStream::connect(local(port)).is_err());
}

/// Starts two workers that listen on this port.
fn serve(sandbox: &Sandbox, port: u16) {
    sandbox.write("app.js", WEB);
    start(sandbox, "app.js", "instances: 2,", &format!("PORT: {port}"));
    wait_output(sandbox, "up ", 2);
}

#[test]
fn a_reload_onto_another_port_by_the_environment_fails_at_once_and_says_where_it_listens() {
    let sandbox = node();
    let (old, new) = (sandbox.port(), sandbox.port());
    serve(&sandbox, old);
    let reload = |more: &[&str]| {
        let args = ["reload", "app", "--update-env"].iter().chain(more).copied();
        sandbox.ostler(args.collect::<Vec<_>>()).env("PORT", new.to_string())
    };
    let error = reload(&[]).code(1).run().err;
    let expected = format!("listens on 127.0.0.1:{new}, the old version on 127.0.0.1:{old}");
    assert!(error.contains(&expected), "{error}");
    assert!(error.contains("--allow-port-change"), "{error}");
    Load::to_port(old).requests(10).assert_none_failed(10);
    reload(&["--allow-port-change"]).run();
    Load::to_port(new).requests(10).assert_none_failed(10);
    sandbox.wait_for("the old port is closed", SOON, || TcpStream::connect(local(old)).err());
}

#[test]
fn a_reload_onto_the_port_of_another_environment_of_the_file_goes_through() {
    let sandbox = node();
    let (old, new) = (sandbox.port(), sandbox.port());
    sandbox.write("app.js", WEB);
    sandbox.write(
        "app.config.js",
        format!(
            "module.exports = {{ apps: [{{ name: 'app', script: 'app.js', instances: 2, \
             exec_mode: 'cluster', env: {{ PORT: {old} }}, env_production: {{ PORT: {new} }} }}] }}"
        ),
    );
    sandbox.ostler(["start", "app.config.js"]).run();
    wait_output(&sandbox, "up ", 2);
    sandbox.ostler(["reload", "app.config.js", "--env", "production"]).run();
    Load::to_port(new).requests(10).assert_none_failed(10);
    sandbox.wait_for("the old port is closed", SOON, || TcpStream::connect(local(old)).err());
    // And back.
    sandbox.ostler(["reload", "app.config.js"]).run();
    Load::to_port(old).requests(10).assert_none_failed(10);
}
