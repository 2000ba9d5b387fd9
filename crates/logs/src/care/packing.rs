//! How rotated files are compressed: in pieces, so that what is far behind is reached without
//! unpacking what is before it.
//!
//! Each piece is whole by itself (a member of gzip, a frame of zstd), so that every other program
//! reads such files too, and says its length, compressed and not. Files that others compressed may
//! not say it: they are read from their beginning.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::FileExt as _;

use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};

/// Not compressed, a piece has so many bytes; the last one may have fewer.
pub(crate) const PIECE: usize = 1 << 20;
/// A level of zstd that costs a fifth of the time that gzip takes, for as few bytes.
const LEVEL: i32 = 3;
/// First in a member of gzip: the magic, deflate, and that there are fields of others.
const MEMBER: [u8; 4] = [0x1f, 0x8b, 8, 4];
/// Our field: its name, and the length of what follows: two lengths of four bytes.
const FIELD: [u8; 4] = [b'o', b's', 8, 0];
/// Where in a member the fields begin, and where the two lengths of ours are.
const FIELDS: usize = 12;
const LENGTHS: usize = FIELDS + FIELD.len();
/// First in a frame of zstd.
const FRAME: u32 = 0xfd2f_b528;
/// First in a frame that is passed over, but for the last four bits.
const PASSED: u32 = 0x184d_2a50;

/// How a rotated file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Packing {
    /// As `gzip` does it.
    Gzip,
    /// As `zstd` does it.
    Zstd,
}

/// Where a piece begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// In the file.
    pub at: u64,
    /// Among the bytes that are compressed.
    pub place: u64,
}

/// Compresses one piece after the other.
pub(super) enum Packer {
    Gzip,
    Zstd(Box<zstd::bulk::Compressor<'static>>),
}

impl Packing {
    /// All that there are.
    pub const ALL: [Self; 2] = [Self::Gzip, Self::Zstd];

    /// Returns the end of the name of such a file.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// Takes the end off the name of such a file, if it is one.
    pub(crate) fn split(name: &str) -> (&str, Option<Self>) {
        let of = |of: Self| Some((name.strip_suffix(of.ending())?, Some(of)));
        Self::ALL.into_iter().find_map(of).unwrap_or((name, None))
    }

    /// Reads what is compressed in this.
    pub(crate) fn reader(self, from: impl Read + Send + 'static) -> io::Result<Unpacked> {
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(from)),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::new(from)?),
        })
    }

    pub(super) fn packer(self) -> io::Result<Packer> {
        Ok(match self {
            Self::Gzip => Packer::Gzip,
            Self::Zstd => Packer::Zstd(Box::new(zstd::bulk::Compressor::new(LEVEL)?)),
        })
    }

    /// Returns where the pieces of a file begin and, last, where it ends; `None` when it does not
    /// say that, or is not whole.
    pub(crate) fn pieces(self, file: &File) -> io::Result<Option<Vec<Piece>>> {
        let length = file.metadata()?.len();
        let mut pieces = Vec::new();
        let mut next = Piece { at: 0, place: 0 };
        while next.at < length {
            pieces.push(next);
            let found = match self {
                Self::Gzip => member(file, next.at),
                Self::Zstd => frame(file, next.at),
            };
            let Some((packed, bytes)) = whole(found)? else { return Ok(None) };
            next = Piece { at: next.at + packed, place: next.place + bytes };
        }
        pieces.push(next);
        Ok((next.at == length).then_some(pieces))
    }
}

/// The bytes of a file, not compressed.
pub(crate) type Unpacked = Box<dyn Read + Send>;

impl Packer {
    /// Compresses one piece.
    pub(super) fn pack(&mut self, piece: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Zstd(packer) => packer.compress(piece),
            Self::Gzip => {
                let field: Vec<u8> = FIELD.into_iter().chain([0; 8]).collect();
                let mut packer =
                    GzBuilder::new().extra(field).write(Vec::new(), Compression::default());
                packer.write_all(piece)?;
                let mut packed = packer.finish()?;
                let length = |of: &[u8]| u32::try_from(of.len()).map_err(io::Error::other);
                let lengths = [length(&packed)?, length(piece)?].map(u32::to_le_bytes).concat();
                if let Some(room) = packed.get_mut(LENGTHS..LENGTHS + lengths.len()) {
                    room.copy_from_slice(&lengths);
                }
                Ok(packed)
            }
        }
    }
}

/// What ends within itself says nothing.
fn whole<T>(found: io::Result<Option<T>>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        found => found,
    }
}

