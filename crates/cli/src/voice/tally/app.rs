//! One app of those that something is done with.

use super::super::Act;
use super::super::verbs::verb;

/// How far it is with an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct App {
    /// What it is called since, where this has given it another name.
    pub(super) now: Option<String>,
    /// Its place among the apps, in the order in which they were named.
    pub(super) place: usize,
    /// What is done with it.
    pub(super) act: Act,
    /// It is a cluster, whose workers are replaced without a gap.
    pub(super) cluster: bool,
    /// It is only added to the list.
    pub(super) added: bool,
    /// Nothing of it ran before.
    pub(super) rests: bool,
    pub(super) total: usize,
    pub(super) done: usize,
    /// Those of them that were started and ended at once.
    pub(super) ended: usize,
}

impl App {
    /// Nothing is done with it yet.
    pub(super) fn new(place: usize, act: Act, cluster: bool) -> Self {
        let (now, added, rests) = (None, false, false);
        Self { now, place, act, cluster, added, rests, total: 0, done: 0, ended: 0 }
    }

    /// What was done with it, in the past tense.
    pub(super) fn verb(&self) -> &'static str {
        match self.act {
            Act::Start | Act::StartFile | Act::StartAgain if self.added => "added",
            Act::Reload if self.rests => verb(Act::Start),
            Act::Reload if !self.cluster => verb(Act::Restart),
            act => verb(act),
        }
    }
}
