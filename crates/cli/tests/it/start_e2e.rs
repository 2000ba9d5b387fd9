//! What the real binary needs around it in the tests below: a sandbox, a client, and
//! questions asked often.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use ostler_testkit::Sandbox;
use serde_json::Value;

/// Enough for anything that is to happen at once, on a busy machine too.
pub(crate) const SOON: Duration = Duration::from_secs(120);

/// A home for the program under test.
pub(crate) fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_ostler"))
}

/// A home whose daemon makes no control groups.
pub(crate) fn sandbox_without_groups() -> Sandbox {
    let mut sandbox = sandbox();
    sandbox.set_env("OSTLER_CGROUP", "off");
    sandbox
}

/// Both kinds, with a word for messages.
pub(crate) fn both_kinds() -> [(&'static str, Sandbox); 2] {
    [("control groups", sandbox()), ("no control groups", sandbox_without_groups())]
}

/// Replaces how long something took, which differs each time: ` in 0.3 s` becomes ` in TIME`.
pub(crate) fn untimed(text: &str) -> String {
    let time = regex_lite::Regex::new(r" in \d+(\.\d)? (ms|s)\b").unwrap();
    time.replace_all(text, " in TIME").into_owned()
}

/// A file of the repository's `examples`.
pub(crate) fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(name)
        .canonicalize()
        .unwrap()
}

/// The body of the answer to one request on a connection of its own.
pub(crate) fn get(port: u16) -> String {
    let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer.split_once("\r\n\r\n").map(|(_, body)| body.trim().to_owned()).unwrap()
}

/// Who answered how often, by the text of the answer.
pub(crate) fn answers(port: u16, count: usize) -> BTreeMap<String, usize> {
    let mut by = BTreeMap::new();
    for _ in 0..count {
        *by.entry(get(port)).or_default() += 1;
    }
    by
}

/// Waits until the log file holds the text, and gives the whole file.
#[track_caller]
pub(crate) fn wait_log(sandbox: &Sandbox, file: &str, text: &str) -> String {
    sandbox
        .wait_file(format!("logs/{file}"), SOON, |log| log.contains(text).then(|| log.to_owned()))
}

/// The only process of that name in `jlist`.
#[track_caller]
pub(crate) fn one(sandbox: &Sandbox, name: &str) -> Value {
    let mut all: Vec<Value> =
        sandbox.jlist().into_iter().filter(|process| process["name"] == name).collect();
    assert_eq!(all.len(), 1, "processes called {name}");
    all.remove(0)
}

/// Waits until the only process of that name has this status, and gives its record.
#[track_caller]
pub(crate) fn wait_one(sandbox: &Sandbox, name: &str, status: &str) -> Value {
    sandbox.wait_status(name, status, 1, SOON);
    one(sandbox, name)
}

/// Starts `sh -c` lines as a script of this name; the options come after it.
#[track_caller]
pub(crate) fn start_sh(sandbox: &Sandbox, name: &str, body: &str, options: &[&str]) {
    let script = sandbox.write_executable(format!("{name}.sh"), format!("#!/bin/sh\n{body}\n"));
    sandbox.ostler(["start"]).arg(script).args(options).run();
}
