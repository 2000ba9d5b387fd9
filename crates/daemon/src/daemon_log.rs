//! The daemon's own log: `pm2.log` in the home, which is its standard output. The lines have PM2's
//! form, because people and scripts look for them: `2026-11-22T10:00:00: PM2 log: App [web:0]
//! online`. Nobody makes it grow without bound: complaints are counted, and `home` begins a new
//! file when it has become large.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::io::Write;

use crate::clock;
use crate::complaints::Complaints;
use crate::sys::SharedText;

thread_local! {
    /// Lines that wait for [`flush`].
    static LINES: Cell<Option<SharedText>> = const { Cell::new(None) };
    /// Whether somebody watches.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// Lines for who watches, each with its time, ms since 1970.
    static FRESH: RefCell<Vec<(u64, String)>> = const { RefCell::new(Vec::new()) };
    /// Complaints of this second.
    static COMPLAINTS: RefCell<Complaints> = RefCell::default();
    /// Bytes written since the last [`take_written`].
    static WRITTEN: Cell<usize> = const { Cell::new(0) };
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

/// Writes a line that is no complaint, and that an app or a client brings about: if there are not
/// too many like it.
pub fn remark(text: impl Display) {
    write_if_few("log", &text.to_string());
}

/// Writes a complaint, if there are not too many like it.
pub fn error(text: impl Display) {
    write_if_few("error", &text.to_string());
}

fn write_if_few(word: &'static str, text: &str) {
    let now = clock::monotonic();
    sum_up(now);
    let heard = COMPLAINTS.with_borrow_mut(|all| all.hear(now, word, text));
    if let Some(text) = heard {
        write(word, &text);
    }
}

/// When [`sum_up`] is due.
pub fn deadline() -> Option<u64> {
    COMPLAINTS.with_borrow(Complaints::deadline)
}

/// Tells of complaints that were not written, if their second is over.
pub fn sum_up(now: u64) {
    for (word, line) in COMPLAINTS.with_borrow_mut(|all| all.sum_up(now)) {
        write(word, &line);
    }
}

/// How much was written since the last call, bytes.
pub fn take_written() -> usize {
    WRITTEN.take()
}

fn write(kind: &str, text: &str) {
    let at = clock::wall();
    // Names of apps are others' text, and a line of ours is one line.
    let text = &*ostler_text::message(text);
    if WATCHED.get() {
        FRESH.with_borrow_mut(|fresh| fresh.push((at, text.to_owned())));
    }
    let line = format!("{}: PM2 {kind}: {text}\n", timestamp(at));
    WRITTEN.set(WRITTEN.get() + line.len());
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
