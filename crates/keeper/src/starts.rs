//! The list of starts: a file in which each process is named as soon as there is one.
//!
//! When keeper and daemon die together, what they had started lives on, and whoever comes next must
//! find it. A program may write over its environment and leave its session, so neither tells for
//! certain whose it is; its number does, together with the time of its start. The daemon gives the
//! file, open for appending, as the descriptor [`STARTS`]; the keeper adds a line for each start,
//! before anybody is told of it, and the daemon one for each run of which nothing is left.

use std::io;

use crate::keeper::Keeper;
use crate::log::log;

/// The name that the file is kept under.
pub const STARTS: &str = "starts";

/// Returns the line for a start; what is kept with the run follows the numbers, when it
/// is one line.
#[must_use]
pub fn start_line(run: u64, (pid, start_time): (u32, u64), meta: &[u8]) -> Vec<u8> {
    let mut line = format!("+ {run} {pid} {start_time} ").into_bytes();
    if !meta.contains(&b'\n') {
        line.extend_from_slice(meta);
    }
    line.push(b'\n');
    line
}

impl Keeper {
    /// Adds a start to the list, if there is one.
    pub(crate) fn note_start(&self, run: u64, process: (u32, u64), meta: &[u8]) {
        let Some(file) = self.table.item(STARTS) else { return };
        let line = start_line(run, process, meta);
        // Whole or not at all, but for a disk that is full; half a line is passed over.
        if let Err(error) = rustix::io::retry_on_intr(|| rustix::io::write(&*file.fd, &line)) {
            let error = io::Error::from(error);
            log(&format!("cannot add run {run} to the list of starts: {error}"));
        }
    }
}
