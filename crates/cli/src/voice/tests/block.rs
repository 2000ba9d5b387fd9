//! The block that shows what goes on.

use std::time::Duration;

use expect_test::expect_file;
use ostler_wire::control::{Condition, Connections, Doing, Lacks, Side, Step, Waits};

use super::acted;
use crate::voice::progress::Block;
use crate::voice::tally::Tally;
use crate::voice::{Act, Notice, Planned, Standing, Target, Window};

/// What is drawn at a time, in ms, in a window of so many columns and rows.
fn drawn(tally: &Tally, ms: u64, columns: usize, rows: usize) -> String {
    let lines = tally.block(Duration::from_millis(ms)).unwrap_or_default();
    Block::default().draw(lines, Window { columns, rows }).replace("\x1b[K", "")
}

#[test]
fn the_block_shows_what_is_worked_on_and_fits_its_window() {
    let workers =
        (0..16).map(|id| Target { id, name: "api".to_owned(), cluster: true, rests: false });
    let workers: Vec<Target> = workers.collect();
    let at = Duration::from_millis;
    let mut tally = Tally::default();
    let begun = Notice::Begun { act: Act::Reload, selector: None, targets: &workers };
    tally.take(&begun, at(0));
    assert_eq!(tally.block(at(199)), None, "it may be over at once");
    let verifying = Step::Verifying { run: 1, side: Side::New };
    let listens = Vec::new();
    let replaced = Step::Replaced { pid: 9, side: Side::New, listens, leaves: true };
    let step = |tally: &mut Tally, id: u32, step: &Step, ms: u64| {
        tally.take(&Notice::Stepped { id, name: "api", step }, at(ms));
    };
    (0..2).for_each(|id| step(&mut tally, id, &verifying, 0));
    step(&mut tally, 0, &replaced, 1000);
    // `docs/README.md` shows it.
    let text = drawn(&tally, 2000, 80, 24);
    expect_file!["../snapshots/reload_block.txt"].assert_eq(text.strip_suffix("\x1b[J").unwrap());
    let connections = Connections::Dropped(0);
    step(&mut tally, 0, &Step::Left { pid: None, side: Side::Old, connections }, 2500);
    (2..16).for_each(|id| step(&mut tally, id, &verifying, 3000));
    let text = drawn(&tally, 4000, 24, 24);
    assert_eq!(text.lines().count(), 10, "{text}");
    assert!(text.contains("\n  and 8 more\n"), "{text}");
    assert!(text.lines().all(|line| line.len() < 24), "{text}");
    assert_eq!(drawn(&tally, 4000, 80, 6).lines().count(), 5);
    step(&mut tally, 0, &Step::RollingBack { ids: vec![0] }, 5000);
    assert!(drawn(&tally, 5000, 80, 24).starts_with("reloading api [0/16] 5.0 s\n"));
    let (act, urls) = (Act::Reload, &[]);
    tally.take(&Notice::Finished { act, failed: true, urls }, at(6000));
    assert_eq!((tally.block(at(6000)), tally.summary(at(6000), &[])), (None, None));
}

#[test]
fn what_is_done_with_a_worker_is_seen_in_a_narrow_window_however_long_its_name() {
    let name = "a-rather-long-name-of-an-app".to_owned();
    let workers = [name.clone(), "other".to_owned()].map(|name| Target {
        id: 0,
        name,
        cluster: true,
        rests: false,
    });
    for targets in [&workers[..1], &workers] {
        let mut tally = Tally::default();
        let begun = Notice::Begun { act: Act::Reload, selector: None, targets };
        tally.take(&begun, Duration::ZERO);
        let step = &Step::Verifying { run: 1, side: Side::New };
        tally.take(&Notice::Stepped { id: 0, name: &name, step }, Duration::ZERO);
        let text = drawn(&tally, 2000, 60, 24);
        assert!(text.contains("  verifying the new worker"), "{text}");
    }
}

