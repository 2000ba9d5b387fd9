//! A health check, as an app asks for it.

use crate::Millis;

/// A health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The question that is asked.
    pub probe: Probe,
    /// Time between two probes, ms.
    pub interval: Millis,
    /// Time one probe may take, ms.
    pub timeout: Millis,
    /// Failed probes in a row that make it unhealthy.
    pub retries: u32,
    /// Failed probes in a row after which a run that serves is restarted; `None`: never.
    pub restart_after: Option<u32>,
    /// How long a run is not asked for that after its start, ms.
    pub grace: Millis,
}

/// The question of a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// `GET` on this URL must answer 2xx or 3xx.
    Http {
        /// The whole address, as `http://host:port/path`.
        url: String,
    },
    /// A connection to `host:port` must be accepted.
    Tcp {
        /// Where to connect to, as `host:port`.
        address: String,
    },
    /// A gRPC server must say that it serves, by `grpc.health.v1.Health`.
    Grpc {
        /// Where to connect to, as `host:port`.
        address: String,
        /// The service that is asked about; empty: the server as a whole.
        service: String,
    },
    /// This shell command must exit with 0.
    Exec {
        /// Run by `sh -c` in the app's directory and environment.
        command: String,
    },
}
