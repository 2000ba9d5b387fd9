//! The names of rotated files.
//!
//! `app-out.log` becomes `app-out__2026-11-27_10-11-12.log`, and `….log.gz` when it is compressed,
//! as pm2-logrotate has it. A second one of the same second has a number: `….1.log`. A name counts
//! as one of a log's own only if its format could have written it, so that what else lies in the
//! folder is never taken for one and removed.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use jiff::Zoned;

use super::packing::Packing;
use crate::date::DateFormat;

/// The date in the names, unless somebody wants another one.
pub const USUAL_NAMES: &str = "YYYY-MM-DD_HH-mm-ss";
/// What stands between the name of the log and the date.
const BETWEEN: &str = "__";
/// The end of the name of one that is being compressed.
pub(crate) const PART: &str = ".part";

/// How the rotated files of logs are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    format: DateFormat,
}

/// What a name of a rotated file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rotated {
    /// The date as it is written.
    pub date: String,
    /// Which one with this date.
    pub number: u32,
    /// How it is compressed, if it is.
    pub packed: Option<Packing>,
}

impl Default for Names {
    fn default() -> Self {
        Self { format: DateFormat::new(USUAL_NAMES) }
    }
}

impl Names {
    /// Names with this date, in dayjs tokens.
    ///
    /// # Errors
    /// No file can have such a name, or it would say no date.
    pub fn new(format: &str) -> Result<Self, &'static str> {
        if format.contains(['/', '\0']) {
            return Err("it has a character that no file's name may have");
        }
        if 64 < format.len() {
            return Err("it is longer than 64 characters");
        }
        let format = DateFormat::new(format);
        if format.has_tokens() { Ok(Self { format }) } else { Err("it has no part of a date") }
    }

    /// Returns the date in a name.
    pub(crate) fn date(&self, at: &Zoned) -> String {
        self.format.render(at)
    }

    /// Reads the name of a file beside this log; `None` when it is not one of its rotated ones.
    pub(crate) fn read(&self, log: &Path, name: &str) -> Option<Rotated> {
        let (stem, ending) = split(log)?;
        let rest = name.strip_prefix(stem)?.strip_prefix(BETWEEN)?;
        let (rest, packed) = Packing::split(rest);
        let rest = rest.strip_suffix(ending)?;
        let (_, length) = self.format.read(rest)?;
        let (date, number) = rest.split_at_checked(length)?;
        let number = match number.strip_prefix('.') {
            Some(digits) if !digits.starts_with('0') => digits.parse().ok()?,
            None if number.is_empty() => 0,
            Some(_) | None => return None,
        };
        Some(Rotated { date: date.to_owned(), number, packed })
    }
}

impl Rotated {
    /// Which of two of a log is older, where their times are the same.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        self.date.cmp(&other.date).then(self.number.cmp(&other.number))
    }
}

/// Reads the name of a rotated file of a log that nobody knows any more; such a name ends with
/// `.log`, and has the usual date.
pub(crate) fn stray(name: &str) -> Option<Rotated> {
    let (stem, _) = name.rsplit_once(BETWEEN).filter(|(stem, _)| !stem.is_empty())?;
    Names::default().read(Path::new(&format!("{stem}.log")), name)
}

/// Whether it is worth a closer look.
pub(crate) fn may_be_rotated(name: &str) -> bool {
    name.contains(BETWEEN)
}

/// Returns the path of a log that is rotated at this date.
pub(crate) fn path(log: &Path, date: &str, number: u32) -> Option<PathBuf> {
    let (stem, ending) = split(log)?;
    let number = if number == 0 { String::new() } else { format!(".{number}") };
    Some(log.with_file_name(format!("{stem}{BETWEEN}{date}{number}{ending}")))
}

/// Returns the path of a rotated file when it is compressed in this way.
pub(crate) fn packed(path: &Path, packing: Packing) -> PathBuf {
    let mut packed = path.as_os_str().to_owned();
    packed.push(packing.ending());
    packed.into()
}

