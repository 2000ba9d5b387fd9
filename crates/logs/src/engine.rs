//! The daemon's handle on the engine's thread.
//!
//! Problem: the daemon is one thread that must never wait, the engine may hang on a disk for
//! seconds. Rule: every call here is a message; nothing blocks but [`Engine::stop`].

use std::cell::Cell;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use ostler_poll::{Poll, Waker};

use crate::care::Names;
use crate::journal::Journal;
use crate::mailbox::{self, Command, Inbox};
use crate::opener::Opener;
use crate::reactor::{COMMANDS, Reactor};
use crate::rotating::Rotation;
use crate::types::{Event, Filter, Sink, SourceId, Stream, SubscriberId, Token};
use crate::written::Written;

/// All log traffic of a daemon, in a thread of its own.
pub struct Engine {
    commands: Sender<Command>,
    waker: Waker,
    inbox: Inbox,
    written: Written,
    /// Streams of a former daemon are being attached, and [`Engine::resumed`] is to come.
    resuming: Cell<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts the thread. `wake` is called from it when events wait and the daemon does
    /// not know yet.
    ///
    /// `kept` is what the keeper holds from a former daemon's [`Event::Keep`] (other names are
    /// ignored); empty at the first start. After the start the daemon first takes the events out
    /// and stores each `Keep` in the keeper, then attaches every stream there is, in the order of
    /// their runs, then calls [`Engine::resumed`].
    ///
    /// Files are opened by `opener`; [`Plain`](crate::Plain) is enough where all are ours. When
    /// they were written is kept in the folder `times`.
    ///
    /// # Errors
    /// No thread, epoll, eventfd or memory file to be had.
    pub fn start(
        wake: Box<dyn Fn() + Send>,
        kept: Vec<(String, OwnedFd)>,
        opener: Arc<dyn Opener>,
        times: Option<PathBuf>,
    ) -> io::Result<Self> {
        let (commands, receiver) = mpsc::channel();
        let (outbox, inbox) = mailbox::channel(wake);
        let resuming = Cell::new(!kept.is_empty());
        let poll = Poll::new()?;
        let waker = Waker::new(&poll, COMMANDS)?;
        let journal = Journal::open(kept, &outbox)?;
        let reactor = Reactor::new(poll, receiver, outbox, journal, opener, times)?;
        let written = reactor.written.clone();
        let thread =
            std::thread::Builder::new().name("logs".to_owned()).spawn(move || reactor.run())?;
        Ok(Self { commands, waker, inbox, written, resuming, thread: Some(thread) })
    }

    /// Reads this stream from now on. Attaching a stream again replaces the older one. The pipe is
    /// the daemon's own duplicate, which others in the daemon may share; the keeper holds another.
    pub fn attach(
        &self,
        source: SourceId,
        stream: Stream,
        pipe: impl Into<Arc<OwnedFd>>,
        sink: &Arc<Sink>,
    ) {
        let (pipe, sink) = (pipe.into(), Arc::clone(sink));
        self.put(Command::Attach { source, stream, pipe, sink });
        // A daemon that takes over attaches everything in one go: one wake is enough for it.
        if !self.resuming.get() {
            self.waker.wake();
        }
    }

    /// All streams that a former daemon served are attached again: what its journal holds of others
    /// is dropped. Without a former daemon it does nothing.
    pub fn resumed(&self) {
        self.resuming.set(false);
        self.send(Command::Resumed);
    }

    /// The process has exited: reads what is there, writes an unfinished last line, then answers
    /// [`Event::Drained`]. A stream that a grandchild holds open is read on
    /// until its [`Event::Eof`].
    pub fn ended(&self, source: SourceId) {
        self.send(Command::Ended(source));
    }

    /// Forgets both streams of this run, without reading what they still hold.
    pub fn detach(&self, source: SourceId) {
        self.send(Command::Detach(source));
    }

    /// Empties these files in place (missing ones are left alone), then answers [`Event::Flushed`].
    /// A line that is being written at the moment goes with what was before it.
    pub fn flush(&self, paths: Vec<PathBuf>, token: Token) {
        self.send(Command::Flush { paths, token });
    }

    /// Opens every file anew by its path, after a rotation by rename. A line is never split
    /// between two files.
    pub fn reopen(&self) {
        self.send(Command::Reopen);
    }

    /// Rotates these files at their next line end, whatever their size, also those that nobody
    /// writes to; each is told as [`Event::Rotated`], but for those that are empty or not there.
    pub fn rotate(&self, paths: Vec<(PathBuf, Arc<Names>)>) {
        self.send(Command::Rotate(paths));
    }

    /// These files are rotated by other rules from now on, if they are in use.
    pub fn set_rotation(&self, rules: Vec<(PathBuf, Option<Rotation>)>) {
        self.send(Command::SetRotation(rules));
    }

    /// Sends the lines that pass the filter as [`Event::Lines`], after [`Event::Subscribed`]; a
    /// second call changes the filter.
    /// At most 4 MiB wait for a subscriber; beyond that lines are dropped for it, and counted in
    /// the next one it gets.
    pub fn subscribe(&self, subscriber: SubscriberId, filter: Filter) {
        self.send(Command::Subscribe { subscriber, filter });
    }

    /// A subscriber that applications wait for has taken what it was sent.
    pub fn taken(&self, subscriber: SubscriberId) {
        self.send(Command::Taken(subscriber));
    }

    /// Whether nothing is read as long as no subscriber is there that applications wait for: their
    /// output goes nowhere else.
    pub fn await_reader(&self, awaits: bool) {
        self.send(Command::AwaitReader(awaits));
    }

    /// Ends a subscription. Lines that are on their way may still arrive.
    pub fn unsubscribe(&self, subscriber: SubscriberId) {
        self.send(Command::Unsubscribe(subscriber));
    }

    /// Returns how many bytes each process had written to its files in the last hour, since this
    /// engine began. It waits for nobody.
    #[must_use]
    pub fn written(&self) -> Vec<(u32, u64)> {
        self.written.last_hour(ostler_poll::now())
    }

    /// The next event, if one waits. The daemon calls it until `None` after each wake.
    pub fn try_recv(&self) -> Option<Event> {
        self.inbox.try_recv()
    }

    /// Ends the thread after the step it is in. What is in the pipes stays there, for a successor.
    /// Events that wait can still be taken; what is asked for afterwards is not done.
    pub fn stop(&mut self) {
        self.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    fn send(&self, command: Command) {
        self.put(command);
        self.waker.wake();
    }

    fn put(&self, command: Command) {
        // The receiver lives as long as the thread, the thread as long as this handle.
        let _ = self.commands.send(command);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}
