//! `inspect`: opens the inspector of an app of Node, which SIGUSR1 does.
//!
//! What is no Node dies of that signal, so it is sent only to what is known to be one.

use std::time::{Duration, Instant};

use ostler_client::Answer;
use ostler_ports::Address;
use ostler_wire::control::{Reply, Request, Talk};

use super::talk;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::{Session, unexpected};
use crate::voice::{Notice, TalkNotice, Target};

/// Node listens within this time, or not at all.
const LIMIT: Duration = Duration::from_secs(5);
/// Pause between two looks.
const EVERY: Duration = Duration::from_millis(20);
/// Where inspectors listen that were given no other port, and those of workers beside each other.
const USUAL: std::ops::Range<u16> = 9229..9329;

/// Runs the command `inspect`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    let result = inspect(session, &word);
    match (session.program, result) {
        // Said, but not a failure.
        (Program::Pm2, Err(Failed { problem, .. })) => {
            if let Some(problem) = problem {
                session.out.problem(&problem);
            }
            session.out.tell(&Notice::Talk(TalkNotice::InspectsNot { word: &word }));
            Ok(())
        }
        (_, result) => result,
    }
}

fn inspect(session: &mut Session, word: &str) -> Result<(), Failed> {
    for target in talk::targets(session, word)? {
        let address = open(session, &target)?;
        session
            .out
            .tell(&Notice::Talk(TalkNotice::Inspects { target: &target, address: &address }));
    }
    Ok(())
}

/// Opens the inspector of one process, and returns where it listens.
fn open(session: &mut Session, target: &Target) -> Result<String, Failed> {
    let Target { id, name, .. } = target;
    let pid = match session.ask(&Request::Describe { id: *id })? {
        Answer::Reply(Reply::Describe(details)) => details.view.pid,
        other => return Err(unexpected(&other)),
    };
    refuse_other(pid, target)?;
    let before = listens(pid);
    if let Some(open) = before.iter().find(|address| is_usual(address)) {
        return Ok(open.to_string());
    }
    talk::say(session, std::slice::from_ref(target), Talk::Signal { number: libc::SIGUSR1 })?;
    let until = Instant::now() + LIMIT;
    while Instant::now() < until {
        let is_new = |address: &&Address| !before.contains(address) && address.is_local();
        if let Some(address) = listens(pid).iter().find(is_new) {
            return Ok(address.to_string());
        }
        std::thread::sleep(EVERY);
    }
    let pasted = ostler_shell::operand(name);
    let message = format!("the inspector of {name} (id {id}) does not listen");
    Err(Failed::new(message)
        .hint(format!("`ostler logs --err --nostream {pasted}` shows what Node says about it")))
}

/// Refuses what would die of the signal.
fn refuse_other(pid: u32, Target { id, name, .. }: &Target) -> Result<(), Failed> {
    let pasted = ostler_shell::operand(name);
    if pid == 0 {
        return Err(Failed::new(format!("{name} (id {id}) does not run"))
            .hint(format!("`ostler restart {pasted}` starts it")));
    }
    let file = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let is_node = file.file_name().is_some_and(|name| name == "node" || name == "nodejs");
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let refuses = line.split(|byte| *byte == 0).any(|word| word == b"--disable-sigusr1");
    match (is_node, refuses) {
        (true, false) => Ok(()),
        (true, true) => Err(Failed::new(format!(
            "{name} (id {id}) was started with `--disable-sigusr1`, which refuses an inspector"
        ))
        .hint(format!("`ostler restart {pasted} --node-args=--inspect` starts it with one"))),
        (false, _) => Err(Failed::new(format!(
            "{name} (id {id}) runs `{}`, which is not Node: it has no inspector",
            file.display()
        ))
        .hint(format!("`ostler describe {pasted}` shows what it is and how it is started"))),
    }
}

/// Where the process listens itself.
fn listens(pid: u32) -> Vec<Address> {
    // What cannot be looked at does not listen, as far as can be told.
    ostler_ports::listened_on(&[pid]).unwrap_or_default()
}

fn is_usual(address: &Address) -> bool {
    matches!(address, Address::Inet { udp: false, port, .. } if USUAL.contains(port))
        && address.is_local()
}
