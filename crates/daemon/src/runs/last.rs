//! What the last run of a slot wrote last that is over.
//!
//! Problem: an end is told before the output of the run is written, and the next run writes into
//! the same files. Rule: where a run began to write is kept beyond its end, and whoever asks waits
//! until all is written.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ostler_core::spec::AppSpec;
use ostler_core::{ProcId, RunId};

use super::run::Run;
use super::stderr;
use crate::environment;

/// Slots whose last end is known, at most.
const MOST: usize = 4096;

/// A run, and where in its log files it began.
type Start = (RunId, [u64; 2]);

/// Returns where in the log files of a slot the current run began; or else, of the runs that are
/// `held` and the one that has `ended` last, the newest. Between an end and the news of it a run
/// may be known as any of the three.
pub(super) fn log_start(
    current: Option<RunId>,
    held: impl Iterator<Item = Start>,
    ended: Option<Start>,
) -> Option<[u64; 2]> {
    let mut all = held.chain(ended);
    let start = match current {
        Some(current) => all.find(|(run, _)| *run == current),
        None => all.max_by_key(|(run, _)| *run),
    };
    start.map(|(_, offsets)| offsets)
}

/// The last run of each slot that has ended.
#[derive(Debug, Default)]
pub(super) struct Ends(BTreeMap<ProcId, End>);

#[derive(Debug)]
struct End {
    run: RunId,
    settings: Arc<AppSpec>,
    log_offsets: [u64; 2],
    /// How long the files were when all of it was written.
    until: Option<[u64; 2]>,
}

impl Ends {
    /// A run has ended. The slot that is longest at rest is forgotten for it, if need be.
    pub(super) fn note(&mut self, run: RunId, held: &Run) {
        let Some(settings) = held.settings.clone() else { return };
        let end = End { run, settings, log_offsets: held.log_offsets, until: None };
        self.0.insert(held.proc, end);
        if MOST < self.0.len()
            && let Some(oldest) = self.0.iter().min_by_key(|(_, end)| end.run).map(|(id, _)| *id)
        {
            self.0.remove(&oldest);
        }
    }

    /// All that a run wrote is in its files. What comes after is of the next run.
    pub(super) fn written(&mut self, run: RunId) {
        if let Some((id, end)) = self.0.iter_mut().find(|(_, end)| end.run == run) {
            end.until = Some(stderr::log_lengths(&end.settings, *id));
        }
    }

    /// A log file was rotated: of what a run had written until its end, nothing is left in the file
    /// of that name.
    pub(super) fn rotated(&mut self, path: &Path) {
        for (id, end) in &mut self.0 {
            let files = environment::log_files(&end.settings, *id);
            for (index, _) in
                files.iter().enumerate().filter(|(_, file)| file.as_deref() == Some(path))
            {
                if let Some(offset) = end.log_offsets.get_mut(index) {
                    *offset = 0;
                }
                if let Some(until) = end.until.as_mut().and_then(|until| until.get_mut(index)) {
                    *until = 0;
                }
            }
        }
    }

    /// Returns the last run of a slot that is over, and where in the log files it began.
    pub(super) fn log_start(&self, id: ProcId) -> Option<Start> {
        self.0.get(&id).map(|end| (end.run, end.log_offsets))
    }

    /// Returns the last lines of the last run of a slot that is over, and whether they were
    /// written to standard error; `None` while they are being written: `is_held` says of which
    /// runs something is left.
    pub(super) fn last_lines(
        &self,
        id: ProcId,
        is_held: impl Fn(RunId) -> bool,
    ) -> Option<(Vec<String>, bool)> {
        let Some(end) = self.0.get(&id) else { return Some((Vec::new(), true)) };
        let until = match end.until {
            Some(until) => until,
            None if is_held(end.run) => return None,
            // It was let go before all was written.
            None => [u64::MAX; 2],
        };
        let [out, err] = stderr::last_written(&end.settings, id, end.log_offsets, until);
        Some(if err.is_empty() { (out, false) } else { (err, true) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::NewRun;

    fn ended(id: u32) -> Run {
        let settings = Some(Arc::new(AppSpec::new("/a.sh".into(), "/".into())));
        let (proc, spec) = (ProcId(id), ostler_core::SpecId(0));
        let log_offsets = [u64::from(id); 2];
        Run::new(NewRun { proc, spec, settings, since: 0, since_wall: 0, log_offsets }, false)
    }

    #[test]
    fn where_a_run_began_to_write_is_known_at_any_moment_of_its_end() {
        let start = |run, held: &[u64], ended: Option<u64>| {
            let of = |run: u64| (RunId(run), [run; 2]);
            log_start(run, held.iter().copied().map(of), ended.map(of)).map(|[out, _]| out)
        };
        let current = Some(RunId(2));
        assert_eq!(start(current, &[1, 2], Some(1)), Some(2), "it runs");
        assert_eq!(start(current, &[], Some(2)), Some(2), "it is told as running, and is over");
        assert_eq!(start(None, &[2], Some(1)), Some(2), "it is told as over, and not noted");
        assert_eq!(start(None, &[], Some(2)), Some(2), "all is written");
        assert_eq!(start(current, &[1], Some(1)), None, "it has not begun to write");
    }

    #[test]
    fn the_last_end_of_each_slot_is_known_and_not_of_endlessly_many() {
        let mut ends = Ends::default();
        ends.note(RunId(1), &ended(7));
        ends.note(RunId(2), &ended(7));
        assert_eq!(ends.0.get(&ProcId(7)).unwrap().run, RunId(2));
        for (run, id) in (3..).zip(10..10 + u32::try_from(MOST).unwrap()) {
            ends.note(RunId(run), &ended(id));
        }
        assert_eq!(ends.0.len(), MOST);
        assert!(!ends.0.contains_key(&ProcId(7)), "the oldest");
    }
}
