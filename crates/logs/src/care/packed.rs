//! A compressed file that is read from any place on, without what is before its piece.

use std::fs::File;
use std::io::{self, Read as _};

use super::packing::{Packing, Piece, Unpacked};
use crate::place::{At, read_most};

/// See the module's text.
#[derive(Debug)]
pub struct Packed {
    file: File,
    packing: Packing,
    /// Where each piece begins, and last where the file ends.
    pieces: Vec<Piece>,
}

impl Packed {
    /// Finds the pieces of a file; `None` when it does not say where they are.
    pub(super) fn of(file: File, packing: Packing) -> io::Result<Option<Self>> {
        let pieces = packing.pieces(&file)?;
        Ok(pieces.map(|pieces| Self { file, packing, pieces }))
    }

    /// Returns how many bytes it has, not compressed.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.pieces.last().map_or(0, |end| end.place)
    }

    /// Reads from this place on, not compressed.
    ///
    /// # Errors
    /// The system's; what is compressed is not whole.
    pub fn open_at(&self, place: u64) -> io::Result<Unpacked> {
        let behind = self.pieces.partition_point(|piece| piece.place <= place);
        let piece = behind.checked_sub(1).and_then(|at| self.pieces.get(at));
        let Some(piece) = piece.filter(|_| place < self.length()) else {
            return Ok(Box::new(io::empty()));
        };
        let mut from = self.packing.reader(At(self.file.try_clone()?, piece.at))?;
        io::copy(&mut from.by_ref().take(place - piece.place), &mut io::sink())?;
        Ok(from)
    }

    /// Reads as many bytes as there is room for, from this place on, unless it ends before.
    ///
    /// # Errors
    /// The system's; what is compressed is not whole.
    pub fn read_at(&self, room: &mut [u8], place: u64) -> io::Result<usize> {
        read_most(&mut *self.open_at(place)?, room)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_compressed_file_is_read_from_each_place_on() {
        for packing in Packing::ALL {
            let (mut packer, mut file) = (packing.packer().unwrap(), tempfile::tempfile().unwrap());
            for piece in ["one\n", "two\nthree\n", "four"] {
                file.write_all(&packer.pack(piece.as_bytes()).unwrap()).unwrap();
            }
            let all = "one\ntwo\nthree\nfour";
            let packed = Packed::of(file, packing).unwrap().unwrap();
            assert_eq!(packed.length(), all.len() as u64);
            for place in 0..all.len() + 3 {
                let rest = all.get(place..).unwrap_or_default();
                let mut read = String::new();
                packed.open_at(place as u64).unwrap().read_to_string(&mut read).unwrap();
                assert_eq!(read, rest, "{packing:?}");
                let mut room = [0; 6];
                let length = packed.read_at(&mut room, place as u64).unwrap();
                assert_eq!(room[..length], rest.as_bytes()[..rest.len().min(6)]);
            }
        }
    }
}
