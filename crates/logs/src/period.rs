//! Hours, days, weeks and months of the local time zone, as logs are rotated by them.

use jiff::{RoundMode, Timestamp, ToSpan as _, Unit, Zoned, ZonedRound};

use crate::date::zone;

/// How long a log goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// An hour of the clock.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A month of the calendar.
    Month,
}

impl Period {
    /// Returns when the period began in which this time is, and when the next one begins; all in ms
    /// since 1970. `None` at the end of all calendars.
    #[must_use]
    pub fn around(self, at_ms: u64) -> Option<(u64, u64)> {
        let stamp = Timestamp::from_millisecond(i64::try_from(at_ms).ok()?).ok()?;
        let (start, end) = self.bounds(&stamp.to_zoned(zone().clone()))?;
        let ms = |at: &Zoned| u64::try_from(at.timestamp().as_millisecond()).ok();
        Some((ms(&start)?, ms(&end)?))
    }

    fn bounds(self, at: &Zoned) -> Option<(Zoned, Zoned)> {
        let day = at.start_of_day().ok()?;
        let start = match self {
            Self::Hour => {
                let down = ZonedRound::new().smallest(Unit::Hour).mode(RoundMode::Trunc);
                at.round(down).ok()?
            }
            Self::Day => day,
            Self::Week => {
                let since = i64::from(day.weekday().to_monday_zero_offset());
                day.checked_sub(since.days()).ok()?.start_of_day().ok()?
            }
            Self::Month => day.first_of_month().ok()?.start_of_day().ok()?,
        };
        let end = match self {
            Self::Hour => start.checked_add(1.hour()),
            Self::Day => start.checked_add(1.day()),
            Self::Week => start.checked_add(7.days()),
            Self::Month => start.checked_add(1.month()),
        };
        let end = end.ok()?;
        let end = if self == Self::Hour { end } else { end.start_of_day().ok()? };
        Some((start, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(period: Period, at: &str, start: &str, end: &str) {
        let zoned = |text: &str| -> Zoned { format!("{text}[Europe/Berlin]").parse().unwrap() };
        assert_eq!(period.bounds(&zoned(at)), Some((zoned(start), zoned(end))));
    }

    #[test]
    fn periods_are_those_of_clock_and_calendar() {
        let at = "2026-11-27T10:11:12.5";
        check(Period::Hour, at, "2026-11-27T10:00", "2026-11-27T11:00");
        check(Period::Day, at, "2026-11-27T00:00", "2026-11-28T00:00");
        check(Period::Week, at, "2026-11-23T00:00", "2026-11-30T00:00");
        check(Period::Month, at, "2026-11-01T00:00", "2026-12-01T00:00");
        check(Period::Day, "2026-11-27T00:00", "2026-11-27T00:00", "2026-11-28T00:00");
    }

    #[test]
    fn a_day_is_a_day_also_when_the_clock_is_changed() {
        check(Period::Day, "2026-10-25T12:00", "2026-10-25T00:00", "2026-10-26T00:00");
        check(Period::Week, "2026-03-29T12:00", "2026-03-23T00:00", "2026-03-30T00:00");
        let (start, end) = Period::Day.around(1_795_388_825_573).unwrap();
        assert!(start <= 1_795_388_825_573 && 1_795_388_825_573 < end);
        assert_eq!(Period::Day.around(u64::MAX), None);
    }
}
