//! Processes of one app as one row: what holds for all of them, and what is worth a look.

use std::cmp::Ordering;
use std::collections::HashMap;

use ostler_wire::control::{Ended, OverMemory, Phase, ProcView, Unhealthy};

use crate::words;

/// The processes of an app.
#[derive(Debug)]
pub struct App<'a> {
    /// The name, with its namespace when that is not the usual one.
    pub name: String,
    /// Its processes, by id; at least one.
    pub processes: Vec<&'a ProcView>,
}

/// Returns the apps of these processes, in the order of their first ones.
pub fn fold(processes: &[ProcView]) -> Vec<App<'_>> {
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let mut apps: Vec<App<'_>> = Vec::new();
    for process in processes {
        let place = *places.entry((&process.namespace, &process.name)).or_insert(apps.len());
        match apps.get_mut(place) {
            Some(app) => app.processes.push(process),
            None => apps.push(App { name: name(process), processes: vec![process] }),
        }
    }
    apps
}

/// Returns the name of a process's app, with its namespace when that is not the usual one.
pub(crate) fn name(process: &ProcView) -> String {
    match process.namespace.as_str() {
        "default" | "" => process.name.clone(),
        namespace => format!("{namespace}/{}", process.name),
    }
}

impl<'a> App<'a> {
    /// One process as if it were the app.
    pub fn of_one(process: &'a ProcView) -> Self {
        Self { name: name(process), processes: vec![process] }
    }

    /// Returns how many of its processes are online, and how many there are.
    pub fn count(&self) -> (usize, usize) {
        (self.count_in(Phase::Online), self.processes.len())
    }

    /// Whether it is a module.
    pub fn is_module(&self) -> bool {
        self.processes.iter().any(|process| process.module)
    }

    /// Whether all of its processes are online.
    pub fn is_online(&self) -> bool {
        self.processes.iter().all(|process| process.phase == Phase::Online)
    }

    fn count_in(&self, phase: Phase) -> usize {
        let same = |of: &&&ProcView| words::weight(of.phase) == words::weight(phase);
        self.processes.iter().filter(same).count()
    }

    /// Returns the process that is most worth a look, and how many are in its phase.
    pub fn worst(&self) -> Option<(&'a ProcView, usize)> {
        // The first of several.
        let worst = self.processes.iter().rev().max_by_key(|of| words::weight(of.phase))?;
        Some((worst, self.count_in(worst.phase)))
    }

    /// Returns the process that is most worth a look.
    pub fn most_notable(&self) -> Option<&'a ProcView> {
        self.worst().map(|(process, _)| process)
    }

    /// Returns its restarts that nobody asked for.
    pub fn restarts(&self) -> u32 {
        self.processes.iter().map(|of| of.restarts.saturating_sub(of.asked_restarts)).sum()
    }

    /// Returns its CPU use, percent of one core.
    pub fn cpu(&self) -> f32 {
        self.processes.iter().map(|process| process.cpu).sum()
    }

    /// Returns its resident memory, bytes.
    pub fn memory(&self) -> u64 {
        self.processes.iter().map(|process| process.memory).sum()
    }

    /// Returns since when all of what runs has been online, ms since 1970; `None` when none is.
    pub fn since(&self) -> Option<u64> {
        let online = self.processes.iter().filter(|of| of.phase == Phase::Online);
        online.map(|process| process.since).filter(|since| 0 < *since).max()
    }

    /// Returns everything it listens on, each address once.
    pub fn addresses(&self) -> Vec<&'a str> {
        let mut all: Vec<&str> = Vec::new();
        for address in self.processes.iter().flat_map(|process| &process.listens) {
            if !all.contains(&address.as_str()) {
                all.push(address);
            }
        }
        all
    }

    /// Returns the process that ended last by itself, that end, and when it was.
    pub fn last_end(&self) -> Option<(&'a ProcView, &'a Ended, u64)> {
        let ends = self.processes.iter().filter_map(|of| {
            let ended = words::own_end(of)?;
            Some((*of, ended, ended.by_itself()?))
        });
        ends.max_by_key(|(_, _, at)| *at)
    }

    /// Returns its last restart for memory, if nothing ended by itself since.
    pub fn last_over_memory(&self) -> Option<OverMemory> {
        let last = self.processes.iter().filter_map(|of| of.over_memory).max_by_key(|of| of.at)?;
        self.last_end().is_none_or(|(_, _, at)| at < last.at).then_some(last)
    }

    /// Returns the last end of a process for want of health, if nothing ended by itself since.
    pub fn last_unhealthy(&self) -> Option<&'a Unhealthy> {
        let all = self.processes.iter().filter_map(|of| of.unhealthy.as_ref());
        let last = all.max_by_key(|lost| lost.at)?;
        self.last_end().is_none_or(|(_, _, at)| at < last.at).then_some(last)
    }

    /// Returns how many old workers are on their way out.
    pub fn leaving(&self) -> usize {
        self.processes.iter().map(|process| process.leaving.len()).sum()
    }

    /// Returns its part in a reload that is under way: how many processes have this word.
    pub fn rollout(&self) -> Option<(&'a str, usize)> {
        let mut words = self.processes.iter().filter_map(|process| process.rollout.as_deref());
        let word = words.next()?;
        Some((word, 1 + words.filter(|other| *other == word).count()))
    }

    /// Returns its ids, in ranges: `0-3, 7`.
    pub fn ids(&self) -> String {
        in_ranges(self.processes.iter().map(|process| process.id).collect())
    }
}

/// Returns numbers in ranges: `0-3,7`.
pub(crate) fn in_ranges(mut ids: Vec<u32>) -> String {
    ids.sort_unstable();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for id in ids {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(id) => *last = id,
            Some(_) | None => ranges.push((id, id)),
        }
    }
    let shown = ranges.into_iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    shown.collect::<Vec<_>>().join(",")
}

/// The fields that a list can be sorted by.
pub const SORT_FIELDS: &[&str] =
    &["name", "namespace", "pid", "id", "cpu", "memory", "uptime", "restarts", "status"];

/// Sorts by `field`, `field:asc` or `field:desc`; `None` when there is no such field.
pub fn order(apps: &mut [App<'_>], by: &str) -> Option<()> {
    let (field, direction) = by.split_once(':').unwrap_or((by, "asc"));
    let first = |app: &App<'_>| app.processes.first().copied().cloned();
    let id = |app: &App<'_>| app.processes.first().map(|process| process.id);
    let pid = |app: &App<'_>| app.processes.first().map(|process| process.pid);
    let space = |app: &App<'_>| first(app).map(|process| process.namespace);
    let weight = |app: &App<'_>| app.worst().map(|(process, _)| words::weight(process.phase));
    let compare = |a: &App<'_>, b: &App<'_>| -> Ordering {
        match field {
            "namespace" => space(a).cmp(&space(b)),
            "pid" => pid(a).cmp(&pid(b)),
            "id" => id(a).cmp(&id(b)),
            "cpu" => a.cpu().total_cmp(&b.cpu()),
            "memory" => a.memory().cmp(&b.memory()),
            // What began later has the shorter uptime.
            "uptime" => b.since().cmp(&a.since()),
            "restarts" => a.restarts().cmp(&b.restarts()),
            // What is worth a look comes first.
            "status" => weight(b).cmp(&weight(a)),
            _ => a.name.cmp(&b.name),
        }
    };
    let descending = match direction {
        "asc" => false,
        "desc" => true,
        _ => return None,
    };
    if !SORT_FIELDS.contains(&field) {
        return None;
    }
    apps.sort_by(|a, b| if descending { compare(b, a) } else { compare(a, b) });
    Some(())
}
