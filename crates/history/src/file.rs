//! The file of a process.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

use crate::ring::{DAY, HEAD, HOUR, Ring, Sample, Usage, encode, merge};

/// The folder in a home.
pub const FOLDER: &str = "ostler.history";
/// What a file begins with; the digit is the version of all that follows.
const MAGIC: &[u8; 8] = b"OSTHIST2";
/// The file of a process that is in the list no more goes after this.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Writes what a process used at this time, seconds since 1970. `who` is its app: numbers are given
/// again, and the figures of another app are no history of this one.
///
/// # Errors
/// Whatever the system says.
pub fn put(home: &Path, id: u32, who: &str, at: u64, usage: Usage) -> io::Result<()> {
    let file = match open(home, id, true) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match DirBuilder::new().mode(0o700).create(home.join(FOLDER)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Ok(()) | Err(_) => open(home, id, true)?,
            }
        }
        opened => opened?,
    };
    let head = head(who);
    if !is_of(&file, &head)? {
        file.set_len(0)?;
        file.set_len(length())?;
        file.write_all_at(&head, 0)?;
    }
    let number = HOUR.number(at);
    file.write_all_at(&encode(number, usage), HOUR.place(number))?;
    let of_hour = samples(&file, HOUR, at)?;
    let began = at - at % u64::from(DAY.step);
    let from = of_hour.partition_point(|sample| sample.at < began);
    if let Some(usage) = merge(of_hour.get(from..).unwrap_or_default()) {
        let number = DAY.number(at);
        file.write_all_at(&encode(number, usage), DAY.place(number))?;
    }
    Ok(())
}

/// What a process used until this time, oldest first; nothing where nobody wrote it down.
///
/// # Errors
/// Whatever the system says.
pub fn read(home: &Path, id: u32, who: &str, ring: Ring, now: u64) -> io::Result<Vec<Sample>> {
    let file = match open(home, id, false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    match is_of(&file, &head(who))? {
        true => samples(&file, ring, now),
        false => Ok(Vec::new()),
    }
}

/// Takes the files away of processes that are in the list no more, a day after their last figure.
///
/// # Errors
/// Whatever the system says.
pub fn forget_others(home: &Path, is_there: impl Fn(u32) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(home.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let is_old = |written: SystemTime| written.elapsed().is_ok_and(|age| KEPT < age);
        if id.is_some_and(|id| !is_there(id)) && is_old(entry.metadata()?.modified()?) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn path(home: &Path, id: u32) -> PathBuf {
    home.join(FOLDER).join(id.to_string())
}

fn open(home: &Path, id: u32, write: bool) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let mut options = OpenOptions::new();
    options.read(true).write(write).create(write).mode(0o600).custom_flags(flags);
    options.open(path(home, id))
}

/// The first bytes of the file of an app. A name that is longer is told by its first part.
fn head(who: &str) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    let bytes = MAGIC.iter().chain(who.as_bytes());
    head.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    head
}

/// Whether a file is whole, and of the app that this is the head of.
fn is_of(file: &File, head: &[u8; HEAD]) -> io::Result<bool> {
    if file.metadata()?.len() != length() {
        return Ok(false);
    }
    let mut found = [0; HEAD];
    file.read_exact_at(&mut found, 0)?;
    Ok(found == *head)
}

/// Bytes of a file.
fn length() -> u64 {
    let (begin, records) = DAY.extent();
    begin + records as u64
}

fn samples(file: &File, ring: Ring, now: u64) -> io::Result<Vec<Sample>> {
    let (begin, length) = ring.extent();
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, begin)?;
    Ok(ring.samples(&bytes, now))
}

#[cfg(test)]
mod tests;
