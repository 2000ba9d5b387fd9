//! What apps print: whole lines in the right files, a tail, a stream.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use ostler_testkit::{Sandbox, Victim, procs};
use serde_json::Value;

use crate::start_e2e::{SOON, sandbox, start_sh, wait_log};

/// `ostler logs …` that runs, and the lines it prints.
pub(crate) struct Stream {
    child: Child,
    lines: Receiver<String>,
}

impl Stream {
    pub(crate) fn begin(sandbox: &Sandbox, args: &[&str]) -> Self {
        let mut command = sandbox.command();
        command
            .arg("logs")
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        // Ends with the command, or with whoever listens.
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// The next line for which `wanted` holds.
    #[track_caller]
    pub(crate) fn find(&self, wanted: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + SOON;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) if wanted(&line) => return line,
                Ok(_) => {}
                Err(error) => panic!("no such line came: {error}"),
            }
        }
    }

    /// Lets the app print until a line of it arrives: from then on this reader misses none.
    fn await_first(&self, sandbox: &Sandbox) {
        sandbox.wait_for("a first line in the stream", SOON, || {
            tick(sandbox, "first");
            let pause = Duration::from_millis(50);
            while let Ok(line) = self.lines.recv_timeout(pause) {
                if line.contains("first") {
                    return Some(());
                }
            }
            None
        });
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Prints a numbered line on each stream whenever `work/tick` gets longer.
const TICKS: &str = "echo ready\nn=0\ntail -n +1 -F tick 2>/dev/null | while read -r word; \
                     do echo \"out $word\"; echo \"err $word\" >&2; done";

/// Makes the app above print a line.
fn tick(sandbox: &Sandbox, word: &str) {
    use std::io::Write as _;
    let mut file =
        fs::OpenOptions::new().create(true).append(true).open(sandbox.work().join("tick")).unwrap();
    writeln!(file, "{word}").unwrap();
}

#[test]
fn the_last_lines_come_first_and_then_each_new_one() {
    let sandbox = sandbox();
    sandbox.write("tick", "");
    start_sh(&sandbox, "app", TICKS, &[]);
    for n in 0..20 {
        tick(&sandbox, &n.to_string());
    }
    wait_log(&sandbox, "app-out.log", "out 19");
    wait_log(&sandbox, "app-error.log", "err 19");
    let stream = Stream::begin(&sandbox, &["app", "--lines", "2"]);
    let mut tails: Vec<String> = (0..4).map(|_| stream.find(|_| true)).collect();
    tails.sort();
    assert_eq!(tails, ["app:0 | err 18", "app:0 | err 19", "app:0 | out 18", "app:0 | out 19"]);
    stream.await_first(&sandbox);
    tick(&sandbox, "fresh");
    assert_eq!(stream.find(|line| line.contains("out fresh")), "app:0 | out fresh");
    assert_eq!(stream.find(|line| line.contains("fresh")), "app:0 | err fresh");
}

#[test]
fn a_reader_chooses_stream_and_form() {
    let sandbox = sandbox();
    sandbox.write("tick", "");
    start_sh(&sandbox, "app", TICKS, &[]);
    wait_log(&sandbox, "app-out.log", "ready");
    let json = Stream::begin(&sandbox, &["app", "--json", "--err"]);
    let raw = Stream::begin(&sandbox, &["--raw", "--lines", "0", "--out"]);
    json.await_first(&sandbox);
    raw.await_first(&sandbox);
    tick(&sandbox, "middle");
    tick(&sandbox, "last");
    let not_first = |line: &str| !line.contains("first");
    assert_eq!([raw.find(not_first), raw.find(not_first)], ["out middle", "out last"]);
    for word in ["middle", "last"] {
        let line: Value = serde_json::from_str(&json.find(not_first)).unwrap();
        assert_eq!(
            (&line["message"], &line["type"]),
            (&format!("err {word}").into(), &"err".into())
        );
        assert_eq!((&line["process_id"], &line["app_name"]), (&0.into(), &"app".into()));
        assert!(line["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{line}");
    }
}

/// What a stream of objects says of an app: its events and the lines it wrote, up to this one.
fn told(stream: &Stream, last: &str) -> Vec<String> {
    let mut told = Vec::new();
    while told.last().is_none_or(|word| word != last) {
        let line: Value = serde_json::from_str(&stream.find(|_| true)).unwrap();
        assert_eq!(line["app_name"], "app", "{line}");
        assert!(line["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{line}");
        if line["type"] == "process_event" {
            let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["timestamp", "type", "status", "app_name"]);
            told.push(line["status"].as_str().unwrap().to_owned());
        }
    }
    told
}

#[test]
fn what_happens_to_an_app_is_in_the_stream() {
    let sandbox = sandbox();
    sandbox.write("tick", "");
    start_sh(&sandbox, "app", TICKS, &[]);
    start_sh(&sandbox, "other", "exec sleep 1000000", &[]);
    wait_log(&sandbox, "app-out.log", "ready");
    let json = Stream::begin(&sandbox, &["app", "--json"]);
    let all = Stream::begin(&sandbox, &["--lines", "0"]);
    let raw = Stream::begin(&sandbox, &["--raw", "--lines", "0"]);
    json.await_first(&sandbox);
    all.await_first(&sandbox);
    raw.await_first(&sandbox);
    sandbox.ostler(["restart", "other"]).run();
    sandbox.ostler(["restart", "app"]).run();
    assert_eq!(told(&json, "restart"), ["exit", "online", "restart"]);
    // SAFETY of numbers: the process is the sandbox's own.
    assert!(procs::signal(sandbox.pids_of("app")[0], procs::Signal::KILL));
    assert_eq!(told(&json, "online"), ["exit", "online"]);
    sandbox.ostler(["stop", "app"]).run();
    assert_eq!(told(&json, "stop"), ["exit", "stop"]);
    sandbox.ostler(["start", "app"]).run();
    sandbox.ostler(["delete", "app"]).run();
    assert_eq!(told(&json, "delete"), ["online", "restart", "exit", "delete"]);
    for line in [
        "other:1 is online",
        "app:0 was ended by SIGKILL",
        "app:0 starts in fork mode",
        "app:0 was deleted",
    ] {
        all.find(|of| of.starts_with("daemon ") && of.ends_with(&format!(" | {line}")));
    }
    // Who wants the bytes of apps gets nothing else.
    tick(&sandbox, "over");
    start_sh(&sandbox, "last", "echo the last; exec sleep 1000000", &[]);
    raw.find(|line| {
        assert!(!line.contains(" is online"), "{line}");
        line == "the last"
    });
}

#[test]
fn a_tail_alone_ends() {
    let sandbox = sandbox();
    start_sh(
        &sandbox,
        "app",
        "for n in 1 2 3; do echo out $n; echo err $n >&2; done\nexec sleep 1000000",
        &[],
    );
    wait_log(&sandbox, "app-out.log", "out 3");
    wait_log(&sandbox, "app-error.log", "err 3");
    let out = sandbox.ostler(["logs", "app", "--nostream", "--lines", "2", "--out"]).run().out;
    assert!(out == "app:0 | out 2\napp:0 | out 3\n", "{out}");
    let raw = sandbox.ostler(["logs", "--nostream", "--raw"]).run();
    assert!(raw.out.contains("out 1\nout 2\nout 3\n"), "{}", raw.out);
    assert!(raw.err.contains("err 1\nerr 2\nerr 3\n"), "{}", raw.err);
    assert_eq!(sandbox.ostler(["logs", "--nostream", "--lines", "0"]).run().out, "");
    sandbox.ostler(["logs", "nope", "--nostream"]).code(1).run();
}

#[test]
fn a_reader_of_objects_is_not_told_that_there_is_no_process() {
    let sandbox = sandbox();
    let ran = sandbox.ostler(["logs", "--json", "--nostream"]).run();
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("there is no process"), "{}", ran.err);
}

/// It would wait for an app that nobody can start without another daemon.
#[test]
fn logs_that_go_on_are_refused_where_no_daemon_runs() {
    let sandbox = sandbox();
    let refused = sandbox.ostler(["logs"]).code(1);
    refused.shows("error: no daemon runs in `[ROOT]/h`\nhint: `ostler resurrect`").run();
    assert!(!sandbox.file("ostler.sock").exists(), "a daemon was started");
}

#[test]
fn lines_of_several_processes_in_one_file_are_whole() {
    let sandbox = sandbox();
    let script = sandbox.victim("many", Victim::Lines { every: 0, count: 2000 });
    sandbox.ostler(["start"]).arg(script).args(["-i", "3", "--merge-logs"]).run();
    let text = sandbox.wait_file("logs/many-out.log", SOON, |log| {
        (log.matches("done\n").count() == 3).then(|| log.to_owned())
    });
    let pids = sandbox.pids_of("many");
    for pid in &pids {
        let own: Vec<&str> =
            text.lines().filter(|line| line.ends_with(&format!(" {pid}"))).collect();
        let expected: Vec<String> = (1..=2000).map(|n| format!("line {n} {pid}")).collect();
        assert_eq!(own, expected, "lines of {pid} in order");
    }
    assert_eq!(text.lines().count(), 3 * 2001, "a line was cut or mixed");
}

#[test]
fn without_merging_each_process_has_files_of_its_own() {
    let sandbox = sandbox();
    sandbox.write("app.sh", "echo I am $pm_id\nexec sleep 1000000");
    sandbox.ostler(["start", "app.sh", "-i", "2", "-o", "own/out.log", "-e", "NULL"]).run();
    for id in 0..2 {
        let path = sandbox.work().join(format!("own/out-{id}.log"));
        sandbox.wait_file(path, SOON, |text| (text == format!("I am {id}\n")).then_some(()));
    }
}

#[test]
fn a_date_stands_before_each_line_not_before_each_write() {
    let sandbox = sandbox();
    start_sh(
        &sandbox,
        "app",
        "printf 'begin '\nsleep 0.2\nprintf 'end\\nsecond\\n'\nexec sleep 1000000",
        &["--time", "-l", "both.log"],
    );
    let text = wait_log(&sandbox, "app-out.log", "second\n");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    for (line, rest) in lines.iter().zip(["begin end", "second"]) {
        let (date, said) = line.split_once(": ").unwrap();
        assert_eq!(said, rest);
        assert!(
            date.len() == 19 && date.starts_with("20") && date.as_bytes()[10] == b'T',
            "{line}"
        );
    }
    sandbox.wait_file(sandbox.work().join("both.log"), SOON, |both| (both == text).then_some(()));
}

#[test]
fn flush_empties_files_and_what_comes_then_is_written_from_their_beginning() {
    let sandbox = sandbox();
    sandbox.write("tick", "");
    start_sh(&sandbox, "app", TICKS, &[]);
    tick(&sandbox, "before");
    wait_log(&sandbox, "app-out.log", "before");
    wait_log(&sandbox, "app-error.log", "before");
    let out = sandbox.ostler(["flush", "app"]).run().out;
    assert_eq!(out, "emptied 2 log files\n");
    tick(&sandbox, "after");
    sandbox.wait_file("logs/app-out.log", SOON, |text| (text == "out after\n").then_some(()));
    sandbox.wait_file("logs/app-error.log", SOON, |text| (text == "err after\n").then_some(()));
    sandbox.ostler(["flush"]).run();
    assert_eq!(fs::metadata(sandbox.file("logs/app-out.log")).unwrap().len(), 0);
}

#[test]
fn a_stream_whose_reader_is_gone_ends_although_nothing_is_written() {
    let sandbox = sandbox();
    start_sh(&sandbox, "quiet", "echo up; exec sleep 1000", &[]);
    wait_log(&sandbox, "quiet-out.log", "up");
    let mut command = sandbox.command();
    command.args(["logs", "quiet"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("up") {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "it shows what is there");
    }
    drop(out);
    let ended = sandbox.wait_for("the end of the command", SOON, || child.try_wait().unwrap());
    assert!(ended.success(), "{ended}");
}
