//! What is to be done with the log files of a machine: a pure decision.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::names::{self, Names, Rotated};
use super::packing::Packing;

/// A rotated file is left alone for so long, ms: the engine takes its name back when it cannot open
/// the path anew.
pub(super) const SETTLED: u64 = 2000;

/// What is kept of the rotated files of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// So many files.
    pub files: u32,
    /// Those that were last written to in so many ms.
    pub age: Option<u64>,
    /// So many bytes in all.
    pub bytes: Option<u64>,
    /// How they are compressed, if they are.
    pub packing: Option<Packing>,
}

/// How many bytes all log files may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// A tenth of each disk.
    Tenth,
    /// So many in all.
    Bytes(u64),
    /// As many as the disks take.
    None,
}

/// A log and what is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Where it is.
    pub path: PathBuf,
    /// How its rotated files are called.
    pub names: Arc<Names>,
    /// What is kept of them.
    pub keep: Keep,
    /// It is rotated if it was begun before this, ms since 1970.
    pub begun_before: Option<u64>,
}

/// A file in a folder with logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub path: PathBuf,
    pub size: u64,
    /// When it was last written to, given its name, and made; ms since 1970.
    pub written: u64,
    pub changed: u64,
    pub born: Option<u64>,
    /// Which disk it is on.
    pub disk: usize,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    /// A half-compressed file goes, if its maker is dead.
    Discard(PathBuf),
    /// The original of a file that is compressed in this way goes.
    Finish(PathBuf, Packing),
    /// A rotated file goes; `true`: all logs have too many bytes.
    Remove(PathBuf, bool),
    /// A log is rotated before it is full.
    Rotate(PathBuf),
    /// A rotated file is compressed.
    Pack(PathBuf, Packing),
}

/// What is to be done, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub tasks: Vec<Task>,
    /// When there is something more to be done, ms since 1970.
    pub again_at: Option<u64>,
}

/// What the plan is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    /// ms since 1970.
    pub now: u64,
    pub logs: &'a [Log],
    pub found: &'a [Found],
    /// Bytes that the logs of each disk may have.
    pub caps: &'a [Option<u64>],
    /// The folder in which rotated files are ours though nobody knows their log any more.
    pub own: &'a Path,
}

/// A rotated file that stays for now.
struct Old<'a> {
    of: &'a Found,
    name: Rotated,
}

/// One that stays, and how it is to be compressed.
type Left<'a> = (Old<'a>, Option<Packing>);

/// Decides what is to be done.
pub(super) fn plan(scene: &Scene<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut olds = sort(scene, &mut plan);
    let mut left = Vec::new();
    for (index, log) in scene.logs.iter().enumerate() {
        left.extend(expire(
            scene.now,
            log,
            olds.remove(&Some(index)).unwrap_or_default(),
            &mut plan,
        ));
    }
    left.extend(olds.into_values().flatten().map(|old| (old, None)));
    let currents: Vec<&Found> = scene
        .logs
        .iter()
        .filter_map(|log| scene.found.iter().find(|found| found.path == log.path))
        .collect();
    rotate_begun_before(scene, &currents, &mut plan);
    for (disk, cap) in scene.caps.iter().enumerate() {
        if let Some(cap) = cap {
            bound(*cap, disk, &mut left, &currents, &mut plan);
        }
    }
    pack(scene.now, left, &mut plan);
    plan.tasks.sort_by_key(|task| match task {
        Task::Discard(_) => 0,
        Task::Finish(..) => 1,
        Task::Remove(..) => 2,
        Task::Rotate(_) => 3,
        Task::Pack(..) => 4,
    });
    plan
}

/// Finds the rotated files of each log, and those that nobody knows the log of. What a dead process
/// left half done is put in order.
fn sort<'a>(scene: &Scene<'a>, plan: &mut Plan) -> BTreeMap<Option<usize>, Vec<Old<'a>>> {
    let mut olds: BTreeMap<Option<usize>, Vec<Old<'a>>> = BTreeMap::new();
    let currents: BTreeSet<&Path> = scene.logs.iter().map(|log| log.path.as_path()).collect();
    let paths: BTreeSet<&Path> = scene.found.iter().map(|found| found.path.as_path()).collect();
    for found in scene.found {
        let Some(name) = found.path.file_name().and_then(|name| name.to_str()) else { continue };
        if currents.contains(found.path.as_path()) {
            continue;
        }
        let part = names::of_part(name);
        let Some((log, rotated)) = owner(scene, &found.path, part.unwrap_or(name)) else {
            continue;
        };
        let is_there = |of: &Packing| paths.contains(names::packed(&found.path, *of).as_path());
        if part.is_some() {
            plan.tasks.push(Task::Discard(found.path.clone()));
        } else if rotated.packed.is_none()
            && let Some(packing) = Packing::ALL.into_iter().find(is_there)
        {
            plan.tasks.push(Task::Finish(found.path.clone(), packing));
        } else {
            olds.entry(log).or_default().push(Old { of: found, name: rotated });
        }
    }
    olds
}

