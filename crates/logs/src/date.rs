//! Dates in dayjs tokens, as PM2 users write them: `YYYY-MM-DD HH:mm:ss.SSS Z`.
//!
//! Text in `[…]` is taken as it stands; what is no token is, too.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Zoned;
use jiff::tz::TimeZone;

/// A piece of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Token(&'static str),
}

/// Longest first, so that `MM` is never read as two `M`.
const TOKENS: [&str; 25] = [
    "YYYY", "MMMM", "dddd", "MMM", "ddd", "SSS", "YY", "MM", "DD", "dd", "HH", "hh", "mm", "ss",
    "ZZ", "M", "D", "d", "H", "h", "m", "s", "Z", "A", "a",
];

/// A date format, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DateFormat(Vec<Part>);

impl DateFormat {
    pub(crate) fn new(format: &str) -> Self {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = format;
        while let Some(first) = rest.chars().next() {
            if let Some((literal, after)) =
                rest.strip_prefix('[').and_then(|inside| inside.split_once(']'))
            {
                text.push_str(literal);
                rest = after;
            } else if let Some(token) = TOKENS.into_iter().find(|token| rest.starts_with(token)) {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Token(token));
                rest = rest.get(token.len()..).unwrap_or_default();
            } else {
                text.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Self(parts)
    }

    /// Returns its pieces, in order.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Whether it says anything of a date.
    pub(crate) fn has_tokens(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Token(_)))
    }

    pub(crate) fn render(&self, at: &Zoned) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Token(token) => push(&mut out, token, at),
            }
        }
        out
    }
}

/// A time, ms since 1970, in the local time zone and in dayjs tokens. A time that no calendar has
/// is the number itself.
#[must_use]
pub fn date(at_ms: u64, format: &str) -> String {
    zoned(at_ms).map_or_else(|| at_ms.to_string(), |at| DateFormat::new(format).render(&at))
}

/// A time, ms since 1970, as `2026-11-22T23:07:05.573Z`; `None` for one that no calendar has.
#[must_use]
pub fn iso(at_ms: u64) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(i64::try_from(at_ms).ok()?).ok()?;
    Some(iso_of(&at.to_zoned(TimeZone::UTC)))
}

/// The local time zone. Read once.
#[must_use]
pub fn zone() -> &'static TimeZone {
    static ZONE: LazyLock<TimeZone> =
        LazyLock::new(|| zone_of(std::env::var(ostler_env::TZ).ok().as_deref()));
    &ZONE
}

/// The time zone that a `TZ` names, as the C library understands it: without a name
/// `/etc/localtime`, and UTC where there is none. Only that one file is read: the library's own way
/// walks through the whole time zone database, which costs a fresh process twenty milliseconds.
#[must_use]
pub fn zone_of(named: Option<&str>) -> TimeZone {
    let Some(name) = named.filter(|name| !name.is_empty()) else {
        return from_file("/etc/localtime").unwrap_or(TimeZone::UTC);
    };
    let name = name.strip_prefix(':').unwrap_or(name);
    let file =
        if name.starts_with('/') { name.to_owned() } else { format!("/usr/share/zoneinfo/{name}") };
    from_file(&file).or_else(|| TimeZone::posix(name).ok()).unwrap_or(TimeZone::UTC)
}

fn from_file(path: &str) -> Option<TimeZone> {
    TimeZone::tzif("local", &std::fs::read(path).ok()?).ok()
}

/// A time, ms since 1970, in the local time zone; `None` for one that no calendar has.
pub(crate) fn zoned(at_ms: u64) -> Option<Zoned> {
    let at = jiff::Timestamp::from_millisecond(i64::try_from(at_ms).ok()?).ok()?;
    Some(at.to_zoned(zone().clone()))
}

/// Now, in the local time zone.
pub(crate) fn now() -> Zoned {
    jiff::Timestamp::now().to_zoned(zone().clone())
}

/// Now, ms since 1970.
#[must_use]
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// What `toISOString()` gives: UTC with milliseconds.
pub(crate) fn iso_of(at: &Zoned) -> String {
    let utc = at.with_time_zone(TimeZone::UTC);
    DateFormat::new("YYYY-MM-DD[T]HH:mm:ss.SSS[Z]").render(&utc)
}

