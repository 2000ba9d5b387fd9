//! ostler's own protocol between a command and the daemon.
//!
//! Frames on a UNIX stream socket (`ostler.sock` in the home): `u32` big-endian payload length, one
//! kind byte (counted in the length), payload. A client sends [`Request`] frames; the daemon
//! answers each with zero or more [`Event`] frames and exactly one closing [`Reply`] frame, in
//! order. Payloads are JSON so that a newer side may add fields that the older ignores;
//! [`FrameKind::Raw`] carries text that the client prints as it is (`jlist`).
//!
//! Version log:
//! - 1: first.

mod view;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use view::{Details, ListenerView, ProcView};

/// Version of this protocol; the daemon's answer to [`Request::Hello`] carries its own.
pub const VERSION: u32 = 1;

/// Largest frame either side accepts, bytes. A larger length ends the connection.
pub const MAX_FRAME: usize = 64 << 20;

/// Bytes of a frame before its payload.
pub const HEAD: usize = 5;

/// What a frame's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// [`Request`], JSON.
    Request = b'Q',
    /// [`Event`], JSON.
    Event = b'E',
    /// [`Reply`], JSON; ends the request.
    Reply = b'R',
    /// Text for the user, as it is; ends the request.
    Raw = b'T',
}

impl FrameKind {
    /// The kind for a byte, if it is one.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Request, Self::Event, Self::Reply, Self::Raw]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The length is 0 or above [`MAX_FRAME`].
    Length(u32),
    /// The kind byte is unknown.
    Kind(u8),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Length(n) => write!(f, "frame length `{n}` is not between 1 and {MAX_FRAME}"),
            Self::Kind(k) => write!(f, "unknown frame kind `{k:#04x}`"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Appends one frame to `out`.
pub fn encode(kind: FrameKind, payload: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(payload.len() + 1).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.push(kind as u8);
    out.extend_from_slice(payload);
}

/// The frame with this payload, in the payload's own memory when there is room for [`HEAD`] bytes
/// more.
#[must_use]
pub fn into_frame(kind: FrameKind, mut payload: Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 1).unwrap_or(u32::MAX);
    let [a, b, c, d] = length.to_be_bytes();
    payload.splice(..0, [a, b, c, d, kind as u8]);
    payload
}

/// Appends one frame with `value` as JSON.
///
/// # Errors
/// When `value` cannot be expressed as JSON (a map with keys that are not text).
pub fn encode_json<T: Serialize>(
    kind: FrameKind,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), serde_json::Error> {
    let start = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, kind as u8]);
    serde_json::to_writer(&mut *out, value)?;
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(head) = out.get_mut(start..start + 4) {
        head.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// A frame found at the start of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the payload is.
    pub kind: FrameKind,
    /// The payload.
    pub payload: &'a [u8],
    /// Bytes of the buffer this frame takes, head included.
    pub consumed: usize,
}

/// Reads the frame at the start of `buffer`; `None` when more bytes are needed.
///
/// # Errors
/// [`FrameError`] when the bytes can never become a frame; the connection is then useless.
pub fn decode(buffer: &[u8]) -> Result<Option<Frame<'_>>, FrameError> {
    let Some((head, rest)) = buffer.split_first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*head);
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    if size == 0 || MAX_FRAME < size {
        return Err(FrameError::Length(length));
    }
    let Some(kind) = rest.first() else { return Ok(None) };
    let kind = FrameKind::from_byte(*kind).ok_or(FrameError::Kind(*kind))?;
    Ok(rest.get(1..size).map(|payload| Frame { kind, payload, consumed: size + 4 }))
}

