//! `ostler.starts`: which process each run is, for a daemon whose keeper died as well.
//!
//! Lines are added by the keeper, one for each start, and by us, one for each run of which nothing
//! is left; now and then the file is written anew with what there is. Numbers of processes mean
//! something in one boot only, and in one container, and a copy of a home has no runs: the first
//! line says where the list belongs.
//!
//! It also has each version of a specification that runs were started with: whoever finds the
//! processes, and no state that can be read, knows what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_core::{ProcId, RunId, SpecId};
use ostler_keeper::start_line;
use serde_json::value::RawValue;

use crate::runs::{Meta, Stat};
use crate::{daemon_log, files, state_file};

/// The file is not written anew before so many lines were added.
const FEW: usize = 256;

/// A run as the list names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its first process.
    pub pid: u32,
    /// When that began, clock ticks after boot.
    pub start_time: u64,
    /// What was noted with it, where that is understood.
    pub meta: Option<Meta>,
}

impl Start {
    /// Its slot, where that is known.
    pub fn slot(&self) -> Option<ProcId> {
        self.meta.map(|meta| meta.proc)
    }
}

/// What an earlier daemon and its keeper left in the list.
#[derive(Debug, Default)]
pub struct Listed {
    /// Runs of which something may be left.
    pub runs: BTreeMap<RunId, Start>,
    /// Specifications as records.
    pub specs: BTreeMap<SpecId, Arc<RawValue>>,
}

/// What is written of a run.
pub type Line = (RunId, (u32, u64), Vec<u8>);
/// What is written of a version of a specification.
pub type SpecLine = (SpecId, Arc<RawValue>);

/// The list on disk.
#[derive(Debug)]
pub struct Starts {
    path: PathBuf,
    /// The first line.
    header: String,
    /// Open for appending; `None` while it cannot be written.
    file: Option<File>,
    /// Runs at the last time that it was written whole, and lines since.
    lines: (usize, usize),
    /// Specifications that are in it.
    specs: BTreeSet<SpecId>,
}

impl Starts {
    /// The list of this home and mark, not written yet.
    pub fn new(home: &Path, mark: &str) -> Self {
        let (path, header) = (path(home), header(mark));
        Self { path, header, file: None, lines: (0, 0), specs: BTreeSet::new() }
    }

    /// Whether much of the file is of runs that are gone.
    pub fn is_long(&self) -> bool {
        let (runs, added) = self.lines;
        2 * runs + FEW < added
    }

    /// Writes it anew; returns a copy of its descriptor for the keeper.
    ///
    /// # Errors
    /// Whatever the system says; what can be is added to the old file.
    pub fn rewrite(&mut self, runs: &[Line], specs: &[SpecLine]) -> io::Result<OwnedFd> {
        // Where this fails it is not tried again at once.
        self.lines = (runs.len(), 0);
        let mut text = self.header.clone().into_bytes();
        for (id, record) in specs {
            text.extend(spec_line(*id, record));
        }
        for (run, process, meta) in runs {
            text.extend(start_line(run.0, *process, meta));
        }
        files::write_whole(&self.path, &text, 0o600)?;
        let mut options = OpenOptions::new();
        let file = options.append(true).custom_flags(libc::O_NOFOLLOW).open(&self.path)?;
        let copy = file.try_clone()?;
        self.file = Some(file);
        self.specs = specs.iter().map(|(id, _)| *id).collect();
        Ok(copy.into())
    }

    /// A run with this specification is about to be started.
    pub fn add_spec(&mut self, id: SpecId, record: &RawValue) {
        if self.specs.insert(id) {
            self.add(&spec_line(id, record));
        }
    }

    /// Whether the list has the specification.
    pub fn has_spec(&self, id: SpecId) -> bool {
        self.specs.contains(&id)
    }

    /// A run was started.
    pub fn begin(&mut self, run: RunId, process: (u32, u64), meta: &[u8]) {
        self.lines.1 += 1;
        self.add(&start_line(run.0, process, meta));
    }

    /// Nothing is left of a run.
    pub fn end(&mut self, run: RunId) {
        // Its start was added by the keeper.
        self.lines.1 += 2;
        self.add(format!("- {}\n", run.0).as_bytes());
    }

    fn add(&mut self, line: &[u8]) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = file.write_all(line) {
            let path = self.path.display();
            daemon_log::error(format!("could not write `{path}`: {error}"));
        }
    }

    /// Reads the list that an earlier daemon and its keeper left; empty where there is none, or one
    /// of another boot, container or home.
    pub fn read(&self) -> Listed {
        match files::read(&self.path) {
            Ok(bytes) => parse(&String::from_utf8_lossy(&bytes), &self.header),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    let path = self.path.display();
                    daemon_log::error(format!("could not read `{path}`: {error}"));
                }
                Listed::default()
            }
        }
    }
}

fn path(home: &Path) -> PathBuf {
    home.join("ostler.starts")
}

