//! What is said of many lines at once: how many there are, when they were written, which errors.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ostler_logs::{date, iso};
use serde_json::json;

use super::traces::{Trace, Traces};

/// The most rows of a histogram.
const ROWS: u64 = 60;
/// The widest bar of a histogram, columns.
const BAR: usize = 40;
/// How long the time of a row may be, ms.
const SPANS: [u64; 14] = [
    1_000,
    5_000,
    10_000,
    30_000,
    60_000,
    300_000,
    600_000,
    1_800_000,
    3_600_000,
    3 * 3_600_000,
    6 * 3_600_000,
    86_400_000,
    7 * 86_400_000,
    28 * 86_400_000,
];

/// What is to be said of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cmd::logs) enum Kind {
    /// How many there are of each app.
    Count,
    /// How many there are at which time.
    Histogram,
    /// Which errors there are, and how often.
    Errors,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Summary {
    counts: BTreeMap<String, u64>,
    seconds: BTreeMap<u64, u64>,
    untimed: u64,
    open: BTreeMap<u32, (String, Traces)>,
    errors: BTreeMap<(String, String), Group>,
}

/// Errors that are alike.
#[derive(Debug)]
struct Group {
    count: u64,
    first: Option<u64>,
    last: Option<u64>,
    text: String,
}

impl Summary {
    /// Takes a line of an app.
    pub(super) fn push(
        &mut self,
        kind: Kind,
        (log, app): (u32, &str),
        text: &str,
        at: Option<u64>,
    ) {
        match kind {
            Kind::Count => *self.counts.entry(app.to_owned()).or_default() += 1,
            Kind::Histogram => match at {
                Some(at) => *self.seconds.entry(at / 1000).or_default() += 1,
                None => self.untimed += 1,
            },
            Kind::Errors => {
                let (app, traces) =
                    self.open.entry(log).or_insert_with(|| (app.to_owned(), Traces::default()));
                if let Some(trace) = traces.push(text, at) {
                    count(&mut self.errors, app, trace);
                }
            }
        }
    }

    /// Returns what is to be said, as text or as objects.
    pub(super) fn finish(mut self, kind: Kind, as_json: bool) -> String {
        for (app, mut traces) in std::mem::take(&mut self.open).into_values() {
            if let Some(trace) = traces.finish() {
                count(&mut self.errors, &app, trace);
            }
        }
        match kind {
            Kind::Count => self.counted(as_json),
            Kind::Histogram => self.histogram(as_json),
            Kind::Errors => self.errors(as_json),
        }
    }

    fn counted(&self, as_json: bool) -> String {
        let row = |(app, count): (&String, &u64)| match as_json {
            true => format!("{}\n", json!({ "app_name": app, "count": count })),
            false => format!("{}\t{count}\n", ostler_text::shown(app)),
        };
        self.counts.iter().map(row).collect()
    }