/// Returns the length of a member of gzip, compressed and not, if it is one of ours.
fn member(file: &File, at: u64) -> io::Result<Option<(u64, u64)>> {
    let mut head = [0; LENGTHS + 8];
    file.read_exact_at(&mut head, at)?;
    let is_ours = head.starts_with(&MEMBER) && head.get(FIELDS..LENGTHS) == Some(&FIELD);
    let number = |from: usize| Some(u64::from(u32_at(&head, from)?));
    let lengths = number(LENGTHS).zip(number(LENGTHS + 4));
    Ok(lengths.filter(|(packed, _)| is_ours && head.len() as u64 <= *packed))
}

/// Returns the length of a frame of zstd, compressed and not (RFC 8878, section 3.1).
fn frame(file: &File, from: u64) -> io::Result<Option<(u64, u64)>> {
    let byte = |at: u64| -> io::Result<u8> {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at)?;
        Ok(byte.first().copied().unwrap_or(0))
    };
    let little = |at: u64, length: u64| -> io::Result<u64> {
        (0..length).rev().try_fold(0, |sum, more| Ok(sum << 8 | u64::from(byte(at + more)?)))
    };
    let magic = u32::try_from(little(from, 4)?).unwrap_or(0);
    if magic & !0xf == PASSED {
        return Ok(Some((8 + little(from + 4, 4)?, 0)));
    }
    if magic != FRAME {
        return Ok(None);
    }
    let flags = byte(from + 4)?;
    let is_one_segment = flags & 0x20 != 0;
    let window = u64::from(!is_one_segment);
    let dictionary = match flags & 3 {
        3 => 4,
        length => u64::from(length),
    };
    let (length, more) = match flags >> 6 {
        0 => (u64::from(is_one_segment), 0),
        1 => (2, 256),
        2 => (4, 0),
        _ => (8, 0),
    };
    if length == 0 {
        return Ok(None);
    }
    let mut at = from + 5 + window + dictionary;
    let bytes = little(at, length)?.saturating_add(more);
    at += length;
    loop {
        let head = little(at, 3)?;
        // A block of one byte that is repeated has this byte alone.
        at += 3 + if head >> 1 & 3 == 1 { 1 } else { head >> 3 };
        if head & 1 != 0 {
            break;
        }
    }
    let sum = if flags & 4 != 0 { 4 } else { 0 };
    Ok(Some((at + sum - from, bytes)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn packed(packing: Packing, pieces: &[Vec<u8>]) -> Vec<u8> {
        let mut packer = packing.packer().unwrap();
        pieces.iter().flat_map(|piece| packer.pack(piece).unwrap()).collect()
    }

    /// Bytes that repeat themselves now and then.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let kind = (any::<u8>(), 0..400_000_usize, any::<bool>());
        kind.prop_map(|(seed, length, is_even)| {
            let of = |at: usize| (at.wrapping_mul(2_654_435_761) >> (at % 13)) as u8;
            (0..length).map(|at| if is_even { seed } else { of(at) }).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn from_each_piece_on_a_file_is_read_and_a_cut_one_is_not_taken_for_whole(
            pieces in proptest::collection::vec(piece(), 1..5),
            cut in any::<proptest::sample::Index>(),
        ) {
            for packing in Packing::ALL {
                let (all, bytes) = (pieces.concat(), packed(packing, &pieces));
                let found = packing.pieces(&file(&bytes)).unwrap().unwrap();
                prop_assert_eq!(found.len(), pieces.len() + 1);
                for piece in &found[..pieces.len()] {
                    let mut read = Vec::new();
                    let rest = io::Cursor::new(bytes[piece.at as usize..].to_vec());
                    packing.reader(rest).unwrap().read_to_end(&mut read).unwrap();
                    prop_assert!(read == all[piece.place as usize..]);
                }
                let cut = cut.index(bytes.len());
                let is_between = found.iter().any(|piece| piece.at == cut as u64);
                let of_cut = packing.pieces(&file(&bytes[..cut])).unwrap();
                prop_assert_eq!(of_cut.is_some(), is_between);
            }
        }
    }

    #[test]
    fn what_gzip_and_zstd_themselves_made_is_read() {
        for (packing, program) in [(Packing::Gzip, "gzip"), (Packing::Zstd, "zstd")] {
            let mut made = Command::new(program);
            made.arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped());
            // Not each machine has it.
            let Ok(mut made) = made.spawn() else { continue };
            made.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
            let bytes = made.wait_with_output().unwrap().stdout;
            assert_eq!(packing.pieces(&file(&bytes)).unwrap(), None, "it says no length");
            let mut text = String::new();
            packing.reader(io::Cursor::new(bytes)).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "one\ntwo\n");
        }
    }

    #[test]
    fn what_is_no_such_file_says_nothing() {
        for packing in Packing::ALL {
            for bytes in [&b"2026-11-27 a line of a log, not compressed"[..], &[0; 64], &[0xff]] {
                assert_eq!(packing.pieces(&file(bytes)).unwrap(), None);
            }
        }
    }
}
