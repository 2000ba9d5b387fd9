//! How far it is with what a command does, and the one line that says so at the end.

mod app;
mod steps;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use ostler_wire::control::Connections;

use self::app::App;
use super::readiness::Readiness;
use super::rows::{SOON, rows};
use super::span::span;
use super::verbs::{going, verb};
use super::work::Work;
use super::{Act, Notice, Planned, Subject, Target};

/// The same where lines stay.
const MOMENT: Duration = Duration::from_secs(1);
/// Up to so many, each is a line where lines stay; of more, one line a [`MOMENT`] tells how
/// far it is.
const LINES: usize = 20;

/// How far it is with what is being done.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    act: Option<Act>,
    over: bool,
    since: Duration,
    apps: BTreeMap<String, App>,
    /// Slots that something is done with now, and what.
    workers: BTreeMap<u32, Work>,
    /// The end of it was a failure.
    failed: bool,
    /// The apps of processes that were named at the beginning: one may be renamed meanwhile.
    names: BTreeMap<u32, String>,
    /// Processes that were counted.
    counted: BTreeSet<u32>,
    /// What became of the connections of all that were ended; nothing where nothing was.
    connections: Option<Connections>,
    /// Workers that were replaced and have not left.
    leaving: BTreeSet<u32>,
    added: usize,
    removed: usize,
    /// Processes that were started and ended at once.
    ended_early: usize,
    /// A scale of the same app follows, and its end is that of both.
    scales_next: bool,
    /// What was done before that.
    before: Option<String>,
    /// How many processes an app that is scaled is to have.
    scale_to: Option<usize>,
    /// The file that apps come from.
    path: PathBuf,
    /// How many processes it has, where that was told.
    saved: Option<usize>,
    /// Processes that were brought back.
    restored: usize,
    /// When a line was told last.
    told: Duration,
    /// Of each process of an app it is told when it is up.
    each: bool,
    /// The end is told when the apps are ready.
    ends_ready: bool,
    /// It is looked whether what was started holds.
    looks: bool,
    /// Processes that did what they were started for and have ended, of all that are ready.
    finished: (usize, usize),
    /// What is waited for, if it is waited until apps are ready.
    awaited: Option<Readiness>,
}

impl Tally {
    /// Takes account of what was told; `now` is the time since the command began.
    pub(super) fn take(&mut self, notice: &Notice<'_>, now: Duration) {
        match notice {
            Notice::Begun { act, targets, .. } => {
                self.begin(*act, now);
                self.name(targets);
            }
            Notice::StartsScript { app, .. } => {
                self.begin(Act::Start, now);
                self.plan(app);
            }
            Notice::StartsMissing { apps } => {
                self.begin(Act::StartFile, now);
                apps.iter().for_each(|app| self.plan(app));
            }
            Notice::Resurrects { act, path } => {
                self.begin(*act, now);
                (*path).clone_into(&mut self.path);
            }
            Notice::Started { name, ids, .. } => {
                let done = self.app(name, false).done;
                ids.iter().for_each(|id| self.is_up(*id, name));
                // Without news of each process the app is counted as it is told.
                let least = if self.each { done } else { done + ids.len() };
                let app = self.app(name, false);
                app.done = app.done.max(least);
            }
            Notice::Starts { id, name, up } => {
                self.each = true;
                if *up {
                    self.is_up(*id, name);
                } else if !self.counted.contains(id) {
                    self.workers.insert(*id, Work::of(name, "starting", now));
                }
            }
            Notice::Missed {
                subject: Subject::Named { name } | Subject::Saved { name, .. },
                ..
            } => {
                self.workers.retain(|_, of| of.name != *name);
            }
            Notice::EndedEarly { id } => {
                self.ended_early += 1;
                if let Some(app) = self.names.get(id).and_then(|name| self.apps.get_mut(name)) {
                    app.ended += 1;
                }
                if self.counted.remove(id)
                    && let Some(app) = self.names.get(id).and_then(|name| self.apps.get_mut(name))
                {
                    app.done = app.done.saturating_sub(1);
                }
            }
            Notice::Looks => self.looks = true,
            Notice::ScalesNext => self.scales_next = true,
            Notice::BroughtUp => self.ends_ready = true,
            Notice::Awaits { targets } => {
                let names = targets.iter().map(|of| (of.id, of.name.clone())).collect();
                let since = if self.ends_ready { self.since } else { now };
                self.awaited = Some(Readiness { names, since, ..Readiness::default() });
            }
            Notice::Stands { id, stand } => {
                if let Some(awaited) = &mut self.awaited {
                    awaited.take(*id, *stand, now);
                }
            }
            Notice::DaemonReplaced => self.count(Connections::Unknown),
            Notice::ScalesTo { processes } => self.scale_to = Some(*processes),
            Notice::Does { id, name, what } => {
                let name = self.names.get(id).map_or(*name, String::as_str);
                self.workers.insert(*id, Work::told(name, what, now));
            }
            Notice::Missed { subject: Subject::Process { id, .. }, .. } => {
                self.workers.remove(id);
            }
            Notice::Acted { id, name, connections } => {
                self.workers.remove(id);
                self.count(*connections);
                let new = self.counted.insert(*id);
                let known = self.names.get(id).cloned().unwrap_or_else(|| (*name).to_owned());
                self.app(&known, false).done += usize::from(new);
                self.note_name(&known, name);
            }
            Notice::Restores { targets, saved, before } => {
                self.saved = Some(*saved);
                if *before {
                    self.path.as_mut_os_string().push(".bak");
                }
                self.name(targets);
                targets.iter().filter(|of| of.rests).for_each(|of| self.is_up(of.id, &of.name));
            }
            Notice::Restored { name, .. } => {
                self.restored += 1;
                // Else it is counted as it is told of each process.
                if self.saved.is_none() {
                    let app = self.app(name, false);
                    (app.total, app.done) = (app.total + 1, app.done + 1);
                }
            }
            Notice::Stepped { id, name, step } => self.step(*id, name, step, now),
            Notice::Scaled { id, added: true, .. } => {
                self.workers.remove(id);
                self.added += 1;
            }
            Notice::Scaled { id, added: false, connections, .. } => {
                self.workers.remove(id);
                self.count(*connections);
                self.removed += 1;
            }
            Notice::Finished { act, failed, .. } => {
                if let Some(awaited) = self.awaited.take() {
                    self.finished = (awaited.finished, awaited.ready.len());
                    for (name, app) in &mut self.apps {
                        app.done = if app.added { app.done } else { awaited.ready_of(name) };
                    }
                } else if !failed && matches!(act, Act::Reload | Act::Promote | Act::Rollback) {
                    // A reload replaces all or none.
                    self.apps.values_mut().for_each(|app| app.done = app.total - app.ended);
                }
                (self.over, self.failed) = (true, *failed);
                self.scales_next &= !failed;
                if self.scales_next {
                    self.before = self.done();
                }
            }
            _ => {}
        }
    }

