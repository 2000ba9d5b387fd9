//! Forms of values that the type of the field does not say: a number that may have a unit, a
//! signal by its name, a file that may be switched off. A row of the table names one.

use std::path::PathBuf;

use ostler_core::spec::LogCompress;
use serde_json::Value as Json;

use super::access::{BadValue, FieldType, Form};
use crate::cron;
use crate::diagnostic::Diagnostic;
use crate::units;
use crate::value::{Node, Value};

/// Path that means "no file".
const NO_FILE: &str = "/dev/null";

/// Milliseconds, also as `10m`.
pub(crate) struct Uptime;

impl Form<u64> for Uptime {
    fn write(time: &u64) -> Json {
        time.write()
    }

    fn read(node: &Node) -> Result<u64, BadValue> {
        let with_unit = node.as_text().and_then(units::uptime);
        with_unit.map_or_else(|| u64::read(node), Ok)
    }
}

/// The same, if there is one.
impl Form<Option<u64>> for Uptime {
    fn write(time: &Option<u64>) -> Json {
        time.write()
    }

    fn read(node: &Node) -> Result<Option<u64>, BadValue> {
        <Self as Form<u64>>::read(node).map(|time| Some(time).filter(|time| 0 < *time))
    }
}

/// Milliseconds, also as `5s`, where `0s` is said, too.
pub(crate) struct Delay;

impl Form<Option<u64>> for Delay {
    fn write(time: &Option<u64>) -> Json {
        match time {
            Some(0) => "0s".into(),
            time => time.write(),
        }
    }

    fn read(node: &Node) -> Result<Option<u64>, BadValue> {
        <Uptime as Form<u64>>::read(node).map(Some)
    }
}

/// Bytes, also as `100M`; 0 is no limit.
pub(crate) struct Size;

impl Form<Option<u64>> for Size {
    fn write(bytes: &Option<u64>) -> Json {
        bytes.write()
    }

    fn read(node: &Node) -> Result<Option<u64>, BadValue> {
        let with_unit = node.as_text().and_then(units::memory);
        let bytes = with_unit.map_or_else(|| u64::read(node), Ok)?;
        Ok(Some(bytes).filter(|bytes| 0 < *bytes))
    }
}

/// Percent, also as `150%`.
pub(crate) struct Percent;

impl Form<Option<u32>> for Percent {
    fn write(percent: &Option<u32>) -> Json {
        percent.write()
    }

    fn read(node: &Node) -> Result<Option<u32>, BadValue> {
        let percent = units::percent(&node.plain());
        percent.map(Some).ok_or(BadValue::Wanted("percent from 1 up"))
    }
}

/// A number that may be 0, if there is one.
pub(crate) struct Count;

impl Form<Option<u64>> for Count {
    fn write(count: &Option<u64>) -> Json {
        count.write()
    }

    fn read(node: &Node) -> Result<Option<u64>, BadValue> {
        u64::read(node).map(Some)
    }
}

/// Exit codes, or one of them.
pub(crate) struct ExitCodes;

impl Form<Vec<i32>> for ExitCodes {
    fn write(codes: &Vec<i32>) -> Json {
        codes.as_slice().into()
    }

    fn read(node: &Node) -> Result<Vec<i32>, BadValue> {
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        items.iter().map(exit_code).collect()
    }
}

fn exit_code(item: &Node) -> Result<i32, BadValue> {
    let text = item.plain();
    text.trim().parse().map_err(|_| {
        let message = format!("`stop_exit_codes` has `{text}`, which is not a whole number");
        BadValue::Part {
            wanted: "a list of whole numbers",
            said: Box::new(Diagnostic::error("wrong-form", message)),
            span: item.span,
        }
    })
}

/// A signal, by name or number.
pub(crate) struct Signal;

impl Form<i32> for Signal {
    fn write(number: &i32) -> Json {
        units::signal_name(*number).into()
    }

