//! Lines from other machines, and objects for programs.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::mpsc::Sender;
use std::thread;

use serde_json::Value;

use crate::session::Session;

/// What a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

/// Sends lines, with their ends, until there are none any more.
pub(super) fn reader(
    of: impl Read + Send + 'static,
    stream: Stream,
    send: Sender<(Stream, String)>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut of = BufReader::new(of);
        let mut line = Vec::new();
        // What cannot be read any more has ended.
        while of.read_until(b'\n', &mut line).is_ok_and(|read| 0 < read) {
            let text = String::from_utf8_lossy(&line).into_owned();
            let whole = if text.ends_with('\n') { text } else { text + "\n" };
            if send.send((stream, whole)).is_err() {
                return;
            }
            line.clear();
        }
    })
}

/// Prints objects as an array, one a line.
pub(super) fn array(session: &mut Session, objects: &[Value]) {
    let lines: Vec<String> = objects.iter().map(Value::to_string).collect();
    session.out.json(format!("[{}]\n", lines.join(",\n ")).into_bytes());
}
