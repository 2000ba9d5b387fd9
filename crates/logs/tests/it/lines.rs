//! What is in the file is what was written, however it was cut on the way.

use std::io::Write;
use std::time::{Duration, Instant};

use ostler_logs::{Format, Sink, Stream};
use proptest::prelude::*;

use crate::rig::{Dice, Rig, sink};

/// Writes `bytes` in chunks of these lengths, again and again, and returns the file.
fn written(form: &Sink, bytes: &[u8], chunks: &[usize]) -> Vec<u8> {
    let mut rig = Rig::new();
    let path = rig.path("a.log");
    let mut writer = rig.attach(1, Stream::Out, &Sink { out: Some(path.clone()), ..form.clone() });
    let mut rest = bytes;
    for len in chunks.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*len).min(rest.len()));
        writer.write_all(chunk).unwrap();
        rest = after;
    }
    drop(writer);
    rig.wait_eof(1, Stream::Out);
    std::fs::read(path).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn raw_files_hold_the_bytes(bytes in prop::collection::vec(any::<u8>(), 0..9000),
                                chunks in prop::collection::vec(1usize..3000, 1..8)) {
        prop_assert_eq!(written(&Sink::default(), &bytes, &chunks), bytes);
    }

    #[test]
    fn formatted_files_do_not_depend_on_the_chunks(
        lines in prop::collection::vec("[a-zé\r]{0,40}", 0..60),
        chunks in prop::collection::vec(1usize..300, 1..8),
    ) {
        let text = lines.join("\n");
        let mut expected: String = lines.iter().map(|line| format!("D: {line}\n")).collect();
        if lines.last().is_some_and(String::is_empty) {
            expected.truncate(expected.len() - "D: \n".len());
        }
        let dated = Sink { date_format: Some("[D]".to_owned()), ..Sink::default() };
        let written = String::from_utf8(written(&dated, text.as_bytes(), &chunks)).unwrap();
        prop_assert_eq!(written, expected);
    }
}

