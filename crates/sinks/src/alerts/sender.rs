//! The thread that tells one receiver.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver as Words, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

use ostler_logs::now_ms;

use super::kept::{AlertsKept, Told, alerts_file};
use super::{Alert, Delivered, Receiver, deliver};

/// After a failure it is tried again after this, and then after twice as long, and so on, ms.
const FIRST_PAUSE: u64 = 1000;
const LONGEST_PAUSE: u64 = 60_000;
/// What could not be delivered for so long is given up, ms.
const TOO_OLD: u64 = 24 * 60 * 60 * 1000;
/// A receiver is owed so many at most; the oldest are given up.
const MOST: usize = 100;
/// So many numbers are known again.
const SEEN: usize = 64;

/// An alert that is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The number of it, as the model gave it.
    pub number: u64,
    /// What is to be told.
    pub alert: Alert,
    /// From one of the kind about the app to the next, ms.
    pub every: u64,
}

enum Word {
    Tell(Owed),
    Change(Box<Receiver>),
}

/// The daemon's end.
pub struct AlertSender {
    words: Sender<Word>,
}

impl AlertSender {
    /// Returns the end, and the work that a thread is to do: it tells this receiver, of an app or
    /// of the home, and says by `taken` which alert will not be forgotten any more.
    pub fn new<T: Fn(u64)>(
        home: &Path,
        receiver: Receiver,
        of: Option<(String, String)>,
    ) -> (Self, impl FnOnce(T) + Send + use<T>) {
        let (words, heard) = channel();
        let path = alerts_file(home, &receiver.target, of.as_ref());
        let work = move |taken: T| Work::new(path, receiver, of, taken).run(&heard);
        (Self { words }, work)
    }

    /// Tells it. `false`: the thread has ended.
    #[must_use]
    pub fn tell(&self, owed: Owed) -> bool {
        self.words.send(Word::Tell(owed)).is_ok()
    }

    /// The receiver is reached in this way from now on.
    pub fn change(&self, receiver: Receiver) {
        // A thread that has ended needs to hear nothing.
        _ = self.words.send(Word::Change(Box::new(receiver)));
    }
}

struct Work<T> {
    path: PathBuf,
    receiver: Receiver,
    kept: AlertsKept,
    /// As the file has it.
    written: Option<AlertsKept>,
    taken: T,
    /// Numbers that are in no file yet.
    unsaved: Vec<u64>,
    pause: u64,
    /// Nothing is tried before this, ms since 1970.
    paused: u64,
}

impl<T: Fn(u64)> Work<T> {
    fn new(path: PathBuf, receiver: Receiver, of: Option<(String, String)>, taken: T) -> Self {
        let kept =
            AlertsKept { receiver: receiver.target.to_string(), of, ..AlertsKept::read(&path) };
        Self {
            path,
            receiver,
            kept,
            written: None,
            taken,
            unsaved: Vec::new(),
            pause: FIRST_PAUSE,
            paused: 0,
        }
    }

    fn run(mut self, words: &Words<Word>) {
        loop {
            let now = now_ms();
            self.kept.release(now);
            self.save();
            let waits = self.kept.queue.is_empty() || now < self.paused;
            if !waits {
                self.send(now);
                // What has come meanwhile is taken up before the next one.
                match words.try_recv() {
                    Ok(word) => self.take(word),
                    Err(TryRecvError::Empty) => {}
                    // The successor goes on with what is in the file.
                    Err(TryRecvError::Disconnected) => return self.save(),
                }
                continue;
            }
            let due = (!self.kept.queue.is_empty()).then_some(self.paused);
            let due = due.into_iter().chain(self.kept.release_due()).min();
            let heard = match due {
                Some(due) => words.recv_timeout(Duration::from_millis(due.saturating_sub(now))),
                None => words.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match heard {
                Ok(word) => self.take(word),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.save(),
            }
        }
    }

    fn take(&mut self, word: Word) {
        match word {
            Word::Tell(owed) => {
                self.unsaved.push(owed.number);
                self.kept.take(owed, now_ms());
            }
            Word::Change(receiver) => self.receiver = *receiver,
        }
    }

    /// Writes the file. What is in it is not forgotten; what is in none is tried at once and
    /// counts as taken up when it is delivered.
    fn save(&mut self) {
        let is_same = self.written.as_ref() == Some(&self.kept);
        if !is_same && self.kept.write(&self.path).is_ok() {
            self.written = Some(self.kept.clone());
        }
        let is_written = self.written.as_ref() == Some(&self.kept);
        if is_written || self.kept.queue.is_empty() {
            self.unsaved.drain(..).for_each(&self.taken);
        }
    }

    fn send(&mut self, now: u64) {
        let Some(alert) = self.kept.queue.first() else { return };
        match deliver(alert, &self.receiver) {
            Delivered::Taken(_) => {
                self.kept.sent += 1;
                self.go_on(None);
            }
            Delivered::Refused(why) => {
                self.kept.refused += 1;
                self.go_on(Some(why));
            }
            Delivered::Failed { why, again_in } => {
                let pause = again_in.map_or(self.pause, |of| of.as_millis() as u64);
                self.paused = now + pause.clamp(FIRST_PAUSE, 10 * LONGEST_PAUSE);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                self.kept.trouble = Some(why);
                self.kept.since.get_or_insert(now);
            }
        }
    }

    /// The first one needs nothing more.
    fn go_on(&mut self, trouble: Option<String>) {
        self.kept.queue.remove(0);
        (self.kept.trouble, self.kept.since) = (trouble, None);
        (self.pause, self.paused) = (FIRST_PAUSE, 0);
    }
}

impl AlertsKept {
    /// An alert is to be told at this time, or to be held back.
    fn take(&mut self, owed: Owed, now: u64) {
        let Owed { number, alert, every } = owed;
        if self.seen.contains(&(number, alert.at)) {
            return;
        }
        self.seen.push((number, alert.at));
        let old = self.seen.len().saturating_sub(SEEN);
        self.seen.drain(..old);
        let about = (alert.namespace.clone(), alert.app.clone(), alert.kind.clone());
        match self.told.iter_mut().find(|told| told.about == about) {
            // A clock that was set back must not hold anything back for longer.
            Some(told) if now < told.until && told.until <= now.saturating_add(every) => {
                told.held_back += u64::from(told.last.is_some());
                told.last = Some(alert);
                return;
            }
            Some(told) => (told.until, told.every) = (now.saturating_add(every), every),
            None => {
                let until = now.saturating_add(every);
                self.told.push(Told { about, until, every, held_back: 0, last: None });
            }
        }
        self.queue.push(alert);
    }

