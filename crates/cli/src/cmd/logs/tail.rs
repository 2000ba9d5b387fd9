//! The last lines of the log files, oldest file first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ostler_wire::control::ProcView;

use super::format::{Author, Form, Writer};
use super::target::Target;
use crate::output::Output;
use crate::paint::Ink;
use crate::session::Session;
use crate::voice::Problem;

/// A log file, and whose it is.
struct Source {
    path: PathBuf,
    author: Author,
    changed: SystemTime,
}

/// Prints the last lines of everything that the target includes. A file that cannot be read is
/// named, and the others go on.
pub(super) fn show(
    session: &mut Session,
    target: &Target,
    list: &[ProcView],
    lines: usize,
    writer: &Writer,
) {
    let head = writer.words.head(&target.word, lines);
    if let Some(head) = head.filter(|_| writer.form == Form::Labelled) {
        let head = session.out.paint.ink(&[Ink::Bold, Ink::Grey], &head);
        session.out.data(&format!("{head}\n"));
    }
    // Whoever reads bytes or objects of apps gets those and nothing else, unless the daemon's lines
    // were asked for by name.
    let own = target.out
        && target.err
        && (target.daemon || target.all() && writer.form == Form::Labelled);
    let daemon = own.then(|| Source {
        path: session.home.log(),
        author: Author::Daemon,
        changed: SystemTime::UNIX_EPOCH,
    });
    for source in daemon.into_iter().chain(sources(target, list)) {
        file(&mut session.out, &source, lines, writer);
    }
}

/// Returns each log file once, in the order in which they were last written to.
fn sources(target: &Target, list: &[ProcView]) -> Vec<Source> {
    let mut seen = BTreeSet::new();
    let mut sources = Vec::new();
    for process in list.iter().filter(|process| target.ids.contains(&process.id)) {
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

fn modified(path: &Path) -> SystemTime {
    std::fs::metadata(path).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn file(out: &mut Output, source: &Source, count: usize, writer: &Writer) {
    let lines = match ostler_logs::tail(&source.path, count) {
        Ok(lines) => lines,
        // Nothing was written yet.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => {
            let text = format!("cannot read `{}`: {error}", source.path.display());
            return out.problem(&Problem::new(text));
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
}
