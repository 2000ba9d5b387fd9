//! Connections that are encrypted, by a certificate and a key from files.
//!
//! Problem: a certificate is renewed every few weeks, and a server that has read it once shows the
//! old one until somebody starts it again. Rule: the files are looked at when somebody connects, at
//! most once in a second, and read when they are others. What cannot be used is warned of once, and
//! the one before goes on.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::failed::Failed;
use crate::say::warn;

/// How long the files are taken to be the same.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Files {
    /// The certificate, and those that lead to its issuer, as PEM.
    pub(crate) certificate: PathBuf,
    /// Its private key, as PEM.
    pub(crate) key: PathBuf,
}

/// Which files were read: they are others when one of these is another.
type Seen = [(u64, u64, i64, i64); 2];

impl Files {
    /// Reads both, and sees that they fit.
    pub(crate) fn load(&self) -> Result<TlsAcceptor, Failed> {
        let chain = read(&self.certificate, "certificate")?;
        let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>();
        let certificate = self.certificate.display();
        let chain = chain.map_err(|error| {
            Failed::new(format!("cannot read the certificate in `{certificate}`: {error}"))
        })?;
        if chain.is_empty() {
            return Err(Failed::new(format!("there is no certificate in `{certificate}`"))
                .hint("it is a file with `-----BEGIN CERTIFICATE-----` in it"));
        }
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key, "key")?);
        let shown = self.key.display();
        let key = key.map_err(|error| match error {
            pem::Error::NoItemsFound => {
                Failed::new(format!("there is no private key in `{shown}`"))
                    .hint("it is a file with `-----BEGIN PRIVATE KEY-----` in it, not encrypted")
            }
            other => Failed::new(format!("cannot read the key in `{shown}`: {other}")),
        })?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
        let mut config = config.map_err(|error| {
            Failed::new(format!(
                "the key in `{shown}` cannot be used with the certificate in `{certificate}`: \
                 {error}"
            ))
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    fn seen(&self) -> io::Result<Seen> {
        let one = |path: &Path| {
            let meta = fs::metadata(path)?;
            Ok::<_, io::Error>((meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()))
        };
        Ok([one(&self.certificate)?, one(&self.key)?])
    }
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>, Failed> {
    fs::read(path).map_err(|error| {
        Failed::new(format!("cannot read the {what} in `{}`: {error}", path.display()))
    })
}

/// What connections are encrypted by.
pub(super) struct Certificate {
    files: Files,
    now: Mutex<Now>,
}

struct Now {
    acceptor: TlsAcceptor,
    /// The files that were read last, whether they could be used or not.
    seen: Option<Seen>,
    looked_at: Instant,
}

impl Certificate {
    /// Reads the files for the first time.
    pub(super) fn new(files: Files) -> Result<Self, Failed> {
        let seen = files.seen().ok();
        let now = Now { acceptor: files.load()?, seen, looked_at: Instant::now() };
        Ok(Self { files, now: Mutex::new(now) })
    }

    /// What the next connection is encrypted by.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if LOOKS_EVERY <= now.looked_at.elapsed() {
            now.looked_at = Instant::now();
            let seen = self.files.seen().ok();
            if seen.is_some() && seen != now.seen {
                now.seen = seen;
                match self.files.load() {
                    Ok(acceptor) => now.acceptor = acceptor,
                    Err(why) => warn(&format!("{why}\nthe certificate before is used on")),
                }
            }
        }
        now.acceptor.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = include_str!("../../tests/tls/one.pem");
    const OTHER: &str = include_str!("../../tests/tls/other.pem");

    fn load(certificate: &str, key: &str) -> Result<(), String> {
        let dir = tempfile::tempdir().unwrap();
        let files =
            Files { certificate: dir.path().join("cert.pem"), key: dir.path().join("key.pem") };
        fs::write(&files.certificate, certificate).unwrap();
        fs::write(&files.key, key).unwrap();
        let here = format!("{}/", dir.path().display());
        files.load().map(|_| ()).map_err(|why| why.to_string().replace(&here, ""))
    }

    #[test]
    fn a_key_and_its_certificate_may_stand_in_one_file_and_others_are_refused() {
        assert_eq!(load(ONE, ONE), Ok(()));
        for (certificate, key, says) in [
            ("", ONE, "there is no certificate in `cert.pem`\nhint: it is a file with"),
            (ONE, "", "there is no private key in `key.pem`\nhint: it is a file with"),
            (ONE, OTHER, "the key in `key.pem` cannot be used with the certificate in `cert.pem`"),
            ("-----BEGIN CERTIFICATE-----\n", ONE, "cannot read the certificate in `cert.pem`: "),
        ] {
            let why = load(certificate, key).unwrap_err();
            assert!(why.starts_with(&format!("error: {says}")), "{why}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let files = Files { certificate: "/nosuch/cert".into(), key: "/nosuch/key".into() };
        let why = files.load().map(|_| ()).unwrap_err().to_string();
        assert!(why.starts_with("error: cannot read the certificate in `/nosuch/cert`: "), "{why}");
    }
}