#[test]
fn json_lines_carry_the_whole_message() {
    let json = Sink { format: Format::Json, name: "api".to_owned(), proc_id: 4, ..Sink::default() };
    let file = String::from_utf8(written(&json, b"one\r\ntwo \"\xff\"\n\nthree", &[5])).unwrap();
    let messages: Vec<String> = file
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["message"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(messages, ["one\r\n", "two \"\u{fffd}\"\n", "\n", "three"]);
}

#[test]
fn a_prompt_shows_before_its_line_ends() {
    let rig = Rig::new();
    let path = rig.path("a.log");
    let mut writer = rig.attach(1, Stream::Out, &sink(&path));
    writer.write_all(b"name? ").unwrap();
    Rig::wait_content(&path, |content| content == "name? ");
}

#[test]
fn many_writers_of_one_file_never_mix_their_lines() {
    let mut rig = Rig::new();
    let path = rig.path("merged.log");
    let combined = rig.path("all.log");
    let form = Sink {
        out: Some(path.clone()),
        err: Some(path.clone()),
        combined: Some(combined.clone()),
        ..Sink::default()
    };
    let mut threads = Vec::new();
    for source in 0..4u64 {
        for stream in [Stream::Out, Stream::Err] {
            let mut writer = rig.attach(source, stream, &form);
            threads.push(std::thread::spawn(move || {
                let mut dice = Dice(source * 2 + 1 + stream as u64);
                for number in 0..500 {
                    let tail = "x".repeat(usize::try_from(dice.below(300)).unwrap());
                    let line = format!("{source}{} {number} {tail}.\n", stream.as_str());
                    let cut = usize::try_from(dice.below(line.len() as u64)).unwrap();
                    writer.write_all(&line.as_bytes()[..cut]).unwrap();
                    writer.write_all(&line.as_bytes()[cut..]).unwrap();
                }
            }));
        }
    }
    for thread in threads {
        thread.join().unwrap();
    }
    for source in 0..4 {
        rig.wait_eof(source, Stream::Out);
        rig.wait_eof(source, Stream::Err);
    }
    for file in [path, combined] {
        let text = std::fs::read_to_string(file).unwrap();
        let mut next = std::collections::BTreeMap::new();
        for line in text.lines() {
            let mut words = line.split(' ');
            let (who, number, tail) =
                (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            assert!(tail.trim_start_matches('x') == "." && words.next().is_none(), "mixed: {line}");
            let expected = next.entry(who.to_owned()).or_insert(0);
            assert_eq!(number, expected.to_string(), "of {who}");
            *expected += 1;
        }
        assert_eq!(next.len(), 8);
        assert!(next.values().all(|count| *count == 500), "{next:?}");
    }
}

#[test]
fn a_second_writer_waits_for_the_line_that_the_first_has_begun() {
    // The wait is bounded by the clock: a round that the machine held up says nothing.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        let (took, content) = second_writer_of_a_begun_line();
        if took < Duration::from_millis(500) {
            assert_eq!(content, "begun and done\nsecond\nmore!\n");
            return;
        }
    }
    panic!("no round was fast enough");
}

/// How long the first writer left its line unfinished, and what the file holds in the end.
fn second_writer_of_a_begun_line() -> (Duration, String) {
    let mut rig = Rig::new();
    let path = rig.path("a.log");
    let mut first = rig.attach(1, Stream::Out, &sink(&path));
    first.write_all(b"begun").unwrap();
    Rig::wait_content(&path, |content| content == "begun");
    // The file shows the bytes before the turn that wrote them is over.
    rig.wait_turn(3);
    let begun = Instant::now();
    let mut second = rig.attach(2, Stream::Out, &sink(&path));
    second.write_all(b"second\n").unwrap();
    rig.wait_turn(4);
    first.write_all(b" and done\nmore").unwrap();
    Rig::wait_content(&path, |content| content.contains(" and done\n"));
    let took = begun.elapsed();
    rig.wait_turn(5);
    first.write_all(b"!\n").unwrap();
    drop((first, second));
    rig.wait_eof(1, Stream::Out);
    rig.wait_eof(2, Stream::Out);
    (took, std::fs::read_to_string(&path).unwrap())
}

#[test]
fn a_line_that_nobody_ends_is_ended_for_the_second_writer() {
    let rig = Rig::new();
    let path = rig.path("a.log");
    let mut first = rig.attach(1, Stream::Out, &sink(&path));
    first.write_all(b"prompt> ").unwrap();
    Rig::wait_content(&path, |content| content == "prompt> ");
    let mut second = rig.attach(2, Stream::Out, &sink(&path));
    second.write_all(b"second\n").unwrap();
    Rig::wait_content(&path, |content| content == "prompt> \nsecond\n");
}

#[test]
fn lines_up_to_a_mebibyte_stay_whole_and_longer_ones_come_in_pieces() {
    let dated = Sink { date_format: Some("[D]".to_owned()), ..Sink::default() };
    let long = "y".repeat(1_000_000);
    let file = String::from_utf8(written(&dated, format!("a\n{long}\nb\n").as_bytes(), &[70_000]))
        .unwrap();
    assert!(file == format!("D: a\nD: {long}\nD: b\n"), "{} bytes", file.len());

    let longer = "z".repeat(3_000_000);
    let file =
        String::from_utf8(written(&dated, format!("{longer}\nb\n").as_bytes(), &[70_000])).unwrap();
    let pieces: Vec<&str> = file.lines().map(|line| line.strip_prefix("D: ").unwrap()).collect();
    assert_eq!(pieces.concat(), format!("{longer}b"));
    assert!(
        pieces.len() <= 5 && pieces.iter().all(|piece| piece.len() <= 3 << 19),
        "{} pieces",
        pieces.len()
    );
}

#[test]
fn a_line_in_thousands_of_small_writes_stays_whole() {
    let dated = Sink { date_format: Some("[D]".to_owned()), ..Sink::default() };
    let line = "abc".repeat(40_000);
    let file = String::from_utf8(written(&dated, format!("{line}\n").as_bytes(), &[3])).unwrap();
    assert!(file == format!("D: {line}\n"), "{} bytes", file.len());
}

/// Linux does not report what a blocked writer adds to a pipe that is not empty: an unfinished line
/// left in the pipe would stop the engine and the writer for ever.
#[test]
fn a_write_larger_than_the_pipe_goes_through_behind_an_unfinished_line() {
    let mut rig = Rig::new();
    let path = rig.path("a.log");
    let mut writer =
        rig.attach(1, Stream::Out, &Sink { date_format: Some("[D]".to_owned()), ..sink(&path) });
    writer.write_all(b"done\nbegun ").unwrap();
    Rig::wait_content(&path, |content| content == "D: done\n");
    let block = format!("{}\nrest", "x".repeat(99)).repeat(10_000);
    writer.write_all(block.as_bytes()).unwrap();
    drop(writer);
    rig.wait_eof(1, Stream::Out);
    let content = std::fs::read_to_string(&path).unwrap();
    assert_eq!(content.lines().count(), 10_002);
    assert!(
        content.replace("D: ", "") == format!("done\nbegun {block}\n"),
        "{} bytes",
        content.len()
    );
}

#[test]
fn the_exit_ends_an_unfinished_line_and_a_grandchild_writes_on() {
    let mut rig = Rig::new();
    let path = rig.path("a.log");
    let dated = Sink { date_format: Some("[D]".to_owned()), ..sink(&path) };
    let mut writer = rig.attach(1, Stream::Out, &dated);
    writer.write_all(b"whole\nunfinished").unwrap();
    rig.engine.ended(1);
    rig.wait_drained(1);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "D: whole\nD: unfinished\n");
    writer.write_all(b"grandchild\nlast").unwrap();
    Rig::wait_content(&path, |content| content.ends_with("D: grandchild\n"));
    drop(writer);
    rig.wait_eof(1, Stream::Out);
    assert!(std::fs::read_to_string(&path).unwrap().ends_with("D: grandchild\nD: last\n"));
}

#[test]
fn drained_comes_for_a_run_without_streams_too() {
    let mut rig = Rig::new();
    rig.engine.ended(77);
    rig.wait_drained(77);
}
