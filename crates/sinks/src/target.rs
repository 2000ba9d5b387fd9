//! Where lines go: a connection, a process or a file, made when it is needed.

use std::fs::File;
use std::io::{self, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ostler_core::spec::{SinkTarget, SyslogAddress};
use ostler_logs::Opener;
use rustix::io::Errno;
use rustix::net::RecvFlags;

use crate::command::{Command, Runs};
use crate::record::Record;
use crate::tcp::{self, PATIENCE};
use crate::tls::Tls;
use crate::{http, journald, otlp, syslog};

/// What is known of the app whose lines are passed on.
#[derive(Clone)]
pub struct Around {
    /// The name of this machine.
    pub host: String,
    /// Opens files with the rights that the app has.
    pub opener: Arc<dyn Opener>,
    /// How a command is run.
    pub runs: Runs,
    /// The program that encrypts; `None`: nobody knows where it is.
    pub companion: Option<PathBuf>,
}

/// What sending came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// So many of the records were taken.
    pub(crate) taken: usize,
    /// So many of those the receiver does not want, and will never.
    pub(crate) refused: u64,
    /// Why the rest was not taken, or some were refused.
    pub(crate) why: Option<String>,
    /// After how long it may be tried again, where the receiver says so.
    pub(crate) again_in: Option<Duration>,
}

/// A way to a receiver.
pub(crate) struct Target {
    of: SinkTarget,
    around: Around,
    open: Option<Open>,
}

enum Open {
    Datagram(UnixDatagram),
    Udp(UdpSocket),
    Tcp(TcpStream),
    Stream(UnixStream),
    Command(Command),
    Tls(Tls),
    File(File),
}

impl Target {
    pub(crate) fn new(of: SinkTarget, around: Around) -> Self {
        Self { of, around, open: None }
    }

    /// Sends records, in order, as far as they are taken. `stop`: nobody waits any more.
    pub(crate) fn send(&mut self, records: &[Record], stop: &dyn Fn() -> bool) -> Sent {
        if let SinkTarget::Otlp { url, headers } = &self.of {
            return post(url, headers, records, &self.around.host);
        }
        if let SinkTarget::Syslog { address: SyslogAddress::Tls { .. }, facility } = &self.of {
            return self.send_encrypted(*facility, records, stop);
        }
        for (taken, record) in records.iter().enumerate() {
            let passed = self.ready().and_then(|()| self.pass(record, stop));
            if let Err(error) = passed {
                self.open = None;
                return Sent { taken, why: Some(error.to_string()), ..Sent::default() };
            }
        }
        Sent { taken: records.len(), ..Sent::default() }
    }

    fn send_encrypted(
        &mut self,
        facility: u8,
        records: &[Record],
        stop: &dyn Fn() -> bool,
    ) -> Sent {
        let ready = self.ready();
        let host = &self.around.host;
        let messages: Vec<_> =
            records.iter().map(|record| syslog::message(record, facility, host)).collect();
        let (taken, passed) = match (ready, &mut self.open) {
            (Ok(()), Some(Open::Tls(tls))) => tls.send(&messages, stop),
            (ready, _) => (0, ready),
        };
        let why = passed.err().map(|error| error.to_string());
        if why.is_some() {
            self.open = None;
        }
        Sent { taken, why, ..Sent::default() }
    }

    /// Opens the way, if it is not open.
    fn ready(&mut self) -> io::Result<()> {
        if self.open.as_mut().is_some_and(|open| open.is_of_use(&self.of)) {
            return Ok(());
        }
        self.open = None;
        self.open = Some(match &self.of {
            SinkTarget::Syslog { address: SyslogAddress::Unix(path), .. } => unix(path)?,
            SinkTarget::Syslog { address: SyslogAddress::Udp(address), .. } => {
                let to = first_address(address)?;
                let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(any)?;
                socket.connect(to)?;
                Open::Udp(socket)
            }
            SinkTarget::Syslog { address: SyslogAddress::Tcp(address), .. } => {
                Open::Tcp(tcp::connect(address.as_str())?)
            }
            SinkTarget::Syslog { address: address @ SyslogAddress::Tls { .. }, .. } => {
                let companion = self.around.companion.as_deref();
                let lost = || io::Error::other("this program's own file cannot be found");
                Open::Tls(Tls::start(companion.ok_or_else(lost)?, address)?)
            }
            SinkTarget::Journald { socket } => {
                let journal = UnixDatagram::unbound()?;
                journal.connect(socket)?;
                journal.set_write_timeout(Some(PATIENCE))?;
                Open::Datagram(journal)
            }
            SinkTarget::Command { command } => {
                Open::Command(Command::start(command, &self.around.runs)?)
            }
            SinkTarget::File { path } => Open::File(self.around.opener.open(path)?.into()),
            SinkTarget::Otlp { .. } => return Ok(()),
        });
        Ok(())
    }

