//! All files that a log was written to: the rotated ones, the compressed ones, the current one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::names::{self, Names, Rotated};
use super::packed::Packed;
use super::packing::{Packing, Unpacked};
use crate::place::millis;

/// A rotated file of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Where it is.
    pub path: PathBuf,
    /// How it is compressed, if it is.
    pub packed: Option<Packing>,
    /// When it was last written to, ms since 1970: each of its lines was written before.
    pub written: u64,
    /// Its length, compressed or not.
    pub size: u64,
}

impl Past {
    /// Opens it; what is read are its lines, compressed or not.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn open(&self) -> io::Result<Unpacked> {
        let file = File::open(&self.path)?;
        match self.packed {
            Some(packing) => packing.reader(file),
            None => Ok(Box::new(file)),
        }
    }

    /// Opens it to be read from any place on; `None` when it is not compressed, or does not say
    /// where its pieces are.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn packed(&self) -> io::Result<Option<Packed>> {
        let Some(packing) = self.packed else { return Ok(None) };
        Packed::of(File::open(&self.path)?, packing)
    }
}

/// Returns the rotated files of a log, the oldest first; one that is being compressed only once.
///
/// # Errors
/// Its folder is there and cannot be read.
pub fn history(log: &Path, names: &[Names]) -> io::Result<Vec<Past>> {
    let real = log.canonicalize().unwrap_or_else(|_| log.to_owned());
    let Some(folder) = real.parent() else { return Ok(Vec::new()) };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found: Vec<(Past, Rotated)> = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let Some(rotated) = names.iter().find_map(|names| names.read(&real, &name)) else {
            continue;
        };
        let meta = match entry.metadata() {
            // It went meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            meta => meta?,
        };
        if meta.is_file() {
            let written = millis(&meta);
            let (path, packed, size) = (entry.path(), rotated.packed, meta.len());
            found.push((Past { path, packed, written, size }, rotated));
        }
    }
    found.sort_by(|(a, of_a), (b, of_b)| {
        let packed_first = of_b.packed.is_some().cmp(&of_a.packed.is_some());
        a.written.cmp(&b.written).then(of_a.order(of_b)).then(packed_first)
    });
    // The compressed file is whole as soon as it has its name; its original goes next.
    found.dedup_by(|(later, _), (first, _)| {
        first.packed.is_some_and(|of| first.path == names::packed(&later.path, of))
    });
    Ok(found.into_iter().map(|(past, _)| past).collect())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn the_files_of_a_log_come_oldest_first_and_one_that_is_being_compressed_once() {
        let dir = tempfile::tempdir().unwrap();
        let place = |name: &str| dir.path().join(name);
        let of_day = |day: u32| place(&format!("a__2026-11-{day:02}_00-00-00.log"));
        let moment = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1000);
        let put = |path: &Path, text: &[u8]| {
            std::fs::write(path, text).unwrap();
            File::options().append(true).open(path).unwrap().set_modified(moment).unwrap();
        };
        for day in [3, 2, 1] {
            put(&of_day(day), format!("{day}\n").as_bytes());
        }
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(b"1\n").unwrap();
        put(&names::packed(&of_day(1), Packing::Gzip), &packer.finish().unwrap());
        let packed = names::packed(&of_day(2), Packing::Zstd);
        put(&packed, &Packing::Zstd.packer().unwrap().pack(b"2\n").unwrap());
        put(&place("a__x.log"), b"another's");
        std::fs::write(place("a.log"), "now\n").unwrap();
        let all = history(&place("a.log"), &[Names::default()]).unwrap();
        let mut text = String::new();
        for past in &all {
            past.open().unwrap().read_to_string(&mut text).unwrap();
        }
        assert_eq!(text, "1\n2\n3\n");
        assert!(all[0].packed.is_some() && all[0].written == 1_000_000);
        assert!(history(&place("none/a.log"), &[]).unwrap().is_empty());
    }
}
