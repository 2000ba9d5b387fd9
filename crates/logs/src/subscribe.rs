//! Lines for those who watch, with a bound for each.
//!
//! Problem: a watcher that stalls must cost neither memory nor time. Rule: what waits for a
//! subscriber is counted from here until the daemon takes it out of the channel; over the bound a
//! line is dropped, and the next one that gets through says how many were.
//!
//! A *patient* subscriber is where output goes instead of files, such as the standard output of a
//! container: nothing is dropped for it. Over its bound the streams that it wants wait, and with
//! them the applications, until it has taken what it was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::date::now_ms;
use crate::laid::Places;
use crate::mailbox::{Charge, Outbox};
use crate::types::{Event, Filter, Line, LinePlace, SourceId, Stream, SubscriberId};

/// Bytes that may wait for one subscriber.
const BOUND: usize = 4 << 20;
/// Bytes that a patient subscriber is sent before it says that it has taken them.
const PATIENT_BOUND: usize = 512 << 10;
/// What a line costs besides its text.
const LINE_COST: usize = 96;
/// A line longer than this is passed on in pieces.
const LONGEST: usize = 1 << 20;

/// Who wrote a line.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub source: SourceId,
    pub proc_id: u32,
    pub name: Arc<str>,
    pub stream: Stream,
}

struct Subscriber {
    id: SubscriberId,
    filter: Filter,
    waiting: Arc<AtomicUsize>,
    /// Bytes that a patient one was sent and has not taken yet.
    sent: usize,
    batch: Vec<Line>,
    batch_bytes: usize,
    dropped: u64,
}

/// All who watch.
#[derive(Default)]
pub(crate) struct Subscribers {
    all: Vec<Subscriber>,
    /// Nothing is read while there is no patient one.
    pub awaits: bool,
}

impl Subscribers {
    pub(crate) fn add(&mut self, id: SubscriberId, filter: Filter) {
        if let Some(subscriber) = self.all.iter_mut().find(|subscriber| subscriber.id == id) {
            subscriber.filter = filter;
        } else {
            let waiting = Arc::new(AtomicUsize::new(0));
            self.all.push(Subscriber {
                id,
                filter,
                waiting,
                sent: 0,
                batch: Vec::new(),
                batch_bytes: 0,
                dropped: 0,
            });
        }
    }

    pub(crate) fn remove(&mut self, id: SubscriberId) {
        self.all.retain(|subscriber| subscriber.id != id);
    }

    /// A patient one has taken what it was sent.
    pub(crate) fn taken(&mut self, id: SubscriberId) {
        if let Some(subscriber) = self.all.iter_mut().find(|subscriber| subscriber.id == id) {
            subscriber.sent = 0;
        }
    }

    /// Whether streams of this origin wait for a patient one.
    pub(crate) fn hold(&self, origin: &Origin) -> bool {
        let mut patient = self.all.iter().filter(|subscriber| subscriber.filter.patient).peekable();
        if patient.peek().is_none() {
            return self.awaits;
        }
        patient.any(|subscriber| {
            PATIENT_BOUND < subscriber.sent + subscriber.batch_bytes
                && subscriber.filter.wants(origin.proc_id, origin.stream)
        })
    }

    /// Whether anybody wants lines of this origin.
    pub(crate) fn want(&self, proc_id: u32, stream: Stream) -> bool {
        self.all.iter().any(|subscriber| subscriber.filter.wants(proc_id, stream))
    }

    /// Whether anybody wants to know where lines of this origin are.
    pub(crate) fn want_places(&self, proc_id: u32, stream: Stream) -> bool {
        let mut all = self.all.iter().filter(|subscriber| subscriber.filter.places);
        all.any(|subscriber| subscriber.filter.wants(proc_id, stream))
    }

    /// Bytes of a stream, in order; whole lines go out, the rest stays in `partial`.
    pub(crate) fn feed(
        &mut self,
        origin: &Origin,
        partial: &mut Vec<u8>,
        bytes: &[u8],
        places: Places<'_>,
    ) {
        let (at_ms, mut start) = (now_ms(), 0);
        for (number, end) in memchr::memchr_iter(b'\n', bytes).enumerate() {
            let mut line = bytes.get(start..=end).unwrap_or_default();
            if !partial.is_empty() {
                partial.extend_from_slice(line);
                line = partial;
            }
            let place = match places {
                Places::Unknown => None,
                Places::Each(places) => places.get(number).copied(),
                Places::AsTheyCame(laid) => Some(laid.line(line, end + 1)),
            };
            self.line(origin, at_ms, line.strip_suffix(b"\n").unwrap_or(line), place);
            partial.clear();
            start = end + 1;
        }
        partial.extend_from_slice(bytes.get(start..).unwrap_or_default());
        if partial.len() >= LONGEST {
            let place = match places {
                Places::AsTheyCame(laid) => Some(laid.line(partial, bytes.len())),
                Places::Unknown | Places::Each(_) => None,
            };
            self.line(origin, at_ms, partial, place);
            partial.clear();
        }
        if partial.is_empty() {
            partial.shrink_to(1 << 10);
        }
    }

    /// The stream will not end this line.
    pub(crate) fn end(&mut self, origin: &Origin, partial: &mut Vec<u8>) {
        if !partial.is_empty() {
            self.line(origin, now_ms(), partial, None);
            *partial = Vec::new();
        }
    }

    fn line(&mut self, origin: &Origin, at_ms: u64, line: &[u8], place: Option<LinePlace>) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let bytes = line.len() + LINE_COST;
        let mut shared: Option<Arc<str>> = None;
        for subscriber in &mut self.all {
            if !subscriber.filter.wants(origin.proc_id, origin.stream) {
                continue;
            }
            let waiting = subscriber.waiting.load(Ordering::Relaxed) + subscriber.batch_bytes;
            if !subscriber.filter.patient && BOUND < waiting + bytes {
                subscriber.dropped += 1;
                continue;
            }
            let text = shared.get_or_insert_with(|| String::from_utf8_lossy(line).into());
            subscriber.batch_bytes += bytes;
            subscriber.batch.push(Line {
                source: origin.source,
                proc_id: origin.proc_id,
                name: Arc::clone(&origin.name),
                stream: origin.stream,
                at_ms,
                text: Arc::clone(text),
                dropped: std::mem::take(&mut subscriber.dropped),
                place: place.filter(|_| subscriber.filter.places),
            });
        }
    }

    /// Sends what has gathered.
    pub(crate) fn send(&mut self, outbox: &Outbox) {
        for subscriber in &mut self.all {
            if !subscriber.batch.is_empty() {
                let bytes = std::mem::take(&mut subscriber.batch_bytes);
                subscriber.waiting.fetch_add(bytes, Ordering::Relaxed);
                subscriber.sent += if subscriber.filter.patient { bytes } else { 0 };
                let lines = std::mem::take(&mut subscriber.batch);
                let charge = Charge { waiting: Arc::clone(&subscriber.waiting), bytes };
                outbox
                    .send_charged(Event::Lines { subscriber: subscriber.id, lines }, Some(charge));
            }
        }
    }
}