    /// Returns the processes that something is done with.
    pub(super) fn total(&self) -> usize {
        self.apps.values().map(|app| app.total).sum()
    }

    /// Whether this end is told with that of what follows.
    pub(super) fn goes_on(&self) -> bool {
        self.scales_next
    }

    /// Returns how long it has taken until `now`.
    pub(super) fn since(&self, now: Duration) -> Duration {
        now.saturating_sub(self.since)
    }

    /// Returns how long it has taken until `now`, in words.
    pub(super) fn took(&self, now: Duration) -> String {
        span(self.since(now))
    }

    /// Returns what an app is called since, where that is another name.
    pub(super) fn now_called(&self, name: &str) -> Option<&str> {
        self.apps.get(name)?.now.as_deref()
    }

    /// Returns the name of its app that a process had at the beginning.
    pub(super) fn begun_as(&self, id: u32) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    /// Returns the name of each app, and of how many of its processes it is done.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        // A scale is done with those that it adds or removes, not with those that were there.
        let scaled = (self.act == Some(Act::Scale)).then_some(self.added + self.removed);
        self.in_order().into_iter().map(move |(name, app)| match scaled {
            Some(count) => (name, count, count),
            None => (name, app.done, app.total.max(app.done)),
        })
    }

    /// Whether an app is only added to the list.
    pub(super) fn only_adds(&self, name: &str) -> bool {
        self.apps.get(name).is_some_and(|app| app.added)
    }

    /// Whether it was told of each process when it was up.
    pub(super) fn tells_each(&self) -> bool {
        self.each
    }

    /// Whether the end of what was begun says which apps are ready.
    pub(super) fn ends_ready(&self) -> bool {
        self.ends_ready
    }

    /// Returns the line about one that is done, where lines stay. What is over at once needs none.
    pub(super) fn line(&mut self, now: Duration, what: &str) -> Option<String> {
        let act = self.act.filter(|_| MOMENT <= self.since(now))?;
        let (done, total) = self.done_of_all();
        let of = self.of(now, done, total)?;
        Some(format!("{of} {} {what}", verb(act)))
    }

    /// Returns the line about a process that is ready, where lines stay.
    pub(super) fn ready_line(&mut self, now: Duration, id: u32) -> Option<String> {
        let awaited = self.awaited.as_ref().filter(|of| of.since + MOMENT <= now)?;
        let (done, total) = (awaited.ready.len(), awaited.names.len());
        let name = awaited.names.get(&id)?.clone();
        let of = self.of(now, done, total)?;
        Some(format!("{of} ready: {name} (id {id})"))
    }

    /// Returns how many are done of how many, unless there is one only or that was told just now.
    fn of(&mut self, now: Duration, done: usize, total: usize) -> Option<String> {
        if total <= 1 || LINES < total && now < self.told + MOMENT && done < total {
            return None;
        }
        self.told = now;
        Some(format!("[{done}/{}]", total.max(done)))
    }

    /// Returns the lines about what goes on now; nothing before it has taken a moment, and
    /// after its end.
    pub(super) fn block(&self, now: Duration) -> Option<Vec<String>> {
        if let Some(awaited) = &self.awaited {
            return awaited.block(now);
        }
        let act = self.act.filter(|_| !self.over && SOON <= self.since(now))?;
        let (done, total) = self.done_of_all();
        let one = if self.apps.len() == 1 { self.apps.keys().next() } else { None };
        let name = one.map_or_else(String::new, |name| format!(" {name}"));
        let sizes =
            self.scale_to.map_or_else(String::new, |to| format!(" from {} to {to}", self.total()));
        let total = total.max(done);
        let took = self.took(now);
        if self.looks {
            // What has ended by then is not counted.
            let they = if total == 1 { "it stays" } else { "they stay" };
            return Some(vec![format!(
                "{}{name}{sizes}: looking whether {they} up  {took}",
                going(act)
            )]);
        }
        let mut lines = vec![format!("{}{name}{sizes} [{done}/{total}] {took}", going(act))];
        lines.extend(rows(&self.workers, one.is_some(), now));
        if one.is_none() && self.workers.is_empty() {
            let open = self.counts().filter(|(_, done, total)| done < total);
            lines.extend(open.map(|(name, done, total)| format!("  {name} {done}/{total}")));
        }
        Some(lines)
    }

    /// Of how many it is done, of how many. A scale is done with those that it adds or removes.
    fn done_of_all(&self) -> (usize, usize) {
        match self.scale_to {
            Some(to) => (self.added + self.removed, to.abs_diff(self.total())),
            None => (self.apps.values().map(|app| app.done).sum(), self.total()),
        }
    }

    /// With these processes something is going to be done.
    fn name(&mut self, targets: &[Target]) {
        for target in targets {
            let new = self.names.insert(target.id, target.name.clone()).is_none();
            let app = self.app(&target.name, target.cluster);
            app.rests = target.rests && (app.total == 0 || app.rests);
            app.total += usize::from(new);
        }
    }

    /// An app is going to be started.
    fn plan(&mut self, planned: &Planned) {
        let app = self.app(&planned.name, false);
        app.total += count(planned.instances);
        app.added = !planned.starts;
    }

    /// A process that was started is up, of which it may be told twice.
    fn is_up(&mut self, id: u32, name: &str) {
        self.workers.remove(&id);
        self.names.insert(id, name.to_owned());
        let new = self.counted.insert(id);
        self.app(name, false).done += usize::from(new);
    }

    /// An app is told of by this name.
    fn note_name(&mut self, known: &str, name: &str) {
        if let Some(app) = self.apps.get_mut(known).filter(|_| known != name) {
            app.now = Some(name.to_owned());
        }
    }

    /// Takes account of the connections of what was ended.
    fn count(&mut self, connections: Connections) {
        self.connections = Some(self.connections.map_or(connections, |of| of.and(connections)));
    }

    /// Returns how many connections were dropped, where that is known of all that was ended
    /// and that listened.
    pub(super) fn dropped(&self) -> Option<u64> {
        match self.connections {
            Some(Connections::Dropped(count)) if self.leaving.is_empty() => Some(count),
            Some(Connections::Dropped(_) | Connections::Nowhere | Connections::Unknown) | None => {
                None
            }
        }
    }

    fn begin(&mut self, act: Act, now: Duration) {
        if self.ends_ready && !self.over {
            // There is one end for all.
            self.act = Some(act);
        } else if self.act != Some(act) || self.over {
            let goes_on = self.scales_next && self.over;
            let since = if goes_on { self.since } else { now };
            let (before, connections) =
                if goes_on { (self.before.take(), self.connections) } else { (None, None) };
            *self = Self { act: Some(act), since, before, connections, ..Self::default() };
        }
    }

    fn app(&mut self, name: &str, cluster: bool) -> &mut App {
        let (place, act) = (self.apps.len(), self.act.unwrap_or(Act::Start));
        self.apps.entry(name.to_owned()).or_insert_with(|| App::new(place, act, cluster))
    }

    fn in_order(&self) -> Vec<(&str, &App)> {
        let mut apps: Vec<_> = self.apps.iter().map(|(name, app)| (name.as_str(), app)).collect();
        apps.sort_by_key(|(_, app)| app.place);
        apps
    }
}

fn count(instances: u32) -> usize {
    usize::try_from(instances).unwrap_or(usize::MAX)
}
