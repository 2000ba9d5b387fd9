//! How a daemon comes to be.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ostler_client::{Answer, Client, Error, Home, Starter, Starting, connect_or_start};
use ostler_wire::control::{FrameKind, Reply, Request};
use rustix::fs::{CWD, FileType, Mode};
use serde_json::json;
use tempfile::TempDir;

use crate::fake::{next, send};

/// Is no test of its own: this program as a keeper, started by the tests below under this name.
#[test]
fn fake_keeper_role() {
    let Some(home) = std::env::var_os("OSTLER_HOME")
        .map(PathBuf::from)
        .filter(|home| home.join("fake").exists())
    else {
        return;
    };
    let mut starts =
        OpenOptions::new().create(true).append(true).open(home.join("starts")).unwrap();
    starts.write_all(format!("{}\n", std::process::id()).as_bytes()).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(home.join("ostler.sock")).unwrap();
    let ready = format!("/dev/fd/{}", std::env::var("OSTLER_READY_FD").unwrap());
    OpenOptions::new().write(true).open(ready).unwrap().write_all(b"ok\n").unwrap();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        std::thread::spawn(move || {
            while let Some(request) = next(&mut stream) {
                if matches!(request, Request::Kill) {
                    std::process::exit(0);
                }
                let pid = std::process::id();
                let hello = json!({"protocol": 1, "version": "1", "pid": pid, "keeper_pid": 1});
                send(&mut stream, FrameKind::Reply, &json!({"hello": hello}));
            }
        });
    }
}

/// Whoever waited for a command that was stopped in the middle of a start was told nothing.
#[test]
fn that_another_command_starts_it_is_told_with_its_process() {
    let dir = TempDir::new().unwrap();
    let home = Home::new(dir.path());
    let lock = std::fs::File::create(dir.path().join("start.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let mut lock = Some(lock);
    let mut told = Vec::new();
    let starter = script(dir.path(), "exit 1");
    let ended = connect_or_start(&home, &starter, |what| {
        // Let go as soon as it was told.
        if let Starting::Locked(_) = what {
            drop(lock.take());
        }
        told.push(what);
    });
    assert!(matches!(ended, Err(Error::NotStarted { .. })), "{ended:?}");
    let Some(Starting::Locked(holder)) = told.first() else { panic!("{told:?}") };
    let said = format!(
        "another command (pid {}) is starting the daemon of `{}`",
        std::process::id(),
        dir.path().display()
    );
    assert_eq!(holder.to_string(), said);
    assert_eq!(told.len(), 2, "{told:?}");
}

fn starter() -> Starter {
    Starter {
        role: "fake_keeper_role".to_owned(),
        ..Starter::new(std::env::current_exe().unwrap())
    }
}

/// A program of one shell script.
fn script(dir: &Path, text: &str) -> Starter {
    let path = dir.join("keeper.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    Starter::new(path)
}

fn pid_of(client: &mut Client) -> u32 {
    match client.request(&Request::Hello, |_| ()).unwrap() {
        Answer::Reply(Reply::Hello { pid, .. }) => pid,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hundred_at_once_start_one() {
    let dir = TempDir::new().unwrap();
    let home = Home::new(dir.path());
    std::fs::write(dir.path().join("fake"), "").unwrap();
    let threads: Vec<_> = (0..100)
        .map(|_| {
            let home = home.clone();
            std::thread::spawn(move || {
                let mut connected = connect_or_start(&home, &starter(), |_| ()).unwrap();
                (pid_of(&mut connected.client), connected.started)
            })
        })
        .collect();
    let ends: Vec<(u32, bool)> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let starts = std::fs::read_to_string(dir.path().join("starts")).unwrap();
    // The keeper is told to end before anything is judged, so that a failure leaves no process
    // behind.
    let end = Client::connect(&home).unwrap().request(&Request::Kill, |_| ());
    assert!(matches!(end, Err(Error::Broken)));
    assert_eq!(starts.lines().count(), 1, "{starts}");
    assert!(ends.iter().all(|(pid, _)| starts.trim() == pid.to_string()));
    assert_eq!(ends.iter().filter(|(_, started)| *started).count(), 1);
}

#[test]
fn a_home_that_is_not_there_is_made_for_its_owner_alone() {
    let dir = TempDir::new().unwrap();
    let home = Home::new(dir.path().join("a/b"));
    let starter = script(dir.path(), "exit 0");
    assert!(connect_or_start(&home, &starter, |_| ()).is_err());
    assert_eq!(std::fs::metadata(home.path()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn why_it_cannot_run_is_passed_on() {
    let check = |text: &str, words: &str| {
        let dir = TempDir::new().unwrap();
        let starter = script(dir.path(), text);
        let home = Home::new(dir.path());
        std::fs::write(home.log(), "old line\n").unwrap();
        let error = connect_or_start(&home, &starter, |_| ()).unwrap_err();
        let Error::NotStarted { reason, .. } = &error else { panic!("{error}") };
        assert_eq!(reason, words);
        assert!(error.hint().unwrap().contains("pm2.log"));
    };
    check("echo 'the snapshot is damaged' > /dev/fd/$OSTLER_READY_FD", "the snapshot is damaged");
    check("echo 'no more memory' >&2; exit 3", "no more memory");
    check("exit 3", "it ended without giving a reason");
}

#[test]
fn a_daemon_that_never_gets_ready_is_not_awaited_for_ever() {
    let dir = TempDir::new().unwrap();
    let fifo = dir.path().join("pid");
    rustix::fs::mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
    let starter = Starter {
        limit: Duration::from_millis(300),
        late: Duration::from_millis(1),
        ..script(dir.path(), "echo 'it ended again' >&2; echo $$ > pid; exec sleep 60")
    };
    let mut told = Vec::new();
    let error = connect_or_start(&Home::new(dir.path()), &starter, |what| told.push(what));
    let error = error.unwrap_err();
    let pid = std::fs::read_to_string(fifo).unwrap();
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert!(matches!(error, Error::NotReady { .. }), "{error}");
    // Whoever waits is not left without a word; what the log says by then depends on the machine.
    assert!(matches!(told.as_slice(), [Starting::Begun, Starting::Late(_)]), "{told:?}");
}

#[test]
fn homes_that_cannot_be_used_are_named_with_the_way_out() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let check = |home: PathBuf, text: &str| {
        let error = connect_or_start(&Home::new(home), &starter(), |_| ()).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert!(error.hint().unwrap().contains("OSTLER_HOME"));
    };
    check(file, "Not a directory");
    check("/proc/ostler".into(), "cannot use `/proc/ostler` as home directory");
    let long = dir.path().join("x".repeat(100));
    check(long, "bytes, the system allows 107");
}

#[test]
fn a_socket_that_nobody_serves_is_no_daemon() {
    let dir = TempDir::new().unwrap();
    drop(std::os::unix::net::UnixListener::bind(dir.path().join("ostler.sock")).unwrap());
    let error = Client::connect(&Home::new(dir.path())).unwrap_err();
    assert!(matches!(error, Error::NotRunning { .. }), "{error}");
}
