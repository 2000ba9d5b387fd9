use std::collections::BTreeMap;

use expect_test::expect_file;
use ostler_wire::control::{Ended, Outcome, OverMemory, Phase, Unhealthy};

use super::*;
use crate::app::fold;
use crate::last_hour::LastHour;
use crate::of_file::{OfFile, Unlike};
use crate::paint::Paint;
use crate::sample::{self, NOW};
use crate::tree::Tree;
use crate::width::columns;

/// The first line was as long as the name, and dates were cut in a word.
#[test]
fn a_long_name_and_a_date_fit_a_narrow_window() {
    let name = "n".repeat(100);
    let long = |all: &mut [ProcView]| all.iter_mut().for_each(|of| of.name.clone_from(&name));
    for window in [30, 80] {
        let screen = screen_of("api", window, long);
        let head: Vec<&str> = screen.lines().take_while(|line| !line.is_empty()).collect();
        assert!(head.iter().all(|line| columns(line) <= window), "{screen}");
        let whole: String = head.iter().map(|line| line.trim()).collect();
        assert!(whole.contains(&format!(" {name}: ")), "{whole}");
    }
    let worker = screen("worker", 30);
    assert!(worker.contains("\n  created\n    1970-01-11T13:46:40.000Z\n"), "{worker}");
}

/// The screen of a sample app; a window of 0 is a pipe.
fn screen(name: &str, window: usize) -> String {
    screen_of(name, window, |_| ())
}

/// The same with its processes changed.
fn screen_of(name: &str, window: usize, change: impl Fn(&mut [ProcView])) -> String {
    let mut processes = sample::processes();
    processes.retain(|process| process.name == name);
    change(&mut processes);
    let details: Vec<Details> = processes.iter().cloned().map(sample::details).collect();
    let leaf = |pid| Tree { pid, command: "node /srv/app.js".to_owned(), children: Vec::new() };
    let running = processes.iter().filter(|process| process.pid != 0);
    let trees: Vec<Tree> = running
        .map(|process| Tree { children: vec![leaf(9000 + process.id)], ..leaf(process.pid) })
        .collect();
    let apps = fold(&processes);
    let line = "Error: listen EADDRINUSE: address already in use 127.0.0.1:3000";
    let seen = Seen {
        app: &apps[0],
        details: &details,
        trees: &trees,
        tail: Some((format!("/h/logs/{name}-error.log"), vec!["  ".to_owned(), line.to_owned()])),
        other_env: vec!["LANG".to_owned(), "NODE_ENV".to_owned()],
        said: (name == "worker").then(|| line.to_owned()),
        taken: (name == "worker").then(|| {
            let holder = "`127.0.0.1:3000` is taken by app `api`: pid 4711 (`node api.js`)";
            (format!("{holder} listens there"), Some("`ostler stop api` frees it".to_owned()))
        }),
        of_file: Some(OfFile {
            path: "/srv/my app/ecosystem.config.js".to_owned(),
            unlike: Some(Unlike::Differs(
                "instances 2 → 4 (to apply: `ostler scale api 4`)".to_owned(),
            )),
        }),
        last_hour: LastHour {
            cpu: "▁▂█ at most 31.0%".to_owned(),
            memory: "▆██ at most 40.0M".to_owned(),
            requests: "▁▂█▂ at most 90.0 a minute".to_owned(),
            latency: "▁▂█▂ at most 4.5 ms".to_owned(),
        },
        watched: Some("src (in /srv)".to_owned()),
        rotation: Some("daily, 5 files kept".to_owned()),
        sinks: vec!["syslog udp://logs:514: 1204 lines passed on".to_owned()],
        rules: vec!["oom: 3 lines".to_owned()],
        alerts: vec!["slack hooks.slack.com: 2 told".to_owned()],
    };
    let reasons = BTreeMap::from([(5, "port in use")]);
    let look = Look { window, now: NOW, paint: Paint::PLAIN, all: true, reasons: &reasons };
    if window == 0 { plain(&seen, &look) } else { describe(&seen, &look) }
}

