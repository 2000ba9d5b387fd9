//! Rotation, flush, truncation by others, missing folders.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ostler_logs::{Event, Sink, Stream};

use crate::rig::{Rig, sink};

#[test]
fn folders_are_made_and_files_are_private_to_no_one() {
    let rig = Rig::new();
    let path = rig.path("deep/er/a.log");
    let mut writer = rig.attach(1, Stream::Out, &sink(&path));
    writer.write_all(b"x\n").unwrap();
    Rig::wait_content(&path, |content| content == "x\n");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn disabled_logs_create_the_file_and_keep_the_pipe_empty() {
    let mut rig = Rig::new();
    let path = rig.path("a.log");
    let mut writer = rig.attach(1, Stream::Out, &Sink { disabled: true, ..sink(&path) });
    writer.write_all(&vec![b'x'; 1 << 20]).unwrap();
    drop(writer);
    rig.wait_eof(1, Stream::Out);
    assert_eq!(std::fs::read(path).unwrap(), b"");
}

#[test]
fn a_file_truncated_by_another_goes_on_at_its_new_end() {
    for date_format in [None, Some("[D]".to_owned())] {
        let rig = Rig::new();
        let path = rig.path("a.log");
        let mut writer = rig.attach(1, Stream::Out, &Sink { date_format, ..sink(&path) });
        writer.write_all(b"before\n").unwrap();
        Rig::wait_content(&path, |content| content.ends_with("before\n"));
        std::fs::OpenOptions::new().write(true).truncate(true).open(&path).unwrap();
        writer.write_all(b"after\n").unwrap();
        let content = Rig::wait_content(&path, |content| content.ends_with("after\n"));
        assert!(!content.contains('\0') && !content.contains("before"), "{content:?}");
    }
}

#[test]
fn a_flush_empties_files_in_use_and_others_and_answers_once() {
    let mut rig = Rig::new();
    let (used, other) = (rig.path("a.log"), rig.path("b.log"));
    std::fs::write(&other, "old").unwrap();
    let mut writer = rig.attach(1, Stream::Out, &sink(&used));
    writer.write_all(b"one\ntwo").unwrap();
    Rig::wait_content(&used, |content| content == "one\ntwo");
    rig.engine.flush(vec![used.clone(), other.clone(), rig.path("missing")], 5);
    rig.wait_flushed(5);
    assert_eq!(std::fs::read(&other).unwrap(), b"");
    assert_eq!(std::fs::read(&used).unwrap(), b"");
    writer.write_all(b"three\n").unwrap();
    Rig::wait_content(&used, |content| content == "three\n");
    assert!(!rig.path("missing").exists());
    assert!(
        !rig.seen.iter().any(|event| matches!(event, Event::Flushed(_) | Event::FileError { .. }))
    );
}

/// Whether this process has the file open.
fn is_open(path: &Path) -> bool {
    std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .flatten()
        .any(|fd| std::fs::read_link(fd.path()).is_ok_and(|link| link == path))
}

/// Waits until the engine has done what it was told.
fn settle(rig: &mut Rig) {
    rig.engine.flush(Vec::new(), 99);
    rig.wait_flushed(99);
}

#[test]
fn a_silent_file_is_made_and_closed_and_opened_by_a_line() {
    for date_format in [None, Some("[D]".to_owned())] {
        let mut rig = Rig::new();
        let path = rig.path("a.log");
        let mut writer = rig.attach(1, Stream::Out, &Sink { date_format, ..sink(&path) });
        settle(&mut rig);
        assert!(path.exists() && !is_open(&path));
        // Nobody holds it, so a rotation needs no word to the engine.
        std::fs::rename(&path, rig.path("a.old")).unwrap();
        writer.write_all(b"one\n").unwrap();
        Rig::wait_content(&path, |content| content.ends_with("one\n"));
        assert!(is_open(&path));
        assert_eq!(std::fs::read(rig.path("a.old")).unwrap(), b"");
    }
}

#[test]
fn a_file_that_was_removed_while_it_was_closed_is_not_made_by_a_flush_but_by_a_reopening() {
    let mut rig = Rig::new();
    let path = rig.path("a.log");
    let _writer = rig.attach(1, Stream::Out, &sink(&path));
    settle(&mut rig);
    std::fs::remove_file(&path).unwrap();
    rig.engine.flush(vec![path.clone()], 5);
    rig.wait_flushed(5);
    assert!(!path.exists());
    rig.engine.reopen();
    settle(&mut rig);
    assert!(path.exists() && !is_open(&path));
}

#[test]
fn a_line_that_was_begun_for_a_former_engine_is_not_split_by_a_rotation() {
    let mut rig = Rig::new();
    let (path, old) = (rig.path("a.log"), rig.path("a.old"));
    std::fs::write(&path, "be").unwrap();
    let mut writer = rig.attach(1, Stream::Out, &sink(&path));
    settle(&mut rig);
    std::fs::rename(&path, &old).unwrap();
    writer.write_all(b"gun\n").unwrap();
    Rig::wait_content(&old, |content| content == "begun\n");
}

#[test]
fn a_fifo_stays_open_while_nobody_writes_to_it() {
    let mut rig = Rig::new();
    let path = rig.path("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK;
    let _reader = rustix::fs::open(&path, flags, rustix::fs::Mode::empty()).unwrap();
    let _writer = rig.attach(1, Stream::Out, &sink(&path));
    settle(&mut rig);
    let fds = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let ends = fds.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|link| link == path));
    assert_eq!(ends.count(), 2, "a reader would take its end for the end of the log");
}

