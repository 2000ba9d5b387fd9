//! One client: bytes in, requests out; frames in, bytes out. Never blocks, and holds no more than
//! one request and its answer: the next request is neither read nor worked on before the client has
//! taken the answer to the one before.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;

use ostler_poll::Watched;
use ostler_wire::control::{self, Event, FrameKind, Request};
use serde::Serialize;

use crate::outbox::Outbox;

/// A client that does not read gets no more lines of logs, and no further request of it is worked
/// on, while so much waits for it, bytes.
const STREAM_QUEUED: usize = 1 << 20;

/// What a client's bytes amount to.
#[derive(Debug)]
pub enum Incoming {
    /// A whole request.
    Request(Request),
    /// Bytes that are no request; answered with this and then closed.
    Garbage(String),
    /// The client has left.
    Closed,
    /// Nothing for now.
    Nothing,
}

/// What a reader of logs wants beside lines of output.
#[derive(Debug)]
pub struct Watching {
    /// Of these processes; `None` = all.
    pub ids: Option<Vec<u32>>,
    /// What happens to them.
    pub events: bool,
    /// The daemon's own lines.
    pub own: bool,
    /// That it is told of the beginning.
    pub confirm: bool,
    /// That it misses nothing; apps wait for it.
    pub patient: bool,
}

/// The connection of one client.
#[derive(Debug)]
pub struct Conn {
    stream: Watched<UnixStream>,
    input: Vec<u8>,
    output: Outbox,
    /// A request is being worked on; the next waits in `input`.
    pub busy: bool,
    /// Log lines left out because it does not read.
    pub missed: u64,
    /// It was sent lines for which apps wait, and has not taken them yet.
    pub owes: bool,
    /// It reads logs.
    pub watching: Option<Watching>,
    /// Close when everything is written.
    pub closing: bool,
    /// When it came or was last answered, on the monotonic clock.
    pub since: u64,
    /// In which of the clients' turns it had a request worked on last.
    pub served: u64,
    /// Its next request waits until it has taken its last answer.
    pub held: bool,
    /// The socket may hold more than was read.
    unfilled: bool,
    eof: bool,
}

impl Conn {
    /// Takes a stream that does not block.
    pub fn new(stream: Watched<UnixStream>, now: u64) -> Self {
        Self {
            stream,
            input: Vec::new(),
            output: Outbox::default(),
            busy: false,
            missed: 0,
            owes: false,
            watching: None,
            closing: false,
            since: now,
            served: 0,
            held: false,
            unfilled: false,
            eof: false,
        }
    }

    /// Reads what is there, up to the end of the next request.
    pub fn fill(&mut self) {
        let mut chunk = [0; 16 << 10];
        loop {
            // One that asks on without waiting for answers has it wait in its socket.
            self.unfilled = matches!(control::decode(&self.input), Ok(Some(_)));
            if self.unfilled {
                return;
            }
            match (&*self.stream).read(&mut chunk) {
                Ok(0) => {
                    self.eof = true;
                    return;
                }
                Ok(count) => {
                    self.input.extend(chunk.iter().take(count));
                    if control::MAX_FRAME + 16 < self.input.len() {
                        // More than one request may hold.
                        self.eof = true;
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.eof = true;
                    return;
                }
            }
        }
    }

    /// The next request, if none is being worked on.
    pub fn next(&mut self) -> Incoming {
        if self.busy || self.closing {
            return if self.eof { Incoming::Closed } else { Incoming::Nothing };
        }
        if self.unfilled {
            self.fill();
        }
        let (result, consumed) = match control::decode(&self.input) {
            Ok(None) => return if self.eof { Incoming::Closed } else { Incoming::Nothing },
            Ok(Some(frame)) if frame.kind == FrameKind::Request => {
                let request = serde_json::from_slice::<Request>(frame.payload);
                (
                    request.map_err(|error| format!("this is no request that I know: {error}")),
                    frame.consumed,
                )
            }
            Ok(Some(frame)) => (
                Err(format!("a client sends requests, not {:?} frames", frame.kind)),
                frame.consumed,
            ),
            Err(error) => return Incoming::Garbage(error.to_string()),
        };
        self.input.drain(..consumed);
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        match result {
            Ok(request) => {
                self.busy = true;
                Incoming::Request(request)
            }
            Err(text) => Incoming::Garbage(text),
        }
    }

    /// Whether it asks nothing, and nothing is being sent to it.
    pub fn is_idle(&self) -> bool {
        !self.busy && !self.has_more() && self.queued() == 0
    }

    /// Whether bytes of a further request are there.
    pub fn has_more(&self) -> bool {
        !self.busy && (self.unfilled || !self.input.is_empty())
    }

    /// Bytes that wait for it.
    pub fn queued(&self) -> usize {
        self.output.queued()
    }

    /// Bytes of requests that are held here.
    #[cfg(test)]
    pub fn input_length(&self) -> usize {
        self.input.len()
    }

    /// Queues an event.
    pub fn event(&mut self, event: &Event) {
        self.json(FrameKind::Event, event);
    }

    /// Queues an event of a stream; one that does not read misses it.
    pub fn stream(&mut self, event: &Event) {
        if self.is_slow() {
            self.missed += 1;
        } else {
            self.event(event);
        }
    }

    /// Queues the reply that ends the request at hand.
    pub fn reply(&mut self, reply: &impl Serialize) {
        self.json(FrameKind::Reply, reply);
        self.answered();
    }

    /// Queues text that ends the request at hand.
    pub fn raw(&mut self, text: String) {
        let output = self.output.bytes();
        if output.is_empty() {
            // A large text is not copied: its memory becomes the output.
            *output = control::into_frame(FrameKind::Raw, text.into_bytes());
        } else {
            control::encode(FrameKind::Raw, text.as_bytes(), output);
        }
        self.answered();
    }

    fn answered(&mut self) {
        self.busy = false;
        self.since = crate::clock::monotonic();
    }

    /// Whether it reads logs and misses nothing: apps wait for it.
    pub fn is_patient(&self) -> bool {
        self.watching.as_ref().is_some_and(|watching| watching.patient)
    }

    /// Whether it was sent lines for which apps wait, and has taken them all.
    pub fn has_taken(&mut self) -> bool {
        self.queued() == 0 && std::mem::take(&mut self.owes)
    }

    /// Whether a stream of lines should pause.
    pub fn is_slow(&self) -> bool {
        STREAM_QUEUED < self.queued()
    }

    /// Writes what the socket takes. `false`: the connection is over.
    pub fn flush(&mut self) -> bool {
        self.output.flush(&self.stream) && (0 < self.queued() || !self.closing)
    }

    fn json<T: Serialize>(&mut self, kind: FrameKind, value: &T) {
        if control::encode_json(kind, value, self.output.bytes()).is_err() {
            // Our own types have nothing that JSON cannot say; a client without an answer would
            // wait for ever.
            self.closing = true;
        }
    }
}
