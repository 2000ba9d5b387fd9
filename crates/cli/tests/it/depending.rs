//! Apps that wait for others, as real programs: in which order they begin and end, also when parts
//! of the manager die, and what is said meanwhile.

use ostler_testkit::{Sandbox, wait_for};
use serde_json::Value;

use crate::keeper_death::kill_both;
use crate::takeover::{SOON, kill_daemon, sandbox};

/// Says `ready` as soon as there is a file `go`, and notes when it begins and ends.
const DB: &str = "
const fs = require('fs');
process.on('SIGINT', () => { fs.appendFileSync('order', 'db ends\\n'); process.exit(0) });
fs.appendFileSync('order', 'db begins\\n');
const look = () => fs.existsSync('go') ? process.send('ready') : setTimeout(look, 20);
look();
setInterval(() => {}, 1000);
";
/// Notes when it begins and ends.
const API: &str = "
const fs = require('fs');
process.on('SIGINT', () => setTimeout(() => {
  fs.appendFileSync('order', process.argv[2] + ' ends\\n');
  process.exit(0);
}, 100));
fs.appendFileSync('order', process.argv[2] + ' begins\\n');
setInterval(() => {}, 1000);
";
/// A job that ends with the code that a file has.
const JOB: &str = "
const fs = require('fs');
fs.appendFileSync('order', 'job begins\\n');
process.exit(+fs.readFileSync('code'));
";
const FILE: &str = "
- { name: web, script: api.js, args: web, depends_on: api }
- name: api
  script: api.js
  args: api
  depends_on: { db: ready, job: completed }
- { name: job, script: job.js, oneshot: true, autorestart: false, depends_on: [db] }
- { name: db, script: db.js, wait_ready: true, listen_timeout: 60000 }
";

/// A sandbox with the file and its programs; the job ends with this code.
fn world(code: &str) -> Sandbox {
    let sandbox = sandbox();
    for (name, text) in
        [("db.js", DB), ("api.js", API), ("job.js", JOB), ("eco.yaml", FILE), ("code", code)]
    {
        sandbox.write(name, text);
    }
    sandbox
}

