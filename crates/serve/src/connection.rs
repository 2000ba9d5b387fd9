//! One connection: a request is read, its answer is sent, and the next one is waited for.
//!
//! Every stage has a deadline. That of a head is fixed when its first byte comes, so that a
//! client that sends a byte now and then holds nothing for long; that of an answer moves as the
//! client takes it.

use std::fs::File;
use std::io::{self, Read as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use ostler_poll::{Interest, Watched};
use rustix::fs::sendfile;
use rustix::io::Errno;
use rustix::net::{SendFlags, send};

use crate::answer::{Answer, Content, Status};
use crate::date;
use crate::log::Log;
use crate::request::{self, Head, Method};
use crate::site::Site;

/// How long a client may keep a connection without a request, in ms.
const IDLE: u64 = 60_000;

/// How long the head of a request may take.
const HEAD: u64 = 10_000;

/// How long a client may take nothing of its answer.
const STALLED: u64 = 30_000;

/// How long is waited for a client to close its side, so that it reads the answer before it learns
/// that the connection is gone.
const LINGER: u64 = 2_000;

/// How much is sent in a turn, so that others have theirs.
const TURN: usize = 1 << 20;

/// How many requests are answered in a turn.
const REQUESTS: u32 = 32;

/// One connection of a client.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: Watched<TcpStream>,
    /// What was read and not answered.
    buffer: Vec<u8>,
    stage: Stage,
    /// When it is given up.
    pub(crate) deadline: u64,
    /// When something last came or went.
    pub(crate) moved: u64,
    /// It has had an answer.
    answered: bool,
}

#[derive(Debug)]
enum Stage {
    /// Nothing of the next request has come.
    Idle,
    /// A part of it has.
    Reading,
    /// An answer is on its way.
    Sending(Sending),
    /// Everything is sent; what still comes is thrown away.
    Closing,
}

#[derive(Debug)]
struct Sending {
    /// The head, and what is small, from `sent` on.
    bytes: Vec<u8>,
    sent: usize,
    rest: Rest,
    keeps: bool,
}

#[derive(Debug)]
enum Rest {
    Nothing,
    Bytes(Arc<[u8]>, usize),
    File { file: File, at: u64, end: u64 },
}

/// What a connection needs of the server.
pub(crate) struct Turn<'t> {
    /// What is served.
    pub(crate) site: &'t mut Site,
    /// Where faults are told.
    pub(crate) log: &'t mut Log,
    /// Monotonic, in ms.
    pub(crate) now: u64,
    /// The server ends: no further request is waited for.
    pub(crate) ends: bool,
}

/// How far a step came.
enum Step {
    /// There is more to do.
    Goes,
    /// The client must do something first.
    Waits(Interest),
    /// It is over.
    Over,
}

impl Connection {
    /// Begins with one that was just accepted.
    pub(crate) fn new(socket: Watched<TcpStream>, now: u64) -> Self {
        Self {
            socket,
            buffer: Vec::new(),
            stage: Stage::Idle,
            deadline: now + HEAD,
            moved: now,
            answered: false,
        }
    }

