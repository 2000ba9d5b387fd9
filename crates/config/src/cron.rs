//! Patterns of cron: which are understood, and when each comes next.
//!
//! The calendar is croner's, in the syntax that PM2's own library has: five fields, or six with
//! the seconds first; names, `L`, `W`, `#`, `@daily`. A time that a change of the clocks leaves out
//! comes right after the gap, one that it brings twice comes once.

use std::str::FromStr as _;

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use ostler_core::spec::AppSpec;

use crate::attributes::kept_value;

/// The fields of a pattern with seconds, and what each may be.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, or `L` for the last one"),
    ("month", "1 to 12, or `JAN` to `DEC`"),
    ("day of the week", "0 to 7 (0 and 7 are Sunday), or `SUN` to `SAT`"),
];
/// Words that stand for a pattern.
const NICKNAMES: [&str; 7] =
    ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// The times at which an app is restarted.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

impl Schedule {
    /// Returns the times of an app, if it has any. `zone` gives the time zone that a `TZ` names, or
    /// that of the machine.
    #[must_use]
    pub fn of(spec: &AppSpec, zone: impl FnOnce(Option<&str>) -> TimeZone) -> Option<Self> {
        let pattern = pattern_of(spec)?;
        // Nothing else was accepted.
        let cron = Cron::from_str(&pattern).ok()?;
        let named = spec.env.get("TZ").filter(|name| !name.is_empty());
        Some(Self { cron, zone: zone(named) })
    }

    /// Returns the first of them after this time; both are ms since 1970.
    #[must_use]
    pub fn next_after(&self, time: u64) -> Option<u64> {
        let time = Timestamp::from_millisecond(i64::try_from(time).ok()?).ok()?;
        let next = next(&self.cron, &time.to_zoned(self.zone.clone()))?;
        u64::try_from(next.timestamp().as_millisecond()).ok()
    }
}

/// Returns the last time of a pattern that is not after this one, and the first one that is. All
/// are ms since 1970.
#[must_use]
pub fn around(pattern: &str, zone: &TimeZone, time: u64) -> Option<(u64, u64)> {
    let cron = Cron::from_str(pattern).ok()?;
    let time = Timestamp::from_millisecond(i64::try_from(time).ok()?).ok()?;
    let time = time.to_zoned(zone.clone());
    let last = cron.find_previous_occurrence(&time, true).ok()?;
    let ms = |at: &Zoned| u64::try_from(at.timestamp().as_millisecond()).ok();
    Some((ms(&last)?, ms(&next(&cron, &time)?)?))
}

/// Returns the pattern by which an app is restarted, as it was written.
#[must_use]
pub fn pattern_of(spec: &AppSpec) -> Option<String> {
    let pattern = kept_value(spec.passthrough.get("cron_restart")?);
    let pattern = pattern.as_str().map(str::trim)?;
    (!is_none(pattern)).then(|| pattern.to_owned())
}

/// Whether a text says that there is no pattern, as in PM2.
pub(crate) fn is_none(text: &str) -> bool {
    matches!(text.trim(), "" | "0" | "false")
}

/// Checks a pattern.
///
/// # Errors
/// What is wrong with which field of it, as a clause.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    let fields: Vec<&str> = pattern.split_whitespace().collect();
    if let [word] = fields.as_slice()
        && word.starts_with('@')
    {
        let known = NICKNAMES.iter().any(|name| name.eq_ignore_ascii_case(word));
        return if known { Ok(()) } else { Err(format!("`{word}` is no word for a time")) };
    }
    let names = match fields.len() {
        5 => FIELDS.get(1..).unwrap_or_default(),
        6 => &FIELDS[..],
        count => {
            let s = if count == 1 { "" } else { "s" };
            return Err(format!(
                "it has {count} field{s}, and must have 5 (minute, hour, day of the month, month, \
                 day of the week), or 6 with the seconds first"
            ));
        }
    };
    let wrong = |(at, field): &(usize, &&str)| {
        let alone: Vec<&str> =
            (0..fields.len()).map(|of| if of == *at { **field } else { "*" }).collect();
        field.contains('@') || Cron::from_str(&alone.join(" ")).is_err()
    };
    if let Some((at, field)) = fields.iter().enumerate().find(wrong) {
        let (name, may_be) = names.get(at).copied().unwrap_or_default();
        return Err(format!("its field `{field}` is no {name}: {may_be}"));
    }
    let cron = Cron::from_str(pattern).map_err(|error| error.to_string())?;
    match next(&cron, &Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC)) {
        Some(_) => Ok(()),
        None => Err("that day never comes".to_owned()),
    }
}

