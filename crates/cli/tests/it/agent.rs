//! The agent in apps of Node: what it measures, what it does, and that the app does not notice it.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use ostler_testkit::Sandbox;
use ostler_testkit::procs::{self, Signal};
use ostler_testkit::runtimes::{nodes, npm_package};
use serde_json::Value;

use crate::start_e2e::{SOON, get, one, sandbox, wait_log};

/// A server that says what it sees of the agent, and that a thread of it sees nothing.
const SERVER: &str = "
    const seen = [process.listenerCount('message'), process.execArgv.length, process.argv.length];
    const code = 'console.log(`thread ${process.listenerCount(\"uncaughtExceptionMonitor\")}`)';
    new Worker(code, { eval: true });
    const server = http.createServer((_, response) => response.end('hello'));
    server.listen(process.env.PORT, () => console.log('up ' + seen));
";

fn metrics(s: &Sandbox, name: &str) -> Vec<String> {
    let monitor = one(s, name)["pm2_env"]["axm_monitor"].clone();
    monitor.as_object().unwrap().keys().cloned().collect()
}

fn actions(s: &Sandbox, name: &str) -> Vec<String> {
    let all = one(s, name)["pm2_env"]["axm_actions"].clone();
    let names =
        all.as_array().unwrap().iter().map(|of| of["action_name"].as_str().unwrap().to_owned());
    names.collect()
}

/// Somebody who hears all events.
struct Ear {
    stream: UnixStream,
    heard: Vec<u8>,
}

impl Ear {
    fn new(s: &Sandbox) -> Self {
        s.ostler(["ping"]).run();
        let stream = UnixStream::connect(s.home().join("pub.sock")).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        Self { stream, heard: Vec::new() }
    }

    /// Waits for an event of this topic in which this text stands; returns its payload.
    fn wait(&mut self, topic: &str, text: &str) -> Value {
        let mark = format!("s:{topic}");
        loop {
            let places = self.heard.windows(mark.len()).enumerate();
            let places = places.filter(|(_, window)| *window == mark.as_bytes());
            let found = places.into_iter().find_map(|(at, _)| {
                let rest = self.heard.get(at + mark.len()..)?;
                let head = rest.get(..4)?;
                let length = u32::from_be_bytes(head.try_into().unwrap());
                let body = rest.get(4..4 + usize::try_from(length).unwrap())?;
                let body = String::from_utf8_lossy(body.strip_prefix(b"j:")?).into_owned();
                body.contains(text).then(|| serde_json::from_str(&body).unwrap())
            });
            if let Some(found) = found {
                return found;
            }
            let mut piece = [0; 4096];
            let count = self.stream.read(&mut piece).unwrap();
            assert_ne!(count, 0, "the bus was closed");
            self.heard.extend(&piece[..count]);
        }
    }
}

#[test]
fn every_node_tells_its_figures_and_the_app_sees_nothing_of_it() {
    let common = "const http = require('http'); const { Worker } = require('worker_threads');";
    let module = "import http from 'node:http'; import { Worker } from 'node:worker_threads';";
    for (at, runtime) in nodes().into_iter().enumerate() {
        let mut s = sandbox();
        s.use_runtime(&runtime);
        let port = s.port();
        // Both kinds of modules, in both modes.
        let (file, head) = if at % 2 == 0 { ("a.cjs", common) } else { ("a.mjs", module) };
        let script = s.write(file, format!("{head}{SERVER}"));
        let mode: &[&str] = if at % 4 < 2 { &["-i", "1"] } else { &[] };
        let start = s.ostler(["start"]).arg(script).args(["-n", "web"]).args(mode);
        start.env("PORT", port.to_string()).run();
        let log = one(&s, "web")["pm2_env"]["pm_out_log_path"].as_str().unwrap().to_owned();
        let log = Path::new(&log).file_name().unwrap().to_str().unwrap().to_owned();
        let said = wait_log(&s, &log, "thread");
        wait_log(&s, &log, "up");
        assert!(said.contains("thread 0"), "{}: {said}", runtime.name);
        assert_eq!(get(port), "hello");
        s.wait_for("figures of requests", SOON, || (metrics(&s, "web").len() == 10).then_some(()));
        let said = wait_log(&s, &log, "up");
        // A worker of Node's cluster listens for messages itself.
        let seen = if mode.is_empty() { "up 0,0,2" } else { "up 1,0,2" };
        assert!(said.contains(seen), "{}: {said}", runtime.name);
        assert_eq!(actions(&s, "web").len(), 5, "{}", runtime.name);
        let env = one(&s, "web")["pm2_env"].clone();
        assert_eq!(env["axm_options"]["module_name"], "web");
        assert_eq!(env["axm_monitor"]["HTTP"]["unit"], "req/min");
        let shown = s.ostler(["describe", "web"]).run().out;
        assert!(shown.contains("Heap Usage") && shown.contains("km:heapdump"), "{shown}");
    }
}

