//! A receiver of syslog over TLS, with certificates that are made for the test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};

/// Longer than anything here takes; only a failing test waits that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// No two authorities have one name.
static ISSUED: AtomicU32 = AtomicU32::new(0);

/// Who issues certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let number = ISSUED.fetch_add(1, Ordering::Relaxed);
        let name = format!("Authority {number} of {}", std::process::id());
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn certificate(&self) -> String {
        self.0.pem()
    }

    /// Returns a certificate for this name and 127.0.0.1, and its key.
    pub(crate) fn issued(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let names = vec![name.to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

pub(crate) struct Receiver(Arc<ServerConfig>);

impl Receiver {
    /// `asks`: it wants to see certificates that this one has issued.
    pub(crate) fn new(
        of: &Authority,
        version: &'static SupportedProtocolVersion,
        asks: Option<&Authority>,
    ) -> Self {
        let provider = Arc::new(ring::default_provider());
        let (certificate, key) = of.issued("localhost");
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let verifier = match asks {
            None => WebPkiClientVerifier::no_client_auth(),
            Some(who) => {
                let mut roots = RootCertStore::empty();
                let pem = who.certificate();
                roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
                let provider = Arc::clone(&provider);
                WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap()
            }
        };
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key);
        Self(Arc::new(config.unwrap()))
    }

    pub(crate) fn accept(&self, listener: &TcpListener) -> Connection {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let tls = ServerConnection::new(Arc::clone(&self.0)).unwrap();
        Connection(BufReader::new(StreamOwned::new(tls, stream)))
    }

    /// Accepts a connection of somebody who is known, after any of others.
    pub(crate) fn accept_sooner_or_later(&self, listener: &TcpListener) -> Connection {
        loop {
            let mut connection = self.accept(listener);
            if connection.0.fill_buf().is_ok_and(|read| !read.is_empty()) {
                return connection;
            }
        }
    }

    /// Accepts a connection that comes to nothing. Returns what was said over it.
    pub(crate) fn refusal(&self, listener: &TcpListener) -> Vec<u8> {
        let mut said = Vec::new();
        // Why it comes to nothing is told by the other side.
        let _ = self.accept(listener).0.read_to_end(&mut said);
        said
    }
}

pub(crate) struct Connection(BufReader<StreamOwned<ServerConnection, TcpStream>>);

impl Connection {
    /// Closes it as soon as both know who the other is.
    pub(crate) fn hang_up(mut self) {
        let StreamOwned { conn, sock } = self.0.get_mut();
        while conn.is_handshaking() {
            conn.complete_io(sock).unwrap();
        }
    }

    /// Reads the head of a request over HTTP, and answers it with this JSON.
    pub(crate) fn answer(&mut self, json: &str) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "{head}");
        }
        let length = json.len();
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{json}");
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        self.0.get_mut().flush().unwrap();
        head
    }

    /// Reads a message with its length before it. Returns its text.
    #[track_caller]
    pub(crate) fn message(&mut self) -> String {
        let mut length = Vec::new();
        self.0.read_until(b' ', &mut length).unwrap();
        let length: usize = std::str::from_utf8(&length).unwrap().trim().parse().unwrap();
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, text) = text.split_once(" here api 3 out - ").unwrap();
        assert!(head.starts_with("<14>1 20") && head.ends_with('Z'), "{head}");
        text.to_owned()
    }
}
