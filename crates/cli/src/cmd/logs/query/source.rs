//! One log with all its files: which of them are of interest, and the lines in them.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ostler_logs::times::{Times, WITHIN};
use ostler_logs::{Names, Past, history};

use super::Query;
use super::lines::Lines;
use super::time::LineTime;
use crate::cmd::logs::format::Author;

/// So much of a file is not worth a search for the place where a time begins, bytes.
const NARROW: u64 = 512 << 10;
/// A line with a time is looked for in so many bytes.
const WINDOW: usize = 64 << 10;

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

/// A line that was looked for.
#[derive(Debug)]
pub(super) struct Found {
    /// When it was written, if that is known, and when at the latest; ms since 1970.
    pub at: Option<u64>,
    pub by: u64,
    /// Bytes at its front that the manager put there.
    pub prefix: usize,
    pub text: Vec<u8>,
}

impl Found {
    /// Returns by what lines of several logs are put in order.
    pub(super) fn key(&self) -> u64 {
        self.at.unwrap_or(self.by)
    }
}

/// A file of a log, which was written to between these times.
struct Part {
    from: u64,
    to: u64,
    file: Kind,
}

enum Kind {
    Past(Past),
    Now(File),
}

/// The file that is being read, which was not written to after this time.
struct Open {
    lines: Lines,
    to: u64,
    times: Times,
}

/// Reads the lines of a log that are looked for.
pub(super) struct Reader<'q> {
    query: &'q Query,
    /// Whether the time of each line is of interest.
    is_timed: bool,
    times: LineTime,
    has_format: bool,
    parts: VecDeque<Part>,
    open: Option<Open>,
    /// The folder with the times at which logs were written.
    folder: PathBuf,
    /// The path of the log, which leads over no link.
    path: PathBuf,
    /// The time of the last line that had one.
    last: Option<u64>,
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
        // This one first: if it is rotated now, it is found among the others.
        let now = match File::open(&source.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            file => Some(file?).filter(|file| file.metadata().is_ok_and(|meta| meta.is_file())),
        };
        let id = now.as_ref().map(File::metadata).transpose()?.map(|meta| (meta.dev(), meta.ino()));
        let (mut parts, mut from) = (VecDeque::new(), 0);
        for past in history(&source.path, names)? {
            let is_now = !past.packed && id.is_some() && id_of(&past.path) == id;
            if !is_now {
                let to = past.written;
                parts.push_back(Part { from, to, file: Kind::Past(past) });
                from = to;
            }
        }
        if let Some(file) = now {
            let since = file.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            let to = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).max(from);
            parts.push_back(Part { from, to, file: Kind::Now(file) });
        }
        parts.retain(|part| query.may_be_in(part.from, part.to));
        Ok(Self {
            query,
            is_timed: merges || query.is_timed(),
            times: LineTime::new(source.format.as_deref()),
            has_format: source.format.is_some(),
            parts,
            open: None,
            folder: source.times.clone(),
            path: source.path.canonicalize().unwrap_or_else(|_| source.path.clone()),
            last: None,
            is_vague: false,
        })
    }

    /// Returns the next line that is looked for.
    pub(super) fn next(&mut self) -> io::Result<Option<Found>> {
        loop {
            let Some(open) = &mut self.open else {
                let Some(part) = self.parts.pop_front() else { return Ok(None) };
                self.open_part(part)?;
                continue;
            };
            let line = if self.is_timed || self.has_format {
                open.lines.next()?
            } else {
                open.lines.next_matching(self.query)?
            };
            let Some(text) = line else {
                self.open = None;
                continue;
            };
            let (by, written) = (open.to, open.times.at(open.lines.place()));
            if let Some(found) = self.judge(text, written, by) {
                return Ok(Some(found));
            }
        }
    }

    /// Returns the last lines that are looked for, at most so many, the oldest first. Newer files
    /// are read first, and older ones only if they are needed.
    pub(super) fn last(mut self, most: usize) -> io::Result<(Vec<Found>, bool)> {
        let mut parts = std::mem::take(&mut self.parts);
        let mut found: VecDeque<Found> = VecDeque::new();
        while found.len() < most
            && let Some(part) = parts.pop_back()
        {
            let mut of_part = VecDeque::new();
            (self.last, self.parts) = (None, VecDeque::from([part]));
            while let Some(line) = self.next()? {
                if most - found.len() <= of_part.len() {
                    of_part.pop_front();
                }
                of_part.push_back(line);
            }
            of_part.append(&mut found);
            found = of_part;
        }
        Ok((found.into(), self.is_vague))
    }

    /// Whether a line is looked for, which was written between these times, as far as is known.
    fn judge(&mut self, text: Vec<u8>, written: Option<u64>, by: u64) -> Option<Found> {
        let timed = self.times.read(&text);
        // What has no time goes on where the line before it has begun, unless that is long ago.
        self.last = timed.at.or(self.last);
        let is_stale = |last: &u64| written.is_some_and(|written| last + WITHIN < written);
        let at = self.last.filter(|last| !is_stale(last)).or(written);
        if at.is_some_and(|at| !self.query.may_be_in(at, at)) {
            return None;
        }
        let own = text.get(timed.prefix..).unwrap_or_default();
        if !self.query.matches(own) {
            return None;
        }
        self.is_vague |= at.is_none();
        Some(Found { at, by, prefix: timed.prefix, text })
    }

    fn open_part(&mut self, part: Part) -> io::Result<()> {
        let (mut known, mut place) = (Times::default(), 0);
        if self.is_timed {
            // What cannot be read costs nothing but the knowledge, and of which lines nothing is
            // known is told.
            known = self.times_of(&part.file).unwrap_or_default();
        }
        let from: Box<dyn Read + Send> = match part.file {
            Kind::Past(past) => match past.open() {
                // It was compressed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !past.packed => {
                    let mut path = past.path.clone().into_os_string();
                    path.push(".gz");
                    let packed = Past { path: path.into(), packed: true, ..past };
                    match packed.open() {
                        // Or removed, for others that are newer.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                        opened => opened?,
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                opened => opened?,
            },
            Kind::Now(mut file) => {
                if let Some(since) = self.query.since {
                    let written = line_after(&file, known.place(since))?;
                    place = begin(&file, since, &self.times)?.max(written);
                    file.seek(SeekFrom::Start(place))?;
                }
                Box::new(file)
            }
        };
        self.open = Some(Open { lines: Lines::new(from, place), to: part.to, times: known });
        Ok(())
    }

    /// What is known of when a file was written.
    fn times_of(&self, file: &Kind) -> io::Result<Times> {
        let id = |meta: std::fs::Metadata| Some((meta.dev(), meta.ino(), meta.len()));
        let (path, log) = match file {
            Kind::Now(file) => (&self.path, id(file.metadata()?)),
            Kind::Past(past) if past.packed => (&past.path, None),
            Kind::Past(past) => match past.path.metadata() {
                // It was compressed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => (&past.path, None),
                meta => (&past.path, id(meta?)),
            },
        };
        Times::read(&self.folder, path, log)
    }
}

