//! Looking for descendants where there are no control groups.
//!
//! Problem: who descends from a run is known only after a walk over all processes of the machine,
//! which takes tens of milliseconds where there are thousands, and a thousand runs may be stopped
//! at once. Rule: one walk at a time, in a helper thread, for all runs that wait for one. What
//! comes while it is under way waits for the next, since it may have seen too little.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use ostler_core::RunId;

use super::proc::{self, ProcessRef};

/// Why descendants are looked for, in the order in which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// To ask them to end, after the first process.
    Terminate,
    /// To kill them, before the first process.
    Kill,
    /// To watch them, after the death of the first process.
    Watch,
}

/// Runs, each with what it waits for.
pub(super) type Wanted = BTreeMap<RunId, BTreeSet<Purpose>>;

/// Runs that wait for a walk.
#[derive(Debug, Default)]
pub(super) struct Walks {
    pub(super) under_way: Wanted,
    waiting: Wanted,
}

impl Walks {
    pub(super) fn want(&mut self, run: RunId, purpose: Purpose) {
        self.waiting.entry(run).or_default().insert(purpose);
    }

    /// Begins a walk for all that wait for one. `false`: nobody does, or one is under way.
    pub(super) fn begin(&mut self) -> bool {
        let begins = self.under_way.is_empty() && !self.waiting.is_empty();
        if begins {
            self.under_way = std::mem::take(&mut self.waiting);
        }
        begins
    }

    /// The walk that was under way is over.
    pub(super) fn end(&mut self) -> Wanted {
        std::mem::take(&mut self.under_way)
    }
}

/// A walk that is about to be made.
#[derive(Clone, Debug)]
pub struct Walk {
    pub(super) mark: Arc<str>,
    /// Runs, each with its first process.
    pub(super) wanted: Vec<(RunId, u32)>,
}

/// The descendants of each run, or why they could not be found out.
pub type Walked = Vec<(RunId, io::Result<Vec<ProcessRef>>)>;

impl Walk {
    /// Makes it; takes as long as it takes.
    pub fn make(&self) -> Walked {
        let mark = &self.mark;
        match proc::processes_with_marks(mark) {
            Ok(all) => {
                let of_run = |(run, first)| (run, proc::descendants(first, run, &all));
                self.wanted.iter().copied().map(of_run).collect()
            }
            Err(error) => {
                let same = || io::Error::new(error.kind(), error.to_string());
                self.wanted.iter().map(|(run, _)| (*run, Err(same()))).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::marks;

    #[test]
    fn what_comes_while_a_walk_is_under_way_waits_for_the_next() {
        let mut walks = Walks::default();
        assert!(!walks.begin());
        walks.want(RunId(1), Purpose::Terminate);
        walks.want(RunId(2), Purpose::Watch);
        assert!(walks.begin());
        walks.want(RunId(1), Purpose::Watch);
        walks.want(RunId(1), Purpose::Kill);
        assert!(!walks.begin(), "one at a time");
        let runs = |wanted: Wanted| wanted.into_iter().map(|(run, of)| (run.0, of.len()));
        assert_eq!(runs(walks.end()).collect::<Vec<_>>(), [(1, 1), (2, 1)]);
        assert!(walks.begin());
        let first = walks.end();
        assert_eq!(
            first.get(&RunId(1)).unwrap().iter().copied().collect::<Vec<_>>(),
            [Purpose::Kill, Purpose::Watch]
        );
        assert!(!walks.begin());
    }

    #[test]
    fn one_walk_finds_the_descendants_of_each_run() {
        use std::process::{Command, Stdio};
        let mark = format!("{:016x}", std::process::id());
        let start = |run: u64| {
            let mut command = Command::new("setsid");
            command.args(["sh", "-c", "sleep 1000000 & echo; read x; kill $!"]);
            command.env(marks::RUN_VARIABLE, format!("{mark}:{run}"));
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
        };
        let mut children = [start(1), start(2)];
        for child in &mut children {
            // It says so when its own child is there.
            io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        }
        let wanted = [1, 2, 3].map(RunId).into_iter().zip([children[0].id(), 0, 0]).collect();
        let walk = Walk { mark: mark.as_str().into(), wanted };
        let found = walk.make().into_iter().map(|(run, found)| (run.0, found.unwrap().len()));
        // The first process of run 2 is not known as such: the mark tells of it and of its child.
        assert_eq!(found.collect::<Vec<_>>(), [(1, 1), (2, 2), (3, 0)]);
        for mut child in children {
            drop(child.stdin.take());
            child.wait().unwrap();
        }
    }
}
