//! Other machines, whose web API is asked for what runs there.
//!
//! Problem: a page may ask no other host than its own, and a token of another machine is nothing
//! for a browser. Rule: this server asks them, with the tokens of a file that its user alone may
//! read, and tells of each what runs there or why that is not known.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::tokens::private;
use crate::failed::Failed;
use crate::trust::{not_trusted, trusted};

/// How long a machine may take to answer.
const LIMIT: Duration = Duration::from_secs(3);
/// The longest answer that is read, bytes.
const LONGEST: usize = 4 << 20;
/// The most machines.
const MOST: usize = 100;

/// Another machine, and how it is asked.
#[derive(Clone)]
pub(crate) struct Other {
    pub(crate) name: String,
    /// Where its web API is: scheme, host and port.
    pub(crate) url: String,
    host: String,
    port: u16,
    token: String,
    /// How connections to it are encrypted, if they are.
    tls: Option<Arc<ClientConfig>>,
}

impl std::fmt::Debug for Other {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Other({} {})", self.name, self.url)
    }
}

/// Reads a file of machines: lines of `NAME URL TOKEN`, and a file of certificates where the
/// system does not trust that of the machine.
pub(crate) fn load(path: &Path) -> Result<Vec<Other>, Failed> {
    let pasted = path.to_string_lossy();
    let pasted = ostler_shell::word(&pasted);
    let how =
        format!("write one: `(umask 077; echo \"web1 http://10.0.0.1:9615 TOKEN\" > {pasted})`");
    let text = private(path, &how)?;
    parse(&text).map_err(|why| Failed::new(format!("`{}`: {why}", path.display())).hint(how))
}

fn parse(text: &str) -> Result<Vec<Other>, String> {
    let mut all: Vec<Other> = Vec::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let other = Other::of(line).map_err(|why| format!("line {number}: {why}"))?;
        if all.iter().any(|of| of.name == other.name) {
            return Err(format!("line {number}: `{}` is there twice", other.name));
        }
        all.push(other);
    }
    match all.len() {
        0 => Err("there is no machine in it".to_owned()),
        1..=MOST => Ok(all),
        count => Err(format!("there are {count} machines in it, more than {MOST}")),
    }
}

impl Other {
    fn of(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, url, token, ca) = match words.as_slice() {
            [name, url, token] => (*name, *url, *token, None),
            [name, url, token, ca] => (*name, *url, *token, Some(Path::new(ca))),
            _ => return Err("a line is a name, a URL and a token".to_owned()),
        };
        let url = url.trim_end_matches('/');
        let parsed: Uri = url.parse().map_err(|_| format!("`{url}` is no URL"))?;
        let usual = match parsed.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return Err(format!("`{url}` begins with neither `http://` nor `https://`")),
        };
        let is_bare = parsed.path_and_query().is_none_or(|of| of.as_str() == "/");
        let authority = parsed.authority().filter(|of| is_bare && !of.as_str().contains('@'));
        let Some(authority) = authority else {
            return Err(format!("`{url}` has more than a host and a port"));
        };
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the token has a character that none may have".to_owned());
        }
        let is_tls = usual == 443;
        if ca.is_some() && !is_tls {
            return Err("there are certificates for a URL of `http`".to_owned());
        }
        let tls = is_tls.then(|| encrypts(ca)).transpose()?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(usual);
        let (name, url, token) = (name.to_owned(), url.to_owned(), token.to_owned());
        Ok(Self { name, url, host, port, token, tls })
    }

    /// Returns the processes that run there, or why that is not known.
    pub(crate) async fn processes(&self) -> Result<Vec<Value>, String> {
        let asked = tokio::time::timeout(LIMIT, self.ask()).await;
        let asked =
            asked.unwrap_or_else(|_| Err(format!("no answer within {} s", LIMIT.as_secs())));
        asked.map_err(|why| ostler_text::without_numbers(&why))
    }

    async fn ask(&self) -> Result<Vec<Value>, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|error| error.to_string())?;
        let Some(tls) = &self.tls else { return self.ask_over(stream).await };
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| format!("`{}` is no name of a host", self.host))?;
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
        let stream = stream.map_err(|error| {
            not_trusted(&error, "a file of certificates behind the token")
                .unwrap_or_else(|| error.to_string())
        });
        self.ask_over(stream?).await
    }

    async fn ask_over<S>(&self, stream: S) -> Result<Vec<Value>, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let failed = |error: hyper::Error| format!("no answer by HTTP: {error}");
        let (mut sender, driver) = handshake(TokioIo::new(stream)).await.map_err(failed)?;
        let driver = Ended(tokio::spawn(driver));
        let authority = self.url.split("://").nth(1).unwrap_or_default();
        let request = Request::get("/api/v1/processes")
            .header(HOST, authority)
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Empty::<Bytes>::new())
            .map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(failed)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await;
        let body = body.map_err(|error| format!("the answer was cut: {error}"))?.to_bytes();
        drop(driver);
        let mut value: Value = serde_json::from_slice(&body).unwrap_or_default();
        match value.get_mut("processes").map(Value::take) {
            Some(Value::Array(all)) if status.is_success() => Ok(all),
            _ => Err(match value.pointer("/error/message").and_then(Value::as_str) {
                Some(message) => format!("it answered {}: {message}", status.as_u16()),
                None => format!("it answered {}, and is no web API of ostler", status.as_u16()),
            }),
        }
    }
}

/// A task that ends with its owner.
struct Ended<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Ended<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn encrypts(ca: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let how = "name a file of them behind the token";
    let roots = trusted(ca, how)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_machine_and_what_is_none_is_told_with_its_number() {
        let all = parse("# ours\nweb1 http://10.0.0.1:9615/ t1\n\nweb2 http://[::1] t2").unwrap();
        let [one, two] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((one.url.as_str(), one.port), ("http://10.0.0.1:9615", 9615));
        assert_eq!((two.host.as_str(), two.port), ("::1", 80));
        assert!(!format!("{all:?}").contains("t1"), "a token is shown");
        for (text, says) in [
            ("", "there is no machine"),
            ("web1 http://h:1", "line 1: a line is"),
            ("web1 ftp://h t", "line 1: `ftp://h` begins with neither"),
            ("web1 http://h/x t", "line 1: `http://h/x` has more"),
            ("web1 http://u@h t", "line 1: `http://u@h` has more"),
            ("a http://h t\na http://h t", "line 2: `a` is there twice"),
            ("a http://h t /ca.pem", "line 1: there are certificates"),
            ("a https://h t /nosuch/ca.pem", "line 1: cannot read `/nosuch/ca.pem`: No such file"),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.starts_with(says), "{text}: {why}");
        }
    }
}
