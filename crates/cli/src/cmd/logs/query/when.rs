//! Times that people write: `10m`, `2h`, `yesterday`, `10:30`, `2026-11-27T10:00`.

use ostler_logs::{DateReader, date};

use crate::failed::Failed;

/// Milliseconds of each unit.
const UNITS: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 7 * 86_400_000),
];

/// How dates may be written; the longer ones first.
const FORMATS: [&str; 9] = [
    "YYYY-MM-DDTHH:mm:ss.SSSZ",
    "YYYY-MM-DDTHH:mm:ssZ",
    "YYYY-MM-DDTHH:mm:ss.SSS",
    "YYYY-MM-DDTHH:mm:ss",
    "YYYY-MM-DD HH:mm:ss.SSS",
    "YYYY-MM-DD HH:mm:ss",
    "YYYY-MM-DDTHH:mm",
    "YYYY-MM-DD HH:mm",
    "YYYY-MM-DD",
];

/// Reads a time that was given to this option, ms since 1970.
///
/// # Errors
/// It is no time.
pub(super) fn parse(option: &str, text: &str) -> Result<u64, Failed> {
    read(text.trim(), ostler_show::now()).ok_or_else(|| {
        Failed::misuse(format!("`--{option} {text}` is not a time"))
            .hint("write it as `10m` (ago), `2h`, `3d`, `10:30`, `yesterday` or `2026-11-27T10:00`")
    })
}

fn read(text: &str, now: u64) -> Option<u64> {
    let today = date(now, "YYYY-MM-DD");
    match text {
        "now" => return Some(now),
        "today" => return whole(&today),
        // Noon of yesterday, whatever the clocks did meanwhile.
        "yesterday" => {
            return whole(&date(whole(&today)?.saturating_sub(43_200_000), "YYYY-MM-DD"));
        }
        _ => {}
    }
    let units = UNITS.iter().find_map(|(name, unit)| {
        let number: u64 = text.strip_suffix(name)?.parse().ok()?;
        Some(now.saturating_sub(number.saturating_mul(*unit)))
    });
    let text =
        text.strip_suffix('Z').map_or_else(|| text.to_owned(), |text| format!("{text}+00:00"));
    units.or_else(|| whole(&text)).or_else(|| whole(&format!("{today} {text}")))
}

/// A date that takes all of the text.
fn whole(text: &str) -> Option<u64> {
    FORMATS.iter().find_map(|format| {
        let (at, length) = DateReader::new(format).read(text)?;
        (length == text.len()).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = 1_795_388_825_573;
        assert_eq!(read("10m", now), Some(now - 600_000));
        assert_eq!(read("3d", now), Some(now - 3 * 86_400_000));
        assert_eq!(read("now", now), Some(now));
        assert_eq!(read("2026-11-22T23:07:05Z", now), Some(1_795_388_825_000));
        assert_eq!(read("2026-11-22T23:07:05.573Z", now), Some(1_795_388_825_573));
        assert_eq!(read("2026-11-22T23:07:05+01:00", now), Some(1_795_385_225_000));
        let day = read("2026-11-20", now).unwrap();
        assert_eq!(read("2026-11-20 00:01", now), Some(day + 60_000));
        let (today, yesterday) = (read("today", now).unwrap(), read("yesterday", now).unwrap());
        assert!(yesterday < today && today <= now && now - yesterday < 50 * 3_600_000);
        assert_eq!(read("00:01", now), Some(today + 60_000));
        for bad in ["", "soon", "10", "m", "1.5h", "2026-13-01", "2026-11-22 x", "-1m"] {
            assert_eq!(read(bad, now), None, "{bad}");
        }
        let failed = parse("since", "soon").unwrap_err();
        assert!(failed.advice().unwrap().contains("10m"));
    }
}