    fn histogram(&self, as_json: bool) -> String {
        let ends = self.seconds.keys().next().zip(self.seconds.keys().next_back());
        let (first, last) = ends.map_or((0, 0), |(first, last)| (first * 1000, last * 1000));
        let is_enough = |span: &&u64| (last - first) / **span < ROWS;
        let span = SPANS.iter().find(is_enough).copied().unwrap_or((last - first) / ROWS + 1);
        let mut rows: BTreeMap<u64, u64> = BTreeMap::new();
        for (second, count) in &self.seconds {
            *rows.entry(second * 1000 / span).or_default() += count;
        }
        let most = rows.values().copied().max().unwrap_or(1);
        let mut text = String::new();
        if let (Some(first), Some(last)) = (rows.keys().next(), rows.keys().next_back()) {
            for row in *first..=*last {
                let (at, count) = (row * span, rows.get(&row).copied().unwrap_or(0));
                let line = if as_json {
                    json!({ "from": iso(at), "to": iso(at + span), "count": count }).to_string()
                } else {
                    let bar = usize::try_from(count * BAR as u64 / most).unwrap_or(BAR);
                    let bar = if 0 < count { "#".repeat(bar.max(1)) } else { String::new() };
                    let line = format!("{}  {bar} {count}", date(at, "YYYY-MM-DD HH:mm:ss"));
                    if count == 0 {
                        line.trim_end_matches(" 0").trim_end().to_owned()
                    } else {
                        line
                    }
                };
                text.push_str(&line);
                text.push('\n');
            }
        }
        if 0 < self.untimed {
            let line = match as_json {
                true => json!({ "from": null, "to": null, "count": self.untimed }).to_string(),
                false => format!("without a time       {}", self.untimed),
            };
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// The errors, the most frequent first.
    fn errors(self, as_json: bool) -> String {
        let mut groups: Vec<((String, String), Group)> = self.errors.into_iter().collect();
        groups.sort_by_key(|(_, group)| (std::cmp::Reverse(group.count), group.first));
        let mut text = String::new();
        for ((app, _), group) in groups {
            if as_json {
                let at = |at: Option<u64>| at.and_then(iso);
                let object = json!({
                    "count": group.count,
                    "app_name": app,
                    "first": at(group.first),
                    "last": at(group.last),
                    "message": group.text,
                });
                text.push_str(&format!("{object}\n"));
                continue;
            }
            let at = |at: u64| date(at, "YYYY-MM-DD HH:mm:ss");
            let when = match (group.first.map(at), group.last.map(at)) {
                (Some(first), Some(last)) if first != last => format!(", {first} to {last}"),
                (Some(first), _) => format!(", {first}"),
                (None, _) => String::new(),
            };
            // Writing to a string cannot fail.
            _ = writeln!(text, "{} × {}{when}", group.count, ostler_text::shown(&app));
            for line in group.text.lines() {
                _ = writeln!(text, "  {line}");
            }
            text.push('\n');
        }
        text
    }
}

fn count(errors: &mut BTreeMap<(String, String), Group>, app: &str, trace: Trace) {
    let Trace { at, text, key } = trace;
    let group = errors.entry((app.to_owned(), key)).or_insert_with(|| Group {
        count: 0,
        first: None,
        last: None,
        text,
    });
    group.count += 1;
    group.first = group.first.into_iter().chain(at).min();
    group.last = group.last.max(at);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_each_app_are_counted_with_the_first_and_the_last() {
        let mut summary = Summary::default();
        let mut push = |app: &str, text: &str, at| {
            let log = u32::from(app == "b");
            summary.push(Kind::Errors, (log, app), text, Some(at));
        };
        for at in [5000, 1000, 9000] {
            push("a", "Error: 1 of 'x'", at);
            push("a", "    at f (x:1:1)", at);
            push("b", "Error: other", at);
            push("a", "fine", at);
        }
        push("b", "Error: third", 2000);
        let text = summary.finish(Kind::Errors, true);
        let counts: Vec<(u64, String)> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|of| (of["count"].as_u64().unwrap(), of["message"].as_str().unwrap().to_owned()))
            .collect();
        let expected =
            [(3, "Error: 1 of 'x'\n    at f (x:1:1)"), (3, "Error: other"), (1, "Error: third")];
        assert_eq!(counts, expected.map(|(count, text)| (count, text.to_owned())));
        assert!(
            text.contains("1970-01-01T00:00:01") && text.contains("1970-01-01T00:00:09"),
            "{text}"
        );
    }

    #[test]
    fn a_histogram_has_each_moment_also_those_without_lines_and_no_more_rows_than_fit() {
        for length in [1, 100, 10_000, 1_000_000, 100_000_000_000_u64] {
            let mut summary = Summary::default();
            for at in [0, 0, length] {
                summary.push(Kind::Histogram, (0, "a"), "x", Some(1_795_388_825_000 + at));
            }
            summary.push(Kind::Histogram, (0, "a"), "x", None);
            let text = summary.finish(Kind::Histogram, false);
            let rows = text.lines().count() as u64;
            assert!((2..=ROWS + 3).contains(&rows), "{length}: {rows} rows");
            let sum: u64 =
                text.lines().filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
            assert_eq!(sum, 4, "{text}");
        }
    }
}
