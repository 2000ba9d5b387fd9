//! Starts that a dead keeper left open: what it had begun of them must be gone before they are
//! asked for again.
//!
//! Problem: finding out means a look at every process, and an end takes its time; the loop has
//! neither. Rule: a helper thread does both, one at a time. Another one beside it could take what
//! was started after the first for what is to go. When another keeper dies meanwhile, the runs are
//! looked for once more. Until they are gone nobody is told to begin a run of one of these numbers,
//! now or by the end of another: it would be taken for what is to go.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ostler_core::RunId;

use super::cgroup::Groups;
use super::left;
use super::proc::{ProcessRef, end_orphans};
use crate::daemon_log;
use crate::starts::Start;

/// For how long descriptors may be short before what is left is given up.
const SHORT: Duration = Duration::from_secs(30);
/// Pause between two looks.
const AGAIN: Duration = Duration::from_millis(50);

/// What is to go.
#[derive(Clone, Debug)]
pub struct Clearing {
    pub(super) mark: String,
    pub(super) groups: Option<Groups>,
    /// The list of starts.
    pub(super) starts: BTreeMap<RunId, Start>,
    /// Users that our apps run as.
    pub(super) users: BTreeSet<u32>,
    pub(super) runs: BTreeSet<RunId>,
}

/// The one that is under way, and what comes after it.
#[derive(Debug, Default)]
pub(super) struct Clearings {
    /// The runs of the one that is under way.
    under_way: Option<BTreeSet<RunId>>,
    next: Option<Clearing>,
}

impl Clearing {
    /// Ends whatever is left of the runs, and waits a moment until it is gone. Returns the runs.
    ///
    /// Where descriptors are short, it ends what it can hold, which gives some back, and goes on.
    pub fn carry_out(self) -> BTreeSet<RunId> {
        let until = Instant::now() + SHORT;
        loop {
            let (groups, starts) = (self.groups.as_ref(), &self.starts);
            let (mut left, unseen) = left::look(&self.mark, groups, starts, &self.users);
            left.retain(|run, _| self.runs.contains(run));
            let all =
                left.into_values().flat_map(|left| left.others.into_iter().chain(left.leader));
            let orphans: Vec<ProcessRef> = all.collect();
            end_orphans(&orphans);
            let Some(why) = unseen.into_iter().next() else { break };
            if until < Instant::now() {
                daemon_log::error(why);
                break;
            }
            std::thread::sleep(AGAIN);
        }
        self.runs
    }
}

impl Clearings {
    /// What is known of the newest keeper's death counts; no run is left out.
    pub(super) fn want(&mut self, mut clearing: Clearing) {
        clearing.runs.extend(self.next.take().into_iter().flat_map(|before| before.runs));
        self.next = Some(clearing);
    }

    pub(super) fn begin(&mut self) -> Option<Clearing> {
        let next = self.next.take_if(|_| self.under_way.is_none())?;
        self.under_way = Some(next.runs.clone());
        Some(next)
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some() || self.next.is_some()
    }

    /// Whether what a dead keeper began of the run is not gone yet.
    pub(super) fn covers(&self, run: RunId) -> bool {
        let next = self.next.as_ref().map(|next| &next.runs);
        self.under_way.iter().chain(next).any(|runs| runs.contains(&run))
    }

    /// Returns the runs of which nothing is left; `None` when they are to be looked for again.
    pub(super) fn end(&mut self, runs: BTreeSet<RunId>) -> Option<BTreeSet<RunId>> {
        self.under_way = None;
        match &mut self.next {
            Some(next) => {
                next.runs.extend(runs);
                None
            }
            None => Some(runs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(runs: &[u64]) -> Clearing {
        let (starts, users) = (BTreeMap::new(), BTreeSet::new());
        let runs = runs.iter().copied().map(RunId).collect();
        Clearing { mark: String::new(), groups: None, starts, users, runs }
    }

    #[test]
    fn what_a_keeper_had_begun_that_dies_meanwhile_is_looked_for_after_the_first() {
        let mut clearings = Clearings::default();
        clearings.want(of(&[1, 2]));
        let first = clearings.begin().unwrap();
        assert!(clearings.begin().is_none(), "nothing is left to do");
        clearings.want(of(&[2, 3]));
        clearings.want(of(&[2, 4]));
        assert!(clearings.begin().is_none(), "one at a time");
        assert_eq!(clearings.end(first.runs), None);
        let second = clearings.begin().unwrap();
        assert_eq!(second.runs, [1, 2, 3, 4].map(RunId).into());
        assert_eq!(clearings.end(second.runs.clone()), Some(second.runs));
        assert!(clearings.begin().is_none());
    }

    #[test]
    fn a_run_is_covered_until_nothing_is_left_of_it() {
        let mut clearings = Clearings::default();
        clearings.want(of(&[1]));
        let covered = |clearings: &Clearings| [1, 2].map(|run| clearings.covers(RunId(run)));
        assert_eq!(covered(&clearings), [true, false], "it has not begun");
        let first = clearings.begin().unwrap();
        clearings.want(of(&[2]));
        assert_eq!(covered(&clearings), [true, true]);
        assert_eq!(clearings.end(first.runs), None);
        assert_eq!(covered(&clearings), [true, true], "it is looked for again");
        let second = clearings.begin().unwrap();
        clearings.end(second.runs);
        assert_eq!(covered(&clearings), [false, false]);
    }
}
