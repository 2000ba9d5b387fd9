//! When the bytes of a log were written, where its lines do not say so.
//!
//! Problem: a raw log holds what the app writes and nothing else. Rule: beside the state there is a
//! file for each log with pairs of a time and a place in the log: bytes from that place on were
//! written at that time or later, bytes before it earlier. There is one pair in a second at most,
//! and one for 4 KiB or ten seconds at most, so that they take less than half a per cent of a busy
//! log. The pairs are written behind the bytes that they tell of, and nobody waits for them: what
//! is missing, torn or of another file is not believed, and costs nothing but the knowledge.
//!
//! The file is called after the path of the log, and follows it when the log is rotated. It names
//! the log's inode, so that a log that somebody else has put in the place is not taken for it. A
//! log that is compressed keeps its places, and its name but for the ending.

mod keep;
mod read;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;

use crate::care::{Packing, names};

pub(crate) use keep::Keeper;
pub use read::Times;

/// To how many milliseconds it is known, where it is, when a line was written.
pub const WITHIN: u64 = 10_000;
/// Of the folder, in the home.
const FOLDER: &str = "ostler.times";
/// First in each file; the last byte is the version.
const MAGIC: [u8; 8] = *b"ostimes\x01";
/// The magic, the device, the inode.
const HEAD: u64 = 24;
/// The longest name that a file with times has, bytes.
const LONGEST: usize = 240;
const YEAR: Duration = Duration::from_secs(365 * 86_400);
/// A time and a place.
const PAIR: u64 = 16;

/// Returns the folder in which the times of logs are kept.
#[must_use]
pub fn folder(home: &Path) -> PathBuf {
    home.join(FOLDER)
}

/// The file with the times of a log, whose path leads over no link.
fn file_of(folder: &Path, log: &Path) -> PathBuf {
    let path = log.as_os_str().as_bytes();
    let mut endings = Packing::ALL.into_iter().map(|of| of.ending().as_bytes());
    let path = endings.find_map(|ending| path.strip_suffix(ending)).unwrap_or(path);
    let mut name = Vec::with_capacity(path.len() + 16);
    for byte in path {
        match byte {
            b'/' => name.extend(b"%2F"),
            b'%' => name.extend(b"%25"),
            byte => name.push(*byte),
        }
    }
    if LONGEST < name.len() {
        // FNV-1a, whose results are the same in every version.
        let hash = path.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        return folder.join(format!("{hash:016x}"));
    }
    folder.join(OsStr::from_bytes(&name))
}

/// The path of the log that a file with times is of, unless it was too long for a name.
fn log_of(name: &OsStr) -> Option<PathBuf> {
    let name = name.as_bytes();
    let (mut path, mut rest) = (Vec::with_capacity(name.len()), name);
    while let Some((byte, behind)) = rest.split_first() {
        (rest, _) = match (byte, behind.get(..2)) {
            (b'%', Some(b"2F")) => (behind.get(2..)?, path.push(b'/')),
            (b'%', Some(b"25")) => (behind.get(2..)?, path.push(b'%')),
            (byte, _) => (behind, path.push(*byte)),
        };
    }
    path.starts_with(b"/").then(|| PathBuf::from(OsString::from_vec(path)))
}

/// Removes the times of logs that are not there any more. Whether one is, a path that is too long
/// for a name does not say: its times are kept for a year.
pub(crate) fn clean(folder: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let is_there = |path: &Path| path.symlink_metadata().is_ok();
        let is_useless = match log_of(&entry.file_name()) {
            Some(log) => !is_there(&log) && names::packed_there(&log).is_none(),
            None => entry.metadata()?.modified()?.elapsed().is_ok_and(|age| YEAR < age),
        };
        if is_useless {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Gives the times of a log that has a new name to that name.
pub(crate) fn rename(folder: &Path, from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(file_of(folder, from), file_of(folder, to)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}

/// Opens a file with times, no link.
fn open(path: &Path, options: &mut std::fs::OpenOptions) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
    options.custom_flags(flags).open(path)
}

/// Reads which log the times are of, device and inode; `None` when these are no times.
fn head(file: &mut File) -> io::Result<Option<(u64, u64)>> {
    let mut head = [0; HEAD as usize];
    match file.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let (magic, rest) = head.split_at(MAGIC.len());
    Ok(numbers(rest).next().filter(|_| magic == MAGIC))
}

/// Pairs of numbers, as they are written.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = (u64, u64)> {
    let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).unwrap_or(0);
    bytes.chunks_exact(PAIR as usize).map(move |pair| {
        let (first, second) = pair.split_at(8);
        (number(first), number(second))
    })
}

fn pair(first: u64, second: u64) -> [u8; PAIR as usize] {
    let mut pair = [0; PAIR as usize];
    let (of_first, of_second) = pair.split_at_mut(8);
    of_first.copy_from_slice(&first.to_le_bytes());
    of_second.copy_from_slice(&second.to_le_bytes());
    pair
}

#[cfg(test)]
mod tests;
