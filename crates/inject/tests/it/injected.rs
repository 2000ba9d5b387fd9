//! A run of the program that makes calls fail.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ostler_testkit::{Sandbox, wait_exit};

/// Long enough on a machine that does much else, for what is traced.
pub const SOON: Duration = Duration::from_secs(60);

/// The call that is to fail; without one, calls are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub call: String,
    pub nth: u64,
    pub error: &'static str,
}

/// Processes that are followed.
pub struct Injected<'a> {
    sandbox: &'a Sandbox,
    child: Child,
    report: PathBuf,
}

/// What was seen in the end.
#[derive(Debug, Default)]
pub struct Seen {
    pub fired: bool,
    pub counts: BTreeMap<String, u64>,
}

impl<'a> Injected<'a> {
    /// Follows keeper and daemon of the sandbox, which are there.
    pub fn attach(sandbox: &'a Sandbox, role: &str, fault: Option<&Fault>) -> Self {
        let pids = [sandbox.keeper_pid(), sandbox.daemon_pid()];
        let pids = pids.map(|pid| pid.expect("keeper and daemon are there").to_string());
        Self::start(sandbox, role, fault, |command| {
            command.args(pids).stdout(Stdio::null()).stderr(Stdio::inherit());
        })
    }

    /// Runs `ostler ARGS` and follows what it starts. Output goes to files in the work folder.
    pub fn launch(sandbox: &'a Sandbox, role: &str, fault: Option<&Fault>, args: &[&str]) -> Self {
        let file = |name: &str| fs::File::create(sandbox.work().join(name)).unwrap();
        let program = sandbox.command().get_program().to_owned();
        Self::start(sandbox, role, fault, |command| {
            command.arg("--").arg(program).args(args).stdout(file("out")).stderr(file("err"));
        })
    }

    fn start(
        sandbox: &'a Sandbox,
        role: &str,
        fault: Option<&Fault>,
        more: impl FnOnce(&mut Command),
    ) -> Self {
        let report = sandbox.work().join("report");
        let mut command = sandbox.command_of(env!("CARGO_BIN_EXE_ostler-inject"));
        command.arg(role).arg(&report).stdin(Stdio::piped());
        match fault {
            Some(fault) => {
                command.args([&fault.call, &fault.nth.to_string(), fault.error]);
            }
            None => {
                command.args(["none", "0", "none"]);
            }
        }
        // The report of the run before is not this one's.
        fs::write(&report, "").unwrap();
        more(&mut command);
        let child = command.spawn().unwrap();
        let injected = Self { sandbox, child, report };
        injected.line("attached");
        injected
    }

    /// Waits for the line that begins so, and gives the rest of it.
    fn line(&self, begin: &str) -> String {
        self.sandbox.wait_file(&self.report, SOON, |text| {
            let line = text.lines().find_map(|line| line.strip_prefix(begin))?;
            Some(line.trim().to_owned())
        })
    }

    /// Waits for the end of the command that was launched, and gives its code.
    pub fn exit_code(&self) -> i32 {
        self.line("exit").parse().expect("the command ended by itself")
    }

    /// Lets everybody go.
    pub fn end(mut self) -> Seen {
        drop(self.child.stdin.take());
        wait_exit(self.child.id(), SOON);
        assert!(self.child.wait().unwrap().success(), "the tracer failed");
        let text = fs::read_to_string(&self.report).unwrap();
        let mut seen = Seen::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["fired", call, _, of @ ..] => {
                    eprintln!("failed: {call} of {}", of.join(" "));
                    seen.fired = true;
                }
                ["count", call, count] => {
                    seen.counts.insert((*call).to_owned(), count.parse().unwrap());
                }
                _ => (),
            }
        }
        seen
    }
}

impl Drop for Injected<'_> {
    fn drop(&mut self) {
        // After `end` it has been waited for, and this does nothing.
        let _ended = self.child.kill();
        let _known = self.child.wait();
    }
}
