//! Apps in the foreground: `run`, and the names that PM2 has for it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, wait_for};

const LIMIT: Duration = Duration::from_secs(120);

/// An app that tells its number and its home, and says goodbye.
const POLITE: &str =
    "trap 'echo bye; exit 0' INT; echo up $$ $PM2_HOME; while :; do sleep 1000 & wait $!; done";

/// A sandbox whose foregrounds have their homes in the folder `r`.
fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new(env!("CARGO_BIN_EXE_ostler"));
    let folder = sandbox.root().join("r");
    fs::create_dir(&folder).unwrap();
    sandbox.remove_env("OSTLER_HOME");
    sandbox.set_env("XDG_RUNTIME_DIR", &folder);
    sandbox
}

pub fn under_name(sandbox: &Sandbox, name: &str) -> Command {
    let link = sandbox.work().join(name);
    if !link.exists() {
        symlink(env!("CARGO_BIN_EXE_ostler"), &link).unwrap();
    }
    sandbox.command_of(link)
}

fn finish(mut command: Command, args: &[&str]) -> ostler_testkit::Output {
    command.args(args);
    ostler_testkit::run::finish(command, &[], LIMIT)
}

/// A foreground that runs, with the first line that its app wrote.
struct Running {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    app: u32,
    home: PathBuf,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["up", pid, home] = words[..] else { panic!("`{line}`") };
        Self { child, output, app: pid.parse().unwrap(), home: home.into() }
    }

    /// Everything that belongs to it: keeper, daemon, guard, apps.
    fn parts(&self) -> BTreeSet<u32> {
        let keeper = procs::stat(self.daemon()).unwrap().parent;
        procs::with_descendants(&[keeper].into())
    }

    fn daemon(&self) -> u32 {
        fs::read_to_string(self.home.join("pm2.pid")).unwrap().parse().unwrap()
    }

    fn signal(&self, signal: Signal) {
        assert!(procs::signal(self.child.id(), signal));
    }

    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_foreground_ends_with_the_code_of_its_app_and_leaves_nothing() {
    let sandbox = sandbox();
    sandbox.write("job.sh", "echo out; echo; echo err >&2; exit 3");
    let output = finish(sandbox.command(), &["run", "job.sh", "--no-autorestart"]);
    assert_eq!((output.code, output.out.as_str()), (3, "out\n\n"), "{output:?}");
    assert!(output.err.lines().any(|line| line == "err"), "{}", output.err);
    assert!(output.err.contains("(`job`) ended: exit code 3"), "{}", output.err);
    assert_eq!(names_in(&sandbox.root().join("r")), [""; 0]);
    assert_eq!(procs::of_home(sandbox.root()), BTreeSet::new());
}

#[test]
fn a_signal_stops_apps_as_gently_as_ever_and_nothing_is_left() {
    let sandbox = sandbox();
    sandbox.write("app.sh", POLITE);
    for (name, signal) in
        [("pm2-runtime", Signal::TERM), ("pm2-docker", Signal::INT), ("pm2-runtime", Signal::QUIT)]
    {
        let mut command = under_name(&sandbox, name);
        command.args(["start", "app.sh"]);
        // Its lines are dated, and the app's are looked for.
        command.arg("--json").stderr(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let is_up = |line: &String| line.contains("\"message\":\"up ");
        assert!(lines.by_ref().map(Result::unwrap).any(|line| is_up(&line)));
        assert!(procs::signal(child.id(), signal));
        let rest: Vec<String> = lines.map(Result::unwrap).collect();
        assert!(rest.iter().any(|line| line.contains("\"message\":\"bye\"")), "{rest:?}");
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal:?}");
        assert_eq!(procs::of_home(sandbox.root()), BTreeSet::new());
    }
}

#[test]
fn a_foreground_that_is_killed_takes_everything_with_it() {
    let sandbox = sandbox();
    let app = sandbox.write("app.sh", POLITE);
    let mut command = sandbox.command();
    command.arg("run").arg(app);
    let running = Running::start(command);
    let parts = running.parts();
    assert!(2 < parts.len() && parts.contains(&running.app), "{parts:?}");
    running.signal(Signal::KILL);
    wait_for("everything to end", LIMIT, || {
        parts.iter().all(|pid| !procs::alive(*pid)).then_some(())
    });
    assert_eq!(running.end(), (None, String::new()), "nobody is left to print the last line");
}

