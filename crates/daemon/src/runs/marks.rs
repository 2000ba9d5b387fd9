//! The mark that each process of a run carries in its environment.
//!
//! Problem: while a process is about to become another program (`execve`), `/proc` shows it
//! without an environment for a moment. A walk that looks just then would take a process of a run
//! for a stranger's, and leave it running for ever. Rule: it is read in one call, and
//! what has none yet is looked at again, within a limit for all such processes together.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::time::Duration;

use ostler_core::RunId;

use super::stat::Stat;

/// Marks every process of a run, in its environment: `HOME_MARK:RUN`.
pub const RUN_VARIABLE: &str = ostler_env::OSTLER_RUN;

/// How often a process is looked at that is about to become another program, a millisecond apart.
const LOOKS: u32 = 50;

/// The run of each process that carries the mark of a home.
pub(super) fn of(all: &BTreeMap<u32, Stat>, mark: &str) -> BTreeMap<u32, RunId> {
    let programs = all.iter().filter(|(_, stat)| !stat.is_kernel).map(|(pid, _)| *pid);
    let mut marked = BTreeMap::new();
    settle(programs.collect(), |pid, environment| {
        if let Some(run) = value(environment, RUN_VARIABLE).and_then(|text| run_of(&text, mark)) {
            marked.insert(pid, run);
        }
    });
    marked
}

/// A variable of another process's environment.
pub fn variable_of(pid: u32, name: &str) -> Option<String> {
    let mut found = None;
    settle(vec![pid], |_, environment| found = value(environment, name));
    found
}

/// Calls `each` with the environment of each process that has one.
fn settle(mut open: Vec<u32>, mut each: impl FnMut(u32, &[u8])) {
    let mut room = vec![0; 64 << 10];
    for look in 1..=LOOKS {
        open.retain(|pid| match environment_of(*pid, &mut room) {
            Environment::Whole(environment) => {
                each(*pid, environment);
                false
            }
            Environment::Gone => false,
            Environment::Exchanged => true,
        });
        if open.is_empty() || look == LOOKS {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What there is to be read of a process.
enum Environment<'a> {
    /// All of it, which may be nothing.
    Whole(&'a [u8]),
    /// The process is gone, or may not be looked into.
    Gone,
    /// Another program is about to take its place.
    Exchanged,
}

/// Reads it in one call: between two, another program may take the place of the first.
fn environment_of(pid: u32, room: &mut Vec<u8>) -> Environment<'_> {
    let length = loop {
        let read = File::open(format!("/proc/{pid}/environ")).and_then(|mut file| file.read(room));
        match read {
            Err(_) => return Environment::Gone,
            Ok(length) if length == room.len() => room.resize(length * 4, 0),
            Ok(length) => break length,
        }
    };
    if length == 0 && Stat::environment(pid) != Some(0) {
        return Environment::Exchanged;
    }
    Environment::Whole(room.get(..length).unwrap_or_default())
}

/// The value of a variable, the first of its name.
fn value(environment: &[u8], name: &str) -> Option<String> {
    let found = environment.split(|byte| *byte == 0).find_map(|entry| {
        let entry = entry.strip_prefix(name.as_bytes())?;
        entry.strip_prefix(b"=")
    })?;
    std::str::from_utf8(found).ok().map(str::to_owned)
}

/// The run that a mark names, if it is one of this home.
pub(super) fn run_of(text: &str, mark: &str) -> Option<RunId> {
    text.strip_prefix(mark)?.strip_prefix(':')?.parse().ok().map(RunId)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::proc::processes_with_marks;

    #[test]
    fn a_process_that_becomes_another_program_is_known_by_its_mark_at_every_moment() {
        use std::process::{Command, Stdio};
        let mark = format!("{:016x}", u64::from(std::process::id()) + 1);
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("again");
        std::fs::write(&script, "exec sh \"$0\"\n").unwrap();
        let mut command = Command::new("sh");
        command
            .arg(&script)
            .env(RUN_VARIABLE, format!("{mark}:7"))
            // Longer than the first buffer.
            .env("LONG", "x".repeat(70_000))
            .stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        // One look in thirty meets it without an environment.
        let unmarked = (0..2000).filter(|_| variable_of(child.id(), RUN_VARIABLE).is_none());
        let unmarked = unmarked.count();
        let walks = (0..50).map(|_| processes_with_marks(&mark).unwrap().marked);
        let wrong = walks.filter(|marked| marked.get(&child.id()) != Some(&RunId(7))).count();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((unmarked, wrong), (0, 0));
    }

    #[test]
    fn a_process_without_an_environment_is_settled_at_the_first_look() {
        use std::io::Write as _;
        use std::process::{Command, Stdio};
        let mut command = Command::new("cat");
        let mut child =
            command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // It is there as itself once it answers.
        child.stdin.as_mut().unwrap().write_all(b"?").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        assert!(
            matches!(environment_of(child.id(), &mut vec![0; 9]), Environment::Whole(environment)
            if environment.is_empty())
        );
        assert_eq!(variable_of(child.id(), "PATH"), None);
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
