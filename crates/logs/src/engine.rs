//! The daemon's handle on the engine's thread.
//!
//! Problem: the daemon is one thread that must never wait, the engine may hang on a disk for
//! seconds. Rule: every call here is a message; nothing blocks but [`Engine::stop`].

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::event::EventfdFlags;

use crate::journal::Journal;
use crate::types::{Event, Filter, Sink, SourceId, Stream, SubscriberId, Token};
use crate::worker::Worker;

/// A message to the engine's thread.
pub(crate) enum Command {
    Attach { source: SourceId, stream: Stream, pipe: OwnedFd, sink: Arc<Sink> },
    Resumed,
    Ended(SourceId),
    Detach(SourceId),
    Flush { paths: Vec<PathBuf>, token: Token },
    Reopen,
    Subscribe { subscriber: SubscriberId, filter: Filter },
    Unsubscribe(SubscriberId),
    Stop,
}

/// Lines on their way to a slow receiver: counted here while they wait in the channel.
pub(crate) struct Charge {
    pub waiting: Arc<AtomicUsize>,
    pub bytes: usize,
}

/// The way out of the engine's thread.
pub(crate) struct Outbox {
    events: Sender<(Event, Option<Charge>)>,
    /// Set while the daemon has been woken and has not yet found the channel empty.
    woken: Arc<AtomicBool>,
    wake: Box<dyn Fn() + Send>,
}

impl Outbox {
    pub(crate) fn send(&self, event: Event) {
        self.send_charged(event, None);
    }

    pub(crate) fn send_charged(&self, event: Event, charge: Option<Charge>) {
        // A closed channel means that the handle is being dropped: the thread ends with its next
        // command.
        if self.events.send((event, charge)).is_ok() && !self.woken.swap(true, Ordering::AcqRel) {
            (self.wake)();
        }
    }
}

/// All log traffic of a daemon, in a thread of its own.
pub struct Engine {
    commands: Sender<Command>,
    bell: Arc<OwnedFd>,
    events: Mutex<Receiver<(Event, Option<Charge>)>>,
    woken: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts the thread. `wake` is called from it when events wait and the daemon does not know
    /// yet.
    ///
    /// `kept` is what the keeper holds from a former daemon's [`Event::Keep`] (other names are
    /// ignored); empty at the first start. After the start the daemon first takes the events out
    /// and stores each `Keep` in the keeper, then attaches every stream there is, in the order of
    /// their runs, then calls [`Engine::resumed`].
    ///
    /// # Errors
    /// No thread, epoll, eventfd or memory file to be had.
    pub fn start(wake: Box<dyn Fn() + Send>, kept: Vec<(String, OwnedFd)>) -> io::Result<Self> {
        let (commands, inbox) = mpsc::channel();
        let (sender, events) = mpsc::channel();
        let woken = Arc::new(AtomicBool::new(false));
        let outbox = Outbox { events: sender, woken: Arc::clone(&woken), wake };
        let bell =
            Arc::new(rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let journal = Journal::open(kept, &outbox)?;
        let worker = Worker::new(Arc::clone(&bell), inbox, outbox, journal)?;
        let thread =
            std::thread::Builder::new().name("logs".to_owned()).spawn(move || worker.run())?;
        Ok(Self { commands, bell, events: Mutex::new(events), woken, thread: Some(thread) })
    }

    /// Reads this stream from now on. Attaching a stream again replaces the older one. The pipe is
    /// the daemon's own duplicate; the keeper holds another.
    pub fn attach(&self, source: SourceId, stream: Stream, pipe: OwnedFd, sink: &Arc<Sink>) {
        self.send(Command::Attach { source, stream, pipe, sink: Arc::clone(sink) });
    }

    /// All streams that a former daemon served are attached again: what its journal holds of others
    /// is dropped. Without a former daemon it does nothing.
    pub fn resumed(&self) {
        self.send(Command::Resumed);
    }

    /// The process has exited: reads what is there, writes an unfinished last line, then answers
    /// [`Event::Drained`]. A stream that a grandchild holds open is read on until its
    /// [`Event::Eof`].
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

    /// Opens every file anew by its path, after a rotation by rename. A line is never split between
    /// two files.
    pub fn reopen(&self) {
        self.send(Command::Reopen);
    }

    /// Sends the lines that pass the filter as [`Event::Lines`]; a second call changes the filter.
    /// At most 4 MiB wait for a subscriber; beyond that lines are dropped for it, and counted in
    /// the next one it gets.
    pub fn subscribe(&self, subscriber: SubscriberId, filter: Filter) {
        self.send(Command::Subscribe { subscriber, filter });
    }

    /// Ends a subscription. Lines that are on their way may still arrive.
    pub fn unsubscribe(&self, subscriber: SubscriberId) {
        self.send(Command::Unsubscribe(subscriber));
    }

    /// The next event, if one waits. The daemon calls it until `None` after each wake.
    pub fn try_recv(&self) -> Option<Event> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let next = events.try_recv().or_else(|_| {
            // Say "not woken" first and look again: an event sent in between is either seen here or
            // wakes.
            self.woken.swap(false, Ordering::AcqRel);
            events.try_recv()
        });
        let (event, charge) = next.ok()?;
        if let Some(charge) = charge {
            charge.waiting.fetch_sub(charge.bytes, Ordering::Relaxed);
        }
        Some(event)
    }

    /// Ends the thread after the step it is in. What is in the pipes stays there, for a successor.
    pub fn stop(self) {
        drop(self);
    }

    fn send(&self, command: Command) {
        // The receiver lives as long as the thread, the thread as long as this handle: neither call
        // can fail but for a full counter, which rings as well.
        let _ = self.commands.send(command);
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
