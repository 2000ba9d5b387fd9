//! Asks the daemon, from an event loop.
//!
//! Problem: many requests are under way at once, in one thread, and the daemon may be killed under
//! each of them. Rule: each has a connection of its own, and no more than [`MOST`] wait for a
//! daemon that does not answer. What is asked again begins nothing twice.

use std::path::Path;
use std::time::Duration;

use ostler_client::{Answer, Client, Error, Home};
use ostler_wire::control::{self, Event, FrameKind, Reply, Request, resumable_since};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long an answer may take for which no app has to do anything.
const LIMIT: Duration = Duration::from_secs(10);
/// Requests at the same time.
const MOST: usize = 64;
/// Daemons that may die under one request.
const TRIES: u32 = 5;

/// The way to the daemon of a home.
#[derive(Debug)]
pub(crate) struct Link {
    home: Home,
    room: Semaphore,
}

impl Link {
    /// The way to the daemon of this home.
    pub(crate) fn new(home: &Path) -> Self {
        Self { home: Home::new(home), room: Semaphore::new(MOST) }
    }

    /// Sends a request, hands every event to `on_event`, and returns the answer.
    pub(crate) async fn ask(
        &self,
        request: &Request,
        mut on_event: impl FnMut(Event),
    ) -> Result<Answer, Error> {
        let mut died = 0;
        loop {
            match self.ask_once(request, &mut on_event, died).await {
                Err(Error::Broken) if died < TRIES && may_repeat(request) => died += 1,
                other => return other,
            }
        }
    }

    async fn ask_once(
        &self,
        request: &Request,
        on_event: &mut impl FnMut(Event),
        died: u32,
    ) -> Result<Answer, Error> {
        let mut connection = self.connect().await?;
        if let Some(since) = resumable_since(request).filter(|since| 0 < died && 1 < *since) {
            let protocol = connection.protocol().await?;
            if protocol < since {
                let why = "the daemon was replaced by one that would begin this again".to_owned();
                return Err(Error::Malformed(why));
            }
        }
        connection.send(request).await?;
        let limit = (!ostler_client::waits_for_apps(request)).then_some(LIMIT);
        loop {
            match connection.receive(limit).await? {
                FromDaemon::Event(event) => on_event(event),
                FromDaemon::Answer(answer) => return Ok(answer),
            }
        }
    }

    /// Opens a connection. The daemon need not be there: its keeper holds the socket.
    pub(crate) async fn connect(&self) -> Result<Connection<'_>, Error> {
        let waited = tokio::time::timeout(LIMIT, self.room.acquire()).await;
        let place = waited.ok().and_then(Result::ok).ok_or(Error::Timeout { limit: LIMIT })?;
        let stream = Client::connect(&self.home)?.into_stream();
        let stream = stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(stream));
        let stream = stream.map_err(io("cannot wait for the daemon's socket"))?;
        Ok(Connection { stream, buffer: Vec::new(), consumed: 0, _place: place })
    }
}

/// Whether a request may be sent to the daemon after the one that was asked.
fn may_repeat(request: &Request) -> bool {
    !ostler_client::waits_for_apps(request) || resumable_since(request).is_some()
}

/// One connection to the daemon.
#[derive(Debug)]
pub(crate) struct Connection<'a> {
    stream: UnixStream,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are done with.
    consumed: usize,
    _place: SemaphorePermit<'a>,
}

/// What the daemon said.
#[derive(Debug)]
pub(crate) enum FromDaemon {
    /// Something on the way.
    Event(Event),
    /// The end of the request.
    Answer(Answer),
}

impl Connection<'_> {
    /// Sends a request.
    pub(crate) async fn send(&mut self, request: &Request) -> Result<(), Error> {
        let mut frame = Vec::new();
        control::encode_json(FrameKind::Request, request, &mut frame)
            .map_err(|error| Error::Malformed(format!("the request cannot be written: {error}")))?;
        self.stream.write_all(&frame).await.map_err(broken)
    }

    /// Receives what comes next; no limit means as long as it takes.
    pub(crate) async fn receive(&mut self, limit: Option<Duration>) -> Result<FromDaemon, Error> {
        let next = self.next();
        match limit {
            None => next.await,
            Some(limit) => {
                tokio::time::timeout(limit, next).await.unwrap_or(Err(Error::Timeout { limit }))
            }
        }
    }

    async fn next(&mut self) -> Result<FromDaemon, Error> {
        loop {
            let pending = self.buffer.get(self.consumed..).unwrap_or_default();
            if let Some(frame) = control::decode(pending)? {
                let said = understand(frame.kind, frame.payload);
                self.consumed += frame.consumed;
                return said;
            }
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
            // A frame that is awaited is taken in few pieces.
            self.buffer.reserve(16 << 10);
            if self.stream.read_buf(&mut self.buffer).await.map_err(broken)? == 0 {
                return Err(Error::Broken);
            }
        }
    }

    async fn protocol(&mut self) -> Result<u32, Error> {
        self.send(&Request::Hello).await?;
        match self.receive(Some(LIMIT)).await? {
            FromDaemon::Answer(Answer::Reply(Reply::Hello { protocol, .. })) => Ok(protocol),
            FromDaemon::Event(_) | FromDaemon::Answer(_) => {
                Err(Error::Malformed("no version".to_owned()))
            }
        }
    }
}

fn understand(kind: FrameKind, payload: &[u8]) -> Result<FromDaemon, Error> {
    let malformed = |error: serde_json::Error| Error::not_understood(&error);
    match kind {
        FrameKind::Event => {
            serde_json::from_slice(payload).map(FromDaemon::Event).map_err(malformed)
        }
        FrameKind::Reply => serde_json::from_slice(payload)
            .map(|reply| FromDaemon::Answer(Answer::Reply(reply)))
            .map_err(malformed),
        FrameKind::Raw => Ok(FromDaemon::Answer(Answer::Raw(payload.to_vec()))),
        FrameKind::Request => Err(Error::Malformed("it is a request".to_owned())),
    }
}

fn io(what: &str) -> impl FnOnce(std::io::Error) -> Error {
    let what = what.to_owned();
    move |source| Error::Io { what, source }
}

/// A connection that ends in the middle is the daemon's end, however the system tells it.
fn broken(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset => Error::Broken,
        _ => io("cannot talk to the daemon")(error),
    }
}