/// Rotates a file under a flood a number of times, and returns the parts and how many
/// lines were written.
fn rotated(form: &Sink, rig: &mut Rig) -> (Vec<String>, usize) {
    let path = form.out.clone().unwrap();
    let mut writer = rig.attach(1, Stream::Out, form);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let flood = std::thread::spawn(move || {
        let lines = (0..).take_while(|_| !stopped.load(Ordering::Relaxed));
        lines
            .map(|number: usize| writer.write_all(format!("line {number}\n").as_bytes()).unwrap())
            .count()
    });
    let mut names = Vec::new();
    for turn in 0..20 {
        Rig::wait_content(&path, |content| content.len() > 3000);
        let name = path.with_extension(turn.to_string());
        std::fs::rename(&path, &name).unwrap();
        names.push(name);
        rig.engine.reopen();
        Rig::wait_content(&path, |_| path.exists());
    }
    stop.store(true, Ordering::Relaxed);
    let count = flood.join().unwrap();
    rig.wait_eof(1, Stream::Out);
    names.push(path);
    (names.iter().map(|name| std::fs::read_to_string(name).unwrap()).collect(), count)
}

#[test]
fn rotation_under_a_flood_neither_loses_nor_cuts_a_line() {
    for date_format in [None, Some("[D]".to_owned())] {
        let mut rig = Rig::new();
        let form = Sink { date_format, ..sink(&rig.path("a.log")) };
        let (parts, count) = rotated(&form, &mut rig);
        assert!(
            parts.iter().all(|part| part.is_empty() || part.ends_with('\n')),
            "a part ends within a line"
        );
        let all = parts.concat().replace("D: ", "");
        let expected: String = (0..count).map(|number| format!("line {number}\n")).collect();
        assert!(all == expected, "{} bytes instead of {}", all.len(), expected.len());
    }
}

#[test]
fn a_removed_file_comes_back_with_the_next_run() {
    let mut rig = Rig::new();
    let path = rig.path("a.log");
    let mut old = rig.attach(1, Stream::Out, &sink(&path));
    old.write_all(b"old\n").unwrap();
    Rig::wait_content(&path, |content| content == "old\n");
    std::fs::remove_file(&path).unwrap();
    let mut new = rig.attach(2, Stream::Out, &sink(&path));
    new.write_all(b"new\n").unwrap();
    Rig::wait_content(&path, |content| content == "new\n");
    drop((old, new));
    rig.wait_eof(1, Stream::Out);
    rig.wait_eof(2, Stream::Out);
}

#[test]
fn one_file_under_two_names_is_one_file() {
    let rig = Rig::new();
    let (path, link) = (rig.path("a.log"), rig.path("link.log"));
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let mut first = rig.attach(1, Stream::Out, &sink(&path));
    let mut second = rig.attach(2, Stream::Out, &sink(&link));
    first.write_all(b"be").unwrap();
    second.write_all(b"second\n").unwrap();
    Rig::wait_content(&path, |content| content == "second\n");
    first.write_all(b"gun\n").unwrap();
    Rig::wait_content(&path, |content| content == "second\nbegun\n");
}
