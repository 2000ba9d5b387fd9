//! Lines from other machines, and objects for programs.

use std::io::{BufRead as _, BufReader, Read};
use std::process::Child;
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

/// Has lines sent as they come, with what they are from and their ends, until there are none any
/// more: the channel is closed when all that send to it have ended.
fn reader<T: Copy + Send + 'static>(
    of: impl Read + Send + 'static,
    from: T,
    send: Sender<(T, String)>,
) {
    thread::spawn(move || {
        let mut of = BufReader::new(of);
        let mut line = Vec::new();
        // What cannot be read any more has ended.
        while of.read_until(b'\n', &mut line).is_ok_and(|read| 0 < read) {
            let text = String::from_utf8_lossy(&line).into_owned();
            let whole = if text.ends_with('\n') { text } else { text + "\n" };
            if send.send((from, whole)).is_err() {
                return;
            }
            line.clear();
        }
    });
}

/// Has both outputs of a command sent, each line with whose it is.
pub(super) fn send_all<T: Copy + Send + 'static>(
    child: &mut Child,
    whose: T,
    send: &Sender<((T, Stream), String)>,
) {
    if let Some(out) = child.stdout.take() {
        reader(out, (whose, Stream::Out), send.clone());
    }
    if let Some(err) = child.stderr.take() {
        reader(err, (whose, Stream::Err), send.clone());
    }
}

/// Prints objects as an array, one a line.
pub(super) fn array(session: &mut Session, objects: &[Value]) {
    let lines: Vec<String> = objects.iter().map(Value::to_string).collect();
    session.out.json(format!("[{}]\n", lines.join(",\n ")).into_bytes());
}
