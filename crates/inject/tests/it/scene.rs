//! Apps at work, and what must be true of them whatever fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use ostler_testkit::{Load, Sandbox, Victim, built_program, procs};
use serde_json::Value;

use crate::injected::SOON;

/// A talker in fork mode and two workers of a server.
pub struct Scene {
    pub sandbox: Sandbox,
    pub port: u16,
    talker: PathBuf,
}

/// Prints `line N PID` for ever; every number once.
const TALKER: &str = r#"#!/bin/sh
n=0
while :; do n=$((n+1)); echo "line $n $$"; sleep 0.02; done
"#;

impl Scene {
    /// A sandbox with nothing in it but the scripts.
    pub fn empty() -> Self {
        let sandbox = Sandbox::new(built_program());
        let port = sandbox.port();
        let talker = sandbox.write_executable("talks.sh", TALKER);
        Self { sandbox, port, talker }
    }

    /// The apps run.
    pub fn start() -> Self {
        let scene = Self::empty();
        scene.sandbox.ostler(["start"]).arg(&scene.talker).args(["--name", "talks"]).run();
        let api = scene.sandbox.victim("api", Victim::Http);
        scene
            .sandbox
            .ostler(["start"])
            .arg(api)
            .args(["-i", "2", "--wait-ready"])
            .env("PORT", scene.port.to_string())
            .run();
        scene
    }

    /// The path of the talker's script.
    pub fn talker(&self) -> String {
        self.talker.display().to_string()
    }

    /// Waits until the processes of this name are `count`, all online, and gives their pids.
    pub fn wait_online(&self, name: &str, count: usize) -> BTreeSet<u64> {
        self.sandbox.wait_list(format_args!("{count} × `{name}` online"), SOON, |list| {
            let named: Vec<&Value> = list.iter().filter(|of| of["name"] == name).collect();
            let online = |of: &&Value| of["pm2_env"]["status"] == "online";
            let pids: BTreeSet<u64> = named.iter().filter_map(|of| of["pid"].as_u64()).collect();
            (named.len() == count && named.iter().all(online) && pids.len() == count)
                .then_some(pids)
        })
    }

    pub fn is_online(&self, name: &str) -> bool {
        let is = |of: &Value| of["name"] == name && of["pm2_env"]["status"] == "online";
        self.sandbox.jlist().iter().any(is)
    }

    /// How many processes of this name are in the list.
    pub fn count(&self, name: &str) -> usize {
        self.sandbox.jlist().iter().filter(|of| of["name"] == name).count()
    }

    /// Every process that runs one of the scripts is one of the list, and runs once.
    pub fn check_no_strangers(&self) {
        self.sandbox.wait_for("no process beside those of the list", SOON, || {
            let list = self.sandbox.jlist();
            let listed: BTreeSet<u64> = list.iter().filter_map(|of| of["pid"].as_u64()).collect();
            let script = |pid: &u32| {
                let args = procs::args(*pid);
                args.iter().any(|arg| arg.ends_with("talks.sh") || arg.ends_with("api.js"))
            };
            let found = self.sandbox.pids().into_iter().filter(script);
            found.map(u64::from).all(|pid| listed.contains(&pid)).then_some(())
        });
    }

    /// Waits until the talker has written more, whole and in order.
    pub fn check_lines(&self) {
        let now = fs::read_to_string(self.log()).unwrap_or_default().lines().count();
        self.sandbox
            .wait_file(self.log(), SOON, |text| (now + 3 < text.lines().count()).then_some(()));
        let text = fs::read_to_string(self.log()).unwrap();
        // A talker that was restarted begins anew, perhaps before the last line of the one before
        // could be written.
        let mut dues: BTreeMap<&str, u64> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.contains("dropped")) {
            let words: Vec<&str> = line.split(' ').collect();
            let ["line", number, pid] = words.as_slice() else { panic!("a cut line: {line:?}") };
            let due = dues.entry(pid).or_insert(1);
            assert_eq!(*number, due.to_string(), "{line:?} where {due} is due");
            *due += 1;
        }
    }

    /// The app answers those who connect now.
    pub fn check_served(&self) {
        let load = Load::to_port(self.port).connections(1).connection_per_request().start();
        load.wait_answered(3, SOON);
        load.stop().assert_none_failed(1);
    }

    fn log(&self) -> PathBuf {
        self.sandbox.file("logs/talks-out.log")
    }

    /// Ends everything; nothing may be left.
    pub fn end(&self) {
        self.sandbox.ostler(["kill"]).run();
        let left: Vec<String> = self.sandbox.pids().into_iter().map(procs::describe).collect();
        assert!(left.is_empty(), "left after `kill`: {left:?}");
    }
}
