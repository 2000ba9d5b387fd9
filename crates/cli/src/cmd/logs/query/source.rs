//! One log with all its files: which of them are of interest, and the lines in them.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use ostler_logs::times::{Times, WITHIN};
use ostler_logs::{Chain, Located, Names, Place, Severity, key};

use super::Query;
use super::ahead::{self, Ahead};
use super::begin::{Text, begin, line_after};
use super::lines::Lines;
use super::time::LineTime;
use crate::cmd::logs::format::Author;

/// So often the files of a log are looked for again that were compressed or removed meanwhile.
const TRIES: u32 = 10;

/// A log and whose it is.
pub(in crate::cmd::logs) struct Source {
    /// The file that is written to now.
    pub path: PathBuf,
    /// Whose lines these are.
    pub author: Author,
    /// The date that the manager puts before each line.
    pub format: Option<String>,
    /// The folder with the times at which it was written.
    pub times: PathBuf,
}

impl Source {
    /// Returns by which number a cursor names it.
    pub(in crate::cmd::logs) fn key(&self) -> u32 {
        key(&self.path)
    }
}

/// A line that was looked for.
#[derive(Debug)]
pub(super) struct Found {
    /// When it was written, if that is known, and when at the latest; ms since 1970.
    pub at: Option<u64>,
    pub by: u64,
    /// Bytes at its front that the manager put there.
    pub prefix: usize,
    pub text: Vec<u8>,
    /// The place behind it, if it is of interest.
    pub place: Option<Place>,
    /// Its end was not written yet.
    pub is_part: bool,
}

impl Found {
    /// Returns by what lines of several logs are put in order.
    pub(super) fn key(&self) -> u64 {
        self.at.unwrap_or(self.by)
    }
}

/// A file of a log, which was not written to after this time, and hardly before that one, from
/// this place on.
struct Part {
    to: u64,
    from: u64,
    number: usize,
    start: u64,
}

/// The file that is being read.
struct Open {
    of: ahead::Part,
    times: Times,
    /// It is written to now.
    is_now: bool,
}

/// The lines of one log that were looked for.
pub(super) struct Last {
    /// The oldest first.
    pub found: Vec<Found>,
    /// The place before the first of them.
    pub before: Place,
}

/// Reads the lines of a log that are looked for.
pub(super) struct Reader<'q> {
    query: &'q Query,
    /// From when on its lines are of interest.
    since: Option<u64>,
    /// Whether the time of each line is of interest.
    is_timed: bool,
    times: LineTime,
    has_format: bool,
    chain: Chain,
    parts: VecDeque<Part>,
    open: Option<Open>,
    /// The next ones, where they are looked through ahead.
    ahead: VecDeque<Ahead>,
    /// The folder with the times at which logs were written.
    folder: PathBuf,
    /// The path of the log, which leads over no link.
    path: PathBuf,
    /// The time of the last line that had one.
    last: Option<u64>,
    severity: Severity,
    is_err: bool,
    /// The place behind everything that was read.
    pub place: Place,
    /// The file of the cursor is gone.
    pub is_gone: bool,
    /// Lines were found of which nobody knows whether they are of the time that is asked for.
    pub is_vague: bool,
}

impl<'q> Reader<'q> {
    /// Reads this log; `merges`: its lines are put in order with those of others.
    pub(super) fn new(
        source: &Source,
        names: &[Names],
        query: &'q Query,
        merges: bool,
    ) -> io::Result<Self> {
        let cursor = query.cursor.as_ref();
        let known = cursor.and_then(|cursor| cursor.places.get(&source.key()).copied());
        // A log that the cursor does not name has come later.
        let made = cursor.filter(|_| known.is_none()).map(|cursor| cursor.made);
        let mut reader = Self {
            query,
            since: query.since.max(made),
            is_timed: merges || query.is_timed() || made.is_some() || query.level.is_some(),
            times: LineTime::new(source.format.as_deref()),
            has_format: source.format.is_some(),
            chain: Chain::default(),
            parts: VecDeque::new(),
            open: None,
            ahead: VecDeque::new(),
            folder: source.times.clone(),
            path: source.path.canonicalize().unwrap_or_else(|_| source.path.clone()),
            last: None,
            severity: Severity::default(),
            is_err: matches!(source.author, Author::App { err: true, .. }),
            place: Place::default(),
            is_gone: false,
            is_vague: false,
        };
        let mut tries = TRIES;
        loop {
            reader.chain = Chain::of(&source.path, names, known.is_some())?;
            match reader.find_parts(known) {
                // A file was compressed or removed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound && 0 < tries => tries -= 1,
                found => return found.map(|()| reader),
            }
        }
    }