#[test]
fn an_app_says_why_it_is_as_it_is_before_what_it_is() {
    for name in ["api", "worker", "web"] {
        for window in [80, 120, 200] {
            let path = format!("../snapshots/describe_{name}_{window}.txt");
            expect_file![path].assert_eq(&screen(name, window));
        }
        let path = format!("../snapshots/describe_{name}_piped.txt");
        expect_file![path].assert_eq(&screen(name, 0));
    }
}

/// An app to which another script was added had the first one's, and one mode.
#[test]
fn what_differs_among_the_processes_of_an_app_is_said_of_each() {
    let text = screen_of("api", 0, |processes| {
        processes[3].script = "/srv/other.js".to_owned();
        processes[3].cluster = false;
        processes[3].version = None;
    });
    for line in [
        "script: /srv/app.js (id 0-2), /srv/other.js (id 3)",
        "mode: cluster (id 0-2), fork (id 3)",
        "version: 1.2.3 (id 0-2), none (id 3)",
    ] {
        assert!(text.lines().any(|of| of == line), "{line}\n{text}");
    }
}

#[test]
fn no_line_is_wider_than_the_window() {
    for name in ["api", "worker", "web", "mail", "import", "idle", "db"] {
        for window in 72..220 {
            let text = screen(name, window);
            let widest = text.lines().map(columns).max();
            assert!(widest <= Some(window), "{window} {widest:?}\n{text}");
        }
    }
}

#[test]
fn an_app_that_is_online_again_says_what_was_before() {
    let mut process = sample::sample(0, "app");
    process.since = NOW - 5000;
    let ended =
        |at, asked| Some(Ended { at, asked, oom: false, own_at: None, how: Outcome::Code(1) });
    let text = |process: &ProcView, unstable| {
        let details = Details { unstable, ..sample::details(process.clone()) };
        why(&details, None, Some("Error: no"), NOW)
    };
    process.ended = ended(NOW - 6000, false);
    assert_eq!(
        text(&process, 8),
        "it has been online for 5s after 8 short runs in a row; the last one ended 6s ago \
         with exit code 1 (Error: no)"
    );
    // Each run lives longer than a short one, and ends for the same reason.
    let again = "it has been online for 5s; the run before ended 6s ago with exit code 1 \
                 (Error: no)";
    assert_eq!(text(&process, 0), again);
    let over = OverMemory { at: NOW - 6500, memory: 200 << 20, limit: 100 << 20 };
    process.over_memory = Some(over);
    assert_eq!(text(&process, 0), again, "it crashed since");
    process.ended = ended(NOW - 6000, true);
    assert_eq!(
        text(&process, 0),
        "it has been online for 5s, since it was restarted for its memory: 200.0M is above \
         100.0M"
    );
}

/// A `stop` of an app that was given up hid why that was.
#[test]
fn what_is_stopped_after_it_ended_by_itself_says_how_that_was() {
    let mut process = sample::sample(0, "app");
    process.phase = Phase::Stopped;
    let (at, own_at, how) = (NOW - 1000, Some(NOW - 6000), Outcome::Code(1));
    process.ended = Some(Ended { at, asked: true, oom: false, own_at, how });
    let said = why(&sample::details(process), None, Some("Error: no"), NOW);
    assert_eq!(
        said,
        "it was stopped by a command 1s ago; its last run had ended 6s ago with exit code 1 \
         (Error: no)"
    );
}

