//! The daemon's own log: `pm2.log` in the home, which is its standard output. The lines have PM2's form, because people
//! and scripts look for them: `2026-11-22T10:00:00: PM2 log: App [web:0] online`.

use std::cell::RefCell;
use std::fmt::Display;
use std::io::Write;

use crate::clock;

/// When, which kind, what.
type Entry = (u64, &'static str, String);

thread_local! {
    /// Lines that wait for [`flush`].
    static LINES: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// Writes a line that is no complaint.
pub fn log(text: impl Display) {
    write("log", text.to_string());
}

/// Writes a complaint.
pub fn error(text: impl Display) {
    write("error", text.to_string());
}

fn write(kind: &'static str, text: String) {
    LINES.with_borrow_mut(|lines| lines.push((clock::wall(), kind, text)));
}

/// Writes out what was said in this round of the loop: a crashed app's successor does not wait for the log.
pub fn flush() {
    let lines = LINES.take();
    if !lines.is_empty() {
        let lines: String =
            lines.into_iter().map(|(at, kind, text)| format!("{}: PM2 {kind}: {text}\n", timestamp(at))).collect();
        // Nobody is left to tell when the log itself cannot be written.
        _ = std::io::stdout().write_all(lines.as_bytes());
    }
}

/// `YYYY-MM-DDTHH:mm:ss` in the local time zone.
fn timestamp(wall: u64) -> String {
    ostler_logs::date(wall, "YYYY-MM-DDTHH:mm:ss")
}
