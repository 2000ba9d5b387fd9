//! Where the lines of an app go besides its log files.

use std::fmt;
use std::path::PathBuf;

/// A receiver of the lines of an app.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogSink {
    /// Who it is.
    pub target: SinkTarget,
    /// Lines that are less grave are kept from it: one of [`LogSink::LEVELS`].
    pub level: Option<String>,
}

/// Who receives lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SinkTarget {
    /// A daemon of syslog.
    Syslog {
        /// Where it is.
        address: SyslogAddress,
        /// The number of the facility.
        facility: u8,
    },
    /// The journal of systemd.
    Journald {
        /// The socket of its own protocol.
        socket: PathBuf,
    },
    /// The standard input of a command, which a shell runs.
    Command {
        /// The words of the command.
        command: String,
    },
    /// A file in another place.
    File {
        /// Its absolute path.
        path: PathBuf,
    },
    /// A receiver of OpenTelemetry, over HTTP.
    Otlp {
        /// The URL that records are posted to.
        url: String,
        /// More headers of each request.
        headers: Vec<(String, String)>,
    },
}

/// Where a daemon of syslog is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SyslogAddress {
    /// At this socket of the machine.
    Unix(PathBuf),
    /// At this host and port, by datagrams.
    Udp(String),
    /// At this host and port, by a stream.
    Tcp(String),
    /// At this host and port, by a stream that is encrypted.
    Tls {
        /// The host and the port.
        address: String,
        /// The certificates that its own must come from; `None`: those that the system trusts.
        ca: Option<PathBuf>,
        /// Our own certificate and its key, for a receiver that asks who we are.
        identity: Option<(PathBuf, PathBuf)>,
    },
}

impl LogSink {
    /// Levels, the most harmless first.
    pub const LEVELS: [&'static str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];

    /// Whether lines go to it over TLS.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        matches!(&self.target, SinkTarget::Syslog { address: SyslogAddress::Tls { .. }, .. })
    }
}

impl fmt::Display for SyslogAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Tls { address, .. } => write!(f, "tls://{address}"),
        }
    }
}

impl fmt::Display for SinkTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syslog { address, .. } => write!(f, "syslog {address}"),
            Self::Journald { .. } => f.write_str("journald"),
            Self::Command { command } => write!(f, "command {command}"),
            Self::File { path } => write!(f, "file {}", path.display()),
            Self::Otlp { url, .. } => write!(f, "otlp {url}"),
        }
    }
}
