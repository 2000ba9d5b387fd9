//! The same commands with PM2 itself and with ostler under its name: exit codes, words, lists and
//! events are the same, but for what `docs/pm2-differences.md` gives a reason for.

mod differences;
mod side;

use std::collections::{BTreeMap, BTreeSet};

use ostler_testkit::runtimes::pm2;
use ostler_testkit::wait::try_wait;
use serde_json::Value;

use crate::start_e2e::SOON;
use differences::{EVENTS, KEYS, WORDS};
use side::Side;

const APP: &str = "console.log('up'); setInterval(() => {}, 1000); process.send?.('ready');";
const WEB: &str = "require('http').createServer((q, r) => r.end()).listen(0); console.log('up');";
const FILE: &str = "module.exports = { apps: [
    { name: 'one', script: './app.js', env: { A: 1 }, env_production: { A: 2 }, merge_logs: true },
    { name: 'two', script: './web.js', instances: 2, exec_mode: 'cluster' },
] };";

const COMMANDS: &[&str] = &[
    "start app.js --name app",
    "start app.js --name app",
    "start web.js --name web -i 2",
    "start bad.js --name bad --no-autorestart",
    "start nothing.js",
    "jlist",
    "prettylist",
    "restart app",
    "restart 0",
    "restart ./app.js",
    "restart nobody",
    "sendSignal SIGUSR2 nobody",
    "send 0 hello",
    "send nobody x",
    "trigger app none",
    "monitor app",
    "pull app",
    "reload web",
    "reload app",
    "sendSignal SIGWINCH app",
    "sendSignal NOPE app",
    "trigger app",
    "unmonitor app",
    "restart /^ap/",
    "stop /zzz/",
    "reloadLogs",
    "flush app",
    "start app.js --name opts -k 3000 --listen-timeout 4000 --restart-delay 500 --namespace back",
    "restart opts --kill-timeout 2500 -- a b",
    "restart back",
    "stop back",
    "jlist",
    "delete back",
    "start none.config.js",
    "stop app",
    "stop app",
    "start app",
    "scale web 3",
    "scale web 3",
    "scale web 2",
    "scale web",
    "scale nobody 2",
    "id web",
    "id nobody",
    "pid nobody",
    "describe nobody",
    "reset app",
    "reset nobody",
    "env 99",
    "startOrReload eco.config.js",
    "stop eco.config.js --only one",
    "restart nobody all",
    "jlist",
    "save",
    "flush nobody",
    "start bad.js --name bad --no-autorestart --force",
    "start 99",
    "delete bad",
    "delete bad",
    "stop web",
    "save",
    "delete all",
    "resurrect",
    "delete all",
    "delete all",
    "save",
    "unknowncommand",
    "start --bogus",
    "stop",
];

#[test]
fn the_same_commands_do_and_say_the_same_but_for_what_has_a_reason() {
    let Some(real) = pm2() else { return };
    let sides = [Side::new(&real), Side::new(env!("CARGO_BIN_EXE_ostler").as_ref())];
    for side in &sides {
        side.write(&[("app.js", APP), ("web.js", WEB), ("bad.js", "process.exit(3)")]);
        side.write(&[("eco.config.js", FILE)]);
        side.listen();
    }
    let [theirs, ours] = &sides;
    let mut used = BTreeSet::new();
    let mut complaints = Vec::new();
    for command in COMMANDS {
        let [a, b] = sides.each_ref().map(|side| side.run(command));
        if command.ends_with("list") {
            assert_eq!((a.code, b.code), (0, 0), "{command}");
            compare_lists(command, &a.out, &b.out, &mut used, &mut complaints);
            continue;
        }
        let (a, b) = (a.words(), b.words());
        let reason = WORDS.iter().find(|(of, _)| of == command);
        match (a == b, reason) {
            (true, None) => {}
            (false, Some((of, _))) => _ = used.insert(*of),
            (true, Some((of, _))) => complaints.push(format!("`{of}` does not differ any more")),
            (false, None) => {
                let what = format!("`{command}`\n  PM2    {a:?}\n  ostler {b:?}");
                complaints.push(what);
            }
        }
        if let Some(difference) = events_differ(theirs, ours) {
            complaints.push(format!("events until `{command}`: {difference}"));
            break;
        }
    }
    for side in &sides {
        side.end();
    }
    for (event, _) in EVENTS {
        let both = [theirs.heard(event), ours.heard(event)];
        if both[0] == both[1] {
            complaints.push(format!("event `{event}` does not differ any more: {both:?}"));
        }
    }
    for (key, _) in KEYS {
        if !used.contains(key) {
            complaints.push(format!("key `{key}` does not differ any more"));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Waits until the same has happened on both sides, and says what has not.
fn events_differ(theirs: &Side, ours: &Side) -> Option<String> {
    let without = |side: &Side| -> BTreeMap<String, usize> {
        let known = |event: &str| EVENTS.iter().any(|(of, _)| event.starts_with(of));
        side.events().into_iter().filter(|(event, _)| !known(event)).collect()
    };
    let same = try_wait(SOON, || (without(theirs) == without(ours)).then_some(()));
    same.is_none()
        .then(|| format!("\n  PM2    {:?}\n  ostler {:?}", without(theirs), without(ours)))
}

/// Compares two lists, or two in Node's notation, of which lines are counted.
fn compare_lists(
    command: &str,
    theirs: &str,
    ours: &str,
    used: &mut BTreeSet<&'static str>,
    complaints: &mut Vec<String>,
) {
    if command == "prettylist" {
        for line in ["status: 'online',", "exec_mode: 'cluster_mode',", "args: ["] {
            let count = |text: &str| text.lines().filter(|of| of.trim() == line).count();
            if line != "args: [" && count(theirs) != count(ours) {
                complaints.push(format!("prettylist: `{line}` stands there another time"));
            }
        }
        return;
    }
    let [theirs, ours] = [theirs, ours].map(|text| {
        let list: Vec<Value> = serde_json::from_str(text).unwrap();
        list
    });
    assert_eq!(theirs.len(), ours.len());
    for (a, b) in theirs.iter().zip(&ours) {
        let [a, b] = [a, b].map(side::flat);
        for key in a.keys().chain(b.keys()) {
            if side::is_volatile(key) || a.get(key) == b.get(key) {
                continue;
            }
            match KEYS.iter().find(|(of, _)| side::is_key(key, of)) {
                Some((of, _)) => _ = used.insert(of),
                None => complaints.push(format!(
                    "`{command}`, {}: `{key}` is {:?}, here {:?}",
                    a["name"],
                    a.get(key),
                    b.get(key)
                )),
            }
        }
    }
}
