//! Files that are looked through ahead of the one whose lines come next, each by a thread.
//!
//! Problem: what takes the time of a search through many compressed files is to unpack them, and
//! one core does not suffice. Rule: as many files as there are cores are looked through at once,
//! where no line depends on the one before; what is found in one waits, bounded, for its turn.

use std::io;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use ostler_logs::Place;

use super::Query;
use super::lines::Lines;

/// Files that are looked through at once, at most.
const MOST: usize = 4;
/// So many lines are handed over at once, or so many bytes of them, or what a file has left.
const LINES: usize = 64;
const BYTES: usize = 64 << 10;
/// So often before a thread waits.
const WAITING: usize = 4;

/// A file, and where it stands.
pub(super) struct Part {
    pub(super) lines: Lines,
    pub(super) inode: u64,
    /// It was not written to after this time.
    pub(super) to: u64,
}

impl Part {
    /// The place behind what was given out last. At the begin of a file no bytes say which it is.
    pub(super) fn place(&mut self) -> Option<Place> {
        let (inode, to) = (self.inode, self.to);
        let trail = self.lines.trail();
        (0 < trail.end()).then(|| trail.place(inode, to))
    }
}

/// A line that matches, or the end of the file.
pub(super) struct Line {
    pub(super) text: Option<Vec<u8>>,
    /// The place behind it, where that is of interest.
    pub(super) place: Option<Place>,
}

/// A file that is looked through by a thread.
pub(super) struct Ahead {
    found: Receiver<io::Result<Vec<Line>>>,
    batch: std::vec::IntoIter<Line>,
    /// It was not written to after this time.
    pub(super) to: u64,
}

/// Returns how many files are looked through at once.
pub(super) fn most() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from).min(MOST))
}

impl Ahead {
    /// Begins to look through a file.
    pub(super) fn begin(mut part: Part, query: &Query) -> io::Result<Self> {
        let (sender, found) = sync_channel(WAITING);
        let (to, query) = (part.to, query.clone());
        let thread = std::thread::Builder::new().name("logs".to_owned());
        thread.spawn(move || look_through(&mut part, &query, &sender))?;
        Ok(Self { found, batch: Vec::new().into_iter(), to })
    }

    /// Returns the next line that matches, or the end.
    pub(super) fn next(&mut self) -> io::Result<Line> {
        loop {
            if let Some(line) = self.batch.next() {
                return Ok(line);
            }
            let ended = |_| io::Error::other("the thread that reads it has ended");
            self.batch = self.found.recv().map_err(ended)??.into_iter();
        }
    }
}

/// Ends with the file, or when nobody wants to know.
fn look_through(part: &mut Part, query: &Query, to: &SyncSender<io::Result<Vec<Line>>>) {
    loop {
        let batch = next_lines(part, query);
        let is_last = match &batch {
            Ok(batch) => batch.last().is_some_and(|line| line.text.is_none()),
            Err(_) => true,
        };
        if to.send(batch).is_err() || is_last {
            return;
        }
    }
}

fn next_lines(part: &mut Part, query: &Query) -> io::Result<Vec<Line>> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < LINES && bytes < BYTES {
        let text = part.lines.next_matching(query)?;
        let place = if query.wants_places { part.place() } else { None };
        bytes += text.as_ref().map_or(0, Vec::len);
        let is_end = text.is_none();
        batch.push(Line { text, place });
        if is_end {
            break;
        }
    }
    Ok(batch)
}
