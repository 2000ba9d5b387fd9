//! What goes into the engine and what comes out of it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use crate::place::Check;
use crate::rotating::Rotation;

/// The run whose output it is; unique for ever, also across daemons.
pub type SourceId = u64;

/// Chosen by the caller; comes back in the answer.
pub type Token = u64;

/// Chosen by the caller; names one subscriber.
pub type SubscriberId = u64;

/// Which output of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// The standard output.
    Out,
    /// The standard error.
    Err,
}

impl Stream {
    /// PM2's word for it: `out` or `err`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Err => "err",
        }
    }
}

/// Form of the lines in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As the application wrote them.
    #[default]
    Raw,
    /// One JSON object a line: `{"message","timestamp","type","process_id","app_name"}`; part of a
    /// line that goes on in the next object has `"partial":true` as well. A line that is an object
    /// itself is merged into it (see [`Object`](crate::Object)).
    Json,
    /// Pairs: `timestamp=… app=… id=… type=… message="…"`, with `level=…` where the line says one,
    /// and `partial=true` as in JSON.
    Logfmt,
}

/// What becomes of output that cannot be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFull {
    /// What waits is kept, the lines behind it are dropped and counted; the application goes on.
    #[default]
    DropNewest,
    /// What came last is kept, the lines before it are dropped and counted; so the application
    /// goes on as well.
    DropOldest,
    /// The application waits.
    Block,
}

/// Where the output of a process goes, and in which form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sink {
    /// The process's id (`pm_id`).
    pub proc_id: u32,
    /// The process's name.
    pub name: String,
    /// File for standard output, complete (with its `-<id>` suffix); `None` writes none.
    pub out: Option<PathBuf>,
    /// File for standard error; may be the same as `out`.
    pub err: Option<PathBuf>,
    /// File that gets both.
    pub combined: Option<PathBuf>,
    /// Form of the lines.
    pub format: Format,
    /// Date in dayjs tokens: put before each raw line as `<date>: `, or the `timestamp` of
    /// a JSON line.
    pub date_format: Option<String>,
    /// Write nothing and publish nothing; the files are created all the same, and the pipe
    /// is kept empty.
    pub disabled: bool,
    /// What becomes of output that cannot be written.
    pub full: OnFull,
    /// How long part of a line is kept from the files of a process that has a combined one, ms;
    /// `None` until the line ends. Shown, it may be cut: another stream may write behind it.
    pub hold: Option<u64>,
    /// When its files are rotated; `None`: never by the engine itself.
    pub rotation: Option<Rotation>,
    /// How long lines may wait before they are written, many at once, ms; `None` or 0: not at all.
    pub buffer: Option<u64>,
}

/// What becomes of output while its file cannot be written, and does not fit into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Lines are lost, and counted.
    Dropped,
    /// The app waits when it writes.
    Waits,
    /// The one or the other, by the app: several write into the file.
    Both,
}

/// Which lines a subscriber wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Process ids; `None` means all.
    pub ids: Option<Vec<u32>>,
    /// Whether lines of the standard output are wanted.
    pub out: bool,
    /// Whether lines of the standard error are wanted.
    pub err: bool,
    /// Whether applications wait for this subscriber: it misses nothing, and says with
    /// [`Engine::taken`](crate::Engine::taken) that it has taken what it was sent.
    pub patient: bool,
    /// Whether it is told where in its file each line is.
    pub places: bool,
}

impl Filter {
    /// Every line of every process.
    #[must_use]
    pub fn all() -> Self {
        Self { ids: None, out: true, err: true, patient: false, places: false }
    }

    /// Whether a line of this process and stream is wanted.
    #[must_use]
    pub fn wants(&self, proc_id: u32, stream: Stream) -> bool {
        let stream = match stream {
            Stream::Out => self.out,
            Stream::Err => self.err,
        };
        stream && self.ids.as_ref().is_none_or(|ids| ids.contains(&proc_id))
    }
}

/// One line for a subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The run that wrote it.
    pub source: SourceId,
    /// Its process's id.
    pub proc_id: u32,
    /// Its process's name.
    pub name: Arc<str>,
    /// Which output it was written to.
    pub stream: Stream,
    /// When it was read, milliseconds since 1970.
    pub at_ms: u64,
    /// The text without line end; bytes that are not UTF-8 are replaced. A line over 1 MiB
    /// comes in pieces.
    pub text: Arc<str>,
    /// Lines that this subscriber missed just before this one, because it was too slow.
    pub dropped: u64,
    /// Where in the file of the stream it is, if somebody wants that and it is known.
    pub place: Option<LinePlace>,
}

/// Where a line is in the file of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinePlace {
    /// The log, as [`key`](crate::key) names it.
    pub log: u32,
    /// The inode of its file.
    pub inode: u64,
    /// Where it begins, bytes.
    pub start: u64,
    /// Where it ends, its line end included.
    pub end: u64,
    /// What its last bytes are.
    pub check: Check,
}

/// What the engine tells the daemon.
#[derive(Debug)]
pub enum Event {
    /// Everything an ended process had written is in its files, or given up.
    Drained(SourceId),
    /// This stream is at its end and forgotten: no process holds the pipe. The keeper may
    /// drop its duplicate.
    Eof {
        /// The run's number.
        source: SourceId,
        /// Which of its outputs.
        stream: Stream,
    },
    /// The files of this flush are empty.
    Flushed(Token),
    /// A subscription is in force: what was written before it is in the files, and each line
    /// after it is told.
    Subscribed(SubscriberId),
    /// Lines for a subscriber.
    Lines {
        /// The subscriber's number.
        subscriber: SubscriberId,
        /// Its lines in order.
        lines: Vec<Line>,
    },
    /// A file cannot be opened or written; the engine goes on trying. Once per change of state.
    FileError {
        /// The file's path.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
        /// What becomes of output meanwhile.
        fate: Fate,
    },
    /// A file that was to be emptied could not be; it is as it was.
    NotEmptied {
        /// The file's path.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Files of a stream have not got lines: how many in all since its run began, each counted for
    /// each file. Once a second at most, and when the stream is forgotten.
    Dropped {
        /// The run's number.
        source: SourceId,
        /// Which of its outputs.
        stream: Stream,
        /// The process's id.
        proc_id: u32,
        /// Lines so far.
        lines: u64,
    },
    /// A file could be opened for a stream that is new.
    FileOpened {
        /// The file's path.
        path: PathBuf,
    },
    /// A file has another name now, and its path was opened anew.
    Rotated {
        /// The file's path.
        path: PathBuf,
        /// What it is called now.
        to: PathBuf,
    },
    /// A file could not be rotated; it is written on, and tried again. Once, until it could.
    NotRotated {
        /// The file's path.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// When a file is written cannot be kept; it is tried again. Once, until it could.
    TimesNotKept {
        /// The file's path.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Files have grown by 64 MiB since the start, or since this was told.
    Grown,
    /// A file that failed is written again.
    FileOk {
        /// The file's path.
        path: PathBuf,
    },
    /// Give this descriptor to the keeper under this name (replacing an older one), and pass it to
    /// [`Engine::start`](crate::Engine::start) after a takeover.
    Keep {
        /// Name in the keeper's store.
        name: String,
        /// The descriptor to keep.
        fd: OwnedFd,
    },
    /// The keeper may drop what it holds under this name.
    Unkeep {
        /// Name in the keeper's store.
        name: String,
    },
}
