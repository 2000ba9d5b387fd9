//! `logs` of several hosts: what is there merged by time, then each line as it comes.
//!
//! First every host is asked for what it has, and tells a cursor with it; then each is asked to go
//! on behind that cursor, so that no line is missed or told twice.

use std::sync::mpsc::channel;

use serde_json::Value;

use super::lines::{Stream, send_all};
use super::remote::{Remote, ask, words};
use crate::args::FlagId;
use crate::failed::{FAILED, Failed};
use crate::paint::Ink;
use crate::session::Session;
use crate::show::columns;

/// What stands before the cursor at the end of what is there.
const CURSOR: &str = "-- cursor: ";

/// Options that make something else of the lines than lines.
const OF_ONE: [(FlagId, &str); 9] = [
    (FlagId::Count, "--count"),
    (FlagId::Histogram, "--histogram"),
    (FlagId::Errors, "--errors"),
    (FlagId::Reverse, "--reverse"),
    (FlagId::Cursor, "--cursor"),
    (FlagId::Format, "--format"),
    (FlagId::Timestamp, "--timestamp"),
    (FlagId::Highlight, "--highlight"),
    (FlagId::Raw, "--raw"),
];

/// Colours of hosts, in turn.
const INKS: [&[Ink]; 4] = [&[Ink::Green], &[Ink::Blue], &[Ink::Yellow], &[Ink::Bold]];

/// A line, and the place of its host.
type Line = (usize, Value);

/// Prints what is there, and goes on with what comes unless that is not asked for.
pub(super) fn run(session: &mut Session, remotes: &[Remote]) -> Result<(), Failed> {
    let other = OF_ONE.iter().find(|(id, _)| session.has(*id));
    let other = other.map(|(_, option)| *option);
    let fields = session.args.value(FlagId::Fields).map(|_| "--json FIELDS");
    if let Some(option) = other.or(fields) {
        let message = format!("`{option}` is for the logs of one machine");
        return Err(Failed::misuse(message).hint("leave it out; `--json` has all of each line"));
    }
    let (lines, cursors) = backlog(session, remotes)?;
    for (at, line) in lines {
        print(session, remotes, at, line);
    }
    session.out.flush()?;
    let has_ended = cursors.iter().any(Option::is_none);
    let ends = session.has(FlagId::NoStream) || session.has(FlagId::Until);
    if ends || cursors.iter().all(Option::is_none) {
        return if has_ended { Err(Failed::quiet(FAILED)) } else { Ok(()) };
    }
    stream(session, remotes, &cursors)
}

/// Returns what is there, by time, and behind which cursor each host goes on. A host that failed
/// has no cursor.
fn backlog(
    session: &mut Session,
    remotes: &[Remote],
) -> Result<(Vec<Line>, Vec<Option<String>>), Failed> {
    let (mut lines, mut cursors) = (Vec::new(), Vec::new());
    let words = lines_of(session, &[FlagId::NoStream], &["--nostream"]);
    let answers = ask(remotes, &words)?;
    for (at, (remote, output)) in remotes.iter().zip(answers).enumerate() {
        let mut cursor = None;
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            match line.strip_prefix(CURSOR) {
                Some(of) => cursor = Some(of.to_owned()),
                None => session.out.aside(&remote.prefixed(&format!("{line}\n"))),
            }
        }
        if let Some(why) = remote.failure(output.status) {
            session.out.warn_aside(&format!("no logs of {}: {why}", remote.name()));
            cursor = None;
        }
        cursors.push(cursor);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        lines.extend(text.lines().map(|line| (at, read(line))));
    }
    // Stable: lines of one host keep their order where times are the same.
    lines.sort_by(|(_, one), (_, other)| time(one).cmp(time(other)));
    Ok((lines, cursors))
}

/// Prints lines as they come, until all hosts have ended.
fn stream(
    session: &mut Session,
    remotes: &[Remote],
    cursors: &[Option<String>],
) -> Result<(), Failed> {
    let (send, lines) = channel();
    let mut running = Vec::new();
    for (at, (remote, cursor)) in remotes.iter().zip(cursors).enumerate() {
        let Some(cursor) = cursor else { continue };
        let begun = [FlagId::Lines, FlagId::LogsSince, FlagId::LogsFollow];
        let words = lines_of(session, &begun, &["--follow", "--cursor", cursor]);
        let mut child = remote.spawn(&words)?;
        send_all(&mut child, at, &send);
        running.push((at, child));
    }
    drop(send);
    let mut written = Ok(());
    for ((at, stream), line) in lines {
        match (stream, remotes.get(at)) {
            (Stream::Out, _) => print(session, remotes, at, read(&line)),
            (Stream::Err, Some(remote)) if !line.starts_with(CURSOR) => {
                session.out.aside(&remote.prefixed(&line));
            }
            (Stream::Err, _) => {}
        }
        written = session.out.flush();
        if written.is_err() {
            break;
        }
    }
    for (at, mut child) in running {
        // Nobody reads any more, or it has ended.
        drop(child.kill());
        let status = child.wait();
        if let (Ok(()), Ok(status), Some(remote)) = (&written, status, remotes.get(at)) {
            let why = remote.failure(status).unwrap_or_else(|| "it has ended".to_owned());
            session.out.warn_aside(&format!("no more logs of {}: {why}", remote.name()));
        }
    }
    written.and(Err(Failed::quiet(FAILED)))
}

/// Returns the words that ask for lines as objects, with others in place of these options.
fn lines_of(session: &Session, without: &[FlagId], more: &[&str]) -> Vec<String> {
    let mut words = words(&session.args, without);
    words.extend(more.iter().map(|&of| of.to_owned()));
    if !session.args.wants_json() {
        words.push("--json".to_owned());
    }
    words
}

/// Returns the object of a line; what is none is a message.
fn read(line: &str) -> Value {
    let line = line.trim_end_matches('\n');
    serde_json::from_str(line).unwrap_or_else(|_| serde_json::json!({ "message": line }))
}

fn time(line: &Value) -> &str {
    text(line, "timestamp")
}

fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn print(session: &mut Session, remotes: &[Remote], at: usize, mut line: Value) {
    let Some(remote) = remotes.get(at) else { return };
    if session.args.wants_json() {
        remote.mark(&mut line);
        session.out.object(&line);
        return;
    }
    let widest = remotes.iter().map(|of| columns(of.name())).max().unwrap_or(0);
    let pad = " ".repeat(widest.saturating_sub(columns(remote.name())));
    let inks = INKS.get(at % INKS.len()).copied().unwrap_or_default();
    let host = session.out.paint.ink(inks, remote.name());
    let app = match (text(&line, "app_name"), line.get("process_id")) {
        ("", _) => String::new(),
        (name, Some(id)) => format!(" {name}:{id}"),
        (name, None) => format!(" {name}"),
    };
    let message = text(&line, "message").trim_end_matches('\n');
    session.out.value(&format!("{host}{pad}{app} | {message}\n"));
}
