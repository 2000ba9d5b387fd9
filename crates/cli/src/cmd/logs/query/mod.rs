//! Lines of the past that are looked for: by time and pattern, over current and rotated files.
//!
//! A line's time is what is written in it; lines without one were written when the one before was.
//! Of a file without any times it is known to ten seconds when its lines were written, if the
//! daemon has written them down (`ostler_logs::times`). Otherwise only the times of the file are
//! known: its lines were written after the file before it was ended, and before it was written to
//! last. They are shown when that may be the time that is asked for, and that is said.

mod ahead;
mod begin;
mod cursor;
mod lines;
mod merge;
mod source;
mod summary;
mod time;
mod traces;
mod when;

use ostler_logs::Level;
use regex::bytes::{Regex, RegexBuilder};
use summary::Kind;

use crate::args::suggest::nearest;
use crate::args::{FlagId, Typed};
use crate::failed::Failed;
use crate::session::Session;
pub(in crate::cmd) use cursor::Cursor;
pub(super) use merge::show;
pub(super) use source::Source;

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    /// From when on, ms since 1970.
    since: Option<u64>,
    /// Until when, ms since 1970.
    until: Option<u64>,
    grep: Option<Regex>,
    exclude: Option<Regex>,
    /// The last of them, at most.
    lines: Option<usize>,
    /// So many of each log, one log after the other.
    of_each: bool,
    reverse: bool,
    /// As grave at least.
    level: Option<Level>,
    /// What is said of the lines, instead of showing them.
    summary: Option<Kind>,
    /// Behind which place of each log.
    cursor: Option<Cursor>,
    /// Places of lines are of interest.
    wants_places: bool,
    /// What is not ended at the end of a file that is written to is left for later.
    only_whole: bool,
}

impl Query {
    /// Returns what the options look for; `None`: nothing in particular.
    ///
    /// # Errors
    /// One of them is not understood, or they contradict each other.
    pub(super) fn of(session: &Session, lines: Option<usize>) -> Result<Option<Self>, Failed> {
        let given = |flag| session.args.value(flag);
        let wanted = [
            FlagId::LogsSince,
            FlagId::Until,
            FlagId::Grep,
            FlagId::Exclude,
            FlagId::Level,
            FlagId::Cursor,
        ];
        let summary = summary(session)?;
        let reverse = session.has(FlagId::Reverse);
        if !reverse && summary.is_none() && wanted.iter().all(|flag| given(*flag).is_none()) {
            return Ok(None);
        }
        let time = |flag, option: &str| -> Result<Option<u64>, Failed> {
            given(flag).map(|text| when::parse(option, text)).transpose()
        };
        let pattern = |flag, option: &str| -> Result<Option<Regex>, Failed> {
            given(flag).map(|text| regex(option, text)).transpose()
        };
        let query = Self {
            since: time(FlagId::LogsSince, "since")?,
            until: time(FlagId::Until, "until")?,
            grep: pattern(FlagId::Grep, "grep")?,
            exclude: pattern(FlagId::Exclude, "exclude")?,
            lines,
            reverse,
            level: given(FlagId::Level).map(|word| level(word, &session.args.typed)).transpose()?,
            summary,
            cursor: given(FlagId::Cursor).map(Cursor::parse).transpose()?,
            ..Self::default()
        };
        match (query.since, query.until) {
            (Some(since), Some(until)) if until < since => {
                let failed = Failed::misuse("`--until` is before `--since`");
                let both = given(FlagId::LogsSince).zip(given(FlagId::Until));
                match both.and_then(|(one, other)| session.args.typed.swapped(one, other)) {
                    Some(line) => Err(failed.asks(&line)),
                    None => Err(failed),
                }
            }
            _ => Ok(Some(query)),
        }
    }

    /// The last lines of each log, one log after the other.
    pub(super) fn of_each_file(lines: usize) -> Self {
        Self { lines: Some(lines), of_each: true, ..Self::default() }
    }

    /// Whether lines that come are of interest, too.
    pub(super) fn goes_on(&self) -> bool {
        self.until.is_none() && !self.reverse && self.summary.is_none()
    }

    /// Whether a line has what is looked for, whatever its time.
    pub(super) fn matches(&self, line: &[u8]) -> bool {
        self.grep.as_ref().is_none_or(|grep| grep.is_match(line))
            && !self.exclude.as_ref().is_some_and(|exclude| exclude.is_match(line))
    }

    /// Whether a line of this level is looked for, whatever else.
    pub(super) fn wants(&self, level: impl FnOnce() -> Level) -> bool {
        self.level.is_none_or(|least| least <= level())
    }

    /// The same from here on: every whole line behind these places, of logs that it does not name
    /// those that come.
    pub(super) fn behind(&self, cursor: Cursor) -> Self {
        let (lines, since) = (None, None);
        let (only_whole, cursor) = (true, Some(cursor));
        Self { lines, since, cursor, only_whole, wants_places: true, ..self.clone() }
    }

    /// The same, with places of lines. `only_whole`: what is not ended is left for later.
    pub(super) fn with_places(self, only_whole: bool) -> Self {
        Self { wants_places: !self.reverse, only_whole, ..self }
    }

    /// Whether it is known how far each log was shown.
    pub(super) fn tells_places(&self) -> bool {
        self.wants_places
    }

    /// Whether times decide which lines are shown.
    fn is_timed(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }
}

/// What is said of lines instead of showing them.
fn summary(session: &Session) -> Result<Option<Kind>, Failed> {
    let kinds = [
        (FlagId::Count, "--count", Kind::Count),
        (FlagId::Histogram, "--histogram", Kind::Histogram),
        (FlagId::Errors, "--errors", Kind::Errors),
    ];
    let mut given = kinds.iter().filter(|(flag, ..)| session.has(*flag));
    match (given.next(), given.next()) {
        (Some((_, first, _)), Some((_, second, _))) => {
            Err(Failed::misuse(format!("`{first}` and `{second}` cannot be shown at once")))
        }
        (one, _) => Ok(one.map(|(.., kind)| *kind)),
    }
}

fn level(word: &str, typed: &Typed) -> Result<Level, Failed> {
    Level::named(word).ok_or_else(|| {
        let all = Level::ALL.map(Level::as_str);
        let line =
            typed.with_value("level", word, nearest(word, all.into_iter()).unwrap_or("warn"));
        Failed::misuse(format!("`--level {word}` is no level"))
            .hint(format!("`{line}`; they are {}", all.join(", ")))
    })
}

fn regex(option: &str, text: &str) -> Result<Regex, Failed> {
    RegexBuilder::new(text).multi_line(true).build().map_err(|error| {
        let said = error.to_string();
        // The first lines show the place by lines of their own.
        let why = said.lines().next_back().unwrap_or_default().trim_start_matches("error: ");
        Failed::misuse(format!("`--{option} {text}` is not a regular expression: {why}"))
            .hint("a `\\` before a sign takes it as it is, as in `--grep 'f\\(x\\)'`")
    })
}
