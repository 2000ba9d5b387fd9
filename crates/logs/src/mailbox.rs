//! What goes in and out between the daemon's thread and the engine's.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

use crate::care::Names;
use crate::rotating::Rotation;
use crate::types::{Event, Filter, Sink, SourceId, Stream, SubscriberId, Token};

/// A message to the engine's thread.
pub(crate) enum Command {
    Attach { source: SourceId, stream: Stream, pipe: Arc<OwnedFd>, sink: Arc<Sink> },
    Resumed,
    Ended(SourceId),
    Detach(SourceId),
    Flush { paths: Vec<PathBuf>, token: Token },
    Reopen,
    Rotate(Vec<(PathBuf, Arc<Names>)>),
    SetRotation(Vec<(PathBuf, Option<Rotation>)>),
    Subscribe { subscriber: SubscriberId, filter: Filter },
    Unsubscribe(SubscriberId),
    Taken(SubscriberId),
    AwaitReader(bool),
    Stop,
}

/// Lines on their way to a slow receiver: counted here while they wait in the channel.
pub(crate) struct Charge {
    pub waiting: Arc<AtomicUsize>,
    pub bytes: usize,
}

/// The engine's end of the events' channel.
pub(crate) struct Outbox {
    events: Sender<(Event, Option<Charge>)>,
    /// Set while the daemon has been woken and has not yet found the channel empty.
    woken: Arc<AtomicBool>,
    wake: Box<dyn Fn() + Send>,
}

/// The daemon's end of the events' channel.
pub(crate) struct Inbox {
    events: Mutex<Receiver<(Event, Option<Charge>)>>,
    woken: Arc<AtomicBool>,
}

/// Makes the channel for events. `wake` is called when one waits and the daemon does not know yet.
pub(crate) fn channel(wake: Box<dyn Fn() + Send>) -> (Outbox, Inbox) {
    let (sender, events) = mpsc::channel();
    let woken = Arc::new(AtomicBool::new(false));
    let inbox = Inbox { events: Mutex::new(events), woken: Arc::clone(&woken) };
    (Outbox { events: sender, woken, wake }, inbox)
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

impl Inbox {
    pub(crate) fn try_recv(&self) -> Option<Event> {
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
}
