//! `syslog-tls`: passes messages of syslog on over TLS (RFC 5425), each with its length before it.
//!
//! Problem: the manager has no TLS, and must know what was passed on. Rule: messages come on
//! standard input; each that was given to the connection is answered with one byte on standard
//! output. Whatever goes wrong ends this program with a complaint, and the manager starts another.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ostler_sinks::tcp::{PATIENCE, connect};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, SignatureScheme, SupportedProtocolVersion,
};

use crate::failed::Failed;
use crate::trust::{certificates, not_trusted, read, trusted};

/// So long it is waited before the first message whether a receiver closes the connection at once,
/// as rsyslog does with somebody whose certificate is known but not permitted.
const SETTLES: Duration = Duration::from_millis(500);
/// The longest message, bytes, and the most digits of a length.
const LONGEST: usize = 64 << 10;
const DIGITS: usize = 6;

/// Which files encrypt.
#[derive(Default)]
struct Files {
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// Passes messages on until standard input ends.
pub fn run(address: &str, options: &[&str]) -> Result<(), Failed> {
    let files = Files::of(options)?;
    let mut link = Link::open(address, &files)?;
    let cut = |error: io::Error| Failed::new(format!("`{address}`: {error}"));
    link.settle().and_then(|()| link.pass_on()).map_err(cut)
}

impl Files {
    fn of(options: &[&str]) -> Result<Self, Failed> {
        let mut files = Self::default();
        for pair in options.chunks(2) {
            match pair {
                ["--ca", path] => files.ca = Some(path.into()),
                ["--cert", path] => files.cert = Some(path.into()),
                ["--key", path] => files.key = Some(path.into()),
                other => {
                    let other = other.join(" ");
                    let other = ostler_text::shown(&other);
                    return Err(Failed::new(format!("`{other}` is not known")));
                }
            }
        }
        Ok(files)
    }

    fn roots(&self) -> Result<RootCertStore, Failed> {
        let how = "give the sink a file of them: `ca: \"/etc/ssl/my-ca.pem\"`";
        trusted(self.ca.as_deref(), how).map_err(Failed::new)
    }

    fn identity(&self) -> Result<Option<Arc<CertifiedKey>>, Failed> {
        let (Some(cert), Some(path)) = (&self.cert, &self.key) else { return Ok(None) };
        let unusable = |why: String| {
            Failed::new(format!("the key in `{}` cannot be used: {why}", path.display()))
        };
        let key = PrivateKeyDer::from_pem_slice(&read(path).map_err(Failed::new)?);
        let key = key.map_err(|error| unusable(error.to_string()))?;
        let chain = certificates(cert).map_err(Failed::new)?;
        let identity = CertifiedKey::from_der(chain, key, &ring::default_provider());
        identity.map(|of| Some(Arc::new(of))).map_err(|error| unusable(error.to_string()))
    }
}

/// Our certificate, and whether the receiver wanted to see one.
#[derive(Debug)]
struct Identity {
    of: Option<Arc<CertifiedKey>>,
    is_asked: AtomicBool,
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.is_asked.store(true, Ordering::Relaxed);
        self.of.clone()
    }

    fn has_certs(&self) -> bool {
        self.of.is_some()
    }
}

/// A connection that is encrypted.
struct Link {
    stream: TcpStream,
    tls: ClientConnection,
}