/// It was `the last try ended 0s ago with could not be started: …`.
#[test]
fn what_could_not_be_started_is_said_to_have_failed() {
    let mut process = sample::sample(0, "app");
    let why_not = "could not be started: `pre_start` ended with exit code 4";
    let how = Outcome::NotSpawned { why: Some(why_not.to_owned()) };
    let ended = Ended { at: NOW - 1000, asked: false, oom: false, own_at: None, how };
    let said = |phase, ended: &Ended| {
        let process = ProcView { phase, ended: Some(ended.clone()), ..process.clone() };
        why(&Details { unstable: 16, ..sample::details(process) }, None, None, NOW)
    };
    let failed = "failed 1s ago: `pre_start` ended with exit code 4";
    let given_up = format!("it was given up after 16 tries to start it; the last try {failed}");
    assert_eq!(said(Phase::Errored, &ended), given_up);
    let waits = format!("its last try to start {failed}; the next is in 2s");
    assert_eq!(said(Phase::Backoff { due_in: 2000 }, &ended), waits);
    let how = Outcome::NotVerified { why: "did not say `ready` within 700 ms".to_owned() };
    let unready = Ended { how, ..ended };
    let not_again = "its last run failed 1s ago: did not say `ready` within 700 ms, and it is \
                     not to be restarted";
    assert_eq!(said(Phase::Stopped, &unready), not_again);
    process.ended = Some(Ended { at: NOW, asked: true, own_at: Some(NOW - 1000), ..ended });
    process.phase = Phase::Stopped;
    let stopped = format!("it was stopped by a command 0s ago; its last try to start had {failed}");
    assert_eq!(why(&sample::details(process), None, None, NOW), stopped);
}

#[test]
fn whoever_was_ended_for_want_of_health_is_told_with_the_reason() {
    let mut process = sample::sample(0, "api");
    let ended =
        |at| Some(Ended { at, asked: true, oom: false, own_at: None, how: Outcome::Code(0) });
    let lost = |failures| Unhealthy {
        run: 1,
        at: NOW - 6500,
        failures,
        why: "`http://a/` answered 500".to_owned(),
        watchdog: false,
    };
    let said =
        |process: &ProcView| why(&sample::details(process.clone()), None, Some("Error: no"), NOW);
    (process.since, process.ended) = (NOW - 5000, ended(NOW - 6000));
    process.unhealthy = Some(lost(3));
    let because = "its health check failed 3 times in a row: `http://a/` answered 500";
    assert_eq!(
        said(&process),
        format!("it has been online for 5s, since it was restarted: {because}")
    );
    process.phase = Phase::Backoff { due_in: 2000 };
    assert_eq!(
        said(&process),
        format!("its last run was ended 6s ago, since {because}; the next one starts in 2s")
    );
    process.unhealthy = Some(lost(1));
    process.phase = Phase::Stopping;
    assert!(said(&process).contains("asked to end, since its health check failed once: `http"));
}

#[test]
fn whoever_the_kernel_ended_at_its_limit_is_told_with_the_limit() {
    let mut process = sample::sample(0, "api");
    process.phase = Phase::Backoff { due_in: 2000 };
    let how = Outcome::Signal { name: "SIGKILL".to_owned(), core: false };
    process.ended = Some(Ended { at: NOW - 6000, asked: false, oom: true, own_at: None, how });
    let mut details = sample::details(process);
    let said = |details: &Details| why(details, None, None, NOW);
    assert!(!said(&details).contains("max_memory"), "{}", said(&details));
    details.settings = vec![("max_memory".to_owned(), "67108864".to_owned())];
    let limit = "no memory left (its `max_memory` is 64.0M); the next one starts in 2s";
    assert!(said(&details).ends_with(limit), "{}", said(&details));
}

#[test]
fn every_state_has_a_reason() {
    let why = |name: &str| screen(name, 200).lines().nth(1).unwrap().trim().to_owned();
    assert_eq!(
        why("import"),
        "its last run ended 60m ago with exit code 0, and it is not to be restarted"
    );
    assert_eq!(why("idle"), "it was stopped by a command 60s ago");
    assert_eq!(
        why("db"),
        "id 10: it was started 9s ago and is not ready yet; taken as ready in 3s at the latest"
    );
    assert_eq!(
        why("mail"),
        "its last run ended 1s ago with signal SIGKILL, which ostler did not send: did memory \
         run out? `dmesg` tells; the next one starts in 5s"
    );
}
