//! What happens, for everybody who looks on.
//!
//! Problem: each page that is open wants every line and every event, may be slow, and comes again
//! after its connection has ended. Rule: the daemon is asked once, as long as somebody looks and a
//! while longer; what it says is numbered and the last [`MOST`] are kept. Each reader has its
//! place in them; one that falls behind is told how many it missed, and nobody waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ostler_client::Error;
use ostler_wire::control::{Event, LogLine, Request};
use tokio::sync::watch;

use super::clock::since_1970;
use super::link::{FromDaemon, Link};

/// What is kept, at most.
const MOST: usize = 2000;
/// Bytes of lines that are kept, at most.
const MOST_BYTES: usize = 2 << 20;
/// How long what happens is followed after the last reader has gone.
const LINGER: Duration = Duration::from_secs(30);
/// How long a reader is kept waiting for the daemon.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause after a daemon that could not be asked.
const PAUSE: Duration = Duration::from_secs(1);

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Happened {
    /// A process wrote a line.
    Line(LogLine),
    /// Something happened to a process: its number and name, PM2's word for it, ms since 1970.
    Process { id: u32, name: String, what: &'static str, at: u64 },
    /// The daemon was away: what happened then is not known here.
    Gap,
}

impl Happened {
    fn size(&self) -> usize {
        match self {
            Self::Line(line) => line.text.len(),
            Self::Process { .. } | Self::Gap => 0,
        }
    }
}

/// The last things that happened.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Number of the first one ever.
    begin: u64,
    /// Number of the next one.
    next: u64,
    bytes: usize,
    /// Those before it, the last one with the number before `next`.
    last: VecDeque<Arc<Happened>>,
}

/// Where a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u64);

/// What a reader is given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    /// Something, and its number.
    This(u64, Arc<Happened>),
    /// It has fallen behind: so many are not kept any more, as far as that is known.
    Missed(Option<u64>),
}

impl Kept {
    /// Numbers begin with the time, so that those of a program before are smaller.
    fn new(begin: u64) -> Self {
        Self { begin, next: begin, bytes: 0, last: VecDeque::new() }
    }

    fn put(&mut self, happened: Happened) {
        self.bytes += happened.size();
        self.last.push_back(Arc::new(happened));
        self.next += 1;
        while MOST < self.last.len() || MOST_BYTES < self.bytes {
            let Some(first) = self.last.pop_front() else { break };
            self.bytes -= first.size();
        }
    }

    /// Whether anything was ever put in.
    fn has_some(&self) -> bool {
        self.begin < self.next
    }

    fn first(&self) -> u64 {
        self.next - u64::try_from(self.last.len()).unwrap_or(0)
    }

    /// Where a reader begins who has seen this number last; without one, with what comes next.
    fn after(&self, seen: Option<u64>) -> Place {
        // A number that was not given yet is of another machine's time.
        Place(seen.map_or(self.next, |seen| seen.saturating_add(1).min(self.next)))
    }

    /// Returns what comes next for a reader.
    fn read(&self, place: &mut Place) -> Option<Given> {
        let first = self.first();
        if place.0 < first {
            let missed = (self.begin <= place.0).then(|| first - place.0);
            place.0 = first;
            return Some(Given::Missed(missed));
        }
        let at = usize::try_from(place.0 - first).ok()?;
        let happened = self.last.get(at)?;
        let number = place.0;
        place.0 += 1;
        Some(Given::This(number, Arc::clone(happened)))
    }
}

/// Follows what happens, for all readers.
#[derive(Debug)]
pub(crate) struct Hub {
    link: Arc<Link>,
    kept: Mutex<Kept>,
    /// Its receivers are the readers.
    changed: watch::Sender<()>,
    state: watch::Sender<State>,
}

/// Whether the daemon is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody looks on.
    Idle,
    /// It is asked, and has not said yet that it tells.
    Asking,
    /// It tells what happens.
    Following,
}

impl Hub {
    /// One that has nothing yet.
    pub(crate) fn new(link: Arc<Link>) -> Arc<Self> {
        let begin = u64::try_from(since_1970().as_micros()).unwrap_or(0);
        Arc::new(Self {
            link,
            kept: Mutex::new(Kept::new(begin)),
            changed: watch::Sender::new(()),
            state: watch::Sender::new(State::Idle),
        })
    }

    /// A new reader, who has seen what has this number. Nothing that happens afterwards is missed.
    pub(crate) async fn reader(self: &Arc<Self>, seen: Option<u64>) -> Reader {
        let changed = self.changed.subscribe();
        if *self.state.borrow() == State::Idle {
            self.state.send_replace(State::Asking);
            // What happened while nobody looked is not known.
            let has_some = lock(&self.kept).has_some();
            if has_some {
                self.put(Happened::Gap);
            }
            tokio::spawn(Arc::clone(self).follow());
        }
        let mut state = self.state.subscribe();
        let follows = state.wait_for(|state| *state == State::Following);
        // Where the daemon is away, what it says later is passed on then.
        let _follows_or_will = tokio::time::timeout(PATIENCE, follows).await;
        let place = lock(&self.kept).after(seen);
        Reader { hub: Arc::clone(self), place, changed }
    }

