//! How grave a line is, as it says itself.
//!
//! Loggers write it as a key of an object (pino and bunyan a number, winston, zap, slog and
//! structlog a word), as a pair (`level=warn`), or as a word near the front (log4j, `[error]`).
//! What says nothing has no level; that is not the same as being harmless.

use serde_json::Value;

use crate::object::{Field, Object};

/// So much of a line is looked at for a word, bytes.
const FRONT: usize = 96;
/// In so much of a line colours are taken away first, bytes.
const COLOURED: usize = 4096;
/// Keys of objects that have the level inside.
const LOGSTASH: [&str; 2] = ["@fields", "log"];
/// Among so many words at the front one may be a level.
const WORDS: usize = 4;
/// Keys of pairs that tell a level; without the last character, those of objects.
const PAIRS: [&str; 5] = ["level=", "severity=", "lvl=", "levelname=", "log.level="];

/// How grave a line is; the later the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Every step of the program.
    Trace,
    /// For who looks for a fault.
    Debug,
    /// What happens as it should.
    Info,
    /// Something may become a fault.
    Warn,
    /// Something went wrong.
    Error,
    /// The program cannot go on.
    Fatal,
}

impl Level {
    /// Every level, the most harmless first.
    pub const ALL: [Self; 6] =
        [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// Returns the level that a logger calls so, in any case.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase();
        Some(match word.as_str() {
            "trace" | "silly" | "finest" | "finer" => Self::Trace,
            "debug" | "verbose" | "fine" | "dbg" => Self::Debug,
            "info" | "notice" | "http" | "information" | "inf" => Self::Info,
            "warn" | "warning" | "wrn" => Self::Warn,
            "error" | "err" | "severe" => Self::Error,
            "fatal" | "critical" | "crit" | "panic" | "dpanic" | "emerg" | "alert" => Self::Fatal,
            _ => return None,
        })
    }

    /// Returns our word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// Returns what a line says of its level.
    #[must_use]
    pub fn of(line: &[u8]) -> Option<Self> {
        let front = line.get(..line.len().min(COLOURED)).unwrap_or_default();
        if memchr::memchr(0x1b, front).is_none() {
            return Self::of_plain(line);
        }
        let front = String::from_utf8_lossy(front);
        Self::of_plain(ostler_text::without_colours(&front).as_bytes())
    }

    fn of_plain(line: &[u8]) -> Option<Self> {
        if line.first() == Some(&b'{')
            && let Some(object) = std::str::from_utf8(line).ok().and_then(Object::read)
        {
            let mut keys = PAIRS.iter().map(|pair| pair.trim_end_matches('='));
            let found = keys.find_map(|key| of_value(object.get(key)?.value));
            let mut nested = LOGSTASH.iter().filter_map(|key| object.get(key));
            let inside =
                |field: &Field<'_>| of_value(Object::read(field.value)?.get("level")?.value);
            // An object of the manager has the line of the app inside (`log_type: "json"`).
            let of_app = || {
                object.get("app_name")?;
                Self::of(object.get("message")?.text()?.trim_end().as_bytes())
            };
            return found.or_else(|| nested.find_map(inside)).or_else(of_app);
        }
        let front = line.get(..line.len().min(FRONT)).unwrap_or_default();
        let front = String::from_utf8_lossy(front);
        of_pair(&String::from_utf8_lossy(line)).or_else(|| of_words(&front))
    }
}

fn of_value(value: &str) -> Option<Level> {
    match serde_json::from_str(value).ok()? {
        Value::String(word) => Level::named(&word),
        // As pino and bunyan count.
        Value::Number(number) => Some(match number.as_u64()? {
            0..10 | 70.. => return None,
            10..20 => Level::Trace,
            20..30 => Level::Debug,
            30..40 => Level::Info,
            40..50 => Level::Warn,
            50..60 => Level::Error,
            60..70 => Level::Fatal,
        }),
        _ => None,
    }
}

/// The level of a line of pairs, `level=warn`.
fn of_pair(line: &str) -> Option<Level> {
    PAIRS.iter().find_map(|pair| {
        let (before, rest) = line.split_once(pair)?;
        if !before.is_empty() && !before.ends_with(' ') {
            return None;
        }
        let word = rest.trim_start_matches(['"', '\'']);
        Level::named(word.split(|c: char| !c.is_ascii_alphabetic()).next()?)
    })
}

