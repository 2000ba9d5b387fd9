//! The last lines of the log files, oldest file first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ostler_logs::{Names, Place, history, key};
use ostler_wire::control::ProcView;

use super::format::{Author, Form, Writer};
use super::query::{self, Cursor};
use super::target::Target;
use crate::output::Output;
use crate::paint::Ink;
use crate::session::Session;
use crate::voice::Problem;

/// A log file, and whose it is.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) author: Author,
    changed: SystemTime,
}

/// Prints the last lines of everything that the target includes. A file that cannot be read is
/// named, and the others go on. Returns how far each was shown.
pub(super) fn show(
    session: &mut Session,
    target: &Target,
    list: &[ProcView],
    lines: usize,
    writer: &Writer,
) -> Cursor {
    let head = writer.words.head(&target.word, lines);
    if let Some(head) = head.filter(|_| writer.form == Form::Labelled) {
        let head = session.out.paint.ink(&[Ink::Bold, Ink::Grey], &head);
        session.out.data(&format!("{head}\n"));
    }
    let mut places = BTreeMap::new();
    for source in own(session, target, writer).into_iter().chain(sources(target, list)) {
        let end = file(&mut session.out, &source, lines, writer);
        places.insert(key(&source.path), end.unwrap_or_default());
    }
    Cursor::now(places)
}

/// Returns the ends of logs, of which nothing was shown. `is_whole`: of their last whole lines.
pub(super) fn ends(sources: &[query::Source], is_whole: bool) -> Cursor {
    let end = |source: &query::Source| {
        let behind = |_| Place::behind(millis(modified(&source.path)));
        let end = File::open(&source.path).and_then(|file| Place::end_of(&file, is_whole));
        (source.key(), end.unwrap_or_else(behind))
    };
    Cursor::now(sources.iter().map(end).collect())
}

/// Returns the daemon's log, if it is shown. Whoever reads bytes or objects of apps gets those and
/// nothing else, unless the daemon's lines were asked for by name.
pub(super) fn own(session: &Session, target: &Target, writer: &Writer) -> Option<Source> {
    let is_shown = target.out
        && target.err
        && (target.daemon || target.all() && writer.form == Form::Labelled);
    is_shown.then(|| Source {
        path: session.home.log(),
        author: Author::Daemon,
        changed: SystemTime::UNIX_EPOCH,
    })
}

/// Returns each log file once, in the order in which they were last written to.
pub(super) fn sources(target: &Target, list: &[ProcView]) -> Vec<Source> {
    let mut seen = BTreeSet::new();
    let mut sources = Vec::new();
    for process in list.iter().filter(|of| target.includes(of.id, &of.name)) {
        for (path, err, on) in
            [(process.logs.first(), false, target.out), (process.logs.get(1), true, target.err)]
        {
            let Some(path) =
                path.and_then(Option::as_deref).filter(|path| on && *path != "/dev/null")
            else {
                continue;
            };
            if seen.insert(path.to_owned()) {
                let changed = modified(Path::new(path));
                let author = Author::App { id: process.id, name: process.name.clone(), err };
                sources.push(Source { path: path.into(), author, changed });
            }
        }
    }
    sources.sort_by_key(|source| source.changed);
    sources
}

/// Returns the last lines of before a log was rotated last.
fn before_rotation(path: &Path, count: usize) -> io::Result<Vec<String>> {
    let mut lines: VecDeque<String> = VecDeque::new();
    let mut past = if 0 < count { history(path, &[Names::default()])? } else { Vec::new() };
    while lines.len() < count
        && let Some(past) = past.pop()
    {
        let (wanted, mut found) = (count - lines.len(), VecDeque::new());
        for line in BufReader::new(past.open()?).split(b'\n') {
            if wanted <= found.len() {
                found.pop_front();
            }
            let line = line?;
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            found.push_back(String::from_utf8_lossy(line).into_owned());
        }
        found.append(&mut lines);
        lines = found;
    }
    Ok(lines.into())
}

fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn modified(path: &Path) -> SystemTime {
    std::fs::metadata(path).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Returns up to where the file was shown, if there is one.
fn file(out: &mut Output, source: &Source, count: usize, writer: &Writer) -> Option<Place> {
    let goes_back = writer.words.goes_back();
    let found = File::open(&source.path).and_then(|file| {
        let end = Place::end_of(&file, false)?;
        let lines = ostler_logs::tail_to(&file, end.end, count)?;
        let before = if goes_back { count.saturating_sub(lines.len()) } else { 0 };
        let before = before_rotation(&source.path, before)?.into_iter();
        Ok((before.chain(lines).collect::<Vec<_>>(), end))
    });
    let (lines, end) = match found {
        Ok(found) => found,
        // Nothing was written yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            let text = format!("cannot read `{}`: {error}", source.path.display());
            out.problem(&Problem::new(text));
            return None;
        }
    };
    let framed = writer.form == Form::Labelled;
    let terminal = out.terminal;
    let head = writer.words.file_head(&source.path, (lines.len(), count), terminal);
    if let Some(head) = head.as_ref().filter(|_| framed) {
        let head = out.paint.ink(&[Ink::Grey], head);
        out.data(&format!("{head}\n"));
    }
    for line in &lines {
        writer.past(out, &source.author, line);
    }
    if framed && head.is_some() && !lines.is_empty() {
        out.data("\n");
    }
    Some(end)
}
