//! Bytes to lines to files and subscribers, losing nothing.
//!
//! Problem: an application writes to a pipe; the bytes must reach its log files whole and exactly
//! once, and whoever watches, while disks are slow or full, files are rotated and truncated by
//! others, watchers stall, and the daemon may be killed between any two instructions. None of that
//! may ever delay supervision.
//!
//! Rule: [`Engine`] runs all of it in one thread of its own, the only writer of the log files.
//! Commands go in by a channel, events come out by a channel; the daemon never waits for it.
//!
//! # Two ways from pipe to file
//!
//! - **Raw**: one stream alone in a file, as it comes. The kernel moves the bytes from the pipe to
//!   the end of the file in one step (`splice`): bytes moved are bytes consumed, whenever the
//!   process dies. A prompt shows at once.
//! - **Lines**: a file shared by several streams, or lines that get a date or become JSON. The
//!   bytes are moved from the pipe into a memory file that the keeper holds, and whole lines are
//!   formatted, noted there and written; a successor finds there what is still to do (see
//!   `journal`). An unfinished line waits there until its end comes or the process ends.
//!
//! Where lines are to be written seldom ([`Sink::buffer`]), they wait in that memory file first,
//! for a bounded time, raw ones as well (see `later`).
//!
//! In a file written by lines, a line longer than 1 MiB is passed on in pieces of about that size,
//! each a line of its own. Raw files are never touched that way.
//!
//! # When a file cannot be written
//!
//! A full disk, an I/O error, a missing permission: the daemon gets one [`Event::FileError`], and
//! the engine tries again each second. Lines wait for a bounded time and up to a bounded size;
//! beyond that the newest are dropped ([`OnFull::DropNewest`]) or the oldest
//! ([`OnFull::DropOldest`]), and counted where a `kill -9` does not reach. The application goes
//! on, and so does its other file. When the file can be written again, it gets a line that says
//! how many are missing, where they are. With [`OnFull::Block`] nothing is dropped: the
//! application waits, as with any pipe (see `failing`).
//!
//! A log path that is not a regular file (a FIFO, a terminal) is written by lines, best effort: its
//! length tells nothing to a successor. A reader that does not read loses whole lines; what it has
//! part of it gets the rest of, before anything else, unless the engine dies in between.

#![forbid(unsafe_code)]

mod behind;
mod boundary;
mod buffer;
mod care;
mod chain;
mod commit;
mod date;
mod dropped;
mod engine;
mod failing;
mod failure;
mod fileio;
mod files;
mod format;
mod inodes;
mod journal;
mod laid;
mod later;
mod level;
mod lines;
mod logfmt;
mod mailbox;
mod moment;
mod newest;
mod note;
mod object;
mod opener;
mod period;
mod pieces;
mod place;
mod pump;
mod reactor;
mod rotate;
mod rotating;
mod scratch;
mod severity;
mod slot;
mod source;
mod step;
mod subscribe;
mod tail;
pub mod times;
mod timing;
mod types;
mod writers;

pub use behind::{Behind, Read};
pub use care::{
    Cap, Keep, Log, Names, Pack, Packed, Packing, Past, Removed, Renamer, Sweep, Swept,
    USUAL_NAMES, history,
};
pub use chain::{Chain, Opened};
pub use date::{date, iso, now_ms, zone, zone_of};
pub use engine::Engine;
pub use level::Level;
pub use logfmt::Logfmt;
pub use moment::DateReader;
pub use object::{Field, Object};
pub use opener::{Opener, Plain};
pub use period::Period;
pub use place::{CHECKED, Check, Located, Place, Trail, hash, head_of, key};
pub use rotating::Rotation;
pub use severity::Severity;
pub use tail::{tail, tail_to};
pub use types::{
    Event, Fate, Filter, Format, Line, LinePlace, OnFull, Sink, SourceId, Stream, SubscriberId,
    Token,
};
