//! The mark of a home: what its control groups are called, and what its processes carry.
//!
//! Whoever has the mark takes what runs under it for its own. So it is random, not made of the
//! path, which a second manager has as well when the home is deleted or moved under the first; and
//! the file says which file it is, so that the copy of a home has no mark.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::daemon_log;
use crate::files;

/// The file in the home.
pub const NAME: &str = "ostler.mark";

/// Where a home may have its mark from.
#[derive(Debug)]
pub struct Origin<'a> {
    /// What the keeper holds the mark of, if there is an earlier daemon.
    pub kept: Option<String>,
    /// A daemon was here that may have been of a version which made the mark of the path.
    pub visited: bool,
    /// The home that it marks.
    pub home: &'a Path,
}

impl Origin<'_> {
    /// Returns the mark, and sees to it that the file has it.
    ///
    /// # Errors
    /// It cannot be read for now, in words for a person. With another one, what runs under it would
    /// be started a second time.
    pub fn mark(self) -> Result<String, String> {
        let there = read(self.home);
        let mark = match (self.kept, &there) {
            (Some(kept), _) => kept,
            (None, Ok(There::Mark(mark))) => mark.clone(),
            (None, Ok(There::Nothing)) if self.visited => of_path(self.home),
            (None, Ok(There::Nothing)) => random(),
            (None, Ok(There::NotOurs(why))) => {
                let path = self.home.join(NAME);
                daemon_log::error(format!("ignored `{}`: {why}", path.display()));
                random()
            }
            (None, Err(error)) => {
                return Err(format!(
                    "could not read `{}`: {error}",
                    self.home.join(NAME).display()
                ));
            }
        };
        if !there.is_ok_and(|there| there.is(&mark)) {
            write(self.home, &mark);
        }
        Ok(mark)
    }
}

/// Whether the home has this mark.
pub fn is_there(home: &Path, mark: &str) -> bool {
    read(home).is_ok_and(|there| there.is(mark))
}

/// Writes the mark.
pub fn write(home: &Path, mark: &str) {
    if let Err(error) = try_write(home, mark) {
        let path = home.join(NAME);
        daemon_log::error(format!("could not write `{}`: {error}", path.display()));
    }
}

fn try_write(home: &Path, mark: &str) -> io::Result<()> {
    let path = home.join(NAME);
    let new = files::beside(&path, format!(".{}", std::process::id()));
    let mut file = files::create(&new, 0o600)?;
    // A file that is renamed stays the same file.
    let meta = file.metadata()?;
    file.write_all(format!("{mark} {} {}\n", meta.dev(), meta.ino()).as_bytes())?;
    std::fs::rename(&new, path)
}

/// What is in the place of the mark.
#[derive(Debug, PartialEq, Eq)]
enum There {
    Nothing,
    /// The mark of a home, this one's or another's.
    Mark(String),
    /// Something that is no mark of this home, and why.
    NotOurs(String),
}

impl There {
    fn is(&self, mark: &str) -> bool {
        matches!(self, Self::Mark(there) if there == mark)
    }
}

/// Looks for the mark.
fn read(home: &Path) -> io::Result<There> {
    let options = File::options()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(home.join(NAME));
    let mut file = match options {
        Ok(file) => file,
        Err(error) => {
            return match error.raw_os_error() {
                Some(libc::ENOENT) => Ok(There::Nothing),
                // A link.
                Some(libc::ELOOP) => Ok(There::NotOurs(error.to_string())),
                _ => Err(error),
            };
        }
    };
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Ok(There::NotOurs("it is no file".to_owned()));
    }
    let mut bytes = Vec::new();
    io::Read::by_ref(&mut file).take(256).read_to_end(&mut bytes)?;
    let parsed = parse(&String::from_utf8_lossy(&bytes), (meta.dev(), meta.ino()));
    Ok(parsed.map_or_else(There::NotOurs, There::Mark))
}