/// Returns the path at which a rotated file is compressed, and how, if it is there.
pub(crate) fn packed_there(path: &Path) -> Option<(PathBuf, Packing)> {
    let mut all = Packing::ALL.into_iter().map(|packing| (packed(path, packing), packing));
    all.find(|(path, _)| path.symlink_metadata().is_ok())
}

/// Returns the name of a rotated file of which this is a half-compressed one, left by a process
/// that may have died.
pub(crate) fn of_part(name: &str) -> Option<&str> {
    let (rest, maker) = name.strip_suffix(PART)?.rsplit_once('.')?;
    let is_number = !maker.is_empty() && maker.bytes().all(|byte| byte.is_ascii_digit());
    let (rest, packing) = Packing::split(is_number.then_some(rest)?);
    packing.map(|_| rest)
}

/// The name of a log before its ending, and the ending with its dot.
fn split(log: &Path) -> Option<(&str, &str)> {
    let name = log.file_name()?.to_str()?;
    Some(match name.rfind('.') {
        Some(at) if 0 < at => name.split_at(at),
        Some(_) | None => (name, ""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Zoned {
        "2026-11-27T10:11:12Z[UTC]".parse().unwrap()
    }

    #[test]
    fn a_rotated_file_is_called_as_pm2_logrotate_does_it_and_known_by_that() {
        let names = Names::default();
        for (log, first, second) in [
            (
                "/l/app-out.log",
                "app-out__2026-11-27_10-11-12.log",
                "app-out__2026-11-27_10-11-12.1.log",
            ),
            ("/l/plain", "plain__2026-11-27_10-11-12", "plain__2026-11-27_10-11-12.1"),
            ("/l/.hidden", ".hidden__2026-11-27_10-11-12", ".hidden__2026-11-27_10-11-12.1"),
        ] {
            let log = Path::new(log);
            for (number, name) in [(0, first), (1, second)] {
                let date = names.date(&at());
                let path = path(log, &date, number).unwrap();
                assert_eq!(path, log.with_file_name(name));
                let read = |name: &str| names.read(log, name).unwrap();
                assert_eq!(read(name), Rotated { date: date.clone(), number, packed: None });
                for packing in Packing::ALL {
                    let packed = packed(&path, packing);
                    let name = packed.file_name().unwrap().to_str().unwrap();
                    let (date, packed) = (date.clone(), Some(packing));
                    assert_eq!(read(name), Rotated { date, number, packed });
                }
            }
        }
    }

    #[test]
    fn what_else_lies_there_is_not_taken_for_a_rotated_file() {
        let names = Names::default();
        for name in [
            "app-out.log",
            "app-out__x-out.log",
            "app-out__2026-11-27.log",
            "app-out__2026-11-27_10-11-12-1.log",
            "app-out__2026-11-27_10-11-12.01.log",
            "app-out__2026-11-27_10-11-12.log.zip",
            "app-out__2026-11-27_10-11-12.log.gz.77.part",
            "other__2026-11-27_10-11-12.log",
            "app-out-1__2026-11-27_10-11-12.log",
        ] {
            assert_eq!(names.read(Path::new("/l/app-out.log"), name), None, "{name}");
        }
        assert!(stray("gone-out__2026-11-27_10-11-12.2.log.gz").is_some());
        for name in ["gone-out.log", "__2026-11-27_10-11-12.log", "a__2026-11-27.log", "a__b.txt"] {
            assert_eq!(stray(name), None, "{name}");
        }
        let part = "app-out__2026-11-27_10-11-12.log.gz.77.part";
        assert_eq!(of_part(part), Some("app-out__2026-11-27_10-11-12.log"));
        let part = "app-out__2026-11-27_10-11-12.log.zst.77.part";
        assert_eq!(of_part(part), Some("app-out__2026-11-27_10-11-12.log"));
        assert_eq!(of_part("download.part"), None);
        assert_eq!(of_part("x.gz.a.part"), None);
    }

    #[test]
    fn a_date_that_no_name_can_have_is_refused() {
        assert!(Names::new("YYYY-MM-DD").is_ok());
        assert!(Names::new("YYYY/MM").is_err());
        assert!(Names::new("[today]").is_err());
        assert!(Names::new("").is_err());
        assert!(Names::new(&"Y".repeat(65)).is_err());
    }
}