impl Link {
    fn open(address: &str, files: &Files) -> Result<Self, Failed> {
        let (host, _) = address.rsplit_once(':').unwrap_or((address, ""));
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Failed::new(format!("`{host}` is no name of a host")))?;
        let (roots, of) = (Arc::new(files.roots()?), files.identity()?);
        let failed = |error: io::Error| Failed::new(format!("`{address}`: {error}"));
        let try_it = |versions: &[&'static SupportedProtocolVersion]| {
            let identity = Arc::new(Identity { of: of.clone(), is_asked: AtomicBool::new(false) });
            let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_protocol_versions(versions)
                .map_err(io::Error::other)?
                .with_root_certificates(Arc::clone(&roots))
                .with_client_cert_resolver(Arc::<Identity>::clone(&identity));
            let link = Self::shake_hands(address, name.clone(), config)?;
            Ok::<_, io::Error>((link, identity.is_asked.load(Ordering::Relaxed)))
        };
        // In TLS 1.3 a receiver says only after the first messages that it does not want our
        // certificate, and they would be lost. In TLS 1.2 it says so before.
        let newest = if of.is_some() { vec![&TLS12] } else { vec![&TLS13, &TLS12] };
        let (link, is_asked) = try_it(&newest).map_err(failed)?;
        let is_late = link.tls.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
        if is_asked && is_late {
            return Ok(try_it(&[&TLS12]).map_err(failed)?.0);
        }
        Ok(link)
    }

    fn shake_hands(
        address: &str,
        name: ServerName<'static>,
        config: ClientConfig,
    ) -> io::Result<Self> {
        let tls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let mut link = Self { stream: connect(address)?, tls };
        while link.tls.is_handshaking() {
            link.tls.complete_io(&mut link.stream).map_err(late)?;
        }
        Ok(link)
    }

    /// Sees whether the connection stays.
    fn settle(&mut self) -> io::Result<()> {
        let until = Instant::now() + SETTLES;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            let mut polled = [PollFd::new(&self.stream, PollFlags::IN)];
            match rustix::event::poll(&mut polled, Some(&left)) {
                Ok(0) => return Ok(()),
                Ok(_) => self.hear()?,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let (mut waiting, mut room) = (Vec::new(), vec![0; LONGEST]);
        loop {
            let stdin = io::stdin();
            let mut polled =
                [PollFd::new(&self.stream, PollFlags::IN), PollFd::new(&stdin, PollFlags::IN)];
            match rustix::event::poll(&mut polled, None) {
                Err(rustix::io::Errno::INTR) => continue,
                ready => ready?,
            };
            let [heard, given] = polled.map(|of| !of.revents().is_empty());
            if heard {
                self.hear()?;
            } else if given {
                let read = rustix::io::read(&stdin, &mut room)?;
                if read == 0 {
                    self.tls.send_close_notify();
                    return self.flush();
                }
                waiting.extend_from_slice(room.get(..read).unwrap_or_default());
                let (count, length) = whole(&waiting)?;
                self.send(waiting.get(..length).unwrap_or_default())?;
                waiting.drain(..length);
                let mut answers = io::stdout().lock();
                answers.write_all(&vec![b'.'; count])?;
                answers.flush()?;
            }
        }
    }

    /// Reads what the receiver says, which is nothing but matters of TLS, or its end.
    fn hear(&mut self) -> io::Result<()> {
        let closed = || io::Error::other("the receiver has closed the connection");
        if self.tls.read_tls(&mut self.stream).map_err(late)? == 0 {
            return Err(closed());
        }
        let state = self.tls.process_new_packets().map_err(io::Error::other)?;
        if 0 < state.plaintext_bytes_to_read() {
            io::copy(&mut self.tls.reader().take(LONGEST as u64), &mut io::sink()).or_else(
                |error| match error.kind() {
                    io::ErrorKind::WouldBlock => Ok(0),
                    _ => Err(error),
                },
            )?;
        }
        if state.peer_has_closed() {
            return Err(closed());
        }
        self.flush()
    }

    fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let taken = self.tls.writer().write(bytes)?;
            bytes = bytes.get(taken..).unwrap_or_default();
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut self.stream).map_err(late)?;
        }
        Ok(())
    }
}

/// Says it where the receiver took too long, and what is wrong with its certificate.
fn late(error: io::Error) -> io::Error {
    if let Some(why) = not_trusted(&error, "`ca` of the sink") {
        return io::Error::other(why);
    }
    match error.kind() {
        io::ErrorKind::WouldBlock => {
            io::Error::other(format!("no answer within {} s", PATIENCE.as_secs()))
        }
        _ => error,
    }
}

/// Returns how many messages are whole, and how many bytes they have.
fn whole(bytes: &[u8]) -> io::Result<(usize, usize)> {
    let (mut count, mut length) = (0, 0);
    while let Some(rest) = bytes.get(length..).filter(|rest| !rest.is_empty()) {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = rest.get(..digits).and_then(|of| std::str::from_utf8(of).ok());
        match rest.get(digits) {
            None if digits <= DIGITS => break,
            Some(b' ') if 0 < digits && digits <= DIGITS => {}
            _ => return Err(io::Error::other("what came was no message with its length")),
        }
        let Some(message) = number.and_then(|of| of.parse::<usize>().ok()) else { break };
        if LONGEST < message {
            return Err(io::Error::other(format!("a message of {message} bytes is too long")));
        }
        let end = length + digits + 1 + message;
        if bytes.len() < end {
            break;
        }
        (count, length) = (count + 1, end);
    }
    Ok((count, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_messages_are_found_at_every_cut_and_nonsense_is_refused() {
        let stream = b"3 abc10 0123456789" as &[u8];
        for (end, expected) in [(0, 0), (1, 0), (4, 0), (5, 5), (17, 5), (18, 18)] {
            let (count, length) = whole(&stream[..end]).unwrap();
            assert_eq!((count, length), (usize::from(5 <= end) + usize::from(18 <= end), expected));
        }
        for nonsense in ["abc", " 3", "3\nabc", "99999 x", "1234567"] {
            assert!(whole(nonsense.as_bytes()).is_err(), "{nonsense}");
        }
    }
}
