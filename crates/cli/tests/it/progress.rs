//! What is seen while something goes on.

use std::collections::BTreeSet;
use std::process::Stdio;

use expect_test::expect;
use ostler_testkit::{Sandbox, Victim, procs, pty, wait_for};
use ostler_wire::control::FrameKind;
use serde_json::{Value, json};

use crate::fake::{Fake, worker};
use crate::start_e2e::{SOON, sandbox, untimed, wait_log, wait_one};

/// A line, and then a row for each of 40 apps.
#[test]
fn the_end_is_one_line_on_a_terminal_too() {
    let mut sandbox = sandbox();
    sandbox.set_env("TERM", "xterm");
    let app = sandbox.victim("app", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(app).run();
    let mut command = sandbox.command();
    command.args(["stop", "all", "--progress", "none"]);
    let seen = pty::in_window(command, 120);
    assert_eq!(untimed(&seen.out.replace('\r', "")), "stopped app 1/1 in TIME\n");
}

/// An app that takes its whole time to end, and a terminal that can draw.
fn deaf(kill_timeout: &str) -> Sandbox {
    let mut sandbox = sandbox();
    sandbox.set_env("TERM", "xterm");
    let script = sandbox.victim("deaf", Victim::IgnoresSignals);
    sandbox.ostler(["start"]).arg(script).args(["--kill-timeout", kill_timeout]).run();
    wait_log(&sandbox, "deaf-out.log", "up");
    sandbox
}

/// Returns what a terminal shows after this text: what was drawn over is gone.
fn screen(text: &str) -> String {
    let (mut lines, mut row) = (vec![String::new()], 0);
    let mut rest = text;
    while let Some(one) = rest.chars().next() {
        let code = rest.strip_prefix("\x1b[").and_then(|code| {
            let end = code.find(|one: char| one.is_ascii_alphabetic())?;
            Some((code[..end].parse().unwrap_or(1), code.as_bytes()[end], &code[end + 1..]))
        });
        rest = match code {
            Some((count, b'A', after)) => {
                row -= count;
                after
            }
            Some((_, b'J', after)) => {
                lines.truncate(row + 1);
                lines[row].clear();
                after
            }
            Some((_, _, after)) => after,
            None if one == '\n' => {
                row += 1;
                if lines.len() == row {
                    lines.push(String::new());
                }
                &rest[1..]
            }
            None if one == '\r' => {
                lines[row].clear();
                &rest[1..]
            }
            None => {
                lines[row].push(one);
                &rest[one.len_utf8()..]
            }
        };
    }
    lines.join("\n")
}

#[test]
fn on_a_terminal_a_block_shows_what_goes_on_and_is_gone_at_the_end() {
    let sandbox = deaf("1500");
    let mut command = sandbox.command();
    command.args(["stop", "deaf"]);
    let seen = pty::in_window(command, 80);
    assert_eq!(seen.code, 0, "{}", seen.out);
    let drawn: BTreeSet<&str> =
        seen.out.split(['\n', '\r']).filter(|line| line.contains("stopping deaf [0/1] ")).collect();
    assert!(1 < drawn.len(), "its time goes on: {:?}", seen.out);
    let left = screen(&seen.out);
    assert!(untimed(&left).starts_with("stopped deaf 1/1 in TIME\n"), "{left:?}");
    assert!(!left.contains("stopping"), "{left:?}");
}

/// They showed a count alone.
#[test]
fn whatever_ends_processes_says_how_each_is_asked_and_when_it_is_killed() {
    let sandbox = deaf("1500");
    for words in ["restart deaf", "stop deaf", "start deaf", "scale deaf 2", "kill"] {
        if words == "kill" {
            wait_log(&sandbox, "deaf-out.log", "up");
        }
        let mut command = sandbox.command();
        command.args(words.split(' '));
        let seen = pty::in_window(command, 80);
        assert_eq!(seen.code, 0, "{words}: {}", seen.out);
        let says = seen.out.contains("asked to end by SIGINT, killed in ");
        let ends = matches!(words, "restart deaf" | "stop deaf" | "kill");
        assert_eq!(says, ends, "{words}: {}", seen.out);
    }
}

#[test]
fn who_interrupts_a_command_finds_the_terminal_clean_and_is_told_what_goes_on() {
    let sandbox = deaf("1000000");
    let mut command = sandbox.command();
    command.args(["stop", "deaf"]);
    let mut sent = false;
    let seen = pty::in_window_while(command, 80, |pid, text| {
        if !sent && text.contains("stopping deaf [0/1] ") {
            sent = procs::signal(pid, procs::Signal::INT);
        }
    });
    assert_eq!((seen.code, sent), (-2, true), "{}", seen.out);
    assert_eq!(
        screen(&seen.out),
        "warning: interrupted: the daemon goes on with what was begun\n\
         hint: `ostler list` shows how far it is\n"
    );
    for pid in sandbox.pids_of("deaf") {
        assert!(procs::signal(pid, procs::Signal::KILL));
    }
}

#[test]
fn who_interrupts_a_command_in_a_pipe_is_told_what_goes_on() {
    let sandbox = deaf("1000000");
    let pipe = Stdio::piped;
    let mut command = sandbox.command();
    let command = command.args(["stop", "deaf"]).stdout(pipe()).stderr(pipe());
    let running = command.spawn().unwrap();
    wait_one(&sandbox, "deaf", "stopping");
    assert!(procs::signal(running.id(), procs::Signal::INT));
    let ended = running.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("warning: interrupted: the daemon goes on"), "{said}");
    for pid in sandbox.pids_of("deaf") {
        assert!(procs::signal(pid, procs::Signal::KILL));
    }
}

