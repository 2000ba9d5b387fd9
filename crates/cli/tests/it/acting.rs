//! Commands that change something: PM2's words, in PM2's order, with PM2's codes.

use ostler_wire::control::FrameKind;
use serde_json::{Value, json};

use crate::fake::{Fake, Ran, process};
use crate::start_e2e::untimed;

fn three() -> Vec<Value> {
    vec![process(0, "app"), process(1, "web"), process(2, "web")]
}

#[track_caller]
fn check(ran: &Ran, code: i32, words: &str, err: &str, table: bool) {
    assert_eq!(
        (ran.code, ran.words().as_str(), ran.err.as_str(), ran.has_table()),
        (code, words, err, table)
    );
}

#[test]
fn an_action_is_announced_done_and_followed_by_the_table() {
    let fake = Fake::with(three());
    let ran = fake.pm2("stop web");
    check(
        &ran,
        0,
        "[PM2] Applying action stopProcessId on app [web](ids: [ 1, 2 ])\n[PM2] [web](1) ✓\n\
         [PM2] [web](2) ✓\n",
        "",
        true,
    );
    assert_eq!(fake.asked()[0]["act"]["action"], "stop");
    let words = "Use --update-env to update environment variables\n\
                 [PM2] Applying action restartProcessId on app [0](ids: [ '0' ])\n\
                 [PM2] [app](0) ✓\n";
    check(&fake.pm2("restart 0"), 0, words, "", true);
    let ran = fake.ostler("del app web");
    let words = "deleted app 1/1, web 2/2 in TIME\n";
    assert_eq!((ran.code, untimed(&ran.out).as_str(), ran.err.as_str()), (0, words, ""));
}

#[test]
fn options_and_the_environment_go_with_a_restart() {
    let fake = Fake::with(three());
    let mut command = fake.command("pm2", ["restart", "app", "-a", "--name", "new", "--", "x y"]);
    command.env("MARK", "1");
    let ran = fake.end(command);
    assert!(!ran.out.contains("Use --update-env"));
    let change = &fake.asked()[0]["act"]["change"];
    assert_eq!(change["env"]["MARK"], "1");
    assert_eq!(
        (&change["patch"]["name"], &change["patch"]["args"]),
        (&json!("new"), &json!(["x y"])),
        "{change}"
    );
}

#[test]
fn what_is_not_there_fails_and_ends_the_command() {
    let fake = Fake::with(three());
    let hint = "hint: `pm2 list` shows names, namespaces and ids\n";
    check(
        &fake.pm2("stop nope web"),
        1,
        "",
        &format!("[PM2][ERROR] Process or Namespace nope not found\n{hint}"),
        false,
    );
    let announced = "[PM2] Applying action stopProcessId on app [99](ids: [ '99' ])\n";
    let unknown = format!("[PM2][ERROR] 99 : id unknown\n{hint}");
    check(&fake.pm2("stop 99"), 1, announced, &unknown, false);
    check(&fake.pm2("stop /zz/"), 1, "", "[PM2][WARN] No process found\n", false);
    assert!(fake.asked().is_empty());
    let empty = Fake::with(vec![]);
    check(&empty.pm2("delete all"), 1, "", "[PM2][WARN] No process found\n", false);
    check(&empty.pm2("stop -s all"), 1, "", "", false);
}

#[test]
fn a_failure_of_one_process_fails_the_command() {
    let fake = Fake::saying(
        three(),
        Box::new(|request| {
            request.get("act").map(|_| {
                let error = json!({"message": "it cannot be stopped", "hint": "try kill -9"});
                let event =
                    json!({"acted": {"id": 0, "name": "app", "error": error, "added": false}});
                vec![(FrameKind::Event, event), (FrameKind::Reply, json!("done"))]
            })
        }),
    );
    let words = "[PM2] Applying action stopProcessId on app [app](ids: [ 0 ])\n";
    check(
        &fake.pm2("stop app"),
        1,
        words,
        "[PM2][ERROR] [app](0) it cannot be stopped\nhint: try kill -9\n",
        false,
    );
}

