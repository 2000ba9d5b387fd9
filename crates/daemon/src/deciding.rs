//! What decides: the core, what is known of each process, what clients wait for.
//!
//! Nothing here owns a descriptor. The parts of the daemon that do report what happened, and carry
//! out what was decided.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ostler_core::{Action, AppId, Event, ProcId, RunId, SpecId, Supervisor};

use crate::book::Book;
use crate::jobs::Job;

/// The state that decisions depend on.
pub(crate) struct Deciding {
    pub(crate) core: Supervisor,
    pub(crate) book: Book,
    pub(crate) jobs: Vec<Job>,
    /// Slots about which something was told since the jobs were last looked at.
    pub(crate) touched: BTreeSet<ProcId>,
    pub(crate) actions: VecDeque<Action>,
    pub(crate) events: VecDeque<Event>,
    /// Something that must survive has changed.
    pub(crate) dirty: bool,
    /// When to save what may wait, or to try again what failed.
    pub(crate) save_by: Option<u64>,
    /// What candidates that have ended wrote last.
    pub(crate) words: BTreeMap<RunId, (AppId, Vec<String>)>,
    /// Specification and pid of runs that left, until that is said.
    pub(crate) gone: BTreeMap<RunId, (SpecId, u32)>,
    /// When memory limits are looked at next.
    pub(crate) memory_at: Option<u64>,
    pub(crate) ending: Ending,
}

/// Whether and how the daemon is about to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It goes on.
    No,
    /// Everything is being stopped; it goes when nothing runs.
    Stopping,
    /// It goes now.
    Now,
}

impl Deciding {
    /// Nothing is known yet.
    pub(crate) fn new() -> Self {
        Self {
            core: Supervisor::new(),
            book: Book::default(),
            jobs: Vec::new(),
            touched: BTreeSet::new(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
            dirty: false,
            save_by: None,
            words: BTreeMap::new(),
            gone: BTreeMap::new(),
            memory_at: None,
            ending: Ending::No,
        }
    }
}
