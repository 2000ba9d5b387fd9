//! One client of PM2's: bytes in, calls out; answers in, bytes out. Never blocks, and holds no more
//! than the call at hand and what is answered and not taken.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;

use ostler_pm2::amp;
use ostler_pm2::rpc::{Answer, Call};
use ostler_poll::Watched;

use crate::outbox::Outbox;
use crate::sys;

/// No further call of a client is worked on while so much waits for it, bytes.
const SLOW: usize = 1 << 20;
/// No further call of a client is worked on while it waits for so many.
const MOST_OPEN: usize = 256;

/// What a client's bytes amount to.
#[derive(Debug)]
pub enum Incoming {
    /// A whole call.
    Call(Box<Call>),
    /// Bytes that are no call; answered with this and then closed.
    Garbage(String),
    /// Nothing for now.
    Nothing,
}

/// The connection of one client.
#[derive(Debug)]
pub struct Conn {
    stream: Watched<UnixStream>,
    input: Vec<u8>,
    output: Outbox,
    /// Calls that it waits for.
    pub open: usize,
    /// Close when everything is written.
    closing: bool,
    /// The socket may hold more than was read.
    unfilled: bool,
    eof: bool,
}

impl Conn {
    /// Takes a stream that does not block.
    pub fn new(stream: Watched<UnixStream>) -> Self {
        Self {
            stream,
            input: Vec::new(),
            output: Outbox::default(),
            open: 0,
            closing: false,
            unfilled: false,
            eof: false,
        }
    }

    /// Reads what is there, up to the end of the next call.
    pub fn fill(&mut self) {
        let mut chunk = [0; 16 << 10];
        loop {
            self.unfilled = !matches!(amp::decode(&self.input), Ok(None));
            if self.unfilled || self.eof {
                return;
            }
            match (&*self.stream).read(&mut chunk) {
                Ok(0) => self.eof = true,
                Ok(count) => self.input.extend(chunk.iter().take(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.eof = true,
            }
        }
    }

    /// Whether the client has taken everything that it was told.
    pub fn has_read_all(&self) -> bool {
        self.queued() == 0 && sys::unread(&*self.stream) == Some(0)
    }

    /// Whether its next call waits until it has taken answers.
    pub fn is_held(&self) -> bool {
        SLOW < self.queued() || MOST_OPEN <= self.open
    }

    /// Whether bytes of a further call are there, or may be.
    pub fn has_more(&self) -> bool {
        self.unfilled && !self.closing
    }

    /// Takes the next call.
    pub fn next(&mut self) -> Incoming {
        if self.closing {
            return Incoming::Nothing;
        }
        if self.unfilled {
            self.fill();
        }
        let (call, consumed) = match amp::decode(&self.input) {
            Ok(None) => return Incoming::Nothing,
            Ok(Some(frame)) => (Box::new(Call::read(&frame)), frame.consumed),
            Err(error) => {
                self.input = Vec::new();
                return Incoming::Garbage(error.to_string());
            }
        };
        self.input.drain(..consumed);
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        Incoming::Call(call)
    }

    /// Queues an answer.
    pub fn answer(&mut self, id: &str, answer: Answer) {
        answer.write(id, self.output.bytes());
    }

    /// Whether it has left, and nothing is owed to it.
    pub fn is_over(&self) -> bool {
        self.eof && !self.unfilled && self.open == 0 && self.queued() == 0
    }

    /// Ends when everything is written.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// Bytes that wait for it.
    pub fn queued(&self) -> usize {
        self.output.queued()
    }

    /// Number of the peer's process.
    pub fn peer(&self) -> Option<u32> {
        let peer = rustix::net::sockopt::socket_peercred(&*self.stream).ok()?;
        u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
    }

    /// Writes what the socket takes. `false`: the connection is over.
    pub fn flush(&mut self) -> bool {
        self.output.flush(&self.stream) && (0 < self.queued() || !self.closing)
    }
}
