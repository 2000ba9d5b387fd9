//! Reading what a date format has written: the names of rotated files, and dates before lines.
//!
//! Rule: a text is read only if the format could have written it. What time that was is known when
//! year, month and day are in it; without a zone it is a time of the local one.

use jiff::civil;
use jiff::tz::{Offset, TimeZone};

use crate::date::{DateFormat, Part, zone};

/// Names of months and days, of which the shorter forms are the beginnings.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The parts of a date that a text has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    hour: i8,
    hour12: Option<i8>,
    afternoon: Option<bool>,
    minute: i8,
    second: i8,
    milli: i16,
    /// Seconds east of Greenwich.
    offset: Option<i32>,
}

impl Moment {
    /// Returns the time, ms since 1970; `None` when the text does not say the day, or says one that
    /// no calendar has.
    fn ms(self) -> Option<u64> {
        self.ms_in(zone())
    }

    fn ms_in(self, zone: &TimeZone) -> Option<u64> {
        let date = civil::Date::new(self.year?, self.month?, self.day?).ok()?;
        let hour = match (self.hour12, self.afternoon) {
            (Some(hour), Some(afternoon)) => hour % 12 + if afternoon { 12 } else { 0 },
            (Some(hour), None) => hour,
            (None, _) => self.hour,
        };
        let nanos = i32::from(self.milli) * 1_000_000;
        let time = civil::Time::new(hour, self.minute, self.second, nanos).ok()?;
        let at = date.to_datetime(time);
        let stamp = match self.offset {
            Some(seconds) => Offset::from_seconds(seconds).ok()?.to_timestamp(at).ok()?,
            None => zone.to_ambiguous_timestamp(at).compatible().ok()?,
        };
        u64::try_from(stamp.as_millisecond()).ok()
    }
}

/// Reads the dates that a format has written before lines.
#[derive(Clone, Debug)]
pub struct DateReader(DateFormat);

impl DateReader {
    /// Reads dates in these dayjs tokens.
    #[must_use]
    pub fn new(format: &str) -> Self {
        Self(DateFormat::new(format))
    }

    /// Returns the time at the front of a text, ms since 1970, and how many bytes it takes; `None`
    /// where there is none, or one that does not say the day.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<(u64, usize)> {
        let (moment, length) = self.0.read(text)?;
        Some((moment.ms()?, length))
    }
}

impl DateFormat {
    /// Reads a date at the front of a text. Returns it, and how many bytes it took.
    pub(crate) fn read(&self, text: &str) -> Option<(Moment, usize)> {
        let mut moment = Moment::default();
        let mut rest = text;
        for part in self.parts() {
            rest = match part {
                Part::Text(literal) => rest.strip_prefix(literal.as_str())?,
                Part::Token(token) => moment.take(token, rest)?,
            };
        }
        Some((moment, text.len() - rest.len()))
    }
}

impl Moment {
    /// Takes a token's text from the front; returns what comes behind it.
    fn take<'t>(&mut self, token: &str, text: &'t str) -> Option<&'t str> {
        match token {
            "YYYY" => number(text, 4, 4).map(|(year, rest)| {
                self.year = Some(year);
                rest
            }),
            "YY" => number(text, 2, 2).map(|(year, rest)| {
                self.year = Some(2000 + year);
                rest
            }),
            "MM" | "M" => small(text, token.len()).map(|(month, rest)| {
                self.month = Some(month);
                rest
            }),
            "DD" | "D" => small(text, token.len()).map(|(day, rest)| {
                self.day = Some(day);
                rest
            }),
            "MMMM" | "MMM" => {
                let letters = if token == "MMM" { Some(3) } else { None };
                let (index, rest) = word(text, &MONTHS, letters)?;
                self.month = Some(i8::try_from(index).ok()? + 1);
                Some(rest)
            }
            "dddd" => word(text, &DAYS, None).map(|(_, rest)| rest),
            "ddd" => word(text, &DAYS, Some(3)).map(|(_, rest)| rest),
            "dd" => word(text, &DAYS, Some(2)).map(|(_, rest)| rest),
            "d" => number(text, 1, 1).map(|(_, rest)| rest),
            "HH" | "H" => set(&mut self.hour, small(text, token.len())),
            "hh" | "h" => small(text, token.len()).map(|(hour, rest)| {
                self.hour12 = Some(hour);
                rest
            }),
            "mm" | "m" => set(&mut self.minute, small(text, token.len())),
            "ss" | "s" => set(&mut self.second, small(text, token.len())),
            "SSS" => number(text, 3, 3).map(|(milli, rest)| {
                self.milli = milli;
                rest
            }),
            "Z" | "ZZ" => self.take_offset(text, token == "Z"),
            "A" | "a" => self.take_half(text),
            _ => None,
        }
    }

    /// Takes the half of the day.
    fn take_half<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let (half, rest) = text.split_at_checked(2)?;
        self.afternoon = Some(match half {
            "AM" | "am" => false,
            "PM" | "pm" => true,
            _ => return None,
        });
        Some(rest)
    }

    /// Takes `+05:30`, or `+0530` without a colon.
    fn take_offset<'t>(&mut self, text: &'t str, colon: bool) -> Option<&'t str> {
        let sign = match text.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let (hours, rest) = number(text.get(1..)?, 2, 2)?;
        let rest = if colon { rest.strip_prefix(':')? } else { rest };
        let (minutes, rest) = number(rest, 2, 2)?;
        self.offset = Some(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60));
        Some(rest)
    }
}

