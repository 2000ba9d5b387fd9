//! `grpc-health`: asks a gRPC server whether it is well, by `grpc.health.v1.Health`.
//!
//! Problem: a question takes HTTP/2, and the manager has no such stack. Rule: the manager makes the
//! connection, as for every other health check, and starts this with it as standard input.

use std::io;
use std::net::TcpStream;
use std::os::fd::AsFd as _;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::handshake;
use hyper::header::{CONTENT_TYPE, HeaderMap, TE};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;

use crate::failed::Failed;

/// The longest answer that is read, bytes.
const LONGEST: usize = 64 << 10;
/// Before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// The question: about which service; about the server as a whole where it is empty.
#[derive(prost::Message)]
struct Asked {
    #[prost(string, tag = "1")]
    service: String,
}

/// What the server says.
#[derive(prost::Message)]
struct Answered {
    #[prost(enumeration = "Health", tag = "1")]
    status: i32,
}

/// How a service is, by the numbers of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
enum Health {
    Unknown = 0,
    Serving = 1,
    NotServing = 2,
    ServiceUnknown = 3,
}

/// Asks over the connection that is standard input. `authority` is what the server is called.
pub fn run(authority: &str, service: &str) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|error| Failed::new(format!("cannot start the health check: {error}")))?;
    runtime.block_on(ask(authority, service)).map_err(Failed::new)
}

async fn ask(authority: &str, service: &str) -> Result<(), String> {
    let stream = connection().map_err(|error| format!("standard input is no socket: {error}"))?;
    let failed = |error: hyper::Error| format!("no answer by HTTP/2: {}", cause(&error));
    let (mut sender, driver) =
        handshake(TokioExecutor::new(), TokioIo::new(stream)).await.map_err(failed)?;
    let driver = tokio::spawn(driver);
    let request = Request::post(format!("http://{authority}/grpc.health.v1.Health/Check"))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .body(Full::new(message(&Asked { service: service.to_owned() })))
        .map_err(|error| format!("`{authority}` cannot be asked: {error}"))?;
    let answer = sender.send_request(request).await.map_err(failed)?;
    let told = read(answer, service).await;
    driver.abort();
    told
}

/// Returns the connection that this program was given.
fn connection() -> io::Result<tokio::net::TcpStream> {
    let stream = TcpStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    stream.peer_addr()?;
    stream.set_nonblocking(true)?;
    tokio::net::TcpStream::from_std(stream)
}

/// A message as gRPC sends it, not compressed.
fn message(message: &impl prost::Message) -> Bytes {
    let text = message.encode_to_vec();
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&[0], &length.to_be_bytes()[..], &text].concat().into()
}

async fn read(answer: Response<Incoming>, service: &str) -> Result<(), String> {
    if answer.status() != StatusCode::OK {
        return Err(format!("it answered {}, which is not gRPC", answer.status()));
    }
    let headers = answer.headers().clone();
    let body = Limited::new(answer.into_body(), LONGEST).collect().await;
    let body = body.map_err(|error| format!("the answer was cut: {error}"))?;
    // What has no message has its status in the headers.
    let trailers = body.trailers().cloned().unwrap_or(headers);
    status(&trailers, service)?;
    let bytes = body.to_bytes();
    let answered = bytes.get(PREFIX..).map(Answered::decode);
    let Some(Ok(answered)) = answered else {
        return Err("it answered with something that is no health".to_owned());
    };
    let what = match service {
        "" => "it".to_owned(),
        service => format!("`{service}`"),
    };
    match answered.status() {
        Health::Serving => Ok(()),
        Health::NotServing => Err(format!("{what} is NOT_SERVING")),
        Health::ServiceUnknown => Err(unknown(service)),
        Health::Unknown => Err(format!("the status of {what} is UNKNOWN")),
    }
}

/// Looks at how the call itself went.
fn status(trailers: &HeaderMap, service: &str) -> Result<(), String> {
    let text = |name: &str| trailers.get(name).and_then(|value| value.to_str().ok());
    match text("grpc-status") {
        Some("0") => Ok(()),
        Some("5") => Err(unknown(service)),
        Some("12") => Err("it does not serve `grpc.health.v1.Health`".to_owned()),
        Some(code) => {
            let said = text("grpc-message").map(|said| format!(": {said}")).unwrap_or_default();
            Err(format!("it answered with the gRPC status {code}{said}"))
        }
        None => Err("it answered without a gRPC status".to_owned()),
    }
}

fn unknown(service: &str) -> String {
    match service {
        "" => "it tells the health of named services only, not of the server as a whole".to_owned(),
        service => format!("it knows no service `{service}`"),
    }
}

/// The innermost reason, which says most.
fn cause(error: &hyper::Error) -> String {
    let first: &dyn std::error::Error = error;
    let last = std::iter::successors(Some(first), |error| error.source()).last();
    last.unwrap_or(first).to_string()
}