    /// Whether nobody would miss it: an answer was given, and nothing was asked since.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Idle) && self.answered && self.buffer.is_empty()
    }

    /// Whether not even a byte of a request has come.
    pub(crate) fn has_asked_nothing(&self) -> bool {
        matches!(self.stage, Stage::Idle)
    }

    /// Goes on as far as it can without waiting; `false` when it is over.
    pub(crate) fn drive(&mut self, turn: &mut Turn<'_>) -> bool {
        let (mut room, mut requests) = (TURN, REQUESTS);
        loop {
            let step = match &self.stage {
                Stage::Idle | Stage::Reading => {
                    if requests == 0 {
                        // Somebody who asks without end waits for the others.
                        Ok(Step::Waits(Interest::WRITE))
                    } else {
                        self.read(turn, &mut requests)
                    }
                }
                Stage::Sending(_) => self.send(turn.now, &mut room),
                Stage::Closing => self.discard(),
            };
            match step {
                Ok(Step::Goes) => {}
                Ok(Step::Waits(interest)) => return self.socket.set(interest).is_ok(),
                // The client is gone, which is its own affair.
                Ok(Step::Over) | Err(_) => return false,
            }
        }
    }

    fn read(&mut self, turn: &mut Turn<'_>, requests: &mut u32) -> io::Result<Step> {
        let (answer, used, keeps, with_content) = match request::read(&self.buffer) {
            Head::Whole(request, used) => {
                let answer = turn.site.answer(&request, turn.log);
                (answer, used, request.keeps && !turn.ends, request.method != Method::Head)
            }
            Head::Partial => return self.receive(turn),
            Head::Malformed => (Answer::words(Status::Malformed), self.buffer.len(), false, true),
            Head::TooLong => (Answer::words(Status::TooLong), self.buffer.len(), false, true),
        };
        *requests -= 1;
        self.buffer.drain(..used);
        if self.buffer.is_empty() {
            // Idle connections hold no memory.
            self.buffer = Vec::new();
        }
        let bytes = answer.head(date::now(), keeps);
        let rest = if with_content { Rest::of(answer.content) } else { Rest::Nothing };
        self.stage = Stage::Sending(Sending { bytes, sent: 0, rest, keeps });
        self.answered = true;
        self.deadline = turn.now + STALLED;
        Ok(Step::Goes)
    }

    fn receive(&mut self, turn: &Turn<'_>) -> io::Result<Step> {
        let mut chunk = [0; 4096];
        let read = match (&*self.socket).read(&mut chunk) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Ok(Step::Waits(Interest::READ));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Step::Goes),
            Err(error) => return Err(error),
        };
        let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(Step::Over);
        };
        self.buffer.extend_from_slice(bytes);
        self.moved = turn.now;
        if matches!(self.stage, Stage::Idle) {
            self.stage = Stage::Reading;
            self.deadline = turn.now + HEAD;
        }
        Ok(Step::Goes)
    }

    fn send(&mut self, now: u64, room: &mut usize) -> io::Result<Step> {
        let Stage::Sending(sending) = &mut self.stage else { return Ok(Step::Goes) };
        if *room == 0 {
            return Ok(Step::Waits(Interest::WRITE));
        }
        match sending.advance(&self.socket, *room) {
            Ok(0) => {}
            Ok(sent) => {
                *room = room.saturating_sub(sent);
                (self.moved, self.deadline) = (now, now + STALLED);
                return Ok(Step::Goes);
            }
            Err(Errno::AGAIN) => return Ok(Step::Waits(Interest::WRITE)),
            Err(Errno::INTR) => return Ok(Step::Goes),
            Err(error) => return Err(error.into()),
        }
        if sending.keeps {
            self.stage = if self.buffer.is_empty() { Stage::Idle } else { Stage::Reading };
            self.deadline = now + if self.buffer.is_empty() { IDLE } else { HEAD };
        } else {
            self.socket.shutdown(Shutdown::Write)?;
            self.stage = Stage::Closing;
            self.deadline = now + LINGER;
        }
        Ok(Step::Goes)
    }

    fn discard(&self) -> io::Result<Step> {
        let mut chunk = [0; 4096];
        for _ in 0..REQUESTS {
            match (&*self.socket).read(&mut chunk) {
                Ok(0) => return Ok(Step::Over),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Step::Waits(Interest::READ))
    }
}

impl Sending {
    /// Sends some of it; 0 when nothing is left.
    fn advance(&mut self, socket: &TcpStream, room: usize) -> Result<usize, Errno> {
        if let Some(left) = self.bytes.get(self.sent..).filter(|left| !left.is_empty()) {
            let more = if matches!(self.rest, Rest::Nothing) {
                SendFlags::empty()
            } else {
                SendFlags::MORE
            };
            let sent = send(socket, left, more | SendFlags::NOSIGNAL)?;
            self.sent += sent;
            return Ok(sent);
        }
        match &mut self.rest {
            Rest::Nothing => Ok(0),
            Rest::Bytes(bytes, at) => {
                let left = bytes.get(*at..).unwrap_or_default();
                let left = left.get(..room).unwrap_or(left);
                if left.is_empty() {
                    return Ok(0);
                }
                let sent = send(socket, left, SendFlags::NOSIGNAL)?;
                *at += sent;
                Ok(sent)
            }
            Rest::File { at, end, .. } if at == end => Ok(0),
            Rest::File { file, at, end } => {
                let left = usize::try_from(*end - *at).unwrap_or(usize::MAX);
                match sendfile(socket, &*file, Some(at), left.min(room))? {
                    // It became shorter, and the length was told: only an end tells the client.
                    0 => Err(Errno::IO),
                    sent => Ok(sent),
                }
            }
        }
    }
}

impl Rest {
    fn of(content: Content) -> Self {
        match content {
            Content::None => Self::Nothing,
            Content::Text(text) => Self::Bytes(text.into_bytes().into(), 0),
            Content::Bytes(bytes) => Self::Bytes(bytes, 0),
            Content::File(file, at, end) => Self::File { file, at, end },
        }
    }
}
