//! `Range`: a part of a file (RFC 9110, 14).

/// What is to be sent of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it: nothing else was asked for, or nothing that is understood. Several ranges at once
    /// are not sent, which the RFC leaves to the server.
    Whole,
    /// From the first byte to the one before the second.
    From(u64, u64),
    /// There is no such part.
    Beyond,
}

/// Returns what the header asks for of a file of this size.
pub(crate) fn of(header: &[u8], size: u64) -> Part {
    parse(header, size).unwrap_or(Part::Whole)
}

fn parse(header: &[u8], size: u64) -> Option<Part> {
    let text = std::str::from_utf8(header).ok()?.trim();
    let (unit, ranges) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = ranges.trim().split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // What is too large for a number is beyond every file.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    if first.is_empty() {
        let count: u64 = number(last)?;
        let is_empty = count == 0 || size == 0;
        return Some(if is_empty {
            Part::Beyond
        } else {
            Part::From(size - count.min(size), size)
        });
    }
    let first = number(first)?;
    let end = if last.is_empty() { size } else { number(last)?.saturating_add(1).min(size) };
    if !last.is_empty() && number(last)? < first {
        return None;
    }
    Some(if size <= first { Part::Beyond } else { Part::From(first, end) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_part_of_the_file_or_none_or_all() {
        for (header, part) in [
            ("bytes=0-0", Part::From(0, 1)),
            ("bytes=2-5", Part::From(2, 6)),
            ("bytes=2-", Part::From(2, 10)),
            ("bytes=2-99999999999999999999999", Part::From(2, 10)),
            ("bytes=-3", Part::From(7, 10)),
            ("bytes=-99", Part::From(0, 10)),
            ("Bytes= 9-9 ", Part::From(9, 10)),
            ("bytes=10-", Part::Beyond),
            ("bytes=99999999999999999999999-", Part::Beyond),
            ("bytes=-0", Part::Beyond),
            ("bytes=5-2", Part::Whole),
            ("bytes=0-1,4-5", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("bytes", Part::Whole),
        ] {
            assert_eq!(of(header.as_bytes(), 10), part, "{header}");
        }
        assert_eq!(of(b"bytes=0-", 0), Part::Beyond);
        assert_eq!(of(b"bytes=-1", 0), Part::Beyond);
    }
}
