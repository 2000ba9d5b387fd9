//! Why a process ended, where its own last lines say it better than its exit code does.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ostler_wire::control::{Outcome, Phase, ProcView};

use crate::width::cut;
use crate::words;

/// The most columns of a line that is part of a sentence.
const LONGEST: usize = 120;
/// The most processes whose lines are read for a list.
const MOST: usize = 20;
/// The last bytes of a log in which the reason may stand.
const TAIL: u64 = 4096;
/// A file that was written to so long before the end tells of another one.
const SLACK: Duration = Duration::from_secs(10);

/// What it means that a program found no memory.
pub const OUT_OF_MEMORY: &str = "out of memory";

/// What it means that a program found its address taken.
pub const PORT_IN_USE: &str = "port in use";

/// What stands in a log, and what it means in a word or two.
const SIGNS: &[(&str, &str)] = &[
    ("EADDRINUSE", PORT_IN_USE),
    ("ddress already in use", PORT_IN_USE),
    ("JavaScript heap out of memory", OUT_OF_MEMORY),
    ("OutOfMemoryError", OUT_OF_MEMORY),
    ("MemoryError", OUT_OF_MEMORY),
    ("Cannot allocate memory", OUT_OF_MEMORY),
    ("Cannot find module", "module missing"),
    ("ERR_MODULE_NOT_FOUND", "module missing"),
    ("ModuleNotFoundError", "module missing"),
    ("SyntaxError", "syntax error"),
];

/// Returns why processes ended that did so by themselves and badly, by id.
pub fn reasons(processes: &[ProcView]) -> BTreeMap<u32, &'static str> {
    let ended = |process: &&ProcView| words::own_end(process).is_some_and(|end| !end.is_clean());
    let (up, down): (Vec<_>, Vec<_>) =
        processes.iter().filter(ended).partition(|process| process.phase == Phase::Online);
    let read = down.into_iter().chain(up).take(MOST);
    read.filter_map(|process| Some((process.id, of(process)?))).collect()
}

/// Returns why a process ended, if its last lines say so.
pub(crate) fn of(process: &ProcView) -> Option<&'static str> {
    told_by(&tail_of_end(process)?)
}

/// Returns the line that says why a process ended, if its last lines have one.
pub fn said(process: &ProcView) -> Option<String> {
    Some(cut(line_of(&tail_of_end(process)?)?, LONGEST).into_owned())
}

/// What stands at the end of its log since a process ended.
fn tail_of_end(process: &ProcView) -> Option<String> {
    let ended = process.ended.as_ref()?;
    let at = ended.by_itself()?;
    if !ended.asked && is_from_outside(&ended.how) {
        return None; // What it wrote last is not why.
    }
    let [_, err, all] = &process.logs;
    let path = err.as_deref().or(all.as_deref())?;
    tail(Path::new(path), UNIX_EPOCH + Duration::from_millis(at))
}

/// The line that says what a text says last about an end: one that calls it an error says more than
/// a field of that error.
fn line_of(text: &str) -> Option<&str> {
    let means = told_by(text);
    let lines = || text.lines().filter(|line| means.is_some() && told_by(line) == means);
    let error = |line: &&str| line.to_ascii_lowercase().contains("error:");
    lines().rfind(error).or_else(|| lines().next_back()).map(str::trim)
}

/// Returns the file with the last lines of a process that are worth a look, and these lines: what
/// it wrote to standard error when it ended badly, else what it wrote last.
pub fn last_lines(process: &ProcView, most: usize) -> Option<(String, Vec<String>)> {
    let failed = words::own_end(process).is_some_and(|end| !end.is_clean());
    let mut paths: Vec<&String> = process.logs.iter().flatten().collect();
    let written = |path: &String| std::fs::metadata(path).and_then(|of| of.modified()).ok();
    paths.sort_by_key(|path| std::cmp::Reverse(written(path)));
    if let (true, [_, Some(err), _]) = (failed, &process.logs) {
        paths.insert(0, err);
    }
    let lines = |path: &String| {
        let text = tail(Path::new(path), UNIX_EPOCH)?;
        let lines: Vec<String> = text.lines().rev().take(most).map(str::to_owned).collect();
        (!lines.is_empty()).then(|| (path.clone(), lines.into_iter().rev().collect()))
    };
    paths.into_iter().find_map(lines)
}