    /// Finds the files that are of interest, and where the first of them begins to be.
    fn find_parts(&mut self, known: Option<Place>) -> io::Result<()> {
        let located = known.map(|place| self.chain.locate(&place)).transpose()?;
        let (first, start) = match located {
            Some(Located::In(number, end)) => (number, end),
            Some(Located::Gone(number)) => (number, 0),
            None => (0, 0),
        };
        self.is_gone = matches!(located, Some(Located::Gone(_)));
        let (mut parts, mut from, mut passed) = (VecDeque::new(), 0, 0);
        for (number, file) in self.chain.files.iter().enumerate() {
            let to = if self.chain.now(number).is_some() {
                file.written.max(from)
            } else {
                file.written
            };
            if self.since.is_some_and(|since| to < since) {
                passed = file.written;
            } else if first <= number && self.query.until.is_none_or(|until| from <= until) {
                let start = if number == first { start } else { 0 };
                parts.push_back(Part { to, from, number, start });
            }
            from = to;
        }
        self.place = known.unwrap_or_else(|| Place::behind(passed));
        self.parts = parts;
        Ok(())
    }

    /// Returns the next line that is looked for.
    pub(super) fn next(&mut self) -> io::Result<Option<Found>> {
        loop {
            if let Some(ahead) = self.ahead.front_mut() {
                let (line, by) = (ahead.next()?, ahead.to);
                self.place = line.place.unwrap_or(self.place);
                match line.text {
                    None => {
                        self.ahead.pop_front();
                        self.look_ahead()?;
                    }
                    Some(text) => {
                        if let Some(found) = self.judge(text, None, by) {
                            return Ok(Some(found));
                        }
                    }
                }
                continue;
            }
            let Some(open) = &mut self.open else {
                self.look_ahead()?;
                if self.ahead.is_empty() {
                    let Some(part) = self.parts.pop_front() else { return Ok(None) };
                    self.open = self.open_part(&part)?;
                }
                continue;
            };
            let lines = &mut open.of.lines;
            let line = if self.is_timed || self.has_format {
                lines.next()?
            } else {
                lines.next_matching(self.query)?
            };
            if self.query.wants_places {
                self.place = open.of.place().unwrap_or(self.place);
            }
            let Some(text) = line else {
                self.open = None;
                continue;
            };
            let lines = &open.of.lines;
            let is_part = lines.is_part && open.is_now;
            let (by, written) = (open.of.to, open.times.at(lines.place()));
            if let Some(found) = self.judge(text, written, by) {
                return Ok(Some(Found { is_part, ..found }));
            }
        }
    }

    /// Returns the last lines that are looked for, at most so many. Newer files are read first, and
    /// older ones only if they are needed.
    pub(super) fn last(&mut self, most: usize) -> io::Result<Last> {
        let mut parts = std::mem::take(&mut self.parts);
        let (begin, mut before, mut end) = (self.place, self.place, None);
        let mut found: VecDeque<Found> = VecDeque::new();
        while found.len() < most
            && let Some(part) = parts.pop_back()
        {
            let older = parts.back().and_then(|part| self.chain.files.get(part.number));
            before = older.map_or(begin, |file| Place::behind(file.written));
            let mut of_part = VecDeque::new();
            (self.last, self.parts) = (None, VecDeque::from([part]));
            while let Some(line) = self.next()? {
                if most - found.len() <= of_part.len() {
                    let passed: Option<Found> = of_part.pop_front();
                    before = passed.and_then(|passed| passed.place).unwrap_or(before);
                }
                of_part.push_back(line);
            }
            end.get_or_insert(self.place);
            of_part.append(&mut found);
            found = of_part;
        }
        self.place = end.unwrap_or(self.place);
        Ok(Last { found: found.into(), before })
    }

