//! Where in a file lines of a time begin, without reading all that is before them.

use std::fs::File;
use std::io;

use ostler_logs::Packed;

use super::time::LineTime;

/// So much of a file is not worth a search for the place where a time begins, bytes.
const NARROW: u64 = 512 << 10;
/// A line with a time is looked for in so many bytes.
const WINDOW: usize = 64 << 10;

/// What can be read from any place on.
pub(super) trait Text {
    fn length(&self) -> io::Result<u64>;
    fn read_at(&self, room: &mut [u8], place: u64) -> io::Result<usize>;
}

impl Text for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, room: &mut [u8], place: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, room, place)
    }
}

impl Text for Packed {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length())
    }

    fn read_at(&self, room: &mut [u8], place: u64) -> io::Result<usize> {
        self.read_at(room, place)
    }
}

/// The begin of the first line that begins at this place or behind it.
pub(super) fn line_after(file: &dyn Text, place: u64) -> io::Result<u64> {
    let Some(mut before) = place.checked_sub(1) else { return Ok(0) };
    let mut window = vec![0; WINDOW];
    loop {
        let read = file.read_at(&mut window, before)?;
        match memchr::memchr(b'\n', window.get(..read).unwrap_or_default()) {
            Some(at) => return Ok(before + at as u64 + 1),
            None if read == 0 => return Ok(before),
            None => before += read as u64,
        }
    }
}

/// Where in a file lines of this time begin, or somewhat before: the times in it go up.
pub(super) fn begin(file: &dyn Text, since: u64, times: &LineTime) -> io::Result<u64> {
    let (mut low, mut high) = (0, file.length()?);
    while NARROW < high - low {
        let middle = low + (high - low) / 2;
        match time_after(file, middle, times)? {
            Some((place, at)) if at < since && low < place => low = place,
            Some(_) => high = middle,
            // No line of these has a time.
            None => break,
        }
    }
    Ok(low)
}

/// Returns the first line with a time behind this place: where it begins, and the time.
fn time_after(file: &dyn Text, place: u64, times: &LineTime) -> io::Result<Option<(u64, u64)>> {
    let mut window = vec![0; WINDOW];
    let read = file.read_at(&mut window, place)?;
    let window = window.get(..read).unwrap_or_default();
    let mut at = memchr::memchr(b'\n', window).map_or(read, |end| end + 1);
    while let Some(rest) = window.get(at..).filter(|rest| !rest.is_empty()) {
        // One that is cut off may look like another time.
        let Some(length) = memchr::memchr(b'\n', rest) else { break };
        if let Some(time) = times.read(rest.get(..length).unwrap_or_default()).at {
            return Ok(Some((place + at as u64, time)));
        }
        at += length + 1;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use ostler_logs::{Cap, Keep, Log, Names, Packing, Plain, Sweep};

    use super::*;

    /// Compresses the rotated files of a log.
    fn pack(log: &std::path::Path, packing: Packing) {
        let keep = Keep { files: 10, age: None, bytes: None, packing: Some(packing) };
        let names = std::sync::Arc::default();
        let of = Log { path: log.to_owned(), names, keep, begun_before: None };
        let own = log.parent().unwrap().to_owned();
        let (logs, cap) = (vec![of], Cap::None);
        let sweep = Sweep { logs, own, cap, packing: None, times: None };
        let swept = sweep.run(ostler_show::now() + 60_000, &Plain);
        swept.pack.unwrap().run().unwrap();
    }

    #[test]
    fn where_a_time_begins_is_found_in_a_large_file_without_reading_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        let mut text = String::new();
        for second in 0..40_000_u64 {
            let (hour, minute) = (second / 3600, second / 60 % 60);
            writeln!(text, "2026-11-22T{hour:02}:{minute:02}:{:02}Z one", second % 60).unwrap();
            writeln!(text, "    at something without a time").unwrap();
        }
        std::fs::write(&path, &text).unwrap();
        let times = LineTime::new(None);
        let midnight = times.read(text.as_bytes()).at.unwrap();
        let file = File::open(&path).unwrap();
        for second in [0, 1, 12_345, 39_999, 50_000] {
            let since = midnight + second * 1000;
            let place = begin(&file, since, &times).unwrap();
            let rest = &text[usize::try_from(place).unwrap()..];
            assert!(rest.starts_with("2026") && times.read(rest.as_bytes()).at.unwrap() <= since);
            let before = (rest.len() as u64).saturating_sub(NARROW);
            let last = text.len() as u64 / 40_000 * (40_000_u64.saturating_sub(second));
            assert!(before <= last, "{second}: {} bytes are read", rest.len());
        }
        for packing in Packing::ALL {
            let written = path.metadata().unwrap().modified().unwrap();
            let dates = [Names::default()];
            let rotated = dir.path().join("b__2026-11-22_23-00-00.log");
            std::fs::write(&rotated, &text).unwrap();
            File::options().append(true).open(&rotated).unwrap().set_modified(written).unwrap();
            pack(&dir.path().join("b.log"), packing);
            let past = ostler_logs::history(&dir.path().join("b.log"), &dates).unwrap();
            let packed = past[0].packed().unwrap().unwrap();
            for second in [0, 12_345, 39_999] {
                let since = midnight + second * 1000;
                let found = begin(&packed, since, &times).unwrap();
                assert_eq!(found, begin(&file, since, &times).unwrap());
            }
            std::fs::remove_file(&past[0].path).unwrap();
        }
        std::fs::write(&path, "no time\n".repeat(200_000)).unwrap();
        assert_eq!(begin(&File::open(&path).unwrap(), midnight, &times).unwrap(), 0);
    }
}
