//! What the parts of the daemon tell: values, taken up by the loop in the order in which they came.
//!
//! A part owns descriptors and decides nothing. What it learns goes here; what follows from that
//! is decided elsewhere.

use std::collections::VecDeque;

use ostler_cluster::Policy;
use ostler_core::{AppId, Event, RunId};
use ostler_wire::control::Reply;

use crate::model::Input;

/// What a part tells.
#[derive(Debug)]
pub(crate) enum Report {
    /// Something that the model is to decide about.
    Model(Input),
    /// A report for the supervision machine.
    Core(Event),
    /// A server of this worker listens.
    Listening(RunId),
    /// A run is to be asked for again, as it is once everything before this is decided.
    SpawnAgain(RunId),
    /// Nothing is left of a run.
    Released(RunId),
    /// Something went wrong that is to be told with the app's name.
    AppError {
        /// Of which app.
        app: AppId,
        /// What, as it follows the name.
        text: String,
    },
    /// A worker may not have an address.
    CannotListen {
        /// App of the worker.
        app: AppId,
        /// The address and why, in words.
        why: String,
        /// The app of another user that has it.
        holder: Option<AppId>,
    },
    /// A worker may not have an address, since another app has it and spreads connections
    /// in another way.
    Disagrees {
        /// App of the worker.
        app: AppId,
        /// The app that has it.
        holder: AppId,
        /// How that spreads connections.
        policy: Policy,
        /// The address, in words.
        key: String,
    },
    /// An app said something over its channel: one JSON value.
    Said {
        /// The run that said it.
        run: RunId,
        /// What it said.
        text: String,
    },
    /// The agent in an app says that a profile is done.
    Profiled {
        /// The run that said it.
        run: RunId,
        /// What it said.
        text: String,
    },
    /// Somebody subscribes to PM2's bus, or nobody does any more.
    Heard(bool),
    /// A client left.
    ClientGone {
        /// Number of the client.
        client: usize,
        /// It read logs.
        watched: bool,
    },
    /// A client for which apps wait has taken the lines that it was sent.
    LinesTaken(usize),
    /// A client's request is answered.
    Reply {
        /// Number of the client.
        client: usize,
        /// What it is told.
        reply: Reply,
    },
    /// The keeper runs another program, as this client asked; the daemon is to make room for one
    /// of that program.
    Upgraded {
        /// Number of the client.
        client: usize,
    },
}

/// Reports that were not taken up yet, oldest first.
pub(crate) type Reports = VecDeque<Report>;
