//! Zip files, which wheels are.

use std::io::Write as _;

use anyhow::{Context, Result};
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::archive::Entry;

/// The first day that zip knows, 1980-01-01: the times of a wheel mean nothing.
const DAY: u16 = 1 << 5 | 1;

/// Version of the format that is needed to read it: 2.0, for deflate.
const NEEDS: u16 = 20;

/// Made on Unix: the upper half of the attributes is a mode.
const MADE_BY: u16 = 3 << 8 | NEEDS;

/// Returns the zip file of these entries, in their order.
pub fn zip(entries: &[Entry]) -> Result<Vec<u8>> {
    let (mut out, mut list) = (Vec::new(), Vec::new());
    for entry in entries {
        let start = u32::try_from(out.len()).context("a wheel of 4 GB")?;
        let common = common(entry, &mut out)?;
        list.extend_from_slice(b"PK\x01\x02");
        list.extend_from_slice(&MADE_BY.to_le_bytes());
        list.extend_from_slice(&common);
        // No comment, first disk, no kind of text.
        list.extend_from_slice(&[0; 6]);
        list.extend_from_slice(&((0o100_000 | entry.mode) << 16).to_le_bytes());
        list.extend_from_slice(&start.to_le_bytes());
        list.extend_from_slice(entry.path.as_bytes());
    }
    let count = u16::try_from(entries.len())?.to_le_bytes();
    let (start, size) = (u32::try_from(out.len())?, u32::try_from(list.len())?);
    out.append(&mut list);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count);
    out.extend_from_slice(&count);
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    Ok(out)
}

/// Adds a file, and returns the part of its header that the list repeats.
fn common(entry: &Entry, out: &mut Vec<u8>) -> Result<Vec<u8>> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&entry.data)?;
    let packed = packed.finish()?;
    let mut crc = Crc::new();
    crc.update(&entry.data);
    let mut common = Vec::new();
    // No flags, deflate, midnight.
    for half in [NEEDS, 0, 8, 0, DAY] {
        common.extend_from_slice(&half.to_le_bytes());
    }
    for word in [crc.sum(), u32::try_from(packed.len())?, u32::try_from(entry.data.len())?] {
        common.extend_from_slice(&word.to_le_bytes());
    }
    common.extend_from_slice(&u16::try_from(entry.path.len())?.to_le_bytes());
    common.extend_from_slice(&0_u16.to_le_bytes());
    out.extend_from_slice(b"PK\x03\x04");
    out.extend_from_slice(&common);
    out.extend_from_slice(entry.path.as_bytes());
    out.extend_from_slice(&packed);
    Ok(common)
}
