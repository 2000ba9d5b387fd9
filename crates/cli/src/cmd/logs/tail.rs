//! The last lines of the log files, oldest file first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ostler_wire::control::ProcView;

use super::Wanted;
use super::format::{Form, Writer};
use crate::out::Out;
use crate::paint::Ink;
use crate::session::Session;

/// Columns of a label.
const LABEL: usize = 10;

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Daemon,
    Out,
    Err,
}

struct Source {
    path: PathBuf,
    label: String,
    kind: Kind,
    changed: SystemTime,
}

/// Prints the last lines of everything that is wanted. A file that cannot be read is named, and the others go on.
pub(super) fn show(session: &mut Session, wanted: &Wanted, list: &[ProcView], lines: usize, writer: &Writer) {
    let plural = if wanted.all() { "processes" } else { "process" };
    let head = format!(
        "[TAILING] Tailing last {lines} lines for [{}] {plural} (change the value with --lines option)",
        wanted.word
    );
    let head = session.out.paint.ink(&[Ink::Bold, Ink::Grey], &head);
    session.out.data(&format!("{head}\n"));
    let own = (wanted.all() || wanted.word == "PM2") && wanted.out && wanted.err && writer.form != Form::Raw;
    let daemon = own.then(|| Source {
        path: session.home.log(),
        label: "PM2".into(),
        kind: Kind::Daemon,
        changed: SystemTime::UNIX_EPOCH,
    });
    for source in daemon.into_iter().chain(sources(wanted, list)) {
        file(&mut session.out, &source, lines, writer);
    }
}

/// Each file once, by the time it was last written to.
fn sources(wanted: &Wanted, list: &[ProcView]) -> Vec<Source> {
    let mut seen = BTreeSet::new();
    let mut sources = Vec::new();
    for process in list.iter().filter(|process| wanted.ids.contains(&process.id)) {
        let label = format!("{}|{}", process.id, process.name);
        for (path, kind, on) in
            [(process.logs.first(), Kind::Out, wanted.out), (process.logs.get(1), Kind::Err, wanted.err)]
        {
            let Some(path) = path.and_then(Option::as_deref).filter(|path| on && *path != "/dev/null") else {
                continue;
            };
            if seen.insert(path.to_owned()) {
                let changed = modified(Path::new(path));
                sources.push(Source { path: path.into(), label: label.clone(), kind, changed });
            }
        }
    }
    sources.sort_by_key(|source| source.changed);
    sources
}

fn modified(path: &Path) -> SystemTime {
    std::fs::metadata(path).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn file(out: &mut Out, source: &Source, count: usize, writer: &Writer) {
    let lines = match ostler_logs::tail(&source.path, count) {
        Ok(lines) => lines,
        // Nothing was written yet.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => return out.error(&format!("cannot read `{}`: {error}", source.path.display()), None),
    };
    let head = out.paint.ink(&[Ink::Grey], &format!("{} last {count} lines:", source.path.display()));
    out.data(&format!("{head}\n"));
    let ink = match source.kind {
        Kind::Daemon => Ink::Blue,
        Kind::Out => Ink::Green,
        Kind::Err => Ink::Red,
    };
    let label: String = source.label.chars().take(LABEL).collect();
    let label = out.paint.ink(&[ink], &format!("{label:LABEL$} | "));
    for line in &lines {
        match (writer.form, source.kind) {
            (Form::Raw, Kind::Err) => out.data_aside(&format!("{line}\n")),
            (Form::Raw, Kind::Daemon | Kind::Out) => out.data(&format!("{line}\n")),
            (Form::Labelled | Form::Json | Form::Pairs, _) => out.data(&format!("{label}{line}\n")),
        }
    }
    if !lines.is_empty() {
        out.data("\n");
    }
}
