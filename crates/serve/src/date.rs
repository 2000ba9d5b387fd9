//! Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT`.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};

/// Returns a time in seconds since 1970 as HTTP writes it; `None` when it has no year that
/// HTTP can write.
pub(crate) fn write(seconds: i64) -> Option<String> {
    let time = Timestamp::from_second(seconds).ok()?;
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok()
}

/// Reads what [`write`] has written, in seconds since 1970.
pub(crate) fn read(text: &[u8]) -> Option<i64> {
    let time = DateTimeParser::new().parse_timestamp(text.trim_ascii()).ok()?;
    Some(time.as_second())
}

/// Returns this moment, in seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_that_of_the_rfc_and_is_read_again() {
        let text = write(784_111_777).unwrap();
        assert_eq!(text, "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(read(text.as_bytes()), Some(784_111_777));
        assert_eq!(read(b"yesterday"), None);
    }
}
