//! Lines of several logs, in the order of their times.

use std::collections::BTreeMap;
use std::io;

use ostler_logs::{Names, Place, date};

use super::Query;
use super::cursor::Cursor;
use super::source::{Found, Reader, Source};
use super::summary::{Kind, Summary};
use crate::cmd::logs::format::{Author, Form, Past, Writer};
use crate::failed::Failed;
use crate::output::Output;
use crate::voice::Problem;

/// After so many lines they are written out.
const LINES: usize = 256;

/// Prints what is looked for in these logs. One that cannot be read is named, and the others go on.
/// Returns how far each was read.
///
/// # Errors
/// Standard output cannot be written to.
pub(in crate::cmd::logs) fn show(
    out: &mut Output,
    writer: &Writer,
    (sources, names): (&[Source], &[Names]),
    query: &Query,
) -> Result<Cursor, Failed> {
    let needs_times = query.summary.is_some_and(|kind| kind != Kind::Count);
    let merges = 1 < sources.len() || writer.wants_times() || needs_times;
    let mut readers = Vec::new();
    for source in sources {
        match Reader::new(source, names, query, merges) {
            Ok(reader) => readers.push((reader, source)),
            Err(error) => unreadable(out, source, &error),
        }
    }
    let gone: Vec<&Source> =
        readers.iter().filter(|(reader, _)| reader.is_gone).map(|(_, source)| *source).collect();
    tell_gone(out, &gone);
    let summary = query.summary.map(|kind| (kind, Summary::default()));
    let shown = Shown { writer, cursor: Cursor::now(BTreeMap::new()), summary };
    if query.summary.is_none() && (query.lines.is_some() || query.reverse) {
        gathered(out, shown, readers, query)
    } else {
        streamed(out, shown, readers, query)
    }
}

/// Prints lines, and knows how far each log was shown.
struct Shown<'w> {
    writer: &'w Writer,
    cursor: Cursor,
    /// What is said of the lines instead.
    summary: Option<(Kind, Summary)>,
}

impl Shown<'_> {
    /// A line is passed.
    fn pass(&mut self, source: &Source, place: Option<Place>) {
        if let Some(place) = place {
            self.cursor.places.insert(source.key(), place);
        }
    }

    fn print(&mut self, out: &mut Output, source: &Source, found: &Found) {
        self.pass(source, found.place);
        let text = String::from_utf8_lossy(&found.text);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        if let Some((kind, summary)) = &mut self.summary {
            let name = match &source.author {
                Author::Daemon => "daemon",
                Author::App { name, .. } => name,
            };
            let text = text.get(found.prefix..).unwrap_or(text);
            return summary.push(*kind, (source.key(), name), text, found.at);
        }
        let cursor = found.place.filter(|_| self.writer.wants_cursors()).map(|_| &self.cursor);
        // What the manager puts there is plain text.
        let line = Past { line: text, prefix: found.prefix, at: found.at, is_part: found.is_part };
        self.writer.found(out, &source.author, &line, cursor);
    }
}

/// The last lines, which are collected first.
fn gathered(
    out: &mut Output,
    mut shown: Shown<'_>,
    readers: Vec<(Reader<'_>, &Source)>,
    query: &Query,
) -> Result<Cursor, Failed> {
    let most = query.lines.unwrap_or(usize::MAX);
    let (mut all, mut vague): (Vec<(Found, &Source)>, Vec<&Source>) = (Vec::new(), Vec::new());
    let mut ends = Vec::new();
    for (mut reader, source) in readers {
        match reader.last(most) {
            Ok(last) => {
                shown.pass(source, Some(last.before));
                all.extend(last.found.into_iter().map(|found| (found, source)));
                vague.extend(reader.is_vague.then_some(source));
                ends.push((source, reader.place));
            }
            Err(error) => unreadable(out, source, &error),
        }
    }
    if !query.of_each {
        all.sort_by_key(|(found, _)| found.key());
        for (found, source) in all.drain(..all.len().saturating_sub(most)) {
            shown.pass(source, found.place);
        }
    }
    if query.reverse {
        all.reverse();
    }
    for (count, (found, source)) in all.iter().enumerate() {
        shown.print(out, source, found);
        if count % LINES == LINES - 1 {
            out.flush()?;
        }
    }
    out.flush()?;
    tell_vague(out, &vague, query);
    ends.into_iter().for_each(|(source, place)| shown.pass(source, Some(place)));
    Ok(shown.cursor)
}

/// All lines, of which only the next one of each log is in memory.
fn streamed(
    out: &mut Output,
    mut shown: Shown<'_>,
    mut readers: Vec<(Reader<'_>, &Source)>,
    query: &Query,
) -> Result<Cursor, Failed> {
    let mut next: Vec<Option<Found>> = Vec::new();
    for (reader, source) in &mut readers {
        shown.pass(source, Some(reader.place));
        next.push(advance(out, reader, source));
    }
    let mut count: usize = 0;
    loop {
        let keys =
            next.iter().enumerate().filter_map(|(at, found)| Some((found.as_ref()?.key(), at)));
        let Some((_, at)) = keys.min() else { break };
        let (Some(place), Some((reader, source))) = (next.get_mut(at), readers.get_mut(at)) else {
            break;
        };
        if let Some(found) = std::mem::replace(place, advance(out, reader, source)) {
            shown.print(out, source, &found);
        }
        count += 1;
        if count.is_multiple_of(LINES) {
            out.flush()?;
        }
    }
    if let Some((kind, summary)) = shown.summary.take() {
        out.data(&summary.finish(kind, shown.writer.form == Form::Json));
    }
    out.flush()?;
    let vague: Vec<&Source> =
        readers.iter().filter(|(reader, _)| reader.is_vague).map(|(_, source)| *source).collect();
    tell_vague(out, &vague, query);
    readers.iter().for_each(|(reader, source)| shown.pass(source, Some(reader.place)));
    Ok(shown.cursor)
}

fn advance(out: &mut Output, reader: &mut Reader<'_>, source: &Source) -> Option<Found> {
    reader.next().unwrap_or_else(|error| {
        unreadable(out, source, &error);
        None
    })
}

/// Says in which logs the place of the cursor is not found any more.
fn tell_gone(out: &mut Output, gone: &[&Source]) {
    for source in gone {
        let path = source.path.display();
        out.warn_aside(&format!(
            "the file of `{path}` in which the cursor was is gone: lines behind it may be missing, \
             and what was written later follows"
        ));
    }
}

/// Says of which logs nobody knows whether all that is shown is of the time that was asked for.
fn tell_vague(out: &mut Output, vague: &[&Source], query: &Query) {
    if !query.is_timed() {
        return;
    }
    for source in vague {
        let path = source.path.display();
        let time = |at: Option<u64>| at.map(|at| date(at, "YYYY-MM-DD HH:mm:ss"));
        let asked = match (time(query.since), time(query.until)) {
            (Some(since), Some(until)) => format!("between {since} and {until}"),
            (Some(since), None) => format!("after {since}"),
            (None, Some(until)) => format!("before {until}"),
            (None, None) => continue,
        };
        out.warn_aside(&format!(
            "lines of `{path}` have no times: only the times of its files are known, so not all \
             that is shown of it need be from {asked}; `--time` writes times from the next start on"
        ));
    }
}

fn unreadable(out: &mut Output, source: &Source, error: &io::Error) {
    out.problem(&Problem::new(format!("cannot read `{}`: {error}", source.path.display())));
}
