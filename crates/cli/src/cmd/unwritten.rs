//! After a command that starts apps: which of their files cannot be written. Only the manager's log
//! would tell otherwise.

use std::time::Duration;

use ostler_wire::control::{Reply, Request, UnwrittenFile};

use crate::session::Session;
use crate::voice::Notice;

/// How long the answer may take: the disk of the logs may hang.
const LIMIT: Duration = Duration::from_millis(500);

/// Warns of the files of the apps that this command has started.
pub(super) fn warn(session: &mut Session) {
    let ids: Vec<u32> = session.changed.difference(&session.looked).copied().collect();
    session.looked.extend(&ids);
    if ids.is_empty() {
        return;
    }
    // Without an answer nothing is told: the start itself is done.
    let Some(Reply::Unwritten { files }) = session.ask_soon(&Request::Unwritten { ids }, LIMIT)
    else {
        return;
    };
    for file in files {
        let (text, hint) = words(&file);
        session.out.tell(&Notice::Warning { text: &text, hint: Some(&hint), apart: true });
    }
}

fn words(file: &UnwrittenFile) -> (String, String) {
    let UnwrittenFile { name, path, is_pid, error } = file;
    let (what, option) = match is_pid {
        true => ("pid file", "`--pid`"),
        false => ("log file", "`--output` or `--error`"),
    };
    (
        format!("the {what} `{path}` of {name} cannot be written: {error}"),
        format!("make it writable, or start {name} anew with another path ({option})"),
    )
}
