//! The answer that ends a request.

use serde::{Deserialize, Serialize};

use super::metrics::InProcess;
use super::view::{Details, ProcView, UnwrittenFile};

/// An error for a person: what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure it is, for programs.
    #[serde(default)]
    pub code: Code,
    /// What went wrong, with the values.
    pub message: String,
    /// What to do, if anything is known.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without advice.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Nothing more is known than the message.
    #[default]
    Other,
    /// The daemon is about to end.
    Closing,
    /// The request, or a record in it, makes no sense.
    Invalid,
    /// No process, app or file is meant by the word.
    NotFound,
    /// The word means several apps.
    Ambiguous,
    /// It is so already.
    NothingToDo,
    /// Something of the same kind is under way.
    UnderWay,
    /// Another request took a part of it away.
    CutShort,
    /// It cannot be taken now; a moment later it may be.
    Busy,
    /// A process could not be started.
    NotSpawned,
    /// A process ended, or was given up after several ends.
    Ended,
    /// A new worker did not pass its checks; the old version serves.
    NotVerified,
    /// A process does not end though it was killed.
    Unkillable,
    /// How it ended is not known.
    Unknown,
    /// The system refused something: a file, a descriptor, memory.
    System,
}

/// The answer that ends a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The answer to [`Request::Hello`].
    Hello {
        /// [`VERSION`] of the daemon.
        protocol: u32,
        /// Version of the program.
        version: String,
        /// Pid of the daemon.
        pid: u32,
        /// Pid of the keeper.
        keeper_pid: u32,
    },
    /// The answer to [`Request::List`] and [`Request::Meant`].
    List {
        /// Every process, by id.
        processes: Vec<ProcView>,
    },
    /// The answer to [`Request::Find`].
    Found {
        /// Process ids, in their order; none is no error.
        ids: Vec<u32>,
    },
    /// The answer to [`Request::Describe`].
    Describe(Box<Details>),
    /// The answer to [`Request::Metrics`].
    Metrics {
        /// The processes that measure something, by id.
        processes: Vec<InProcess>,
    },
    /// The answer to [`Request::Env`].
    Env {
        /// Name and value, in PM2's order.
        vars: Vec<(String, String)>,
    },
    /// The answer to [`Request::Listens`].
    Listens {
        /// Addresses as in [`ListenerView::address`].
        addresses: Vec<String>,
    },
    /// The answer to [`Request::LastLines`].
    LastLines {
        /// The lines, of which a long stack is cut; none when it wrote nothing, or no end of a
        /// run was seen.
        lines: Vec<String>,
        /// They were written to standard error.
        err: bool,
    },
    /// The answer to [`Request::Unwritten`].
    Unwritten {
        /// The files, each once.
        files: Vec<UnwrittenFile>,
    },
    /// The answer to [`Request::Save`].
    Saved {
        /// Path of the file.
        path: String,
        /// Apps written; 0 with `force` absent means that nothing was written.
        count: usize,
    },
    /// It is done.
    Done,
    /// It could not be done, or not all.
    Error(Failure),
}
