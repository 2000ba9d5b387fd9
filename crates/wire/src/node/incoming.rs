//! One message of a worker, understood as far as a primary needs it.

use std::borrow::Cow;

use super::{Query, scan};

/// A message of a worker. Texts borrow from the [`Framer`](super::Framer) where they can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// The runtime is up; no line of the application has run.
    Online {
        /// The worker's number for this message.
        seq: i64,
    },
    /// Wants a listener. Without an answer its `listen()` hangs.
    QueryServer {
        /// To be acknowledged with.
        seq: i64,
        /// The listener that it wants.
        query: Box<Query>,
    },
    /// A server of the worker is usable.
    Listening {
        /// Its query, with the real port.
        query: Box<Query>,
    },
    /// Has no use for the listener any more.
    Close {
        /// The key from our answer.
        key: Cow<'a, str>,
        /// The worker's number for this message: questions with a greater one came later.
        seq: Option<i64>,
    },
    /// The worker is about to leave by its own will, and waits for the acknowledgement.
    ExitedAfterDisconnect {
        /// To be acknowledged with.
        seq: i64,
    },
    /// Answers a message of ours.
    Ack {
        /// Our number. 0 is a number like any other.
        ack: i64,
        /// It took the connection, if it was about one.
        accepted: Option<bool>,
    },
    /// Sends a descriptor, which is beside this in the [`Message`](super::Message).
    Handle(Handle<'a>),
    /// Got our descriptor.
    HandleAck,
    /// Got our message without its descriptor.
    HandleNack,
    /// Asks to be told when all the sockets of this server that it gave away are closed.
    SocketNotifyClose {
        /// The server, in the worker's words.
        key: Cow<'a, str>,
    },
    /// Asks how many of the sockets of this server that it gave away are open.
    SocketGetCount {
        /// The server, in the worker's words.
        key: Cow<'a, str>,
    },
    /// For us, or rather for whoever listens to the application: one JSON value.
    User(Cow<'a, str>),
    /// Meant for a primary, but nothing we know.
    UnknownInternal(Cow<'a, str>),
    /// Not a message at all.
    Garbage(Nonsense),
}

/// A message that carries a descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle<'a> {
    /// The kind of descriptor.
    pub kind: HandleType,
    /// The message proper: one JSON value.
    pub message: Cow<'a, str>,
    /// Of a `net.Socket` that a `net.Server` had accepted: that server.
    pub key: Option<Cow<'a, str>>,
    /// Of a `dgram.Socket`: `udp4` or `udp6`.
    pub dgram_type: Option<Cow<'a, str>>,
}

/// The `type` of a handle message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandleType {
    /// Raw stream handle, `net.Native`: the cluster's own.
    NetNative,
    /// Raw UDP handle, `dgram.Native`: the cluster's own.
    DgramNative,
    /// Connected stream, `net.Socket`.
    NetSocket,
    /// Listening stream, `net.Server`.
    NetServer,
    /// UDP socket, `dgram.Socket`.
    DgramSocket,
    /// Bound TCP socket, `net.BoundSocket` (Node 26).
    BoundSocket,
    /// A type that is not known here.
    Unknown,
}

impl HandleType {
    /// The word on the wire; empty for [`HandleType::Unknown`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NetNative => "net.Native",
            Self::DgramNative => "dgram.Native",
            Self::NetSocket => "net.Socket",
            Self::NetServer => "net.Server",
            Self::DgramSocket => "dgram.Socket",
            Self::BoundSocket => "net.BoundSocket",
            Self::Unknown => "",
        }
    }

    fn parse(word: &str) -> Self {
        let all = [
            Self::NetNative,
            Self::DgramNative,
            Self::NetSocket,
            Self::NetServer,
            Self::DgramSocket,
            Self::BoundSocket,
        ];
        all.into_iter().find(|kind| kind.as_str() == word).unwrap_or(Self::Unknown)
    }
}

/// Why a line is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nonsense {
    /// Nothing between two newlines.
    Empty,
    /// Not one JSON value.
    NotJson,
    /// Longer than the limit; it was thrown away.
    TooLong,
}

