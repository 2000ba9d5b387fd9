//! Times as text: PM2 takes the tokens of dayjs.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-11-22T23:07:05.573Z`; `None` for a time that no calendar has.
pub(crate) fn iso(ms: u64) -> Option<String> {
    let at = Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

/// dayjs tokens and what writes them, longest first. `SSS` and `Z` are written apart.
const TOKENS: [(&str, &str); 18] = [
    ("YYYY", "%Y"),
    ("MMMM", "%B"),
    ("dddd", "%A"),
    ("MMM", "%b"),
    ("ddd", "%a"),
    ("SSS", "%3f"),
    ("YY", "%y"),
    ("MM", "%m"),
    ("DD", "%d"),
    ("HH", "%H"),
    ("hh", "%I"),
    ("mm", "%M"),
    ("ss", "%S"),
    ("ZZ", "%z"),
    ("Z", "%:z"),
    ("H", "%-H"),
    ("A", "%p"),
    ("D", "%-d"),
];

/// `ms` in the local time zone, by dayjs tokens.
pub(crate) fn local(ms: u64, format: &str) -> String {
    zoned(ms, format, ostler_logs::zone().clone())
}

fn zoned(ms: u64, format: &str, zone: TimeZone) -> String {
    let at = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    at.to_zoned(zone).strftime(&translate(format)).to_string()
}

fn translate(format: &str) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if let Some((token, code)) = TOKENS.iter().find(|(token, _)| rest.starts_with(token)) {
            out.push_str(code);
            rest = rest.get(token.len()..).unwrap_or_default();
        } else if let Some((text, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            // What stands in brackets is no token.
            out.push_str(&text.replace('%', "%%"));
            rest = after;
        } else {
            if first == '%' {
                out.push('%');
            }
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_dayjs() {
        let check =
            |format: &str, text: &str| assert_eq!(zoned(1_795_388_825_573, format, TimeZone::UTC), text, "{format}");
        check("YYYY-MM-DD-HH:mm:ss", "2026-11-22-23:07:05");
        check("YYYY-MM-DD-HH:mm:ssZZ", "2026-11-22-23:07:05+0000");
        check("DD/MM/YY HH:mm:ss.SSS Z", "22/11/26 23:07:05.573 +00:00");
        check("[at MM] HH", "at MM 23");
        check("100%", "100%");
        assert_eq!(iso(1_795_388_825_573).as_deref(), Some("2026-11-22T23:07:05.573Z"));
        assert_eq!(iso(u64::MAX), None);
    }
}
