//! Full disks, missing permissions, idle pipes.

use std::io::Write;
use std::path::PathBuf;

use ostler_logs::{Event, Format, Sink, Stream};

use crate::rig::{Rig, sink};

#[track_caller]
fn wait_error(rig: &mut Rig, of: &std::path::Path) -> Option<i32> {
    rig.wait("file error", |event| match event {
        Event::FileError { path, error } if path == of => Some(error.raw_os_error()),
        _ => None,
    })
}

#[track_caller]
fn wait_ok(rig: &mut Rig, of: &std::path::Path) {
    rig.wait("file ok", |event| {
        matches!(event, Event::FileOk { path } if path == of).then_some(())
    });
}

#[test]
fn a_full_device_is_reported_once_and_the_bytes_wait() {
    let mut rig = Rig::new();
    let full = PathBuf::from("/dev/full");
    let mut writer = rig.attach(1, Stream::Out, &sink(&full));
    writer.write_all(b"x\n").unwrap();
    assert_eq!(wait_error(&mut rig, &full), Some(28));
    let other = rig.path("b.log");
    let mut healthy = rig.attach(2, Stream::Out, &sink(&other));
    healthy.write_all(b"y\n").unwrap();
    Rig::wait_content(&other, |content| content == "y\n");
    assert!(
        !rig.seen.iter().any(|event| matches!(event, Event::FileError { .. })),
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
    assert!(wait_error(&mut rig, &path).is_some());
    std::fs::remove_file(&blocker).unwrap();
    wait_ok(&mut rig, &path);
    Rig::wait_content(&path, |content| content == "kept\n");
}

/// A file system of one mebibyte, where mounting is allowed.
struct Small(PathBuf);

impl Small {
    fn mount(folder: &std::path::Path) -> Option<Self> {
        let at = folder.join("small");
        std::fs::create_dir(&at).unwrap();
        let status = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(&at)
            .stderr(std::process::Stdio::null())
            .status();
        status.is_ok_and(|status| status.success()).then(|| Self(at))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_holds_the_writer_and_loses_nothing() {
    let forms =
        [(Format::Raw, None, false), (Format::Raw, Some("[D]"), false), (Format::Raw, None, true)];
    for (format, date, combined) in forms {
        let mut rig = Rig::new();
        let Some(small) = Small::mount(rig.folder.path()) else {
            eprintln!("skipped: no permission to mount a small file system");
            return;
        };
        let path = small.0.join("a.log");
        let ballast = small.0.join("ballast");
        std::fs::write(&ballast, vec![0; 900 << 10]).unwrap();
        let form = Sink {
            format,
            date_format: date.map(str::to_owned),
            combined: combined.then(|| rig.path("all.log")),
            ..sink(&path)
        };
        let mut writer = rig.attach(1, Stream::Out, &form);
        let flood = std::thread::spawn(move || {
            for number in 0..40_000 {
                writer.write_all(format!("{number:08}\n").as_bytes()).unwrap();
            }
        });
        assert_eq!(wait_error(&mut rig, &path), Some(28));
        assert!(!flood.is_finished(), "the writer should be blocked");
        std::fs::remove_file(&ballast).unwrap();
        wait_ok(&mut rig, &path);
        flood.join().unwrap();
        rig.wait_eof(1, Stream::Out);
        let expected: String = (0..40_000).map(|number| format!("{number:08}\n")).collect();
        for file in [path].into_iter().chain(form.combined) {
            let content = std::fs::read_to_string(&file).unwrap().replace("D: ", "");
            assert!(content == expected, "{}: {} bytes", file.display(), content.len());
        }
    }
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
    assert!(wait_error(&mut rig, &blocked).is_some());
    late.write_all(b"x\n").unwrap();
    std::fs::remove_file(&blocker).unwrap();
    let before = wakeups();
    wait_ok(&mut rig, &blocked);
    let woken = wakeups() - before;
    assert!(woken < 10, "woken {woken} times");
}
