//! Programs that read `jlist` and its relatives as tools for deployment and monitoring do.

use ostler_testkit::Sandbox;
use serde_json::Value;

use crate::start_e2e::{SOON, sandbox};

/// Two workers, a job that has ended, and one that was stopped.
fn scene() -> Sandbox {
    let s = sandbox();
    let web = s.write("web.js", "require('http').createServer().listen(0)");
    let job = s.write("job.sh", "exit 3");
    let rests = s.write("rests.sh", "exec sleep 1000000");
    s.ostler(["start"]).arg(web).args(["-i", "2"]).run();
    s.ostler(["start"]).arg(job).args(["--no-autorestart"]).run();
    s.ostler(["start"]).arg(rests).run();
    s.ostler(["stop", "rests"]).run();
    s.wait_status("job", "stopped", 1, SOON);
    s
}

/// What a deployment decides from the list: which of these names it has to start, which to reload.
fn decisions(list: &str, wanted: &[&str]) -> Vec<String> {
    let list: Vec<Value> = serde_json::from_str(list.trim()).unwrap();
    let decide = |name: &&str| {
        let mut of = list.iter().filter(|one| one["name"] == **name).peekable();
        let is_known = of.peek().is_some();
        let runs = is_known && of.all(|one| one["pm2_env"]["status"] == "online");
        format!(
            "{name} {}",
            if runs {
                "reload"
            } else if is_known {
                "restart"
            } else {
                "start"
            }
        )
    };
    wanted.iter().map(decide).collect()
}

/// A figure of a process by its path, as a number; text and what is missing are none.
fn figure(process: &Value, path: &str) -> Option<f64> {
    process.pointer(path)?.as_f64()
}

#[test]
fn a_deployment_sees_what_runs_what_rests_and_what_is_missing() {
    let s = scene();
    let list = s.ostler(["jlist"]).run().out;
    let wanted = ["web", "job", "rests", "new"];
    let expected = ["web reload", "job restart", "rests restart", "new start"];
    assert_eq!(decisions(&list, &wanted), expected);
    let pids = s.ostler(["pid", "web"]).run().out;
    assert!(pids.lines().count() == 2 && pids.lines().all(|pid| pid.parse::<u32>().is_ok()));
}

#[test]
fn a_monitor_finds_each_process_and_every_figure_is_a_number() {
    let s = scene();
    let list: Vec<Value> = serde_json::from_str(&s.ostler(["jlist"]).run().out).unwrap();
    assert_eq!(list.len(), 4);
    let figures = [
        "/pid",
        "/pm_id",
        "/monit/memory",
        "/monit/cpu",
        "/pm2_env/pm_uptime",
        "/pm2_env/restart_time",
        "/pm2_env/unstable_restarts",
        "/pm2_env/created_at",
        "/pm2_env/pm_id",
    ];
    for process in &list {
        for path in figures {
            assert!(figure(process, path).is_some(), "{path} of {process}");
        }
        for path in ["/name", "/pm2_env/status", "/pm2_env/exec_mode", "/pm2_env/pm_exec_path"] {
            assert!(process.pointer(path).is_some_and(Value::is_string), "{path} of {process}");
        }
        let runs = process["pm2_env"]["status"] == "online";
        assert_eq!(0.0 < figure(process, "/monit/memory").unwrap(), runs, "{process}");
        assert_eq!(0.0 < figure(process, "/pid").unwrap(), runs, "{process}");
    }
    // Who knows no JSON counts lines.
    let pretty = s.ostler(["prettylist"]).run().out;
    let count = |line: &str| pretty.lines().filter(|of| of.trim() == line).count();
    assert_eq!((count("status: 'online',"), count("status: 'stopped',")), (2, 2));
}