/// What the programs noted, a line each.
fn order(sandbox: &Sandbox) -> Vec<String> {
    let text = std::fs::read_to_string(sandbox.work().join("order")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Waits until so many lines were noted, and returns the last of them.
fn last_of_order(sandbox: &Sandbox, lines: usize, last: usize) -> Vec<String> {
    let all = wait_for("what the programs note", SOON, || {
        Some(order(sandbox)).filter(|all| lines <= all.len())
    });
    assert_eq!(all.len(), lines, "{all:?}");
    all[lines - last..].to_vec()
}

/// Waits until every app of the list has the status that is given for it.
fn wait_statuses(sandbox: &Sandbox, expected: &[(&str, &str)]) {
    wait_for("the statuses of all apps", SOON, || {
        let list = sandbox.ostler(["list", "--json", "name,status"]).run().out;
        let list: Vec<Value> = serde_json::from_str(&list).ok()?;
        let has = |name: &str, status: &str| {
            list.iter().any(|of| of["name"] == name && of["status"] == status)
        };
        expected.iter().all(|(name, status)| has(name, status)).then_some(())
    });
}

const ALL_WAIT: [(&str, &str); 4] =
    [("web", "waiting"), ("api", "waiting"), ("job", "waiting"), ("db", "starting")];
const ALL_UP: [(&str, &str); 4] =
    [("web", "online"), ("api", "online"), ("job", "completed"), ("db", "online")];

#[test]
fn apps_begin_in_order_also_when_the_daemon_dies_while_they_wait() {
    let sandbox = world("0");
    let start = sandbox.command();
    let start = std::thread::scope(|scope| {
        let start = scope.spawn(|| {
            let mut start = start;
            start.args(["start", "eco.yaml"]).output().unwrap()
        });
        wait_statuses(&sandbox, &ALL_WAIT);
        kill_daemon(&sandbox);
        wait_statuses(&sandbox, &ALL_WAIT);
        let why = sandbox.ostler(["describe", "api"]).run().out;
        let waits =
            "it waits for `db` to be ready (it is being started), and for `job` to complete";
        assert!(why.contains(waits), "{why}");
        let list = sandbox.ostler(["list"]).run().out;
        assert!(list.contains("waiting"), "{list}");
        assert_eq!(last_of_order(&sandbox, 1, 1), ["db begins"]);
        sandbox.write("go", "");
        start.join().unwrap()
    });
    let said = String::from_utf8_lossy(&start.stderr).into_owned();
    assert!(start.status.success(), "{said}");
    wait_statuses(&sandbox, &ALL_UP);
    let begun = ["db begins", "job begins", "api begins", "web begins"];
    assert_eq!(last_of_order(&sandbox, 4, 4), begun);
    sandbox.ostler(["stop", "all"]).run();
    let ended = ["web ends", "api ends", "db ends"];
    assert_eq!(last_of_order(&sandbox, 7, 3), ended);
    sandbox.ostler(["start", "web"]).run();
    let again = ["db begins", "api begins", "web begins"];
    assert_eq!(last_of_order(&sandbox, 10, 3), again, "the job is done");
    sandbox.ostler(["kill"]).run();
    assert_eq!(last_of_order(&sandbox, 13, 3), ended);
}

#[test]
fn when_both_parts_die_while_apps_wait_all_begin_again_in_order() {
    let sandbox = world("0");
    let mut start = sandbox.command();
    let mut start = start.args(["start", "eco.yaml"]).spawn().unwrap();
    wait_statuses(&sandbox, &ALL_WAIT);
    assert_eq!(last_of_order(&sandbox, 1, 1), ["db begins"]);
    kill_both(&sandbox);
    wait_statuses(&sandbox, &ALL_WAIT);
    sandbox.write("go", "");
    wait_statuses(&sandbox, &ALL_UP);
    let begun = ["db begins", "db begins", "job begins", "api begins", "web begins"];
    // The first of the two may have been too busy to end in time, and to note that it does.
    let begins = || order(&sandbox).into_iter().filter(|line| line.ends_with("begins"));
    wait_for("all to begin", SOON, || (begins().count() == 5).then_some(()));
    assert_eq!(begins().collect::<Vec<_>>(), begun);
    start.wait().unwrap();
}

#[test]
fn who_waits_in_vain_says_why_and_begins_when_it_is_mended() {
    let sandbox = world("3");
    sandbox.write("go", "");
    let said = sandbox.ostler(["start", "eco.yaml"]).code(1).run();
    let why = "app `api` waits for `job` to complete (it has ended: exit code 3)";
    assert!(said.err.contains(why), "{}", said.err);
    wait_statuses(&sandbox, &[("web", "waiting"), ("api", "waiting"), ("job", "exited")]);
    sandbox.write("code", "0");
    sandbox.ostler(["restart", "job"]).run();
    wait_statuses(&sandbox, &ALL_UP);
    let said = sandbox.ostler(["apply", "eco.yaml"]).run();
    assert!(said.err.contains("nothing to do"), "{}\n{}", said.out, said.err);
    assert_eq!(order(&sandbox).iter().filter(|line| *line == "job begins").count(), 2);
}

#[test]
fn a_file_whose_apps_wait_for_each_other_touches_nothing() {
    let sandbox = world("0");
    sandbox.write("go", "");
    sandbox.ostler(["start", "eco.yaml"]).run();
    let pids = || ["web", "api", "db"].map(|name| sandbox.pids_of(name));
    let before = pids();
    let cycle = FILE.replace("{ name: db,", "{ name: db, depends_on: web,");
    sandbox.write("eco.yaml", cycle);
    for command in ["start", "restart", "reload", "apply", "plan", "validate"] {
        let said = sandbox.ostler([command, "eco.yaml"]).code(1).run();
        let place = "eco.yaml:8:27 ([3].depends_on)";
        assert!(said.err.contains("error[dependency-cycle]"), "{command}: {}", said.err);
        assert!(said.err.contains(place), "{command}: {}", said.err);
    }
    let unknown = FILE.replace("depends_on: api", "depends_on: apo");
    sandbox.write("eco.yaml", unknown);
    let said = sandbox.ostler(["start", "eco.yaml"]).code(1).run();
    assert!(said.err.contains("error[unknown-dependency]"), "{}", said.err);
    assert!(said.err.contains("did you mean `api`?"), "{}", said.err);
    assert_eq!(pids(), before);
    // One that is in the list may be of another file.
    sandbox
        .write("more.json", "{ name: 'more', script: 'api.js', args: 'more', depends_on: 'db' }");
    sandbox.ostler(["start", "more.json"]).run();
    wait_statuses(&sandbox, &[("more", "online")]);
}
