//! Part of a line is shown before the line ends, and nothing of it is lost or doubled.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use ostler_logs::{Format, Sink, Stream};

use crate::rig::{Rig, sink};

/// What the streams of the ledger write with: eleven letters each.
const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A line of a stream of the ledger, in letters that no other stream has.
pub fn line(stream: usize, number: u64) -> String {
    let letter = |at: usize| char::from(LETTERS[stream * 11 + at]);
    let number_text = number.to_string();
    let digits = number_text.bytes().map(|digit| letter(usize::from(digit - b'0')));
    let tail = std::iter::repeat_n(letter(10), 1 + usize::try_from(number * 7 % 150).unwrap());
    digits.chain(tail).chain(['\n']).collect()
}

/// Checks the files of the ledger: each stream's own is what it wrote; the combined one, too, but
/// for line ends where others have cut a line.
pub fn verify(folder: &Path, written: &BTreeMap<usize, u64>, seed: u64) {
    let text = std::fs::read_to_string(folder.join("all.log")).unwrap();
    for (stream, count) in written {
        let all: String = (0..*count).map(|number| line(*stream, number)).collect();
        let name = format!("{}-{}.log", stream / 2, ["out", "err"][stream % 2]);
        let own = std::fs::read_to_string(folder.join(&name)).unwrap();
        assert!(own == all, "seed {seed}: {name} is not what was written");
        let letters = &LETTERS[stream * 11..stream * 11 + 11];
        let bytes: String = text.chars().filter(|of| letters.contains(&(*of as u8))).collect();
        let expected = all.replace('\n', "");
        assert!(bytes == expected, "seed {seed}: of stream {stream} in the combined file");
    }
    let of = |letter: u8| LETTERS.iter().position(|known| *known == letter).map(|at| at / 11);
    let is_mixed = |line: &str| line.bytes().any(|letter| of(letter) != of(line.as_bytes()[0]));
    assert!(!text.lines().any(is_mixed), "seed {seed}: lines of two streams are mixed");
    let lines: u64 = written.values().sum();
    assert!(lines <= text.lines().count() as u64, "seed {seed}: line ends are missing");
}

/// A process with files of its own and a combined one.
fn combined(rig: &Rig, hold: u64) -> Sink {
    Sink {
        err: Some(rig.path("err.log")),
        combined: Some(rig.path("all.log")),
        hold: Some(hold),
        ..sink(&rig.path("out.log"))
    }
}

#[track_caller]
fn wait_for(rig: &Rig, name: &str, content: &str) {
    Rig::wait_content(&rig.path(name), |text| text == content);
}

#[test]
fn a_question_shows_in_the_combined_file_before_its_line_ends() {
    let rig = Rig::new();
    let mut out = rig.attach(1, Stream::Out, &combined(&rig, 1));
    out.write_all(b"hello\nname? ").unwrap();
    wait_for(&rig, "all.log", "hello\nname? ");
    out.write_all(b"Ann, ").unwrap();
    wait_for(&rig, "all.log", "hello\nname? Ann, ");
    out.write_all(b"Bob\nbye\n").unwrap();
    for name in ["all.log", "out.log"] {
        wait_for(&rig, name, "hello\nname? Ann, Bob\nbye\n");
    }
}

#[test]
fn a_line_that_is_shown_in_part_is_cut_by_another_stream_and_loses_nothing() {
    for (date, mark) in [(None, ""), (Some("[D]".to_owned()), "D: ")] {
        let rig = Rig::new();
        let form = Sink { date_format: date, ..combined(&rig, 1) };
        let mut out = rig.attach(1, Stream::Out, &form);
        let mut err = rig.attach(1, Stream::Err, &form);
        out.write_all(b"name? ").unwrap();
        wait_for(&rig, "all.log", &format!("{mark}name? "));
        err.write_all(b"hurry\nup").unwrap();
        wait_for(&rig, "all.log", &format!("{mark}name? \n{mark}hurry\n{mark}up"));
        out.write_all(b"Ann\n").unwrap();
        let cut = format!("{mark}name? \n{mark}hurry\n{mark}up\n{mark}Ann\n");
        wait_for(&rig, "all.log", &cut);
        wait_for(&rig, "out.log", &format!("{mark}name? Ann\n"));
        err.write_all(b"!\n").unwrap();
        wait_for(&rig, "all.log", &format!("{cut}{mark}!\n"));
        wait_for(&rig, "err.log", &format!("{mark}hurry\n{mark}up!\n"));
    }
}

#[test]
fn a_line_that_is_not_held_for_long_is_not_cut() {
    let rig = Rig::new();
    let form = combined(&rig, 1_000_000);
    let mut out = rig.attach(1, Stream::Out, &form);
    let mut err = rig.attach(1, Stream::Err, &form);
    out.write_all(b"beg").unwrap();
    err.write_all(b"whole\n").unwrap();
    wait_for(&rig, "all.log", "whole\n");
    out.write_all(b"un\n").unwrap();
    wait_for(&rig, "all.log", "whole\nbegun\n");
}

#[test]
fn part_of_a_line_is_marked_in_json() {
    let rig = Rig::new();
    let mut out = rig.attach(1, Stream::Out, &Sink { format: Format::Json, ..combined(&rig, 1) });
    let objects = |text: &str| -> Vec<(String, bool)> {
        let parse = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
        let of = |value: serde_json::Value| {
            let message = value["message"].as_str().unwrap().to_owned();
            (message, value.get("partial").is_some())
        };
        text.lines().map(|line| of(parse(line))).collect()
    };
    out.write_all(b"name? ").unwrap();
    Rig::wait_content(&rig.path("all.log"), |text| text.ends_with('\n'));
    out.write_all(b"Ann\n").unwrap();
    let text = Rig::wait_content(&rig.path("all.log"), |text| text.contains("Ann"));
    assert_eq!(objects(&text), [("name? ".to_owned(), true), ("Ann\n".to_owned(), false)]);
}

#[test]
fn what_is_emptied_or_moved_within_a_shown_line_goes_on_in_the_new_file() {
    let mut rig = Rig::new();
    let form = Sink { date_format: Some("[D]".to_owned()), ..combined(&rig, 1) };
    let mut out = rig.attach(1, Stream::Out, &form);
    out.write_all(b"name? ").unwrap();
    wait_for(&rig, "all.log", "D: name? ");
    rig.engine.flush(vec![rig.path("all.log")], 7);
    rig.wait_flushed(7);
    out.write_all(b"Ann\n").unwrap();
    wait_for(&rig, "all.log", "D: Ann\n");
    wait_for(&rig, "out.log", "D: name? Ann\n");
}
