//! Lines that are written later, many at once.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use ostler_logs::{DateReader, Event, Filter, Names, Sink, Stream, now_ms};

use crate::rig::{Rig, sink};

/// Longer than any test takes.
const LONG: Option<u64> = Some(3_600_000);

fn read(path: &Path) -> String {
    String::from_utf8(std::fs::read(path).unwrap_or_default()).unwrap()
}

/// Writes this, and waits until the engine has taken it in.
fn write(rig: &mut Rig, to: &mut File, text: &str, turn: u64) {
    to.write_all(text.as_bytes()).unwrap();
    // The second begins when each stream has had its turn beside the first.
    rig.wait_turn(turn);
    rig.wait_turn(turn + 100);
}

fn subscribe(rig: &mut Rig) {
    rig.engine.subscribe(1, Filter::all());
    let is_told = |event: &Event| matches!(event, Event::Subscribed(1)).then_some(());
    rig.wait("subscription", is_told);
}

#[test]
fn lines_wait_until_they_are_many_or_their_time_has_come() {
    let mut rig = Rig::new();
    let (path, soon) = (rig.path("a.log"), rig.path("soon.log"));
    let mut waiting = rig.attach(1, Stream::Out, &Sink { buffer: LONG, ..sink(&path) });
    let mut passing = rig.attach(2, Stream::Out, &Sink { buffer: Some(1), ..sink(&soon) });
    let line = format!("{}\n", "x".repeat(999));
    write(&mut rig, &mut waiting, &line.repeat(60), 3);
    assert_eq!(read(&path), "", "60,000 bytes wait");
    write(&mut rig, &mut waiting, &line.repeat(60), 4);
    Rig::wait_content(&path, |content| content.len() > 64 << 10);
    passing.write_all(b"one\nbegun").unwrap();
    Rig::wait_content(&soon, |content| content == "one\nbegun");
    drop(waiting);
    rig.wait_eof(1, Stream::Out);
    assert_eq!(read(&path), line.repeat(120));
}

#[test]
fn whoever_ends_empties_renames_or_reads_finds_everything_written() {
    let mut rig = Rig::new();
    let path = rig.path("a.log");
    let mut to = rig.attach(1, Stream::Out, &Sink { buffer: LONG, ..sink(&path) });
    write(&mut rig, &mut to, "one\n", 2);
    assert_eq!(read(&path), "");
    rig.engine.rotate(vec![(path.clone(), Arc::new(Names::default()))]);
    let to_name = rig.wait("rotation", |event| match event {
        Event::Rotated { to, .. } => Some(to.clone()),
        _ => None,
    });
    assert_eq!((read(&to_name), read(&path)), ("one\n".to_owned(), String::new()));
    write(&mut rig, &mut to, "two\n", 3);
    let renamed = rig.path("a.log.1");
    std::fs::rename(&path, &renamed).unwrap();
    rig.engine.reopen();
    // A file that is not open any more is the one that has the name now.
    Rig::wait_content(&path, |content| read(&renamed) + content == "two\n");
    write(&mut rig, &mut to, "three\n", 4);
    assert!(!read(&path).contains("three"));
    rig.engine.flush(vec![path.clone()], 7);
    rig.wait_flushed(7);
    write(&mut rig, &mut to, "four\n", 5);
    assert_eq!(read(&path), "", "`three` was emptied, and `four` waits");
    subscribe(&mut rig);
    assert_eq!(read(&path), "four\n");
    // Who looks is told at once, and what is told is in the file.
    to.write_all(b"five\n").unwrap();
    let is_line = |event: &Event| matches!(event, Event::Lines { .. }).then_some(());
    rig.wait("line", is_line);
    assert_eq!(read(&path), "four\nfive\n");
    rig.engine.unsubscribe(1);
    write(&mut rig, &mut to, "six\nrest", 6);
    assert_eq!(read(&path), "four\nfive\n");
    rig.engine.ended(1);
    rig.wait_drained(1);
    assert_eq!(read(&path), "four\nfive\nsix\nrest");
}

#[test]
fn lines_of_several_streams_keep_their_order_and_the_dates_of_their_coming() {
    let mut rig = Rig::new();
    let all = rig.path("all.log");
    let format = "YYYY-MM-DDTHH:mm:ss.SSS";
    let form = Sink {
        err: Some(rig.path("b.log")),
        combined: Some(all.clone()),
        date_format: Some(format.to_owned()),
        buffer: LONG,
        ..sink(&rig.path("a.log"))
    };
    let mut out = rig.attach(1, Stream::Out, &form);
    let mut err = rig.attach(1, Stream::Err, &form);
    let mut times = Vec::new();
    for turn in 0..4 {
        let to = if turn % 2 == 0 { &mut out } else { &mut err };
        write(&mut rig, to, &format!("{turn}\n{turn} begun "), 10 + turn);
        times.push(now_ms());
    }
    write(&mut rig, &mut out, "and done\n", 20);
    write(&mut rig, &mut err, "and done\n", 21);
    assert_eq!(read(&all), "");
    subscribe(&mut rig);
    let text = read(&all);
    let lines: Vec<&str> = text.lines().map(|line| line.split_once(": ").unwrap().1).collect();
    let expected = ["0", "1", "0 begun 2", "1 begun 3", "2 begun and done", "3 begun and done"];
    assert_eq!(lines, expected);
    for (line, by) in text.lines().zip(times) {
        let (at, _) = DateReader::new(format).read(line).unwrap();
        assert!(at <= by, "{line} has come by {by}");
    }
    let own: Vec<String> = ["a.log", "b.log"].map(|name| read(&rig.path(name))).to_vec();
    assert_eq!(own.concat().lines().count(), 6, "{own:?}");
}
