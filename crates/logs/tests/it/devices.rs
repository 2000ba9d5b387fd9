//! Logs that are no files: a reader gets whole lines, however slow it is.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use ostler_logs::{Event, OnFull, Sink, Stream};
use rustix::fs::{CWD, Mode, OFlags};

use crate::rig::{Rig, sink};
use crate::small::lost;

/// More than a FIFO takes at once in any case.
const LONG: usize = 6000;
/// So many of these are more than wait for it.
const MANY: usize = 400;

/// A FIFO whose reader sleeps until its end is read.
fn fifo(rig: &Rig) -> (PathBuf, OwnedFd) {
    let path = rig.path("fifo");
    rustix::fs::mkfifoat(CWD, &path, Mode::RWXU).unwrap();
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let reader = rustix::fs::open(&path, flags, Mode::empty()).unwrap();
    rustix::fs::fcntl_setfl(&reader, OFlags::empty()).unwrap();
    (path, reader)
}

fn line(number: usize, length: usize) -> String {
    format!("{number:06} {}", "x".repeat(length - 7))
}

fn forms(path: &Path) -> [(Sink, &'static str); 3] {
    let plain = sink(path);
    let dated = Sink { date_format: Some("[D]".to_owned()), ..plain.clone() };
    let newest = Sink { full: OnFull::DropOldest, ..plain.clone() };
    [(plain, ""), (newest, ""), (dated, "D: ")]
}

#[test]
fn a_reader_that_sleeps_gets_whole_lines_also_long_ones_and_the_number_of_the_others() {
    for form in 0..3 {
        let mut rig = Rig::new();
        let (path, reader) = fifo(&rig);
        let (sink, date) = &forms(&path)[form];
        let mut writer = rig.attach(1, Stream::Out, sink);
        for number in 0..MANY {
            writeln!(writer, "{}", line(number, LONG)).unwrap();
        }
        rig.wait("loss", |event| matches!(event, Event::Dropped { .. }).then_some(()));
        let (mut next, mut missing) = (0, 0);
        for read in BufReader::new(std::fs::File::from(reader)).lines().map(Result::unwrap) {
            if let Some(lost) = lost(&read) {
                next += usize::try_from(lost).unwrap();
                missing += lost;
            } else {
                let read = read.strip_prefix(date).unwrap();
                assert!(read == line(next, LONG), "form {form}, line {next}: {} bytes", read.len());
                next += 1;
            }
            if next == MANY {
                break;
            }
        }
        assert!(0 < missing);
    }
}

#[test]
fn a_long_line_is_finished_although_its_writer_has_ended() {
    let mut rig = Rig::new();
    let (path, reader) = fifo(&rig);
    let mut writer = rig.attach(1, Stream::Out, &sink(&path));
    let long = line(0, 200_000);
    writeln!(writer, "{long}").unwrap();
    drop(writer);
    rig.engine.ended(1);
    rig.wait_drained(1);
    rig.engine.detach(1);
    rig.wait_turn(2);
    // Another one has begun meanwhile.
    let mut second = rig.attach(3, Stream::Out, &sink(&path));
    second.write_all(b"second\n").unwrap();
    let mut lines = BufReader::new(std::fs::File::from(reader)).lines().map(Result::unwrap);
    assert!(lines.next().unwrap() == long);
    assert_eq!(lines.next().unwrap(), "second");
}