#[test]
fn an_app_that_has_nothing_to_do_ends_although_it_has_an_agent() {
    let s = sandbox();
    let script = s.write("short.js", "setTimeout(() => console.log('over'), 1500)");
    s.ostler(["start"]).arg(script).args(["-n", "short", "--no-autorestart"]).run();
    s.wait_status("short", "stopped", 1, SOON);
    assert_eq!(one(&s, "short")["pm2_env"]["exit_code"], 0);
}

#[test]
fn errors_that_nobody_handles_are_told_on_the_bus() {
    let s = sandbox();
    let mut ear = Ear::new(&s);
    let text = "process.once('SIGUSR2', () => { throw new TypeError('thrown') });
        Promise.reject(new RangeError('rejected')); setInterval(() => {}, 1000);
        console.log('up');";
    let script = s.write("fails.js", text);
    s.ostler(["start"]).arg(script).args(["-n", "fails", "--no-autorestart"]).run();
    let rejected = ear.wait("process:exception", "rejected");
    assert_eq!(rejected["data"]["name"], "RangeError");
    assert_eq!(rejected["process"]["name"], "fails");
    wait_log(&s, "fails-out.log", "up");
    let pid = s.pids_of("fails")[0];
    assert!(procs::signal(pid, Signal::USR2));
    let thrown = ear.wait("process:exception", "thrown");
    assert_eq!(thrown["data"]["message"], "thrown");
    let stack = thrown["data"]["stack"].as_str().unwrap();
    assert!(stack.contains("fails.js:1:"), "{stack}");
    s.wait_status("fails", "stopped", 1, SOON);
}

#[test]
fn without_pmx_there_is_no_agent_and_without_automation_it_does_nothing() {
    let s = sandbox();
    let script = s.write(
        "says.js",
        "console.log('monitors ' + process.listenerCount('uncaughtExceptionMonitor'));
         setInterval(() => {}, 1000);",
    );
    for (name, option, monitors) in [("off", "--no-pmx", 0), ("mute", "--no-automation", 1)] {
        s.ostler(["start"]).arg(&script).args(["-n", name, option, "-f"]).run();
        wait_log(&s, &format!("{name}-out.log"), &format!("monitors {monitors}"));
    }
    s.wait_for("figures", SOON, || (!metrics(&s, "mute").is_empty()).then_some(()));
    assert!(actions(&s, "mute").is_empty());
    assert!(metrics(&s, "off").is_empty() && actions(&s, "off").is_empty());
    let refused = s.ostler(["profile:cpu", "off", "10"]).any_code().run();
    assert!(refused.err.contains("there is no agent in process"), "{}", refused.err);
}

