//! Missing permissions, idle pipes.

use std::io::Write;
use std::path::PathBuf;

use ostler_logs::{Sink, Stream};

use crate::rig::{Rig, sink};

#[test]
fn a_full_device_is_reported_once_and_the_bytes_wait() {
    let mut rig = Rig::new();
    let full = PathBuf::from("/dev/full");
    let mut writer = rig.attach(1, Stream::Out, &sink(&full));
    writer.write_all(b"x\n").unwrap();
    assert_eq!(rig.wait_error(&full), Some(28));
    let other = rig.path("b.log");
    let mut healthy = rig.attach(2, Stream::Out, &sink(&other));
    healthy.write_all(b"y\n").unwrap();
    Rig::wait_content(&other, |content| content == "y\n");
    assert!(
        !rig.seen.iter().any(|event| matches!(event, ostler_logs::Event::FileError { .. })),
        "{:?}",
        rig.seen
    );
}

#[test]
fn a_missing_folder_that_cannot_be_made_is_tried_again() {
    let mut rig = Rig::new();
    let blocker = rig.path("blocker");
    std::fs::write(&blocker, "a file where a folder should be").unwrap();
    let path = blocker.join("a.log");
    let mut writer = rig.attach(1, Stream::Out, &sink(&path));
    writer.write_all(b"kept\n").unwrap();
    assert!(rig.wait_error(&path).is_some());
    std::fs::remove_file(&blocker).unwrap();
    rig.wait_ok(&path);
    Rig::wait_content(&path, |content| content == "kept\n");
}

/// Switches of the engine's thread that it asked for.
fn wakeups() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let of_engine = |task: &std::fs::DirEntry| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "logs")
    };
    tasks
        .filter(of_engine)
        .filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok())
        .filter_map(|status| {
            let line =
                status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?.to_owned();
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .sum()
}

/// Alone in a process of its own: other tests' engines would be counted.
#[test]
fn idle_pipes_wake_nobody() {
    if std::env::var_os("OSTLER_LOGS_IDLE").is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "trouble::idle_pipes_wake_nobody"])
            .env("OSTLER_LOGS_IDLE", "1")
            .status();
        assert!(status.unwrap().success());
        return;
    }
    let mut rig = Rig::new();
    let path = rig.path("a.log");
    let dated = Sink { date_format: Some("[D]".to_owned()), ..sink(&path) };
    let mut writers: Vec<_> = (0..100)
        .map(|id| rig.attach(id, Stream::Out, &Sink { out: None, ..dated.clone() }))
        .collect();
    let mut unfinished = rig.attach(200, Stream::Out, &dated);
    unfinished.write_all(b"done\nbegun").unwrap();
    Rig::wait_content(&path, |content| content == "D: done\n");
    for writer in &mut writers {
        writer.write_all(b"x").unwrap();
    }
    // All of these pipes are idle now. A file that cannot be made is tried again a second later:
    // between the two events the thread may wake for that, and for nothing else.
    let blocker = rig.path("blocker");
    std::fs::write(&blocker, "a file where a folder should be").unwrap();
    let blocked = blocker.join("b.log");
    let mut late = rig.attach(300, Stream::Out, &sink(&blocked));
    assert!(rig.wait_error(&blocked).is_some());
    late.write_all(b"x\n").unwrap();
    std::fs::remove_file(&blocker).unwrap();
    let before = wakeups();
    rig.wait_ok(&blocked);
    let woken = wakeups() - before;
    assert!(woken < 10, "woken {woken} times");
}
