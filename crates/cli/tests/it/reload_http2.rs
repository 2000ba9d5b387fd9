//! Sessions of HTTP/2 survive the end of their worker: clients are told to open new ones, and no
//! request is cut.

use std::process::{Child, Command, Stdio};

use ostler_testkit::{Runtime, Sandbox, runtimes, wait_exit};

use crate::cluster::{sandbox, start, wait_output};
use crate::reload_world::SOON;

/// TLS without a certificate: the key is agreed on.
const SERVER: &str = "const tls = { pskCallback: () => Buffer.alloc(32, 7), ciphers: 'PSK',
  maxVersion: 'TLSv1.2', allowHTTP1: true };
const http2 = require('http2');
const server = process.env.TLS ? http2.createSecureServer(tls) : http2.createServer();
server.on('request', (request, response) =>
  setTimeout(() => response.end('hello from ' + process.pid), request.url === '/slow' ? 1000 : 50));
server.listen(+process.env.PORT, '127.0.0.1', () => console.log('up'));
if (process.env.OWN) {
  process.on('message', (word) => word === 'shutdown' && server.close(() => process.exit(0)));
}
";

/// Asks every 10 ms, and opens a new session when it is told to. What is refused unseen, because
/// it was on its way out when the session ended, is asked again (RFC 9113, section 8.7), and so is
/// what Node does not send any more since it was told to go in the same turn. Says who answers for
/// the first time, and at the end of its input how all requests ended.
const CLIENT: &str = "const http2 = require('http2'), fs = require('fs');
const tls = { pskCallback: () => ({ psk: Buffer.alloc(32, 7), identity: 'x' }), ciphers: 'PSK',
  maxVersion: 'TLSv1.2', checkServerIdentity() {} };
const url = (process.env.TLS ? 'https' : 'http') + '://localhost:' + process.env.PORT;
let session, asked = 0, open = 0, over = false;
const count = {}, seen = new Set();
const connect = () => {
  const opened = http2.connect(url, process.env.TLS ? tls : {});
  opened.asking = new Set();
  opened.on('goaway', () => {
    opened.told = true;
    const idle = http2.constants.NGHTTP2_STREAM_STATE_IDLE;
    for (const stream of opened.asking) stream.unsent = stream.state.state === idle;
  });
  opened.on('error', () => {});
  return opened;
};
const end = (how) => {
  const pid = /^hello from (\\d+)$/.exec(how);
  if (pid && !seen.has(pid[1])) fs.appendFileSync(process.argv[2], 'answer of ' + pid[1] + '\\n');
  if (pid) seen.add(pid[1]);
  const word = pid ? 'answered' : how;
  count[word] = (count[word] || 0) + 1;
  open--;
  if (over && open === 0) finish();
};
const finish = () => {
  fs.appendFileSync(process.argv[2], 'end ' + JSON.stringify(count) + '\\n');
  process.exit();
};
const ask = () => {
  if (!session || session.told || session.closed || session.destroyed) session = connect();
  open++;
  let text = '', why = '';
  const stream = session.request({ ':path': ++asked % 10 ? '/' : '/slow' });
  stream.setEncoding('utf8');
  stream.on('data', (data) => { text += data; });
  stream.on('error', (error) => { why = error.code; });
  const { asking } = session;
  asking.add(stream);
  stream.on('close', () => {
    asking.delete(stream);
    const isSent = !stream.unsent && stream.rstCode !== http2.constants.NGHTTP2_REFUSED_STREAM;
    if (isSent) return end(why || text || 'empty');
    open--;
    ask();
  });
  stream.end();
};
const timer = setInterval(ask, 10);
process.stdin.on('end', () => { over = true; clearInterval(timer); open || finish(); }).resume();
";

fn client(sandbox: &Sandbox, runtime: &Runtime, envs: &[(&str, String)]) -> Child {
    sandbox.write("client.js", CLIENT);
    sandbox.write("client.log", "");
    let mut command = Command::new(runtime.dir().join("node"));
    command.arg(sandbox.work().join("client.js")).arg(sandbox.work().join("client.log"));
    command.envs(envs.iter().cloned()).stdin(Stdio::piped());
    command.spawn().unwrap()
}

fn check(node: &str, keys: &str, tls: &str) {
    let Some(runtime) = runtimes::runtime(node) else { return };
    let sandbox = sandbox(&runtime);
    let port = sandbox.port();
    sandbox.write("app.js", SERVER);
    let keys = format!("instances: 1, drain_timeout: 10000, kill_timeout: 10000, {keys}");
    start(&sandbox, "app.js", &keys, &format!("PORT: {port}, OWN: '1', TLS: '{tls}'"));
    wait_output(&sandbox, "up", 1);
    let envs = [("PORT", port.to_string()), ("TLS", tls.to_owned())];
    let mut client = client(&sandbox, &runtime, &envs);
    let said = |what: String| {
        let path = sandbox.work().join("client.log");
        sandbox.wait_for(&what, SOON, || {
            let text = std::fs::read_to_string(&path).unwrap();
            text.contains(&what).then_some(text)
        })
    };
    let old = sandbox.pids_of("app")[0];
    said(format!("answer of {old}\n"));
    sandbox.ostler(["reload", "app"]).run();
    let new = sandbox.pids_of("app")[0];
    said(format!("answer of {new}\n"));
    assert!(wait_exit(old, SOON));
    drop(client.stdin.take());
    let text = said("end ".to_owned());
    client.wait().unwrap();
    let (_, end) = text.split_once("end ").unwrap();
    assert!(end.starts_with("{\"answered\":") && !end.contains(','), "{node}: {end}");
}

#[test]
fn http2_sessions_are_told_to_go_node_18() {
    check("node-18", "", "");
}

#[test]
fn http2_sessions_are_told_to_go_node_24() {
    check("node-24", "", "");
}

#[test]
fn http2_sessions_over_tls_are_told_to_go() {
    check("node-18", "", "1");
    check("node-26", "", "1");
}

#[test]
fn http2_sessions_of_an_app_with_a_handler_of_its_own_are_told_to_go() {
    check("node-22", "shutdown_with_message: true,", "");
}
