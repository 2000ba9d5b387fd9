//! The one line that says at the end what was done.

use std::time::Duration;

use super::{App, Tally};
use crate::voice::Act;
use crate::voice::line::number;
use crate::voice::verbs::verb;

/// The most apps that a summary names.
const NAMED: usize = 4;

impl Tally {
    /// Returns what was done, in one line; nothing when nothing was.
    pub(in crate::voice) fn summary(&self, now: Duration, urls: &[String]) -> Option<String> {
        let act = self.act?;
        if self.failed && self.apps.is_empty() && matches!(act, Act::Resurrect | Act::Import) {
            return None;
        }
        if self.failed && matches!(act, Act::Promote | Act::Rollback) {
            return None;
        }
        let what = match act {
            Act::Scale => {
                let scaled = self.scaled().map(|scaled| scaled + &self.of_ended());
                // Of what went before, the name of the app is told already.
                let parts: Vec<String> = self.before.iter().cloned().chain(scaled).collect();
                (!parts.is_empty()).then(|| parts.join(", "))?
            }
            Act::Resurrect | Act::Import => self.resurrected(act) + &self.of_ended(),
            _ => self.done()?,
        };
        let urls = urls.iter().map(|url| format!(", {url}")).collect::<String>();
        let ready = if self.ends_ready && !self.failed { self.ready() } else { String::new() };
        Some(format!("{what}{ready} in {}{urls}{}", self.took(now), self.of_connections(act)))
    }

    /// What was done with which apps.
    pub(super) fn done(&self) -> Option<String> {
        let mut parts: Vec<(&str, Vec<(&str, &App)>)> = Vec::new();
        for (name, app) in self.in_order() {
            let verb = app.verb();
            match parts.iter_mut().find(|(of, _)| *of == verb) {
                Some((_, apps)) => apps.push((name, app)),
                None => parts.push((verb, vec![(name, app)])),
            }
        }
        // What was replaced without a gap stands first.
        parts.sort_by_key(|(verb, _)| *verb != "reloaded");
        let parts: Vec<String> =
            parts.iter().filter_map(|(verb, apps)| self.counted(verb, apps)).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// How many of those that were started have ended at once.
    fn of_ended(&self) -> String {
        match self.ended_early {
            0 => String::new(),
            count => format!(", {count} of them ended at once,"),
        }
    }

    /// Says of how many processes of each app it is true; nothing when of none, unless they
    /// were started and have ended.
    fn counted(&self, verb: &str, apps: &[(&str, &App)]) -> Option<String> {
        if apps.iter().all(|(_, app)| app.added) {
            let there = apps.iter().filter(|(_, app)| 0 < app.done);
            let names: Vec<&str> = there.map(|(name, _)| *name).collect();
            return (!names.is_empty()).then(|| match names.len() {
                0..=NAMED => format!("{verb} {} (not started)", names.join(", ")),
                count => format!("{verb} {count} apps (not started)"),
            });
        }
        counts(verb, apps, 0 < self.ended_early)
    }

    /// That what was begun is ready; what has done its work and ended is it as well.
    fn ready(&self) -> String {
        match self.finished {
            // There was nothing to wait for.
            (_, 0) => String::new(),
            (0, _) => ", ready".to_owned(),
            (some, all) if some == all => ", ended with exit code 0".to_owned(),
            (some, _) => format!(", ready ({some} ended with exit code 0)"),
        }
    }

    /// What became of connections.
    pub(in crate::voice) fn of_connections(&self, act: Act) -> String {
        if let Some(count) = self.dropped() {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            return format!(", {} dropped", number(count, "connection", "connections"));
        }
        match (act, self.leaving.len()) {
            (Act::Reload, 1) => "; an old worker finishes its connections".to_owned(),
            (Act::Reload, count @ 2..) => format!("; {count} old workers finish their connections"),
            _ => String::new(),
        }
    }

    fn scaled(&self) -> Option<String> {
        let (name, app) = self.apps.first_key_value()?;
        let now = (app.total + self.added).saturating_sub(self.removed);
        (now != app.total).then(|| format!("scaled {name} from {} to {now}", app.total))
    }

    fn resurrected(&self, act: Act) -> String {
        let path = self.path.display();
        match (self.restored, self.saved) {
            (0, Some(0)) => format!("{path} has no app: nothing started"),
            (0, Some(_)) if !self.apps.is_empty() => format!("nothing of {path} started"),
            (0, _) => format!("every app of {path} was in the list: nothing started"),
            (processes, _) => format!(
                "{} {} ({}) from {path}",
                verb(act),
                number(
                    self.apps.values().filter(|app| 0 < app.done + app.ended).count(),
                    "app",
                    "apps"
                ),
                number(processes, "process", "processes")
            ),
        }
    }
}

/// Says of how many processes of each app it is true; nothing when of none, unless that is to be
/// said as well.
fn counts(verb: &str, apps: &[(&str, &App)], none: bool) -> Option<String> {
    let of = |app: &App| (app.done, app.total.max(app.done));
    let (done, total) = apps.iter().fold((0, 0), |(done, total), (_, app)| {
        let app = of(app);
        (done + app.0, total + app.1)
    });
    if done == 0 && !none {
        return None;
    }
    if NAMED < apps.len() {
        return Some(format!("{verb} {} apps, {done}/{total} processes", apps.len()));
    }
    let each = apps.iter().map(|(name, app)| {
        let now = app.now.as_ref().map_or_else(String::new, |now| format!(" (now {now})"));
        format!("{name} {}/{}{now}", of(app).0, of(app).1)
    });
    let each: Vec<String> = each.collect();
    Some(format!("{verb} {}", each.join(", ")))
}
