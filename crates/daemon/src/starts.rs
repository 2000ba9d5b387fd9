//! `ostler.starts`: which process each run is, for a daemon whose keeper died as well.
//!
//! Lines are added by the keeper, one for each start, and by us, one for each run of which nothing
//! is left; now and then the file is written anew with what there is. Numbers of processes mean
//! something in one boot only, and in one container, and a copy of a home has no runs: the first
//! line says where the list belongs.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ostler_core::{ProcId, RunId};
use ostler_keeper::start_line;

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
    /// Its slot, where that is known.
    pub slot: Option<ProcId>,
}

/// What is written of a run.
pub type Line = (RunId, (u32, u64), Vec<u8>);

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
}

impl Starts {
    /// The list of this home and mark, not written yet.
    pub fn new(home: &Path, mark: &str) -> Self {
        Self { path: path(home), header: header(mark), file: None, lines: (0, 0) }
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
    pub fn rewrite(&mut self, runs: &[Line]) -> io::Result<OwnedFd> {
        // Where this fails it is not tried again at once.
        self.lines = (runs.len(), 0);
        let mut text = self.header.clone().into_bytes();
        for (run, process, meta) in runs {
            text.extend(start_line(run.0, *process, meta));
        }
        files::write_whole(&self.path, &text, 0o600)?;
        let mut options = OpenOptions::new();
        let file = options.append(true).custom_flags(libc::O_NOFOLLOW).open(&self.path)?;
        let copy = file.try_clone()?;
        self.file = Some(file);
        Ok(copy.into())
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
    pub fn read(&self) -> BTreeMap<RunId, Start> {
        match files::read(&self.path) {
            Ok(bytes) => parse(&String::from_utf8_lossy(&bytes), &self.header),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    let path = self.path.display();
                    daemon_log::error(format!("could not read `{path}`: {error}"));
                }
                BTreeMap::new()
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

fn parse(text: &str, header: &str) -> BTreeMap<RunId, Start> {
    let mut starts = BTreeMap::new();
    let Some(lines) = text.strip_prefix(header) else { return starts };
    for line in lines.lines() {
        let mut words = line.splitn(5, ' ');
        let (sign, run) = (words.next(), words.next().and_then(|word| word.parse().ok()));
        let Some(run) = run.map(RunId) else { continue };
        match sign {
            Some("+") => {
                let mut number = || words.next()?.parse::<u64>().ok();
                let (pid, start_time) = (number(), number());
                let pid = pid.and_then(|pid| u32::try_from(pid).ok());
                let Some((pid, start_time)) = pid.zip(start_time) else { continue };
                let meta = words.next().and_then(|meta| Meta::from_bytes(meta.as_bytes()).ok());
                let slot = meta.map(|meta| meta.proc);
                starts.insert(run, Start { pid, start_time, slot });
            }
            Some("-") => _ = starts.remove(&run),
            Some(_) | None => {}
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_what_was_started_and_has_not_ended() {
        let home = tempfile::tempdir().unwrap();
        let mut starts = Starts::new(home.path(), "mark");
        assert!(starts.read().is_empty());
        let keeper = starts.rewrite(&[(RunId(4), (40, 400), Vec::new())]).unwrap();
        let mut keeper = File::from(keeper);
        keeper.write_all(&start_line(5, (50, 500), b"{}")).unwrap();
        keeper.write_all(&start_line(6, (60, 600), b"not\na note")).unwrap();
        keeper.write_all(&start_line(7, (70, 700), b"")).unwrap();
        starts.end(RunId(5));
        starts.end(RunId(4));
        // A disk that was full.
        keeper.write_all(b"+ 8 80").unwrap();
        let left = starts.read();
        let start = |pid, start_time| Start { pid, start_time, slot: None };
        let expected = [(RunId(6), start(60, 600)), (RunId(7), start(70, 700))];
        assert_eq!(left, BTreeMap::from(expected));
        starts.rewrite(&[]).unwrap();
        assert!(starts.read().is_empty() && !starts.is_long());
        for run in 0..=FEW as u64 / 2 {
            starts.end(RunId(run));
        }
        assert!(starts.is_long());
    }

    #[test]
    fn numbers_of_another_boot_or_container_mean_nothing() {
        let text = "ostler-starts 1 boot 7\n+ 4 40 400 \n";
        assert_eq!(parse(text, "ostler-starts 1 boot 7\n").len(), 1);
        for other in ["ostler-starts 1 other 7\n", "ostler-starts 1 boot 8\n"] {
            assert!(parse(text, other).is_empty());
        }
    }
}