#[test]
fn a_foreground_restarts_an_app_whose_files_change() {
    let sandbox = sandbox();
    let app = sandbox.write("app.sh", POLITE);
    let mut command = sandbox.command();
    command.arg("run").arg(app).arg("--watch").stderr(Stdio::null());
    let mut running = Running::start(command);
    let mut looks = 0;
    wait_for("the app to be restarted", LIMIT, || {
        // The first change may come before anybody looks; those that come without end are waited
        // for.
        if looks % 100 == 0 {
            sandbox.write("changed.txt", looks.to_string());
        }
        looks += 1;
        (!procs::alive(running.app)).then_some(())
    });
    let mut lines = running.output.by_ref().lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line == "bye"));
    assert!(lines.any(|line| line.starts_with("up ")));
    running.signal(Signal::TERM);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn apps_of_a_foreground_outlive_its_daemon_and_its_keeper() {
    let sandbox = sandbox();
    let app = sandbox.write("app.sh", POLITE);
    let mut command = sandbox.command();
    command.arg("run").arg(app);
    let running = Running::start(command);
    let daemon = || fs::read_to_string(running.home.join("pm2.pid")).ok()?.parse::<u32>().ok();
    for kill_keeper in [false, true] {
        let before = daemon().unwrap();
        let keeper = procs::stat(before).unwrap().parent;
        procs::signal(if kill_keeper { keeper } else { before }, Signal::KILL);
        let mut ping = sandbox.command();
        ping.env("OSTLER_HOME", &running.home);
        assert_eq!(finish(ping, &["ping"]).code, 0);
        if !kill_keeper {
            wait_for("another daemon", LIMIT, || daemon().filter(|pid| *pid != before));
        }
    }
    assert!(procs::alive(running.app));
    running.signal(Signal::TERM);
    assert_eq!(running.end(), (Some(0), "bye\n".to_owned()));
    assert_eq!(procs::of_home(sandbox.root()), BTreeSet::new());
}

impl Running {
    /// Waits until each of these processes has ended, or waits: it does not want to run at two
    /// looks, and has not run between them.
    fn wait_rest(&self, of: &[u32]) {
        let look = |pid: &u32| {
            let read = |file| fs::read_to_string(format!("/proc/{pid}/{file}")).ok();
            let ticks = read("schedstat")?.split(' ').next()?.to_owned();
            Some((read("stat")?.contains(") R "), ticks))
        };
        let mut before = Vec::new();
        wait_for("all to end or to wait", LIMIT, || {
            let now: Vec<_> = of.iter().map(look).collect();
            let runs = now.iter().flatten().any(|(runs, _)| *runs);
            let rests = !runs && now == before;
            before = now;
            rests.then_some(())
        });
    }

    /// Reads all lines, which are numbers that count up, and returns how many they are, and the
    /// exit code. Begins some at a time only when nothing moves any more.
    fn count(mut self, at_a_time: u32) -> (u32, Option<i32>) {
        let (mut count, mut line) = (0, String::new());
        let parts = [self.app, self.daemon(), self.child.id()];
        while 0 < self.output.read_line(&mut line).unwrap() {
            count += 1;
            assert_eq!(line.trim_end().parse::<u32>().unwrap(), count);
            line.clear();
            if count % at_a_time == 0 {
                self.wait_rest(&parts);
            }
        }
        (count, self.child.wait().unwrap().code())
    }
}

/// A foreground of this shell script, which tells its number first.
fn writing(sandbox: &Sandbox, script: &str) -> Running {
    sandbox.write("app.sh", format!("echo up $$ $PM2_HOME; {script}"));
    let mut command = sandbox.command();
    command.args(["run", "app.sh", "--no-autorestart"]);
    Running::start(command)
}

/// It goes nowhere else: what a slow reader would miss is lost for ever.
#[test]
fn a_reader_that_is_slow_misses_no_line() {
    let sandbox = sandbox();
    let running = writing(&sandbox, "exec seq -f '%060.0f' 1 150000");
    running.wait_rest(&[running.app]);
    assert_eq!(running.count(10_000), (150_000, Some(0)));
}

/// Half a megabyte is on its way then, in the daemon, in sockets and pipes. It is waited for as
/// long as some of it is taken.
#[test]
fn what_a_slow_reader_has_not_taken_at_the_end_comes_before_it() {
    let sandbox = sandbox();
    let script = "i=0; while :; do i=$((i + 1)); printf '%060d\\n' $i; done";
    let running = writing(&sandbox, script);
    let parts = [running.app, running.daemon(), running.child.id()];
    running.wait_rest(&parts);
    let first = format!("up {} {}\n", running.app, running.home.display());
    let io = fs::read_to_string(format!("/proc/{}/io", running.app)).unwrap();
    let written = io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap();
    let lines = (written.parse::<u32>().unwrap() - first.len() as u32) / 61;
    running.signal(Signal::TERM);
    assert_eq!(running.count(3), (lines, Some(0)));
}

