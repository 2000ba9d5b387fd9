//! How far several logs have been read, in a word that can be given back.
//!
//! It names the time, and of each log by a number of its path a place (`ostler_logs::Place`). A
//! log that it does not name has come later: its lines since that time are behind the cursor.

use std::collections::BTreeMap;

use ostler_logs::{Check, Place, hash};

use crate::failed::Failed;

/// First in each cursor.
const VERSION: u8 = 1;
/// Characters of six bits each, which stand for themselves in a shell and in an address.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// See the module's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cmd) struct Cursor {
    /// When it was made, ms since 1970.
    pub(super) made: u64,
    /// Places by the numbers of their logs.
    pub(in crate::cmd::logs) places: BTreeMap<u32, Place>,
}

impl Cursor {
    /// The cursor that is made now.
    pub(in crate::cmd::logs) fn now(places: BTreeMap<u32, Place>) -> Self {
        Self { made: ostler_show::now(), places }
    }

    /// Reads a cursor that was given.
    ///
    /// # Errors
    /// It is none, or not whole.
    pub(super) fn parse(text: &str) -> Result<Self, Failed> {
        Self::read(text.trim()).ok_or_else(|| {
            Failed::misuse(format!("`--cursor {text}` is no cursor, or not a whole one")).hint(
                "take it as it is from `cursor` in an object of `logs --json`, or from the last \
                 line of `logs --nostream`",
            )
        })
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = decode(text)?;
        let (bytes, sum) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
        if sum != hash(bytes).to_le_bytes() {
            return None;
        }
        let (version, mut rest) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let mut cursor = Self { made: number(&mut rest)?, places: BTreeMap::new() };
        while !rest.is_empty() {
            let log = fixed(&mut rest)?;
            let (inode, written, end) =
                (number(&mut rest)?, number(&mut rest)?, number(&mut rest)?);
            let mut place = Place { inode, written, end, ..Place::default() };
            if 0 < end {
                let length = u8::try_from(number(&mut rest)?).ok()?;
                place.check = Check { length, hash: fixed(&mut rest)? };
                place.head = fixed(&mut rest)?;
            }
            cursor.places.insert(log, place);
        }
        Some(cursor)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = vec![VERSION];
        put(&mut bytes, self.made);
        for (log, place) in &self.places {
            bytes.extend(log.to_le_bytes());
            for value in [place.inode, place.written, place.end] {
                put(&mut bytes, value);
            }
            if 0 < place.end {
                put(&mut bytes, place.check.length.into());
                bytes.extend(place.check.hash.to_le_bytes());
                bytes.extend(place.head.to_le_bytes());
            }
        }
        let sum = hash(&bytes);
        bytes.extend(sum.to_le_bytes());
        f.write_str(&encode(&bytes))
    }
}

/// A number in as many bytes as it needs, seven bits in each.
fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while 0x7f < value {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push((value & 0x7f) as u8);
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn fixed(rest: &mut &[u8]) -> Option<u32> {
    let (bytes, behind) = rest.split_at_checked(4)?;
    *rest = behind;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// Base64 without padding, with `-` and `_` (RFC 4648, section 5).
fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(*group.get(at).unwrap_or(&0)));
        for at in 0..=group.len() {
            let digit = DIGITS.get(bits >> (18 - 6 * at) & 0x3f).copied().unwrap_or(b'A');
            text.push(char::from(digit));
        }
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0;
        for at in 0..4 {
            let digit = group.get(at).copied().unwrap_or(b'A');
            bits = bits << 6 | DIGITS.iter().position(|of| *of == digit)?;
        }
        let whole = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
        bytes.extend(whole.get(..group.len().checked_sub(1)?)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_part_of_one_is_refused() {
        let check = Check { length: 32, hash: 0xdead_beef };
        let place = Place { inode: u64::MAX, written: 1, end: 1 << 40, check, head: 7 };
        let places = BTreeMap::from([(5, place), (u32::MAX, Place::behind(1_795_388_825_573))]);
        for places in [BTreeMap::new(), places] {
            let cursor = Cursor::now(places);
            let text = cursor.to_string();
            assert_eq!(Cursor::parse(&text).unwrap(), cursor);
            assert!(text.bytes().all(|byte| DIGITS.contains(&byte)), "{text}");
            for length in 0..text.len() {
                assert!(Cursor::parse(&text[..length]).is_err(), "{length}");
            }
        }
        assert!(Cursor::parse("äöü").is_err());
    }

    #[test]
    fn bytes_are_written_as_the_rfc_has_it() {
        for (bytes, text) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v")] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(encode(b"foobar\xfb\xff"), "Zm9vYmFy-_8");
    }
}
