//! Where inputs come from: threads that wait, each for one thing, and tell the view.
//!
//! Problem: a daemon may be away for a while, and a terminal must be answered at once. Rule: the
//! view waits for its inputs alone; whoever waits for a daemon, a file or a key does so in a
//! thread, and goes on when a daemon is back.

mod act;
mod events;
mod files;
mod follow;
mod look;
mod terminal;

pub(crate) use act::act;
pub(crate) use events::events;
pub(crate) use follow::Follower;
pub(crate) use look::looks;
pub(crate) use terminal::{keys, signals};

use std::time::Duration;

use ostler_client::{Client, Error, Home, connect_living};

/// Pause before a daemon is looked for again.
const AGAIN: Duration = Duration::from_millis(500);

/// Connects to a daemon that runs; starts none.
fn connect(home: &Home) -> Result<Client, Error> {
    connect_living(home)?.ok_or_else(|| Error::NotRunning { socket: home.socket() })
}

/// Says in a line why there is no answer.
fn why(error: &Error) -> String {
    match error {
        Error::NotRunning { .. } => "it does not run; `ostler list` starts it".to_owned(),
        other => other.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}