/// What a client may ask.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Who is there? → [`Reply::Hello`].
    Hello,
    /// Every process → [`Reply::List`].
    List,
    /// Which processes have this name or id → [`Reply::Found`].
    Find {
        /// Name or id.
        word: String,
    },
    /// Every process in PM2's `jlist` shape → [`FrameKind::Raw`].
    Jlist,
    /// Everything about one process → [`Reply::Describe`], or [`Reply::Error`] for an unknown id.
    Describe {
        /// Process id.
        id: u32,
    },
    /// Flattened environment of one process → [`Reply::Env`].
    Env {
        /// Process id.
        id: u32,
    },
    /// What a process of a cluster listens on, as soon as it does → [`Reply::Listens`].
    Listens {
        /// Process id.
        id: u32,
        /// How long to wait for it, ms; then the answer is empty.
        within: u32,
    },
    /// Adds apps and starts them. One [`Event::Started`] or [`Event::Failed`] per app, then
    /// [`Reply::Done`].
    Start {
        /// One record per app, in the shape that `ostler_config::record` writes.
        apps: Vec<Box<RawValue>>,
    },
    /// Does something with existing processes. One [`Event::Acted`] per process in the order they
    /// end, then [`Reply::Done`].
    Act {
        /// What to do.
        action: Action,
        /// Process ids, in the order to take them.
        ids: Vec<u32>,
        /// What to change first.
        #[serde(default)]
        change: Change,
    },
    /// Brings an app to a number of instances → [`Event::Acted`] per process added or removed, then
    /// [`Reply::Done`].
    Scale {
        /// App name.
        name: String,
        /// `4`, `+2` or `-1`.
        target: ScaleTo,
    },
    /// A reload of whole apps as a transaction → [`Event::Step`]s, then [`Reply::Done`] or
    /// [`Reply::Error`].
    Reload {
        /// Processes to replace, in order; the daemon groups them by app.
        ids: Vec<u32>,
        /// What to change first.
        #[serde(default)]
        change: Change,
        /// How.
        #[serde(default)]
        options: ReloadOptions,
        /// A word that no other request has. The same request with the same word, after the
        /// connection has ended, begins nothing twice: it waits for what was begun, or is told how
        /// it ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
    },
    /// Ends a canary: keep the new version everywhere, or go back → as [`Request::Reload`].
    Promote {
        /// App name.
        name: String,
        /// `true`: roll the new version out; `false`: back to the old.
        keep: bool,
        /// As in [`Request::Reload`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
    },
    /// Streams output: [`Event::Log`]s until the client leaves.
    Logs {
        /// Process ids; empty = all, also those started later.
        ids: Vec<u32>,
        /// Standard output wanted.
        out: bool,
        /// Standard error wanted.
        err: bool,
        /// What happens to these processes wanted too: [`Event::Process`].
        #[serde(default)]
        events: bool,
        /// The daemon's own lines wanted too: [`Event::Own`].
        #[serde(default)]
        own: bool,
    },
    /// Empties log files of these processes → [`Reply::Done`]. Empty `ids` = all, and the daemon's
    /// own log.
    Flush {
        /// Process ids.
        ids: Vec<u32>,
    },
    /// Opens all log files again → [`Reply::Done`].
    ReloadLogs,
    /// Writes the process list to the dump file → [`Reply::Saved`].
    Save {
        /// Also when the list is empty.
        force: bool,
    },
    /// Starts what the dump file holds and is not running → [`Event::Restored`] per app, then
    /// [`Reply::Done`].
    Resurrect,
    /// Replaces the running daemon and keeper by this program, apps untouched → [`Reply::Done`].
    Update {
        /// Absolute path of the new program.
        exe: String,
    },
    /// Stops and forgets everything, then ends daemon and keeper → [`Event::Acted`]s,
    /// [`Reply::Done`], end of connection.
    Kill,
}

/// What to do with a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Stop it and keep it in the list.
    Stop,
    /// Stop it if it runs, start it.
    Restart,
    /// Stop it and forget it.
    Delete,
    /// Zero the restart counters.
    Reset,
}

/// Changes to a process before it is started again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// Whole new records by app name (restart/reload of a process file): each replaces the app's
    /// specification.
    pub records: Vec<Box<RawValue>>,
    /// Keys to overwrite in the record (options given on the command line).
    pub patch: Option<Box<RawValue>>,
    /// Variables to merge into the environment (`--update-env`).
    pub env: Option<std::collections::BTreeMap<String, String>>,
    /// How many at a time; PM2's default is 2.
    pub parallel: Option<u32>,
}

/// A number of instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleTo {
    /// Exactly so many.
    Exactly(u32),
    /// So many more.
    Add(u32),
    /// So many fewer, newest first.
    Remove(u32),
}

/// How a reload goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReloadOptions {
    /// Workers replaced at the same time; default 1.
    pub parallel: Option<u32>,
    /// Further workers above the number of instances while it runs.
    pub surge: Option<u32>,
    /// Replace one worker, then wait for `promote` or `rollback`.
    pub canary: bool,
    /// PM2's way: carry on when a new worker fails.
    pub no_rollback: bool,
    /// Queue behind a reload of the same app that is under way, instead of being refused.
    pub wait: bool,
}

