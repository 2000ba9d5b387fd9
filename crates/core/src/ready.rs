//! What makes a run ready, where its app says more than that it was started.

use crate::health_check::Probe;

/// What makes a run ready (`ready`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// It sends the message `ready` on its IPC channel, as with `wait_ready`.
    Message,
    /// A process of it listens on this TCP port; `None`: on any.
    Listens {
        /// The number of the port.
        port: Option<u16>,
    },
    /// The answer to a question, which is asked until it is good.
    Answers(Probe),
    /// It writes a line that has this text.
    Line {
        /// Part of the line.
        text: String,
    },
    /// It sends `READY=1` to the socket that `NOTIFY_SOCKET` names, as to systemd.
    Notifies,
}

impl Ready {
    /// Returns what the run is to do: `listen on port 3000`, as it follows "it did not".
    #[must_use]
    pub fn to_do(&self) -> String {
        match self {
            Self::Message => "say `ready`".to_owned(),
            Self::Listens { port: Some(port) } => format!("listen on port {port}"),
            Self::Listens { port: None } => "listen on a port".to_owned(),
            Self::Answers(Probe::Http { url }) => format!("answer `GET {url}`"),
            Self::Answers(Probe::Tcp { address } | Probe::Grpc { address, .. }) => {
                format!("answer at `{address}`")
            }
            Self::Answers(Probe::Exec { command }) => format!("pass `{command}`"),
            Self::Line { text } => format!("write a line with `{text}`"),
            Self::Notifies => "send `READY=1`".to_owned(),
        }
    }
}
