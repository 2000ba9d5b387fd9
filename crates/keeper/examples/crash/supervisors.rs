//! Four ways to start a program again when it crashes.

use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::process::Command;

use ostler_keeper::link::{Link, pair};
use ostler_keeper::proto::{FromKeeper, Preparation, SpawnSpec, ToKeeper, VERSION};
use rustix::event::{PollFd, PollFlags, poll};

use crate::sys::{Program, wait};

/// Has the victim, which notes its times in the file, crash so often.
pub type Supervisor = fn(home: &Path, file: &Path, crashes: usize);

fn own() -> String {
    std::env::current_exe().unwrap().to_str().unwrap().to_owned()
}

fn victim(file: &Path) -> Program {
    Program::new(&[&own(), "victim", file.to_str().unwrap()])
}

pub fn bare(_: &Path, file: &Path, crashes: usize) {
    let program = victim(file);
    for _ in 0..crashes {
        wait(program.spawn());
    }
}

pub fn waiting(_: &Path, file: &Path, crashes: usize) {
    let program = victim(file);
    // A gate for each: another child might take the byte.
    let fork = || {
        let (gate, open) = std::io::pipe().unwrap();
        (program.fork_waiting(gate.as_raw_fd()), open)
    };
    let mut next = fork();
    for _ in 0..crashes {
        let (running, gate) = next;
        rustix::io::write(&gate, b"x").unwrap();
        next = fork();
        wait(running);
    }
    let (last, gate) = next;
    rustix::io::write(&gate, b"x").unwrap();
    wait(last);
}

pub fn keeper(home: &Path, file: &Path, crashes: usize) {
    supervise(home, file, crashes, false);
}

pub fn prepared(home: &Path, file: &Path, crashes: usize) {
    supervise(home, file, crashes, true);
}

/// Plays the daemon of a keeper.
fn supervise(home: &Path, file: &Path, crashes: usize, prepares: bool) {
    let (theirs, ours) = pair().unwrap();
    rustix::io::fcntl_setfd(&theirs, rustix::io::FdFlags::empty()).unwrap();
    let number = theirs.as_raw_fd().to_string();
    let mut keeper =
        Command::new(own()).args(["keeper", home.to_str().unwrap(), &number]).spawn().unwrap();
    drop(theirs);
    let mut link = Link::new(ours).unwrap();
    let send = |link: &mut Link, message| link.send(&message, vec![]).unwrap();
    send(&mut link, ToKeeper::Hello { version: VERSION });
    send(&mut link, ToKeeper::Spawn(spec(1, file)));
    let (mut ended, mut in_time) = (0, 0);
    while ended < crashes {
        match receive(&mut link) {
            FromKeeper::Spawned { run, .. } if prepares => {
                let (after, spec) = (run, spec(run + 1, file));
                let not_after = u64::MAX;
                let preparation = Preparation { after, not_after, spec, ..Preparation::default() };
                send(&mut link, ToKeeper::Prepare(preparation));
            }
            FromKeeper::Exited { run, next, .. } => {
                match next {
                    Some(_) => in_time += 1,
                    None => send(&mut link, ToKeeper::Spawn(spec(run + 1, file))),
                }
                send(&mut link, ToKeeper::Release { run });
                ended += 1;
            }
            _ => {}
        }
    }
    if prepares && in_time + 1 < crashes {
        println!("only {in_time} of {crashes} were prepared in time: the machine is busy");
    }
    // Programs go on without the keeper: the last one ends by itself.
    keeper.kill().unwrap();
    keeper.wait().unwrap();
}

fn spec(run: u64, file: &Path) -> SpawnSpec {
    let words = [own(), "victim".to_owned(), file.to_str().unwrap().to_owned()];
    let environment = std::env::vars().map(|(name, value)| format!("{name}={value}").into_bytes());
    SpawnSpec {
        run,
        program: own().into_bytes(),
        argv: words.map(String::into_bytes).into(),
        envp: environment.collect(),
        cwd: b"/".to_vec(),
        want_out: true,
        want_err: true,
        want_ipc: true,
        meta: vec![7; 200],
        ..SpawnSpec::default()
    }
}

fn receive(link: &mut Link) -> FromKeeper {
    loop {
        if let Some((message, _)) = link.receive().unwrap() {
            return message;
        }
        poll(&mut [PollFd::from_borrowed_fd(link.as_fd(), PollFlags::IN)], None).unwrap();
    }
}