#[test]
fn what_cannot_be_started_ends_the_foreground_with_1() {
    let sandbox = sandbox();
    let output = finish(under_name(&sandbox, "pm2-runtime"), &["nope.js"]);
    assert_eq!(output.code, 1);
    assert!(output.err.contains("Script not found"), "{}", output.err);
    sandbox.write("app.json", r#"{"apps": [{"script": "app.sh"}, {"script": "nope.sh"}]}"#);
    sandbox.write("app.sh", POLITE);
    assert_eq!(finish(sandbox.command(), &["run", "app.json"]).code, 1, "all or none");
    assert_eq!(names_in(&sandbox.root().join("r")), [""; 0]);
}

#[test]
fn what_pm2s_names_do_not_do_here_is_said() {
    let sandbox = sandbox();
    sandbox.write("app.sh", "exit 0");
    for (option, part) in [("--web", "web interface"), ("--secret=x", "PM2's vendor")] {
        let output = finish(under_name(&sandbox, "pm2-runtime"), &["app.sh", option]);
        assert_eq!(output.code, 1, "{option}");
        assert!(output.err.contains(part), "{}", output.err);
    }
    assert_eq!(finish(under_name(&sandbox, "pm2-runtime"), &[]).code, 1);
    let output = finish(under_name(&sandbox, "pm2-runtime"), &["nope.sh", "--unheard-of"]);
    assert!(output.err.contains("`--unheard-of` is not known"), "{}", output.err);
}

#[test]
fn under_the_name_pm2_dev_apps_are_restarted_when_a_file_changes_and_nothing_is_left() {
    let mut sandbox = sandbox();
    sandbox.set_env("PM2_SILENT", "");
    sandbox.write("app.sh", "echo one; exec sleep 1000000");
    sandbox.write("app.json", r#"{"apps": [{"name": "a", "script": "./app.sh", "watch": false}]}"#);
    let mut command = under_name(&sandbox, "pm2-dev");
    command.args(["app.json", "--post-exec", "echo posted", "--ignore", "tmp"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // What the app says and what is said of it come in any order.
    let mut heard = |wanted: &[&str]| {
        let mut missing = wanted.to_vec();
        while !missing.is_empty() {
            let line = lines.next().unwrap_or_else(|| panic!("{missing:?} is not heard"));
            missing.retain(|wanted| *wanted != line.trim_end());
        }
    };
    heard(&["Ignored folder       : tmp,node_modules", "a-0  | one"]);
    fs::write(sandbox.work().join("app.sh"), "echo two; exec sleep 1000000").unwrap();
    heard(&["[rundev] App a restarted", "posted", "a-0  | two"]);
    assert!(procs::signal(child.id(), Signal::INT));
    heard(&[">>>>> [PM2 DEV] Stopping current development session"]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(names_in(&sandbox.root().join("r")), [""; 0]);
    assert_eq!(procs::of_home(sandbox.root()), BTreeSet::new());
    let help = finish(under_name(&sandbox, "pm2-dev"), &[]);
    assert!(help.code == 0 && help.out.contains("--post-exec"), "{help:?}");
}

#[test]
fn without_a_daemon_of_its_own_a_command_only_watches() {
    let mut sandbox = Sandbox::new(env!("CARGO_BIN_EXE_ostler"));
    sandbox.set_env("PM2_SILENT", "");
    let app = sandbox.write("app.sh", POLITE);
    let start = |name: &str| {
        let mut command = under_name(&sandbox, "pm2");
        command.args(["start", "--no-daemon", "-n", name]).arg(&app);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let stays = "[--no-daemon] Continue to stream logs";
        assert!(lines.by_ref().map(Result::unwrap).any(|line| line == stays));
        (child, lines)
    };
    let (mut first, lines) = start("one");
    let (mut second, others) = start("two");
    assert!(procs::signal(second.id(), Signal::INT));
    others.for_each(drop);
    assert_eq!(second.wait().unwrap().code(), Some(0));
    assert_eq!(sandbox.statuses_of("two"), ["online"], "it is the first one's daemon");
    assert!(procs::signal(first.id(), Signal::TERM));
    lines.for_each(drop);
    assert_eq!(first.wait().unwrap().code(), Some(0));
    assert_eq!(procs::of_home(sandbox.root()), BTreeSet::new());
}

#[test]
fn links_take_nobodys_place_unless_they_are_told_to() {
    let sandbox = sandbox();
    let folder = sandbox.work().join("bin");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("pm2-dev"), "another's").unwrap();
    let refused = finish(sandbox.command(), &["link-pm2", "bin"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("pm2-dev` is there"), "{}", refused.err);
    assert_eq!(names_in(&folder), ["pm2-dev"], "nothing was begun");
    let done = finish(sandbox.command(), &["link-pm2", "bin", "--force"]).success();
    assert!(done.err.contains("PATH"), "{}", done.err);
    let mut command = sandbox.command_of(folder.join("pm2"));
    command.env("PATH", "");
    assert_eq!(finish(command, &["--version"]).out, "7.0.4\n");
    finish(sandbox.command(), &["link-pm2", "bin"]).success();
    assert_eq!(names_in(&folder).len(), 4);
}
