//! One of the two: a home, the command that is run in it, and what its bus tells.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ostler_pm2::amp::{Argument, decode};
use ostler_testkit::Sandbox;
use ostler_testkit::run::{Output, finish};
use ostler_testkit::wait::wait_for;
use serde_json::Value;

use crate::start_e2e::sandbox;

/// PM2's command may take long on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

pub(super) struct Side {
    sandbox: Sandbox,
    program: PathBuf,
    events: Arc<Mutex<Vec<String>>>,
}

pub(super) struct Said {
    pub(super) code: i32,
    pub(super) out: String,
    err: String,
}

impl Side {
    /// A side whose command is this program, under the name `pm2`.
    pub(super) fn new(program: &Path) -> Self {
        let sandbox = sandbox();
        let link = sandbox.work().join("pm2");
        symlink(program, &link).unwrap();
        let side = Self { sandbox, program: link, events: Arc::default() };
        side.run("ping");
        side
    }

    pub(super) fn write(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            self.sandbox.write(name, text);
        }
    }

    pub(super) fn run(&self, line: &str) -> Said {
        let mut command = self.sandbox.command_of(&self.program);
        command.args(line.split(' ')).env("PM2_HOME", self.sandbox.home());
        command.env("PM2_DISCRETE_MODE", "true").env("NO_COLOR", "1").env("TERM", "dumb");
        command.current_dir(self.sandbox.work());
        let Output { code, out, err, .. } = finish(command, &[], LIMIT);
        let of_all = |text: String| {
            text.replace(&*self.sandbox.home().to_string_lossy(), "[HOME]")
                .replace(&*self.sandbox.root().to_string_lossy(), "[ROOT]")
        };
        Said { code, out: of_all(out), err: of_all(err) }
    }

    /// Hears what the bus tells from now on.
    pub(super) fn listen(&self) {
        let path = self.sandbox.home().join("pub.sock");
        let mut stream = wait_for("the bus", LIMIT, || UnixStream::connect(&path).ok());
        let events = Arc::clone(&self.events);
        std::thread::spawn(move || {
            let (mut bytes, mut piece) = (Vec::new(), vec![0; 64 << 10]);
            while let Ok(read @ 1..) = stream.read(&mut piece) {
                bytes.extend_from_slice(&piece[..read]);
                while let Some(frame) = decode(&bytes).unwrap() {
                    events.lock().unwrap().extend(event(&frame.arguments));
                    let consumed = frame.consumed;
                    bytes.drain(..consumed);
                }
            }
        });
    }

    /// What was heard, each with how often.
    pub(super) fn events(&self) -> BTreeMap<String, usize> {
        let mut all = BTreeMap::new();
        for event in self.events.lock().unwrap().iter() {
            *all.entry(event.clone()).or_default() += 1;
        }
        all
    }

    /// How often something was heard that begins so.
    pub(super) fn heard(&self, event: &str) -> usize {
        self.events.lock().unwrap().iter().filter(|of| of.starts_with(event)).count()
    }

    pub(super) fn end(&self) {
        self.run("kill");
    }
}

/// An event in a word; nothing of lines, which come in pieces.
fn event(arguments: &[Argument<'_>]) -> Option<String> {
    let [Argument::Text(topic), Argument::Json(payload)] = arguments else { return None };
    let payload: Value = serde_json::from_str(payload).unwrap();
    let name = payload["process"]["name"].as_str().unwrap_or_default();
    match *topic {
        "log:out" | "log:err" | "log:PM2" => None,
        "process:event" => Some(format!("{topic} {} {name}", payload["event"].as_str()?)),
        topic => Some(format!("{topic} {name}")),
    }
}

impl Said {
    /// Code and words, in order of the alphabet: several processes end in any order. A table is
    /// one word, advice is none.
    pub(super) fn words(&self) -> (i32, Vec<String>, Vec<String>) {
        let lines = |text: &str| {
            let mut lines: Vec<String> = Vec::new();
            for line in text.lines().filter(|line| !is_advice(line)) {
                let table = line.starts_with(['┌', '├', '│', '└']);
                let word = if table { "(table)".to_owned() } else { line.to_owned() };
                if !table || lines.last() != Some(&word) {
                    lines.push(word);
                }
            }
            lines.sort();
            lines
        };
        (self.code, lines(&self.out), lines(&self.err))
    }
}

/// Lines that PM2 does not have: what to do, and where in the file. And its figures of the machine,
/// which come a while after it began.
fn is_advice(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty()
        || line.starts_with("hint: ")
        || line.starts_with("help: ")
        || line.starts_with("--> ")
        || line.starts_with("host metrics")
}

/// An element with the keys of `pm2_env` beside its own.
pub(super) fn flat(element: &Value) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for (key, value) in element.as_object().unwrap() {
        match value {
            Value::Object(map) if key == "pm2_env" => {
                let of = map.iter().map(|(name, value)| (format!("{key}.{name}"), value.clone()));
                all.extend(of);
            }
            _ => _ = all.insert(key.clone(), value.clone()),
        }
    }
    all
}

/// What is another at each look, or another on each side: numbers of processes, times, figures,
/// what the in-app agents tell.
pub(super) fn is_volatile(key: &str) -> bool {
    let key = key.strip_prefix("pm2_env.").unwrap_or(key);
    let volatile = [
        "pid",
        "monit",
        "pm_uptime",
        "created_at",
        "unique_id",
        "env",
        "axm_monitor",
        "axm_actions",
        "axm_options",
        "axm_dynamic",
        "_",
        "SHLVL",
        "OLDPWD",
        "versioning",
    ];
    volatile.contains(&key) || key.starts_with("npm_")
}

/// Whether a key is the one that a row names; `*` is an app's name.
pub(super) fn is_key(key: &str, row: &str) -> bool {
    match row.strip_suffix('*') {
        Some(before) => {
            let name = key.strip_prefix(before);
            name.is_some_and(|name| ["app", "web", "bad", "one", "two"].contains(&name))
        }
        None => key == row,
    }
}
