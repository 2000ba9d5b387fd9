//! Lines for those who watch.

use std::io::Write;

use ostler_logs::{Check, Event, Filter, Format, Line, Sink, Stream, key};

use crate::rig::{Rig, sink};

#[track_caller]
fn lines(rig: &mut Rig, subscriber: u64, count: usize) -> Vec<Line> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(rig.wait("lines", |event| match event {
            Event::Lines { subscriber: who, lines } if *who == subscriber => Some(lines.clone()),
            _ => None,
        }));
    }
    all
}

#[test]
fn each_gets_the_lines_it_asked_for() {
    let mut rig = Rig::new();
    rig.engine.subscribe(1, Filter::all());
    rig.engine.subscribe(2, Filter { ids: Some(vec![1]), out: false, err: true, ..Filter::all() });
    let path = rig.path("a.log");
    let form = Sink { err: Some(path.clone()), ..sink(&path) };
    let mut out = rig.attach(9, Stream::Out, &form);
    let mut err = rig.attach(9, Stream::Err, &form);
    out.write_all(b"one\r\n\xffpart").unwrap();
    assert_eq!(&*lines(&mut rig, 1, 1)[0].text, "one");
    drop(out);
    let line = lines(&mut rig, 1, 1).remove(0);
    assert_eq!(
        (&*line.text, line.source, line.proc_id, line.stream),
        ("\u{fffd}part", 9, 1, Stream::Out)
    );
    assert_eq!((&*line.name, line.dropped), ("app", 0));
    assert!(line.at_ms > 1_600_000_000_000);
    err.write_all(b"bad\n").unwrap();
    let bad = lines(&mut rig, 2, 1);
    assert_eq!((&*bad[0].text, bad[0].stream), ("bad", Stream::Err));
    Rig::wait_content(&path, |content| content == "one\r\n\u{fffd}part\nbad\n");
}

#[test]
fn raw_lines_reach_file_and_subscriber_alike() {
    let mut rig = Rig::new();
    rig.engine.subscribe(1, Filter::all());
    let path = rig.path("a.log");
    let mut writer = rig.attach(1, Stream::Out, &sink(&path));
    writer.write_all(b"al").unwrap();
    Rig::wait_content(&path, |content| content == "al");
    writer.write_all(b"pha\nbeta\n").unwrap();
    let texts: Vec<String> =
        lines(&mut rig, 1, 2).iter().map(|line| line.text.to_string()).collect();
    assert_eq!(texts, ["alpha", "beta"]);
}

#[test]
fn a_slow_subscriber_misses_lines_and_is_told_how_many_while_the_file_has_all() {
    const COUNT: usize = 200_000;
    let mut rig = Rig::new();
    rig.engine.subscribe(1, Filter::all());
    let path = rig.path("a.log");
    let mut writer = rig.attach(1, Stream::Out, &sink(&path));
    let mut text = String::new();
    for number in 0..COUNT {
        text.push_str(&format!("{number:08}\n"));
    }
    // Nobody takes events out meanwhile.
    writer.write_all(text.as_bytes()).unwrap();
    Rig::wait_content(&path, |content| content.len() == text.len());
    let mut got = 0;
    let mut dropped = 0;
    let mut next = 0;
    writer.write_all(b"prod\n").unwrap();
    Rig::wait_content(&path, |content| content.ends_with("prod\n"));
    loop {
        let batch = lines(&mut rig, 1, 1);
        let mut done = false;
        for line in batch {
            dropped += line.dropped;
            next += line.dropped;
            if &*line.text == "last" {
                done = true;
                continue;
            }
            if &*line.text != "prod" {
                assert_eq!(&*line.text, format!("{next:08}"));
            }
            next += 1;
            got += 1;
        }
        if done {
            break;
        }
        if !rig.seen.iter().any(|event| matches!(event, Event::Lines { .. })) {
            writer.write_all(b"last\n").unwrap();
        }
    }
    assert!(dropped > 0, "nothing was dropped");
    assert_eq!(got + usize::try_from(dropped).unwrap(), COUNT + 1);
}

