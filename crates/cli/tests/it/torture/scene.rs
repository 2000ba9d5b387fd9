//! Apps at work.

use std::path::PathBuf;

use ostler_testkit::{Sandbox, Victim};

/// How many apps there are.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Apps that only talk, by the first ids.
    pub talkers: u32,
    /// Apps that talk, and then end with a code of their own.
    pub crashers: u32,
}

/// What a process runs that must be one of the list.
pub const SCRIPTS: [&str; 4] = ["talker.sh", "crasher.sh", "api.js", "spare.sh"];

/// Prints `line N PID` for ever; every number once.
const TALKER: &str = r#"#!/bin/sh
n=0
echo up
while :; do n=$((n+1)); echo "line $n $$"; sleep 0.0$((n % 9 + 1)); done
"#;

/// Prints a few lines, writes down how it is about to end, and ends so. Each life has a number
/// of its own.
const CRASHER: &str = r#"#!/bin/sh
life=$(wc -l < "$0.$pm_id.ends")
life=$((life+1))
n=0
while [ $n -lt 20 ]; do n=$((n+1)); echo "life $life line $n"; done
sleep 0.$((life % 7 + 1))
code=$((life % 100 + 1))
echo "$code" >> "$0.$pm_id.ends"
exit $code
"#;

/// Overwrites its arguments and environment.
pub const HIDES: &str = "#!/bin/sh\nexec perl -e '$0 = q(x) x 4000; sleep 1 while 1'\n";

/// Is started, restarted, stopped and deleted all the time.
const SPARE: &str = "#!/bin/sh\nwhile :; do sleep 1; done\n";

pub struct Scene {
    pub sandbox: Sandbox,
    pub port: u16,
    pub crasher: PathBuf,
    pub size: Size,
}

/// Starts every app of the scene.
pub fn scene(sandbox: Sandbox, size: Size) -> Scene {
    let Size { talkers, crashers } = size;
    let port = sandbox.port();
    let talker = sandbox.write_executable("talker.sh", TALKER);
    let crasher = sandbox.write_executable("crasher.sh", CRASHER);
    for id in 0..talkers + crashers + 1 {
        sandbox.write(format!("crasher.sh.{id}.ends"), "");
    }
    let forms = [&[][..], &["--time"][..], &["--log-type", "json"][..]];
    for number in 0..talkers {
        let name = format!("talker{number}");
        let form = forms[usize::try_from(number).unwrap() % forms.len()];
        sandbox.ostler(["start"]).arg(&talker).args(["--name", &name]).args(form).run();
    }
    for number in 0..crashers {
        let name = format!("crasher{number}");
        let rest = ["--max-restarts", "1000000", "--min-uptime", "100"];
        sandbox.ostler(["start"]).arg(&crasher).args(["--name", &name]).args(rest).run();
    }
    // A log that takes nothing, and an app that overwrites its environment, which names its run.
    let full = ["--name", "full", "--output", "/dev/full"];
    sandbox.ostler(["start"]).arg(&talker).args(full).run();
    sandbox.write_executable("spare.sh", SPARE);
    let hides = sandbox.write_executable("hides.sh", HIDES);
    sandbox.ostler(["start"]).arg(hides).run();
    let api = sandbox.victim("api", Victim::Http);
    sandbox
        .ostler(["start"])
        .arg(api)
        .args(["-i", "2", "--wait-ready", "--kill-timeout", "5000"])
        .env("PORT", port.to_string())
        .env("GRACEFUL", "1")
        .run();
    Scene { sandbox, port, crasher, size }
}