/// A script with `trap '' INT`, and a shell that starts a job in the background, have it ignored.
/// It was told of, and then the command went on.
#[test]
fn an_interrupt_that_is_ignored_from_the_start_stays_so() {
    let sandbox = deaf("1000000");
    let pipe = Stdio::piped;
    let command = sandbox.command();
    let mut shell = sandbox.command_of("sh");
    shell.args(["-c", "trap '' INT; exec \"$@\"", "sh"]).arg(command.get_program());
    let running = shell.args(["stop", "deaf"]).stdout(pipe()).stderr(pipe()).spawn().unwrap();
    wait_one(&sandbox, "deaf", "stopping");
    let blocked = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("SigBlk:\t")).unwrap();
        u64::from_str_radix(line, 16).unwrap()
    };
    let holds = |number: u32| blocked() & (1 << (number - 1)) != 0;
    wait_for("what interrupts it is held back", SOON, || holds(15).then_some(()));
    assert!(!holds(2), "SIGINT is held back, and would be told of");
    assert!(procs::signal(running.id(), procs::Signal::INT));
    for pid in sandbox.pids_of("deaf") {
        assert!(procs::signal(pid, procs::Signal::KILL));
    }
    let ended = running.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success() && !said.contains("interrupted"), "{said}");
}

#[test]
fn a_program_reads_progress_as_objects() {
    let fake = Fake::saying(
        vec![worker(1, "web"), worker(2, "web")],
        Box::new(|request| {
            request.get("reload")?;
            let step = json!({"verifying": {"run": 7, "side": "new"}});
            let step = json!({"step": {"name": "web", "id": 1, "step": step}});
            let error = json!({"message": "it is gone", "hint": null});
            let acted = json!({"acted": {"id": 2, "name": "web", "error": error, "added": false}});
            let done = json!("done");
            Some(vec![
                (FrameKind::Event, step),
                (FrameKind::Event, acted),
                (FrameKind::Reply, done),
            ])
        }),
    );
    let ran = fake.ostler("reload web --progress json");
    let lines = regex_lite::Regex::new(r#""ms":\d+"#).unwrap().replace_all(&ran.out, r#""ms":0"#);
    let (lines, last) = lines.trim_end().rsplit_once('\n').unwrap();
    expect![[r#"
        {"event":"begun","act":"reload","processes":[{"id":1,"app":"web"},{"id":2,"app":"web"}]}
        {"event":"step","app":"web","id":1,"step":{"verifying":{"run":7,"side":"new"}}}
        {"event":"error","message":"web (id 2): it is gone","hint":null}
    "#]]
    .assert_eq(&format!("{lines}\n"));
    let finished = json!({ "event": "finished", "act": "reload", "ok": false,
        "apps": [{ "app": "web", "done": 0, "total": 2 }], "ms": 0, "urls": [],
        "dropped": null });
    assert_eq!(last, finished.to_string());
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let ran = fake.ostler("reload web --progress loud");
    assert_eq!(
        ran.err,
        "error: `--progress loud` is not known\n\
         hint: `ostler reload web --progress plain`; it is one of `auto`, `json`, `plain`, `none`\n"
    );
    assert!(fake.pm2("reload web").out.starts_with("Use --update-env"));
}

#[test]
fn a_line_that_is_not_understood_is_an_object_too() {
    let sandbox = sandbox();
    for line in [
        "start idle.js --nme x --progress json",
        "restart --progress json",
        "kill x --progress=json",
    ] {
        let said = sandbox.ostler(line.split(' ')).code(2).run();
        let object: Value = serde_json::from_str(said.out.trim_end()).unwrap();
        assert!(object["message"].is_string() && said.err.is_empty(), "{line}: {said:?}");
    }
    let turned = sandbox.ostler(["sendSignal", "one", "SIGUSR2"]).code(2).run();
    let hint = "hint: `ostler sendSignal SIGUSR2 one`; ";
    assert!(turned.err.contains(hint), "{turned:?}");
}

#[test]
fn finished_is_the_last_object_also_when_what_was_waited_for_does_not_come() {
    let sandbox = sandbox();
    sandbox.write("ends.sh", "echo no >&2; exit 3");
    let args = ["start", "ends.sh", "--no-autorestart", "--wait", "--progress", "json"];
    let ran = sandbox.ostler(args).code(1).run();
    let objects: Vec<Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = objects.iter().map(|one| one["event"].as_str().unwrap()).collect();
    assert_eq!(events.iter().filter(|event| **event == "finished").count(), 1, "{events:?}");
    assert_eq!(events[events.len() - 2..], ["error", "finished"], "{events:?}");
    assert_eq!(objects.last().unwrap()["ok"], false);
}

/// Nothing was said in the half second after a start in which it is looked what becomes of it.
#[test]
fn who_interrupts_a_start_that_is_done_is_told_that_it_goes_on() {
    let sandbox = sandbox();
    let app = sandbox.victim("app", Victim::Sleeper);
    let pipe = Stdio::piped;
    let interrupted = || {
        let mut command = sandbox.command();
        command.args(["start", "-i", "2"]).arg(&app).stdout(pipe()).stderr(pipe());
        let running = command.spawn().unwrap();
        sandbox.wait_status("app", "online", 2, SOON);
        let sent = procs::signal(running.id(), procs::Signal::INT);
        let ended = running.wait_with_output().unwrap();
        sandbox.ostler(["delete", "app"]).run();
        let said = String::from_utf8(ended.stderr).unwrap();
        // On a machine that is busy it was over by then.
        let was_over = !sent || ended.status.success();
        assert!(was_over || said.contains("warning: interrupted: the daemon goes on"), "{said}");
        !was_over
    };
    assert!((0..20).any(|_| interrupted()), "it is never interrupted");
}

#[test]
fn who_interrupts_a_wait_in_a_pipe_is_told_what_goes_on() {
    let sandbox = sandbox();
    sandbox.write("quiet.sh", "exec sleep 1000000");
    let start = ["start", "quiet.sh", "--wait-ready", "--listen-timeout", "1000000", "--wait=10m"];
    let wait = ["wait", "quiet", "--for", "exit"];
    for (args, waits) in [(&start[..], false), (&wait[..], true)] {
        let pipe = Stdio::piped;
        let mut command = sandbox.command();
        let running = command.args(args).stdout(pipe()).stderr(pipe()).spawn().unwrap();
        if waits {
            crate::waiting::wait_until_it_waits(&running);
        } else {
            wait_one(&sandbox, "quiet", "launching");
        }
        assert!(procs::signal(running.id(), procs::Signal::INT));
        let ended = running.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(said.contains("warning: interrupted: "), "{args:?}: {said}");
        assert!(said.contains("hint: `ostler list` shows how"), "{args:?}: {said}");
    }
}

/// Of a file of which one app failed, standard output did not say what was done.
#[test]
fn the_end_of_a_reload_says_what_was_reloaded_also_when_an_app_of_the_file_failed() {
    let sandbox = sandbox();
    let port = sandbox.port();
    sandbox
        .write("web.js", "require('http').createServer().listen(process.env.PORT, '127.0.0.1');");
    let idle = "setInterval(() => {}, 1 << 30);";
    sandbox.write("job.js", idle);
    sandbox.write("last.js", idle);
    let file = format!(
        r#"{{"apps": [
            {{"name": "web", "script": "web.js", "instances": 2, "port": {port}}},
            {{"name": "job", "script": "job.js", "max_restarts": 1}},
            {{"name": "last", "script": "last.js", "depends_on": ["job"]}}]}}"#
    );
    sandbox.write("eco.json", file);
    sandbox.ostler(["start", "eco.json", "--wait"]).run();
    sandbox.write("job.js", "setTimeout(() => process.exit(3), 1)");
    for command in ["reload", "startOrReload"] {
        let ran = sandbox.ostler([command, "eco.json"]).code(1).run();
        assert!(ran.err.contains("error: last (id 3): app `last` waits for `job`"), "{ran:?}");
        assert!(ran.out.starts_with("reloaded web 2/2, "), "{command}: {ran:?}");
        assert!(ran.out.contains(" job 0/1"), "{command}: {ran:?}");
        assert_eq!(ran.out.lines().count(), 1, "{command}: {ran:?}");
    }
}
