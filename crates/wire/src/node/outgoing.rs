//! The lines that a primary writes to a worker. Each function appends one whole line.
//!
//! A line that is not JSON throws inside the worker and kills it, so nothing else may make such
//! bytes. Descriptors travel beside the line's first byte; that is the caller's part. Keys, numbers
//! and acknowledgements are the caller's, `data` is raw JSON as it came in the query.

use std::net::IpAddr;

use super::{HandleType, Mark, scan};

/// The real address of a TCP listener, as `server.address()` will show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sockname {
    /// The IP address that it is bound to.
    pub address: IpAddr,
    /// Must be the port that was asked for, unless that was 0.
    pub port: u16,
}

/// The fields that every answer to a query has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The `seq` of the query.
    pub ack: i64,
    /// Our own number.
    pub seq: u64,
    /// The listener's key.
    pub key: &'a str,
    /// Raw JSON, shared by all workers of the listener.
    pub data: Option<&'a str>,
}

/// The text is not one JSON value: no worker may ever see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJson;

impl std::fmt::Display for NotJson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("message for a worker is not one JSON value")
    }
}

impl std::error::Error for NotJson {}

/// Answers a query: connections will come one by one. `sockname` must be absent for a UNIX socket.
pub fn answer_round_robin(
    out: &mut Vec<u8>,
    mark: Mark,
    answer: Answer<'_>,
    sockname: Option<&Sockname>,
) {
    begin(out, mark);
    out.extend_from_slice(b"{\"cmd\":\"NODE_CLUSTER\",\"errno\":null");
    body(out, answer);
    if let Some(name) = sockname {
        let family = if name.address.is_ipv4() { "IPv4" } else { "IPv6" };
        out.extend_from_slice(b",\"sockname\":{\"address\":");
        string(out, &name.address.to_string());
        out.extend_from_slice(b",\"family\":\"");
        out.extend_from_slice(family.as_bytes());
        out.extend_from_slice(b"\",\"port\":");
        number(out, u64::from(name.port));
        out.push(b'}');
    }
    out.extend_from_slice(b"}\n");
}

/// Answers a query with the socket itself, which travels with it; `kind` is one of the two types
/// of native handles.
pub fn answer_shared(out: &mut Vec<u8>, mark: Mark, answer: Answer<'_>, kind: HandleType) {
    begin(out, mark);
    out.extend_from_slice(b"{\"cmd\":\"NODE_HANDLE\",\"type\":\"");
    out.extend_from_slice(kind.as_str().as_bytes());
    out.extend_from_slice(b"\",\"msg\":{\"cmd\":\"NODE_CLUSTER\",\"errno\":0");
    body(out, answer);
    out.extend_from_slice(b"}}\n");
}

/// Answers a query: it failed with `errno`, a negative Linux error number.
pub fn answer_error(out: &mut Vec<u8>, mark: Mark, answer: Answer<'_>, errno: i32) {
    begin(out, mark);
    out.extend_from_slice(b"{\"cmd\":\"NODE_CLUSTER\",\"errno\":");
    signed(out, i64::from(errno));
    body(out, answer);
    out.extend_from_slice(b"}\n");
}

/// Hands a connection over; its descriptor travels with it.
pub fn new_connection(out: &mut Vec<u8>, mark: Mark, key: &str, seq: u64) {
    begin(out, mark);
    out.extend_from_slice(
        concat!(
            r#"{"cmd":"NODE_HANDLE","type":"net.Native","msg":"#,
            r#"{"cmd":"NODE_CLUSTER","act":"newconn","key":"#,
        )
        .as_bytes(),
    );
    string(out, key);
    out.extend_from_slice(b",\"seq\":");
    number(out, seq);
    out.extend_from_slice(b"}}\n");
}

/// Tells the worker to close its servers, finish its connections and leave.
pub fn disconnect(out: &mut Vec<u8>, mark: Mark, seq: u64) {
    begin(out, mark);
    out.extend_from_slice(b"{\"cmd\":\"NODE_CLUSTER\",\"act\":\"disconnect\",\"seq\":");
    number(out, seq);
    out.extend_from_slice(b"}\n");
}

/// Acknowledges a message that needs nothing more.
pub fn ack(out: &mut Vec<u8>, mark: Mark, ack: i64, seq: u64) {
    begin(out, mark);
    out.extend_from_slice(b"{\"cmd\":\"NODE_CLUSTER\",\"ack\":");
    signed(out, ack);
    out.extend_from_slice(b",\"seq\":");
    number(out, seq);
    out.extend_from_slice(b"}\n");
}

