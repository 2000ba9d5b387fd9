//! Files that cannot be written, and applications that go on.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use ostler_logs::{Format, OnFull, Sink, Stream};

use crate::rig::{Rig, sink};
use crate::small::{Small, lost};

/// More lines than wait for a file, however they are written.
const MANY: u64 = 400_000;
/// Lines that wait.
const FEW: u64 = 40_000;

fn flood(mut writer: File, lines: u64) -> JoinHandle<File> {
    std::thread::spawn(move || {
        for number in 0..lines {
            writer.write_all(format!("{number:08}\n").as_bytes()).unwrap();
        }
        writer
    })
}

fn forms(path: &Path, combined: &Path) -> [Sink; 4] {
    [
        sink(path),
        Sink { date_format: Some("[D]".to_owned()), ..sink(path) },
        Sink { format: Format::Json, ..sink(path) },
        Sink { combined: Some(combined.to_owned()), ..sink(path) },
    ]
}

/// The number that the application wrote; `None` for what we said ourselves.
fn number(line: &str) -> Option<u64> {
    let digits = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let bare = line.strip_prefix("{\"message\":\"").and_then(|rest| rest.get(..8));
    let bare = bare.unwrap_or(line.strip_prefix("D: ").unwrap_or(line));
    digits(bare).then(|| bare.parse().unwrap())
}

/// Every line is in its place, or is said to be lost in the place where it is missing.
#[track_caller]
fn assert_accounted(path: &Path, lines: u64) -> u64 {
    let text = std::fs::read_to_string(path).unwrap();
    let (mut next, mut missing) = (0, 0);
    for line in text.lines() {
        match (number(line), lost(line)) {
            (Some(number), _) => {
                assert_eq!(number, next, "in {}", path.display());
                next += 1;
            }
            (None, Some(lost)) => (next, missing) = (next + lost, missing + lost),
            // The beginning of a line whose end is lost.
            (None, None) => assert!(line.len() < 8, "in {}: {line:?}", path.display()),
        }
    }
    assert_eq!(next, lines, "in {}", path.display());
    missing
}

/// The first and the last number that are there.
fn first_and_last(path: &Path) -> (u64, u64) {
    let text = std::fs::read_to_string(path).unwrap();
    let numbers: Vec<u64> = text.lines().filter_map(number).collect();
    (*numbers.first().unwrap(), *numbers.last().unwrap())
}

#[test]
fn a_short_fullness_loses_nothing_and_holds_nobody() {
    for index in 0..4 {
        let mut rig = Rig::new();
        let Some(small) = Small::mount(rig.folder.path(), 64) else { return };
        let path = small.at.join("a.log");
        let form = forms(&path, &small.at.join("all.log"))[index].clone();
        let flood = flood(rig.attach(1, Stream::Out, &form), FEW);
        assert_eq!(rig.wait_error(&path), Some(28));
        drop(flood.join().unwrap());
        small.empty();
        rig.wait_ok(&path);
        rig.wait_eof(1, Stream::Out);
        for file in [path].iter().chain(&form.combined) {
            assert_eq!(assert_accounted(file, FEW), 0);
        }
    }
}

#[test]
fn a_full_disk_stops_nobody_and_what_is_lost_is_counted_where_it_is_missing() {
    for (index, full) in (0..8).map(|at| (at / 2, [OnFull::DropNewest, OnFull::DropOldest][at % 2]))
    {
        let mut rig = Rig::new();
        let Some(small) = Small::mount(rig.folder.path(), 64) else { return };
        let path = small.at.join("a.log");
        let elsewhere = rig.path("all.log");
        let form = Sink { full, ..forms(&path, &elsewhere)[index].clone() };
        let flood = flood(rig.attach(1, Stream::Out, &form), MANY);
        // The application is through while the disk is still full.
        let writer = flood.join().unwrap();
        small.make_room(48 << 20);
        rig.wait_ok(&path);
        drop(writer);
        rig.wait_eof(1, Stream::Out);
        let missing = assert_accounted(&path, MANY);
        assert!(missing > 0, "form {index}");
        assert_eq!(rig.dropped(1, Stream::Out), missing, "form {index}, {full:?}");
        let (first, last) = first_and_last(&path);
        match full {
            OnFull::DropNewest => assert!(first == 0 && last < MANY / 2, "{first}, {last}"),
            _ => assert!(MANY / 2 < first && last == MANY - 1, "{first}, {last}"),
        }
        if form.combined.is_some() {
            assert_eq!(assert_accounted(&elsewhere, MANY), 0);
        }
    }
}

