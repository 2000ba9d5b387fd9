//! How long a command waits: `30s`, `500ms`, `2m`, `1h`.

use std::fmt;
use std::time::Duration;

use crate::failed::Failed;

/// How long to wait, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// How long that is.
    pub(crate) time: Duration,
    text: String,
}

/// Milliseconds of each unit; the longest name first.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

impl Limit {
    /// The limit where none is given.
    pub(crate) fn usual() -> Self {
        Self { time: Duration::from_secs(30), text: "30s".to_owned() }
    }

    /// Reads a limit that was given to this option.
    ///
    /// # Errors
    /// It is no time, or has no unit.
    pub(crate) fn parse(option: &str, text: &str) -> Result<Self, Failed> {
        let refused =
            |hint: String| Failed::misuse(format!("`--{option} {text}` is not a time")).hint(hint);
        let (digits, unit) = UNITS
            .iter()
            .find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))
            .unwrap_or((text, 0));
        let number = Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let Some(number) = number.and_then(|digits| digits.parse::<u64>().ok()) else {
            let usual = format!("`--{option}=30s`, `500ms`, `2m` or `1h`");
            return Err(refused(format!("write it as {usual}")));
        };
        if unit == 0 {
            let (s, ms) = (format!("--{option}={text}s"), format!("--{option}={text}ms"));
            return Err(refused(format!("it has no unit; is it `{s}` or `{ms}`?")));
        }
        let time = Duration::from_millis(number.saturating_mul(unit));
        Ok(Self { time, text: text.to_owned() })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        let check = |text: &str, read: Result<u64, &str>| {
            let found = Limit::parse("timeout", text);
            let found = found.map(|limit| limit.time.as_millis() as u64);
            assert_eq!(
                found.map_err(|failed| failed.advice().unwrap().to_owned()),
                read.map_err(str::to_owned)
            );
        };
        check("30s", Ok(30_000));
        check("500ms", Ok(500));
        check("2m", Ok(120_000));
        check("1h", Ok(3_600_000));
        check("0s", Ok(0));
        let how = "write it as `--timeout=30s`, `500ms`, `2m` or `1h`";
        for bad in ["", "s", "-1s", "1.5s", "soon", "30 s", "app.js"] {
            check(bad, Err(how));
        }
        check("30", Err("it has no unit; is it `--timeout=30s` or `--timeout=30ms`?"));
    }
}