/// Returns the end of a file, unless it was last written to long before `at`.
pub(crate) fn tail(path: &Path, at: SystemTime) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.modified().ok()? + SLACK < at {
        return None;
    }
    file.seek(SeekFrom::Start(metadata.len().saturating_sub(TAIL))).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether a signal ended it that no runtime sends to itself when it gives up.
fn is_from_outside(how: &Outcome) -> bool {
    let own = ["SIGABRT", "SIGTRAP", "SIGILL"];
    matches!(how, Outcome::Signal { name, .. } if !own.contains(&name.as_str()))
}

/// Returns what a text says last about an end: an error of another kind may have come since.
fn told_by(text: &str) -> Option<&'static str> {
    let found = SIGNS.iter().filter_map(|(sign, means)| Some((text.rfind(sign)?, *means)));
    let (at, means) = found.max_by_key(|(at, _)| *at)?;
    let mut since = text.get(at..)?.lines().skip(1);
    (!since.any(begins_with_error)).then_some(means)
}

/// Whether a line begins as `TypeError: x is not a function` does.
fn begins_with_error(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(name, _)| {
        !name.contains(' ') && (name.ends_with("Error") || name.ends_with("Exception"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::sample;
    use ostler_wire::control::Ended;

    #[test]
    fn what_a_program_says_last_is_its_reason() {
        assert_eq!(told_by("listening\n"), None);
        let node = "Error: listen EADDRINUSE: address already in use :::3000\n  at Server…";
        assert_eq!(told_by(node), Some("port in use"));
        assert_eq!(told_by(&format!("{node}\nSyntaxError: x")), Some("syntax error"));
        assert_eq!(told_by("OSError: [Errno 98] Address already in use"), Some("port in use"));
        assert_eq!(told_by(&format!("{node}\nup\nTypeError: x is not a function\n")), None);
    }

    /// The port had been taken once, and each later end was said to be of that.
    #[test]
    fn what_a_program_wrote_is_not_why_a_signal_from_outside_ended_it() {
        let signal = |name: &str| Outcome::Signal { name: name.to_owned(), core: false };
        assert!(
            ["SIGKILL", "SIGTERM", "SIGSEGV"].iter().all(|name| is_from_outside(&signal(name)))
        );
        assert!(!is_from_outside(&signal("SIGABRT")), "V8 without memory");
        assert!(!is_from_outside(&Outcome::Code(1)));
    }

    #[test]
    fn the_line_of_an_error_says_more_than_its_fields() {
        let node = "Error: listen EADDRINUSE: address already in use :::3000\n  at Server {\n  \
                    code: 'EADDRINUSE',\n}\n";
        let line = "Error: listen EADDRINUSE: address already in use :::3000";
        assert_eq!(line_of(node), Some(line));
        assert_eq!(line_of("  code: 'EADDRINUSE'\n"), Some("code: 'EADDRINUSE'"));
        let other = format!("{node}Error: Cannot find module 'x'\nRequire stack:\n");
        assert_eq!(line_of(&other), Some("Error: Cannot find module 'x'"));
        assert_eq!(line_of("listening\n"), None);
    }

    #[test]
    fn a_log_that_is_older_than_the_end_tells_nothing() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("app-error.log");
        std::fs::write(&path, "EADDRINUSE").unwrap();
        let mut process = sample(0, "app");
        process.logs[1] = Some(path.display().to_string());
        let reason = |process: &ProcView, at| {
            let ended =
                Some(Ended { at, asked: false, oom: false, own_at: None, how: Outcome::Code(1) });
            of(&ProcView { ended, ..process.clone() })
        };
        assert_eq!(of(&process), None);
        assert_eq!(reason(&process, crate::now()), Some("port in use"));
        assert_eq!(reason(&process, crate::now() + 60_000), None);
    }
}
