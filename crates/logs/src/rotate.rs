//! Rotation by the engine: a log gets another name at a line's end, and its path is opened anew.
//!
//! Only this thread writes the files, so between two of its steps a file is complete. What counts
//! is the name: `rename` is one step, and whoever dies behind it leaves a path that the next engine
//! opens anew. Where the path cannot be opened, the file takes its old name back.

use std::cmp::Reverse;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use ostler_poll::now;

use crate::care::Names;
use crate::files::{Key, LogFile, Settling};
use crate::inodes::FileId;
use crate::reactor::Reactor;
use crate::rotating::{Rotating, Rotation};
use crate::types::Event;

/// How long a file that could not be rotated is left as it is, ms.
const AGAIN: u64 = 60_000;
/// Somebody is told when all files have grown by so much, bytes.
const GROWN: u64 = 64 << 20;

impl LogFile {
    /// Gives the file another name, and opens the path anew. Returns its own path, and the other
    /// name; `None` when there is nothing to rotate.
    fn rotate(&mut self, reopens: bool) -> io::Result<Option<(PathBuf, PathBuf)>> {
        self.rotating.asked = false;
        let is_regular = self.open.as_ref().is_none_or(|open| open.regular);
        let meta = match self.path.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            meta => meta?,
        };
        if !is_regular || !meta.is_file() || meta.len() == 0 {
            return Ok(None);
        }
        if self.has_moved() {
            // Somebody else has rotated it.
            return self.open_anew().map(|()| None);
        }
        let real = self.opener.resolve(&self.path);
        let Rotating { renamer, rule, .. } = &mut self.rotating;
        let to = renamer.rename(&real, &rule.names, &*self.opener)?;
        if reopens && let Err(error) = self.open_anew() {
            // Where even that fails, nothing more is written into what has been rotated.
            if self.opener.rename(&to, &real).is_err() {
                self.open = None;
            }
            return Err(error);
        }
        Ok(Some((real, to)))
    }
}

impl Reactor {
    /// Bytes were written: counts them, and rotates the file if it is full. `owner` has written
    /// last, as it came; without one, whole lines.
    pub(crate) fn grown(&mut self, id: FileId, bytes: u64, owner: Option<Key>) {
        self.keep_time(id, bytes);
        self.grown += bytes;
        if GROWN <= self.grown {
            self.grown = 0;
            self.outbox.send(Event::Grown);
        }
        let Some(file) = self.files.get_mut(id) else { return };
        if file.rotating.rule.max_size.is_none() && !file.rotating.asked {
            return;
        }
        let Ok(Some(end)) = file.end() else { return };
        if file.settling.is_some() || !file.rotating.is_due(end) {
            return;
        }
        match owner {
            Some(owner) if !file.ends_with_line(end) => {
                let until = now() + crate::boundary::GRACE;
                file.settling = Some(Settling { owner, until });
                self.timers.push(Reverse((until, id)));
            }
            Some(_) | None => self.rotate_now(id),
        }
    }

    /// Rotates a file that is due, if it is between two lines, or has waited for the end of one
    /// that is too long.
    pub(crate) fn rotate_if_due(&mut self, id: FileId) {
        let Some(file) = self.files.get_mut(id) else { return };
        let Ok(Some(end)) = file.end() else { return };
        let is_due = file.rotating.is_due(end);
        if is_due && (file.ends_with_line(end) || file.rotating.is_forced(end)) {
            self.rotate_now(id);
        }
    }

    fn rotate_now(&mut self, id: FileId) {
        let Some(file) = self.files.get_mut(id) else { return };
        let path = file.path.clone();
        match file.rotate(true) {
            Ok(None) => {}
            Ok(Some((from, to))) => {
                (file.rotating.not_before, file.rotating.failed) = (0, false);
                file.times.forget();
                self.rename_times(&from, &to);
                self.outbox.send(Event::Rotated { path, to });
            }
            Err(error) => {
                file.rotating.not_before = now() + AGAIN;
                if !std::mem::replace(&mut file.rotating.failed, true) {
                    self.outbox.send(Event::NotRotated { path, error });
                }
            }
        }
    }

    /// Rotates these files at their next line end, whatever their size.
    pub(crate) fn rotate_all(&mut self, paths: Vec<(PathBuf, Arc<Names>)>) {
        for (path, names) in paths {
            match self.files.find(&path) {
                Some(id) => {
                    if let Some(file) = self.files.get_mut(id) {
                        file.rotating.asked = true;
                    }
                    self.rotate_if_due(id);
                    self.rest(id);
                }
                None => self.rotate_unused(path, names),
            }
        }
    }

    /// Rotates a file that nobody writes to.
    fn rotate_unused(&mut self, path: PathBuf, names: Arc<Names>) {
        let mut file = self.files.unused(&path);
        file.rotating.rule = Rotation { max_size: None, names };
        match file.rotate(false) {
            Ok(None) => {}
            Ok(Some((from, to))) => {
                self.rename_times(&from, &to);
                self.outbox.send(Event::Rotated { path, to });
            }
            Err(error) => self.outbox.send(Event::NotRotated { path, error }),
        }
    }

    /// Files are rotated by other rules from now on.
    pub(crate) fn set_rotation(&mut self, rules: Vec<(PathBuf, Option<Rotation>)>) {
        for (path, rule) in rules {
            if let Some(id) = self.files.find(&path)
                && let Some(file) = self.files.get_mut(id)
            {
                file.rotating.rule = rule.unwrap_or_default();
                file.rotating.not_before = 0;
                if file.open.is_some() {
                    self.rotate_if_due(id);
                }
            }
        }
    }
}