fn parse(text: &str, own: (u64, u64)) -> Result<String, String> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [mark, dev, ino] = words.as_slice() else { return Err("it is no mark".to_owned()) };
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if mark.len() != 16 || !mark.bytes().all(is_digit) {
        return Err("it is no mark".to_owned());
    }
    if (dev.parse(), ino.parse()) != (Ok(own.0), Ok(own.1)) {
        return Err("it is a copy, and what runs under it is another home's".to_owned());
    }
    Ok((*mark).to_owned())
}

fn random() -> String {
    let mut bytes = [0_u8; 8];
    match rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty()) {
        Ok(_) => format!("{:016x}", u64::from_ne_bytes(bytes)),
        Err(error) => {
            daemon_log::error(format!("no random numbers: {error}; the mark follows the time"));
            let own = u64::from(std::process::id());
            format!("{:016x}", hash(&[own, crate::clock::wall()].map(u64::to_ne_bytes).concat()))
        }
    }
}

/// The mark that earlier versions gave a home: its path, hashed.
fn of_path(home: &Path) -> String {
    let path: PathBuf = std::fs::canonicalize(home).unwrap_or_else(|_| home.to_owned());
    format!("{:016x}", hash(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())))
}

/// FNV-1a, the same in every version.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(home: &Path, kept: Option<&str>, visited: bool) -> String {
        Origin { kept: kept.map(str::to_owned), visited, home }.mark().unwrap()
    }

    #[test]
    fn two_homes_of_one_path_have_two_marks_and_each_keeps_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        let first = mark(&home, None, false);
        assert_eq!(mark(&home, None, false), first);
        std::fs::remove_dir_all(&home).unwrap();
        std::fs::create_dir(&home).unwrap();
        let second = mark(&home, None, false);
        assert_ne!(first, second);
        assert_eq!(mark(&home, Some(&first), false), first, "an earlier daemon's mark stays");
        assert!(is_there(&home, &first));
    }

    #[test]
    fn a_copied_home_gets_a_mark_of_its_own_and_a_moved_one_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let [home, copy, moved] = ["home", "copy", "moved"].map(|name| folder.path().join(name));
        std::fs::create_dir(&home).unwrap();
        std::fs::create_dir(&copy).unwrap();
        let first = mark(&home, None, false);
        std::fs::copy(home.join(NAME), copy.join(NAME)).unwrap();
        assert_ne!(mark(&copy, None, true), first);
        std::fs::rename(&home, &moved).unwrap();
        assert_eq!(mark(&moved, None, true), first);
    }

    #[test]
    fn what_an_earlier_version_runs_is_found_under_the_mark_of_the_path() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(mark(home.path(), None, true), of_path(home.path()));
        assert_eq!(mark(home.path(), None, false), of_path(home.path()), "it is in the file now");
    }

    #[test]
    fn a_mark_that_cannot_be_read_is_not_replaced_by_another() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let home = file.path();
        let origin = |kept| Origin { kept, visited: true, home };
        assert!(origin(None).mark().unwrap_err().contains("could not read"));
        assert_eq!(origin(Some("0123456789abcdef".to_owned())).mark().unwrap(), "0123456789abcdef");
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(NAME)).unwrap();
        assert!(matches!(read(home.path()), Ok(There::NotOurs(_))));
    }

    #[test]
    fn what_is_no_mark_is_not_taken_for_one() {
        let own = (1, 2);
        assert_eq!(parse("0123456789abcdef 1 2\n", own), Ok("0123456789abcdef".to_owned()));
        for text in ["", "0123456789abcdef", "../../../../etc/ 1 2", "0123456789abcdeF 1 2"] {
            assert_eq!(parse(text, own), Err("it is no mark".to_owned()), "{text}");
        }
        assert!(parse("0123456789abcdef 1 3", own).unwrap_err().contains("copy"));
    }
}
