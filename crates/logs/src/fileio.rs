//! Whole reads and writes at an offset, and a file known by its inode.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::io::{Errno, ReadWriteFlags, pwrite, pwritev2};

/// Writes all of it at this offset, whatever it takes.
pub(crate) fn write_all_at(file: impl AsFd, bytes: &[u8], offset: u64) -> io::Result<()> {
    write_all(bytes, offset, |bytes, offset| pwrite(&file, bytes, offset))
}

/// Writes all of it at the end of the file, which was asked for just before. Whoever empties the
/// file between the two gets no hole of zeros before it: the kernel looks for the end itself.
pub(crate) fn append_all(file: impl AsFd, bytes: &[u8], end: u64) -> io::Result<()> {
    write_all(bytes, end, |bytes, offset| {
        match pwritev2(&file, &[IoSlice::new(bytes)], offset, ReadWriteFlags::APPEND) {
            // An old kernel or file system.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => pwrite(&file, bytes, offset),
            written => written,
        }
    })
}

fn write_all(
    mut bytes: &[u8],
    mut offset: u64,
    write: impl Fn(&[u8], u64) -> Result<usize, Errno>,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match write(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                offset += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Fills the buffer from this offset on.
pub(crate) fn read_exact_at(
    file: &OwnedFd,
    mut bytes: &mut [u8],
    mut offset: u64,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::pread(file, &mut *bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                bytes = bytes.get_mut(read..).unwrap_or_default();
                offset += read as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The file at `path` if it is the one noted, or the one it has been renamed to in the same folder.
pub(crate) fn find_file(path: &Path, inode: (u64, u64)) -> io::Result<Option<OwnedFd>> {
    use std::os::unix::fs::MetadataExt;
    let is_it = |path: &Path| path.metadata().is_ok_and(|meta| (meta.dev(), meta.ino()) == inode);
    let open = |path: &Path| {
        let file = std::fs::OpenOptions::new().write(true).open(path)?;
        // Somebody may have put another in its place meanwhile.
        let meta = file.metadata()?;
        Ok(((meta.dev(), meta.ino()) == inode).then(|| OwnedFd::from(file)))
    };
    if is_it(path) {
        return open(path);
    }
    let Some(folder) = path.parent() else { return Ok(None) };
    for entry in std::fs::read_dir(folder)?.flatten() {
        if is_it(&entry.path()) {
            return open(&entry.path());
        }
    }
    Ok(None)
}