/// The worker's descriptor came.
pub fn handle_ack(out: &mut Vec<u8>, mark: Mark) {
    begin(out, mark);
    out.extend_from_slice(b"{\"cmd\":\"NODE_HANDLE_ACK\"}\n");
}

/// The worker's descriptor did not come.
pub fn handle_nack(out: &mut Vec<u8>, mark: Mark) {
    begin(out, mark);
    out.extend_from_slice(b"{\"cmd\":\"NODE_HANDLE_NACK\"}\n");
}

/// None of the sockets that the worker gave us from this server is open here.
pub fn socket_all_closed(out: &mut Vec<u8>, mark: Mark, key: &str) {
    begin(out, mark);
    out.extend_from_slice(b"{\"cmd\":\"NODE_SOCKET_ALL_CLOSED\",\"key\":");
    string(out, key);
    out.extend_from_slice(b"}\n");
}

/// Tells how many of the sockets that the worker gave us from this server are open here.
pub fn socket_count(out: &mut Vec<u8>, mark: Mark, key: &str, count: u64) {
    begin(out, mark);
    out.extend_from_slice(b"{\"cmd\":\"NODE_SOCKET_COUNT\",\"key\":");
    string(out, key);
    out.extend_from_slice(b",\"count\":");
    number(out, count);
    out.extend_from_slice(b"}\n");
}

/// A message for the application.
///
/// # Errors
/// When `json` is not one JSON value; nothing is appended then.
pub fn user(out: &mut Vec<u8>, json: &str) -> Result<(), NotJson> {
    check(json)?;
    one_line(out, json);
    out.push(b'\n');
    Ok(())
}

/// A message for the application with a descriptor, which travels with it. `dgram_type` goes with
/// `dgram.Socket`. There is no `key`, on purpose: with one, we and the worker would have to count
/// the server's sockets.
///
/// # Errors
/// When `json` is not one JSON value or `kind` has no name; nothing is appended then.
pub fn user_handle(
    out: &mut Vec<u8>,
    mark: Mark,
    kind: HandleType,
    json: &str,
    dgram_type: Option<&str>,
) -> Result<(), NotJson> {
    check(json)?;
    if kind == HandleType::Unknown {
        return Err(NotJson);
    }
    begin(out, mark);
    out.extend_from_slice(b"{\"cmd\":\"NODE_HANDLE\",\"type\":\"");
    out.extend_from_slice(kind.as_str().as_bytes());
    out.push(b'"');
    if let Some(dgram_type) = dgram_type {
        out.extend_from_slice(b",\"dgramType\":");
        string(out, dgram_type);
    }
    out.extend_from_slice(b",\"msg\":");
    one_line(out, json);
    out.extend_from_slice(b"}\n");
    Ok(())
}

fn begin(out: &mut Vec<u8>, mark: Mark) {
    if mark == Mark::Bun {
        out.push(2);
    }
}

fn body(out: &mut Vec<u8>, answer: Answer<'_>) {
    out.extend_from_slice(b",\"key\":");
    string(out, answer.key);
    out.extend_from_slice(b",\"data\":");
    one_line(out, answer.data.unwrap_or("null"));
    out.extend_from_slice(b",\"ack\":");
    signed(out, answer.ack);
    out.extend_from_slice(b",\"seq\":");
    number(out, answer.seq);
}

fn check(json: &str) -> Result<(), NotJson> {
    if scan::is_json(json.as_bytes()) { Ok(()) } else { Err(NotJson) }
}

/// JSON with newlines between its tokens, which is the only place where they can be, on one line.
fn one_line(out: &mut Vec<u8>, json: &str) {
    let from = out.len();
    out.extend_from_slice(json.as_bytes());
    for byte in out.iter_mut().skip(from) {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..=0x1F => {
                let low = HEX.get(usize::from(byte & 15)).copied().unwrap_or(b'0');
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), low]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    number(out, value.unsigned_abs());
}

fn number(out: &mut Vec<u8>, value: u64) {
    let from = out.len();
    let mut left = value;
    loop {
        // A digit always fits.
        out.push(b'0' + u8::try_from(left % 10).unwrap_or(0));
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(from..) {
        digits.reverse();
    }
}
