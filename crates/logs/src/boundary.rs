//! What may happen to a file only between two lines.
//!
//! Problem: a raw stream's bytes reach the file as they come, so the file may end within a line at
//! the moment when it is to be rotated, emptied, or joined by a second writer. Rule: then the file
//! is *settling*: its writer finishes the line, alone; the change comes at the line end, or when
//! the writer has been silent about it for [`GRACE`].

use std::cmp::Reverse;
use std::io;
use std::path::PathBuf;

use ostler_poll::now;

use crate::files::{IDLE, Key, LogFile, Settling};
use crate::inodes::FileId;
use crate::reactor::Reactor;
use crate::types::{Event, Token};

/// How long a line may stay unfinished when something waits for its end, ms.
pub(crate) const GRACE: u64 = 1000;

impl Reactor {
    /// A stream has been given this file.
    pub(crate) fn joined(&mut self, id: FileId, newcomer: Key) {
        let Some(file) = self.files.get_mut(id) else { return };
        if file.has_moved() {
            file.reopen = true;
        }
        if file.reopen || file.writers.len() > 1 {
            let owner = file.writers.iter().copied().find(|writer| *writer != newcomer);
            self.change(id, owner);
        }
    }

    /// A file was opened that nobody writes to now: it need not stay so.
    pub(crate) fn rest(&mut self, id: FileId) {
        let Some(file) = self.files.get_mut(id).filter(|file| file.open.is_some()) else { return };
        file.close_between_lines();
        if file.open.is_some() {
            self.close_when_idle();
        }
    }

    /// A file is open: it is closed when it is idle.
    pub(crate) fn close_when_idle(&mut self) {
        self.idle_at.get_or_insert_with(|| now() + IDLE);
    }

    /// A stream has left this file.
    pub(crate) fn left(&mut self, id: FileId, writer: Key) {
        if let Some(mut closed) = self.files.detach(id, writer) {
            closed.settling = None;
            let tokens = apply(&mut closed).0;
            self.flushed(&tokens);
        } else if let Some(file) = self.files.get(id) {
            if file.settling.is_some_and(|settling| settling.owner == writer) {
                self.settle(id);
            } else {
                self.wake_writers(id);
            }
        }
    }

    /// Empties these files at their next line end.
    pub(crate) fn flush(&mut self, paths: &[PathBuf], token: Token) {
        let mut ids = Vec::new();
        for path in paths {
            // A closed file is like any other: to open it would make one that was removed.
            let is_open = |id: &FileId| self.files.get(*id).is_some_and(|file| file.open.is_some());
            match self.files.find(path).filter(is_open) {
                Some(id) if !ids.contains(&id) => ids.push(id),
                Some(_) => {}
                None => {
                    if let Err(error) = self.files.truncate(path) {
                        self.outbox.send(Event::NotEmptied { path: path.clone(), error });
                    }
                    if let Some(file) = self.files.find(path).and_then(|id| self.files.get_mut(id))
                    {
                        file.times.forget();
                    }
                }
            }
        }
        *self.flushes.entry(token).or_default() += ids.len();
        for id in ids {
            if let Some(file) = self.files.get_mut(id) {
                file.truncate.push(token);
                let owner = file.writers.first().copied();
                self.change(id, owner);
            }
        }
        self.flushed(&[]);
    }

    /// Opens every file anew at its next line end.
    pub(crate) fn reopen(&mut self) {
        for id in self.files.ids() {
            if let Some(file) = self.files.get_mut(id) {
                if file.open.is_some() {
                    file.reopen = true;
                    let owner = file.writers.first().copied();
                    self.change(id, owner);
                    continue;
                }
                // It is made now, so that whoever rotates finds it in its place.
                match file.come_back() {
                    Ok(()) => self.rest(id),
                    Err(error) => self.fail(id, error),
                }
            }
        }
    }

    /// Something is to be done to this file, whose last bytes were written by `owner`: now, or at
    /// its line end.
    fn change(&mut self, id: FileId, owner: Option<Key>) {
        let Some(file) = self.files.get_mut(id) else { return };
        if file.settling.is_some() {
            return;
        }
        let between_lines = file.end().ok().flatten().is_none_or(|end| file.ends_with_line(end));
        let owner = owner.filter(|owner| {
            self.sources.get(owner).is_some_and(|source| {
                source.formatter.is_plain() && source.files.len() == 1 && !source.drained
            })
        });
        match owner {
            Some(owner) if !between_lines => {
                let until = now() + GRACE;
                file.settling = Some(Settling { owner, until });
                self.timers.push(Reverse((until, id)));
                self.queue(owner);
            }
            Some(_) | None => self.settle(id),
        }
    }

    /// The file is between two lines, or has waited long enough.
    pub(crate) fn settle(&mut self, id: FileId) {
        let Some(file) = self.files.get_mut(id) else { return };
        file.settling = None;
        let (tokens, applied) = apply(file);
        if let Err(error) = applied {
            self.fail(id, error);
        }
        self.rotate_if_due(id);
        self.rest(id);
        self.flushed(&tokens);
        self.wake_writers(id);
    }

    fn flushed(&mut self, done: &[Token]) {
        for token in done {
            if let Some(left) = self.flushes.get_mut(token) {
                *left = left.saturating_sub(1);
            }
        }
        let finished: Vec<Token> =
            self.flushes.iter().filter(|(_, left)| **left == 0).map(|(token, _)| *token).collect();
        for token in finished {
            self.flushes.remove(&token);
            self.outbox.send(Event::Flushed(token));
        }
    }

    pub(crate) fn wake_writers(&mut self, id: FileId) {
        let writers: Vec<Key> =
            self.files.get(id).into_iter().flat_map(|file| file.writers.iter().copied()).collect();
        for writer in writers {
            self.queue(writer);
        }
    }
}

/// Does what was to be done between two lines.
fn apply(file: &mut LogFile) -> (Vec<Token>, io::Result<()>) {
    let tokens = std::mem::take(&mut file.truncate);
    let mut done = Ok(());
    if let Some(open) = file.open.as_ref().filter(|open| open.regular && !tokens.is_empty()) {
        done = rustix::fs::ftruncate(&open.fd, 0).map_err(io::Error::from);
        file.clean_end = 0;
        file.times.forget();
    }
    if std::mem::take(&mut file.reopen) {
        done = done.and(file.open_anew());
    }
    (tokens, done)
}