#[test]
fn what_is_written_after_a_loss_stands_behind_the_line_that_tells_of_it() {
    for index in 0..4 {
        let mut rig = Rig::new();
        let Some(small) = Small::mount(rig.folder.path(), 64) else { return };
        let path = small.at.join("a.log");
        let form = forms(&path, &small.at.join("all.log"))[index].clone();
        let (mut writer, mut lines) = (rig.attach(1, Stream::Out, &form), 0);
        for _ in 0..3 {
            // The last one is begun, and ends when the disk has room again.
            let numbers = lines..lines + MANY;
            lines += MANY;
            let text: String = numbers.map(|number| format!("{number:08}\n")).collect();
            let (now, later) = text.as_bytes().split_at(text.len() - 4);
            writer.write_all(now).unwrap();
            small.make_room(16 << 20);
            rig.wait_ok(&path);
            writer.write_all(later).unwrap();
            // It is written, so that all that was lost before is told.
            let end = format!("{:08}", lines - 1);
            Rig::wait_content(&path, |content| content.contains(&end));
            small.fill();
        }
        drop(writer);
        rig.wait_eof(1, Stream::Out);
        let mut missing = 0;
        for file in [path].iter().chain(&form.combined) {
            missing += assert_accounted(file, lines);
        }
        assert!(0 < missing, "form {index}");
        assert_eq!(rig.dropped(1, Stream::Out), missing, "form {index}");
    }
}

#[test]
fn who_wants_to_wait_waits_and_loses_nothing() {
    for index in 0..4 {
        let mut rig = Rig::new();
        let Some(small) = Small::mount(rig.folder.path(), 64) else { return };
        let path = small.at.join("a.log");
        let form =
            Sink { full: OnFull::Block, ..forms(&path, &small.at.join("all.log"))[index].clone() };
        let flood = flood(rig.attach(1, Stream::Out, &form), MANY);
        assert_eq!(rig.wait_error(&path), Some(28));
        assert!(!flood.is_finished(), "the writer should wait");
        small.empty();
        drop(flood.join().unwrap());
        rig.wait_eof(1, Stream::Out);
        for file in [path].iter().chain(&form.combined) {
            assert_eq!(assert_accounted(file, MANY), 0);
        }
    }
}

/// Targets that can never be written, whatever the reason.
fn hopeless(rig: &Rig) -> Vec<PathBuf> {
    let blocker = rig.path("blocker");
    std::fs::write(&blocker, "a file where a folder should be").unwrap();
    let fifo = rig.path("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let folder = rig.path("folder");
    std::fs::create_dir(&folder).unwrap();
    vec![PathBuf::from("/dev/full"), blocker.join("a.log"), fifo, folder, "/proc/none/x".into()]
}

#[test]
fn a_target_that_cannot_be_written_stops_neither_its_application_nor_the_other_file() {
    let mut rig = Rig::new();
    let mut targets = hopeless(&rig);
    let small = Small::mount(rig.folder.path(), 1);
    if let Some(small) = &small {
        small.make_read_only();
        targets.push(small.at.join("a.log"));
    }
    for (id, target) in (1..).zip(targets) {
        let good = rig.path(&format!("good-{id}.log"));
        // Once the other file of its stream, once alone.
        let both = Sink { combined: Some(good.clone()), ..sink(&target) };
        let first = flood(rig.attach(id, Stream::Out, &both), MANY);
        let second = flood(rig.attach(100 + id, Stream::Out, &sink(&target)), MANY);
        assert!(rig.wait_error(&target).is_some(), "{}", target.display());
        let writers = (first.join().unwrap(), second.join().unwrap());
        Rig::wait_content(&good, |content| content.len() as u64 >= MANY * 9);
        assert_eq!(assert_accounted(&good, MANY), 0);
        drop(writers);
    }
}

#[test]
fn what_an_ended_run_lost_its_file_tells_without_it() {
    let mut rig = Rig::new();
    let Some(small) = Small::mount(rig.folder.path(), 1) else { return };
    let path = small.at.join("a.log");
    let dated = Sink { date_format: Some("[D]".to_owned()), ..sink(&path) };
    let mut writer = rig.attach(1, Stream::Out, &dated);
    writer.write_all(b"one\ntwo\nthree").unwrap();
    rig.engine.ended(1);
    // When it has been waited for long enough, the end of the run is told.
    rig.wait_drained(1);
    drop(writer);
    rig.wait_eof(1, Stream::Out);
    small.empty();
    rig.wait_ok(&path);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "D: ostler: 3 lines were lost here: No space left on device (os error 28)\n");
}

#[test]
fn a_removed_file_gives_its_room_back() {
    let mut rig = Rig::new();
    let Some(small) = Small::mount(rig.folder.path(), 1) else { return };
    small.make_room(64 << 10);
    let path = small.at.join("a.log");
    let mut writer = flood(rig.attach(1, Stream::Out, &sink(&path)), FEW).join().unwrap();
    assert_eq!(rig.wait_error(&path), Some(28));
    std::fs::remove_file(&path).unwrap();
    rig.wait_ok(&path);
    writer.write_all(b"in the new one\n").unwrap();
    assert!(path.exists());
}