#[test]
fn scaling_goes_up_and_down() {
    let fake = Fake::saying(
        three(),
        Box::new(|request| {
            let target = &request.get("scale")?["target"];
            let added = target.get("remove").is_none();
            let event = json!({"acted": {"id": 2, "name": "web", "error": null, "added": added}});
            Some(vec![(FrameKind::Event, event), (FrameKind::Reply, json!("done"))])
        }),
    );
    check(&fake.pm2("scale web +1"), 0, "[PM2] Scaling up application\n", "", true);
    let words = "[PM2] Applying action deleteProcessId on app [2](ids: [ 2 ])\n[PM2] [web](2) ✓\n";
    check(&fake.pm2("scale web -1"), 0, words, "", true);
    check(&fake.pm2("scale web -- -1"), 0, words, "", true);
    check(
        &fake.pm2("scale web"),
        1,
        "",
        "\n  error: missing required argument `number'\n  \
         hint: usage: pm2 scale <app_name> <number>\n\n",
        false,
    );
    check(&fake.pm2("scale web 2"), 1, "", "[PM2][ERROR] Nothing to do\n", false);
    check(
        &fake.pm2("scale nope 2"),
        1,
        "",
        "[PM2][ERROR] Application nope not found\nhint: `pm2 list` shows the names\n",
        false,
    );
    check(
        &fake.pm2("scale web x"),
        1,
        "",
        "[PM2][ERROR] `x` is not a number of instances\n\
         hint: `pm2 scale web 4`, or `+2` or `-1` in place of the number\n",
        false,
    );
}

#[test]
fn a_reload_ticks_every_process_or_fails_whole() {
    let fake = Fake::with(three());
    let words = "Use --update-env to update environment variables\n\
                 [PM2] Applying action reloadProcessId on app [web](ids: [ 1, 2 ])\n\
                 [PM2] [web](1) ✓\n[PM2] [web](2) ✓\n";
    check(&fake.pm2("reload web"), 0, words, "", false);
    let refusing = Fake::saying(
        three(),
        Box::new(|request| {
            request.get("reload")?;
            let step = json!({"left": {"pid": 9, "side": "new"}});
            let step = json!({"step": {"name": "web", "id": 1, "step": step}});
            let (message, hint) = ("web was not reloaded", "the old workers go on");
            let failure = json!({"error": {"message": message, "hint": hint}});
            Some(vec![(FrameKind::Event, step), (FrameKind::Reply, failure)])
        }),
    );
    let ran = refusing.ostler("reload web --surge 2");
    assert!(
        ran.err.ends_with(
            "web: worker 1 of the new version (pid 9) has left\n\
             error: web was not reloaded\nhint: the old workers go on\n"
        ),
        "{}",
        ran.err
    );
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert_eq!(refusing.asked()[0]["reload"]["options"]["surge"], 2);
}

#[test]
fn the_rest_says_what_pm2_says() {
    let fake = Fake::with(three());
    check(
        &fake.pm2("reset web"),
        0,
        "[PM2] Resetting meta for process id 1\n[PM2] Resetting meta for process id 2\n",
        "",
        true,
    );
    check(&fake.pm2("reset nope"), 1, "", "Unknown process name\n", false);
    check(
        &fake.pm2("reset 99"),
        0,
        "[PM2] Resetting meta for process id 99\n",
        "[PM2][ERROR] 99 id unknown\n",
        true,
    );
    check(
        &fake.pm2("save"),
        0,
        "[PM2] Saving current process list...\n[PM2] Successfully saved in /h/dump.pm2\n",
        "",
        false,
    );
    check(&fake.pm2("reloadLogs"), 0, "Reloading all logs...\nAll logs reloaded\n", "", false);
    check(
        &fake.pm2("resurrect"),
        0,
        "[PM2] Resurrecting\n[PM2] Restoring processes located in $H/dump.pm2\n",
        "",
        true,
    );
    check(&fake.pm2("cleardump"), 0, "[PM2] Successfully created $H/dump.pm2\n", "", false);
    assert_eq!(std::fs::read_to_string(fake.home().join("dump.pm2")).unwrap(), "[]");
    let flushed = "[PM2] Flushing:\n[PM2] /nowhere/app-out.log\n[PM2] /nowhere/app-error.log\n\
                   [PM2] Logs flushed\n";
    check(&fake.pm2("flush app"), 0, flushed, "", false);
    check(&fake.pm2("flush nope"), 0, "[PM2] Logs flushed\n", "", false);
    check(
        &fake.pm2("kill"),
        0,
        "[PM2] Applying action deleteProcessId on app [all](ids: [ 0, 1, 2 ])\n\
         [PM2] [v] All Applications Stopped\n[PM2] [v] PM2 Daemon Stopped\n",
        "",
        false,
    );
    let empty = Fake::with(vec![]);
    let words = "[PM2] Saving current process list...\n\
                 [PM2][WARN] PM2 is not managing any process, skipping save...\n\
                 [PM2][WARN] To force saving use: pm2 save --force\n";
    check(&empty.pm2("save"), 0, words, "", false);
    check(
        &Fake::silent().pm2("kill"),
        0,
        "[PM2] [v] All Applications Stopped\n[PM2] [v] PM2 Daemon Stopped\n",
        "",
        false,
    );
}