/// Something on the way to the reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// An app was added and its processes are up (as far as its readiness rule says).
    Started {
        /// App name.
        name: String,
        /// Ids of its processes.
        ids: Vec<u32>,
        /// `true` when the time for readiness ran out and it is taken as up all the same.
        late: bool,
    },
    /// An app could not be started.
    Failed {
        /// App name.
        name: String,
        /// What, where.
        error: Failure,
    },
    /// An action on a process ended.
    Acted {
        /// Process id.
        id: u32,
        /// Its name.
        name: String,
        /// `None` = success.
        error: Option<Failure>,
        /// A scale: `true` added, `false` removed. Otherwise as the action.
        added: bool,
    },
    /// One step of a reload, as a sentence: `worker 3 (pid 812) is listening on 0.0.0.0:3000`.
    Step {
        /// App name.
        name: String,
        /// Process id of the slot.
        id: u32,
        /// What happened.
        text: String,
    },
    /// A line of output.
    Log(LogLine),
    /// Something happened to a process; only for who asked for it.
    Process {
        /// Process id.
        id: u32,
        /// App name.
        name: String,
        /// What.
        what: Lifecycle,
        /// When, ms since 1970.
        at: u64,
    },
    /// A line of the daemon's own log, without date and kind; only for who asked for it.
    Own {
        /// When, ms since 1970.
        at: u64,
        /// The text.
        text: String,
    },
    /// A saved app was started again.
    Restored {
        /// App name.
        name: String,
        /// Its script.
        script: String,
        /// `None` = success.
        error: Option<Failure>,
    },
    /// Something the user should know that is no failure.
    Warning {
        /// The sentence.
        text: String,
    },
}

/// What may happen to a process, in the words of PM2's bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// It runs.
    Online,
    /// Its process ended.
    Exit,
    /// A user's `start` of it is done.
    Start,
    /// A user's `restart` of it is done.
    Restart,
    /// A new worker took its place.
    Reload,
    /// A user's `stop` of it is done.
    Stop,
    /// It was deleted.
    Delete,
    /// It ended too often at once and is given up.
    #[serde(rename = "restart overlimit")]
    RestartOverlimit,
}

impl Lifecycle {
    /// PM2's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Exit => "exit",
            Self::Start => "start",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Stop => "stop",
            Self::Delete => "delete",
            Self::RestartOverlimit => "restart overlimit",
        }
    }
}

/// One line of an app's output, without its line end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Process id.
    pub id: u32,
    /// App name.
    pub name: String,
    /// `true` = standard error.
    pub err: bool,
    /// When the daemon read it, ms since 1970.
    pub at: u64,
    /// The text; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// Lines left out before this one because this reader was too slow.
    #[serde(default)]
    pub dropped: u64,
}

/// An error for a person: what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong, with the values.
    pub message: String,
    /// What to do, if anything is known.
    pub hint: Option<String>,
}

/// The answer that ends a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To [`Request::Hello`].
    Hello {
        /// [`VERSION`] of the daemon.
        protocol: u32,
        /// Program version.
        version: String,
        /// Daemon's pid.
        pid: u32,
        /// Keeper's pid.
        keeper_pid: u32,
    },
    /// To [`Request::List`].
    List {
        /// Every process, by id.
        processes: Vec<ProcView>,
    },
    /// To [`Request::Find`].
    Found {
        /// Process ids, in their order; none is no error.
        ids: Vec<u32>,
    },
    /// To [`Request::Describe`].
    Describe(Box<Details>),
    /// To [`Request::Env`].
    Env {
        /// Name and value, in PM2's order.
        vars: Vec<(String, String)>,
    },
    /// To [`Request::Listens`].
    Listens {
        /// As [`ListenerView::address`].
        addresses: Vec<String>,
    },
    /// To [`Request::Save`].
    Saved {
        /// The file.
        path: String,
        /// Apps written; 0 with `force` absent means that nothing was written.
        count: usize,
    },
    /// It is done.
    Done,
    /// It could not be done, or not all.
    Error(Failure),
}

#[cfg(test)]
mod tests;
