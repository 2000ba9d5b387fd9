//! It is known when a log was written, also after it was rotated, compressed or emptied.

use std::io::Write as _;
use std::sync::atomic::AtomicBool;

use ostler_logs::times::{self, Times};
use ostler_logs::{Event, Stream, history};

use crate::rig::{Rig, sink};
use crate::rotated::tend;

#[test]
fn when_a_log_was_written_is_known_also_when_it_is_rotated_and_compressed() {
    let mut rig = Rig::new();
    for (source, form) in [(1, None), (2, Some("[D]".to_owned()))] {
        let log = rig.path(&format!("{source}.log"));
        let form = ostler_logs::Sink { date_format: form, ..sink(&log) };
        let mut writer = rig.attach(source, Stream::Out, &form);
        writer.write_all(b"one\n").unwrap();
        rig.wait_times(&log);
        let first = rig.times(&log);
        assert_eq!(first.place(u64::MAX), 0);
        rig.engine.rotate(vec![(log.clone(), std::sync::Arc::default())]);
        let to = rig.wait("rotation", |event| match event {
            Event::Rotated { path, to } if *path == log => Some(to.clone()),
            _ => None,
        });
        assert_eq!(rig.times(&to), first);
        assert!(rig.times(&log).is_empty());
        writer.write_all(b"two\n").unwrap();
        rig.wait_times(&log);
        // Compressed, it is another file.
        tend(rig.folder.path(), 9, &AtomicBool::new(true));
        let packed = history(&log, &[ostler_logs::Names::default()]).unwrap();
        assert!(packed[0].packed.is_some());
        let folder = times::folder(rig.folder.path());
        assert_eq!(Times::read(&folder, &packed[0].path, None).unwrap(), first);
    }
}

#[test]
fn what_was_known_of_a_log_is_forgotten_when_it_is_emptied() {
    let mut rig = Rig::new();
    let log = rig.path("a.log");
    let mut writer = rig.attach(1, Stream::Out, &sink(&log));
    writer.write_all(b"a long line\n").unwrap();
    rig.wait_times(&log);
    rig.engine.flush(vec![log.clone()], 7);
    rig.wait_flushed(7);
    writer.write_all(b"x\n").unwrap();
    Rig::wait_content(&log, |content| content == "x\n");
    rig.wait_times(&log);
    let known = rig.times(&log);
    assert_eq!((known.place(u64::MAX), known.at(0).is_some()), (0, true));
}

#[test]
fn a_home_without_room_for_times_is_told_once_and_lines_are_written() {
    let mut rig = Rig::new();
    std::fs::write(times::folder(rig.folder.path()), "").unwrap();
    let log = rig.path("a.log");
    let mut writer = rig.attach(1, Stream::Out, &sink(&log));
    writer.write_all(b"one\n").unwrap();
    rig.wait("times", |event| matches!(event, Event::TimesNotKept { .. }).then_some(()));
    writer.write_all(b"two\n").unwrap();
    Rig::wait_content(&log, |content| content == "one\ntwo\n");
}