    fn pass(&mut self, record: &Record, stop: &dyn Fn() -> bool) -> io::Result<()> {
        let message = match &self.of {
            SinkTarget::Syslog { facility, .. } => {
                syslog::message(record, *facility, &self.around.host)
            }
            SinkTarget::Journald { .. } => journald::entry(record),
            SinkTarget::Command { .. } | SinkTarget::File { .. } | SinkTarget::Otlp { .. } => {
                [record.text.as_bytes(), b"\n"].concat()
            }
        };
        let is_journal = matches!(self.of, SinkTarget::Journald { .. });
        match &mut self.open {
            Some(Open::Datagram(socket)) if is_journal => journald::send(socket, &message),
            Some(Open::Datagram(socket)) => socket.send(&message).map(drop),
            Some(Open::Udp(socket)) => socket.send(&message).map(drop),
            Some(Open::Tcp(stream)) => stream.write_all(&syslog::framed(&message)),
            Some(Open::Stream(stream)) => stream.write_all(&syslog::framed(&message)),
            Some(Open::Command(command)) => command.write(&message, stop),
            Some(Open::File(file)) => append(file, &message),
            Some(Open::Tls(tls)) => tls.send(&[message], stop).1,
            None => Ok(()),
        }
    }
}

impl Open {
    /// Whether what is passed now may arrive.
    fn is_of_use(&mut self, of: &SinkTarget) -> bool {
        match self {
            Self::Datagram(_) | Self::Udp(_) => true,
            // Who has closed its end would have it lost.
            Self::Tcp(stream) => is_connected(stream),
            Self::Stream(stream) => is_connected(stream),
            Self::Command(command) => command.runs(),
            Self::Tls(tls) => tls.runs(),
            // Somebody may have rotated it.
            Self::File(file) => {
                let SinkTarget::File { path } = of else { return false };
                let id = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
                path.metadata().ok().map(id) == file.metadata().ok().map(id)
            }
        }
    }
}

/// Whether the other end is open: who has nothing to say has said nothing, not even the end.
fn is_connected(stream: &impl AsFd) -> bool {
    match rustix::net::recv(stream, &mut [0; 64], RecvFlags::DONTWAIT) {
        Ok((_, read)) => 0 < read,
        Err(error) => error == Errno::AGAIN,
    }
}

fn unix(path: &Path) -> io::Result<Open> {
    let socket = UnixDatagram::unbound()?;
    match socket.connect(path) {
        Ok(()) => {
            socket.set_write_timeout(Some(PATIENCE))?;
            Ok(Open::Datagram(socket))
        }
        // It is a stream.
        Err(error) if error.raw_os_error() == Some(Errno::PROTOTYPE.raw_os_error()) => {
            let stream = UnixStream::connect(path)?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(Open::Stream(stream))
        }
        Err(error) => Err(error),
    }
}

fn first_address(address: &str) -> io::Result<std::net::SocketAddr> {
    let none = || io::Error::other(format!("`{address}` has no address"));
    address.to_socket_addrs()?.next().ok_or_else(none)
}

/// Appends a line, whole or not at all.
fn append(file: &mut File, line: &[u8]) -> io::Result<()> {
    let end = io::Seek::seek(file, io::SeekFrom::End(0))?;
    file.write_all(line).inspect_err(|_| {
        // When even that fails, part of a line stays.
        _ = file.set_len(end);
    })
}

fn post(url: &str, headers: &[(String, String)], records: &[Record], host: &str) -> Sent {
    let now = records.iter().map(|record| record.at).max().unwrap_or(0).max(ostler_logs::now_ms());
    let answer = match http::post(url, headers, &otlp::request(records, host, now)) {
        Ok(answer) => answer,
        Err(error) => return Sent { why: Some(error.to_string()), ..Sent::default() },
    };
    let why = Some(format!("it answered {}", answer.status));
    match answer.status {
        200..=299 => match otlp::refused(&answer.body) {
            Some((refused, why)) => {
                Sent { taken: records.len(), refused, why: Some(why), again_in: None }
            }
            None => Sent { taken: records.len(), ..Sent::default() },
        },
        // As OTLP has it: these may be tried again, and no others.
        429 | 502 | 503 | 504 => Sent { why, again_in: answer.retry_after, ..Sent::default() },
        _ => Sent { taken: records.len(), refused: records.len() as u64, why, again_in: None },
    }
}
