//! Lines as they come, behind those that the files had: each once.
//!
//! Problem: between the last look at the files and the daemon's word that it tells of lines some
//! may be written, and a daemon that dies or a reader that is slow makes gaps. Rule: the daemon
//! says of each line where it is. What is behind a gap is read from the files, which are complete,
//! and a line that was read there is not shown again when it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;

use ostler_logs::{Check, Place, Severity, Trail, head_of};
use ostler_wire::control::{LinePlace, LogLine};

use super::files::Files;
use super::format::Writer;
use super::query::{self, Cursor, Query};
use super::target::Target;
use crate::failed::Failed;
use crate::session::Session;

/// A file was written to at most so much later than the daemon has read a line, ms.
const CLOCKS: u64 = 100;

/// How far each log was shown.
pub(super) struct Follower<'q> {
    query: &'q Query,
    files: Files,
    cursor: Cursor,
    /// Logs of which the daemon has told a line that follows what was shown.
    joined: BTreeSet<u32>,
    /// Files of the others that were read to their end, and are written to no more.
    passed: BTreeMap<u32, BTreeSet<u64>>,
    severity: Severity,
}

impl<'q> Follower<'q> {
    /// Goes on behind what was shown of these files.
    pub(super) fn new(query: &'q Query, files: Files, cursor: Cursor) -> Self {
        let (joined, passed) = (BTreeSet::new(), BTreeMap::new());
        Self { query, files, cursor, joined, passed, severity: Severity::default() }
    }

    /// The daemon tells of lines from now on: what was written meanwhile is in the files.
    pub(super) fn join(
        &mut self,
        session: &mut Session,
        target: &Target,
        writer: &Writer,
    ) -> Result<(), Failed> {
        self.joined.clear();
        self.passed.clear();
        self.look_again(session, target, writer);
        self.catch_up(session, writer)
    }

    /// Shows a line, unless it was shown before.
    pub(super) fn line(
        &mut self,
        session: &mut Session,
        target: &Target,
        writer: &mut Writer,
        mut line: LogLine,
    ) -> Result<(), Failed> {
        let is_behind_gap = std::mem::take(&mut line.dropped) > 0;
        if is_behind_gap {
            // Of which logs lines are missing nobody knows.
            self.joined.clear();
            self.catch_up(session, writer)?;
        }
        if let Some(place) = line.place {
            if self.is_new(place.log) {
                self.look_again(session, target, writer);
            }
            if !self.follows(place) && self.files.sources.iter().any(|of| of.key() == place.log) {
                self.catch_up(session, writer)?;
                let known = self.known(place.log).inode;
                if known != place.inode {
                    self.passed.entry(place.log).or_default().insert(place.inode);
                }
            }
            if self.was_shown(place) {
                return Ok(());
            }
            self.advance(place, line.at);
        }
        let text = line.text.as_bytes();
        let log = (line.id, line.err);
        if self.query.matches(text) && self.query.wants(|| self.severity.of(log, text)) {
            let cursor = writer.wants_cursors().then_some(&self.cursor);
            let is_object = self.files.are_objects(line.id);
            writer.line(&mut session.out, &line, (is_object, cursor));
        }
        Ok(())
    }

    fn known(&self, log: u32) -> Place {
        self.cursor.places.get(&log).copied().unwrap_or_default()
    }

    /// Whether a log was not there when the files were looked for.
    fn is_new(&self, log: u32) -> bool {
        self.files.sources.iter().all(|source| source.key() != log)
    }

    fn was_shown(&self, place: LinePlace) -> bool {
        let known = self.known(place.log);
        let is_read = known.inode == place.inode && place.end <= known.end;
        is_read || self.passed.get(&place.log).is_some_and(|of| of.contains(&place.inode))
    }

    /// Whether nothing is missing between what was shown and this line, or it was shown itself.
    fn follows(&self, place: LinePlace) -> bool {
        let known = self.known(place.log);
        let is_next = known.inode == place.inode && place.start == known.end;
        is_next || self.joined.contains(&place.log) || self.was_shown(place)
    }

    /// A line is shown that is here, and that the daemon has read at this time.
    fn advance(&mut self, place: LinePlace, at: u64) {
        self.joined.insert(place.log);
        self.passed.remove(&place.log);
        let known = self.known(place.log);
        let is_same = known.inode == place.inode;
        let written = if is_same { known.written } else { at.saturating_sub(CLOCKS) };
        let (length, hash) = place.check;
        let is_known = is_same && ostler_logs::CHECKED as u64 <= known.end;
        let head = if is_known { known.head } else { self.head(place).unwrap_or(0) };
        let check = Check { length, hash };
        let now = Place { inode: place.inode, written, end: place.end, check, head };
        self.cursor.places.insert(place.log, now);
    }

    /// What the first bytes of the file are in which a line is; `None` when it has another name.
    fn head(&self, place: LinePlace) -> Option<u32> {
        let source = self.files.sources.iter().find(|source| source.key() == place.log)?;
        let file = File::open(&source.path).ok()?;
        let is_same = file.metadata().is_ok_and(|meta| meta.ino() == place.inode);
        let head = head_of(&file, place.end).ok().filter(|_| is_same)?;
        Some(Trail::new(place.end, head).place(place.inode, 0).head)
    }

    /// Apps may have come.
    fn look_again(&mut self, session: &mut Session, target: &Target, writer: &Writer) {
        // Where nobody answers, the files that are known are read.
        if let Ok(list) = session.known() {
            self.files.find_again(session, target, &list, writer);
        }
        session.disconnect();
    }

    /// Shows what the files have behind what was shown.
    fn catch_up(&mut self, session: &mut Session, writer: &Writer) -> Result<(), Failed> {
        let query = self.query.behind(self.cursor.clone());
        let read = query::show(&mut session.out, writer, self.files.lent(), &query)?;
        self.cursor.places.extend(read.places);
        Ok(())
    }
}
