//! A daemon of a few lines, and the command run against it.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use ostler_wire::control::{FrameKind, VERSION, decode, encode, encode_json};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Answers to requests other than the list: kind and payload of each frame, none where the daemon
/// dies of the request, `None` for the usual answer.
type Answers = Box<dyn Fn(&Value) -> Option<Vec<(FrameKind, Value)>> + Send + Sync>;

/// A home with a daemon that gives prepared answers.
pub struct Fake {
    dir: TempDir,
    requests: Arc<Mutex<Vec<Value>>>,
}

/// What a command did.
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output, with the home as `$H`.
    pub out: String,
    /// Standard error, with the home as `$H`.
    pub err: String,
}

/// A process in the list.
pub fn process(id: u32, name: &str) -> Value {
    let log = |kind: &str| format!("/nowhere/{name}-{kind}.log");
    json!({
        "id": id,
        "name": name,
        "namespace": "default",
        "version": null,
        "cluster": false,
        "pid": 4000 + id,
        "since": 0,
        "restarts": 0,
        "phase": "stopped",
        "cpu": 0.0,
        "memory": 0,
        "user": "root",
        "script": format!("/srv/{name}.js"),
        "logs": [log("out"), log("error"), null],
    })
}

/// A worker of a cluster that is online.
pub fn worker(id: u32, name: &str) -> Value {
    let mut worker = process(id, name);
    (worker["phase"], worker["cluster"]) = (json!("online"), json!(true));
    worker
}

impl Fake {
    /// A home without a daemon.
    pub fn silent() -> Self {
        Self { dir: TempDir::new().unwrap(), requests: Arc::default() }
    }

    /// A daemon with these processes that succeeds in everything.
    pub fn with(list: Vec<Value>) -> Self {
        Self::saying(list, Box::new(|_| None))
    }

    /// A daemon with these processes and answers.
    pub fn saying(list: Vec<Value>, answers: Answers) -> Self {
        let (fake, begin) = Self::late(list, answers);
        begin.send(()).unwrap();
        fake
    }

    /// As [`Self::saying`], and takes no connection before it is told to.
    pub fn late(list: Vec<Value>, answers: Answers) -> (Self, Sender<()>) {
        let fake = Self::silent();
        let socket = fake.dir.path().join("ostler.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let requests = Arc::clone(&fake.requests);
        let (list, answers) = (Arc::new(list), Arc::new(answers));
        let (begin, begun) = channel();
        std::thread::spawn(move || {
            // Who does not tell is gone, and so is the test.
            if begun.recv().is_err() {
                return;
            }
            for stream in listener.incoming() {
                let (requests, list, answers) =
                    (Arc::clone(&requests), Arc::clone(&list), Arc::clone(&answers));
                let socket = socket.clone();
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    serve(&mut stream, &socket, &requests, &list, &answers);
                });
            }
        });
        (fake, begin)
    }

    pub fn home(&self) -> &Path {
        self.dir.path()
    }

    /// What was asked since the last call, without the list and the version.
    pub fn asked(&self) -> Vec<Value> {
        std::mem::take(&mut *self.requests.lock().unwrap())
            .into_iter()
            .filter(|request| *request != json!("list") && *request != json!("hello"))
            .filter(|request| request.get("meant").is_none())
            .collect()
    }

    /// Writes a file into the home.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The command under this name, working in the home.
    pub fn command(
        &self,
        name: &str,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ostler"));
        command.arg0(name).args(args).current_dir(self.dir.path()).stdin(Stdio::null());
        command
            .env_clear()
            .env("OSTLER_HOME", self.dir.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TZ", "UTC").env("HOME", self.dir.path());
        command
    }

    /// Runs `line`, split on blanks, under the name `pm2`.
    pub fn pm2(&self, line: &str) -> Ran {
        self.end(self.command("pm2", line.split_whitespace()))
    }

    /// Runs `line`, split on blanks, under the name `ostler`.
    pub fn ostler(&self, line: &str) -> Ran {
        self.end(self.command("ostler", line.split_whitespace()))
    }

    /// Runs the command to its end.
    pub fn end(&self, mut command: Command) -> Ran {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes).unwrap().replace(self.dir.path().to_str().unwrap(), "$H")
        };
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Ran {
    /// Standard output without tables.
    pub fn words(&self) -> String {
        self.out
            .lines()
            .filter(|line| !line.starts_with(['┌', '│', '├', '└']))
            .fold(String::new(), |all, line| all + line + "\n")
    }

    pub fn has_table(&self) -> bool {
        self.out.contains("│ id │ name")
    }
}