    async fn follow(self: Arc<Self>) {
        loop {
            let end = tokio::select! {
                end = self.ask() => Some(end),
                () = self.unwatched() => None,
            };
            // This thread is the only one: whoever comes now finds it idle, and begins anew.
            let Some(_error) = end else {
                self.state.send_replace(State::Idle);
                return;
            };
            let followed = self.state.send_replace(State::Asking) == State::Following;
            // A daemon that was killed has a successor in a moment.
            if followed {
                self.put(Happened::Gap);
            } else {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Passes on what the daemon says, until it ends.
    async fn ask(&self) -> Error {
        let request = Request::Logs {
            ids: Vec::new(),
            out: true,
            err: true,
            events: true,
            own: false,
            confirm: true,
            patient: false,
            places: false,
        };
        let said = async {
            let mut connection = self.link.connect().await?;
            connection.send(&request).await?;
            loop {
                match connection.receive(None).await? {
                    FromDaemon::Event(event) => self.tell(event),
                    FromDaemon::Answer(_) => return Err(Error::Broken),
                }
            }
        };
        let result: Result<std::convert::Infallible, Error> = said.await;
        match result {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    fn tell(&self, event: Event) {
        match event {
            Event::Log(line) => self.put(Happened::Line(line)),
            Event::Process { id, name, what, at } => {
                self.put(Happened::Process { id, name, what: what.as_str(), at });
            }
            Event::Following { .. } => _ = self.state.send_replace(State::Following),
            Event::Started { .. }
            | Event::Starting { .. }
            | Event::Doing { .. }
            | Event::Restoring { .. }
            | Event::Failed { .. }
            | Event::Acted { .. }
            | Event::Step { .. }
            | Event::Own { .. }
            | Event::Restored { .. }
            | Event::Asked { .. }
            | Event::Answered { .. }
            | Event::Warning { .. } => {}
        }
    }

    fn put(&self, happened: Happened) {
        lock(&self.kept).put(happened);
        self.changed.send_replace(());
    }

    /// Returns when nobody has looked for a while.
    async fn unwatched(&self) {
        loop {
            self.changed.closed().await;
            tokio::time::sleep(LINGER).await;
            if self.changed.receiver_count() == 0 {
                return;
            }
        }
    }
}

/// Somebody who looks on.
#[derive(Debug)]
pub(crate) struct Reader {
    hub: Arc<Hub>,
    place: Place,
    changed: watch::Receiver<()>,
}

impl Reader {
    /// Returns what comes next, when it comes.
    pub(crate) async fn next(&mut self) -> Given {
        loop {
            self.changed.mark_unchanged();
            if let Some(given) = lock(&self.hub.kept).read(&mut self.place) {
                return given;
            }
            // The hub, of which this reader has a part, has the sender.
            if self.changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Nothing in here is left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Happened {
        let (name, text) = ("a".to_owned(), text.to_owned());
        Happened::Line(LogLine { id: 0, name, err: false, at: 0, text, dropped: 0, place: None })
    }

    /// What a reader is given until there is no more: numbers, and what it missed as a negative.
    fn all(kept: &Kept, mut place: Place) -> Vec<i64> {
        let mut given = Vec::new();
        while let Some(one) = kept.read(&mut place) {
            given.push(match one {
                Given::This(number, _) => i64::try_from(number).unwrap(),
                Given::Missed(Some(count)) => -i64::try_from(count).unwrap(),
                Given::Missed(None) => i64::MIN,
            });
        }
        given
    }

    #[test]
    fn who_comes_again_goes_on_after_what_it_has_seen() {
        let mut kept = Kept::new(100);
        let from_here = kept.after(None);
        (0..3).for_each(|_| kept.put(line("x")));
        assert_eq!(all(&kept, from_here), [100, 101, 102]);
        assert_eq!(all(&kept, kept.after(Some(101))), [102]);
        assert!(all(&kept, kept.after(None)).is_empty());
        assert!(all(&kept, kept.after(Some(5000))).is_empty(), "it was never given");
        assert_eq!(all(&kept, kept.after(Some(50))), [i64::MIN, 100, 101, 102], "of before");
    }

    #[test]
    fn what_is_kept_is_bounded_and_who_falls_behind_is_told_how_many_it_missed() {
        let mut kept = Kept::new(0);
        let slow = kept.after(None);
        (0..MOST + 5).for_each(|_| kept.put(line("x")));
        let given = all(&kept, slow);
        assert_eq!(given[..2], [-5, 5]);
        assert_eq!(given.len(), MOST + 1);
        let large = "x".repeat(MOST_BYTES / 4);
        (0..9).for_each(|_| kept.put(line(&large)));
        assert_eq!(kept.last.len(), 4);
        kept.put(line(&"x".repeat(MOST_BYTES + 1)));
        assert_eq!((kept.last.len(), kept.bytes), (0, 0), "one alone is too much");
    }
}