#[test]
fn the_block_of_many_apps_shows_those_that_are_not_done() {
    let planned = |number| Planned { name: format!("app{number:03}"), instances: 2, starts: true };
    let apps: Vec<Planned> = (0..100).map(planned).collect();
    let mut tally = Tally::default();
    tally.take(&Notice::StartsMissing { apps: &apps }, Duration::ZERO);
    for app in &apps[..98] {
        let started = Notice::Started { name: &app.name, ids: &[0, 1], asked: 2, of_file: true };
        tally.take(&started, Duration::ZERO);
    }
    let text = drawn(&tally, 3000, 80, 24);
    assert_eq!(text, "starting [196/200] 3.0 s\n  app098 0/2\n  app099 0/2\n\x1b[J");
    let line = tally.line(Duration::from_secs(3), "app097");
    assert_eq!(line.as_deref(), Some("[196/200] started app097"));
    assert_eq!(tally.line(Duration::from_millis(999), "app097"), None, "it may be over at once");
}

#[test]
fn a_block_is_drawn_in_the_place_of_the_one_before() {
    let mut block = Block::default();
    let window = Window { columns: 10, rows: 24 };
    assert_eq!(block.erase(), "");
    let lines = vec!["one".to_owned(), "a longer line".to_owned()];
    assert_eq!(block.draw(lines, window), "one\x1b[K\na longer \x1b[K\n\x1b[J");
    let lines = vec!["zwei 日本語".to_owned()];
    assert_eq!(block.draw(lines, window), "\r\x1b[2Azwei 日本\x1b[K\n\x1b[J");
    assert_eq!(block.erase(), "\r\x1b[1A\x1b[J");
    assert_eq!(block.erase(), "");
}

#[test]
fn where_lines_stay_many_processes_are_a_line_a_moment() {
    let mut tally = Tally::default();
    let targets: Vec<Target> = (0..1000)
        .map(|id| Target { id, name: format!("app{id}"), cluster: false, rests: false })
        .collect();
    let begun = Notice::Begun { act: Act::Stop, selector: None, targets: &targets };
    tally.take(&begun, Duration::ZERO);
    let mut told = Vec::new();
    for target in &targets {
        // One each 5 ms.
        let now = Duration::from_millis(1000 + 5 * u64::from(target.id));
        tally.take(&acted(target.id, &target.name), now);
        told.extend(tally.line(now, &target.name));
    }
    let of = ["[1/1000]", "[201/1000]", "[401/1000]", "[601/1000]", "[801/1000]", "[1000/1000]"];
    let begins: Vec<&str> = told.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(begins, of);
}

