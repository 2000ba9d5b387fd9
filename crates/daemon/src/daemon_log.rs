//! The daemon's own log: `pm2.log` in the home, which is its standard output. The lines have PM2's
//! form, because people and
//! scripts look for them: `2026-11-22T10:00:00: PM2 log: App [web:0] online`.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::io::Write;

use crate::clock;
use crate::sys::SharedText;

thread_local! {
    /// Lines that wait for [`flush`].
    static LINES: Cell<Option<SharedText>> = const { Cell::new(None) };
    /// Whether somebody watches.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// Lines for who watches, each with its time, ms since 1970.
    static FRESH: RefCell<Vec<(u64, String)>> = const { RefCell::new(Vec::new()) };
}

/// Whether somebody wants [`take_fresh`].
pub fn watch(on: bool) {
    WATCHED.set(on);
}

/// What was said since the last call, if somebody watches.
pub fn take_fresh() -> Vec<(u64, String)> {
    FRESH.take()
}

/// Lets lines of this thread wait there for [`flush`] from now on. When we die before, whoever
/// shares the memory writes them: what is in effect is told.
pub fn wait_in(lines: SharedText) {
    LINES.set(Some(lines));
}

/// Writes a line that is no complaint.
pub fn log(text: impl Display) {
    write("log", &text.to_string());
}

/// Writes a complaint.
pub fn error(text: impl Display) {
    write("error", &text.to_string());
}

fn write(kind: &str, text: &str) {
    let at = clock::wall();
    if WATCHED.get() {
        FRESH.with_borrow_mut(|fresh| fresh.push((at, text.to_owned())));
    }
    let line = format!("{}: PM2 {kind}: {text}\n", timestamp(at));
    if LINES.get().is_some_and(|lines| lines.append(line.as_bytes())) {
        return;
    }
    flush();
    // Nobody is left to tell when the log itself cannot be written.
    _ = std::io::stdout().write_all(line.as_bytes());
}

/// Writes out what was said in this round of the loop: a crashed app's successor does not wait
/// for the log.
pub fn flush() {
    if let Some(lines) = LINES.get() {
        lines.write_out();
    }
}

/// `YYYY-MM-DDTHH:mm:ss` in the local time zone.
fn timestamp(wall: u64) -> String {
    ostler_logs::date(wall, "YYYY-MM-DDTHH:mm:ss")
}
