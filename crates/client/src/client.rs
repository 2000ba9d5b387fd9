//! One connection to the daemon: a request, the events on the way, one answer.

use std::io::{self, Read as _, Write as _};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use ostler_wire::control::{self, Event, FrameKind, Reply, Request};

use crate::parts::parts_of;
use crate::patience::{EVERY, Patience, Verdict};
use crate::quiet::{Quiet, Silent};
use crate::silence::Silence;
use crate::waits::{ANSWER_LIMIT, waits_for_apps};
use crate::{Error, Home};

/// One connection to the daemon. Requests are answered in order, one at a time.
#[derive(Debug)]
pub struct Client {
    home: Home,
    stream: UnixStream,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are consumed.
    consumed: usize,
    /// A daemon has taken the connection: it said something.
    taken: bool,
}

/// What is heard while an answer is awaited.
#[derive(Debug)]
pub enum Heard {
    /// The daemon told this.
    Event(Event),
    /// A while passed without a word.
    Nothing,
    /// One daemon after the other ends before it takes the connection. This is told once.
    DaemonsEnd,
    /// A daemon that is there does not answer, also to others. This is told once.
    Silent(Silence),
}

/// The end of a request.
#[derive(Debug)]
pub enum Answer {
    /// A reply with a type.
    Reply(Reply),
    /// Text for the user, as it is.
    Raw(Vec<u8>),
}