/// Digits at the front, so many, or as many as there are of at most so many.
fn number(text: &str, least: usize, most: usize) -> Option<(i16, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(count).filter(|_| least <= count)?;
    Some((digits.parse().ok()?, rest))
}

/// A number of two digits, or of one or two where the token is one letter.
fn small(text: &str, token: usize) -> Option<(i8, &str)> {
    let (number, rest) = number(text, token, 2)?;
    Some((i8::try_from(number).ok()?, rest))
}

fn set<'t>(place: &mut i8, found: Option<(i8, &'t str)>) -> Option<&'t str> {
    let (number, rest) = found?;
    *place = number;
    Some(rest)
}

/// One of these words, or the first letters of one.
fn word<'t>(text: &'t str, words: &[&str], letters: Option<usize>) -> Option<(usize, &'t str)> {
    words.iter().enumerate().find_map(|(index, word)| {
        let wanted = word.get(..letters.unwrap_or(word.len()))?;
        Some((index, text.strip_prefix(wanted)?))
    })
}

#[cfg(test)]
mod tests {
    use jiff::Zoned;

    use super::*;

    fn at(text: &str) -> Zoned {
        text.parse().unwrap()
    }

    #[test]
    fn what_a_format_writes_it_reads_again() {
        let formats = [
            "YYYY-MM-DDTHH:mm:ss",
            "YYYY-MM-DD HH:mm:ss.SSS Z",
            "DD/MM/YY hh:mm:ss A ZZ",
            "[day] D MMMM YYYY, h:m:s a",
            "dddd ddd dd d, MMM D YYYY H:m:s",
            "YYYY-MM-DD_HH-mm-ss",
        ];
        for time in ["2026-03-01T00:07:09+05:30[Asia/Kolkata]", "2026-11-21T23:59:01Z[UTC]"] {
            let time = at(time);
            for format in formats {
                let format = DateFormat::new(format);
                let text = format!("{}: rest", format.render(&time));
                let (moment, length) = format.read(&text).unwrap_or_else(|| panic!("{text}"));
                assert_eq!(&text[length..], ": rest");
                let ms = moment.ms_in(time.time_zone()).unwrap();
                let second = time.timestamp().as_second();
                assert_eq!(ms / 1000, u64::try_from(second).unwrap(), "{text}");
            }
        }
    }

    #[test]
    fn what_a_format_did_not_write_is_not_read() {
        let check = |format: &str, text: &str| {
            assert_eq!(DateFormat::new(format).read(text), None, "{text}");
        };
        check("YYYY-MM-DD", "2026-3-01");
        check("YYYY-MM-DD", "x-out");
        check("YYYY-MM-DD", "");
        check("HH:mm", "1:05");
        check("MMM", "Foo");
        check("Z", "+05:3");
        check("A", "é");
        let only_time = DateFormat::new("HH:mm:ss").read("12:00:01 x").unwrap();
        assert_eq!((only_time.0.ms(), only_time.1), (None, 8), "of which day nobody knows");
        let no_day = DateFormat::new("YYYY-MM-DD").read("2026-02-31").unwrap();
        assert_eq!(no_day.0.ms(), None);
    }
}
