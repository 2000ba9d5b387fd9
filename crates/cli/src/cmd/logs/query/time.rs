//! The time that is written in a line: before it, by us or by the app, or in an object of JSON.

use ostler_logs::{DateReader, Object};
use serde_json::Value;

/// Dates that apps write themselves, where the manager writes none.
const USUAL: [&str; 4] = [
    "YYYY-MM-DDTHH:mm:ss.SSS",
    "YYYY-MM-DDTHH:mm:ss",
    "YYYY-MM-DD HH:mm:ss.SSS",
    "YYYY-MM-DD HH:mm:ss",
];
/// Keys under which loggers write the time.
const KEYS: [&str; 5] = ["timestamp", "time", "ts", "@timestamp", "t"];
/// Keys of pairs at the front of a line with the time.
const PAIRS: [&str; 3] = ["timestamp=", "time=", "ts="];
/// A number above this is in milliseconds, one below in seconds.
const MILLIS: f64 = 100_000_000_000.0;

/// Reads the times of lines of one app.
#[derive(Clone, Debug)]
pub(super) struct LineTime {
    /// What the manager puts before each line.
    own: Option<DateReader>,
    usual: Vec<DateReader>,
}

/// What a line says of its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Timed {
    /// The time that is written there, ms since 1970.
    pub at: Option<u64>,
    /// How many bytes at the front are the manager's.
    pub prefix: usize,
}

impl LineTime {
    /// Times of lines before which the manager writes a date in this format.
    pub(super) fn new(format: Option<&str>) -> Self {
        let usual = USUAL.iter().map(|format| DateReader::new(format)).collect();
        Self { own: format.map(DateReader::new), usual }
    }

    /// Returns what a line says of its time.
    pub(super) fn read(&self, line: &[u8]) -> Timed {
        // A date stands at the front, if anywhere.
        let front = line.get(..line.len().min(64)).unwrap_or_default();
        let front = match std::str::from_utf8(front) {
            Ok(front) => front,
            Err(error) => std::str::from_utf8(front.get(..error.valid_up_to()).unwrap_or_default())
                .unwrap_or_default(),
        };
        if let Some((at, length)) = self.own.as_ref().and_then(|own| own.read(front))
            && line.get(length..length + 2) == Some(b": ")
        {
            return Timed { at: Some(at), prefix: length + 2 };
        }
        let at = match line.first() {
            Some(b'{') => self.of_object(line),
            Some(b't') => self.of_pairs(front),
            Some(first) if first.is_ascii_digit() || *first == b'[' => self.of_app(front),
            Some(_) | None => None,
        };
        Timed { at, prefix: 0 }
    }

    /// The date in a line of pairs, of the manager (`log_type: "logfmt"`) or of the app.
    fn of_pairs(&self, front: &str) -> Option<u64> {
        let value = PAIRS.iter().find_map(|key| front.strip_prefix(key))?;
        let value = value.strip_prefix('"').unwrap_or(value);
        let own = self.own.as_ref().and_then(|own| own.read(value));
        own.map(|(at, _)| at).or_else(|| self.of_app(value))
    }

    /// The time in an object of JSON, of the manager (`log_type: "json"`) or of the app.
    fn of_object(&self, line: &[u8]) -> Option<u64> {
        let object = Object::read(std::str::from_utf8(line).ok()?)?;
        let own = || self.own.as_ref()?.read(&object.get("timestamp")?.text()?);
        let of_app = |key: &&str| match serde_json::from_str(object.get(key)?.value).ok()? {
            Value::String(text) => self.of_app(&text),
            Value::Number(number) => of_number(number.as_f64()?),
            _ => None,
        };
        own().map(|(at, _)| at).or_else(|| KEYS.iter().find_map(of_app))
    }

    /// The date that an app has written itself; with a zone where there is one.
    fn of_app(&self, front: &str) -> Option<u64> {
        let front = front.strip_prefix('[').unwrap_or(front);
        let (at, length) = self.usual.iter().find_map(|format| format.read(front))?;
        let zone = front.get(length..).unwrap_or_default();
        let zone = if zone.starts_with('Z') { "+00:00" } else { zone.get(..6).unwrap_or_default() };
        let text = format!("{} {zone}", front.get(..19)?.replace('T', " "));
        let zoned = DateReader::new("YYYY-MM-DD HH:mm:ss Z").read(&text);
        Some(zoned.map_or(at, |(zoned, _)| zoned + at % 1000))
    }
}

/// The time that a number says.
fn of_number(number: f64) -> Option<u64> {
    let ms = if number < MILLIS { number * 1000.0 } else { number };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "fractions are cut and `as` saturates"
    )]
    let ms = ms as u64;
    Some(ms).filter(|_| 0.0 < number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_line_is_what_is_written_in_it() {
        let own = LineTime::new(Some("DD.MM.YYYY HH:mm:ss Z"));
        let check = |line: &str, at: Option<u64>, prefix: usize| {
            assert_eq!(own.read(line.as_bytes()), Timed { at, prefix }, "{line}");
        };
        let at = 1_795_388_825_000;
        check("22.11.2026 23:07:05 +00:00: text", Some(at), 28);
        check("2026-11-22T23:07:05Z text", Some(at), 0);
        check("[2026-11-22 23:07:05.573+00:00] text", Some(at + 573), 0);
        check(r#"{"level":30,"time":1795388825573,"msg":"x"}"#, Some(at + 573), 0);
        let of_manager = r#"{"message":"m","timestamp":"22.11.2026 23:07:05 +00:00","time":1}"#;
        check(of_manager, Some(at), 0);
        check(r#"{"n":1e999,"ts":1795388825573}"#, Some(at + 573), 0);
        check(r#"{"ts":1795388825.573}"#, Some(at + 573), 0);
        check(r#"{"timestamp":"2026-11-22T23:07:05.573Z"}"#, Some(at + 573), 0);
        check("timestamp=2026-11-22T23:07:05.573Z app=x id=0", Some(at + 573), 0);
        check("time=\"22.11.2026 23:07:05 +00:00\" app=x", Some(at), 0);
        check("time=2026-11-22T23:07:05.573+00:00 level=INFO msg=slog", Some(at + 573), 0);
        for none in [
            "",
            "text",
            "time=soon",
            "timestamp",
            "    at f (x.js:1)",
            "12 monkeys",
            "{",
            "{}",
            r#"{"time":true}"#,
        ] {
            check(none, None, 0);
        }
        assert_eq!(own.read(b"2026-11-22T23:07:05Z \xff").at, Some(at));
        assert_eq!(own.read(b"\xff\xfe"), Timed::default());
    }
}