    fn read(node: &Node) -> Result<i32, BadValue> {
        let text = String::read(node)?;
        units::signal(&text).ok_or_else(|| {
            let message = format!("`kill_signal` is `{text}`, which is not a signal");
            let said = Box::new(Diagnostic::error("no-signal", message));
            BadValue::Part { wanted: "a signal", said, span: None }
        })
    }
}

/// A program, or `none`.
pub(crate) struct Program;

impl Form<Option<String>> for Program {
    fn write(program: &Option<String>) -> Json {
        program.as_deref().unwrap_or("none").into()
    }

    fn read(node: &Node) -> Result<Option<String>, BadValue> {
        Ok(Some(String::read(node)?).filter(|program| program != "none"))
    }
}

/// A log file; `/dev/null` is none.
pub(crate) struct LogFile;

impl Form<Option<PathBuf>> for LogFile {
    fn write(path: &Option<PathBuf>) -> Json {
        path.as_ref().map_or_else(|| NO_FILE.into(), FieldType::write)
    }

    fn read(node: &Node) -> Result<Option<PathBuf>, BadValue> {
        let path = Some(String::read(node)?);
        let path = path.filter(|path| !matches!(path.as_str(), "" | "NULL" | NO_FILE));
        Ok(path.map(PathBuf::from))
    }
}

/// A log file that is not mentioned when there is none.
pub(crate) struct MoreLogFile;

impl Form<Option<PathBuf>> for MoreLogFile {
    fn write(path: &Option<PathBuf>) -> Json {
        path.as_ref().map_or(Json::Null, FieldType::write)
    }

    fn read(node: &Node) -> Result<Option<PathBuf>, BadValue> {
        LogFile::read(node)
    }
}

/// A date format; an empty text and `false` are none.
pub(crate) struct DateFormat;

impl Form<Option<String>> for DateFormat {
    fn write(format: &Option<String>) -> Json {
        format.write()
    }

    fn read(node: &Node) -> Result<Option<String>, BadValue> {
        Ok(Some(String::read(node)?).filter(|format| !matches!(format.as_str(), "" | "false")))
    }
}

/// A pattern of cron, or a word for none.
pub(crate) struct CronPattern;

impl Form<Option<String>> for CronPattern {
    fn write(pattern: &Option<String>) -> Json {
        pattern.write()
    }

    fn read(node: &Node) -> Result<Option<String>, BadValue> {
        let pattern = String::read(node)?;
        if cron::is_none(&pattern) {
            return Ok(None);
        }
        cron::check(&pattern).map_err(|_| BadValue::Wanted("a pattern of cron"))?;
        Ok(Some(pattern))
    }
}

/// How rotated log files are compressed: a word, or whether they are.
pub(crate) struct Compression;

impl Compression {
    /// The words that are understood.
    pub(crate) const WORDS: &'static [&'static str] = &["gzip", "zstd"];
}

impl Form<Option<LogCompress>> for Compression {
    fn write(how: &Option<LogCompress>) -> Json {
        match how {
            None => Json::Null,
            Some(LogCompress::No) => false.into(),
            Some(LogCompress::Gzip) => true.into(),
            Some(LogCompress::Zstd) => "zstd".into(),
        }
    }

    fn read(node: &Node) -> Result<Option<LogCompress>, BadValue> {
        Ok(Some(match node.plain().as_str() {
            "true" | "gzip" => LogCompress::Gzip,
            "zstd" => LogCompress::Zstd,
            "false" => LogCompress::No,
            _ => return Err(BadValue::Wanted("true, false, `gzip` or `zstd`")),
        }))
    }
}

/// The version of an app; PM2 writes `N/A` where it knows none.
pub(crate) struct Version;

impl Form<Option<String>> for Version {
    fn write(version: &Option<String>) -> Json {
        version.write()
    }

    fn read(node: &Node) -> Result<Option<String>, BadValue> {
        Ok(Some(String::read(node)?).filter(|version| version != "N/A"))
    }
}
