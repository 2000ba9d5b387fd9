//! Messages of syslog (RFC 5424): each a datagram, or with its length before it in a stream, as RFC
//! 6587 has it in section 3.4.1.

use ostler_logs::{Level, iso};

use crate::record::Record;

/// The longest message, bytes: what is longer does not fit into a datagram of UDP.
const LONGEST: usize = 60_000;
/// The longest name of a program and of a host, as the RFC has it.
const APP: usize = 48;
const HOST: usize = 255;

/// Writes a message of this facility.
pub(crate) fn message(record: &Record, facility: u8, host: &str) -> Vec<u8> {
    let priority = u32::from(facility) * 8 + severity(record.level);
    let at = iso(record.at).unwrap_or_else(|| "-".to_owned());
    let (app, host) = (word(&record.app, APP), word(host, HOST));
    let stream = if record.err { "err" } else { "out" };
    let id = record.id;
    let mut text = format!("<{priority}>1 {at} {host} {app} {id} {stream} - {}", record.text);
    if LONGEST < text.len() {
        let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    // A NUL ends the message for many who read it.
    if text.contains('\0') {
        text = text.replace('\0', "\u{fffd}");
    }
    text.into_bytes()
}

/// The same for a stream.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let mut framed = format!("{} ", message.len()).into_bytes();
    framed.extend_from_slice(message);
    framed
}

/// How grave a level is to syslog and the journal.
pub(crate) fn severity(level: Level) -> u32 {
    match level {
        Level::Fatal => 2,
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// A word of the head: visible characters of ASCII alone.
fn word(text: &str, most: usize) -> String {
    let visible = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    let word: String = text.chars().map(visible).take(most).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Record {
        let (app, text) = ("my app".to_owned(), text.to_owned());
        Record { app, id: 3, err: true, at: 1_795_388_825_573, level: Level::Warn, text }
    }

    #[test]
    fn a_message_is_as_the_rfc_has_it_byte_for_byte() {
        let message = message(&record("it's \u{e4} line"), 1, "h\u{f6}st");
        let expected = "<12>1 2026-11-22T23:07:05.573Z h_st my_app 3 err - it's \u{e4} line";
        assert_eq!(String::from_utf8(message.clone()).unwrap(), expected);
        assert_eq!(framed(&message), format!("{} {expected}", expected.len()).into_bytes());
    }

    #[test]
    fn a_message_has_a_bound_and_no_nul() {
        let long = message(&record(&"\u{e4}".repeat(40_000)), 23, "");
        assert!(LONGEST - 2 < long.len() && long.len() <= LONGEST);
        let text = String::from_utf8(long).unwrap();
        assert!(
            text.starts_with("<188>1 2026-11-22T23:07:05.573Z - my_app 3 err - \u{e4}"),
            "{text}"
        );
        assert!(!message(&record("a\0b"), 1, "h").contains(&0));
    }
}
