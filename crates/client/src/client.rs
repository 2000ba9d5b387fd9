//! One connection to the daemon: a request, the events on the way, one answer.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ostler_wire::control::{self, Event, FrameKind, Reply, Request};

use crate::{Error, Home};

/// How long an answer may take for which no app has to do anything.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// One connection to the daemon. Requests are answered in order, one at a time.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are consumed.
    consumed: usize,
}

/// Whether further events are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Further events are wanted.
    Continue,
    /// No more events are wanted.
    Stop,
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
    /// [`Error::NotRunning`] when nobody listens, [`Error::HomeTooLong`], or
    /// [`Error::PermissionDenied`] for a stranger.
    pub fn connect(home: &Home) -> Result<Self, Error> {
        let socket = home.checked_socket()?;
        match UnixStream::connect(&socket) {
            Ok(stream) => Ok(Self { stream, buffer: Vec::new(), consumed: 0 }),
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
            Step::Continue
        })?;
        // Only `Step::Stop` ends an exchange without an answer.
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
            Step::Continue
        })?;
        answer.ok_or(Error::Broken)
    }

    /// As [`request`](Self::request) for a request that may take any time: calls back with nothing
    /// whenever so much time has passed without an event.
    ///
    /// # Errors
    /// Those of [`request`](Self::request).
    pub fn request_with_pauses(
        &mut self,
        request: &Request,
        every: Duration,
        mut on: impl FnMut(Option<Event>),
    ) -> Result<Answer, Error> {
        self.stream
            .set_read_timeout(Some(every))
            .map_err(Error::io("cannot set a time limit on the daemon's socket"))?;
        self.send(request)?;
        loop {
            match self.receive() {
                Ok(Incoming::Event(event)) => on(Some(event)),
                Ok(Incoming::Answer(answer)) => return Ok(answer),
                Err(Error::Timeout { .. }) => on(None),
                Err(Error::Malformed(text)) => {
                    return Err(self.mismatch().unwrap_or(Error::Malformed(text)));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// As [`request`](Self::request); `None` when `on_event` wanted to stop, after which the
    /// connection cannot be used.
    pub(crate) fn exchange(
        &mut self,
        request: &Request,
        on_event: &mut dyn FnMut(Event) -> Step,
    ) -> Result<Option<Answer>, Error> {
        self.exchange_within(request, (!waits_for_apps(request)).then_some(ANSWER_LIMIT), on_event)
    }

    fn exchange_within(
        &mut self,
        request: &Request,
        limit: Option<Duration>,
        on_event: &mut dyn FnMut(Event) -> Step,
    ) -> Result<Option<Answer>, Error> {
        self.stream
            .set_read_timeout(limit)
            .map_err(Error::io("cannot set a time limit on the daemon's socket"))?;
        self.send(request)?;
        loop {
            match self.receive() {
                Ok(Incoming::Event(event)) => {
                    if on_event(event) == Step::Stop {
                        return Ok(None);
                    }
                }
                Ok(Incoming::Answer(answer)) => return Ok(Some(answer)),
                Err(Error::Malformed(text)) if !matches!(request, Request::Hello) => {
                    return Err(self.mismatch().unwrap_or(Error::Malformed(text)));
                }
                Err(Error::Timeout { .. }) => {
                    return Err(Error::Timeout { limit: limit.unwrap_or(ANSWER_LIMIT) });
                }
                Err(error) => return Err(error),
            }
        }
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
            Ok(_) => Ok(()),
            Err(error) => Err(broken(error)),
        }
    }

    /// Asks for the version of the protocol that the daemon speaks.
    ///
    /// # Errors
    /// Those of [`request`](Self::request).
    pub fn protocol(&mut self) -> Result<u32, Error> {
        match self.request(&Request::Hello, |_| ())? {
            Answer::Reply(Reply::Hello { protocol, .. }) => Ok(protocol),
            Answer::Reply(_) | Answer::Raw(_) => Err(Error::Malformed("no version".to_owned())),
        }
    }

    /// Asks whether an answer is not understood because the daemon is of another version.
    fn mismatch(&mut self) -> Option<Error> {
        match self.exchange(&Request::Hello, &mut |_| Step::Continue) {
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
    let malformed = |error: serde_json::Error| Error::Malformed(error.to_string());
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

/// Whether the answer depends on what apps do. What only reads the daemon's memory must come soon;
/// what starts or stops apps takes as long as the apps take.
#[must_use]
pub fn waits_for_apps(request: &Request) -> bool {
    match request {
        Request::Start { .. }
        | Request::Act { .. }
        | Request::Scale { .. }
        | Request::Reload { .. }
        | Request::Promote { .. }
        | Request::Logs { .. }
        | Request::Talk { .. }
        | Request::Resurrect
        | Request::Import { .. }
        | Request::Update { .. }
        | Request::Kill => true,
        Request::Hello
        | Request::List
        | Request::Find { .. }
        | Request::Jlist
        | Request::Describe { .. }
        | Request::Export
        | Request::Env { .. }
        | Request::Listens { .. }
        | Request::LastLines { .. }
        | Request::Flush { .. }
        | Request::ReloadLogs
        | Request::Save { .. } => false,
    }
}
