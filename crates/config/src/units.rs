//! Texts that mean numbers: sizes, times, lists of words, signals.

/// Bytes of `104857600`, `100M`, `2G`, `500K`; units are powers of 1024. `1.5G` and `1GB` are
/// refused, as in PM2.
pub(crate) fn memory(text: &str) -> Option<u64> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'G')) => (text.get(..at)?, 1 << 30),
        Some((at, 'M')) => (text.get(..at)?, 1 << 20),
        Some((at, 'K')) => (text.get(..at)?, 1 << 10),
        _ => (text, 1),
    };
    whole(digits)?.checked_mul(unit)
}

/// Percent of `150` and `150%`, from 1 up.
pub(crate) fn percent(text: &str) -> Option<u32> {
    let text = text.trim();
    let percent = whole(text.strip_suffix('%').unwrap_or(text).trim_end())?;
    u32::try_from(percent).ok().filter(|percent| 0 < *percent)
}

/// Milliseconds of `1000`, `5s`, `10m`, `1h`.
pub(crate) fn uptime(text: &str) -> Option<u64> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'h')) => (text.get(..at)?, 3_600_000),
        Some((at, 'm')) => (text.get(..at)?, 60_000),
        Some((at, 's')) => (text.get(..at)?, 1000),
        _ => (text, 1),
    };
    whole(digits)?.checked_mul(unit)
}

/// Decimal digits and nothing else.
fn whole(digits: &str) -> Option<u64> {
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

/// Whether a format has a part of a date, in dayjs tokens; text in brackets is none.
#[must_use]
pub fn has_date(format: &str) -> bool {
    let mut is_text = false;
    format.chars().any(|c| {
        is_text = (is_text || c == '[') && c != ']';
        !is_text && "YMDdHhmsSAaZ".contains(c)
    })
}

/// Splits on blanks. A part in quotes is one word without them; quotes inside a word (`--x='a b'`)
/// keep it together and stay, as in PM2.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let quoted = matches!(first, '"' | '\'')
            .then(|| rest.get(1..).and_then(|inner| Some((inner, inner.find(first)?))))
            .flatten();
        if let Some((inner, end)) = quoted
            && inner
                .get(end + 1..)
                .is_some_and(|after| after.is_empty() || after.starts_with(char::is_whitespace))
        {
            out.push(inner.get(..end).unwrap_or("").to_owned());
            rest = inner.get(end + 1..).unwrap_or("").trim_start();
            continue;
        }
        let mut open = None;
        let end = rest.find(|c: char| {
            match open {
                Some(quote) if c == quote => open = None,
                None if matches!(c, '"' | '\'') => open = Some(c),
                Some(_) | None => {}
            }
            open.is_none() && c.is_whitespace()
        });
        // An apostrophe that is never closed is just a letter.
        let end =
            if open.is_some() { rest.find(char::is_whitespace) } else { end }.unwrap_or(rest.len());
        out.push(rest.get(..end).unwrap_or("").to_owned());
        rest = rest.get(end..).unwrap_or("").trim_start();
    }
    out
}

/// Signals that can be asked for, by name.
const SIGNALS: &[(&str, i32)] = &[
    ("SIGHUP", libc::SIGHUP),
    ("SIGINT", libc::SIGINT),
    ("SIGQUIT", libc::SIGQUIT),
    ("SIGABRT", libc::SIGABRT),
    ("SIGKILL", libc::SIGKILL),
    ("SIGUSR1", libc::SIGUSR1),
    ("SIGUSR2", libc::SIGUSR2),
    ("SIGPIPE", libc::SIGPIPE),
    ("SIGALRM", libc::SIGALRM),
    ("SIGTERM", libc::SIGTERM),
    ("SIGCONT", libc::SIGCONT),
    ("SIGWINCH", libc::SIGWINCH),
];

/// Number of `SIGTERM`, `TERM`, `term` or `15`.
pub(crate) fn signal(text: &str) -> Option<i32> {
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    SIGNALS
        .iter()
        .find(|(known, _)| known.strip_prefix("SIG") == Some(name))
        .map(|(_, number)| *number)
        .or_else(|| text.parse().ok().filter(|number| (1..=64).contains(number)))
}

/// Name of a signal, or its number as text.
pub fn signal_name(number: i32) -> String {
    SIGNALS
        .iter()
        .find(|(_, known)| *known == number)
        .map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times() {
        assert_eq!(
            ["1", "2K", "100M", "1G"].map(memory),
            [Some(1), Some(2048), Some(104_857_600), Some(1 << 30)]
        );
        assert_eq!(["1.5G", "1GB", "M", "", "-1", "99999999999G"].map(memory), [None; 6]);
        assert_eq!(
            ["100", "5s", "10m", "1h"].map(uptime),
            [Some(100), Some(5000), Some(600_000), Some(3_600_000)]
        );
        assert_eq!(["5x", "s", "1.5s"].map(uptime), [None; 3]);
    }

    #[test]
    fn words_honour_quotes() {
        assert_eq!(words("  a 'b c'  \"d e\" --x='a b' f "), ["a", "b c", "d e", "--x='a b'", "f"]);
        assert_eq!(words("it's fine"), ["it's", "fine"]);
        assert_eq!(words("'' x"), ["", "x"]);
        assert_eq!(words(""), Vec::<String>::new());
    }

    #[test]
    fn signals_by_name_and_number() {
        assert_eq!(
            ["SIGTERM", "term", "15", "SIGNOPE", "0"].map(signal),
            [Some(15), Some(15), Some(15), None, None]
        );
        assert_eq!((signal_name(2), signal_name(40)), ("SIGINT".to_owned(), "40".to_owned()));
    }
}