fn next(cron: &Cron, after: &Zoned) -> Option<Zoned> {
    cron.find_next_occurrence(after, false).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Berlin's clocks, without a file.
    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    fn schedule(pattern: &str, zone: &str) -> Schedule {
        let mut spec = AppSpec::new("/a.js".into(), "/".into());
        spec.passthrough.insert("cron_restart", format!("\"{pattern}\""));
        spec.env.insert("TZ".to_owned(), zone.to_owned());
        Schedule::of(&spec, |name| TimeZone::posix(name.unwrap()).unwrap()).unwrap()
    }

    /// The times after the first, as the clocks of the zone show them.
    #[track_caller]
    fn follow(pattern: &str, after: &str, expected: &[&str]) {
        let schedule = schedule(pattern, BERLIN);
        let mut at = after.parse::<Timestamp>().unwrap().as_millisecond() as u64;
        let mut found = Vec::new();
        for _ in expected {
            at = schedule.next_after(at).unwrap();
            let time = Timestamp::from_millisecond(at as i64).unwrap();
            let zoned = time.to_zoned(schedule.zone.clone());
            found.push(zoned.strftime("%Y-%m-%d %H:%M:%S %z").to_string());
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn times_follow_the_clocks_of_the_apps_zone() {
        follow(
            "0 4 * * *",
            "2026-11-27T12:00:00Z",
            &["2026-11-28 04:00:00 +0100", "2026-11-29 04:00:00 +0100"],
        );
        follow(
            "*/20 0 12 * * MON-FRI",
            "2026-11-27T11:00:30Z",
            &["2026-11-27 12:00:40 +0100", "2026-11-30 12:00:00 +0100"],
        );
        follow("0 0 L FEB *", "2027-01-01T00:00:00Z", &["2027-02-28 00:00:00 +0100"]);
        follow("0 9 * * 5#2", "2026-11-01T00:00:00Z", &["2026-11-13 09:00:00 +0100"]);
        follow("@hourly", "2026-11-27T11:30:00Z", &["2026-11-27 13:00:00 +0100"]);
    }

    #[test]
    fn a_time_in_the_gap_comes_after_it_and_one_that_comes_twice_counts_once() {
        follow(
            "30 2 * * *",
            "2026-03-28T12:00:00Z",
            &["2026-03-29 03:00:00 +0200", "2026-03-30 02:30:00 +0200"],
        );
        follow(
            "30 2 * * *",
            "2026-10-24T12:00:00Z",
            &["2026-10-25 02:30:00 +0200", "2026-10-26 02:30:00 +0100"],
        );
    }

    #[test]
    fn a_time_is_between_two_of_a_pattern() {
        let zone = TimeZone::posix(BERLIN).unwrap();
        let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond() as u64;
        for (at, last, next) in [
            ("2026-11-27T10:11:12.5Z", "2026-11-27T05:00:00Z", "2026-11-27T11:00:00Z"),
            ("2026-11-27T11:00:00Z", "2026-11-27T11:00:00Z", "2026-11-27T17:00:00Z"),
            // The clock is put back in this night.
            ("2026-10-25T02:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T05:00:00Z"),
        ] {
            assert_eq!(around("0 */6 * * *", &zone, ms(at)), Some((ms(last), ms(next))), "{at}");
        }
        assert_eq!(around("no pattern", &zone, 0), None);
    }

    #[track_caller]
    fn wrong(pattern: &str, expected: &str) {
        assert_eq!(check(pattern).unwrap_err(), expected);
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        wrong("61 * * * *", "its field `61` is no minute: 0 to 59");
        wrong("0 24 * * *", "its field `24` is no hour: 0 to 23");
        wrong("0 0 4 * * FOO", {
            "its field `FOO` is no day of the week: 0 to 7 (0 and 7 are Sunday), or `SUN` to `SAT`"
        });
        wrong("0 0 0 4 13 *", "its field `13` is no month: 1 to 12, or `JAN` to `DEC`");
        wrong("*/0 * * * *", "its field `*/0` is no minute: 0 to 59");
        wrong("@reboot", "`@reboot` is no word for a time");
        wrong("0 0 30 2 *", "that day never comes");
        wrong(
            "4 * * *",
            "it has 4 fields, and must have 5 (minute, hour, day of the month, month, day of the \
             week), or 6 with the seconds first",
        );
        for good in ["* * * * *", "0 4 * * *", "0 0 * * SUN", "@daily", "1,2-5/2 0 0 1W * *"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn any_text_is_checked_in_time() {
        for text in ["", " ", "@", "@@", "* * * * * * *", "é é é é é", "L L L L L", "9-1 * * * *"]
        {
            _ = check(text);
        }
    }
}
