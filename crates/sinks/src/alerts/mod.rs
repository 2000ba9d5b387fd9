//! What happened to an app, on its way to somebody who should know.
//!
//! Problem: a receiver is slow, away, or does not want what it gets; the daemon must not wait for
//! it, and what is owed must survive the daemon. Rule: each receiver has a thread of its own, which
//! says that it has an alert only when that is in its file or delivered. One of a kind about an app
//! is told in an interval; the last of those that were held back is told at its end, with the
//! number of the others.

mod deliver;
mod kept;
mod mail;
mod sender;
mod shape;

use ostler_core::spec::{AlertKind, AlertTarget};
use serde::{Deserialize, Serialize};

use crate::command::Runs;

pub use deliver::{Delivered, deliver};
pub use kept::{AlertKey, AlertsKept, alerts_folder, alerts_left, alerts_of_home};
pub use sender::{AlertSender, Owed};

/// Something that happened to an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// What it is about: a word of [`AlertKind`].
    pub kind: String,
    /// The namespace of the app.
    pub namespace: String,
    /// The name of the app.
    pub app: String,
    /// The number of the process, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
    /// When it happened, ms since 1970.
    pub at: u64,
    /// What happened, in a sentence or more.
    pub text: String,
    /// So many of the kind were held back since the last one was told.
    #[serde(default, skip_serializing_if = "is_none")]
    pub held_back: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(number: &u64) -> bool {
    *number == 0
}

impl Alert {
    /// Returns what it is about.
    #[must_use]
    pub fn kind(&self) -> Option<AlertKind> {
        AlertKind::of(&self.kind)
    }
}

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// How they are reached.
    pub target: AlertTarget,
    /// How a command is run.
    pub runs: Runs,
    /// The name of this machine.
    pub host: String,
}
