//! Small programs that do to a process manager what real programs do on bad days.
//!
//! Each is one script, written into the sandbox, so that nothing has to be compiled. They announce
//! themselves by a line on standard output (`up PID`), which a test can wait for.

use std::path::PathBuf;

use crate::sandbox::Sandbox;

/// Which program. Times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// sh: prints `up PID` and lives until a signal ends it.
    Sleeper,
    /// sh: ends at once with this code.
    Exits {
        /// Its exit code.
        code: u8,
    },
    /// sh: ends by this signal, sent to itself.
    KillsItself {
        /// Name without `SIG`.
        signal: &'static str,
    },
    /// sh: ignores TERM, INT and HUP; only KILL ends it.
    IgnoresSignals,
    /// sh: a child, and a grandchild in a session of its own whose parent has ended. Every pid is
    /// written as a line of `NAME.pids` beside the script before `up PID` is printed.
    ForksTree,
    /// sh: writes to standard output as fast as it can, for ever.
    Floods,
    /// node: closes its standard output and error, and lives on.
    ClosesOutput,
    /// node: writes bytes that are no messages on its IPC channel, then lives on.
    GarbageOnIpc,
    /// node: never listens and never says `ready`.
    NeverReady,
    /// node: says `ready` on the IPC channel after this time.
    ReadyLate {
        /// Time from the first instruction to `ready`.
        after: u64,
    },
    /// node: HTTP server at `PORT` on 127.0.0.1 that answers `hello from PID`, after `DELAY` ms.
    /// `VERSION` is added to the answer when set. Graceful when `GRACEFUL=1`: on SIGINT, SIGTERM or
    /// the message `shutdown` it stops accepting, ends what is open and exits with 0; otherwise the
    /// signal ends it.
    Http,
    /// node: an HTTP server as [`Victim::Http`] that exits with 1 instead of listening when the
    /// file `NAME.bad` lies beside it. So the same script is a good release or a bad one.
    HttpMayFail,
    /// node: prints `line N PID` from 1 on, one every so often (0 = as fast as the reader takes
    /// them), until `count`; then `done` and it lives on. The number printed last is in
    /// `NAME.PID.count` beside it.
    Lines {
        /// Time between lines.
        every: u64,
        /// How many lines to write.
        count: u64,
    },
}

impl Victim {
    fn extension(self) -> &'static str {
        match self {
            Self::Sleeper
            | Self::Exits { .. }
            | Self::KillsItself { .. }
            | Self::IgnoresSignals
            | Self::ForksTree
            | Self::Floods => "sh",
            Self::ClosesOutput
            | Self::GarbageOnIpc
            | Self::NeverReady
            | Self::ReadyLate { .. }
            | Self::Http
            | Self::HttpMayFail
            | Self::Lines { .. } => "js",
        }
    }

    fn script(self) -> String {
        match self {
            Self::Sleeper => shell("echo up $$\nexec sleep 1000000"),
            Self::Exits { code } => shell(&format!("exit {code}")),
            Self::KillsItself { signal } => {
                shell(&format!("kill -{signal} $$\nexec sleep 1000000"))
            }
            // An ignored signal stays ignored through exec.
            Self::IgnoresSignals => shell("trap '' TERM INT HUP\necho up $$\nexec sleep 1000000"),
            Self::ForksTree => shell(TREE),
            Self::Floods => shell("exec yes flood-flood-flood-flood-flood-flood-flood-flood"),
            Self::ClosesOutput => node("fs.closeSync(1); fs.closeSync(2); stay();"),
            Self::GarbageOnIpc => node(GARBAGE),
            Self::NeverReady => node("say(); stay();"),
            Self::ReadyLate { after } => node(&format!(
                "say(); stay(); setTimeout(() => process.send && process.send('ready'), {after});"
            )),
            Self::Http => node(HTTP),
            Self::HttpMayFail => node(&format!("{MAY_FAIL}{HTTP}")),
            Self::Lines { every, count } => {
                node(&format!("const every = {every}, count = {count};\n{LINES}"))
            }
        }
    }
}

impl Sandbox {
    /// Writes the program `name` into the work folder (executable), and gives its path.
    #[track_caller]
    pub fn victim(&self, name: &str, victim: Victim) -> PathBuf {
        self.write_executable(format!("{name}.{}", victim.extension()), victim.script())
    }
}

fn shell(body: &str) -> String {
    format!("#!/bin/sh\n{body}\n")
}

fn node(body: &str) -> String {
    format!("{NODE_HEAD}{body}\n")
}

const TREE: &str = r#"pids="${0%.sh}.pids"
sleep 1000000 &
echo $! > "$pids.new"
(setsid sh -c 'echo $$ >> "$0"; exec sleep 1000000' "$pids.new" &)
while [ "$(wc -l < "$pids.new")" -lt 2 ]; do :; done
mv "$pids.new" "$pids"
echo up $$
wait"#;

const NODE_HEAD: &str = r"#!/usr/bin/env node
'use strict';
const fs = require('fs');
const say = () => console.log('up ' + process.pid);
const stay = () => setInterval(() => {}, 1 << 30);
const beside = (end) => __filename.replace(/\.js$/, end);
";

const GARBAGE: &str = r#"say(); stay();
const garbage = Buffer.concat([
  Buffer.from('no json\n{"cmd":"NODE_'), Buffer.from([0, 255, 254, 10]),
  Buffer.from('{"type":5}\n[[[[\n{"cmd":"NODE_CLUSTER","act":"nonsense","seq":-1}\n')]);
if (process.channel && process.channel.fd >= 0) fs.writeSync(process.channel.fd, garbage);
else if (process.send) process.send({ cmd: 'NODE_CLUSTER', act: 'nonsense', seq: -1 });"#;

const MAY_FAIL: &str =
    "if (fs.existsSync(beside('.bad'))) { console.error('bad release'); process.exit(1); }\n";

const HTTP: &str = r"const http = require('http');
const delay = Number(process.env.DELAY || 0);
const version = process.env.VERSION ? ' ' + process.env.VERSION : '';
let closing = false;
const server = http.createServer((req, res) => {
  const send = () => {
    if (closing) res.setHeader('Connection', 'close');
    res.end('hello from ' + process.pid + version + '\n');
  };
  if (delay) setTimeout(send, delay); else send();
});
server.keepAliveTimeout = 60000;
const end = () => {
  closing = true;
  server.close(() => process.exit(0));
  if (server.closeIdleConnections) server.closeIdleConnections();
};
if (process.env.GRACEFUL === '1') {
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  process.on('message', (m) => { if (m === 'shutdown') end(); });
}
server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  say();
  if (process.send) process.send('ready');
});";

const LINES: &str = r"let n = 0;
const ledger = fs.openSync(beside('.' + process.pid + '.count'), 'w');
const note = () => fs.writeSync(ledger, String(n).padStart(12, '0') + '\n', 0);
const line = () => { n++; return 'line ' + n + ' ' + process.pid + '\n'; };
const finish = () => { note(); process.stdout.write('done\n'); stay(); };
const fast = () => {
  let more = true;
  while (n < count && more) more = process.stdout.write(line());
  note();
  if (n < count) process.stdout.once('drain', fast); else finish();
};
if (every === 0) fast();
else {
  const timer = setInterval(() => {
    if (n === count) { clearInterval(timer); finish(); return; }
    process.stdout.write(line());
    note();
  }, every);
}";