fn push(out: &mut String, token: &str, at: &Zoned) {
    let (year, month, day) = (at.year(), at.month(), at.day());
    let hour12 = if at.hour() % 12 == 0 { 12 } else { at.hour() % 12 };
    // Writing into a string cannot fail.
    let _ = match token {
        "YYYY" => write!(out, "{year:04}"),
        "YY" => write!(out, "{:02}", year.rem_euclid(100)),
        "MMMM" => write!(out, "{}", at.strftime("%B")),
        "MMM" => write!(out, "{}", at.strftime("%b")),
        "MM" => write!(out, "{month:02}"),
        "M" => write!(out, "{month}"),
        "DD" => write!(out, "{day:02}"),
        "D" => write!(out, "{day}"),
        "dddd" => write!(out, "{}", at.strftime("%A")),
        "ddd" => write!(out, "{}", at.strftime("%a")),
        "dd" => write!(out, "{:.2}", at.strftime("%a").to_string()),
        "d" => write!(out, "{}", at.weekday().to_sunday_zero_offset()),
        "HH" => write!(out, "{:02}", at.hour()),
        "H" => write!(out, "{}", at.hour()),
        "hh" => write!(out, "{hour12:02}"),
        "h" => write!(out, "{hour12}"),
        "mm" => write!(out, "{:02}", at.minute()),
        "m" => write!(out, "{}", at.minute()),
        "ss" => write!(out, "{:02}", at.second()),
        "s" => write!(out, "{}", at.second()),
        "SSS" => write!(out, "{:03}", at.millisecond()),
        "Z" => write!(out, "{}", at.strftime("%:z")),
        "ZZ" => write!(out, "{}", at.strftime("%z")),
        "A" => write!(out, "{}", if at.hour() < 12 { "AM" } else { "PM" }),
        "a" => write!(out, "{}", if at.hour() < 12 { "am" } else { "pm" }),
        other => write!(out, "{other}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: &str, expected: &str) {
        let at: Zoned = "2026-03-01T00:07:09.045+05:30[Asia/Kolkata]".parse().unwrap();
        assert_eq!(DateFormat::new(format).render(&at), expected, "for {format:?}");
    }

    #[test]
    fn tokens_are_those_of_dayjs() {
        check("YYYY-MM-DDTHH:mm:ss", "2026-03-01T00:07:09");
        check("YYYY-MM-DD HH:mm:ss.SSS Z", "2026-03-01 00:07:09.045 +05:30");
        check("YY M D d H h m s ZZ", "26 3 1 0 0 12 7 9 +0530");
        check("MMMM MMM dddd ddd dd hh:mm A a", "March Mar Sunday Sun Su 12:07 AM am");
        check("[at] HH[h] é", "at 00h é");
        check("[open", "[open");
        check("DD/MM/YY HH:mm:ss.SSS Z", "01/03/26 00:07:09.045 +05:30");
        check("YYYY-MM-DD-HH:mm:ssZZ", "2026-03-01-00:07:09+0530");
        // What is no token stays, and a percent sign is none.
        check("[at MM] HH 100% _", "at MM 00 100% _");
    }

    #[test]
    fn every_token_is_known() {
        let at: Zoned = "2026-11-09T15:04:05.006-08:00[America/Los_Angeles]".parse().unwrap();
        let expected = [
            ("YYYY", "2026"),
            ("MMMM", "November"),
            ("dddd", "Monday"),
            ("MMM", "Nov"),
            ("ddd", "Mon"),
            ("SSS", "006"),
            ("YY", "26"),
            ("MM", "11"),
            ("DD", "09"),
            ("dd", "Mo"),
            ("HH", "15"),
            ("hh", "03"),
            ("mm", "04"),
            ("ss", "05"),
            ("ZZ", "-0800"),
            ("M", "11"),
            ("D", "9"),
            ("d", "1"),
            ("H", "15"),
            ("h", "3"),
            ("m", "4"),
            ("s", "5"),
            ("Z", "-08:00"),
            ("A", "PM"),
            ("a", "pm"),
        ];
        assert_eq!(expected.map(|(token, _)| token), TOKENS);
        for (token, text) in expected {
            assert_eq!(DateFormat::new(token).render(&at), text, "{token}");
        }
    }

    #[test]
    fn a_moment_is_shown_in_the_local_time_zone() {
        let now = Zoned::now();
        let at_ms = u64::try_from(now.timestamp().as_millisecond()).unwrap();
        assert_eq!(
            date(at_ms, "YYYY-MM-DD HH:mm:ss.SSS Z"),
            DateFormat::new("YYYY-MM-DD HH:mm:ss.SSS Z").render(&now)
        );
        assert_eq!(date(u64::MAX, "YYYY"), u64::MAX.to_string());
    }

    #[test]
    fn iso_is_utc_with_milliseconds() {
        let at: Zoned = "2026-03-01T00:07:09.045+05:30[Asia/Kolkata]".parse().unwrap();
        assert_eq!(iso_of(&at), "2026-02-28T18:37:09.045Z");
        assert_eq!(iso(1_795_388_825_573).as_deref(), Some("2026-11-22T23:07:05.573Z"));
        assert_eq!(iso(u64::MAX), None);
    }
}