/// Answers until the other end is closed. Returns whether it was asked to end.
fn serve(
    stream: &mut UnixStream,
    socket: &Path,
    requests: &Mutex<Vec<Value>>,
    list: &[Value],
    answers: &Answers,
) {
    while let Some(request) = next(stream) {
        requests.lock().unwrap().push(request.clone());
        let frames = answers(&request).unwrap_or_else(|| usual(&request, list));
        if frames.is_empty() {
            return; // It died.
        }
        let mut bytes = Vec::new();
        for (kind, value) in frames {
            match (kind, value) {
                (FrameKind::Raw, Value::String(text)) => {
                    encode(FrameKind::Raw, text.as_bytes(), &mut bytes);
                }
                (kind, value) => encode_json(kind, &value, &mut bytes).unwrap(),
            }
        }
        if request == "kill" || request == "kill_told" {
            // Its processes are nobody's, whose end could be waited for: who hears of the end finds
            // no socket any more.
            std::fs::remove_file(socket).unwrap();
        }
        if stream.write_all(&bytes).is_err() {
            return;
        }
    }
}

fn next(stream: &mut UnixStream) -> Option<Value> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    loop {
        if let Some(frame) = decode(&bytes).unwrap() {
            return Some(serde_json::from_slice(frame.payload).unwrap());
        }
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
}

/// What a daemon says to which everything succeeds.
fn usual(request: &Value, list: &[Value]) -> Vec<(FrameKind, Value)> {
    let mut frames: Vec<(FrameKind, Value)> = Vec::new();
    let name =
        |id: &Value| list.iter().find(|p| p["id"] == *id).map_or(json!("?"), |p| p["name"].clone());
    // That others than those that are meant are among them, every asker must bear.
    if request == "list" || request.get("meant").is_some() {
        return vec![(FrameKind::Reply, json!({"list": {"processes": list}}))];
    }
    if request == "hello" {
        return vec![(
            FrameKind::Reply,
            json!({"hello": {"protocol": VERSION, "version": "1", "pid": 0, "keeper_pid": 0}}),
        )];
    }
    if let Some(word) = request["find"]["word"].as_str() {
        let number = word.parse::<u64>().ok();
        let wanted = |process: &&Value| {
            process["name"] == word || (number.is_some() && process["id"].as_u64() == number)
        };
        let found = list.iter().filter(wanted);
        let ids: Vec<&Value> = found.map(|process| &process["id"]).collect();
        return vec![(FrameKind::Reply, json!({"found": {"ids": ids}}))];
    }
    if request == "jlist" {
        return vec![(
            FrameKind::Raw,
            json!(r#"[{"pid":7,"name":"app","pm2_env":{"status":"online","args":[]},"pm_id":0}]"#),
        )];
    }
    if let Some(id) = request["describe"].get("id") {
        let found = list.iter().find(|process| process["id"] == *id);
        return vec![(FrameKind::Reply, json!({ "describe": found.map(details) }))];
    }
    for id in request["act"]["ids"].as_array().into_iter().flatten() {
        frames.push((
            FrameKind::Event,
            json!({"acted": {"id": id, "name": name(id), "error": null, "added": false}}),
        ));
    }
    for (at, app) in request["start"]["apps"].as_array().into_iter().flatten().enumerate() {
        frames.push((
            FrameKind::Event,
            json!({"started": {"name": app["name"], "ids": [at], "late": false}}),
        ));
    }
    if let Some(save) = request.get("save") {
        let count = if save["force"] == true { 1 } else { list.len() };
        return vec![(FrameKind::Reply, json!({"saved": {"path": "/h/dump.pm2", "count": count}}))];
    }
    frames.push((FrameKind::Reply, json!("done")));
    frames
}

/// Everything about a process.
fn details(process: &Value) -> Value {
    json!({
        "view": process,
        "args": [],
        "pid_file": format!("/nowhere/{}.pid", process["id"]),
        "interpreter": "node",
        "interpreter_args": [],
        "cwd": "/srv",
        "unstable": 0,
        "created_at": 0,
        "last": null,
        "max_memory": null,
        "node_env": null,
        "env": {},
        "listeners": [],
    })
}