impl AsFd for Client {
    /// The connection. Nothing comes over it unasked: when it can be read between two requests,
    /// it has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// The contents of a frame, detached from the buffer.
enum Incoming {
    Event(Event),
    Answer(Answer),
}

impl Client {
    /// Connects to a running daemon; starts none.
    ///
    /// # Errors
    /// [`Error::NotRunning`] when nobody listens, [`Error::HomeTooLong`],
    /// [`Error::PermissionDenied`] for a stranger, or [`Error::HomeOfOthers`] when it is a
    /// stranger who listens.
    pub fn connect(home: &Home) -> Result<Self, Error> {
        let socket = home.checked_socket()?;
        match UnixStream::connect(&socket) {
            Ok(stream) => {
                home.check_listener(&stream)?;
                let (home, buffer) = (home.clone(), Vec::new());
                Ok(Self { home, stream, buffer, consumed: 0, taken: false })
            }
            Err(error) => Err(match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    Error::NotRunning { socket }
                }
                io::ErrorKind::PermissionDenied => Error::PermissionDenied { socket },
                io::ErrorKind::NotADirectory => {
                    Error::HomeUnusable { home: home.path().to_owned(), source: error }
                }
                _ => Error::Io {
                    what: format!("cannot connect to `{}`", socket.display()),
                    source: error,
                },
            }),
        }
    }

    /// Returns the connection, over which nothing has been said, for a client with an event loop.
    #[must_use]
    pub fn into_stream(self) -> UnixStream {
        self.stream
    }

    /// Sends a request, hands every event to `on_event`, and returns the answer.
    ///
    /// # Errors
    /// [`Error::Broken`], [`Error::Timeout`], [`Error::Mismatch`] or an answer that
    /// is not understood.
    pub fn request(
        &mut self,
        request: &Request,
        mut on_event: impl FnMut(Event),
    ) -> Result<Answer, Error> {
        let answer = self.exchange(request, &mut |event| {
            on_event(event);
            ControlFlow::Continue(())
        })?;
        // Only `Break` ends an exchange without an answer.
        answer.ok_or(Error::Broken)
    }

    /// As [`request`](Self::request), with a limit of the caller's on every part of the answer.
    ///
    /// # Errors
    /// Those of [`request`](Self::request).
    pub fn request_within(
        &mut self,
        request: &Request,
        limit: Duration,
        mut on_event: impl FnMut(Event),
    ) -> Result<Answer, Error> {
        let answer = self.exchange_within(request, Some(limit), &mut |event| {
            on_event(event);
            ControlFlow::Continue(())
        })?;
        answer.ok_or(Error::Broken)
    }

    /// As [`request`](Self::request), told also of pauses of this length without a word, and of
    /// daemons that end before they take the connection.
    ///
    /// # Errors
    /// Those of [`request`](Self::request), and [`Error::DaemonsEnd`].
    pub fn request_heard(
        &mut self,
        request: &Request,
        limit: Option<Duration>,
        every: Option<Duration>,
        mut on: impl FnMut(Heard),
    ) -> Result<Answer, Error> {
        let for_apps = waits_for_apps(request);
        let own = (!for_apps).then_some(ANSWER_LIMIT);
        let until = limit.or(own);
        let pause = every.unwrap_or(EVERY).min(until.unwrap_or(EVERY));
        self.set_read_timeout(Some(pause))?;
        self.send(request)?;
        let (begun, mut patience, mut quiet) =
            (Instant::now(), Patience::default(), Quiet::default());
        let (mut last, mut looked) = (begun, begun);
        loop {
            match self.receive() {
                Ok(Incoming::Event(event)) => on(Heard::Event(event)),
                Ok(Incoming::Answer(answer)) => return Ok(answer),
                Err(Error::Timeout { .. }) => {
                    on(Heard::Nothing);
                    if let Some(until) = until.filter(|until| *until <= last.elapsed()) {
                        return Err(match limit {
                            Some(_) => Error::Timeout { limit: until },
                            None => self.silent(),
                        });
                    }
                    if EVERY <= looked.elapsed() {
                        looked = Instant::now();
                        if !self.taken {
                            self.look(&mut patience, begun.elapsed(), &mut on)?;
                        }
                        match quiet.look(&self.home, last.elapsed(), for_apps) {
                            Silent::Wait => {}
                            Silent::Tell => on(Heard::Silent(self.silence())),
                            Silent::GiveUp => return Err(self.silent()),
                        }
                    }
                    continue;
                }
                Err(Error::Malformed(text)) if !matches!(request, Request::Hello) => {
                    return Err(self.mismatch().unwrap_or(Error::Malformed(text)));
                }
                Err(error) => return Err(error),
            }
            last = Instant::now();
            quiet.heard();
        }
    }

    /// Who does not answer.
    fn silence(&self) -> Silence {
        Silence::of(self.home.path(), self.home.log(), ANSWER_LIMIT)
    }

    fn silent(&self) -> Error {
        Error::Silent(self.silence())
    }

    /// Looks which daemon there is, as nobody has taken the connection yet.
    fn look(
        &self,
        patience: &mut Patience,
        waited: Duration,
        on: &mut impl FnMut(Heard),
    ) -> Result<(), Error> {
        let parts = parts_of(self.home.path());
        let daemon = parts.iter().find(|part| part.daemon).map(|part| part.pid);
        match patience.look(waited, daemon) {
            Verdict::Wait => Ok(()),
            Verdict::Tell => {
                on(Heard::DaemonsEnd);
                Ok(())
            }
            Verdict::GiveUp => Err(Error::daemons_end(&self.home.log())),
        }
    }

    /// As [`request`](Self::request); `None` when `on_event` wanted to stop, after which the
    /// connection cannot be used.
    pub(crate) fn exchange(
        &mut self,
        request: &Request,
        on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Option<Answer>, Error> {
        self.exchange_within(request, (!waits_for_apps(request)).then_some(ANSWER_LIMIT), on_event)
    }

    fn exchange_within(
        &mut self,
        request: &Request,
        limit: Option<Duration>,
        on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Option<Answer>, Error> {
        self.set_read_timeout(limit)?;
        self.send(request)?;
        loop {
            match self.receive() {
                Ok(Incoming::Event(event)) => {
                    if on_event(event) == ControlFlow::Break(()) {
                        return Ok(None);
                    }
                }
                Ok(Incoming::Answer(answer)) => return Ok(Some(answer)),
                Err(Error::Malformed(text)) if !matches!(request, Request::Hello) => {
                    return Err(self.mismatch().unwrap_or(Error::Malformed(text)));
                }
                Err(Error::Timeout { .. }) => {
                    return Err(match limit {
                        Some(limit) if limit < ANSWER_LIMIT => Error::Timeout { limit },
                        Some(_) | None => self.silent(),
                    });
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> Result<(), Error> {
        let set = self.stream.set_read_timeout(limit);
        set.map_err(Error::io("cannot set a time limit on the daemon's socket"))
    }

    fn send(&mut self, request: &Request) -> Result<(), Error> {
        let mut frame = Vec::with_capacity(64);
        control::encode_json(FrameKind::Request, request, &mut frame)
            .map_err(|error| Error::Malformed(format!("the request cannot be written: {error}")))?;
        if control::MAX_FRAME + 4 < frame.len() {
            return Err(Error::Malformed(format!(
                "the request has {} bytes, {} are allowed",
                frame.len(),
                control::MAX_FRAME
            )));
        }
        self.stream.write_all(&frame).map_err(broken)
    }

    /// Receives the next frame when it is whole.
    fn receive(&mut self) -> Result<Incoming, Error> {
        loop {
            let pending = self.buffer.get(self.consumed..).unwrap_or_default();
            if let Some(frame) = control::decode(pending)? {
                if frame.kind == FrameKind::Raw && frame.consumed == pending.len() {
                    // All that there is: a large text is not copied.
                    let mut text = std::mem::take(&mut self.buffer);
                    text.drain(..std::mem::take(&mut self.consumed) + control::HEAD);
                    return Ok(Incoming::Answer(Answer::Raw(text)));
                }
                let incoming = understand(frame.kind, frame.payload);
                self.consumed += frame.consumed;
                return incoming;
            }
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
            self.fill()?;
        }
    }

    /// Reads what is there; room grows with the frame that is awaited, so that a large one
    /// takes few calls.
    fn fill(&mut self) -> Result<(), Error> {
        let wanted = match self.buffer.first_chunk::<4>() {
            Some(head) => usize::try_from(u32::from_be_bytes(*head))
                .unwrap_or(0)
                .saturating_add(4)
                .min(control::MAX_FRAME),
            None => 0,
        };
        let have = self.buffer.len();
        self.buffer.resize(wanted.max(have + (64 << 10)), 0);
        let read = loop {
            match self.stream.read(self.buffer.get_mut(have..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(have + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => Err(Error::Broken),
            Ok(_) => {
                self.taken = true;
                Ok(())
            }
            Err(error) => Err(broken(error)),
        }
    }

    /// Asks for the version of the protocol that the daemon speaks.
    ///
    /// # Errors
    /// Those of [`request_heard`](Self::request_heard).
    pub fn protocol(&mut self, on: impl FnMut(Heard)) -> Result<u32, Error> {
        match self.request_heard(&Request::Hello, None, None, on)? {
            Answer::Reply(Reply::Hello { protocol, .. }) => Ok(protocol),
            Answer::Reply(_) | Answer::Raw(_) => Err(Error::Malformed("no version".to_owned())),
        }
    }

    /// Whether a daemon has taken the connection.
    pub(crate) fn is_taken(&self) -> bool {
        self.taken
    }

    /// Asks whether an answer is not understood because the daemon is of another version.
    fn mismatch(&mut self) -> Option<Error> {
        match self.exchange(&Request::Hello, &mut |_| ControlFlow::Continue(())) {
            Ok(Some(Answer::Reply(Reply::Hello { protocol, version, .. })))
                if protocol != control::VERSION =>
            {
                Some(Error::Mismatch { ours: control::VERSION, theirs: protocol, version })
            }
            Ok(_) | Err(_) => None,
        }
    }
}

fn understand(kind: FrameKind, payload: &[u8]) -> Result<Incoming, Error> {
    let malformed = |error: serde_json::Error| Error::not_understood(&error);
    match kind {
        FrameKind::Event => serde_json::from_slice(payload).map(Incoming::Event).map_err(malformed),
        FrameKind::Reply => serde_json::from_slice(payload)
            .map(|reply| Incoming::Answer(Answer::Reply(reply)))
            .map_err(malformed),
        FrameKind::Raw => Ok(Incoming::Answer(Answer::Raw(payload.to_vec()))),
        FrameKind::Request => Err(Error::Malformed("it is a request".to_owned())),
    }
}

fn broken(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            Error::Timeout { limit: ANSWER_LIMIT }
        }
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::UnexpectedEof => Error::Broken,
        _ => Error::Io { what: "cannot talk to the daemon".to_owned(), source: error },
    }
}