impl<'a> Incoming<'a> {
    /// Understands one line, without its newline and mark.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Self {
        if let Some(quick) = quick(line) {
            return quick;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            return Self::Garbage(Nonsense::Empty);
        }
        if !scan::is_json(line) {
            return Self::Garbage(Nonsense::NotJson);
        }
        let mut cmd = None;
        for (key, raw) in scan::members(line) {
            if key == b"cmd" {
                cmd = scan::text(raw);
            }
        }
        let internal = match cmd.as_deref() {
            Some(word) if word.len() > 5 && word.starts_with("NODE_") => word,
            _ => return Self::User(String::from_utf8_lossy(line)),
        };
        let parsed = match internal {
            "NODE_CLUSTER" => cluster(line),
            "NODE_HANDLE" => handle(line),
            "NODE_HANDLE_ACK" => Some(Self::HandleAck),
            "NODE_HANDLE_NACK" => Some(Self::HandleNack),
            "NODE_SOCKET_NOTIFY_CLOSE" => {
                field(line, b"key").map(|key| Self::SocketNotifyClose { key })
            }
            "NODE_SOCKET_GET_COUNT" => field(line, b"key").map(|key| Self::SocketGetCount { key }),
            _ => None,
        };
        parsed.unwrap_or_else(|| Self::UnknownInternal(String::from_utf8_lossy(line)))
    }
}

/// The two answers to a connection, byte for byte as every Node writes them. Anything that looks a
/// little different goes the long way.
fn quick<'a>(line: &[u8]) -> Option<Incoming<'a>> {
    if line == br#"{"cmd":"NODE_HANDLE_ACK"}"# {
        return Some(Incoming::HandleAck);
    }
    let rest = line.strip_prefix(br#"{"cmd":"NODE_CLUSTER","ack":"#)?;
    let (ack, rest) = digits(rest)?;
    let rest = rest.strip_prefix(br#","accepted":"#)?;
    let (accepted, rest) = match rest.strip_prefix(b"true") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix(b"false")?),
    };
    let (_seq, rest) = digits(rest.strip_prefix(br#","seq":"#)?)?;
    (rest == b"}").then_some(Incoming::Ack { ack, accepted: Some(accepted) })
}

/// A plain number in front of `bytes`, and what follows.
fn digits(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = bytes.split_at_checked(length)?;
    // 18 digits cannot overflow; a leading zero is not JSON.
    if !(1..=18).contains(&length) || (length > 1 && number.first() == Some(&b'0')) {
        return None;
    }
    Some((number.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')), rest))
}

fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<Cow<'a, str>> {
    scan::members(line).filter(|(key, _)| *key == name).last().and_then(|(_, raw)| scan::text(raw))
}

fn cluster(line: &[u8]) -> Option<Incoming<'_>> {
    let (mut act, mut ack, mut accepted, mut seq, mut key) = (None, None, None, None, None);
    let mut query = Query::default();
    for (name, raw) in scan::members(line) {
        match name {
            b"act" => act = scan::text(raw),
            b"ack" => ack = scan::integer(raw),
            b"accepted" => accepted = scan::boolean(raw),
            b"seq" => seq = scan::integer(raw),
            b"key" => key = scan::text(raw),
            _ => query.set(name, raw),
        }
    }
    if let Some(ack) = ack {
        return Some(Incoming::Ack { ack, accepted });
    }
    Some(match act.as_deref()? {
        "online" => Incoming::Online { seq: seq.unwrap_or(0) },
        "queryServer" => Incoming::QueryServer { seq: seq?, query: Box::new(query) },
        "listening" => Incoming::Listening { query: Box::new(query) },
        "close" => Incoming::Close { key: key?, seq },
        "exitedAfterDisconnect" => Incoming::ExitedAfterDisconnect { seq: seq? },
        _ => return None,
    })
}

fn handle(line: &[u8]) -> Option<Incoming<'_>> {
    let mut handle = Handle {
        kind: HandleType::Unknown,
        message: Cow::Borrowed("null"),
        key: None,
        dgram_type: None,
    };
    for (name, raw) in scan::members(line) {
        match name {
            b"type" => {
                handle.kind =
                    scan::text(raw).map_or(HandleType::Unknown, |word| HandleType::parse(&word));
            }
            b"msg" => handle.message = String::from_utf8_lossy(raw),
            b"key" => handle.key = scan::text(raw),
            b"dgramType" => handle.dgram_type = scan::text(raw),
            _ => {}
        }
    }
    Some(Incoming::Handle(handle))
}