#[test]
fn the_end_says_how_many_connections_were_dropped_where_that_is_known() {
    let workers: Vec<Target> = (0..2)
        .map(|id| Target { id, name: "api".to_owned(), cluster: true, rests: false })
        .collect();
    let at = Duration::ZERO;
    let end = |act: Act, notices: &[Notice<'_>]| {
        let mut tally = Tally::default();
        tally.take(&Notice::Begun { act, selector: None, targets: &workers }, at);
        notices.iter().for_each(|notice| tally.take(notice, at));
        tally.take(&Notice::Finished { act, failed: false, urls: &[] }, at);
        tally.summary(at, &[]).unwrap()
    };
    let listens = Vec::new();
    let replaced = Step::Replaced { pid: 9, side: Side::New, listens, leaves: true };
    let [left, lost] = [0, 2].map(|count| {
        let connections = Connections::Dropped(count);
        Step::Left { pid: Some(7), side: Side::Old, connections }
    });
    let step = |id, step| Notice::Stepped { id, name: "api", step };
    let both = [step(0, &replaced), step(0, &left), step(1, &replaced)];
    let reloaded = |more: &[Notice<'_>]| end(Act::Reload, &[&both, more].concat());
    let text = "reloaded api 2/2 in 0 ms";
    assert_eq!(reloaded(&[step(1, &left)]), format!("{text}, 0 connections dropped"));
    assert_eq!(reloaded(&[step(1, &lost)]), format!("{text}, 2 connections dropped"));
    assert_eq!(reloaded(&[]), format!("{text}; an old worker finishes its connections"));
    let none = [step(0, &replaced), step(1, &replaced)];
    let two = format!("{text}; 2 old workers finish their connections");
    assert_eq!(end(Act::Reload, &none), two);
    let one = |id, connections| Notice::Acted { id, name: "api", connections };
    let stopped =
        |connections| end(Act::Stop, &[one(0, Connections::Dropped(1)), one(1, connections)]);
    let text = "stopped api 2/2 in 0 ms";
    assert_eq!(stopped(Connections::Nowhere), format!("{text}, 1 connection dropped"));
    assert_eq!(stopped(Connections::Unknown), text);
    let connections = Connections::Dropped(3);
    let removed = Notice::Scaled { id: 1, name: "api", added: false, connections };
    let text = "scaled api from 2 to 1 in 0 ms, 3 connections dropped";
    assert_eq!(end(Act::Scale, &[removed]), text);
    let replaced = [one(0, Connections::Dropped(1)), Notice::DaemonReplaced];
    assert_eq!(end(Act::Delete, &replaced), "deleted api 1/2 in 0 ms");
}

/// `started api 1/1` stood before the error that it was not ready, and the counter of a start
/// showed nothing until its end.
#[test]
fn a_start_that_waits_counts_what_is_ready_and_its_end_is_one_line() {
    let at = Duration::from_millis;
    let app = |name: &str, instances, starts| Planned { name: name.to_owned(), instances, starts };
    let targets: Vec<Target> = (0..3)
        .map(|id| Target { id, name: "api".to_owned(), cluster: true, rests: false })
        .collect();
    let begin = |apps: &[Planned]| {
        let mut tally = Tally::default();
        tally.take(&Notice::StartsMissing { apps }, at(0));
        for id in 0..3 {
            tally.take(&Notice::Starts { id, name: "api", up: false }, at(0));
        }
        tally
    };
    let mut tally = begin(&[app("api", 3, true)]);
    tally.take(&Notice::Starts { id: 0, name: "api", up: true }, at(300));
    let text = drawn(&tally, 400, 80, 24);
    let rows = "  id 1  starting  0.4 s\n  id 2  starting  0.4 s\n\x1b[J";
    assert_eq!(text, format!("starting api [1/3] 0.4 s\n{rows}"));
    let started = Notice::Started { name: "api", ids: &[0, 1, 2], asked: 3, of_file: true };
    let stands = |id, stand| Notice::Stands { id, stand };
    for notice in [started, Notice::BroughtUp, Notice::Awaits { targets: &targets }] {
        tally.take(&notice, at(500));
    }
    tally.take(&stands(0, Standing::Ready), at(500));
    tally.take(&stands(1, Standing::Does("runs and listens on nothing yet")), at(500));
    let text = drawn(&tally, 700, 80, 24);
    let row = "  id 1  runs and listens on nothing yet  0.2 s\n\x1b[J";
    assert_eq!(text, format!("waiting for api [1/3 ready] 0.7 s\n{row}"));
    let end = |last: Standing, failed: bool| {
        let mut tally = tally.clone();
        tally.take(&stands(1, last), at(800));
        tally.take(&stands(2, last), at(800));
        let (act, urls) = (Act::StartFile, &["http://127.0.0.1:3000".to_owned()][..]);
        tally.take(&Notice::Finished { act, failed, urls }, at(900));
        tally.summary(at(900), if failed { &[] } else { urls })
    };
    let ready = end(Standing::Ready, false);
    assert_eq!(ready.as_deref(), Some("started api 3/3, ready in 0.9 s, http://127.0.0.1:3000"));
    assert_eq!(end(Standing::Failed, true).as_deref(), Some("started api 1/3 in 0.9 s"));
    let none = Notice::Finished { act: Act::StartFile, failed: true, urls: &[] };
    let mut tally = begin(&[app("api", 3, true)]);
    for notice in [Notice::BroughtUp, Notice::Awaits { targets: &targets }, none] {
        tally.take(&notice, at(0));
    }
    assert_eq!(tally.summary(at(0), &[]), None, "nothing is ready");
}

/// It was told that `c` was started.
#[test]
fn what_is_only_added_to_the_list_is_not_called_started() {
    let mut tally = Tally::default();
    let app = Planned { name: "c".to_owned(), instances: 1, starts: false };
    let end = Notice::Finished { act: Act::Start, failed: false, urls: &[] };
    for notice in [
        Notice::StartsScript { script: "/srv/c.js", mode: "fork_mode", app },
        Notice::Started { name: "c", ids: &[0], asked: 1, of_file: false },
        end,
    ] {
        tally.take(&notice, Duration::ZERO);
    }
    assert_eq!(
        tally.summary(Duration::ZERO, &[]).as_deref(),
        Some("added c (not started) in 0 ms")
    );
}

/// A cluster whose workers found no port was `started api 4/4`.
#[test]
fn what_ended_at_once_is_not_counted_as_started() {
    let mut tally = Tally::default();
    let app = Planned { name: "api".to_owned(), instances: 2, starts: true };
    tally.take(
        &Notice::StartsScript { script: "/srv/a.js", mode: "cluster_mode", app },
        Duration::ZERO,
    );
    let started = Notice::Started { name: "api", ids: &[0, 1], asked: 2, of_file: false };
    tally.take(&started, Duration::ZERO);
    tally.take(&Notice::EndedEarly { id: 1 }, Duration::ZERO);
    assert_eq!(tally.summary(Duration::ZERO, &[]).as_deref(), Some("started api 1/2 in 0 ms"));
}

/// The block said `[2/2]`, and the line at the end `0/2`.
#[test]
fn the_block_counts_nothing_as_long_as_it_is_looked_whether_it_stays_up() {
    let at = Duration::from_millis;
    let target = |id| Target { id, name: "api".to_owned(), cluster: false, rests: false };
    let targets = [target(0), target(1)];
    let mut tally = Tally::default();
    tally.take(&Notice::Begun { act: Act::Restart, selector: None, targets: &targets }, at(0));
    for id in [0, 1] {
        let connections = Connections::Nowhere;
        tally.take(&Notice::Acted { id, name: "api", connections }, at(100));
    }
    assert_eq!(drawn(&tally, 300, 80, 24), "restarting api [2/2] 0.3 s\n\x1b[J");
    tally.take(&Notice::Looks, at(300));
    let looks = "restarting api: looking whether they stay up  0.4 s\n\x1b[J";
    assert_eq!(drawn(&tally, 400, 80, 24), looks);
    [0, 1].into_iter().for_each(|id| tally.take(&Notice::EndedEarly { id }, at(500)));
    tally.take(&Notice::Finished { act: Act::Restart, failed: false, urls: &[] }, at(500));
    let end = tally.summary(at(500), &[]);
    assert_eq!(end.as_deref(), Some("restarted api 0/2 in 0.5 s"));
}

/// `resurrect` and `import` showed a count alone, of what was done already.
#[test]
fn the_block_says_what_is_under_way_with_each_process_that_is_brought_back() {
    let at = Duration::from_millis;
    let target = |id, rests| Target { id, name: "api".to_owned(), cluster: false, rests };
    let targets = [target(0, false), target(1, false), target(2, true)];
    let mut tally = Tally::default();
    let path = std::path::Path::new("/h/dump.pm2");
    tally.take(&Notice::Resurrects { act: Act::Resurrect, path }, at(0));
    tally.take(&Notice::Restores { targets: &targets, saved: 4, before: false }, at(10));
    for id in [0, 1] {
        tally.take(&Notice::Starts { id, name: "api", up: false }, at(10));
    }
    tally.take(&Notice::Does { id: 1, name: "api", what: &Doing::Starts }, at(10));
    tally.take(&Notice::Starts { id: 0, name: "api", up: true }, at(200));
    let restored = Notice::Restored { name: "api", script: "/srv/api.js" };
    tally.take(&restored, at(200));
    // The one that rests is in the list, and that is all.
    let text = "resurrecting api [2/3] 0.3 s\n  id 1  starting  0.3 s\n\x1b[J";
    assert_eq!(drawn(&tally, 310, 80, 24), text);
    tally.take(&Notice::Starts { id: 1, name: "api", up: true }, at(400));
    (0..2).for_each(|_| tally.take(&restored, at(400)));
    tally.take(&Notice::Finished { act: Act::Resurrect, failed: false, urls: &[] }, at(400));
    let end = "resurrected 1 app (3 processes) from /h/dump.pm2 in 0.4 s";
    assert_eq!(tally.summary(at(400), &[]).as_deref(), Some(end));
}

/// `restart`, `stop`, `delete` and `kill` showed a count alone, for as long as it took.
#[test]
fn the_block_says_what_is_under_way_with_each_process() {
    let at = Duration::from_millis;
    let target = |id, name: &str| Target { id, name: name.to_owned(), cluster: false, rests: true };
    let targets = [target(0, "hang"), target(1, "hang"), target(2, "hang")];
    let waits_for =
        vec![Waits { app: "db".to_owned(), condition: Condition::Ready, lacks: Lacks::Starting }];
    let does = |tally: &mut Tally, id, what: &Doing, ms| {
        tally.take(&Notice::Does { id, name: "hang", what }, at(ms));
    };
    let signal = || Some("SIGINT".to_owned());
    let asked = Doing::Asked { signal: signal(), within: 3000 };
    let mut tally = Tally::default();
    let begun = Notice::Begun { act: Act::Restart, selector: None, targets: &targets };
    tally.take(&begun, at(0));
    does(&mut tally, 0, &asked, 0);
    does(&mut tally, 1, &Doing::Waits { waits_for }, 0);
    does(&mut tally, 2, &Doing::Killed, 1500);
    let text = "restarting hang [0/3] 2.1 s\n  id 0  asked to end by SIGINT, killed in 0.9 s\n  \
                id 1  waits for `db` to be ready (it is being started)\n  id 2  killed, and still \
                there  0.6 s\n\x1b[J";
    assert_eq!(drawn(&tally, 2100, 80, 24), text);
    tally.take(&acted(2, "hang"), at(2100));
    does(&mut tally, 0, &Doing::Starts, 3100);
    let text = drawn(&tally, 3200, 80, 24);
    assert!(text.starts_with("restarting hang [1/3] 3.2 s\n  id 0  starting  "), "{text}");
    assert!(!text.contains("id 2"), "{text}");
    let late = Doing::Asked { signal: None, within: 100 };
    does(&mut tally, 0, &late, 3200);
    let text = drawn(&tally, 4000, 80, 24);
    assert!(text.contains("  id 0  asked to end by a message\n"), "its end is a fact: {text}");
}

/// `scaling big [0/16]` stood there until the end.
#[test]
fn a_scale_counts_what_it_adds_or_removes() {
    let at = Duration::from_millis;
    let target = |id| Target { id, name: "big".to_owned(), cluster: true, rests: false };
    let targets: Vec<Target> = (0..4).map(target).collect();
    let begin = |processes| {
        let mut tally = Tally::default();
        tally.take(&Notice::Begun { act: Act::Scale, selector: None, targets: &targets }, at(0));
        tally.take(&Notice::ScalesTo { processes }, at(0));
        tally
    };
    let scaled = |id, added| {
        let connections = Connections::Unknown;
        Notice::Scaled { id, name: "big", added, connections }
    };
    let mut tally = begin(6);
    for id in [4, 5] {
        tally.take(&Notice::Does { id, name: "big", what: &Doing::Starts }, at(0));
    }
    tally.take(&scaled(4, true), at(300));
    let text = "scaling big from 4 to 6 [1/2] 0.4 s\n  id 5  starting  0.4 s\n\x1b[J";
    assert_eq!(drawn(&tally, 400, 80, 24), text);
    assert_eq!(tally.line(at(1000), "big (id 4)").as_deref(), Some("[1/2] scaled big (id 4)"));
    let mut tally = begin(1);
    tally.take(&scaled(3, false), at(300));
    assert_eq!(drawn(&tally, 400, 80, 24), "scaling big from 4 to 1 [1/3] 0.4 s\n\x1b[J");
}