fn id_of(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// The begin of the first line that begins at this place or behind it.
fn line_after(file: &File, place: u64) -> io::Result<u64> {
    let Some(mut before) = place.checked_sub(1) else { return Ok(0) };
    let mut window = vec![0; WINDOW];
    loop {
        let read = file.read_at(&mut window, before)?;
        match memchr::memchr(b'\n', window.get(..read).unwrap_or_default()) {
            Some(at) => return Ok(before + at as u64 + 1),
            None if read == 0 => return Ok(before),
            None => before += read as u64,
        }
    }
}

/// Where in a file lines of this time begin, or somewhat before: the times in it go up.
fn begin(file: &File, since: u64, times: &LineTime) -> io::Result<u64> {
    let (mut low, mut high) = (0, file.metadata()?.len());
    while NARROW < high - low {
        let middle = low + (high - low) / 2;
        match time_after(file, middle, times)? {
            Some((place, at)) if at < since && low < place => low = place,
            Some(_) => high = middle,
            // No line of these has a time.
            None => break,
        }
    }
    Ok(low)
}

/// Returns the first line with a time behind this place: where it begins, and the time.
fn time_after(file: &File, place: u64, times: &LineTime) -> io::Result<Option<(u64, u64)>> {
    let mut window = vec![0; WINDOW];
    let read = file.read_at(&mut window, place)?;
    let window = window.get(..read).unwrap_or_default();
    let mut at = memchr::memchr(b'\n', window).map_or(read, |end| end + 1);
    while let Some(rest) = window.get(at..).filter(|rest| !rest.is_empty()) {
        // One that is cut off may look like another time.
        let Some(length) = memchr::memchr(b'\n', rest) else { break };
        if let Some(time) = times.read(rest.get(..length).unwrap_or_default()).at {
            return Ok(Some((place + at as u64, time)));
        }
        at += length + 1;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn where_a_time_begins_is_found_in_a_large_file_without_reading_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        let mut text = String::new();
        for second in 0..40_000_u64 {
            let (hour, minute) = (second / 3600, second / 60 % 60);
            writeln!(text, "2026-11-22T{hour:02}:{minute:02}:{:02}Z one", second % 60).unwrap();
            writeln!(text, "    at something without a time").unwrap();
        }
        std::fs::write(&path, &text).unwrap();
        let times = LineTime::new(None);
        let midnight = times.read(text.as_bytes()).at.unwrap();
        let file = File::open(&path).unwrap();
        for second in [0, 1, 12_345, 39_999, 50_000] {
            let since = midnight + second * 1000;
            let place = begin(&file, since, &times).unwrap();
            let rest = &text[usize::try_from(place).unwrap()..];
            assert!(rest.starts_with("2026") && times.read(rest.as_bytes()).at.unwrap() <= since);
            let before = (rest.len() as u64).saturating_sub(NARROW);
            let last = text.len() as u64 / 40_000 * (40_000_u64.saturating_sub(second));
            assert!(before <= last, "{second}: {} bytes are read", rest.len());
        }
        std::fs::write(&path, "no time\n".repeat(200_000)).unwrap();
        assert_eq!(begin(&File::open(&path).unwrap(), midnight, &times).unwrap(), 0);
    }
}