/// A word in capitals, in brackets, or the first one with a colon behind it; or an error's name.
fn of_words(front: &str) -> Option<Level> {
    let (mut rest, mut before, mut count) = (front, ' ', 0);
    while count < WORDS {
        let start = rest.find(|c: char| c.is_ascii_alphabetic())?;
        before = rest.get(..start)?.chars().next_back().unwrap_or(before);
        rest = rest.get(start..)?;
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (word, behind) = rest.split_at_checked(end)?;
        rest = behind;
        // `T` and `Z` of a date, for example.
        if word.len() < 2 {
            continue;
        }
        let is_first = count == 0;
        count += 1;
        let is_capital = word.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_framed = before == '[' && behind.trim_start_matches(' ').starts_with(']');
        let is_head = is_first && behind.starts_with(':');
        if (is_capital || is_framed || is_head)
            && let Some(level) = Level::named(word)
        {
            return Some(level);
        }
        let is_error = word.ends_with("Error") || word.ends_with("Exception");
        if is_error && (is_head || behind.starts_with([':', ' ', '\n']) || behind.is_empty()) {
            return Some(Level::Error);
        }
        if is_first && word == "Traceback" {
            return Some(Level::Error);
        }
        before = ' ';
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_logger_is_understood() {
        for (line, level) in [
            (r#"{"level":30,"time":1,"msg":"pino"}"#, Some(Level::Info)),
            (r#"{"name":"bunyan","level":50,"msg":"x"}"#, Some(Level::Error)),
            (r#"{"level":"warn","message":"winston"}"#, Some(Level::Warn)),
            (r#"{"level":"dpanic","ts":1.5,"msg":"zap"}"#, Some(Level::Fatal)),
            (r#"{"time":"x","level":"WARN","msg":"slog"}"#, Some(Level::Warn)),
            (r#"{"event":"structlog","level":"warning"}"#, Some(Level::Warn)),
            (r#"{"severity":"ERROR","message":"cloud"}"#, Some(Level::Error)),
            (r#"{"level":7}"#, None),
            (r#"{"message":"{\"level\":50}\n","app_name":"x"}"#, Some(Level::Error)),
            (r#"{"message":"WARN x\n","app_name":"x"}"#, Some(Level::Warn)),
            (r#"{"message":"WARN x\n"}"#, None),
            ("time=2026 level=debug msg=\"level=error\"", Some(Level::Debug)),
            ("2026-11-27 10:00:00,123 ERROR [main] a.B - log4j", Some(Level::Error)),
            ("2026-11-27T10:00:00Z [warn] x", Some(Level::Warn)),
            ("[2026-11-27 10:00:00 +0000] [7] [INFO] gunicorn", Some(Level::Info)),
            ("error: it broke", Some(Level::Error)),
            ("WARNING:root:python", Some(Level::Warn)),
            ("TypeError: x is not a function", Some(Level::Error)),
            ("java.lang.IllegalStateException: no", Some(Level::Error)),
            ("Traceback (most recent call last):", Some(Level::Error)),
            ("panic: runtime error", Some(Level::Fatal)),
            ("no error at all", None),
            ("the Information desk", None),
            ("listening on 3000", None),
            ("", None),
        ] {
            assert_eq!(Level::of(line.as_bytes()), level, "{line}");
        }
        for level in Level::ALL {
            assert_eq!(Level::named(level.as_str()), Some(level));
        }
        assert_eq!(Level::of(b"\xff\xfe ERROR"), Some(Level::Error));
        assert_eq!(Level::of(b"\x1b[1;38:5:9mERROR\x1b[m \xff"), Some(Level::Error));
        let long = format!("\u{1b}[1mERROR\u{1b}[m {}", "x".repeat(2 * COLOURED));
        assert_eq!(Level::of(long.as_bytes()), Some(Level::Error));
        // A NUL, an escape that has no end, and one that is no colour.
        assert_eq!(Level::of(b"\0\x1b\x1b[\x1b[3"), None);
        assert_eq!(Level::of(b"\x1b[2JERROR x"), None);
    }

    #[test]
    fn each_line_that_a_logger_really_printed_is_understood() {
        let (mut logger, mut count) = ("", 0);
        for line in include_str!("level/printed.txt").lines() {
            if let Some(name) = line.strip_prefix("# ") {
                logger = name;
                continue;
            }
            let (level, printed) = line.split_once(' ').unwrap();
            let printed = printed.replace("\\e", "\u{1b}");
            assert_eq!(
                Level::of(printed.as_bytes()).map(Level::as_str),
                Some(level),
                "{logger}: {line}"
            );
            count += 1;
        }
        assert!(100 < count);
    }
}