    /// Tells the last of what was held back where its time has come, and drops what is too old.
    fn release(&mut self, now: u64) {
        for told in &mut self.told {
            if told.until <= now
                && let Some(last) = told.last.take()
            {
                let held_back = std::mem::take(&mut told.held_back);
                told.until = now.saturating_add(told.every);
                self.queue.push(Alert { held_back, ..last });
            }
        }
        self.told.retain(|told| now < told.until || told.last.is_some());
        let before = self.queue.len();
        self.queue.retain(|alert| now <= alert.at.saturating_add(TOO_OLD));
        let many = self.queue.len().saturating_sub(MOST);
        self.queue.drain(..many);
        self.lost += (before - self.queue.len()) as u64;
    }

    /// When something that was held back is told next.
    fn release_due(&self) -> Option<u64> {
        self.told.iter().filter(|told| told.last.is_some()).map(|told| told.until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owed(number: u64, kind: &str, at: u64) -> Owed {
        let alert = Alert {
            kind: kind.to_owned(),
            namespace: "default".to_owned(),
            app: "api".to_owned(),
            process: None,
            at,
            text: format!("number {number}"),
            held_back: 0,
        };
        Owed { number, alert, every: 1000 }
    }

    fn queue(kept: &AlertsKept) -> Vec<(&str, u64)> {
        kept.queue.iter().map(|alert| (alert.text.as_str(), alert.held_back)).collect()
    }

    #[test]
    fn one_of_a_kind_is_told_in_an_interval_and_at_its_end_the_last_with_the_number_of_others() {
        let mut kept = AlertsKept::default();
        for (number, at) in [(1, 0), (2, 100), (3, 200), (4, 300)] {
            kept.take(owed(number, "memory", at), at);
        }
        kept.take(owed(5, "errored", 300), 300);
        assert_eq!(queue(&kept), [("number 1", 0), ("number 5", 0)]);
        assert_eq!(kept.release_due(), Some(1000));
        kept.release(999);
        assert_eq!(kept.queue.len(), 2);
        kept.release(1000);
        assert_eq!(queue(&kept).last(), Some(&("number 4", 2)));
        // The interval begins anew with it.
        kept.take(owed(6, "memory", 1500), 1500);
        assert_eq!((kept.queue.len(), kept.release_due()), (3, Some(2000)));
        kept.release(2000);
        assert_eq!(queue(&kept).last(), Some(&("number 6", 0)));
    }

    #[test]
    fn what_comes_again_after_a_daemons_death_is_told_once() {
        let mut kept = AlertsKept::default();
        kept.take(owed(1, "memory", 0), 0);
        kept.take(owed(1, "memory", 0), 5000);
        assert_eq!(queue(&kept), [("number 1", 0)]);
        // Another one that has the number, since the state was lost.
        kept.take(owed(1, "memory", 5000), 5000);
        assert_eq!(kept.queue.len(), 2);
    }

    #[test]
    fn what_nobody_takes_for_a_day_is_given_up_and_counted_as_lost() {
        let mut kept = AlertsKept::default();
        kept.take(owed(1, "memory", 0), 0);
        kept.release(TOO_OLD);
        assert_eq!((kept.queue.len(), kept.lost), (1, 0));
        kept.release(TOO_OLD + 1);
        assert_eq!((kept.queue.len(), kept.lost), (0, 1));
    }
}