#[test]
fn an_app_that_brings_pm2s_agent_along_has_no_second_one() {
    let io = npm_package("pm2-io", "@pm2/io");
    let pmx = npm_package("pmx", "pmx");
    let (Some(io), Some(pmx)) = (io, pmx) else { return };
    let io = format!(
        "const io = require({:?}); io.metric({{ name: 'Sold' }}).set(42);
         io.action('clear', (reply) => reply({{ cleared: true }}));",
        io.display().to_string()
    );
    let pmx = format!(
        "const pmx = require({:?}).init({{ http: true }});
         pmx.probe().metric({{ name: 'Sold', value: () => 42 }});
         pmx.action('clear', (reply) => reply({{ cleared: true }}));",
        pmx.display().to_string()
    );
    for text in [io, pmx] {
        let s = sandbox();
        let script = s.write("web.js", format!("{text}\nsetInterval(() => {{}}, 1000);"));
        s.ostler(["start"]).arg(script).args(["-n", "web"]).run();
        let value = || one(&s, "web")["pm2_env"]["axm_monitor"]["Sold"]["value"].clone();
        s.wait_for("its metric", SOON, || (value() == 42).then_some(()));
        s.wait_for("its action", SOON, || {
            actions(&s, "web").contains(&"clear".to_owned()).then_some(())
        });
        // Ours would be here by now: it tells its first figures half a second after the begin.
        let refused = s.ostler(["profile:cpu", "web", "10"]).any_code().run();
        assert!(refused.err.contains("there is no agent in process"), "{}", refused.err);
    }
}

#[test]
fn profiles_are_written_and_an_app_that_ends_before_is_told() {
    let s = sandbox();
    let script = s.write("web.js", "setInterval(() => {}, 10)");
    s.ostler(["start"]).arg(&script).args(["-n", "web", "-i", "1"]).run();
    s.ostler(["start"]).arg(&script).args(["-n", "job", "-f"]).run();
    for name in ["web", "job"] {
        s.wait_for("the agent", SOON, || (!actions(&s, name).is_empty()).then_some(()));
    }
    for (command, app, end, key) in [
        ("profile:cpu", "web", ".cpuprofile", "nodes"),
        ("profile:mem", "job", ".heapprofile", "head"),
    ] {
        let said = s.ostler([command, app, "50"]).run().out;
        let path = said.trim().strip_prefix("wrote the profile to ").unwrap().to_owned();
        assert!(path.ends_with(end), "{path}");
        let path = s.work().join(Path::new(&path).file_name().unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        let profile: Value = serde_json::from_str(&text).unwrap();
        assert!(profile.get(key).is_some(), "{command}");
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "there are secrets in it");
    }
    for (action, params) in
        [("km:cpu:profiling:start", "{\"timeout\":60000}"), ("km:cpu:profiling:stop", "")]
    {
        let asked =
            s.ostler(["trigger", "job", action]).args(Some(params).filter(|of| !of.is_empty()));
        let answer = asked.run().out;
        assert!(answer.contains("\"success\":true"), "{action}: {answer}");
    }
    let several = s.ostler(["profile:cpu", "50"]).any_code().run();
    assert!(several.err.contains("there are 2 processes"), "{}", several.err);
    // It ends when a profile of it begins.
    let ends = "const { Session } = require('inspector'), { post } = Session.prototype;
        Session.prototype.post = function (method, ...rest) {
            if (method === 'Profiler.start') setTimeout(() => process.exit(3), 20);
            return post.call(this, method, ...rest);
        };
        setInterval(() => {}, 1000);";
    let script = s.write("ends.js", ends);
    s.ostler(["start"]).arg(script).args(["-n", "ends", "--no-autorestart"]).run();
    s.wait_for("the agent", SOON, || (!actions(&s, "ends").is_empty()).then_some(()));
    let ended = s.ostler(["profile:cpu", "ends", "600000"]).any_code().run();
    assert_eq!(ended.code, 1);
    let why = "the app ended before its profile was written";
    assert!(ended.err.contains(why), "{}", ended.err);
}
