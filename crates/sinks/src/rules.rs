//! Lines of an app, held against its rules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use ostler_core::spec::{LogRule, RuleAction};
use ostler_logs::Level;
use regex_lite::Regex;

use crate::record::Record;
use crate::target::Sent;

/// The most of a line that is told, characters.
const SHOWN: usize = 500;

/// A rule has found a line, and something is to be done.
#[derive(Debug)]
pub struct Found {
    /// The number of the process that wrote it.
    pub id: u32,
    /// The name of the rule.
    pub rule: String,
    /// What is to be done.
    pub then: Vec<RuleAction>,
    /// The line, or its begin.
    pub line: String,
    /// So many lines were found since something was done last.
    pub held_back: u64,
    /// Is told when what is to be done will not be forgotten any more.
    pub confirm: Confirm,
}

/// Waits until somebody has seen to what was found. Dropped, it says that nobody has.
#[derive(Debug)]
pub struct Confirm(Sender<()>);

impl Confirm {
    /// What is to be done will not be forgotten any more.
    pub fn done(self) {
        // A thread that has ended asks nobody.
        _ = self.0.send(());
    }
}

/// As whom rules are kept among those who read the lines of an app.
pub const RULES: &str = "rules";

/// Hears of what is found.
pub type Hears = Arc<dyn Fn(Found) + Send + Sync>;

/// The rules of an app.
pub(crate) struct Rules {
    rules: Vec<Rule>,
    hears: Hears,
}

struct Rule {
    of: LogRule,
    pattern: Option<Regex>,
    level: Option<Level>,
    /// When something was done last, and how many were found since.
    done: BTreeMap<u32, (Instant, u64)>,
}

impl Rules {
    pub(crate) fn new(rules: &[LogRule], hears: Hears) -> Self {
        let rule = |of: &LogRule| Rule {
            // One that was accepted is one.
            pattern: of.pattern.as_deref().and_then(|pattern| Regex::new(pattern).ok()),
            level: of.level.as_deref().and_then(Level::named),
            of: of.clone(),
            done: BTreeMap::new(),
        };
        Self { rules: rules.iter().map(rule).collect(), hears }
    }

    /// Holds lines against the rules, counts those that are found, and has done what is to be done.
    /// Returns when that will not be forgotten any more.
    pub(crate) fn send(
        &mut self,
        records: &[Record],
        counts: &mut BTreeMap<String, u64>,
        now: Instant,
    ) -> Sent {
        let before = counts.clone();
        counts.retain(|name, _| self.rules.iter().any(|rule| rule.of.name == *name));
        let mut waits: Vec<Receiver<()>> = Vec::new();
        for rule in &mut self.rules {
            let count = counts.entry(rule.of.name.clone()).or_default();
            for record in records.iter().filter(|record| {
                rule.level.is_none_or(|least| least <= record.level)
                    && rule.pattern.as_ref().is_none_or(|of| of.is_match(&record.text))
            }) {
                *count += 1;
                let every = Duration::from_millis(rule.of.every);
                let Some(held_back) = begin(&mut rule.done, record.id, every, now) else {
                    continue;
                };
                if rule.of.then.is_empty() {
                    continue;
                }
                let (held, wait) = channel();
                waits.push(wait);
                (self.hears)(Found {
                    id: record.id,
                    rule: rule.of.name.clone(),
                    then: rule.of.then.clone(),
                    line: record.text.chars().take(SHOWN).collect(),
                    held_back,
                    confirm: Confirm(held),
                });
            }
        }
        // The daemon goes before it has seen to it: its successor finds the lines again.
        if waits.iter().any(|wait| wait.recv().is_err()) {
            *counts = before;
            return Sent { why: Some("the daemon ends".to_owned()), ..Sent::default() };
        }
        Sent { taken: records.len(), ..Sent::default() }
    }
}

/// Whether something may be done about a process again; then how many were found meanwhile.
fn begin(
    done: &mut BTreeMap<u32, (Instant, u64)>,
    id: u32,
    every: Duration,
    now: Instant,
) -> Option<u64> {
    match done.get_mut(&id) {
        Some((last, held_back)) if now.saturating_duration_since(*last) < every => {
            *held_back += 1;
            None
        }
        before => {
            let held_back = before.map_or(0, |(_, held_back)| *held_back);
            done.insert(id, (now, 0));
            Some(held_back)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn rule(pattern: Option<&str>, level: Option<&str>, then: &[RuleAction]) -> LogRule {
        LogRule {
            name: "r".to_owned(),
            pattern: pattern.map(str::to_owned),
            level: level.map(str::to_owned),
            then: then.to_vec(),
            every: 1000,
        }
    }

    fn record(id: u32, level: Level, text: &str) -> Record {
        Record { app: "api".to_owned(), id, err: false, at: 0, level, text: text.to_owned() }
    }

    #[test]
    fn each_line_is_counted_and_something_is_done_once_in_a_time_for_each_process() {
        let found = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&found);
        let hears: Hears = Arc::new(move |of: Found| {
            heard.lock().unwrap().push((of.id, of.line, of.held_back));
            of.confirm.done();
        });
        let then = [RuleAction::Restart];
        let mut rules = Rules::new(&[rule(Some("^oom"), Some("warn"), &then)], hears);
        let mut counts = BTreeMap::from([("gone".to_owned(), 7)]);
        let all = [
            record(0, Level::Error, "oom 1"),
            record(0, Level::Error, "oom 2"),
            record(1, Level::Warn, "oom 3"),
            record(0, Level::Info, "oom 4"),
            record(0, Level::Error, "no oom"),
        ];
        let now = Instant::now();
        assert_eq!(rules.send(&all, &mut counts, now).taken, 5);
        assert_eq!(counts, BTreeMap::from([("r".to_owned(), 3)]));
        rules.send(&all[..1], &mut counts, now + Duration::from_millis(1000));
        let found = found.lock().unwrap();
        let text = |of: &str| of.to_owned();
        assert_eq!(*found, [(0, text("oom 1"), 0), (1, text("oom 3"), 0), (0, text("oom 1"), 1)]);
        assert_eq!(counts["r"], 4);
    }

    #[test]
    fn a_line_that_nobody_sees_to_is_neither_counted_nor_passed() {
        let hears: Hears = Arc::new(drop);
        let mut rules = Rules::new(&[rule(Some("oom"), None, &[RuleAction::Alert])], hears);
        let mut counts = BTreeMap::new();
        let sent = rules.send(&[record(0, Level::Info, "oom")], &mut counts, Instant::now());
        assert_eq!((sent.taken, counts.len()), (0, 0));
    }
}