/// The first line: the form, the boot, when the first process of the machine or container began,
/// and the mark of the home.
fn header(mark: &str) -> String {
    let first = Stat::read(1).map_or(0, |stat| stat.start_time);
    format!("ostler-starts 2 {} {first} {mark}\n", state_file::boot_id())
}

fn spec_line(id: SpecId, record: &RawValue) -> Vec<u8> {
    let record = record.get();
    if record.contains('\n') { Vec::new() } else { format!("= {} {record}\n", id.0).into_bytes() }
}

/// Whatever is not understood is passed over: half a line, or what somebody wrote over it.
fn parse(text: &str, header: &str) -> Listed {
    let mut listed = Listed::default();
    let Some(lines) = text.strip_prefix(header) else { return listed };
    for line in lines.lines() {
        match line.split_once(' ') {
            Some(("+", rest)) => listed.runs.extend(parse_start(rest)),
            Some(("-", run)) => _ = run.parse().ok().map(|run| listed.runs.remove(&RunId(run))),
            Some(("=", rest)) => listed.specs.extend(parse_spec(rest)),
            Some(_) | None => {}
        }
    }
    listed
}

fn parse_start(text: &str) -> Option<(RunId, Start)> {
    let mut words = text.splitn(4, ' ');
    let mut number = || words.next()?.parse::<u64>().ok();
    let (run, pid, start_time) = (number()?, number()?, number()?);
    let meta = words.next().and_then(|meta| Meta::from_bytes(meta.as_bytes()).ok());
    let start = Start { pid: pid.try_into().ok()?, start_time, meta };
    (run <= state_file::MOST_RUNS).then_some((RunId(run), start))
}

fn parse_spec(text: &str) -> Option<(SpecId, Arc<RawValue>)> {
    let (id, record) = text.split_once(' ')?;
    let record = RawValue::from_string(record.to_owned()).ok()?;
    Some((SpecId(id.parse().ok()?), Arc::from(record)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_what_was_started_and_has_not_ended() {
        let home = tempfile::tempdir().unwrap();
        let mut starts = Starts::new(home.path(), "mark");
        assert!(starts.read().runs.is_empty());
        let record = |text: &str| Arc::from(RawValue::from_string(text.to_owned()).unwrap());
        let (runs, specs) = ([(RunId(4), (40, 400), Vec::new())], [(SpecId(1), record("{}"))]);
        let keeper = starts.rewrite(&runs, &specs).unwrap();
        let mut keeper = File::from(keeper);
        keeper.write_all(&start_line(5, (50, 500), b"{}")).unwrap();
        keeper.write_all(&start_line(6, (60, 600), b"not\na note")).unwrap();
        keeper.write_all(&start_line(7, (70, 700), b"")).unwrap();
        starts.end(RunId(5));
        starts.end(RunId(4));
        assert!(starts.has_spec(SpecId(1)) && !starts.has_spec(SpecId(2)));
        starts.add_spec(SpecId(1), &record("[]"));
        starts.add_spec(SpecId(2), &record(r#"{"name":"a b"}"#));
        // A disk that was full.
        keeper.write_all(b"+ 8 80").unwrap();
        let left = starts.read();
        let start = |pid, start_time| Start { pid, start_time, meta: None };
        let expected = [(RunId(6), start(60, 600)), (RunId(7), start(70, 700))];
        assert_eq!(left.runs, BTreeMap::from(expected));
        let specs: Vec<_> = left.specs.iter().map(|(id, record)| (id.0, record.get())).collect();
        assert_eq!(specs, [(1, "{}"), (2, r#"{"name":"a b"}"#)]);
        starts.rewrite(&[], &[]).unwrap();
        assert!(starts.read().runs.is_empty() && !starts.is_long());
        for run in 0..=FEW as u64 / 2 {
            starts.end(RunId(run));
        }
        assert!(starts.is_long());
    }

    #[test]
    fn numbers_of_another_boot_or_container_mean_nothing() {
        let text = "ostler-starts 1 boot 7\n+ 4 40 400 \n";
        assert_eq!(parse(text, "ostler-starts 1 boot 7\n").runs.len(), 1);
        for other in ["ostler-starts 1 other 7\n", "ostler-starts 1 boot 8\n"] {
            assert!(parse(text, other).runs.is_empty());
        }
    }

    #[test]
    fn garbage_in_the_list_is_passed_over() {
        let garbage = "+\n- x\n= 1\n= 2 {half\n= x {}\n? 1 2 3\n\n+ 1 2\n+ 1 99999999999 3 {}\n\
                       + 18446744073709551615 2 3 {}\n\u{fffd}\u{0}\n+ 9 90 900 \n";
        let listed = parse(&format!("head\n{garbage}"), "head\n");
        assert_eq!(listed.runs.keys().collect::<Vec<_>>(), [&RunId(9)]);
        assert!(listed.specs.is_empty());
        assert!(parse(garbage, "head\n").runs.is_empty(), "it is of nobody knows where");
    }
}