    /// Whether a line is looked for, which was written between these times, as far as is known.
    fn judge(&mut self, text: Vec<u8>, written: Option<u64>, by: u64) -> Option<Found> {
        let timed = self.times.read(&text);
        // What has no time goes on where the line before it has begun, unless that is long ago.
        self.last = timed.at.or(self.last);
        let is_stale = |last: &u64| written.is_some_and(|written| last + WITHIN < written);
        let at = self.last.filter(|last| !is_stale(last)).or(written);
        let is_in = |at: u64| {
            self.since.is_none_or(|since| since <= at)
                && self.query.until.is_none_or(|until| at <= until)
        };
        if at.is_some_and(|at| !is_in(at)) {
            return None;
        }
        let own = text.get(timed.prefix..).unwrap_or_default();
        let is_grave = self.query.wants(|| self.severity.of((0, self.is_err), own));
        if !self.query.matches(own) || !is_grave {
            return None;
        }
        self.is_vague |= at.is_none();
        let place = self.query.wants_places.then_some(self.place);
        Some(Found { at, by, prefix: timed.prefix, text, place, is_part: false })
    }

    /// Has files looked through that come later, where each line is judged by itself. The one that
    /// is written to now comes last, and is read here.
    fn look_ahead(&mut self) -> io::Result<()> {
        if self.is_timed || self.has_format || self.query.grep.is_none() {
            return Ok(());
        }
        while self.ahead.len() < ahead::most()
            && self.parts.front().is_some_and(|part| self.chain.now(part.number).is_none())
            && let Some(part) = self.parts.pop_front()
        {
            if let Some(open) = self.open_part(&part)? {
                self.ahead.push_back(Ahead::begin(open.of, self.query)?);
            }
        }
        Ok(())
    }

    /// Opens a file, if it is still there.
    fn open_part(&mut self, part: &Part) -> io::Result<Option<Open>> {
        let mut known = Times::default();
        if self.is_timed {
            // What cannot be read costs nothing but the knowledge, and of which lines nothing is
            // known is told.
            known = self.times_of(part.number).unwrap_or_default();
        }
        let mut start = part.start;
        if let Some(since) = self.since.filter(|since| part.from < *since) {
            start = self.begin(part.number, since, &known)?.max(start);
        }
        let opened = match self.chain.open_at(part.number, start) {
            // It was compressed meanwhile, or removed, for others that are newer.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !self.chain.is_packed_now(part.number) {
                    return Ok(None);
                }
                self.chain.open_at(part.number, start)?
            }
            opened => opened?,
        };
        let is_now = self.chain.now(part.number).is_some();
        let lines = Lines::new(opened.from, opened.trail, is_now && self.query.only_whole);
        let of = ahead::Part { lines, inode: opened.inode, to: part.to };
        Ok(Some(Open { of, times: known, is_now }))
    }

    /// Where in a file lines of this time begin, or somewhat before; 0 where it would have to be
    /// read for it.
    fn begin(&self, number: usize, since: u64, known: &Times) -> io::Result<u64> {
        let find = |text: &dyn Text| -> io::Result<u64> {
            let written = line_after(text, known.place(since))?;
            Ok(begin(text, since, &self.times)?.max(written))
        };
        if let Some(now) = self.chain.now(number) {
            return find(now);
        }
        let Some(file) = self.chain.files.get(number) else { return Ok(0) };
        let found = match file.packed {
            Some(_) => file.packed().and_then(|packed| packed.map_or(Ok(0), |of| find(&of))),
            None => File::open(&file.path).and_then(|of| find(&of)),
        };
        match found {
            // It was compressed or removed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            found => found,
        }
    }

    /// What is known of when a file was written.
    fn times_of(&self, number: usize) -> io::Result<Times> {
        let id = |meta: std::fs::Metadata| Some((meta.dev(), meta.ino(), meta.len()));
        let Some(file) = self.chain.files.get(number) else { return Ok(Times::default()) };
        let (path, log) = match self.chain.now(number) {
            Some(now) => (&self.path, id(now.metadata()?)),
            None if file.packed.is_some() => (&file.path, None),
            None => match file.path.metadata() {
                // It was compressed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => (&file.path, None),
                meta => (&file.path, id(meta?)),
            },
        };
        Times::read(&self.folder, path, log)
    }
}

#[cfg(test)]
mod tests;