#[test]
fn who_unsubscribes_hears_no_more() {
    let mut rig = Rig::new();
    rig.engine.subscribe(1, Filter::all());
    rig.engine.subscribe(2, Filter::all());
    rig.engine.unsubscribe(1);
    let mut writer = rig.attach(1, Stream::Out, &Sink::default());
    writer.write_all(b"x\n").unwrap();
    assert_eq!(lines(&mut rig, 2, 1).len(), 1);
    assert!(!rig.seen.iter().any(|event| matches!(event, Event::Lines { .. })));
}

/// It goes into no file: what is read before anybody reads it is lost.
#[test]
fn output_for_a_reader_alone_waits_until_there_is_one() {
    let mut rig = Rig::new();
    rig.engine.await_reader(true);
    let nowhere = Sink { proc_id: 1, name: "app".to_owned(), ..Sink::default() };
    let mut out = rig.attach(1, Stream::Out, &nowhere);
    out.write_all(b"first\n").unwrap();
    let patient = Filter { patient: true, ..Filter::all() };
    for reader in [1, 2] {
        // The engine has had a look at the pipe by then.
        rig.engine.flush(Vec::new(), reader);
        rig.wait("a turn", |event| {
            matches!(event, Event::Flushed(at) if *at == reader).then_some(())
        });
        rig.engine.subscribe(reader, patient.clone());
        assert_eq!(&*lines(&mut rig, reader, 1)[0].text, "first");
        rig.engine.unsubscribe(reader);
        out.write_all(b"first\n").unwrap();
    }
}

#[test]
fn each_line_says_where_it_is_in_the_file_of_its_stream_in_every_form() {
    let raw = |rig: &Rig| sink(&rig.path("a.log"));
    let forms: [fn(&Rig) -> Sink; 4] = [
        raw,
        |rig| Sink { date_format: Some("[D]".to_owned()), ..sink(&rig.path("a.log")) },
        |rig| Sink { format: Format::Json, ..sink(&rig.path("a.log")) },
        |rig| Sink { combined: Some(rig.path("all.log")), ..sink(&rig.path("a.log")) },
    ];
    for (number, form) in forms.iter().enumerate() {
        let mut rig = Rig::new();
        let form = Sink { err: None, ..form(&rig) };
        rig.engine.subscribe(1, Filter { places: true, ..Filter::all() });
        rig.engine.subscribe(2, Filter::all());
        let mut writer = rig.attach(9, Stream::Out, &form);
        let (mut all, mut count) = (Vec::new(), 0);
        for text in ["one\n", "two\nthree\n", "be", "gun\nx\n"] {
            writer.write_all(text.as_bytes()).unwrap();
            if number == 0 {
                // It goes into the file as it comes, so that the line is read in two pieces.
                Rig::wait_content(&rig.path("a.log"), |content| content.ends_with(text));
            }
            let whole = text.matches('\n').count();
            all.extend(lines(&mut rig, 1, whole));
            count += whole;
        }
        assert!(lines(&mut rig, 2, count).iter().all(|line| line.place.is_none()));
        let bytes = std::fs::read(rig.path("a.log")).unwrap();
        let mut end = 0;
        for line in &all {
            let place = line.place.unwrap_or_else(|| panic!("form {number}: no place"));
            assert_eq!((place.log, place.start), (key(&rig.path("a.log")), end), "form {number}");
            end = place.end;
            let range = usize::try_from(place.start).unwrap()..usize::try_from(end).unwrap();
            let text = std::str::from_utf8(&bytes[range]).unwrap();
            assert!(text.contains(&*line.text) && text.ends_with('\n'), "form {number}: {text}");
            assert_eq!(place.check, Check::of(text.as_bytes()));
        }
        assert_eq!(end, bytes.len() as u64);
    }
}