/// Whose rotated file has this name: that of a log, or one of ours.
fn owner(scene: &Scene<'_>, path: &Path, name: &str) -> Option<(Option<usize>, Rotated)> {
    let of_log = scene.logs.iter().enumerate().find_map(|(index, log)| {
        let beside = log.path.parent() == path.parent();
        Some((Some(index), log.names.read(&log.path, name).filter(|_| beside)?))
    });
    of_log.or_else(|| {
        let own = path.parent() == Some(scene.own);
        Some((None, names::stray(name).filter(|_| own)?))
    })
}

/// What a log keeps of its rotated files, and how it is to be compressed; the rest goes.
fn expire<'a>(now: u64, log: &Log, mut olds: Vec<Old<'a>>, plan: &mut Plan) -> Vec<Left<'a>> {
    olds.sort_by(newer_first);
    let mut bytes: u64 = 0;
    let mut kept = Vec::new();
    for (index, old) in olds.into_iter().enumerate() {
        bytes = bytes.saturating_add(old.of.size);
        let is_much = log.keep.files as usize <= index
            || log.keep.bytes.is_some_and(|most| most < bytes)
            || log.keep.age.is_some_and(|age| old.of.written.saturating_add(age) <= now);
        if is_much {
            plan.tasks.push(Task::Remove(old.of.path.clone(), false));
        } else {
            if let Some(age) = log.keep.age {
                plan.at(old.of.written.saturating_add(age));
            }
            kept.push((old, log.keep.packing));
        }
    }
    kept
}

fn newer_first(a: &Old<'_>, b: &Old<'_>) -> Ordering {
    b.of.written.cmp(&a.of.written).then(b.name.order(&a.name))
}

/// Rotates what was begun in an earlier day, or hour.
fn rotate_begun_before(scene: &Scene<'_>, currents: &[&Found], plan: &mut Plan) {
    for log in scene.logs {
        let found = currents.iter().find(|found| found.path == log.path);
        if let (Some(found), Some(before)) = (found, log.begun_before)
            && 0 < found.size
            && found.born.unwrap_or(found.written) < before
        {
            plan.tasks.push(Task::Rotate(found.path.clone()));
        }
    }
}

/// All logs of a disk have too many bytes: the oldest rotated files go; where these do not suffice,
/// the largest logs are rotated, to go next.
fn bound(cap: u64, disk: usize, left: &mut Vec<Left<'_>>, currents: &[&Found], plan: &mut Plan) {
    let mut here: Vec<&Found> = currents.iter().copied().filter(|of| of.disk == disk).collect();
    let rotated = left.iter().filter(|(old, _)| old.of.disk == disk).map(|(old, _)| old.of.size);
    let mut total: u64 = rotated.chain(here.iter().map(|of| of.size)).sum();
    left.sort_by(|(a, _), (b, _)| newer_first(a, b));
    while cap < total
        && let Some(oldest) = left.iter().rposition(|(old, _)| old.of.disk == disk)
    {
        let (old, _) = left.remove(oldest);
        total -= old.of.size;
        plan.tasks.push(Task::Remove(old.of.path.clone(), true));
    }
    here.sort_by_key(|of| of.size);
    while cap < total
        && let Some(largest) = here.pop().filter(|of| 0 < of.size)
    {
        total -= largest.size;
        let task = Task::Rotate(largest.path.clone());
        if !plan.tasks.contains(&task) {
            plan.tasks.push(task);
        }
    }
}

/// What stays is compressed where that is wanted, the oldest first.
fn pack(now: u64, left: Vec<Left<'_>>, plan: &mut Plan) {
    let mut due: Vec<(Old<'_>, Packing)> = Vec::new();
    for (old, packing) in left {
        let Some(packing) = packing.filter(|_| old.name.packed.is_none()) else { continue };
        let at = old.of.changed.saturating_add(SETTLED);
        if at <= now { due.push((old, packing)) } else { plan.at(at) }
    }
    due.sort_by(|(a, _), (b, _)| newer_first(a, b));
    let tasks = due.into_iter().rev();
    plan.tasks.extend(tasks.map(|(old, packing)| Task::Pack(old.of.path.clone(), packing)));
}

impl Plan {
    /// There is something to be done at this time, too.
    fn at(&mut self, at: u64) {
        self.again_at = Some(self.again_at.map_or(at, |before| before.min(at)));
    }
}

#[cfg(test)]
mod tests;
